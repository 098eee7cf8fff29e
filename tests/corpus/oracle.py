# SPDX-License-Identifier: MIT
"""Compares the requests that the daemon lists with what others saw in a capture.

Four sources, each with what it can tell and no more:

    zeek     a row for each request: method, host, target, status
    arkime   a row for each session: the sets of its methods, URIs, statuses
    ndpi     a row for each flow: URI and status of its first request; when the flow
             shows no answer, the URI of its last and no status
    tshark   a row for each request: method, host, target; no status

A request of ours is *confirmed* when one source has it. A request of theirs that we
lack is *missing*; one of ours that none confirms is *extra*; one that a source
confirms but for its status has the *status* wrong. Requests are compared within
their connection; which end of it is called the source does not matter.

What each tool does to a text before it prints it is undone on both sides: a target
is split the same way, hosts are lower case without port, and bytes outside of
printable ASCII are one mark, because every tool prints them differently. zeek
decodes what is percent-encoded, so against zeek both sides are decoded.
"""
import collections
import ipaddress
import itertools
import re
import urllib.parse

Request = collections.namedtuple("Request", "connection method host target status")
Difference = collections.namedtuple("Difference", "kind source what")


def plain(text):
    """Printable ASCII; a run of anything else, in whatever notation, is one mark."""
    text = re.sub(r"(?:\\x[0-9a-fA-F]{2}|[^\x21-\x7e])+", "?", text or "")
    return text


def host_of(text):
    text = plain(text).lower().rstrip(".")
    bracket = re.match(r"\[([^]]*)\](:\d*)?$", text)
    if bracket:
        return bracket[1]
    return re.sub(r":\d*$", "", text)


def split_target(method, target, host):
    """The host asked for and the target without it (RFC 9112, section 3.2)."""
    target = plain(target)
    absolute = re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://([^/?#]*)(.*)$", target)
    if absolute:
        return host_of(absolute[1].rsplit("@", 1)[-1]), absolute[2] or "/"
    if method == "CONNECT":
        return host_of(target), ""
    return host_of(host), target


def end(address, port):
    """One end of a connection; of nested headers (divided by \\x01) the innermost."""
    address = ipaddress.ip_address(address.split("\1")[-1])
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address), int(str(port).split("\1")[-1])


def connection(row, source_port, destination_port):
    return frozenset((end(row["src"], row[source_port]), end(row["dst"], row[destination_port])))


def whole_number(text):
    return int(text) if str(text).isdigit() and int(text) else None


def from_daemon(line):
    """One object of --print requests."""
    url, http = line["url"], line["http"]
    method = plain(http["request"]["method"])
    target = url.get("path", "") + ("?" + url["query"] if "query" in url else "")
    host, target = split_target(method, target, url.get("domain"))
    if method == "CONNECT":
        host = host_of(url.get("domain"))
    ends = (end(line[side]["ip"], line[side]["port"]) for side in ("source", "destination"))
    return Request(frozenset(ends), method, host, target,
                   http.get("response", {}).get("status_code"))


def from_tshark(row):
    """Several requests that one frame completes stand in one row, as lists."""
    def each(name):
        value = row.get(name)
        return value if isinstance(value, list) else [value]

    where = connection(row, "sport", "dport")
    if "h2_method" in row:
        host, target = split_target(row["h2_method"], row["h2_path"],
                                    row["h2_authority"].rsplit("@", 1)[-1])
        yield Request(where, plain(row["h2_method"]), host, target, None)
        return
    for method, uri, name in itertools.zip_longest(each("method"), each("uri"), each("host")):
        host, target = split_target(method, uri, name)
        yield Request(where, plain(method), host, target, None)


def from_zeek(row):
    given = {name: "" if row[name] == "-" else row[name] for name in ("method", "host", "uri")}
    host, target = split_target(given["method"], given["uri"], given["host"])
    return decoded(Request(connection(row, "src_port", "dst_port"), plain(given["method"]), host,
                           target, whole_number(row["status"])))


def decoded(request):
    """As zeek prints it."""
    return request._replace(target=plain(urllib.parse.unquote(request.target)))


def join_uri(host, target):
    """As arkime and nDPI write it: host and target without a separator."""
    return host + target


def split_uri(text):
    """A joined URI in our form: the host is lower case and has no port."""
    text = re.sub(r"^[a-zA-Z][a-zA-Z0-9+.-]*://", "", plain(text))
    if "/" not in text:
        return host_of(text)
    host, rest = text.split("/", 1)
    return join_uri(host_of(host), "/" + rest)


class Expected:
    """All that the sources say about one capture."""

    def __init__(self, published, tshark):
        self.is_empty = not published and not tshark
        # zeek's rows without a method are answers whose request it did not see.
        self.zeek = [from_zeek(row) for row in published
                     if row["source"].startswith("zeek") and row["method"] != "-"]
        # A row without a TCP port is HTTP over UDP (SSDP), which is another protocol.
        self.tshark = [
            request for row in tshark
            if (row.get("method") or row.get("h2_method")) and row["sport"] and not row.get("decrypted_from_tls")
            for request in from_tshark(row)]
        self.arkime, self.ndpi = {}, {}
        for row in published:
            where = connection(row, "src_port", "dst_port")
            if row["source"].startswith("arkime"):
                self.add_session(where, row)
            elif row["source"].startswith("nDPI") and row.get("uri"):
                self.ndpi.setdefault(where, []).append(
                    (split_uri(row["uri"]), whole_number(row.get("status"))))

    def add_session(self, where, row):
        """Sessions that a capture splits in pieces are one here."""
        session = self.arkime.setdefault(where, {"method": set(), "uri": set(), "status": set()})
        session["method"].update(plain(one) for one in row["method"] or ())
        session["uri"].update(split_uri(one) for one in row["uri"] or ())
        session["status"].update(row["status"] or ())


def show(request, status=True):
    words = [request.method, request.host or "-", request.target or "-"]
    return " ".join(words + [str(request.status or "-")] * status)


def joined(request):
    return join_uri(request.host, request.target)


def without_status(requests):
    return collections.Counter(request._replace(status=None) for request in requests)


def missing(expected, ours):
    """What a source has and we have not."""
    left = collections.Counter(decoded(request) for request in ours)
    for wanted in expected.zeek:
        if left[wanted]:
            left[wanted] -= 1
        else:
            yield Difference("missing", "zeek", show(wanted))
    by_connection = collections.defaultdict(list)
    for request in ours:
        by_connection[request.connection].append(request)
    for where, session in expected.arkime.items():
        there = by_connection[where]
        got = {"method": {one.method for one in there}, "uri": {joined(one) for one in there},
               "status": {one.status for one in there}}
        for field, wanted in session.items():
            for value in wanted - got[field]:
                yield Difference("missing", "arkime", f"{field} {value}")
    for where, flows in expected.ndpi.items():
        there = by_connection[where]
        for uri, status in flows:
            looked_at = there[:1] if status else there
            if not any(joined(one) == uri and status in (None, one.status)
                       for one in looked_at):
                yield Difference("missing", "ndpi", f"{uri} {status or '-'}")
    for request, count in (without_status(expected.tshark) - without_status(ours)).items():
        yield from [Difference("missing", "tshark", show(request, status=False))] * count


def statuses_for(expected, request, is_first):
    """Those that sources give to this request; empty when none of them has it."""
    given = {one.status for one in expected.zeek
             if one._replace(status=None) == decoded(request)._replace(status=None)}
    session = expected.arkime.get(request.connection)
    if session and request.method in session["method"] and joined(request) in session["uri"]:
        given |= session["status"]
    if is_first:
        given |= {status for uri, status in expected.ndpi.get(request.connection, ())
                  if uri == joined(request)}
    return given


def unconfirmed(expected, ours):
    """What we have and no source confirms."""
    more_than_tshark = without_status(ours) - without_status(expected.tshark)
    known_connections = set()
    for request in ours:
        is_first = request.connection not in known_connections
        known_connections.add(request.connection)
        given = statuses_for(expected, request, is_first)
        if given - {None} and request.status not in given:
            yield Difference("status", "any", show(request))
        bare = request._replace(status=None)
        if more_than_tshark[bare]:
            more_than_tshark[bare] -= 1
            if not given:
                yield Difference("extra", "any", show(request))


def differences(expected, ours):
    return sorted([*missing(expected, ours), *unconfirmed(expected, ours)])
