# SPDX-License-Identifier: MIT
"""The alert layer against a real redis-server: each alert once, in order, whatever happens.

alert_driver stands in for the daemon. No root and no network but loopback and a socket.
"""
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time

import pytest
import redis as redis_py

import made_capture
from odd_redis import OddRedis, bulk

PREFIX = "{trawlwatch}"
DRIVER = os.environ.get("ALERT_DRIVER") or os.path.join(
    os.environ["TRAWLWATCH_BIN"], "..", "tests", "alert-driver")
# Another version, or Valkey, with its checker beside it (docs/redis.md).
REDIS_SERVER = os.environ.get("TRAWLWATCH_REDIS_SERVER", "redis-server")
REDIS_CHECK_AOF = os.path.join(os.path.dirname(REDIS_SERVER),
                               os.path.basename(REDIS_SERVER).replace("server", "check-aof"))
TRAWLCTL = os.path.join(os.environ["TRAWLWATCH_BIN"], "trawlctl")


def wait_until(condition, seconds, what):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("waited %s s for %s" % (seconds, what))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """redis-server on a unix socket and on TCP, with its data in a folder."""

    def __init__(self, folder, *options):
        self.folder = folder
        self.port = free_port()
        self.socket_path = os.path.join(folder, "redis.sock")
        self.options = options
        self.child = None
        self.password = None

    def start(self, *options):
        self.child = subprocess.Popen(
            [REDIS_SERVER, "--port", str(self.port), "--bind", "127.0.0.1",
             "--unixsocket", self.socket_path, "--save", "", "--dir", self.folder,
             *self.options, *options],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.is_up, 20, "redis-server")
        return self

    def client(self):
        return redis_py.Redis(unix_socket_path=self.socket_path, password=self.password,
                              decode_responses=True)

    def is_up(self):
        try:
            return self.client().ping()
        except redis_py.exceptions.RedisError:
            return False

    def kill(self):
        if self.child:
            self.child.kill()
            self.child.wait()
            self.child = None

    @property
    def unix_url(self):
        return "unix:" + self.socket_path

    @property
    def tcp_url(self):
        return "redis://127.0.0.1:%d/0" % self.port


class Driver:
    def __init__(self, folder, url, fsync="interval", sensor="s1", env=None, keep=100000,
                 before=(), **settings):
        self.log_path = os.path.join(folder, "driver.log")
        self.log = open(self.log_path, "ab")
        self.child = subprocess.Popen(
            [*before, DRIVER, os.path.join(folder, "journal"), sensor, url, fsync, str(keep),
             *("%s=%s" % setting for setting in settings.items())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
            env={**os.environ, **(env or {})})
        assert self.child.stdout.readline() == "ready\n"

    def ask(self, line):
        try:
            self.child.stdin.write(line + "\n")
            self.child.stdin.flush()
            answer = self.child.stdout.readline()
        except BrokenPipeError:
            answer = ""
        assert answer, "the driver ended with %s: %s" % (self.child.wait(20), self.said())
        return answer.strip()

    def drain(self, seconds=20):
        return int(self.ask("drain %d" % (seconds * 1000)).split()[1])

    def stats(self):
        return json.loads(self.ask("stats"))

    def said(self):
        with open(self.log_path) as log:
            return log.read()

    def stop(self):
        if self.child.poll() is None:
            self.child.stdin.close()
            assert self.child.wait(20) == 0, self.said()
        self.log.close()

    def kill(self):
        self.child.kill()
        self.child.wait()
        self.log.close()


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="trawlwatch-") as path:
        yield path


@pytest.fixture
def server(folder):
    it = Server(folder).start()
    yield it
    it.kill()


def stream(client):
    return [fields for _, fields in client.xrange(PREFIX + ":alerts")]


def numbers(client):
    return [int(fields["id"]) for fields in stream(client)]


def test_what_an_alert_leaves_in_redis(folder, server):
    client = server.client()
    channel = client.pubsub()
    channel.subscribe(PREFIX + ":events")
    assert channel.get_message(timeout=5)["type"] == "subscribe"
    driver = Driver(folder, server.tcp_url)
    driver.ask("block 7 1 60000")
    assert driver.drain() == 0

    (entry,) = stream(client)
    assert list(entry) == ["id", "action", "n", "sensor", "seq", "rule", "severity",
                           "subject_type", "subject", "time", "json"]
    assert entry["id"] == "%026d" % 7
    assert (entry["action"], entry["n"], entry["sensor"]) == ("raised", "0", "s1")
    assert (entry["rule"], entry["severity"]) == ("profile-harvest", "high")
    assert (entry["subject_type"], entry["subject"]) == ("client.host", "203.0.0.7")
    alert = json.loads(entry["json"])
    assert alert["@timestamp"] == entry["time"]
    assert alert["trawlwatch"]["block"]["value"] == "203.0.0.7"

    assert client.get(PREFIX + ":cursor:s1") == entry["seq"]
    assert channel.get_message(timeout=5)["data"] == entry["json"]

    key = PREFIX + ":block:ip:203.0.0.7"
    assert 50000 < client.pttl(key) <= 60000
    block = json.loads(client.get(key))
    assert list(block) == ["rule", "id", "since", "until", "level", "why"]
    assert (block["rule"], block["id"], block["level"]) == ("profile-harvest", entry["id"], 1)
    assert block["until"] == alert["trawlwatch"]["block"]["until"]
    ((member, score),) = client.zrange(PREFIX + ":blocks", 0, -1, withscores=True)
    assert member == "ip:203.0.0.7"
    assert abs(score - (time.time() * 1000 + client.pttl(key))) < 100

    seen = PREFIX + ":seen:%026d:raised:0" % 7
    assert client.pttl(seen) > 86400 * 1000
    heartbeat = client.hgetall(PREFIX + ":sensor:s1")
    assert heartbeat["host"] == socket.gethostname() and heartbeat["version"]
    assert "alerts_journalled_total" in heartbeat
    assert driver.stats()["blocks_total"] == 1
    assert 0 < client.pttl(PREFIX + ":sensor:s1") <= 15000
    assert {key.split(":")[0] for key in client.keys()} == {PREFIX}
    driver.stop()


def test_blocks_end_are_pruned_and_never_shortened(folder, server):
    client = server.client()
    driver = Driver(folder, server.unix_url)
    driver.ask("block 1 1 300")
    driver.ask("block 2 1 60000")
    driver.ask("block 3 1 -5000")  # over before it is published
    assert driver.drain() == 0
    assert client.exists(PREFIX + ":block:ip:203.0.0.1") == 1
    assert client.exists(PREFIX + ":block:ip:203.0.0.3") == 0
    time.sleep(0.5)
    assert client.exists(PREFIX + ":block:ip:203.0.0.1") == 0
    driver.ask("block %d 1 5000" % (2 + 65536))  # the same address, a shorter block
    assert driver.drain() == 0
    assert client.zrange(PREFIX + ":blocks", 0, -1) == ["ip:203.0.0.2"]
    assert client.pttl(PREFIX + ":block:ip:203.0.0.2") > 50000
    # Two were put; the one that was over and the one that was running already do not count.
    assert driver.stats()["blocks_total"] == 2

    client.delete(PREFIX + ":block:ip:203.0.0.2")  # somebody lifted it
    client.zrem(PREFIX + ":blocks", "ip:203.0.0.2")
    driver.ask("update 2 1")
    assert driver.drain() == 0
    assert stream(client)[-1]["action"] == "updated"
    assert client.exists(PREFIX + ":block:ip:203.0.0.2") == 0
    driver.stop()


def ctl(server, *arguments):
    done = subprocess.run([os.path.join(os.environ["TRAWLWATCH_BIN"], "trawlctl"), "blocks",
                           *arguments, "-o", "redis.url=" + server.unix_url],
                          capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_who_is_let_in_again_is_held(folder, server):
    """No rule blocks the subject while the hold lasts; a person can, and that ends it."""
    client = server.client()
    channel = client.pubsub()
    channel.subscribe(PREFIX + ":events")
    assert channel.get_message(timeout=5)["type"] == "subscribe"

    def told():
        message = json.loads(channel.get_message(timeout=5)["data"])
        return (message["event"]["action"],
                message["trawlwatch"].get("block", {}).get("value"))

    block, hold = PREFIX + ":block:ip:203.0.0.7", PREFIX + ":hold:ip:203.0.0.7"
    driver = Driver(folder, server.unix_url)
    driver.ask("block 7 1 60000")
    assert driver.drain() == 0
    assert told() == ("raised", "203.0.0.7") and client.exists(block) == 1

    assert "no longer blocked, and rules leave it alone until" in ctl(
        server, "remove", "203.0.0.7", "--hold", "2s", "--why", "a customer")
    assert told() == ("unblocked", "203.0.0.7")
    assert client.exists(block) == 0 and json.loads(client.get(hold))["why"] == "a customer"
    assert client.zcard(PREFIX + ":blocks") == 0
    driver.ask("block %d 2 60000" % (7 + 65536))  # the same address, and one that is not held
    assert driver.drain() == 0
    assert client.exists(block) == 0
    assert client.zrange(PREFIX + ":blocks", 0, -1) == ["ip:203.0.0.8"]
    stats = driver.stats()
    assert (stats["blocks_total"], stats["blocks_held_total"]) == (2, 1)
    assert [told()[0] for _ in range(2)] == ["raised", "raised"]

    wait_until(lambda: client.exists(hold) == 0, 5, "the end of the hold")
    driver.ask("block %d 1 60000" % (7 + 2 * 65536))
    assert driver.drain() == 0
    assert client.exists(block) == 1 and told()[0] == "raised"

    ctl(server, "remove", "203.0.0.7", "--hold", "1h")
    assert told()[0] == "unblocked" and client.pttl(hold) > 3590_000
    ctl(server, "add", "203.0.0.7", "--for", "1h", "--why", "after all")
    assert told() == ("blocked", "203.0.0.7")
    assert client.exists(hold) == 0 and client.pttl(block) > 3590_000
    assert stream(client)[-1]["action"] == "raised"  # what people do is no alert
    driver.stop()


def test_the_daemon_is_told_which_blocks_are_held(folder, server):
    """Of an incident that blocks many: those alone, and with its id and rule."""
    client = server.client()
    driver = Driver(folder, server.unix_url)
    for tail in 3, 5:
        ctl(server, "remove", "203.0.0.%d" % tail, "--hold", "1h")
    driver.ask("swarm 1 4 60000")
    driver.ask("block 20 1 60000")
    assert driver.drain() == 0
    assert driver.ask("held") == "%026d profile-harvest ip:203.0.0.3" % 1
    driver.ask("swarm 2 4 60000")  # 2 to 5, of which 2 and 4 run already
    driver.ask("block 21 1 60000")
    assert driver.drain() == 0
    assert driver.ask("held") == " ".join(
        "%026d profile-harvest ip:203.0.0.%d" % (2, tail) for tail in (3, 5))
    stats = driver.stats()
    assert (stats["blocks_total"], stats["blocks_held_total"]) == (5, 3)
    assert stats["alerts_published_total"] == 4 and stats["redis_errors_total"] == 0
    assert sorted(client.zrange(PREFIX + ":blocks", 0, -1)) == sorted(
        "ip:203.0.0.%d" % tail for tail in (1, 2, 4, 20, 21))
    driver.stop()


def test_a_block_that_is_taken_away_while_it_runs_is_told_of(folder, server):
    """With the next event that names it; nothing is put, and no other event tells of it."""
    client = server.client()
    driver = Driver(folder, server.unix_url)
    driver.ask("block 7 2 60000")
    driver.ask("update 7 1")
    assert driver.drain() == 0 and driver.ask("held") == "none"
    ctl(server, "remove", "203.0.0.7", "--hold", "1h")
    driver.ask("update 8 1")
    assert driver.drain() == 0 and driver.ask("held") == "none"
    driver.ask("update 7 2")
    assert driver.drain() == 0
    assert driver.ask("held") == "%026d profile-harvest ip:203.0.0.7" % 7
    assert client.zrange(PREFIX + ":blocks", 0, -1) == ["ip:203.0.0.8"]
    assert client.exists(PREFIX + ":block:ip:203.0.0.7") == 0
    stats = driver.stats()
    assert (stats["blocks_total"], stats["blocks_held_total"]) == (2, 1)
    assert stats["alerts_published_total"] == 5 and stats["redis_errors_total"] == 0
    driver.stop()


def test_a_block_without_an_end_stays_as_it_is(folder, server):
    """Somebody else put it, for good: no rule and no person without --replace shortens it."""
    client = server.client()
    driver = Driver(folder, server.unix_url)
    key = PREFIX + ":block:ip:203.0.0.7"
    client.set(key, "for good")
    driver.ask("block 7 1 60000")
    assert driver.drain() == 0
    assert client.get(key) == "for good" and client.pttl(key) == -1
    assert driver.stats()["blocks_total"] == 0
    assert "without an end" in ctl(server, "add", "203.0.0.7", "--for", "1h", "--why", "me")
    assert client.get(key) == "for good" and client.pttl(key) == -1
    ctl(server, "add", "203.0.0.7", "--for", "1h", "--why", "me", "--replace")
    assert 0 < client.pttl(key) <= 3600_000
    driver.stop()


def test_all_of_a_thousand_blocks_are_held(folder, server):
    """The longest answer there is: what comes behind it is published like any other."""
    client = server.client()
    driver = Driver(folder, server.unix_url)
    client.mset({PREFIX + ":hold:ip:203.0.%d.%d" % (n >> 8, n & 255): "{}" for n in range(1000)})
    driver.ask("swarm 0 1000 60000")
    driver.ask("block 2000 1 60000")
    assert driver.drain() == 0
    assert driver.ask("held").count("profile-harvest ip:203.0.") == 1000
    stats = driver.stats()
    assert (stats["blocks_total"], stats["blocks_held_total"]) == (1, 1000)
    assert (stats["alerts_published_total"], stats["redis_reconnects_total"]) == (2, 1)
    driver.stop()


def test_two_sensors_block_the_same_subject(folder, server):
    """One block comes of it, which ends when the longer one does and is never cut short,
    whichever sensor is first and whatever their ladders say."""
    client = server.client()
    drivers = []
    for sensor in "s1", "s2":
        os.makedirs(os.path.join(folder, sensor))
        drivers.append(Driver(os.path.join(folder, sensor), server.unix_url, sensor=sensor))
    key, member = PREFIX + ":block:ip:203.0.0.9", "ip:203.0.0.9"

    def put(driver, number, ms, level):
        drivers[driver].ask("block %d 1 %d %d" % (9 + number * 65536, ms, level))
        assert drivers[driver].drain() == 0
        seconds, micros = client.time()
        (one,) = client.zrange(PREFIX + ":blocks", 0, -1, withscores=True)
        ttl = client.pttl(key)
        assert one[0] == member
        # The set says the same end as the key.
        assert abs(one[1] - (seconds * 1000 + micros / 1000 + ttl)) < 2000
        told = json.loads(client.get(key))
        return ttl, told["level"], told["id"]

    minute, hour = 60_000, 3_600_000
    ttl, level, first = put(0, 0, 10 * minute, 1)
    assert 9 * minute < ttl <= 10 * minute and (level, first) == (1, "%026d" % 9)
    ttl, level, same = put(1, 1, minute, 1)           # shorter: nothing changes
    assert ttl > 9 * minute and (level, same) == (1, first)
    ttl, level, longer = put(1, 2, hour, 2)           # longer: takes its place
    assert 59 * minute < ttl <= hour and level == 2 and longer != first
    ttl, level, same = put(0, 3, 10 * minute, 2)      # the first sensor's ladder goes on
    assert ttl > 59 * minute and (level, same) == (2, longer)
    ttl, level, same = put(0, 4, 24 * hour, 3)
    assert 23 * hour < ttl <= 24 * hour and level == 3 and same != longer
    assert client.keys(PREFIX + ":block:*") == [key]
    # Only the first was put where none was running.
    assert [one.stats()["blocks_total"] for one in drivers] == [1, 0]
    assert [one["sensor"] for one in stream(client)] == ["s1", "s2", "s2", "s1", "s1"]
    for one in drivers:
        one.stop()


DRY_RULES = """
rules:
  - name: harvest
    mode: %s
    where: page == profile
    per: client.host
    when: count(10m) >= 3
    again: 1s
    block: [10m, 1h]
    block_what: [client.ip, http.shape]
"""


@pytest.mark.parametrize("mode, put", [("alert", 2), ("dry-run", 0)])
def test_a_dry_run_puts_no_block(folder, server, monkeypatch, mode, put):
    """From packets of now to Redis: the alerts come, and nothing that a blocker reads."""
    client = server.client()
    monkeypatch.setattr(made_capture, "BEGIN", int(time.time()) - 10)
    capture = made_capture.write(os.path.join(folder, "made.pcap"), [
        (n, "203.0.113.9", "/in/u%d" % n, "x") for n in range(8)])
    for name, text in (("site.yaml", 'pages: [{ name: profile, path: "/in/{target}" }]\n'),
                       ("rules.yaml", DRY_RULES % mode)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    done = subprocess.run(
        [os.path.join(os.environ["TRAWLWATCH_BIN"], "trawlwatchd"), "-r", capture, "--stats",
         "-s", os.path.join(folder, "site.yaml"), "-R", os.path.join(folder, "rules.yaml"),
         "-o", "redis.url=" + server.unix_url],
        capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    told = [json.loads(one["json"]) for one in stream(client)]
    assert [one["event"]["action"] for one in told][::len(told) - 1] == ["raised", "ended"]
    assert len(told) >= 4  # updates too
    assert all(one["trawlwatch"]["dry_run"] == (mode == "dry-run") for one in told)
    assert all(("block" in one["trawlwatch"]) == (put > 0) for one in told)
    assert len(client.keys(PREFIX + ":block:*")) == put
    assert client.exists(PREFIX + ":blocks") == (put > 0)
    assert client.zcard(PREFIX + ":blocks") == put
    counters = json.loads(done.stderr.splitlines()[-1])
    assert counters["blocks_total"] == put and counters["blocks_watched_total"] == put


def test_an_alert_is_published_once(folder, server):
    client = server.client()
    driver = Driver(folder, server.unix_url)
    driver.ask("alerts 1 100")
    assert driver.drain() == 0
    driver.ask("alerts 1 100")  # the same ids again
    driver.ask("alerts 101 1")
    assert driver.drain() == 0
    assert numbers(client) == list(range(1, 102))
    assert driver.stats()["alerts_published_total"] == 101

    # The cursor is lost or set back: what is offered again is recognised.
    client.delete(PREFIX + ":cursor:s1")
    driver.ask("alerts 102 1")
    assert driver.drain() == 0
    client.set(PREFIX + ":cursor:s1", "17")
    driver.ask("alerts 103 1")
    assert driver.drain() == 0
    assert numbers(client) == list(range(1, 104))
    driver.stop()


def test_redis_comes_late_and_the_daemon_restarts(folder):
    server = Server(folder)
    driver = Driver(folder, server.unix_url)
    driver.ask("alerts 1 500")
    assert driver.drain(0.3) == 500
    driver.stop()
    assert "alerts wait in the journal" in driver.said()
    assert driver.said().count("alerts wait") == 1
    driver = Driver(folder, server.unix_url)
    driver.ask("alerts 501 500")
    server.start()
    try:
        assert driver.drain() == 0
        assert numbers(server.client()) == list(range(1, 1001))
        assert driver.said().count("alerts wait") <= 2
        driver.kill()
        driver = Driver(folder, server.unix_url)
        driver.ask("alerts 1001 10")
        assert driver.drain() == 0
        assert numbers(server.client()) == list(range(1, 1011))
        driver.stop()
    finally:
        server.kill()


def test_redis_is_killed_and_loses_its_last_second(folder):
    """appendfsync everysec, and then the end of the file is really cut off."""
    server = Server(folder, "--appendonly", "yes").start()
    driver = Driver(folder, server.unix_url)
    try:
        upto = 0
        for turn in range(5):
            driver.ask("alerts %d 1000" % (upto + 1))
            upto += 1000
            if turn != 2:  # in one turn it dies while it is fed
                assert driver.drain() == 0
            server.kill()
            cut_append_only_file(folder, 200000)
            server.start()
        driver.ask("alerts %d 1" % (upto + 1))
        assert driver.drain() == 0
        assert numbers(server.client()) == list(range(1, upto + 2))
        assert driver.stats()["alerts_published_total"] > upto + 1  # some were lost, and fed again
        assert server.client().get(PREFIX + ":cursor:s1") == stream(server.client())[-1]["seq"]
        driver.stop()
    finally:
        server.kill()


def append_only_file(folder):
    files = []
    for path, _, names in os.walk(os.path.join(folder, "appendonlydir")):
        files += [os.path.join(path, name) for name in names if name.endswith(".incr.aof")]
    return max(files, key=os.path.getmtime)


def cut_append_only_file(folder, count):
    newest = append_only_file(folder)
    os.truncate(newest, max(0, os.path.getsize(newest) - count))
    mend_append_only_file(folder)


def mend_append_only_file(folder):
    """What docs/interfaces.md tells to do after a crash. Without it, Redis keeps the first
    half of a transaction whose end was cut off, and runs it with the next one."""
    manifest = os.path.join(folder, "appendonlydir", "appendonly.aof.manifest")
    subprocess.run([REDIS_CHECK_AOF, "--fix", manifest], input="y\n", text=True, check=True,
                   stdout=subprocess.DEVNULL)


def test_half_a_transaction_that_redis_keeps_costs_no_alert(folder):
    server = Server(folder, "--appendonly", "yes").start()
    driver = Driver(folder, server.unix_url)
    try:
        driver.ask("alerts 1 10")
        assert driver.drain() == 0
        server.kill()
        newest = append_only_file(folder)
        with open(newest, "rb") as file:
            data = file.read()
        end_of_tenth = data.index(b"EXEC", data.rindex(b"XADD"))
        os.truncate(newest, end_of_tenth + 2)
        driver.child.send_signal(signal.SIGSTOP)  # or it may have fed the tenth again
        server.start()
        assert numbers(server.client()) == list(range(1, 10))
        driver.child.send_signal(signal.SIGCONT)
        driver.ask("alerts 11 1")
        assert driver.drain() == 0
        assert numbers(server.client()) == list(range(1, 12))
        server.kill()
        server.start()
        # A Redis that keeps the half has the tenth twice now; what came before is all there.
        assert sorted(set(numbers(server.client()))) == list(range(1, 12))
        driver.stop()
    finally:
        server.kill()


def test_damage_in_an_old_file_is_told(folder):
    """What stands behind it is lost to Redis, which nobody must have to find out alone."""
    server = Server(folder)
    driver = Driver(folder, server.unix_url)
    driver.ask("alerts 1 5")
    driver.stop()
    first, = (name for name in os.listdir(os.path.join(folder, "journal"))
              if name.endswith(".journal"))
    driver = Driver(folder, server.unix_url)
    driver.ask("alerts 6 5")
    with open(os.path.join(folder, "journal", first), "r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"?")
    server.start()
    assert driver.drain() == 0
    assert numbers(server.client()) == [1, 2, 3, 4, 6, 7, 8, 9, 10]
    assert driver.stats()["journal_damaged_total"] == 1
    assert "a file is damaged after record" in driver.said()
    driver.stop()
    server.kill()


def test_the_stream_is_trimmed(folder, server):
    driver = Driver(folder, server.unix_url, keep=100)
    driver.ask("alerts 1 1000")
    assert driver.drain() == 0
    found = numbers(server.client())
    assert 100 <= len(found) < 300 and found == list(range(1001 - len(found), 1001))
    driver.stop()


def test_twenty_thousand_alerts_while_redis_is_killed(folder):
    server = Server(folder, "--appendonly", "yes").start()
    driver = Driver(folder, server.tcp_url, sensor="busy")
    killer_done = threading.Event()

    def kill_often():
        for _ in range(5):
            time.sleep(0.15)
            server.kill()
            mend_append_only_file(folder)
            server.start()
        killer_done.set()

    thread = threading.Thread(target=kill_often)
    try:
        thread.start()
        for i in range(100):
            driver.ask("alerts %d 200" % (1 + 200 * i))
            time.sleep(0.005)
        thread.join()
        assert killer_done.is_set()
        assert driver.drain(30) == 0
        assert numbers(server.client()) == list(range(1, 20001))
        driver.stop()
    finally:
        thread.join()
        server.kill()


def test_scripts_are_lost(folder, server):
    client = server.client()
    driver = Driver(folder, server.unix_url)
    for i in range(20):
        driver.ask("alerts %d 300" % (1 + 300 * i))
        client.script_flush()
    assert driver.drain() == 0
    client.script_flush()
    driver.ask("alerts 6001 1")
    assert driver.drain() == 0
    assert numbers(client) == list(range(1, 6002))
    driver.stop()


def test_redis_hangs(folder, server):
    driver = Driver(folder, server.unix_url)
    driver.ask("alerts 1 100")
    assert driver.drain() == 0
    server.child.send_signal(signal.SIGSTOP)
    try:
        driver.ask("alerts 101 3000")
        assert driver.drain(7) == 3000
        assert "no answer in time" in driver.said()
    finally:
        server.child.send_signal(signal.SIGCONT)
    assert driver.drain() == 0
    assert numbers(server.client()) == list(range(1, 3101))
    driver.stop()


def test_login(folder, server):
    server.client().execute_command("ACL", "SETUSER", "trawl", "on", ">p@ss/word",
                                    "~{trawlwatch}:*", "&{trawlwatch}:*", "+@all")
    server.client().config_set("requirepass", "s3cret")
    server.password = "s3cret"
    at = "127.0.0.1:%d" % server.port

    driver = Driver(folder, "redis://:wr0ng@%s/2" % at)
    driver.ask("alerts 1 3")
    assert driver.drain(0.5) == 3
    driver.stop()
    assert "WRONGPASS" in driver.said() and "check the user and the password" in driver.said()
    assert "wr0ng" not in driver.said()

    driver = Driver(folder, "redis://%s/2" % at)
    assert driver.drain(0.5) == 3
    driver.stop()
    assert "NOAUTH" in driver.said() and "TRAWLWATCH_REDIS_PASSWORD" in driver.said()

    driver = Driver(folder, "redis://%s/2" % at, env={"TRAWLWATCH_REDIS_PASSWORD": "s3cret"})
    assert driver.drain() == 0
    driver.stop()
    second = redis_py.Redis(host="127.0.0.1", port=server.port, db=2, password="s3cret", decode_responses=True)
    assert numbers(second) == [1, 2, 3]

    driver = Driver(folder, "redis://trawl:p%%40ss%%2fword@%s" % at)
    assert driver.drain() == 0
    driver.stop()
    assert numbers(server.client()) == [1, 2, 3]
    assert "s3cret" not in driver.said() and "p@ss" not in driver.said()


def test_refusals_publish_nothing_and_lose_nothing(folder, server):
    client = server.client()
    driver = Driver(folder, server.unix_url)
    driver.ask("alerts 1 10")
    assert driver.drain() == 0

    client.config_set("maxmemory", "1")
    driver.ask("block 11 1 60000")
    assert driver.drain(0.5) == 1
    assert "OOM" in driver.said()
    client.config_set("maxmemory", "0")
    assert driver.drain() == 0

    client.execute_command("REPLICAOF", "127.0.0.1", "1")
    driver.ask("block 12 1 60000")
    assert driver.drain(0.5) == 1
    client.execute_command("REPLICAOF", "NO", "ONE")
    assert driver.drain() == 0

    client.delete(PREFIX + ":blocks")
    client.set(PREFIX + ":blocks", "of somebody else")
    driver.ask("block 13 1 60000")
    assert driver.drain(0.5) == 1
    assert numbers(client) == list(range(1, 13))
    assert not client.exists(PREFIX + ":block:ip:203.0.0.13")
    client.delete(PREFIX + ":blocks")
    assert driver.drain() == 0
    assert numbers(client) == list(range(1, 14))
    assert client.zrange(PREFIX + ":blocks", 0, -1) == ["ip:203.0.0.13"]
    driver.stop()


def test_order_holds_when_some_calls_are_refused(folder, server):
    """A call behind a refused one must not overtake it, though it could be done."""
    client = server.client()
    driver = Driver(folder, server.unix_url)
    done = threading.Event()

    def refuse_now_and_then():
        while not done.is_set():
            client.config_set("maxmemory", "1")
            client.config_set("maxmemory", "0")
            time.sleep(0.01)

    thread = threading.Thread(target=refuse_now_and_then)
    thread.start()
    try:
        for i in range(20):
            driver.ask("alerts %d 300" % (1 + 300 * i))
            time.sleep(0.1)
    finally:
        done.set()
        thread.join()
    assert driver.drain() == 0
    assert driver.stats()["redis_errors_total"] > 0
    assert numbers(client) == list(range(1, 6001))
    driver.stop()


def test_scripts_are_not_permitted(folder, server):
    client = server.client()
    client.execute_command("ACL", "SETUSER", "weak", "on", ">w", "~*", "&*", "+@all",
                           "-eval", "-evalsha", "-script")
    driver = Driver(folder, "redis://weak:w@127.0.0.1:%d" % server.port)
    driver.ask("alerts 1 10")
    assert driver.drain(0.5) == 10
    assert "NOPERM" in driver.said() and "ACL SETUSER" in driver.said()
    assert client.keys() == []
    client.execute_command("ACL", "SETUSER", "weak", "+eval", "+evalsha")  # SCRIPT LOAD still not
    assert driver.drain() == 0
    assert numbers(client) == list(range(1, 11))
    driver.stop()


def test_it_is_no_redis(folder):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def answer():
            try:
                while True:
                    peer, _ = listener.accept()
                    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    peer.close()
            except OSError:
                pass

        threading.Thread(target=answer, daemon=True).start()
        driver = Driver(folder, "redis://127.0.0.1:%d" % listener.getsockname()[1])
        driver.ask("alerts 1 1")
        assert driver.drain(0.5) == 1
        assert "not RESP" in driver.said()
        driver.stop()
        listener.shutdown(socket.SHUT_RDWR)


def test_two_daemons_of_one_name(folder, server):
    """A mistake of the operator: nothing is lost or doubled, and it is said."""
    other = os.path.join(folder, "other")
    os.mkdir(other)
    one, two = Driver(folder, server.unix_url), Driver(other, server.unix_url)
    for i in range(10):
        one.ask("alerts %d 10" % (1 + 20 * i))
        two.ask("alerts %d 10" % (11 + 20 * i))
        time.sleep(0.02)
    assert one.drain() == 0
    assert two.drain() == 0
    assert one.drain() == 0
    assert sorted(numbers(server.client())) == list(range(1, 201))
    one.stop()
    two.stop()


@pytest.mark.parametrize("fsync", ["always", "interval", "off"])
def test_daemon_is_killed(folder, server, fsync):
    """What it said to be journalled is published by the next run."""
    upto = 0
    for _ in range(5):
        driver = Driver(folder, server.unix_url, fsync)
        for _ in range(5):
            driver.ask("alerts %d 50" % (upto + 1))
            upto += 50
        driver.kill()
    driver = Driver(folder, server.unix_url, fsync)
    assert driver.drain() == 0
    assert numbers(server.client()) == list(range(1, upto + 1))
    driver.stop()


@pytest.mark.parametrize("how", ["unix", "tcp"])
def test_throughput(folder, server, how):
    driver = Driver(folder, server.unix_url if how == "unix" else server.tcp_url)
    driver.ask("alerts 1 1000")
    assert driver.drain() == 0
    start = time.monotonic()
    driver.ask("alerts 1001 20000")
    assert driver.drain(60) == 0
    took = time.monotonic() - start
    print("\n20 000 alerts over %s: %.0f alerts/s" % (how, 20000 / took))
    assert server.client().xlen(PREFIX + ":alerts") == 21000
    driver.stop()


def test_latency(folder, server):
    client = server.client()
    channel = client.pubsub()
    channel.subscribe(PREFIX + ":events")
    channel.get_message(timeout=5)
    driver = Driver(folder, server.unix_url)
    driver.ask("alerts 1 1")
    assert channel.get_message(timeout=5)
    worst = 0
    for i in range(50):
        start = time.monotonic()
        driver.ask("alerts %d 1" % (2 + i))
        assert channel.get_message(timeout=5)["type"] == "message"
        worst = max(worst, time.monotonic() - start)
    print("\nincident to subscriber, worst of 50: %.1f ms" % (worst * 1000))
    assert worst < 0.5
    driver.stop()


def test_trawlctl_and_a_redis_that_answers_something_else():
    score = {"ZRANGE": b"*2\r\n" + bulk(b"ip:203.0.113.9") + b":5\r\n",
             "MGET": b"*1\r\n" + bulk(b'{"rule":"x"}'), "XREVRANGE": b"*0\r\n"}
    far = {**score, "ZRANGE": b"*2\r\n" + bulk(b"ip:203.0.113.9") + bulk(b"1e300")}
    for answers in (score, far):
        with OddRedis(answers) as odd:
            done = subprocess.run([TRAWLCTL, "blocks", "-o", "redis.url=" + odd.url],
                                  capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, done
        assert "203.0.113.9  0s" in done.stdout, done.stdout
    for words in ["blocks"], ["alerts"], ["alerts", "--follow"]:
        with OddRedis({name: b":1\r\n" for name in ("ZRANGE", "XRANGE", "XREVRANGE")}) as odd:
            done = subprocess.run([TRAWLCTL, *words, "-o", "redis.url=" + odd.url],
                                  capture_output=True, text=True, timeout=20)
        assert done.returncode == 1 and "is it Redis?" in done.stderr, done
    with OddRedis({"ZRANGE": b"-ERR a\x1b[31mb\r\n"}) as odd:
        done = subprocess.run([TRAWLCTL, "blocks", "-o", "redis.url=" + odd.url],
                              capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "ERR a?[31mb" in done.stderr, done
