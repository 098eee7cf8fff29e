# SPDX-License-Identifier: MIT
"""Live capture of real clients on real servers, up to what stands in Redis."""
import collections
import concurrent.futures
import glob
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

import clients
from app import NAMES
from rig import ROOT, Daemon, Redis, wait_until

BROWSER = "198.51.100.7"
IN_TIME = 2.0  # seconds from crossing the threshold to Redis
BLOCK = "{trawlwatch}:block:ip:"


class Watch(threading.Thread):
    """Notes when each client is first seen in Redis, as a blocker would see it."""

    def __init__(self, redis_url_owner):
        super().__init__(daemon=True)
        self.redis = redis_url_owner
        self.blocked, self.alerted = {}, {}
        self.over = threading.Event()
        self.last = "0"

    def run(self):
        own = Redis(self.redis.rig, self.redis.name)
        while not self.over.wait(0.005):
            for member in own.ask("ZRANGE", "{trawlwatch}:blocks", "0", "-1"):
                kind, value = member.split(":", 1)
                if kind == "ip" and own.ask("PTTL", BLOCK + value) > 0:
                    self.blocked.setdefault(value, time.time())
            for entry, fields in own.ask("XRANGE", "{trawlwatch}:alerts", f"({self.last}"
                                         if self.last != "0" else "-", "+"):
                self.last = entry
                subject = fields[fields.index("subject") + 1]
                self.alerted.setdefault(subject, time.time())

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join(10)


def client_of(xff):
    """Who the proxy saw: it adds the last address, whatever was claimed before."""
    return xff.split(",")[-1].strip()


def served(rig, since):
    """What the application answered to clients, as the daemon should tell it."""
    return collections.Counter(
        (client_of(one["xff"]), one["method"], one["path"], one["status"])
        for one in rig.app_requests()[since:] if one["xff"])


def told(daemon):
    def path(url):
        return url["path"] + ("?" + url["query"] if "query" in url else "")
    return collections.Counter(
        (one["client"]["ip"], one["http"]["request"]["method"], path(one["url"]),
         one["http"].get("response", {}).get("status_code")) for one in daemon.visible())


def require_same_requests(rig, daemon, since):
    wanted = served(rig, since)
    assert wanted, "the clients asked for nothing"
    wait_until(lambda: len(daemon.visible()) >= wanted.total(), 10, "all requests")
    assert told(daemon) == wanted


def rule_condition(name):
    """The `when` of a shipped rule, as it stands in its file."""
    for path in glob.glob(os.path.join(ROOT, "rules/*.yaml")):
        with open(path, encoding="utf-8") as file:
            rules = re.split(r"^ *- name: *", file.read(), flags=re.M)
        for rule in rules[1:]:
            if rule.split("\n", 1)[0].strip() == name:
                # The line, or with `>` the more deeply indented ones that follow.
                return re.search(r"^( *)when:(.*\n(\1 +.*\n)*)", rule, re.M)[2]
    raise AssertionError(f"an alert names the rule {name}, which no file has")


def threshold_of(alert):
    """How many distinct profiles the rule behind the alert allows."""
    condition = rule_condition(alert["rule"]["name"])
    return int(re.search(r"distinct\(target, \w+\) >= (\d+)", condition)[1])


def crossing_time(rig, since, client, threshold):
    """When the application had served that many distinct profiles to the client."""
    seen = set()
    for one in rig.app_requests()[since:]:
        if one["xff"] and client_of(one["xff"]) == client and one["status"] == 200 \
                and one["path"].startswith("/in/"):
            seen.add(one["path"])
            if len(seen) == threshold:
                return one["time"]
    raise AssertionError(f"{client} saw {len(seen)} profiles, fewer than {threshold}")


def raised_for(redis, subject):
    """Not that a block of it is ignored, which nobody acts on here."""
    return [one["json"] for one in redis.alerts()
            if one["action"] == "raised" and one["subject"] == subject
            and one["json"]["rule"]["name"] != "block-ignored"]


def require_found(redis, address):
    """The alert and the block of one client, complete and consistent."""
    alerts = raised_for(redis, address)
    assert alerts, f"{address} is in no alert"
    for alert in alerts:
        assert alert["source"] == {"ip": address}
        assert alert["trawlwatch"]["subject"] == {"type": "client.host", "value": address}
        assert alert["trawlwatch"]["involved"]["client.ip"]["values"] == [address]
        assert alert["trawlwatch"]["missed"] == 0
    ttl = redis.ask("PTTL", BLOCK + address)
    assert ttl > 0, f"the block of {address} has no time to live: {ttl}"
    block = json.loads(redis.ask("GET", BLOCK + address))
    assert set(block) == {"rule", "id", "since", "until", "level", "why"}
    assert block["id"] in [alert["event"]["id"] for alert in alerts]
    expiry = int(redis.ask("ZSCORE", "{trawlwatch}:blocks", "ip:" + address))
    assert abs(expiry - (time.time() * 1000 + ttl)) < 2000
    return alerts[0]


def require_innocent(redis, address):
    text = json.dumps([one["json"] for one in redis.alerts()])
    assert address not in text, f"{address} is in an alert"
    assert redis.ask("EXISTS", BLOCK + address) == 0
    members = redis.ask("ZRANGE", "{trawlwatch}:blocks", "0", "-1")
    assert not [one for one in members if address in one]


def test_scraper_is_in_redis_within_two_seconds_and_the_browser_is_not(rig, redis):
    scraper = "203.0.113.9"
    there, reader = rig.add_client(scraper), rig.add_client(BROWSER)
    since = len(rig.app_requests())
    with Daemon(rig, "-o", "redis.url=" + redis.url, journal="journal-scraper") as daemon:
        with Watch(redis) as watch, concurrent.futures.ThreadPoolExecutor() as pool:
            reading = pool.submit(clients.read_with_browser, rig, reader, 6, 0.3, True)
            # It also tries to put the blame on the reader.
            clients.curl_profiles(rig, there, 200, "-H", f"X-Forwarded-For: {BROWSER}")
            reading.result()
            wait_until(lambda: scraper in watch.blocked and scraper in watch.alerted, 10,
                       "the scraper in Redis")
        alert = require_found(redis, scraper)
        crossed = crossing_time(rig, since, scraper, threshold_of(alert))
        delays = {"alert": watch.alerted[scraper] - crossed,
                  "block": watch.blocked[scraper] - crossed}
        print(f"\nfrom the threshold to Redis: alert {delays['alert'] * 1000:.0f} ms, "
              f"block {delays['block'] * 1000:.0f} ms")
        assert max(delays.values()) < IN_TIME, delays
        # It cannot be there before: that would be another reason.
        assert min(delays.values()) > -0.05, delays
        require_innocent(redis, BROWSER)
        require_same_requests(rig, daemon, since)
        assert daemon.stop() == 0


def test_wget_and_a_mirror_are_found_under_their_own_addresses(rig, redis):
    lister, copier = "203.0.113.20", "198.51.100.80"
    first, second = rig.add_client(lister), rig.add_client(copier)
    since = len(rig.app_requests())
    with Daemon(rig, "-o", "redis.url=" + redis.url, journal="journal-mirror") as daemon:
        clients.wget_profiles(rig, first, NAMES[100:300])
        clients.mirror(rig, second, depth=4)
        for address in lister, copier:
            wait_until(lambda a=address: raised_for(redis, a), 10, f"an alert for {address}")
            wait_until(lambda a=address: redis.ask("EXISTS", BLOCK + a), 10,
                       f"a block of {address}")
            require_found(redis, address)
        require_same_requests(rig, daemon, since)
        assert daemon.stop() == 0
        assert daemon.counters()["kernel_drops_total"] == 0


def test_alerts_wait_for_a_redis_that_comes_late(rig):
    scraper = "203.0.113.31"
    there = rig.add_client(scraper)
    late = Redis(rig, "late")
    with late, Daemon(rig, "-o", "redis.url=" + late.url, journal="journal-late") as daemon:
        clients.curl_profiles(rig, there, 200)
        wait_until(lambda: any("redis" in line.lower() for line in daemon.messages), 10,
                   "a word about the missing Redis")
        late.start()
        wait_until(lambda: raised_for(late, scraper), 30, "the alert")
        wait_until(lambda: late.ask("EXISTS", BLOCK + scraper), 10, "the block")
        require_found(late, scraper)
        assert daemon.stop() == 0
        require_all_published(late, daemon)


def require_all_published(redis, daemon):
    """What the journal has is in Redis: everything, in order, and once."""
    counters, alerts = daemon.counters(), redis.alerts()
    assert counters["alerts_journalled_total"] == len(alerts) > 0
    assert counters["alerts_published_total"] == len(alerts)
    assert counters["alerts_lost_total"] == 0
    numbers = [int(one["seq"]) for one in alerts]
    assert numbers == sorted(set(numbers))
    assert len({(one["id"], one["action"], one["n"]) for one in alerts}) == len(alerts)


def test_it_stops_in_order_with_everything_told(rig, redis):
    there = rig.add_client("203.0.113.40")
    for how in signal.SIGTERM, signal.SIGINT:
        since = len(rig.app_requests())
        redis.ask("FLUSHALL")
        with Daemon(rig, "-o", "redis.url=" + redis.url,
                    journal=f"journal-stop-{how.name}") as daemon:
            clients.curl_profiles(rig, there, 200)
            began = time.monotonic()
            assert daemon.stop(how) == 0
            assert time.monotonic() - began < 10
        assert told(daemon) == served(rig, since)
        require_all_published(redis, daemon)


def refused(rig, *options, **more):
    """Exit status and message of a daemon that cannot start: one line."""
    daemon = Daemon(rig, *options, journal="journal-refused", **more)
    done = rig.run(rig.server, daemon.command, timeout=30)
    lines = [line for line in done.stderr.splitlines() if line and not line.startswith("{")]
    assert len(lines) == 1, done.stderr
    return done.returncode, lines[0]


def test_a_missing_interface_is_one_line_with_a_remedy(rig):
    status, line = refused(rig, interface="nosuch0")
    assert status == 3
    assert "nosuch0" in line
    assert "ip link" in line, line


def test_a_missing_user_is_one_line_with_a_remedy(rig):
    status, line = refused(rig, "-o", "admin.user=nobody-of-that-name")
    assert status == 3
    assert "nobody-of-that-name" in line and "useradd" in line, line


def test_places_that_cannot_be_are_told_before_anything_is_opened(rig):
    with open(rig.path("a-file"), "w", encoding="utf-8"):
        pass
    for key, value, word in (("journal.dir", rig.path("a-file"), "is no folder"),
                             ("journal.dir", rig.path("a-file/journal"), "a-file"),
                             ("admin.socket", rig.path("nowhere/control.sock"), "no folder"),
                             ("admin.listen", "192.0.2.77:9100", "ip address")):
        status, line = refused(rig, "-o", f"{key}={value}")
        assert status == 3 and word in line and key in line, line
        assert "capturing" not in line


def test_all_mistakes_are_told_at_once(rig):
    """Those of the files, and those about the machine."""
    daemon = Daemon(rig, "-o", "admin.user=nobody-of-that-name", interface="nosuch0",
                    rules="/nonexistent/rules", journal="journal-refused")
    done = rig.run(rig.server, daemon.command, timeout=30)
    assert done.returncode == 3
    for word in ("nobody-of-that-name", "nosuch0", "/nonexistent/rules"):
        assert word in done.stderr


def test_an_unreadable_rule_folder_is_one_line(rig):
    status, line = refused(rig, rules="/nonexistent/rules")
    assert status == 3
    assert "/nonexistent/rules" in line


def test_a_wrong_filter_is_one_line(rig):
    status, line = refused(rig, "-f", "tcp prot 8080")
    assert status in (1, 3)
    assert "tcp prot 8080" in line


# Standard output is a pipe that nobody reads, a full disk, or gone: watching goes on.

def watch_with_output(rig, redis, stdout, journal):
    """A daemon that prints requests to `stdout`, and has begun to capture."""
    daemon = Daemon(rig, "-o", "redis.url=" + redis.url, journal=journal)
    child = rig.popen(rig.server, daemon.command, stdout=stdout, stderr=subprocess.PIPE,
                      text=True)
    line = child.stderr.readline()
    assert "capturing on lo" in line, line
    return child


def end_and_read(child):
    """Exit status, messages, counters."""
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=30)
    lines = err.splitlines()
    return child.returncode, "\n".join(lines[:-1]), json.loads(lines[-1])


def test_a_full_disk_does_not_stop_the_watching(rig, redis):
    scraper = "203.0.113.61"
    there = rig.add_client(scraper)
    with open("/dev/full", "wb") as full:
        child = watch_with_output(rig, redis, full, "journal-full")
    clients.curl_profiles(rig, there, 200)
    wait_until(lambda: raised_for(redis, scraper), 10, "the alert")
    status, messages, counters = end_and_read(child)
    assert status == 0
    assert messages.count("standard output: No space left on device") == 1
    assert counters["alerts_published_total"] > 0


def test_a_reader_that_left_does_not_stop_the_watching(rig, redis):
    scraper = "203.0.113.62"
    there = rig.add_client(scraper)
    ours, its = os.pipe()
    child = watch_with_output(rig, redis, its, "journal-left")
    os.close(its)
    os.close(ours)
    clients.curl_profiles(rig, there, 200)
    wait_until(lambda: raised_for(redis, scraper), 10, "the alert")
    status, messages, _ = end_and_read(child)
    assert status == 0
    assert messages.count("standard output: Broken pipe") == 1


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_a_reader_that_stands_still_does_not_stop_the_watching(rig, redis, kind):
    scraper = "203.0.113.63" if kind == "pipe" else "203.0.113.64"
    there = rig.add_client(scraper)
    if kind == "pipe":
        ours, its = os.pipe()
    else:
        ours, its = (one.detach() for one in socket.socketpair())
    child = watch_with_output(rig, redis, its, "journal-still-" + kind)
    requests = 0
    for _ in range(4):
        clients.curl_profiles(rig, there, 200)
        requests += 200
    wait_until(lambda: raised_for(redis, scraper), 10, "the alert")
    assert os.get_blocking(its), "a property of the reader's side was changed"
    os.close(its)
    got = bytearray()

    def read_all():
        while part := os.read(ours, 65536):
            got.extend(part)

    reader = threading.Thread(target=read_all)
    reader.start()
    status, messages, counters = end_and_read(child)
    reader.join(10)
    os.close(ours)
    assert (status, messages) == (0, "")
    assert counters["lines_dropped_total"] == 0
    lines = [json.loads(line) for line in got.decode().splitlines()]
    assert len(lines) == counters["requests_total"] >= requests
