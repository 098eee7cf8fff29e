# SPDX-License-Identifier: MIT
"""Processes die, hang and are replaced, and what was known stays known.

The figures that a run prints (pytest -s) are of that run: how fast a process was replaced,
what the snapshots had lost.
"""
import collections
import contextlib
import os
import random
import re
import signal
import subprocess
import time

import pytest

from processes import (TAKEN_UP, THRESHOLD, Link, Reloads, descriptors, harvest,
                       packet_sockets, overlaps, wait_seen, where_it_waits, write)
from rig import APP, HERE, SITE, WEB, end_process, ip, program, wait_until
from service import FILTER, QUICK_PORT, Load, Quick, Service, children, is_alive, time_of

SEVERAL_LIVES = 40  # profiles that a visitor does not read while one engine lives
SLACK = 5
REPLAYED = os.path.join(os.path.dirname(HERE), "captures/proxy-v2.pcap")
MARGIN = 0.2  # seconds: how far what is known may be behind what happens
WRK_DELAY = "function delay() return 4 end"  # milliseconds: it is not the machine that we test


@pytest.fixture(scope="module", autouse=True)
def quick(rig):
    return Quick(rig)


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
        daemon.kill_worker(daemon.worker())
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
            worker = daemon.worker()
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
        assert not memory_has(daemon.worker(), b"first-sesame")
        files.write(redis="redis://:second-sesame@127.0.0.1:1/0", snaplen="128k")
        before = daemon.workers()
        files.reload(TAKEN_UP)
        wait_until(lambda: daemon.workers() and not set(before) & set(daemon.workers()), 30,
                   "new workers only")
        for word in (b"first-sesame", b"second-sesame"):
            assert not memory_has(daemon.worker(), word)
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
        daemon.kill_worker(daemon.worker())
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


def test_closed_standard_streams(rig):
    """None of the daemon's own descriptors becomes one of them."""
    daemon = Service(rig, "--print", "none", journal="journal-closed")
    at = daemon.command.index(program("trawlwatchd"))
    daemon.command[at:at] = ["sh", "-c", 'exec "$@" <&- >&-', "sh"]
    with daemon, Load(rig) as load:
        worker = wait_until(daemon.workers, 30, "a worker")
        time.sleep(1)
        assert daemon.workers() == worker
        load.finish()
        assert daemon.stop() == 0
        assert daemon.counters()["worker_restarts_total"] == 0
        assert daemon.counters()["requests_total"] > 0


def test_what_waits_in_the_buffer_is_read_to_its_end(rig):
    """Who is told to end has first to read what came before: here, while it was stopped."""
    with Service(rig, "-o", "capture.buffer=256M", "-o", "limits.ring=128M", "--print", "none",
                 journal="journal-full") as daemon:
        worker, made = daemon.worker(), 60000
        os.kill(worker, signal.SIGSTOP)
        # So many that they fit, however fast this machine makes them.
        done = rig.run(rig.server, ["h2load", "--h1", "-n", str(made), "-c", "8",
                                    f"http://{APP[0]}:{QUICK_PORT}/"])
        assert f" {made} succeeded" in done.stdout
        daemon.child.send_signal(signal.SIGTERM)
        wait_until(lambda: daemon.manager.told("STOPPING=1"), 30, "STOPPING=1")
        os.kill(worker, signal.SIGCONT)
        assert daemon.child.wait(30) == 0
        daemon.finish()
        stats = daemon.counters()
        assert stats["kernel_drops_total"] == stats["ring_full_total"] == 0
        assert stats["requests_total"] == made
        assert stats["children_hung_total"] == 0


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


def shared_memory(pid):
    """Inodes of what it maps and others may, too."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as file:
        maps = [line.split(maxsplit=5) for line in file]
    return {(one[4], one[5].strip()) for one in maps if "s" in one[1]}


def test_a_worker_has_only_its_own(rig, redis):
    with Service(rig, "-o", "redis.url=" + redis.url, "-o", "capture.workers=2",
                 journal="journal-descriptors") as daemon, Load(rig) as load:
        wait_seen(daemon)
        daemon.kill_worker(daemon.worker())  # its successor is to have nothing more
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
