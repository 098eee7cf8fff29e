# SPDX-License-Identifier: MIT
"""Reloads of a daemon under load: what is taken up, what is undone, what is lost.

What an engine knows after it is in test_reload.py.
"""
import contextlib
import os
import re
import signal
import time

import pytest

from processes import (RULE, TAKEN_UP, THRESHOLD, Link, Reloads, journal_holds, open_captures,
                       overlaps, reload_by_trawlctl, wait_seen, with_page, with_socket, write)
from rig import APP, SITE, RigError, program, wait_until
from service import QUICK_PORT, Load, Quick, Service

STATUS_PORT = 9190


@pytest.fixture(scope="module", autouse=True)
def quick(rig):
    return Quick(rig)


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
        worker, engine = daemon.worker(), daemon.engine()
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


def missing_of(daemon, requests):
    """Those that are not printed, once what is on its way has come. None is there twice."""
    with contextlib.suppress(RigError):
        wait_until(lambda: not missing_now(daemon, requests), 3, "the last requests")
    seen = daemon.numbers()
    assert max(seen.values()) == 1
    return missing_now(daemon, requests)


def missing_now(daemon, requests):
    seen = daemon.numbers()
    return [one for one in requests if one.number not in seen]


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
        assert reload_by_trawlctl(rig.path("undone.sock"), 0) == "Taken up; 1 rules.\n"
        engine = daemon.engine()
        files.write(prefix="again")  # this time without other captures
        assert reload_by_trawlctl(rig.path("undone.sock"), 0) == "Taken up; 1 rules.\n"
        assert daemon.engine() not in (None, engine)
        wait_seen(daemon, 100)
        missing = missing_of(daemon, load.finish())
        assert daemon.stop() == 0
        # At most what was open when captures were replaced: there, back, and with the next.
        assert len(missing) <= 3 * 8
        stats = daemon.counters()
        assert stats["reloads_total"] == 3 and stats["reloads_failed_total"] == 1
        assert stats["reload_lost_total"] == 0


def test_what_is_lost_when_a_site_map_is_undone_is_counted(rig, redis):
    """Captures that had begun to read by it have written what nobody can read any more."""
    files = Reloads(rig, redis)
    good = with_socket(redis, rig.path("counted.sock"))
    files.write(site=SITE, redis=good)
    daemon = Service(rig, config=files.path, journal="journal-counted")
    at = daemon.command.index("admin.socket=none")
    del daemon.command[at - 1:at + 1]
    with daemon, Load(rig) as load:
        wait_seen(daemon)
        files.write(redis=with_socket(redis, rig.path("not-there/counted.sock")),
                    site=with_page("elsewhere"))
        assert "the old rules stay" in reload_by_trawlctl(rig.path("counted.sock"), 1)
        wait_seen(daemon, 200)
        missing = missing_of(daemon, load.finish())
        assert daemon.stop() == 0
        lost = daemon.counters()["reload_lost_total"]
        print(f"\n{len(missing)} requests are missing, {lost} were counted")
        assert missing and lost > 0
        assert abs(len(missing) - lost) <= 2 * 8  # and those that were open


def test_new_engines_lose_nothing_of_several_captures(rig, redis):
    """What waited in the old one for its turn among them is not in their rings any more."""
    files = Reloads(rig, redis)
    files.write(site=SITE)
    with Service(rig, "-o", "capture.workers=3", config=files.path,
                 journal="journal-several") as daemon, \
            Load(rig, connections=12, pause=0.01) as load:
        files.daemon = daemon
        wait_seen(daemon, 30)
        for turn in range(6):
            engine = daemon.engine()
            files.write(prefix=f"turn{turn}")
            files.reload(TAKEN_UP)
            assert daemon.engine() not in (None, engine)
        requests = load.finish()
        assert not missing_of(daemon, requests)
        assert daemon.stop() == 0


def test_a_stop_while_an_engine_hands_over(rig, redis):
    """Another one begins, for what the captures had seen."""
    files = Reloads(rig, redis)
    files.write(site=SITE)
    with Service(rig, config=files.path, journal="journal-between") as daemon:
        with Load(rig) as load:
            wait_seen(daemon, 30)
            engine = daemon.engine()
            os.kill(engine, signal.SIGSTOP)
            files.write(prefix="between")
            daemon.child.send_signal(signal.SIGHUP)
            daemon.wait_said("by a new engine")
            time.sleep(0.5)  # requests that only the captures know
            requests = load.finish()
            time.sleep(0.2)  # and what of them is on its way through the kernel
        daemon.child.send_signal(signal.SIGTERM)
        wait_until(lambda: daemon.manager.told("STOPPING=1"), 30, "STOPPING=1")
        os.kill(engine, signal.SIGCONT)
        assert daemon.child.wait(30) == 0
        daemon.finish()
        assert not missing_now(daemon, requests)


def test_a_key_that_cannot_be_read_is_no_reload(rig, redis):
    """The engine says no before anything has changed; captures are not replaced either."""
    files = Reloads(rig, redis)
    files.write(site=SITE)
    daemon = Service(rig, config=files.path, journal="journal-key")
    at = daemon.command.index(f"privacy.key_file={rig.path('privacy.key')}")
    del daemon.command[at - 1:at + 1]  # the one that it made for itself is not a file's mistake
    at = daemon.command.index(program("trawlwatchd"))
    daemon.command[at:at] = ["unshare", "-m", "sh", "-c",
                             'mount -t tmpfs none /var/lib && exec "$@"', "sh"]
    with daemon, Load(rig) as load:
        files.daemon = daemon
        wait_seen(daemon)
        there = daemon.processes()
        path = f"/proc/{daemon.child.pid}/root/var/lib/trawlwatch/privacy.key"
        with open(path, "r+", encoding="utf-8") as key:
            whole = key.read()
            key.seek(0)
            key.truncate()
            key.write("half a key\n")
        files.write(rules=RULE % 99999)
        assert "the engine cannot take them up" in files.reload("the old rules stay")
        files.write(site=with_page("elsewhere"))
        assert "the engine cannot take them up" in files.reload("the old rules stay")
        assert daemon.processes() == there
        write(path, whole)
        files.reload(TAKEN_UP)
        load.finish()
        assert daemon.stop() == 0
        assert daemon.counters()["engine_restarts_total"] == 0


def test_new_captures_of_an_interface_with_another_name(rig, redis):
    link = Link(rig, "named", "203.0.113.76")
    files = Reloads(rig, redis)
    files.write(site=SITE, interface="named", filter="tcp port 80")
    with Service(rig, config=files.path, journal="journal-named") as daemon:
        link.is_seen(daemon, "first")
        link.set("named", "down")
        link.set("named", "name", "other")
        link.configure("other")
        daemon.wait_said("renamed from named")
        before = daemon.workers()
        files.write(snaplen="128k")
        daemon.child.send_signal(signal.SIGHUP)
        daemon.wait_said(TAKEN_UP + ", by new captures")
        wait_until(lambda: daemon.workers() and not set(before) & set(daemon.workers()), 30,
                   "new workers only")
        link.is_seen(daemon, "renamed")
        assert len(daemon.said("renamed")) == 1
        assert daemon.stop() == 0


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
        daemon.child.send_signal(signal.SIGHUP)
        daemon.wait_said(TAKEN_UP + ", by new captures")
        daemon.wait_said("reload: taken up")
        wait_until(lambda: not daemon.workers(), 10, "the old worker to end")
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
        worker = daemon.worker()
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
