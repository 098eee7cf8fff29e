# SPDX-License-Identifier: MIT
"""Who is the crawler that he claims to be: ranges, DNS that lies, databases.

The DNS server is the test's own, on loopback. Only the last tests, which are live, need root.
"""
import ipaddress
import json
import os
import signal
import subprocess
import sys

import pytest

import made_capture
from dns_server import Server
from rig import ROOT, Daemon, program, wait_until

sys.path.insert(0, os.path.join(ROOT, "tests/tools"))
import mmdb  # noqa: E402

GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
GPT = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.0)"
HOSTS = "googlebot: [googlebot.com, google.com]\nbingbot: search.msn.com\n"
STATES = ("passed", "failed", "pending", "unknown")
RULES = "rules:\n" + "".join(
    f"  - {{ name: {state}, where: bot.check == {state}, per: client.ip, "
    f"when: count(1h) >= 1 }}\n" for state in STATES)
SITE = "pages:\n  - { name: profile, path: '/in/{target}' }\n"


def reverse(address):
    return ipaddress.ip_address(address).reverse_pointer + " PTR"


def write(path, text):
    path.write_text(text)
    return str(path)


def run(tmp_path, hits, *options, rules=RULES, site=SITE):
    return subprocess.run(
        [program("trawlwatchd"), "-s", write(tmp_path / "site.yaml", site), "-R",
         rules if os.path.isdir(rules) else write(tmp_path / "rules.yaml", rules),
         "-r", made_capture.write(tmp_path / "made.pcap", hits), "--stats", *options],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        timeout=120, check=False, env={**os.environ, "TMPDIR": str(tmp_path)})


def asking(tmp_path, server):
    return ["-o", "data.crawler_hosts=" + write(tmp_path / "hosts.yaml", HOSTS),
            "-o", "data.dns=on", "-o", f"data.dns_servers=127.0.0.1:{server.port}"]


def alerts(done, action="raised"):
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return [one for one in found if one["event"]["action"] == action]


def raised(done):
    """Subject: the rules it was raised for."""
    found = {}
    for one in alerts(done):
        found.setdefault(one["trawlwatch"]["subject"]["value"], []).append(one["rule"]["name"])
    return found


def counters(done):
    return json.loads(done.stderr.splitlines()[-1])


def visits(*clients, agent=GOOGLE, apart=2):
    return [(n * apart, client, "/in/ada", agent) for n, client in enumerate(clients)]


# What a DNS can say, and what comes of it for one who claims to be Googlebot.

NAME = "crawl-{n}.googlebot.com"
MANY = [f"h{n}.example.net" for n in range(600)]


def lie(n, ptr, forward=None, name=None, kind="A"):
    """An address, and what the zone has about it."""
    address = f"203.0.113.{n}"
    zone = {reverse(address): ptr}
    if forward is not None:
        zone[f"{name or NAME.format(n=n)} {kind}"] = forward
    return address, zone


CASES = {
    "the true one": ("passed", lie(1, ["crawl-1.googlebot.com"], ["203.0.113.1"])),
    "one of several names and addresses": ("passed", lie(
        2, ["www.example.net", "crawl-2.googlebot.com"], ["198.51.100.1", "203.0.113.2"])),
    "a name in capitals": ("passed", lie(3, ["CRAWL-3.GoogleBot.COM"], ["203.0.113.3"])),
    "a name by an alias": ("passed", lie(
        4, {"cname": "4.0-31.113.0.203.in-addr.arpa", "then": ["crawl-4.googlebot.com"]},
        ["203.0.113.4"])),
    "an address by an alias": ("passed", lie(
        5, ["crawl-5.googlebot.com"], {"cname": "x.google.com", "then": ["203.0.113.5"]})),
    "many addresses": ("passed", lie(
        6, ["crawl-6.googlebot.com"],
        [f"198.51.{n // 250}.{n % 250}" for n in range(200)] + ["203.0.113.6"])),
    "a foreign name": ("failed", lie(7, ["scraper.example.net"], ["203.0.113.7"],
                                     "scraper.example.net")),
    "a name that leads elsewhere": ("failed", lie(8, ["crawl-8.googlebot.com"],
                                                  ["66.249.66.1"])),
    "a name that does not exist": ("failed", lie(9, ["crawl-9.googlebot.com"])),
    "a name with no address": ("failed", lie(10, ["crawl-10.googlebot.com"], [])),
    "no name": ("failed", ("203.0.113.11", {})),
    "a name like it": ("failed", lie(12, ["notgooglebot.com"], ["203.0.113.12"],
                                     "notgooglebot.com")),
    "a name that begins like it": ("failed", lie(
        13, ["googlebot.com.example.net"], ["203.0.113.13"], "googlebot.com.example.net")),
    "another crawler": ("failed", lie(14, ["b.search.msn.com"], ["203.0.113.14"],
                                      "b.search.msn.com")),
    "an alias of itself": ("failed", lie(15, ["crawl-15.googlebot.com"], {"loop": []})),
    "a circle of aliases": ("failed", lie(16, ["crawl-16.googlebot.com"],
                                          {"loop": ["a.google.com", "b.google.com"]})),
    "the right name behind hundreds": ("failed", lie(
        17, [*MANY, "crawl-17.googlebot.com"], ["203.0.113.17"])),
    "the right name before hundreds": ("passed", lie(
        18, ["crawl-18.googlebot.com", *MANY], ["203.0.113.18"])),
    "an address of the other family": ("failed", lie(
        19, ["crawl-19.googlebot.com"], ["::ffff:203.0.113.19"], kind="AAAA")),
    "names that are none": ("failed", lie(27, ["a b.googlebot.com", "x\x01.googlebot.com"])),
    "a server that fails": ("unknown", lie(20, "servfail")),
    "one that refuses": ("unknown", lie(21, "refused")),
    "one that is silent": ("unknown", lie(22, "silent")),
    "bytes that are no answer": ("unknown", lie(23, "garbage")),
    "one that is silent about the name": ("unknown", lie(24, ["crawl-24.googlebot.com"],
                                                         "silent")),
    "one that fails for the name": ("unknown", lie(25, ["crawl-25.googlebot.com"],
                                                   "servfail")),
    "one right name, one that fails": ("passed", (
        "203.0.113.26", {reverse("203.0.113.26"): ["a.googlebot.com", "b.googlebot.com"],
                         "a.googlebot.com A": "servfail",
                         "b.googlebot.com A": ["203.0.113.26"]})),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """All of them in one run; the answers, the questions that came, and the counters."""
    folder = tmp_path_factory.mktemp("lies")
    zone = {}
    for _, (_, more) in CASES.values():
        zone.update(more)
    # Not the silent ones one after the other: that would end all asking.
    clients = [address for _, (address, _) in CASES.values()]
    order = clients[::3] + clients[1::3] + clients[2::3]
    with Server(zone) as server:
        done = run(folder, visits(*order), *asking(folder, server))
        return raised(done), server.asked, counters(done)


@pytest.mark.parametrize("what", CASES)
def test_what_dns_says(told, what):
    expected, (address, _) = CASES[what]
    assert told[0][address] == [expected]


def test_only_names_of_crawlers_are_asked_for(told):
    _, asked, _ = told
    forward = {one.split()[0] for one in asked if not one.startswith("h") and
               "in-addr.arpa" not in one}
    assert forward
    assert all(name.endswith((".googlebot.com", ".search.msn.com")) for name in forward)
    assert not any(one.startswith("h") for one in asked)
    assert "crawl-17.googlebot.com A" not in asked, "it stands behind what is looked at"
    assert reverse("203.0.113.18") + "/tcp" in asked, "a long answer is asked for again"


def test_the_counters_tell(told):
    _, _, count = told
    assert count["dns_lookups_total"] == len(CASES)
    assert count["dns_failed_total"] == sum(
        expected == "unknown" for expected, _ in CASES.values()) + 1
    # 8, 9, 10, 15, 16 and 19 claim a name that does not lead back.
    assert count["dns_unconfirmed_total"] == 6
    assert count["dns_refused_total"] == 0


def test_ipv6(tmp_path):
    true, false = "2001:db8:4860::7", "2001:db8:bad::7"
    zone = {reverse(true): ["v6.googlebot.com"], reverse(false): ["v6.googlebot.com"],
            "v6.googlebot.com AAAA": [true]}
    with Server(zone) as server:
        done = run(tmp_path, visits(true, false), *asking(tmp_path, server))
    assert raised(done) == {true: ["passed"], false: ["failed"]}


def test_an_address_is_asked_about_once_until_that_is_old(tmp_path):
    zone = {reverse("203.0.113.1"): ["a.googlebot.com"], "a.googlebot.com A": ["203.0.113.1"]}
    # 100 requests within a minute; then after five hours, and after seven.
    hits = visits(*["203.0.113.1"] * 100, apart=0.5)
    hits += [(5 * 3600, *hits[0][1:]), (7 * 3600, *hits[0][1:])]
    with Server(zone) as server:
        done = run(tmp_path, hits[:101], *asking(tmp_path, server))
        assert counters(done)["dns_lookups_total"] == 1
        assert server.asked.count(reverse("203.0.113.1")) == 1
        assert set(sum(raised(done).values(), [])) == {"passed"}
        done = run(tmp_path, hits, *asking(tmp_path, server))
        assert counters(done)["dns_lookups_total"] == 2


def test_nobody_is_asked_about_who_claims_nothing_or_what_cannot_be_known(tmp_path):
    hits = [(0, "203.0.113.1", "/in/ada", "Mozilla/5.0 (X11) Firefox/140.0"),
            (1, "203.0.113.2", "/in/ada", "curl/8.5.0"), (2, "203.0.113.3", "/in/ada", GPT),
            (3, "10.0.0.4", "/in/ada", GOOGLE)]
    with Server({}) as server:
        done = run(tmp_path, hits, *asking(tmp_path, server))
        assert server.asked == []
    assert raised(done) == {"203.0.113.2": ["unknown"], "203.0.113.3": ["unknown"],
                            "10.0.0.4": ["unknown"]}


def test_files_ask_nobody_unless_told_to(tmp_path):
    with Server({}) as server:
        options = [one.replace("dns=on", "dns=auto") for one in asking(tmp_path, server)]
        done = run(tmp_path, visits("203.0.113.1"), *options)
        assert server.asked == []
        assert raised(done) == {"203.0.113.1": ["unknown"]}
        run(tmp_path, visits("203.0.113.1"), *options, "-o", "data.dns=off")
        assert server.asked == []


def test_a_flood_of_addresses_is_asked_about_at_a_rate(tmp_path):
    hits = visits(*[f"203.0.113.{n}" for n in range(150)], apart=0.001)
    with Server({}) as server:
        done = run(tmp_path, hits, *asking(tmp_path, server))
        assert len({one.split()[0] for one in server.asked}) == 100
    assert counters(done)["dns_refused_total"] == 50
    found = raised(done)
    assert sum(one == ["failed"] for one in found.values()) == 100
    assert sum(one == ["unknown"] for one in found.values()) == 50


def test_a_dead_dns_does_not_hold_up_files_for_ever(tmp_path):
    clients = [f"203.0.113.{n}" for n in range(30)]
    with Server({reverse(one): "servfail" for one in clients}) as server:
        done = run(tmp_path, visits(*clients), *asking(tmp_path, server))
        assert len({one.split()[0] for one in server.asked}) == 8
    assert counters(done)["dns_failed_total"] == 8
    assert counters(done)["dns_refused_total"] == 22
    assert done.stderr.count("DNS does not answer: no more names are asked for") == 1
    assert set(sum(raised(done).values(), [])) == {"unknown"}


def test_few_addresses_are_remembered(tmp_path):
    hits = visits(*[f"203.0.113.{n}" for n in range(60)], apart=1)
    with Server({}) as server:
        done = run(tmp_path, hits, *asking(tmp_path, server), "-o", "limits.dns_cache=8")
    assert counters(done)["dns_lookups_total"] == 60
    assert counters(done)["dns_evicted_total"] == 52


# Ranges, and the shipped rules

def ranges(tmp_path, **files):
    folder = tmp_path / "crawlers"
    folder.mkdir()
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return f"data.crawlers={folder}"


def test_the_shipped_rules_tell_the_true_crawler_from_the_false_one(tmp_path):
    true, false = "198.51.100.77", "203.0.113.9"
    hits = [(n, client, f"/in/user{n}", GOOGLE) for n in range(200) for client in (true, false)]
    option = ranges(tmp_path, googlebot_json=json.dumps(
        {"creationTime": "2026-11-01", "prefixes": [{"ipv4Prefix": "198.51.100.64/27"}]}))
    rules = os.path.join(ROOT, "rules")
    done = run(tmp_path, hits, "-o", option, rules=rules)
    assert sorted(raised(done)) == [false]
    assert set(raised(done)[false]) == {"false-crawler", "declared-crawler"}
    # Without the ranges nobody knows, and that is told of the network of each.
    done = run(tmp_path, hits, rules=rules)
    assert raised(done) == {"198.51.100.0/24": ["unchecked-crawler"],
                            "203.0.113.0/24": ["unchecked-crawler"]}


def test_mistakes_in_ranges_stop_the_start(tmp_path):
    option = ranges(tmp_path, googlebot_txt="192.0.2.0/24\nhere\n",
                    gptbot_json='{"prefixes": [\n{"ipv4Prefix": "0.0.0.0/0"}]}',
                    goglebot_txt="192.0.2.0/24\n")
    done = run(tmp_path, visits("203.0.113.1"), "-o", option)
    assert done.returncode == 3
    assert "googlebot.txt:2:1: 'here' is no network" in done.stderr
    assert "gptbot.json:2:1: '0.0.0.0/0' is wider than any crawler's network" in done.stderr


def test_a_file_for_nobody_is_told(tmp_path):
    option = ranges(tmp_path, goglebot_txt="192.0.2.0/24\n")
    done = run(tmp_path, visits("203.0.113.1"), "-o", option)
    assert done.returncode == 0
    assert "goglebot.txt: warning: the list of bots has no family 'goglebot'" in done.stderr


# Databases

PLACES = """
rules:
  - { name: system, per: client.asn, when: 'distinct(client.ip, 1h) >= 2' }
  - { name: country, per: client.country, when: 'distinct(client.ip, 1h) >= 2' }
  - { name: nowhere, where: not present(client.asn), per: client.ip, when: count(1h) >= 1 }
"""


def databases(tmp_path, version=6, size=28):
    pairs = {"asn": [("203.0.113.0/24", mmdb.asn(64500)), ("2001:db8:5::/48", mmdb.asn(64500))],
             "country": [("203.0.113.0/24", mmdb.country("NL")),
                         ("198.51.100.0/24", mmdb.country("NL")),
                         ("192.0.2.0/24", mmdb.country(""))]}
    options = []
    for kind, entries in pairs.items():
        entries = [one for one in entries if version == 6 or ":" not in one[0]]
        path = tmp_path / (kind + ".mmdb")
        path.write_bytes(mmdb.database(entries, version, size))
        options += ["-o", f"data.{kind}={path}"]
    return options


@pytest.mark.parametrize("size", (24, 28, 32))
def test_systems_and_countries(tmp_path, size):
    hits = visits("203.0.113.1", "2001:db8:5::1", "198.51.100.2", "192.0.2.9", agent="x")
    done = run(tmp_path, hits, *databases(tmp_path, 6, size), rules=PLACES)
    assert raised(done) == {"64500": ["system"], "NL": ["country"],
                            "198.51.100.2": ["nowhere"], "192.0.2.9": ["nowhere"]}
    done = run(tmp_path, hits, *databases(tmp_path, 4, size), rules=PLACES)
    assert raised(done) == {"NL": ["country"], "198.51.100.2": ["nowhere"],
                            "192.0.2.9": ["nowhere"], "2001:db8:5::1": ["nowhere"]}


def test_without_a_database_they_are_missing_and_that_is_told(tmp_path):
    done = run(tmp_path, visits("203.0.113.1", agent="x"), rules=PLACES)
    assert raised(done) == {"203.0.113.1": ["nowhere"]}
    for kind, field in (("asn", "client.asn"), ("country", "client.country")):
        assert (f"data.{kind}: warning: a rule reads {field}, and no database is named: it is "
                "missing everywhere\n") in done.stderr


def test_a_damaged_database_stops_the_start(tmp_path):
    options = databases(tmp_path)
    path = tmp_path / "asn.mmdb"
    whole = path.read_bytes()
    for text in (b"", b"hello", whole[:-40], whole.replace(b"MaxMind.com", b"MaxMind.org"),
                 b"\xff" * 60 + whole[60:]):
        path.write_bytes(text)
        done = run(tmp_path, visits("203.0.113.1"), *options, rules=PLACES)
        assert done.returncode == 3 and done.stdout == ""
        assert f"{path}: " in done.stderr
    path.write_bytes(whole)
    swapped = [one.replace("country.mmdb", "asn.mmdb") for one in options]
    done = run(tmp_path, visits("203.0.113.1"), *swapped, rules=PLACES)
    assert done.returncode == 3
    assert f"{path}: a database (Test) without a single country.iso_code" in done.stderr


# Live: the answer comes while traffic goes on.

LIVE_SITE = """
client: { trusted_proxies: [127.0.0.3/32], header: X-Forwarded-For }
pages: [{ name: profile, path: "/in/{target}" }]
"""


def live_alerts(redis, address):
    return [one["json"]["rule"]["name"] for one in redis.alerts()
            if one["json"]["trawlwatch"]["subject"]["value"] == address
            and one["json"]["event"]["action"] == "raised"]


def test_live_the_first_request_waits_and_the_next_ones_know(rig, redis):
    true, false, silent = "198.51.100.31", "203.0.113.32", "203.0.113.33"
    zone = {reverse(true): {"slow": 0.2, "answer": ["live.googlebot.com"]},
            "live.googlebot.com A": [true], reverse(silent): "silent"}
    for name, text in (("zone.json", json.dumps(zone)), ("hosts.yaml", HOSTS)):
        with open(rig.path(name), "w", encoding="utf-8") as file:
            file.write(text)
    os.makedirs(rig.path("bot-rules"), exist_ok=True)
    with open(rig.path("bot-rules/rules.yaml"), "w", encoding="utf-8") as file:
        file.write(RULES)
    rig.start(rig.cleanup, [sys.executable, os.path.join(ROOT, "tests/e2e/dns_server.py"),
                            "5353", rig.path("zone.json")], "dns")
    wait_until(lambda: rig.is_listening(5353), 20, "the DNS server")
    with Daemon(rig, "-o", "redis.url=" + redis.url, "-o",
                "data.crawler_hosts=" + rig.path("hosts.yaml"), "-o",
                "data.dns_servers=127.0.0.1:5353", journal="journal-bots",
                rules=rig.path("bot-rules"), site_text=LIVE_SITE) as daemon:
        def view(address):
            done = rig.run(rig.add_client(address),
                           ["curl", "-s", "-A", GOOGLE, "http://192.0.2.1/in/ada"])
            assert done.returncode == 0, done.stderr

        for address, state in ((true, "passed"), (false, "failed")):
            view(address)
            wait_until(lambda a=address: "pending" in live_alerts(redis, a), 10,
                       "the first request to be told")

            def known(a=address, s=state):
                view(a)
                return s in live_alerts(redis, a)
            wait_until(known, 20, f"{address} to be {state}")
            assert live_alerts(redis, address) == ["pending", state]
        # One is asked about when the daemon ends.
        view(silent)
        wait_until(lambda: "pending" in live_alerts(redis, silent), 10, "the silent one")
        assert daemon.stop() == 0
        assert daemon.counters()["dns_lookups_total"] == 3
    assert "AddressSanitizer" not in "".join(daemon.messages)


def test_live_files_and_names_are_read_again_at_a_reload(rig, redis):
    owned, named, place = "198.51.100.41", "198.51.100.42", "198.51.100.43"
    folder, database = rig.path("crawlers"), rig.path("country.mmdb")
    rules, hosts = rig.path("data-rules.yaml"), rig.path("other-hosts.yaml")
    os.makedirs(folder, exist_ok=True)

    def put(path, text):
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())

    put(folder + "/googlebot.txt", "192.0.2.0/25\n")
    put(database, mmdb.database([("198.51.100.0/24", mmdb.country("NL"))]))
    put(hosts, "bingbot: search.msn.com\n")
    put(rules, "rules:\n  - { name: place, per: client.country, when: count(1h) >= 1 }\n")
    put(rig.path("zone2.json"), json.dumps({reverse(named): ["live.googlebot.com"],
                                            "live.googlebot.com A": [named]}))
    rig.start(rig.cleanup, [sys.executable, os.path.join(ROOT, "tests/e2e/dns_server.py"),
                            "5354", rig.path("zone2.json")], "dns2")
    wait_until(lambda: rig.is_listening(5354), 20, "the DNS server")

    def reload(daemon):
        before = len(daemon.messages)
        daemon.child.send_signal(signal.SIGHUP)
        wait_until(lambda: any("taken up" in line for line in daemon.messages[before:]), 10,
                   "the reload")
        assert "only after a restart" not in "".join(daemon.messages[before:])

    with Daemon(rig, "-o", "redis.url=" + redis.url, "-o", "data.crawlers=" + folder,
                "-o", "data.country=" + database, "-o", "data.crawler_hosts=" + hosts,
                "-o", "data.dns_servers=127.0.0.1:5354", journal="journal-data",
                rules=rules, site_text=LIVE_SITE) as daemon:
        def view(address, subject, wanted):
            def told():
                done = rig.run(rig.add_client(address),
                               ["curl", "-s", "-A", GOOGLE, "http://192.0.2.1/in/ada"])
                assert done.returncode == 0, done.stderr
                return wanted in live_alerts(redis, subject)
            wait_until(told, 20, f"{wanted} of {subject}")

        view(place, "NL", "place")
        # Rules that ask for bots for the first time; ranges and names do not know them.
        put(rules, RULES)
        reload(daemon)
        view(owned, owned, "failed")
        put(folder + "/googlebot.txt", owned + "/32\n")
        reload(daemon)
        view(owned, owned, "passed")
        assert live_alerts(redis, owned) == ["failed", "passed"]
        # Other hosts: what is known of names begins anew.
        view(named, named, "failed")
        put(hosts, HOSTS)
        reload(daemon)
        view(named, named, "passed")
        assert live_alerts(redis, named) == ["failed", "pending", "passed"]
        # The same hosts: it stays known.
        put(folder + "/googlebot.txt", "192.0.2.0/25\n")
        reload(daemon)
        view(named, named, "passed")
        assert live_alerts(redis, named) == ["failed", "pending", "passed"]
        put(database, mmdb.database([("198.51.100.0/24", mmdb.country("BE"))]))
        put(rules, "rules:\n  - { name: place, per: client.country, when: count(1h) >= 1 }\n")
        reload(daemon)
        view(place, "BE", "place")
        assert daemon.stop() == 0
    assert "AddressSanitizer" not in "".join(daemon.messages)
