# SPDX-License-Identifier: MIT
"""Behind a TLS terminator: the ClientHello outside is joined to the request inside.

HAProxy ends TLS and speaks to nginx with the PROXY protocol (the join is exact) or with
X-Forwarded-For alone (by address). The daemon sees both legs: the encrypted one on the
clients' links, the one in the clear on lo.
"""
import collections
import json
import os
import subprocess

import pytest

from behind import BehindHaproxy
from rig import APP, FILTER, PROXY, WEB, Daemon, end_process, program, wait_until

PROXIED, FORWARDED, VERSION1, HTTP2 = 8443, 8444, 8445, 8446  # outside
CLIENTS = ("198.51.100.7", "203.0.113.9", "203.0.113.120")

HAPROXY = f"""
frontend proxied
    bind {WEB}:{PROXIED} ssl crt %(folder)s/tls.pem alpn h2,http/1.1
    default_backend proxied
frontend forwarded
    bind {WEB}:{FORWARDED} ssl crt %(folder)s/tls.pem alpn h2,http/1.1
    option forwardfor
    default_backend forwarded
frontend version1
    mode tcp
    bind {WEB}:{VERSION1} ssl crt %(folder)s/tls.pem
    default_backend version1
frontend http2
    bind {WEB}:{HTTP2} ssl crt %(folder)s/tls.pem alpn h2,http/1.1
    default_backend http2
backend http2
    server app {APP[0]}:8083 proto h2 send-proxy-v2 source {PROXY}
backend proxied
    server app {APP[0]}:8081 send-proxy-v2 source {PROXY}
backend forwarded
    server app {APP[0]}:8082 source {PROXY}
backend version1
    mode tcp
    server app {APP[0]}:8081 send-proxy source {PROXY}
"""

INNER = f"""
    access_log off;
    server {{ listen {APP[0]}:8081 proxy_protocol; location / {{ return 200 "inside\\n"; }} }}
    server {{ listen {APP[0]}:8083 http2 proxy_protocol; location / {{ return 200 "inside\\n"; }} }}
    server {{ listen {APP[0]}:8082; location / {{ return 200 "inside\\n"; }} }}
"""


class Terminator(BehindHaproxy):
    """The rig with HAProxy, which ends TLS, and a server behind it."""

    HAPROXY, INNER = HAPROXY, INNER
    PORTS = (8081, 8082, 8083, PROXIED, FORWARDED, VERSION1, HTTP2)

    def prepare(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=example.org", "-keyout", self.path("key.pem"),
                        "-out", self.path("cert.pem")], check=True, capture_output=True)
        with open(self.path("tls.pem"), "w", encoding="ascii") as pem:
            for name in ("cert.pem", "key.pem"):
                with open(self.path(name), encoding="ascii") as part:
                    pem.write(part.read())

    def get(self, address, port, path, *options):
        done = self.run(self.add_client(address), [
            "curl", "-sk", "--resolve", f"example.org:{port}:{WEB}", *options,
            f"https://example.org:{port}{path}"])
        assert done.stdout == "inside\n", (done.stdout, done.stderr)


@pytest.fixture(scope="module")
def rig():
    with Terminator() as made:
        for address in CLIENTS:
            made.add_client(address)
        yield made


OUTSIDE = f"tcp port {PROXIED} or tcp port {FORWARDED} or tcp port {VERSION1} or tcp port {HTTP2}"
TLS12 = ("--tls-max", "1.2", "--ciphers", "ECDHE-RSA-AES128-GCM-SHA256")


class Both(Daemon):
    """The daemon on all legs; what it prints of requests."""

    def __init__(self, rig, *options):
        more = [word for number in range(1, len(rig.hosts) + 1)
                for word in ("-i", f"client{number}")]
        # A machine that is busy may be late with a leg: what is joined here waits for it.
        super().__init__(rig, *more, "-o", "limits.merge_wait=2s", *options,
                         bpf=f"{FILTER} or tcp port 8081 or tcp portrange 8082-8083 or {OUTSIDE}")

    def by_path(self, count):
        wait_until(lambda: len(self.visible()) >= count, 10, f"{count} requests")
        return {one["url"]["path"]: one for one in self.visible()}


def hellos_of(rig, ask):
    """What --print hellos tells of the clients' links while `ask` runs."""
    interfaces = [word for number in range(1, len(rig.hosts) + 1)
                  for word in ("-i", f"client{number}")]
    with open(rig.path("hellos"), "w+", encoding="utf-8") as out:
        child = rig.popen(rig.server, [
            program("trawlwatchd"), *interfaces, "-f", OUTSIDE, "-s", rig.path("site.yaml"),
            "-R", "none", "-o", f"journal.dir={rig.path('hello-journal')}",
            "-o", f"privacy.key_file={rig.key_file()}", "--print", "hellos"],
            stdout=out, stderr=subprocess.PIPE, text=True)
        try:
            wait_until(lambda: child.stderr.readline().count("capturing on client"), 20,
                       "the capture to begin")
            for _ in interfaces[3::2]:
                child.stderr.readline()
            ask()
            wait_until(lambda: os.path.getsize(out.name), 10, "a hello")
        finally:
            end_process(child)
        out.seek(0)
        return [json.loads(line) for line in out]


def test_the_join_is_exact_by_proxy_protocol(rig):
    """One address with two kinds of client: each request has its own hello."""
    with Both(rig) as daemon:
        def ask():
            rig.get(CLIENTS[0], PROXIED, "/in/new")
            rig.get(CLIENTS[0], PROXIED, "/in/old", *TLS12)
            rig.get(CLIENTS[0], VERSION1, "/in/text")
        hellos = hellos_of(rig, ask)
        seen = daemon.by_path(3)
        assert daemon.stop() == 0
        counters = daemon.counters()
    assert {one["tls"]["client"]["server_name"] for one in hellos} == {"example.org"}
    ja4 = {one["source"]["port"]: one["tls"]["client"]["ja4"] for one in hellos}
    assert len(ja4) == 3 and len(set(ja4.values())) >= 2
    assert all(one["client"]["ip"] == CLIENTS[0] for one in seen.values())
    got = {path: one["trawlwatch"]["ja4"] for path, one in seen.items()}
    in_order = [ja4[port] for port in (one["source"]["port"] for one in hellos)]
    assert [got["/in/new"], got["/in/old"], got["/in/text"]] == in_order
    assert got["/in/old"].startswith("t12d") and got["/in/new"].startswith("t13d")
    assert counters["proxy_headers_total"] == 3
    assert counters["hellos_joined_total"] == 3 and counters["hellos_uncertain_total"] == 0
    assert seen["/in/new"]["source"]["ip"] == PROXY


def test_http2_on_both_sides_of_the_terminator(rig):
    """One connection outside and inside, several requests, all of one visitor."""
    with Both(rig) as daemon:
        done = rig.run(rig.add_client(CLIENTS[0]), [
            "curl", "-sk", "--http2", "--resolve", f"example.org:{HTTP2}:{WEB}",
            *(f"https://example.org:{HTTP2}/in/{name}" for name in ("anna", "ben", "clara"))])
        assert done.stdout == 3 * "inside\n", (done.stdout, done.stderr)
        seen = daemon.by_path(3)
        assert daemon.stop() == 0
        counters = daemon.counters()
    assert set(seen) == {"/in/anna", "/in/ben", "/in/clara"}
    for one in seen.values():
        assert one["http"]["version"] == "2"
        assert one["http"]["response"]["status_code"] == 200
        assert one["client"]["ip"] == CLIENTS[0]
        assert one["url"]["domain"] == "example.org"
    assert len({one["trawlwatch"]["ja4"] for one in seen.values()}) == 1
    assert counters["http2_connections_total"] == counters["proxy_headers_total"] == 1
    assert counters["hellos_uncertain_total"] == 0


def test_the_join_by_address_says_when_it_is_not_sure(rig):
    with Both(rig) as daemon:
        rig.get(CLIENTS[1], FORWARDED, "/in/first")
        rig.get(CLIENTS[1], FORWARDED, "/in/second")
        daemon.by_path(2)
        rig.get(CLIENTS[1], FORWARDED, "/in/third", *TLS12)
        rig.get(CLIENTS[2], FORWARDED, "/in/other")
        seen = daemon.by_path(4)
        assert daemon.stop() == 0
        counters = daemon.counters()
    got = {path: one["trawlwatch"]["ja4"] for path, one in seen.items()}
    assert got["/in/first"] == got["/in/second"] == got["/in/other"] != got["/in/third"]
    assert counters["hellos_joined_total"] == 4 and counters["hellos_uncertain_total"] == 1
    assert {one["client"]["ip"] for one in seen.values()} == set(CLIENTS[1:])


def test_rules_count_and_block_by_fingerprint(rig, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("""
rules:
  - name: by-fingerprint
    severity: high
    where: page == profile and tls.alpn == 'h2' and not tls.uncertain and present(tcp.shape)
    per: tls.ja4
    when: distinct(client.host, 10m) >= 3
    block: 10m
""")
    with Both(rig, "-R", str(rules)) as daemon:
        for address in CLIENTS:
            rig.get(address, PROXIED, "/in/anna")
        seen = daemon.by_path(1)
        wait_until(lambda: len(daemon.visible()) == 3, 10, "three requests")
        assert daemon.stop() == 0
        alerts = subprocess.run([program("trawlctl"), "alerts", "--json", "--journal",
                                 daemon.journal], check=True, capture_output=True, text=True)
    raised = [alert for alert in map(json.loads, alerts.stdout.splitlines())
              if alert["event"]["action"] == "raised"
              and alert["rule"]["name"] == "by-fingerprint"]
    ja4 = seen["/in/anna"]["trawlwatch"]["ja4"]
    assert [alert["trawlwatch"]["subject"] for alert in raised] == \
        [{"type": "tls.ja4", "value": ja4}]
    assert raised[0]["trawlwatch"]["block"]["type"] == "ja4"
    involved = raised[0]["trawlwatch"]["involved"]
    assert collections.Counter(involved["client.ip"]["values"]) == collections.Counter(CLIENTS)
    assert involved["tls.ja4"] == {"total": 1, "values": [ja4]}
