# SPDX-License-Identifier: MIT
"""What the running daemon tells of itself: /metrics, /healthz, the status, the control
socket; and how they hold out against those who mean no good."""
import contextlib
import json
import os
import re
import socket
import subprocess
import threading
import time

import pytest

import clients
from rig import Daemon, wait_until

PORT = 9477
SCRAPER = "203.0.113.71"
RULES = """rules:
  - name: harvest
    where: page == profile and status == 200
    per: client.host
    when: distinct(target, 10m) >= 20
  - name: tried
    mode: dry-run
    where: page == profile and status == 200
    per: client.prefix
    when: distinct(target, 10m) >= 30
"""


class Watched(Daemon):
    """A daemon with its status page and its control socket."""

    def __init__(self, rig, *options, **more):
        self.socket_path = rig.path("control.sock")
        super().__init__(rig, "-o", f"admin.listen=127.0.0.1:{PORT}",
                         "-o", "admin.socket=" + self.socket_path, *options, **more)

    def curl(self, path, *options):
        """(status, headers in lower case, body)"""
        done = self.rig.run(self.rig.server, ["curl", "-s", "-S", "-i", "-m", "20", *options,
                                              f"http://127.0.0.1:{PORT}{path}"])
        assert done.returncode == 0, done.stderr
        head, _, body = done.stdout.partition("\n\n")
        lines = head.splitlines()
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        return int(lines[0].split()[1]), headers, body

    def get(self, path):
        status, _, body = self.curl(path)
        assert status == 200, body
        return body

    def metrics(self):
        """Every sample of /metrics, by its name with labels."""
        samples = {}
        for line in self.get("/metrics").splitlines():
            if not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                assert name not in samples, name
                samples[name] = float(value)
        return samples

    def status(self):
        return json.loads(self.get("/api/v1/status"))

    def connect(self):
        """A connection to the status page, made inside of the rig's network."""
        return connect_inside(self.rig.server, ("127.0.0.1", PORT))

    def ask(self, line):
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(20)
            link.connect(self.socket_path)
            link.sendall(line)
            return read_all(link)


def read_all(link):
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := link.recv(65536):
            parts.append(part)
    return b"".join(parts)


def connect_inside(namespace, address):
    """A connection of this process, through another network namespace."""
    made = []

    def make():
        with open(f"/run/netns/{namespace}", "rb") as there:
            os.setns(there.fileno(), 0x40000000)
        link = socket.create_connection(address, timeout=30)
        made.append(link)

    if not hasattr(os, "setns"):  # before Python 3.12
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        os.setns = lambda fd, kind: libc.setns(fd, kind)
    # Of one thread alone, which ends.
    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    return made[0]


@pytest.fixture(name="rules")
def rules_file(rig):
    path = rig.path("admin-rules.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(RULES)
    return path


def test_metrics_are_the_counters(rig, redis, rules):
    there = rig.add_client(SCRAPER)
    with Watched(rig, "-o", "redis.url=" + redis.url, journal="journal-metrics",
                 rules=rules) as daemon:
        clients.curl_profiles(rig, there, 40)
        wait_until(lambda: len(daemon.visible()) >= 40 and redis.alerts(), 20, "the alert")
        # Nothing comes any more: what is told now is the end.
        wait_until(lambda: daemon.metrics()["trawlwatch_alerts_waiting"] == 0, 10,
                   "all alerts to be published")
        # The heartbeat counts for all processes.
        heartbeat = redis.ask("KEYS", "{trawlwatch}:sensor:*")[0]
        wait_until(lambda: int(redis.ask("HGET", heartbeat, "packets_total") or 0) >= 40, 20,
                   "the packets in the heartbeat")
        text = daemon.get("/metrics")
        found = daemon.metrics()
        status = daemon.status()
        assert daemon.stop() == 0
        counters = daemon.counters()

    # Every counter is there, with the value that is printed at the end. (The end adds the
    # events of incidents that end, and what was asked of the page.)
    later = ("alerts_", "admin_", "snapshots", "redis_", "packet", "lines_")
    for name, value in counters.items():
        assert "trawlwatch_" + name in found, name
        if not name.startswith(later):
            assert found["trawlwatch_" + name] == value, name
    assert found["trawlwatch_requests_total"] >= 40

    done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                          capture_output=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    names = re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE)
    assert len(names) == len(set(names))
    assert re.findall(r"^# HELP (\S+) \S", text, re.MULTILINE) == [name for name, _ in names]

    rule = 'trawlwatch_rule_%s_total{rule="%s",per="%s"}'
    assert found[rule % ("matched", "harvest", "client.host")] == 40
    assert found[rule % ("held", "harvest", "client.host")] == 21
    assert found[rule % ("raised", "harvest", "client.host")] == 1
    assert found[rule % ("dry_run", "harvest", "client.host")] == 0
    assert found[rule % ("held", "tried", "client.prefix")] == 11
    assert found[rule % ("raised", "tried", "client.prefix")] == 0
    assert found[rule % ("dry_run", "tried", "client.prefix")] == 1
    assert found['trawlwatch_table_entries{table="client.host"}'] == 1
    assert found['trawlwatch_table_bytes{table="client.host"}'] > 0
    assert found['trawlwatch_memory_limit_bytes{budget="detect"}'] == 256 << 20
    assert 0 < found['trawlwatch_memory_bytes{budget="detect"}'] < 256 << 20
    assert found["trawlwatch_incidents_open"] == 2
    assert found["trawlwatch_redis_up"] == 1
    assert found["trawlwatch_redis_publish_seconds_count"] == \
        found["trawlwatch_alerts_published_total"] == found["trawlwatch_alerts_journalled_total"]
    assert found['trawlwatch_redis_publish_seconds_bucket{le="+Inf"}'] == \
        found["trawlwatch_redis_publish_seconds_count"]
    assert found["trawlwatch_journal_bytes"] > 0
    assert found['trawlwatch_interface_open{interface="lo"}'] == 1
    assert abs(found["trawlwatch_start_time_seconds"] - time.time()) < 600
    assert found['trawlwatch_ring_bytes{worker="lo/0"}'] == 16 << 20
    assert found['trawlwatch_ring_drops_total{worker="lo/0"}'] == 0
    assert found['trawlwatch_capture_restarts_total{worker="lo/0"}'] == 0
    assert found['trawlwatch_memory_limit_bytes{budget="reassembly"}'] == 64 << 20

    assert status["healthy"] and status["reasons"] == [] and status["rules"] == 2
    assert status["interfaces"][0]["name"] == "lo" and status["interfaces"][0]["open"]
    assert status["files"]["rules"] == [rules] and status["files"]["journal"] == daemon.journal
    assert status["totals"]["requests"] == found["trawlwatch_requests_total"]
    assert status["redis"] == {"configured": True, "up": True, "waiting": 0,
                               "published": status["journal"]["last"]}
    assert status["memory"]["detect"]["limit"] == 256 << 20
    assert status["tables"][0]["per"] == "client.host" and status["tables"][0]["keys"] == 1
    assert status["flows"]["limit"] == 1 << 20


def test_how_long_rules_take_is_sampled(rig, rules):
    there = rig.add_client(SCRAPER)
    with Watched(rig, journal="journal-sampled", rules=rules) as daemon:
        clients.curl_profiles(rig, there, 200)
        wait_until(lambda: daemon.metrics()["trawlwatch_evaluation_seconds_count"] > 0, 20,
                   "a batch to be timed")
        found = daemon.metrics()
    assert found["trawlwatch_evaluation_seconds_sum"] > 0
    buckets = [value for name, value in found.items()
               if name.startswith("trawlwatch_evaluation_seconds_bucket")]
    assert buckets == sorted(buckets)


def test_health_follows_redis(rig, redis, rules):
    there = rig.add_client(SCRAPER)
    with Watched(rig, "-o", "redis.url=" + redis.url, "-o", "admin.redis_grace=1s",
                 journal="journal-health", rules=rules) as daemon:
        wait_until(lambda: daemon.curl("/healthz")[0] == 200, 10, "all to be well")
        assert daemon.get("/healthz") == "ok\n"
        redis.stop()
        wait_until(lambda: daemon.curl("/healthz")[0] == 503, 15, "Redis to be missed")
        clients.curl_profiles(rig, there, 40)
        wait_until(lambda: daemon.metrics()["trawlwatch_alerts_waiting"] >= 2, 10,
                   "alerts that wait")
        assert daemon.metrics()["trawlwatch_redis_up"] == 0
        status, _, body = daemon.curl("/healthz")
        assert status == 503 and re.match(r"redis: nothing can be published since \d+ s; "
                                          r"[2-9]\d* alerts wait in the journal\n$", body), body
        told = daemon.status()
        assert not told["healthy"] and told["redis"]["down_seconds"] > 1
        assert told["reasons"] == [told["reasons"][0]] and "redis:" in told["reasons"][0]
        redis.start()
        wait_until(lambda: daemon.curl("/healthz")[0] == 200, 20, "Redis to be back")
        wait_until(lambda: daemon.metrics()["trawlwatch_alerts_waiting"] == 0, 10,
                   "all alerts to be published")
        assert len(redis.alerts()) >= 2
        assert daemon.metrics()["trawlwatch_redis_up"] == 1


def fill(path):
    """Until nothing goes in any more."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while True:
            os.write(file, b"x" * 4096)
    os.close(file)


def test_health_tells_of_a_journal_and_a_snapshot_that_cannot_be_written(rig, rules):
    there = rig.add_client(SCRAPER)
    journal = rig.path("journal-full")
    os.mkdir(journal)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", journal],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("no tmpfs can be mounted here: " + done.stderr)
    try:
        with Watched(rig, "-o", "journal.snapshot=1s", journal="journal-full",
                     rules=rules) as daemon:
            fill(journal + "/filler")
            clients.curl_profiles(rig, there, 40)
            wait_until(lambda: daemon.metrics()["trawlwatch_alerts_held"] > 0, 10,
                       "alerts in memory")
            wait_until(lambda: "snapshot: " in daemon.curl("/healthz")[2], 20,
                       "a snapshot that fails")
            status, _, body = daemon.curl("/healthz")
            assert status == 503 and "journal: it cannot be written" in body
            os.unlink(journal + "/filler")
            wait_until(lambda: daemon.metrics()["trawlwatch_alerts_held"] == 0, 10,
                       "the journal to be written again")
    finally:
        subprocess.run(["umount", "-l", journal], check=True)


def test_who_may_ask_and_how(rig, rules):
    with Watched(rig, "-o", "admin.names=sensor.example.org", journal="journal-asked",
                 rules=rules) as daemon:
        status, headers, body = daemon.curl("/")
        assert status == 200 and "/metrics" in body
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cache-control"] == "no-store"
        assert daemon.curl("/metrics")[1]["content-type"].startswith(
            "text/plain; version=0.0.4")
        assert daemon.curl("/metrics?x=1")[0] == 200
        for path in ("/metrics/", "/nothing", "/..", "/%6detrics", "/api/v1"):
            assert daemon.curl(path, "--path-as-is")[0] == 404, path
        status, headers, body = daemon.curl("/metrics", "-I")
        assert status == 200 and body == ""
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
            status, headers, _ = daemon.curl("/metrics", "-X", method)
            assert status == 405 and headers["allow"] == "get, head", method
        assert daemon.curl("/metrics", "-d", "a=b")[0] == 405
        assert daemon.curl("/metrics", "-d", "x" * 9000)[0] == 413
        assert daemon.curl("/metrics", "-X", "GET", "-d", "a=b")[0] == 400
        # DNS rebinding: the name is that of somebody else's page.
        for host in ("evil.example", "localhost.evil.example", "evil.example:9477", ""):
            assert daemon.curl("/metrics", "-H", f"Host: {host or ';'}")[0] in (400, 421), host
        for host in ("localhost:1", "sensor.example.org", "[::1]:9477", "192.0.2.1"):
            assert daemon.curl("/metrics", "-H", f"Host: {host}")[0] == 200, host
        found = daemon.metrics()
        assert found["trawlwatch_admin_refused_total"] == 5 + 6 + 2 + 4


def raw(daemon, request):
    with daemon.connect() as link:
        link.sendall(request)
        return read_all(link)


def test_bad_requests_do_no_harm(rig, rules):
    with Watched(rig, journal="journal-bad", rules=rules) as daemon:
        head = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n"
        assert raw(daemon, head + b"\r\n").startswith(b"HTTP/1.1 200 ")
        assert raw(daemon, b"GET /healthz HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 200 ")
        assert raw(daemon, b"GET /metrics HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 421 ")
        assert raw(daemon, b"GET http://evil.example/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
                   ).startswith(b"HTTP/1.1 421 ")
        # Not one of them gets metrics, and a second request behind the first none either.
        for request in (b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n",
                        b"GET /metrics HTTP/9.9\r\n\r\n", b"BREW /metrics HTTP/1.1\r\n\r\n",
                        head + b"X: " + b"y" * 9000 + b"\r\n\r\n",
                        head + b"no colon\r\n\r\n",
                        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
                        head + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                        bytes(range(256)) * 8):
            assert b"trawlwatch_packets" not in raw(daemon, request), request[:40]
        assert raw(daemon, (head + b"\r\n") * 5).count(b"HTTP/1.1 200 ") == 1
        assert daemon.metrics()["trawlwatch_packets_total"] > 0


def test_a_slow_client_is_cut_and_a_crowd_does_not_shut_others_out(rig, rules):
    with Watched(rig, journal="journal-slow", rules=rules) as daemon:
        # A byte each half second is no silence, and yet there is an end.
        begin = time.monotonic()
        with daemon.connect() as link:
            link.settimeout(0.5)
            sent = 0
            with contextlib.suppress(OSError):
                while time.monotonic() - begin < 60:
                    link.sendall(b"GET /metrics HTTP/1.1\r\nX: "[sent:sent + 1] or b"y")
                    sent += 1
                    with contextlib.suppress(TimeoutError):
                        if not link.recv(1):
                            break
            took = time.monotonic() - begin
        assert 9 <= took < 40 and sent > 10
        assert daemon.metrics()["trawlwatch_admin_cut_total"] == 1

        with contextlib.ExitStack() as crowd:
            for _ in range(100):
                link = crowd.enter_context(daemon.connect())
                link.sendall(b"GET /metrics HTTP/1.1\r\n")
            # A scrape gets through at once, while they are all there.
            found = daemon.metrics()
            assert found["trawlwatch_admin_cut_total"] >= 1 + 100 - 16
            wait_until(lambda: open_sockets(daemon) < 40, 10, "those that were cut to be gone")
        assert daemon.stop() == 0


def open_sockets(daemon):
    """Of trawlwatchd itself, which the command that enters the network becomes."""
    folder, count = f"/proc/{daemon.child.pid}/fd", 0
    for fd in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):
            count += os.readlink(f"{folder}/{fd}").startswith("socket:")
    return count


def test_many_at_once_are_all_answered(rig, rules):
    with Watched(rig, journal="journal-many", rules=rules) as daemon:
        done = rig.run(rig.server, [
            "sh", "-c", f"for i in $(seq 20); do curl -s -o /dev/null -w '%{{http_code}}\\n' "
            f"http://127.0.0.1:{PORT}/metrics & done; wait"])
        codes = done.stdout.split()
        assert len(codes) == 20 and codes.count("200") >= 16


def fails_to_start(rig, *options):
    daemon = Daemon(rig, *options, journal="journal-start")
    done = rig.run(rig.server, daemon.command, timeout=20)
    return done.returncode, done.stderr


def test_an_address_that_is_taken(rig, rules):
    with Watched(rig, journal="journal-taken", rules=rules) as daemon:
        # Written by the operator: it is wanted, so there is no daemon without it.
        status, err = fails_to_start(rig, "-o", f"admin.listen=127.0.0.1:{PORT}")
        assert status == 1 and "admin.listen" in err and "Address already in use" in err
        status, err = fails_to_start(rig, "-o", "admin.socket=" + daemon.socket_path)
        assert status == 1 and "another daemon answers there" in err
        assert daemon.ask(b"status\n").startswith(b"{")  # it was left alone
        # By default: a warning, and it is tried again.
        second = Daemon(rig, journal="journal-second", rules=rules)
        at = second.command.index("admin.listen=none")
        del second.command[at - 1:at + 1]
        with second:
            assert any("admin.listen: 127.0.0.1:9477: Address already in use" in line
                       and "tried again" in line for line in second.messages)
            assert daemon.stop() == 0
            wait_until(lambda: any("status page on" in line for line in second.messages), 20,
                       "the address to be taken")
            assert second.stop() == 0


# ---- the control socket ----

def test_the_control_socket(rig, rules):
    with Watched(rig, journal="journal-control", rules=rules) as daemon:
        mode = os.stat(daemon.socket_path)
        assert mode.st_mode & 0o777 == 0o660
        told = json.loads(daemon.ask(b"status\n"))
        assert told["version"] and told["rules"] == 2
        assert "error" in json.loads(daemon.ask(b"nothing\n"))
        assert "error" in json.loads(daemon.ask(b"\n"))
        assert "error" in json.loads(daemon.ask(b"x" * 258))
        with socket.socket(socket.AF_UNIX) as link:  # no line: the time runs out
            link.settimeout(40)
            link.connect(daemon.socket_path)
            link.sendall(b"stat")
            assert link.recv(1) == b""
        with contextlib.ExitStack() as crowd:
            for _ in range(16):
                link = crowd.enter_context(socket.socket(socket.AF_UNIX))
                link.connect(daemon.socket_path)
            with contextlib.suppress(OSError):
                assert daemon.ask(b"status\n") == b""
        wait_until(lambda: daemon.ask(b"status\n"), 10, "room for one more")
        assert daemon.stop() == 0
        assert not os.path.exists(daemon.socket_path)


def test_a_stale_socket_is_replaced_and_a_file_is_not(rig, rules):
    path = rig.path("control.sock")
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(path)
    with Watched(rig, journal="journal-stale", rules=rules) as daemon:
        assert json.loads(daemon.ask(b"status\n"))["healthy"]
    with open(path, "w", encoding="utf-8") as file:
        file.write("mine")
    status, err = fails_to_start(rig, "-o", "admin.socket=" + path)
    assert status == 1 and "no socket" in err
    with open(path, encoding="utf-8") as file:
        assert file.read() == "mine"
    os.unlink(path)


def as_user(uid, gid, path):
    """What one of another user gets from the socket: its answer, or None."""
    code = ("import os,socket,sys; os.setgroups([]); os.setgid(int(sys.argv[2]));"
            "os.setuid(int(sys.argv[1])); s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[3]);"
            "s.sendall(b'status\\n'); sys.stdout.write(s.recv(10).decode())")
    done = subprocess.run(["/usr/bin/python3", "-c", code, str(uid), str(gid), path],
                          capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def test_only_user_and_group_may_connect(rig, rules):
    os.chmod(rig.folder, 0o755)
    with Watched(rig, journal="journal-users", rules=rules) as daemon:
        assert as_user(0, 0, daemon.socket_path).startswith("{")
        assert as_user(65534, 65534, daemon.socket_path) is None
        assert as_user(65534, 0, daemon.socket_path).startswith("{")
        # Where the mode does not hold, the kernel's word does.
        os.chmod(daemon.socket_path, 0o666)
        assert not as_user(65534, 65534, daemon.socket_path)
        assert as_user(65534, 0, daemon.socket_path).startswith("{")


def test_a_reload_tells_how_it_went(rig, rules):
    with Watched(rig, journal="journal-reloaded", rules=rules) as daemon:
        told = json.loads(daemon.ask(b"reload\n"))
        assert (told["result"], told["rules"], told["messages"]) == ("taken up", 2, [])
        with open(rules, "w", encoding="utf-8") as file:
            file.write(RULES.replace("distinct(target, 10m) >= 20", "distnct(target, 10m) >= 20"))
        told = json.loads(daemon.ask(b"reload\n"))
        assert told["result"] == "mistakes" and told["rules"] == 2
        assert any(re.search(r"admin-rules.yaml:5:11: .*distnct", line)
                   for line in told["messages"]), told
        assert daemon.status()["rules"] == 2
