# SPDX-License-Identifier: MIT
"""The comparator: each source can confirm and contradict, and no more than it knows."""
import oracle

CLIENT, SERVER = ("192.0.2.7", 1234), ("192.0.2.80", 80)
WHERE = {"src": CLIENT[0], "dst": SERVER[0]}
PUBLISHED = dict(WHERE, src_port="1234", dst_port="80")


def ours(method="GET", path="/a", host="example.org", status=200, client=CLIENT):
    line = {"source": {"ip": client[0], "port": client[1]},
            "destination": {"ip": SERVER[0], "port": SERVER[1]},
            "http": {"request": {"method": method}}, "url": {}}
    if status:
        line["http"]["response"] = {"status_code": status}
    path, _, query = path.partition("?")
    line["url"].update({name: value for name, value in
                        (("path", path), ("query", query), ("domain", host)) if value})
    return oracle.from_daemon(line)


def tshark(uri="/a", method="GET", host="example.org", **more):
    return dict(WHERE, sport="1234", dport="80", method=method, uri=uri, host=host, **more)


def zeek(uri="/a", status="200", method="GET", host="example.org"):
    return dict(PUBLISHED, source="zeek baseline", method=method, host=host, uri=uri,
                status=status)


def arkime(uri, status, method=("GET",)):
    return dict(PUBLISHED, source="arkime .test", method=list(method), uri=list(uri),
                status=list(status))


def ndpi(uri, status):
    return dict(PUBLISHED, source="nDPI result", uri=uri, status=status)


def kinds(requests, published=(), seen=()):
    found = oracle.differences(oracle.Expected(published, seen), requests)
    return [(one.kind, one.source) for one in found]


def test_agreement_is_no_difference():
    assert kinds([ours()], [zeek()], [tshark()]) == []
    assert kinds([ours()], [arkime(["example.org/a"], [200])]) == []
    assert kinds([ours()], [ndpi("example.org/a", "200")]) == []


def test_what_a_source_has_must_be_there():
    assert kinds([], [zeek()]) == [("missing", "zeek")]
    assert kinds([], [], [tshark()]) == [("missing", "tshark")]
    assert kinds([], [ndpi("example.org/a", "200")]) == [("missing", "ndpi")]
    assert kinds([], [arkime(["example.org/a"], [200])]) == [("missing", "arkime")] * 3


def test_two_of_a_kind_are_two():
    assert kinds([ours()], [], [tshark(), tshark()]) == [("missing", "tshark")]
    assert kinds([ours(), ours()], [], [tshark()]) == [("extra", "any")]
    assert kinds([ours()], [zeek(), zeek()]) == [("missing", "zeek")]


def test_what_no_source_has_is_extra():
    assert kinds([ours(path="/b")], [], [tshark()]) == [("extra", "any"), ("missing", "tshark")]
    assert kinds([ours()]) == [("extra", "any")]
    assert kinds([ours(client=("192.0.2.8", 1234))], [], [tshark()]) == \
        [("extra", "any"), ("missing", "tshark")]


def test_any_one_source_is_enough():
    assert kinds([ours(), ours(path="/b")], [zeek()], [tshark("/b"), tshark()]) == []


def test_a_wrong_status_is_told():
    assert kinds([ours(status=404)], [zeek()]) == [("missing", "zeek"), ("status", "any")]
    assert kinds([ours(status=404)], [arkime(["example.org/a"], [200])]) == \
        [("missing", "arkime"), ("status", "any")]
    assert kinds([ours(status=None)], [zeek()], [tshark()]) == \
        [("missing", "zeek"), ("status", "any")]


def test_ndpi_speaks_of_the_first_request_only():
    first, second = ours(status=401), ours(status=200)
    assert kinds([first, second], [ndpi("example.org/a", "401")], [tshark(), tshark()]) == []
    assert kinds([second, first], [ndpi("example.org/a", "401")], [tshark(), tshark()]) == \
        [("missing", "ndpi"), ("status", "any")]


def test_forms_of_a_target_are_one():
    assert kinds([ours()], [], [tshark("http://example.org:80/a", host="proxy.example")]) == []
    assert kinds([ours(path="/a?b=1")], [ndpi("http://example.org/a?b=1", "200")]) == []
    assert kinds([ours(host="Example.ORG:8080")], [], [tshark()]) == []
    assert kinds([ours(path="/a%20b?c")], [zeek("/a b?c")]) == []
    assert kinds([ours(path="/\u00fc")], [], [tshark("/\\xc3\\xbc")]) == []


def test_several_requests_of_one_frame_are_several():
    seen = tshark(["/a", "/b"], method=["GET", "GET"], host=["example.org", "example.org"])
    assert kinds([ours(), ours(path="/b")], [], [seen]) == []
    assert kinds([ours()], [], [seen]) == [("missing", "tshark")]


def test_what_a_passive_reader_cannot_see_is_not_asked_for():
    assert kinds([], [], [tshark(decrypted_from_tls=True)]) == []
    assert kinds([], [], [dict(tshark(), sport=None, dport=None)]) == []
    assert kinds([], [zeek(method="-")]) == []
