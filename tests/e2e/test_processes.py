# SPDX-License-Identifier: MIT
"""Processes die, hang and are replaced, and what was known stays known.

The figures that a run prints (pytest -s) are of that run: how fast a process was replaced,
what the snapshots had lost.
"""
import collections
import contextlib
import glob
import os
import random
import re
import signal
import subprocess
import threading
import time

import pytest

from rig import APP, HERE, SITE, WEB, end_process, ip, program, wait_until
from service import FILTER, QUICK_PORT, Load, Quick, Service, children, is_alive, time_of

THRESHOLD = 20
SEVERAL_LIVES = 40  # profiles that a visitor does not read while one engine lives
SLACK = 5
STATUS_PORT = 9190
REPLAYED = os.path.join(os.path.dirname(HERE), "captures/proxy-v2.pcap")
RULE = """rules:
  - name: harvest
    where: page == profile and status == 200
    per: client.host
    when: distinct(target, 10m) >= %s
"""
MARGIN = 0.2  # seconds: how far what is known may be behind what happens
WRK_DELAY = "function delay() return 4 end"  # milliseconds: it is not the machine that we test


@pytest.fixture(scope="module", autouse=True)
def quick(rig):
    return Quick(rig)


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def harvest(rig, name="harvest.yaml", threshold=THRESHOLD):
    return write(rig.path(name), RULE % threshold)


def wait_seen(daemon, more=1):
    """That many more requests are printed."""
    before = len(daemon.requests)
    wait_until(lambda: len(daemon.requests) >= before + more, 30, f"{more} more requests")


def journal_holds(daemon, word):
    """A part of an alert that is written there."""
    return any(word in open(path, "rb").read()
               for path in glob.glob(daemon.journal + "/*.journal"))


def where_it_waits(pid):
    """The kernel's name for what the process waits in."""
    with open(f"/proc/{pid}/wchan", encoding="ascii") as file:
        return file.read()


def overlaps(request, intervals):
    return any(request.begun <= end and begin <= request.answered for begin, end in intervals)


# ---- deaths under load

def snapshot_time(daemon):
    with contextlib.suppress(FileNotFoundError):
        return os.stat(daemon.journal + "/engine.snapshot").st_mtime
    return 0


def kill_at_random(daemon, dice):
    """Ten workers and five engines. What each death may have lost, and how long each
    replacement took."""
    lost = {"worker": [], "engine": []}
    took = {"worker": [], "engine": []}
    victims = []  # each of the five once, then each of those that followed
    deaths = ["worker", "worker", "engine"] * 5  # none of the engine's lives is a long one
    outages = []
    for death in deaths:
        time.sleep(dice.uniform(0.5, 1.9))  # anywhere between two snapshots
        if death == "worker":
            # What the parser had of open requests, and what came until the next one began.
            begin = time.time() - MARGIN
            victims = victims or dice.sample(daemon.workers(), 5)
            took[death].append(daemon.kill_worker(victims.pop()))
        else:
            # The snapshot is written beside the work: it knows what was a little before it.
            begin = snapshot_time(daemon) - 2 * MARGIN
            outages.append(time.time() - begin - 2 * MARGIN)
            took[death].append(daemon.kill_engine(dice.choice([signal.SIGSEGV,
                                                               signal.SIGKILL])))
        lost[death].append((begin, time.time() + MARGIN))
    print("the engine died so long after its last snapshot: "
          + ", ".join(f"{one:.1f} s" for one in outages))
    return lost, took


def outside(requests, intervals):
    """Of each visitor how many profiles were read while nothing was lost."""
    counts = collections.Counter()
    for one in requests:
        counts[one.visitor] += not overlaps(one, intervals)
    return counts


def raised_at(redis):
    times = collections.defaultdict(list)
    for alert in redis.alerts():
        if alert["action"] == "raised":
            times[alert["subject"]].append(time_of(alert))
    return times


def require_alerts(redis, requests, lost):
    """None twice; none missing but where its evidence was lost."""
    alerts = redis.alerts()
    once = collections.Counter((one["id"], one["action"], one["n"]) for one in alerts)
    assert once and set(once.values()) == {1}
    everything = lost["worker"] + lost["engine"]
    raised = raised_at(redis)
    asked = collections.Counter(one.visitor for one in requests)
    due = {visitor for visitor, count in asked.items() if count >= SEVERAL_LIVES}
    certain = {visitor for visitor, count in outside(requests, everything).items()
               if count >= SEVERAL_LIVES + SLACK}
    assert certain <= set(raised) <= due
    # One that is raised again had been raised in a time that the snapshot did not have.
    again = {visitor for visitor, times in raised.items() if len(times) > 1}
    for first in (at for visitor in again for at in sorted(raised[visitor])[:-1]):
        assert any(begin <= first <= end for begin, end in lost["engine"])
    print(f"{len(requests)} requests; {len(due)} visitors over the threshold, of whom "
          f"{len(certain)} whatever was lost; {len(raised)} have alerts, {len(again)} of them "
          f"a second incident")
    assert len(certain) >= 5, sorted(outside(requests, everything).values())


def replay(rig, stack, link):
    """The same connections again and again, as fast as they come, until the stack ends."""
    ip("link", "set", link.name, "mtu", "65535", namespace=rig.server)
    ip("link", "set", "eth0", "mtu", "65535", namespace=link.client)
    child = rig.popen(link.client, ["tcpreplay", "-q", "-i", "eth0", "--pps=2000",
                                    "--loop=1000000", REPLAYED],
                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(end_process, child)


def test_deaths_under_load(rig, redis):
    dice = random.Random(10)
    link = Link(rig, "replay", "203.0.113.75")
    print()
    lua = write(rig.path("delay.lua"), WRK_DELAY)
    wrk = ["wrk", "-t1", "-c8", "-d600", "-s", lua, "-H", "X-Forwarded-For: 203.0.113.200",
           f"http://{APP[0]}:{QUICK_PORT}/"]
    with contextlib.ExitStack() as stack:
        daemon = stack.enter_context(Service(
            rig, "-o", "redis.url=" + redis.url, "-o", "journal.snapshot=1s", "--print", "none",
            "-o", "capture.workers=5", "-i", link.name, journal="journal-deaths",
            bpf=f"{FILTER} or tcp port 8081",
            rules=harvest(rig, threshold=SEVERAL_LIVES)))
        rig.start(stack, wrk, "wrk")
        replay(rig, stack, link)
        # A visitor's evidence is spread over several lives of the engine.
        load = stack.enter_context(Load(rig, connections=40, pause=0.12, each=10000))
        lost, took = kill_at_random(daemon, dice)
        requests = load.finish()
        assert daemon.stop(seconds=60) == 0
        require_alerts(redis, requests, lost)
        for who, seconds in took.items():
            print(f"{who}s were replaced after "
                  + ", ".join(f"{1000 * one:.0f}" for one in seconds) + " ms")
        # The first time at once, the second time after a tenth of a second. A slow machine
        # takes its time for a new process.
        assert sorted(took["worker"])[5] < 2
        stats = daemon.counters()
        assert stats["worker_restarts_total"] == 10
        assert stats["engine_restarts_total"] == 5
        assert stats["rings_refused_total"] == 0
        assert stats["proxy_headers_total"] > 100  # only what is replayed has any


def test_windows_are_not_lost_by_a_worker(rig, redis):
    """The first half of the evidence is from before the death, the second from after it."""
    with Service(rig, "-o", "redis.url=" + redis.url, journal="journal-windows",
                 rules=harvest(rig)) as daemon:
        def visit(count, number):
            before = len(daemon.requests)
            with Load(rig, connections=1, pause=0, each=count, visitor=5000,
                      number=number) as load:
                wait_until(lambda: len(daemon.requests) >= before + count, 30, "requests")
                load.finish()
        visit(THRESHOLD - 5, 0)
        daemon.kill_worker(daemon.workers()[0])
        assert redis.alerts() == []
        visit(6, 100000)
        wait_until(redis.alerts, 10, "the alert")
        first = redis.alerts()[0]["json"]["trawlwatch"]
        assert first["subject"]["value"] == "198.18.19.136"
        assert first["evidence"][0]["value"] == THRESHOLD
        assert daemon.stop() == 0


def grandchildren(daemon):
    return children(daemon.engine(), "trawl-engine")


def test_a_snapshot_is_not_written_by_the_dead(rig):
    """Who writes it beside the engine ends with it, or would write into the next one's."""
    with Service(rig, "-o", "journal.snapshot=1s", journal="journal-writer") as daemon:
        pipe = daemon.journal + "/engine.snapshot.new"
        wait_until(lambda: snapshot_time(daemon), 30, "a snapshot")
        os.mkfifo(pipe)  # whoever opens it now waits for a reader
        writer = wait_until(lambda: grandchildren(daemon), 30, "one that waits")[0]
        daemon.kill_engine(signal.SIGKILL)
        wait_until(lambda: not is_alive(writer), 30, "the end of the one that writes")
        os.unlink(pipe)
        before = snapshot_time(daemon)
        wait_until(lambda: snapshot_time(daemon) > before, 30, "a snapshot of the next engine")
        assert daemon.stop() == 0


# ---- one that does not live

def test_backoff_and_the_other_interface(rig):
    """The worker of lo dies again and again; that of a client's link goes on."""
    client = rig.add_client("203.0.113.71")
    both = f"{FILTER} or tcp port 80"
    with Service(rig, "-i", "client1", bpf=both, journal="journal-backoff") as daemon:
        lo, link = daemon.workers()  # in the order of their starts
        for turn in range(5):
            daemon.kill_worker(lo)
            lo = next(pid for pid in daemon.workers() if pid != link)
            before = len(daemon.requests)
            done = rig.run(client, ["curl", "-s", "-o", "/dev/null", f"http://{WEB}/in/b{turn}"])
            assert done.returncode == 0
            wait_until(lambda: [one for one in daemon.requests[before:]
                                if one["url"]["path"] == f"/in/b{turn}"], 10,
                       "the other interface's request")
        assert link in daemon.workers()
        waits = [int(re.search(r"begins in (\d+) ms", line)[1])
                 for line in daemon.said("the capture of lo .*the next one begins")]
        assert waits == [0, 100, 200, 400, 800]
        assert daemon.stop() == 0
        assert daemon.counters()["worker_restarts_total"] == 5


# ---- one that hangs

def test_hung_processes_are_replaced(rig):
    with Service(rig, "-o", "limits.hung=1s", journal="journal-hung") as daemon:
        with Load(rig, connections=2) as load:
            wait_seen(daemon)
            worker = daemon.workers()[0]
            os.kill(worker, signal.SIGSTOP)
            wait_until(lambda: daemon.workers() and worker not in daemon.workers(), 30,
                       "a worker instead of the one that hung")
            wait_seen(daemon)
            engine = daemon.engine()
            os.kill(engine, signal.SIGSTOP)
            wait_until(lambda: daemon.engine() not in (None, engine), 30,
                       "an engine instead of the one that hung")
            wait_seen(daemon)
            load.finish()
        assert len(daemon.said("gives no sign of life and is killed")) >= 2
        assert daemon.stop() == 0
        assert daemon.counters()["children_hung_total"] >= 2


def test_a_stop_while_there_is_no_engine(rig):
    """Another one begins, and counts what is in the rings."""
    with Service(rig, journal="journal-between") as daemon, Load(rig) as load:
        wait_seen(daemon)
        for _ in range(4):
            daemon.kill_engine()
        since = len(daemon.messages)
        os.kill(daemon.engine(), signal.SIGKILL)
        daemon.wait_said("the engine was killed by signal 9 .* begins in 800 ms", since)
        load.finish()
        assert daemon.stop() == 0
        assert daemon.counters()["engine_restarts_total"] == 5


# ---- what a worker knows

def memory_has(pid, word):
    """Whether a process has the word in memory that it can write."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            where, rights = line.split()[:2]
            begin, end = (int(one, 16) for one in where.split("-"))
            if not rights.startswith("rw") or end - begin > 1 << 30:
                continue
            memory.seek(begin)
            with contextlib.suppress(OSError):  # what the kernel shares with it
                if word in memory.read(end - begin):
                    return True
    return False


def test_a_worker_has_no_password(rig, redis):
    """Neither that of the start nor that of a reload."""
    files = Reloads(rig, redis)
    files.write(site=SITE, redis="redis://:first-sesame@127.0.0.1:1/0")
    with Service(rig, config=files.path, journal="journal-password") as daemon, \
            Load(rig) as load:
        files.daemon = daemon
        wait_seen(daemon)
        with open(f"/proc/{daemon.engine()}/maps", encoding="utf-8") as maps:
            if "libasan" in maps.read():
                pytest.skip("a sanitizer keeps what was freed, so libyaml's copies, too")
        assert memory_has(daemon.engine(), b"first-sesame")  # which can be found, then
        assert not memory_has(daemon.workers()[0], b"first-sesame")
        files.write(redis="redis://:second-sesame@127.0.0.1:1/0", snaplen="128k")
        before = daemon.workers()
        files.reload(TAKEN_UP)
        wait_until(lambda: daemon.workers() and not set(before) & set(daemon.workers()), 30,
                   "new workers only")
        for word in (b"first-sesame", b"second-sesame"):
            assert not memory_has(daemon.workers()[0], word)
        load.finish()
        assert daemon.stop() == 0


# ---- the supervisor dies

def test_the_supervisor_is_killed(rig, redis):
    options = ("-o", "redis.url=" + redis.url)
    with Load(rig, connections=4) as load:
        with Service(rig, *options, journal="journal-killed", rules=harvest(rig)) as daemon:
            wait_seen(daemon, 200)
            workers, engine = daemon.processes()
            assert snapshot_time(daemon) == 0  # the next one is due in five minutes
            daemon.child.kill()
            daemon.child.wait(10)
            # A new one does not wait until the old processes are gone.
            with Service(rig, *options, journal="journal-killed", rules=harvest(rig)) as new:
                assert not any(is_alive(pid) for pid in [*workers, engine])
                assert new.said("going on from the snapshot")
                wait_seen(new, 20)
                raised = raised_at(redis)
                requests = load.finish()
                assert new.stop() == 0
    assert raised and all(len(times) == 1 for times in raised_at(redis).values())
    assert len(requests) > 200


def test_an_engine_that_hangs_does_not_outlive_the_supervisor(rig):
    """It hangs where a file of rules has become a pipe that nobody writes to."""
    rules = harvest(rig, "pipe.yaml")
    with Service(rig, "-o", "limits.hung=60s", "-o", "admin.socket=" + rig.path("hung.sock"),
                 journal="journal-alone", rules=rules) as daemon:
        engine = daemon.engine()
        os.remove(rules)
        os.mkfifo(rules)
        asks = subprocess.Popen([program("trawlctl"), "reload", "-o",
                                 "admin.socket=" + rig.path("hung.sock")],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: where_it_waits(engine) == "wait_for_partner", 20, "the engine "
                       "to hang")
            daemon.child.kill()
            daemon.child.wait(10)
            assert is_alive(engine)
            wait_until(lambda: not is_alive(engine), 30, "the end of the engine")
        finally:
            end_process(asks)


# ---- interfaces come and go

class Link:
    """A client's link that can be taken away: one end in the server's namespace."""

    def __init__(self, rig, name, address):
        self.rig, self.name, self.address = rig, name, address
        self.client = rig.add_namespace(rig.cleanup, "of" + name)
        self.make()

    def make(self):
        server = self.rig.server
        ip("link", "add", self.name, "type", "veth", "peer", "name", "eth0", "netns", self.client,
           namespace=server)
        self.configure(self.name)
        ip("address", "add", f"{self.address}/32", "peer", f"{WEB}/32", "dev", "eth0",
           namespace=self.client)
        ip("link", "set", "eth0", "up", namespace=self.client)

    def configure(self, name):
        ip("address", "replace", f"{WEB}/32", "peer", f"{self.address}/32", "dev", name,
           namespace=self.rig.server)
        ip("link", "set", name, "up", namespace=self.rig.server)

    def set(self, *words):
        ip("link", "set", *words, namespace=self.rig.server)

    def remove(self, name):
        ip("link", "delete", name, namespace=self.rig.server)

    def is_seen(self, daemon, word):
        """Requests come over the link until one is seen."""
        def seen():
            self.rig.run(self.client, ["curl", "-s", "-m", "2", "-o", "/dev/null",
                                       f"http://{WEB}/in/{word}"])
            return [one for one in list(daemon.requests) if one["url"]["path"] == f"/in/{word}"]
        return wait_until(seen, 30, f"a request over the link ({word})")


def test_interfaces_come_and_go(rig):
    link = Link(rig, "cable", "203.0.113.72")
    with Service(rig, interface="cable", bpf="tcp port 80",
                 journal="journal-interfaces") as daemon:
        link.is_seen(daemon, "first")

        def gone_and_back():
            before = len(daemon.messages)
            link.set("cable", "down")  # then the kernel does not tell of its end
            daemon.wait_said("it is down", before)
            link.remove("cable")
            daemon.wait_said("looking for it", before)
            time.sleep(1)  # it is looked for several times, and said once
            assert len(daemon.said("looking for it", before)) == 1
            link.make()

        before = len(daemon.messages)
        gone_and_back()
        daemon.wait_said("capturing again", before)
        link.is_seen(daemon, "made-anew")
        assert len(daemon.messages) - before <= 4, daemon.messages[before:]

        def renamed():
            link.set("cable", "down")
            link.set("cable", "name", "wire")
            link.configure("wire")
            daemon.wait_said("renamed from cable")

        before = len(daemon.messages)
        renamed()
        link.is_seen(daemon, "renamed")
        assert len(daemon.messages) - before <= 3, daemon.messages[before:]

        # One that dies meanwhile finds it under the name that it has now.
        daemon.kill_worker(daemon.workers()[0])
        link.is_seen(daemon, "after-a-death")

        before = len(daemon.messages)
        link.set("wire", "down")
        daemon.wait_said("wire: it is down", before)
        link.configure("wire")
        daemon.wait_said("wire: it is up again", before)
        link.is_seen(daemon, "up")
        assert len(daemon.messages) - before == 2, daemon.messages[before:]

        # Gone at once, and back before anybody looks.
        before = len(daemon.messages)
        link.remove("wire")
        link.make()
        daemon.wait_said("capturing again", before)
        link.is_seen(daemon, "at-once")
        assert len(daemon.messages) - before <= 3, daemon.messages[before:]
        assert len(daemon.said("renamed")) == 1
        assert daemon.stop() == 0
        assert daemon.counters()["worker_restarts_total"] == 1


def check_files(rig, path, *options):
    """The exit status of -t."""
    return rig.run(rig.server, [program("trawlwatchd"), "-t", "-c", path, *options]).returncode


def test_a_reload_while_an_interface_is_away(rig, redis):
    """It is no mistake of the files; one that never was there is."""
    link = Link(rig, "away", "203.0.113.74")
    files = Reloads(rig, redis)
    files.write(site=SITE, interface="away", filter="tcp port 80")
    with Service(rig, config=files.path, journal="journal-reload-away") as daemon:
        link.is_seen(daemon, "first")
        link.remove("away")
        daemon.wait_said("looking for it")
        files.write(snaplen="128k")
        assert check_files(rig, files.path) == 3
        assert check_files(rig, files.path, "--reload") == 0
        daemon.child.send_signal(signal.SIGHUP)
        daemon.wait_said(TAKEN_UP + ", by new captures")
        daemon.wait_said("reload: taken up")
        assert len(daemon.workers()) == 0
        files.write(interface="nosuch0")
        daemon.child.send_signal(signal.SIGHUP)
        daemon.wait_said("interface nosuch0: ")
        daemon.wait_said("the old rules stay")
        files.write(interface="away")
        before = len(daemon.messages)
        link.make()
        daemon.wait_said("capturing again", before)
        link.is_seen(daemon, "back")
        assert len(daemon.messages) == before + 1, daemon.messages[before:]
        assert daemon.stop() == 0
        assert daemon.counters()["worker_restarts_total"] == 0
        assert daemon.counters()["reloads_failed_total"] == 1


def test_a_shared_interface_comes_back(rig):
    """Its workers form a group, which is of the interface that is gone."""
    link = Link(rig, "shared", "203.0.113.73")
    with Service(rig, "-o", "capture.workers=3", interface="shared", bpf="tcp port 80",
                 journal="journal-group") as daemon:
        for turn in range(3):
            link.is_seen(daemon, f"turn{turn}")
            gone = set(daemon.workers())
            link.remove("shared")
            wait_until(lambda: not gone & set(daemon.workers()), 30, "the end of the workers")
            link.make()
            wait_until(lambda: len(daemon.workers()) == 3, 60, "three new workers")
        link.is_seen(daemon, "last")
        assert len(daemon.said("gone|again")) <= 3 * 3 * 2
        assert daemon.stop() == 0


def turns(pid):
    """How often it has waited: the supervisor ten times a second at least."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", file.read(), re.M)[1])


def test_all_interfaces(rig):
    """There is no interface of that name, so it is never gone."""
    with Service(rig, interface="any", journal="journal-any") as daemon, Load(rig) as load:
        wait_seen(daemon)
        workers = daemon.workers()
        begin = turns(daemon.child.pid)  # it looks at interfaces every second or third turn
        wait_until(lambda: turns(daemon.child.pid) >= begin + 20, 30, "looks at the interfaces")
        wait_seen(daemon)
        load.finish()
        assert daemon.workers() == workers
        assert not daemon.said("gone")
        assert daemon.stop() == 0
        assert daemon.counters()["worker_restarts_total"] == 0


# ---- reloads

CONFIG = """capture:
  interfaces: [%(interface)s]
  filter: "%(filter)s"
  snaplen: %(snaplen)s
site: { file: %(folder)s/reload-site.yaml }
rules: { paths: [%(folder)s/reload-rules.yaml] }
redis: { prefix: "{%(prefix)s}", url: "%(redis)s" }
"""


def open_captures(pid):
    return len(packet_sockets(pid) & set(descriptors(pid).values()))


class Reloads:
    """A daemon's files, and what happens when they change under a load."""

    def __init__(self, rig, redis):
        self.rig, self.daemon, self.moments = rig, None, []
        self.values = {"interface": "lo", "filter": FILTER, "snaplen": "256k",
                       "folder": rig.folder, "prefix": "trawlwatch", "redis": redis.url}
        self.rules, self.site = RULE % 100000, None
        self.path = rig.path("reload.yaml")

    def write(self, rules=None, site=None, **values):
        self.rules, self.site = rules or self.rules, site or self.site
        self.values.update(values)
        write(self.rig.path("reload-rules.yaml"), self.rules)
        write(self.rig.path("reload-site.yaml"), self.site)
        write(self.path, CONFIG % self.values)

    def reload(self, word):
        """SIGHUP, and all until the daemon has said that word and the service manager
        knows, and requests are seen. What was said."""
        before, ready = len(self.daemon.messages), len(self.daemon.manager.told("READY=1"))
        begin = time.time()
        self.daemon.child.send_signal(signal.SIGHUP)
        self.daemon.wait_said(word, before)
        wait_until(lambda: len(self.daemon.manager.told("READY=1")) > ready, 30, "READY=1")
        wait_seen(self.daemon, 200)
        self.moments.append((begin, time.time()))
        return "".join(self.daemon.messages[before:])

    def reload_slowly(self, word):
        """The same, with an engine that takes its time to answer: the new captures are open
        meanwhile, and see what the old ones see."""
        asked = len(self.daemon.manager.told("RELOADING"))
        engine = self.daemon.engine()
        sockets = open_captures(self.daemon.child.pid)
        os.kill(engine, signal.SIGSTOP)
        go_on = threading.Thread(target=self.let_go_on, args=(engine, asked, sockets))
        go_on.start()
        try:
            return self.reload(word)
        finally:
            go_on.join()

    def let_go_on(self, engine, asked, sockets):
        try:
            wait_until(lambda: len(self.daemon.manager.told("RELOADING")) > asked
                       and open_captures(self.daemon.child.pid) > sockets, 30, "new captures")
            time.sleep(0.5)  # requests for both
        finally:
            os.kill(engine, signal.SIGCONT)

    def mistake(self, *words, **changes):
        """Changes that are refused: nothing is another."""
        kept = self.rules, self.site, dict(self.values)
        there = self.daemon.processes()
        self.write(**changes)
        said = self.reload("the old rules stay")
        assert all(word in said for word in words), said
        assert self.daemon.processes() == there
        self.rules, self.site, self.values = kept
        self.write()


TAKEN_UP = "SIGHUP: taken up"


def with_page(name):
    return SITE.replace("- name: profile", f"- {{ name: {name}, path: /{name} }}\n"
                        "  - name: profile", 1)


def test_reloads_lose_nothing(rig, redis):
    files = Reloads(rig, redis)
    files.write(site=SITE)
    with Service(rig, config=files.path, journal="journal-reloads") as daemon, \
            Load(rig, connections=8, pause=0.02, each=100) as load:
        files.daemon = daemon
        wait_seen(daemon, 30)
        workers, engine = daemon.processes()

        files.write(rules=RULE % 100001)
        files.reload(TAKEN_UP)
        assert daemon.processes() == (workers, engine)

        files.write(site=with_page("elsewhere"))
        files.reload_slowly(TAKEN_UP)
        wait_until(lambda: not set(workers) & set(daemon.workers()), 30, "new workers only")
        assert daemon.engine() == engine

        workers = daemon.workers()
        files.write(snaplen="128k")
        files.reload(TAKEN_UP)
        wait_until(lambda: not set(workers) & set(daemon.workers()), 30, "new workers only")
        assert daemon.engine() == engine

        workers = daemon.workers()
        files.write(prefix="elsewhere")
        files.reload(TAKEN_UP)
        wait_until(lambda: daemon.engine() not in (None, engine), 30, "a new engine")
        assert daemon.workers() == workers
        daemon.wait_said("going on from the snapshot")
        wait_seen(daemon, 30)

        files.mistake("reload-rules.yaml:5:", "cuont", rules=RULE % "40 and cuont(10m) > 1")
        files.mistake("nosuch0", interface="nosuch0")
        files.mistake("reload.yaml:3:", "filter", filter="tcp prot 80")
        files.mistake("reload-site.yaml:", site=SITE + "  - name: nothing\n")

        wait_seen(daemon, 30)
        requests = load.finish()
        assert daemon.stop() == 0
        seen = daemon.numbers()
        assert max(seen.values()) == 1
        missing = [one for one in requests if one.number not in seen]
        print(f"\n{len(requests)} requests over {len(files.moments)} reloads; "
              f"{len(missing)} were open at one and are missing")
        assert all(overlaps(one, files.moments) for one in missing)
        # Open at a moment is at most one for each connection; two reloads changed workers.
        assert len(missing) <= 2 * 8
        assert daemon.counters()["worker_restarts_total"] == 0
        assert daemon.counters()["engine_restarts_total"] == 0


def test_the_engine_dies_in_a_reload(rig, redis):
    """Then everything stays as it was, and the next reload is as good as any."""
    files = Reloads(rig, redis)
    files.write(site=SITE)
    with Service(rig, config=files.path, journal="journal-dies") as daemon, Load(rig) as load:
        files.daemon = daemon
        wait_seen(daemon)
        workers, engine = daemon.processes()
        os.kill(engine, signal.SIGSTOP)
        files.write(site=with_page("unheard"))
        daemon.child.send_signal(signal.SIGHUP)
        wait_until(lambda: daemon.manager.told("RELOADING")
                   and open_captures(daemon.child.pid) > len(workers), 30, "new captures")
        os.kill(engine, signal.SIGKILL)
        daemon.wait_said("the engine ended meanwhile: the old rules stay")
        wait_until(lambda: len(daemon.manager.told("READY=1")) == 2, 30, "READY=1")
        wait_until(lambda: daemon.engine() not in (None, engine), 30, "another engine")
        assert daemon.workers() == workers
        assert open_captures(daemon.child.pid) == len(workers)  # which it keeps for them
        files.reload(TAKEN_UP)
        wait_until(lambda: not set(workers) & set(daemon.workers()), 30, "new workers only")
        load.finish()
        assert len(daemon.manager.told("READY=1")) == 3
        assert daemon.stop() == 0
        assert daemon.counters()["engine_restarts_total"] == 1
        assert daemon.counters()["reloads_total"] == 1
        assert daemon.counters()["reloads_failed_total"] == 1


@pytest.mark.parametrize("second", ["rules", "site", "engine"])
def test_two_reloads_in_a_row(rig, redis, second):
    """The second one comes while a worker of before the first still has to read."""
    files = Reloads(rig, redis)
    files.write(site=SITE)
    with Service(rig, config=files.path, journal="journal-row-" + second) as daemon, \
            Load(rig, connections=8, pause=0.02, each=1000) as load:
        told = daemon.manager.told
        files.daemon = daemon
        wait_seen(daemon, 50)
        worker, engine = daemon.workers()[0], daemon.engine()
        os.kill(worker, signal.SIGSTOP)
        time.sleep(0.5)  # requests that only this one will have read

        files.write(site=with_page("first"))
        daemon.child.send_signal(signal.SIGHUP)
        daemon.wait_said(TAKEN_UP)
        begin = time.time()

        files.write(**{"rules": {"rules": RULE % 99999}, "site": {"site": with_page("second")},
                       "engine": {"prefix": "second"}}[second])
        daemon.child.send_signal(signal.SIGHUP)
        wait_until(lambda: len(told("RELOADING")) == 2, 30, "the second reload")
        time.sleep(0.2)  # it may do then what it likes to
        os.kill(worker, signal.SIGCONT)
        wait_until(lambda: len(told("READY=1")) == 3, 30, "the end of the second reload")
        if second == "engine":
            wait_until(lambda: daemon.engine() not in (None, engine), 30, "a new engine")
        wait_seen(daemon, 100)
        requests = load.finish()
        assert daemon.stop() == 0
        seen = daemon.numbers()
        missing = [one for one in requests if one.number not in seen]
        assert max(seen.values()) == 1
        assert all(overlaps(one, [(begin - 1, begin + 5)]) for one in missing)
        assert len(missing) <= 2 * 8
        assert daemon.counters()["children_hung_total"] == 0


def with_socket(redis, path):
    """For the last line of CONFIG: its Redis, and a control socket."""
    return redis.url + f'" }}\nadmin: {{ socket: "{path}'


def reload_by_trawlctl(socket_path, status):
    """What it prints, when it ends with that status."""
    done = subprocess.run([program("trawlctl"), "reload", "-o", "admin.socket=" + socket_path],
                          capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_what_no_engine_begins_with_is_undone(rig, redis):
    """The folder of another control socket is missing: no reading of files finds that. New
    captures of the same reload go, too. Who asked for it hears how it went at last."""
    files = Reloads(rig, redis)
    good = with_socket(redis, rig.path("undone.sock"))
    files.write(site=SITE, redis=good)
    daemon = Service(rig, config=files.path, journal="journal-undone")
    at = daemon.command.index("admin.socket=none")
    del daemon.command[at - 1:at + 1]  # as the file says
    with daemon, Load(rig) as load:
        files.daemon = daemon
        wait_seen(daemon)
        told = daemon.manager.told
        files.write(redis=with_socket(redis, rig.path("not-there/undone.sock")), snaplen="128k")
        assert "the old rules stay" in reload_by_trawlctl(rig.path("undone.sock"), 1)
        assert daemon.said("not-there/undone.sock: No such file")
        assert daemon.said("back to what was before; mend it and reload again")
        assert len(told("RELOADING")) == 1 and len(told("READY=1")) == 2
        wait_until(lambda: len(daemon.workers()) == 1, 30, "the captures of before")
        wait_seen(daemon, 200)
        assert len(daemon.said("the engine ended with status 1")) == 1

        engine = daemon.engine()
        files.write(redis=good, prefix="elsewhere")
        assert reload_by_trawlctl(rig.path("undone.sock"), 0) == "Taken up; 1 rules.\n"
        assert daemon.engine() not in (None, engine) and len(told("READY=1")) == 3
        files.write(snaplen="64k")
        files.reload(TAKEN_UP)
        load.finish()
        assert daemon.stop() == 0
        assert daemon.counters()["reloads_total"] == 2
        assert daemon.counters()["reloads_failed_total"] == 1


def test_a_new_engine_does_not_wait_for_redis(rig, redis):
    """What Redis does not have the next engine sends, when it can."""
    files = Reloads(rig, redis)
    files.write(rules=RULE % THRESHOLD, site=SITE, redis="redis://127.0.0.1:1/0")
    with Service(rig, config=files.path, journal="journal-away") as daemon, \
            Load(rig, connections=2) as load:
        wait_until(lambda: journal_holds(daemon, b'"raised"'), 30, "an alert")
        engine = daemon.engine()
        files.write(prefix="elsewhere")
        daemon.child.send_signal(signal.SIGHUP)
        wait_until(lambda: len(daemon.manager.told("READY=1")) == 2, 30, "the end of the reload")
        assert daemon.engine() not in (None, engine)
        waited = "alerts are in the journal that Redis does not have"
        assert not daemon.said(waited)
        load.finish()
        assert daemon.stop() == 0
        assert daemon.said(waited)


def test_windows_go_on_over_a_new_engine(rig, redis):
    """Other options of Redis: another engine, which knows what the first one knew."""
    files = Reloads(rig, redis)
    files.write(site=SITE, rules=RULE % THRESHOLD)

    def visit(count, number):
        before = len(daemon.requests)
        with Load(rig, connections=1, pause=0, each=count, number=number) as load:
            wait_until(lambda: len(daemon.requests) >= before + count, 30, "requests")
            load.finish()

    with Service(rig, config=files.path, journal="journal-new-engine") as daemon:
        engine = daemon.engine()
        visit(THRESHOLD - 5, 0)
        files.write(prefix="moved")
        daemon.child.send_signal(signal.SIGHUP)
        wait_until(lambda: daemon.engine() not in (None, engine), 30, "a new engine")
        visit(6, 100000)
        wait_until(lambda: redis.ask("XLEN", "{moved}:alerts"), 10, "the alert")
        assert daemon.stop() == 0


def test_a_full_buffer_is_read_to_its_end(rig):
    """Who is told to end has first to read what came before: here, while it was stopped."""
    with Service(rig, "-o", "capture.buffer=256M", "-o", "limits.ring=128M", "--print", "none",
                 journal="journal-full") as daemon:
        worker = daemon.workers()[0]
        os.kill(worker, signal.SIGSTOP)
        done = rig.run(rig.server, ["wrk", "-t1", "-c8", "-d2", f"http://{APP[0]}:{QUICK_PORT}/"])
        made = int(re.search(r"(\d+) requests in", done.stdout)[1])
        daemon.child.send_signal(signal.SIGTERM)
        wait_until(lambda: daemon.manager.told("STOPPING=1"), 30, "STOPPING=1")
        os.kill(worker, signal.SIGCONT)
        assert daemon.child.wait(30) == 0
        daemon.finish()
        stats = daemon.counters()
        # A buffer that just about filled up may have lost some; what was in it was read.
        lost = stats["kernel_drops_total"]
        assert lost < made / 20 and stats["ring_full_total"] == 0
        assert stats["requests_total"] >= made - lost
        assert stats["children_hung_total"] == 0


def test_drops_stay_those_of_their_interface(rig, redis):
    """Whichever worker has counted them, a reload and a death later."""
    files = Reloads(rig, redis)
    files.write(site=SITE)

    def dropped():
        done = rig.run(rig.server, ["curl", "-s", f"http://127.0.0.1:{STATUS_PORT}/metrics"])
        found = re.search(r'^\S+\{interface="lo",by="kernel"\} (\d+)',
                          done.stdout, re.MULTILINE)
        return int(found[1]) if found else None

    with Service(rig, "-o", "capture.buffer=4M", "-o", f"admin.listen=127.0.0.1:{STATUS_PORT}",
                 config=files.path, journal="journal-dropped") as daemon:
        files.daemon = daemon
        worker = daemon.workers()[0]
        os.kill(worker, signal.SIGSTOP)
        rig.run(rig.server, ["wrk", "-t1", "-c8", "-d2", f"http://{APP[0]}:{QUICK_PORT}/"])
        os.kill(worker, signal.SIGCONT)
        lost = wait_until(dropped, 20, "lost packets")
        daemon.kill_worker(worker)
        time.sleep(0.3)  # the supervisor tells it ten times a second
        assert dropped() >= lost
        before = daemon.workers()
        files.write(snaplen="128k")
        daemon.child.send_signal(signal.SIGHUP)
        wait_until(lambda: daemon.workers() and not set(before) & set(daemon.workers()), 30,
                   "new workers only")
        time.sleep(0.3)
        assert dropped() >= lost
        assert daemon.stop() == 0
        assert daemon.counters()["kernel_drops_total"] >= lost


# ---- several workers on one interface

def test_several_workers_share_an_interface(rig):
    with Service(rig, "-o", "capture.workers=3", journal="journal-shared") as daemon, \
            Load(rig, connections=12, pause=0.01, each=10) as load:
        assert len(daemon.workers()) == 3
        wait_seen(daemon, 1500)
        requests = load.finish()
        assert daemon.stop() == 0
        assert sorted(daemon.numbers().elements()) == [one.number for one in requests]
        # Were the directions of one apart, it would be two flows, of which none has answers.
        stats = daemon.counters()
        connections = len({one.visitor for one in requests})
        assert connections <= stats["flows_total"] <= connections + 12  # without a request yet
        assert stats["responses_total"] == len(requests)
        assert stats["requests_unanswered_total"] == stats["responses_unpaired_total"] == 0
        assert stats["flows_midstream_total"] == 0


# ---- the service manager

def test_the_service_manager_is_told(rig):
    with Service(rig, watchdog=1, journal="journal-manager") as daemon, \
            Load(rig, connections=2) as load:
        told = daemon.manager.told
        wait_until(lambda: told("STATUS="), 40, "the status")
        status = re.search(r"STATUS=1 captures: (\d+) packets/s, (\d+) requests/s, 0 packets "
                           r"dropped; \d+ incidents raised", told("STATUS=")[0].text)
        assert status and int(status[1]) > int(status[2]) > 0, told("STATUS=")
        daemon.child.send_signal(signal.SIGHUP)
        wait_until(lambda: len(told("READY=1")) == 2, 30, "READY=1 after the reload")
        load.finish()
        assert daemon.stop() == 0
        kinds = [one.text.split("=")[0] for one in daemon.manager.messages
                 if not one.text.startswith(("WATCHDOG", "STATUS"))]
        assert kinds == ["READY", "RELOADING", "READY", "STOPPING"]
        assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", told("RELOADING")[0].text)
        # Half of what it is asked for, and not more often.
        signs = [one.time for one in told("WATCHDOG=1")]
        assert len(signs) >= 3
        assert len(signs) <= (signs[-1] - signs[0]) / 0.5 + 2


# ---- what a process has of the others

def descriptors(pid):
    found = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found[int(name)] = os.readlink(f"/proc/{pid}/fd/{name}")
    return found


def shared_memory(pid):
    """Inodes of what it maps and others may, too."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as file:
        maps = [line.split(maxsplit=5) for line in file]
    return {(one[4], one[5].strip()) for one in maps if "s" in one[1]}


def packet_sockets(pid):
    with open(f"/proc/{pid}/net/packet", encoding="utf-8") as file:
        return {f"socket:[{line.split()[-1]}]" for line in file.readlines()[1:]}


def test_a_worker_has_only_its_own(rig, redis):
    with Service(rig, "-o", "redis.url=" + redis.url, "-o", "capture.workers=2",
                 journal="journal-descriptors") as daemon, Load(rig) as load:
        wait_seen(daemon)
        daemon.kill_worker(daemon.workers()[0])  # its successor is to have nothing more
        load.finish()
        rings = []
        for pid in daemon.workers():
            # It has its loop when it has let go of what it was forked with.
            wait_until(lambda: "anon_inode:[eventpoll]" in descriptors(pid).values(), 30,
                       "the loop of a capture's process")
            there = descriptors(pid)
            kinds = collections.Counter(re.split(r":\[|\(", text)[0] for text in there.values())
            captures = [text for text in there.values() if text in packet_sockets(pid)]
            memory = [fd for fd, text in there.items() if text.startswith("/memfd:")]
            assert there[0] == there[1] == there[2]
            assert len(captures) == 1 and len(memory) == 1, there
            rest = collections.Counter(text for text in there.values()
                                       if text not in (there[2], captures[0], there[memory[0]]))
            known = ("anon_inode:[eventfd]", "anon_inode:[eventpoll]", "anon_inode:[timerfd]")
            # What the interface itself dropped is read from files, opened before.
            files = [text for text in rest if "/net/lo/statistics/rx_" in text]
            pairs = [text for text in rest if text not in (*known, *files)]
            assert all(text.startswith(("pipe:", "socket:")) for text in pairs), pairs
            # libevent's for signals; the engine's, Redis' and the manager's are sockets, too.
            assert len(files) <= 2 and len(pairs) <= 2 and sum(rest.values()) <= 8, kinds
            assert not set(pairs) & set(descriptors(daemon.engine()).values())
            assert not set(pairs) & set(descriptors(daemon.child.pid).values())
            inode = str(os.stat(f"/proc/{pid}/fd/{memory[0]}").st_ino)
            mapped = shared_memory(pid)
            ours = {one for one in mapped if one[0] == inode}
            others = {one for one in mapped - ours if not one[1].startswith("socket:")}
            assert ours and not others, mapped
            assert {one[1] for one in mapped - ours} <= {captures[0]}, mapped
            rings.append(inode)
        assert len(set(rings)) == 2
        assert daemon.stop() == 0
