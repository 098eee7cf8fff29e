# SPDX-License-Identifier: MIT
"""Does the daemon see that a block works? A scraper against a real nginx that refuses it, a
packet filter that drops it, and nobody who does anything.

The sensor stands where visitors come in: it captures the link of the scraper, and an nginx
of its own answers on the port that it captures. Another one stands behind that nginx.
"""
import json
import signal
import threading
import time

import pytest

from app import NAMES
from rig import APP, PROXY, WEB, Daemon, Redis, program, wait_until

PORT = 8090
IN_TIME = 1.0  # seconds from crossing the threshold to the first refused request
VERIFY_AFTER = 3
RULES = """
rules:
  - name: harvest
    where: page == profile and status == 200
    per: client.host
    when: distinct(target, 10m) >= 20
    again: 1h
    block: 10m
"""
THRESHOLD = 20
NGINX = """
daemon off; pid %(folder)s/guard.pid; error_log stderr warn;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path %(folder)s/g-body; proxy_temp_path %(folder)s/g-proxy;
    fastcgi_temp_path %(folder)s/g-f; uwsgi_temp_path %(folder)s/g-u; scgi_temp_path %(folder)s/g-s;
    geo $blocked { default 0; include %(folder)s/blocked.conf; }
    server {
        listen %(web)s:%(port)s;
        if ($blocked) { return 403; }
        location / {
            proxy_pass http://%(app)s;
            proxy_bind %(proxy)s;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
        }
    }
}
"""
FILTER = """
table ip guard {
    set blocked { type ipv4_addr; }
    chain in { type filter hook input priority 0; ip saddr @blocked drop; }
}
"""

# A request each 20 ms, each on a connection of its own; when it began and what came of it.
SCRAPER = """
import http.client, sys, time
host, port, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
end, n = time.time() + seconds, 0
names = sys.argv[4:]
while time.time() < end:
    began, status = time.time(), 0
    try:
        link = http.client.HTTPConnection(host, port, timeout=2.5)
        link.request("GET", "/in/" + names[n % len(names)])
        answer = link.getresponse()
        answer.read()
        status = answer.status
        link.close()
    except OSError:
        pass
    print(began, time.time(), status, flush=True)
    n += 1
    time.sleep(0.02)
"""


class FrontDaemon(Daemon):
    """The sensor on the link of one client."""

    def __init__(self, rig, client, *options, port=PORT, **more):
        link = f"client{list(rig.hosts).index(client) + 1}"
        super().__init__(rig, *options, interface=link, bpf=f"tcp port {port}", **more)
        self.client, self.port = client, port

    def wait_for_a_request(self):
        def seen():
            self.probes += 1
            self.rig.run(self.rig.hosts[self.client],
                         ["curl", "-s", "-o", "/dev/null", f"http://{WEB}:{self.port}/probe/{self.probes}"])
            time.sleep(0.1)
            return bool(self.requests)
        wait_until(seen, 30, "the daemon to print the first request")


class Blocker(threading.Thread):
    """Does `refuse` for each block of an address that comes to stand in Redis."""

    def __init__(self, redis, refuse):
        super().__init__(daemon=True)
        self.redis, self.refuse = redis, refuse
        self.over = threading.Event()

    def run(self):
        own, done = Redis(self.redis.rig, self.redis.name), set()
        while not self.over.wait(0.01):
            for member in own.ask("ZRANGE", "{trawlwatch}:blocks", "0", "-1"):
                if member not in done:
                    done.add(member)
                    self.refuse(member.split(":", 1)[1])

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join(10)


@pytest.fixture(scope="module")
def guard(rig):
    """The nginx that refuses, and the packet filter."""
    values = {"folder": rig.folder, "web": WEB, "port": PORT, "app": "%s:%s" % APP, "proxy": PROXY}
    with open(rig.path("guard.conf"), "w", encoding="utf-8") as file:
        file.write(NGINX % values)
    with open(rig.path("blocked.conf"), "w", encoding="utf-8"):
        pass
    with open(rig.path("filter.nft"), "w", encoding="utf-8") as file:
        file.write(FILTER)
    with open(rig.path("harvest.yaml"), "w", encoding="utf-8") as file:
        file.write(RULES)
    child = rig.start(rig.cleanup, ["nginx", "-c", rig.path("guard.conf"), "-p", rig.folder,
                                    "-e", "stderr"], "guard")
    done = rig.run(rig.server, ["nft", "-f", rig.path("filter.nft")])
    assert done.returncode == 0, done.stderr
    wait_until(lambda: rig.is_listening(PORT), 20, "the guard")
    return child


def refuse_by_nginx(rig, child):
    def refuse(address):
        with open(rig.path("blocked.conf"), "a", encoding="utf-8") as file:
            file.write(f"{address} 1;\n")
        child.send_signal(signal.SIGHUP)
    return refuse


def refuse_by_filter(rig):
    def refuse(address):
        done = rig.run(rig.server, ["nft", "add", "element", "ip", "guard", "blocked",
                                    "{", address, "}"])
        assert done.returncode == 0, done.stderr
    return refuse


def scrape(rig, client, seconds, port=PORT):
    done = rig.run(rig.hosts[client], ["/usr/bin/python3", "-c", SCRAPER, WEB, str(port),
                                       str(seconds), *NAMES[:200]])
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    return [(float(began), float(ended), int(status)) for began, ended, status in lines]


def events(redis, rule):
    return [one["json"] for one in redis.alerts() if one["rule"] == rule]


def refusals(requests):
    """Seconds from the answer that crossed the threshold to each refused request."""
    crossed = [ended for _, ended, status in requests if status == 200][THRESHOLD - 1]
    return [began - crossed for began, _, status in requests if status != 200]


def first_refused(requests):
    return refusals(requests)[0]


def ctl(rig, redis, *arguments):
    done = rig.run(rig.server, [program("trawlctl"), *arguments, "-o", f"redis.url={redis.url}"])
    assert done.returncode == 0, done.stderr
    return done.stdout


def require_state(rig, redis, client, state):
    """The last alert, the list of blocks and the incident, as people see them."""
    told = events(redis, "harvest")
    assert told[0]["trawlwatch"]["enforcement"] == {"state": "silent", "requests": 0, "refused": 0}
    last = told[-1]["trawlwatch"]["enforcement"]
    assert last["state"] == state, told[-1]
    blocks = [json.loads(line) for line in ctl(rig, redis, "blocks", "--json").splitlines()]
    assert [(one["value"], one["state"]) for one in blocks] == [(client, state)]
    print("\n" + ctl(rig, redis, "blocks"))
    shown = ctl(rig, redis, "show", told[-1]["event"]["id"])
    print("\n".join(line for line in shown.splitlines()
                    if line.startswith(("Block", "Enforcement"))))
    assert f"Enforcement  {state}" in shown
    return last


def options(rig, redis):
    return ["-o", f"redis.url={redis.url}", "-o", f"blocks.verify_after={VERIFY_AFTER}s"]


@pytest.mark.parametrize("how, client", [("nginx", "203.0.113.9"), ("nftables", "203.0.113.10")])
def test_refused(rig, redis, guard, how, client):
    rig.add_client(client)
    refuse = refuse_by_nginx(rig, guard) if how == "nginx" else refuse_by_filter(rig)
    with FrontDaemon(rig, client, *options(rig, redis), journal=f"journal-{how}",
                     rules=rig.path("harvest.yaml")) as daemon, Blocker(redis, refuse):
        requests = scrape(rig, client, 6)
        wait_until(lambda: len(events(redis, "harvest")) > 1, 10, "the state of the block")
        assert daemon.stop() == 0
    delay = first_refused(requests)
    last = require_state(rig, redis, client, "refused")
    refused = sum(status != 200 for _, _, status in requests)
    seen = daemon.counters()["block_refused_total"]
    print(f"{how}: crossing -> first refused request {delay * 1000:.0f} ms at the client, "
          f"{last['first_refusal_ms']} ms as the daemon saw it; {seen} refused seen, "
          f"{refused} at the client")
    assert 0 <= delay <= IN_TIME
    # A connection that was open when the filter closed says nothing on the wire until its
    # client gives up and comes again: then the sensor's first refusal is the client's second.
    assert any(abs(last["first_refusal_ms"] / 1000 - told) < 0.3 for told in refusals(requests)[:2])
    assert refused - 2 <= seen <= refused and last["refused"] == 1
    assert not events(redis, "block-ignored")
    assert daemon.counters()["blocks_ignored_total"] == 0


def test_ignored_where_nobody_enforces(rig, redis, guard):
    client = "203.0.113.11"
    rig.add_client(client)
    with FrontDaemon(rig, client, *options(rig, redis), journal="journal-ignored",
                     rules=rig.path("harvest.yaml")) as daemon:
        requests = scrape(rig, client, VERIFY_AFTER + 3)
        wait_until(lambda: len(events(redis, "harvest")) > 1, 10, "the state of the block")
        assert daemon.stop() == 0
    assert all(status == 200 for _, _, status in requests)
    last = require_state(rig, redis, client, "ignored")
    assert last["refused"] == 0
    assert daemon.counters()["blocks_ignored_total"] == 1
    own = events(redis, "block-ignored")[0]
    print(json.dumps(own))
    assert own["event"]["action"] == "raised" and own["trawlwatch"]["severity"] == "high"
    assert own["trawlwatch"]["subject"] == {"type": "ip", "value": client}
    assert own["trawlwatch"]["block"]["value"] == client
    assert [one["event"]["action"] for one in events(redis, "block-ignored")].count("raised") == 1


def test_silent_behind_the_nginx_that_refuses(rig, redis, guard):
    """The sensor between nginx and the application: what nginx refuses does not come there."""
    client = "203.0.113.12"
    rig.add_client(client)
    with Daemon(rig, *options(rig, redis), journal="journal-behind",
                rules=rig.path("harvest.yaml")) as daemon, \
            Blocker(redis, refuse_by_nginx(rig, guard)):
        requests = scrape(rig, client, VERIFY_AFTER + 3)
        wait_until(lambda: events(redis, "harvest"), 10, "the alert")
        assert daemon.stop() == 0
    assert requests[-1][2] == 403
    require_state(rig, redis, client, "silent")
    assert 0 <= first_refused(requests) <= IN_TIME
    print(f"crossing -> first refused request {first_refused(requests) * 1000:.0f} ms")


def test_a_block_that_is_taken_away_while_it_runs_is_no_longer_awaited(rig, redis, guard):
    """The daemon is told with the next alert that names it; block-ignored ends if it came."""
    client = "203.0.113.14"
    rig.add_client(client)
    with open(rig.path("often.yaml"), "w", encoding="utf-8") as file:
        file.write(RULES.replace("again: 1h", "again: 1s"))
    with FrontDaemon(rig, client, *options(rig, redis), journal="journal-taken",
                     rules=rig.path("often.yaml")) as daemon:
        scrape(rig, client, VERIFY_AFTER + 3)  # nobody enforces it
        wait_until(lambda: events(redis, "block-ignored"), 10, "block-ignored")
        ctl(rig, redis, "blocks", "remove", client, "--hold", "1h", "--why", "a customer")
        before = len(events(redis, "harvest"))
        scrape(rig, client, VERIFY_AFTER + 3)
        wait_until(lambda: len(events(redis, "block-ignored")) == 2, 10, "its end")
        assert daemon.stop() == 0
    later = events(redis, "harvest")[before:]
    assert later[0]["trawlwatch"]["block"]["value"] == client  # it could not know yet
    assert len(later) >= 3
    for one in later[2:]:  # one may have been told before Redis had answered
        assert "block" not in one["trawlwatch"] and "enforcement" not in one["trawlwatch"]
    assert [one["event"]["action"] for one in events(redis, "block-ignored")] == \
        ["raised", "ended"]
    counters = daemon.counters()
    assert counters["blocks_ignored_total"] == 1 and counters["blocks_held_total"] >= 1
    assert redis.ask("ZRANGE", "{trawlwatch}:blocks", "0", "-1") == []


def test_a_block_that_is_held_off_is_not_awaited(rig, redis, guard):
    """A person let the visitor in: no rule's block comes about, and the daemon knows it."""
    client = "203.0.113.13"
    rig.add_client(client)
    with open(rig.path("often.yaml"), "w", encoding="utf-8") as file:
        file.write(RULES.replace("again: 1h", "again: 1s"))
    ctl(rig, redis, "blocks", "remove", client, "--hold", "1h", "--why", "a customer")
    with FrontDaemon(rig, client, *options(rig, redis), journal="journal-held",
                     rules=rig.path("often.yaml")) as daemon:
        requests = scrape(rig, client, VERIFY_AFTER + 3)
        assert daemon.stop() == 0
    assert all(status == 200 for _, _, status in requests)
    first, *later = events(redis, "harvest")
    assert first["trawlwatch"]["block"]["value"] == client  # it could not know yet
    assert len(later) >= 3
    for one in later[1:]:  # all but what may have been told before Redis had answered
        assert "block" not in one["trawlwatch"] and "enforcement" not in one["trawlwatch"]
    assert not events(redis, "block-ignored")
    counters = daemon.counters()
    assert (counters["blocks_total"], counters["blocks_held_total"]) == (0, 1)
    assert counters["blocks_ignored_total"] == 0
    assert redis.ask("ZRANGE", "{trawlwatch}:blocks", "0", "-1") == []
