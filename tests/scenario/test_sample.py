# SPDX-License-Identifier: MIT
"""Only one in so many visitors is looked at (limits.sample, and what overload does).

Each is whole or absent: of captures of real clients and of ones that are made up, what
comes out with a sample is what comes out without one, less all that some visitors did.
Who is in a small sample is in each larger one. A scraper in the sample is found with the
number that it has without one; a group has the number that it would have, about.
"""

import collections
import json
import os
import pathlib
import struct
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("TRAWLWATCH_BIN", ROOT / "build" / "bin"))
CAPTURES = ROOT / "tests" / "captures"
SITE = ROOT / "rules" / "sites" / "profile-network.yaml"
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import made_capture  # noqa: E402

SHARES = ["1/2", "1/4", "1/8", "1/16", "1/32", "1/64"]
PROXY = "10.0.0.1"
MAP = """
client: { trusted_proxies: [10.0.0.0/8], header: X-Forwarded-For, prefix: { ipv4: 16 } }
pages: [{ name: profile, path: "/in/{target}" }]
"""
RULES = """
rules:
  - name: scraper
    description: One visitor.
    severity: low
    per: client.host
    again: 1s
    when: count(1h) >= 100 and distinct(target, 1h) >= 50
  - name: crowd
    description: Many of them.
    severity: low
    per_each: [client.prefix, all]
    again: 1s
    when: count(1h) >= 100 and sum(response.bytes, 1h) > 0 and distinct(target, 1h) > 0
          and share(status == 404, 1h) > 0
"""
SCRAPERS = [f"203.0.113.{i}" for i in range(40)]
PEOPLE = 3000
PAGES = 4  # that each of them opens


def run(capture, site, *options, rules="none", what="requests"):
    """The lines that are printed, and the counters."""
    command = [BIN / "trawlwatchd", "-r", capture, "-s", site, "-R", rules, "--print", what,
               "--stats"]
    for option in options:
        command += ["-o", option]
    done = subprocess.run(command, capture_output=True, check=True)
    return done.stdout.splitlines(), json.loads(done.stderr.splitlines()[-1])


def visitor(line):
    return json.loads(line)["client"]["ip"]


@pytest.mark.parametrize("name", ["first-light", "proxy-v2", "http2", "pipelines", "streams"])
def test_real_visitors_are_whole_or_absent(name):
    capture = CAPTURES / f"{name}.pcap"
    whole, plain = run(capture, SITE)
    before = set(map(visitor, whole))
    assert plain["requests_sampled_out_total"] == 0
    for share in SHARES:
        some, counters = run(capture, SITE, f"limits.sample={share}")
        seen = set(map(visitor, some))
        assert some == [line for line in whole if visitor(line) in seen]
        assert seen <= before
        assert counters["requests_sampled_out_total"] == len(whole) - len(some)
        assert counters["requests_total"] == plain["requests_total"]
        before = seen


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Scrapers and people, as peers and behind a proxy; a map and rules."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "site.yaml").write_text(MAP)
    (folder / "rules.yaml").write_text(RULES)
    hits = [(i * 6 + k, client, f"/in/s{i}", 200)
            for i in range(120) for k, client in enumerate(SCRAPERS)]
    hits += [(7 * person % 6000, f"198.51.{person // 250}.{person % 250}",
              f"/in/p{(person * PAGES + page) % 900}", 404 if page == 0 else 200)
             for page in range(PAGES) for person in range(PEOPLE)]
    hits = sorted(enumerate(hits), key=lambda hit: (hit[1][0], hit[0]))
    for name, peer in (("direct", None), ("behind", PROXY)):
        with open(folder / name, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535,
                                   made_capture.LINKTYPE_RAW))
            for number, (_, (at, client, path, status)) in enumerate(hits):
                request = (f"GET {path} HTTP/1.1\r\nHost: x\r\n" +
                           (f"X-Forwarded-For: {client}\r\n" if peer else "") +
                           "\r\n").encode()
                response = f"HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\nok".encode()
                connection = made_capture.connection(peer or client, 20000 + number % 40000,
                                                     request, response)
                for step, data in enumerate(connection):
                    micros = at * 100_000 + number % 50 * 100 + step
                    file.write(struct.pack("<IIII",
                                           made_capture.BEGIN + micros // 1_000_000,
                                           micros % 1_000_000, len(data), len(data)) + data)
    return folder


def alerts(made, name, *options):
    """The evidence and the rest of the last alert for each rule and subject."""
    lines, counters = run(made / name, made / "site.yaml", *options,
                          rules=made / "rules.yaml", what="alerts")
    last = {}
    for alert in map(json.loads, lines):
        own = alert["trawlwatch"]
        last[alert["rule"]["name"], own["subject"]["value"]] = (
            {e["expression"]: e for e in own["evidence"]}, own)
    return last, counters


@pytest.mark.parametrize("name", ["direct", "behind"])
def test_visitors_keep_their_numbers_and_groups_too(made, name):
    whole, plain = alerts(made, name)
    for share in ("1/2", "1/4", "1/8"):
        some, counters = alerts(made, name, f"limits.sample={share}")
        part = eval(share)  # pylint: disable=eval-used
        caught = [key for key in some if key[0] == "scraper"]
        assert 0 < len(caught) < len(SCRAPERS)
        for key in caught:
            assert some[key][0] == whole[key][0]  # values, and no lower bounds
            assert some[key][1]["missed"] == pytest.approx(1 - part, abs=0.01)
        assert len([key for key in whole if key[0] == "scraper"]) == len(SCRAPERS)
        for key in (("crowd", "all"), ("crowd", "198.51.0.0/16")):
            evidence, truth = some[key][0], whole[key][0]
            # Five standard errors of who is in the sample: people, and what scrapers add.
            alike = {"198.51.0.0/16": 5 * PAGES * (PEOPLE * (1 / part - 1)) ** 0.5}
            alike["all"] = (alike["198.51.0.0/16"] ** 2 +
                            (5 * 120) ** 2 * len(SCRAPERS) * (1 / part - 1)) ** 0.5
            count = evidence["count(1h)"]["value"]
            assert count == pytest.approx(truth["count(1h)"]["value"], abs=alike[key[1]])
            assert count > 0.6 * truth["count(1h)"]["value"]
            assert evidence["sum(response.bytes, 1h)"]["value"] / count == pytest.approx(
                truth["sum(response.bytes, 1h)"]["value"] / truth["count(1h)"]["value"])
            assert evidence["share(status == 404, 1h)"]["value"] == pytest.approx(
                truth["share(status == 404, 1h)"]["value"], abs=0.1)
            distinct = evidence["distinct(target, 1h)"]
            assert distinct.pop("lower_bound") is True
            assert distinct["value"] <= 1.06 * truth["distinct(target, 1h)"]["value"]
            assert "lower_bound" not in evidence["count(1h)"]
            assert "lower_bound" not in truth["distinct(target, 1h)"]
        if name == "direct":
            out = counters["flows_sampled_out_total"]
            assert out + counters["flows_total"] == plain["flows_total"]
            assert counters["requests_sampled_out_total"] == 0
        else:
            out = counters["requests_sampled_out_total"]
            assert out + counters["transactions_total"] == plain["transactions_total"]
            assert counters["flows_sampled_out_total"] == 0
        assert out == pytest.approx((1 - part) * plain["flows_total"], rel=0.2)


def test_a_peer_and_one_behind_a_proxy_are_one_visitor(made):
    for share in ("1/2", "1/8"):
        seen = [collections.Counter(map(visitor, run(made / name, made / "site.yaml",
                                                     f"limits.sample={share}")[0]))
                for name in ("direct", "behind")]
        assert seen[0] == seen[1]
        assert set(seen[0].values()) == {PAGES, 120}


def test_a_share_that_is_none_is_refused():
    done = subprocess.run([BIN / "trawlwatchd", "-t", "-R", "none", "-s", SITE,
                           "-o", "limits.sample=1/3"], capture_output=True, check=False)
    assert done.returncode == 3
    assert b"1/4" in done.stderr
