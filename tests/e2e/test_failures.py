# SPDX-License-Identifier: MIT
"""Everything that goes wrong between an alert and Redis, at once and for long: afterwards
the stream has each alert once, in order.

Needs root: the small disk is a tmpfs in a mount namespace that the test makes.
"""
import os
import random
import signal
import struct
import subprocess
import threading
import time

import pytest

from test_redis import (DRIVER, Driver, Server, folder, mend_append_only_file,  # noqa: F401
                        numbers, server, wait_until)

DAEMON = os.path.join(os.environ["TRAWLWATCH_BIN"], "trawlwatchd")
HEAD = struct.Struct("<IIQ")  # length, checksum, number


def test_twenty_thousand_alerts_through_all_that_redis_can_do(folder):  # noqa: F811
    """Killed ten times, hung for five seconds, read-only, out of memory, without scripts."""
    redis = Server(folder, "--appendonly", "yes").start()
    driver = Driver(folder, redis.tcp_url, sensor="storm")

    def kill():
        redis.kill()
        mend_append_only_file(folder)
        redis.start()

    def hang():
        redis.child.send_signal(signal.SIGSTOP)
        time.sleep(5)
        redis.child.send_signal(signal.SIGCONT)

    def read_only():
        redis.client().execute_command("REPLICAOF", "127.0.0.1", "1")
        time.sleep(0.4)
        redis.client().execute_command("REPLICAOF", "NO", "ONE")

    def full():
        redis.client().config_set("maxmemory", "1")
        time.sleep(0.4)
        redis.client().config_set("maxmemory", "0")

    def forget():
        redis.client().script_flush()

    trouble = [kill] * 10 + [hang, read_only, read_only, full, full] + [forget] * 5
    random.Random(5).shuffle(trouble)
    failed = []

    def make_trouble():
        try:
            for make in trouble:
                time.sleep(0.1)
                make()
        except Exception as error:  # in a thread of its own: told to the test below
            failed.append(error)

    thread = threading.Thread(target=make_trouble)
    thread.start()
    try:
        for turn in range(200):
            driver.ask("alerts %d 100" % (1 + 100 * turn))
            # Spread over the trouble, but never so that it ends without alerts to publish.
            if thread.is_alive():
                time.sleep(0.05)
        thread.join()
        assert not failed, failed
        assert driver.drain(60) == 0
        assert numbers(redis.client()) == list(range(1, 20001))
        stats = driver.stats()
        assert stats["redis_reconnects_total"] > 10 and stats["redis_errors_total"] > 0
        assert stats["alerts_lost_total"] == 0
        driver.stop()
    finally:
        thread.join()
        redis.kill()


# The daemon dies

def newest_segment(journal):
    return os.path.join(journal, max(name for name in os.listdir(journal)
                                     if name.endswith(".journal")))


def records(path):
    """Where each whole record of a segment begins, and its bytes."""
    with open(path, "rb") as file:
        data = file.read()
    at = 8
    while at + HEAD.size <= len(data):
        length, _, _ = HEAD.unpack_from(data, at)
        if at + HEAD.size + length > len(data):
            return
        yield at, data[at:at + HEAD.size + length]
        at += HEAD.size + length


def die_in_the_middle_of_a_write(journal, dice):
    """What a process leaves that is killed while the kernel takes its record: some first
    bytes of it. The rest of a page may have been written before them: then the record is
    as long as it should be, and not what its checksum says."""
    path = newest_segment(journal)
    found = list(records(path))
    if not found:
        return False
    end, last = found[-1][0] + len(found[-1][1]), found[-1][1]
    length, checksum, number = HEAD.unpack_from(last)
    torn = HEAD.pack(length, checksum, number + 1) + last[HEAD.size:]
    cut = dice.randrange(1, len(torn) + 1)
    with open(path, "r+b") as file:
        file.truncate(end)
        file.seek(end)
        file.write(torn[:cut])
    return True


def test_the_daemon_dies_fifty_times(folder, server):  # noqa: F811
    """Nothing that it said to be journalled is missing, and nothing is there twice."""
    dice = random.Random(50)
    journal = os.path.join(folder, "journal")
    said, upto, torn = [], 0, 0
    for _ in range(50):
        driver = Driver(folder, server.unix_url, dice.choice(["always", "interval", "off"]))
        death = threading.Timer(dice.uniform(0, 0.04), driver.child.kill)
        death.start()
        try:
            for _ in range(200):
                driver.ask("alerts %d 10" % (upto + 1))
                said += range(upto + 1, upto + 11)
                upto += 10
        except AssertionError:
            upto += 10  # perhaps some of these, from the first on
        death.join()
        driver.kill()
        if dice.random() < 0.5 and os.path.isdir(journal):
            torn += die_in_the_middle_of_a_write(journal, dice)
    driver = Driver(folder, server.unix_url)
    assert driver.drain() == 0
    found = numbers(server.client())
    assert found == sorted(set(found))
    assert set(said) <= set(found)
    # SIGKILL itself may have come in the middle of one, too.
    assert 10 < torn <= driver.said().count("bytes are cut off")
    print("\n50 deaths, %d in the middle of a write: %d alerts said, %d published" %
          (torn, len(said), len(found)))
    driver.stop()


# The disk is full

class SmallDisk:
    """A tmpfs as the journal's folder, in a mount namespace of its own."""

    def __init__(self, path, kib):
        os.makedirs(path, exist_ok=True)
        self.path = path
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c",
             'mount -t tmpfs -o size="$1"k none "$2" && echo there && exec sleep 600',
             "sh", str(kib), path], stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "there\n", "needs root, for a tmpfs of its own"

    @property
    def seen(self):
        return "/proc/%d/root%s" % (self.holder.pid, self.path)

    def inside(self):
        at = "/proc/%d/" % self.holder.pid
        return ["nsenter", "--mount=" + at + "ns/mnt", "--root=" + at + "root", "--"]

    def fill(self):
        with open(self.seen + "/filler", "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass

    def make_space(self):
        os.unlink(self.seen + "/filler")

    def remount(self, how):
        subprocess.run([*self.inside(), "mount", "-o", "remount," + how, self.path], check=True)

    def close(self):
        self.holder.kill()
        self.holder.wait()


@pytest.fixture
def disk(folder):  # noqa: F811
    it = SmallDisk(os.path.join(folder, "journal"), 4096)
    yield it
    it.close()


def on_disk(folder, disk, url):  # noqa: F811
    return Driver(folder, url, before=disk.inside())


def test_the_disk_is_full(folder, disk):  # noqa: F811
    redis = Server(folder)
    driver = on_disk(folder, disk, redis.unix_url)
    try:
        driver.ask("alerts 1 100")
        disk.fill()
        driver.ask("alerts 101 1000")  # into memory
        assert "alerts wait in memory" in driver.said()
        assert driver.stats()["journal_errors_total"] > 0
        # Redis gets what the disk has, and what memory has.
        redis.start()
        assert driver.drain() == 0
        assert numbers(redis.client()) == list(range(1, 1101))
        # There is space again: all is caught up with, in order.
        disk.make_space()
        driver.ask("alerts 1101 1")
        wait_until(lambda: "alerts that waited are in it" in driver.said(), 10, "the journal")
        assert driver.stats()["alerts_journalled_total"] == 1101
        assert driver.stats()["alerts_lost_total"] == 0
        assert driver.drain() == 0
        # Full again, and killed; it begins on a full disk, and its tail is torn.
        disk.fill()
        driver.ask("alerts 1102 5")
        assert driver.drain() == 0
        driver.kill()
        disk.make_space()  # for what tears it
        assert die_in_the_middle_of_a_write(disk.seen, random.Random(1))
        disk.fill()
        driver = on_disk(folder, disk, redis.unix_url)
        assert "bytes are cut off" in driver.said()
        driver.ask("alerts 1107 100")
        assert driver.drain() == 0
        assert numbers(redis.client()) == list(range(1, 1207))
        disk.make_space()
        driver.ask("alerts 1207 1")
        assert driver.drain() == 0
        driver.stop()
        # What is on the disk now is whole: another Redis gets all but what only memory had.
        redis.client().flushall()
        driver = on_disk(folder, disk, redis.unix_url)
        assert driver.drain() == 0
        kept = set(range(1, 1102)) | set(range(1107, 1208))
        assert kept <= set(numbers(redis.client()))
        driver.stop()
    finally:
        redis.kill()


def test_more_than_memory_holds_is_counted_as_lost(folder, disk):  # noqa: F811
    """Neither disk nor Redis: eight MiB wait, the oldest of more are lost, and it is said."""
    redis = Server(folder)
    driver = on_disk(folder, disk, redis.unix_url)
    try:
        disk.fill()
        driver.ask("alerts 1 20000")
        lost = driver.stats()["alerts_lost_total"]
        assert lost > 1000 and "alerts are being lost" in driver.said()
        assert driver.said().count("alerts are being lost") == 1
        redis.start()
        assert driver.drain() == 0
        assert numbers(redis.client()) == list(range(lost + 1, 20001))
        driver.stop()
    finally:
        redis.kill()


def test_it_starts_on_a_disk_that_is_read_only(folder, disk):  # noqa: F811
    """Alerts go to Redis from memory, nobody else may write, and the disk catches up."""
    redis = Server(folder).start()
    driver = on_disk(folder, disk, redis.unix_url)
    try:
        driver.ask("alerts 1 10")
        assert driver.drain() == 0
        driver.kill()  # a file that is open for writing forbids a read-only mount
        assert die_in_the_middle_of_a_write(disk.seen, random.Random(3))
        os.unlink(disk.seen + "/lock")  # and none can be made
        disk.remount("ro")
        driver = on_disk(folder, disk, redis.unix_url)
        assert "Read-only file system; alerts wait in memory" in driver.said()
        assert "mount its disk for writing" in driver.said()
        driver.ask("alerts 11 100")
        assert driver.drain() == 0
        assert numbers(redis.client()) == list(range(1, 111))
        assert_nobody_else_writes(disk, redis)
        redis.kill()
        driver.ask("alerts 111 100")
        assert driver.stats()["alerts_journalled_total"] == 0
        disk.remount("rw")
        wait_until(lambda: "alerts that waited are in it" in driver.said(), 10, "the journal")
        assert driver.stats()["alerts_journalled_total"] == 200
        assert driver.stats()["alerts_lost_total"] == 0
        assert_nobody_else_writes(disk, redis)
        driver.kill()
        # From the disk, in order: it has the ten of the first run, the tail of which was
        # damaged, and all of the second.
        redis.start()
        driver = on_disk(folder, disk, redis.unix_url)
        assert driver.drain() == 0
        assert numbers(redis.client()) == list(range(1, 211))
        driver.stop()
    finally:
        redis.kill()


def assert_nobody_else_writes(disk, redis):
    refused = subprocess.run([*disk.inside(), DRIVER, disk.path, "s1", redis.unix_url],
                             capture_output=True, text=True, check=False, timeout=30,
                             stdin=subprocess.DEVNULL)
    assert refused.returncode == 1
    assert "another trawlwatchd writes here" in refused.stderr


def test_a_folder_that_is_not_there_on_a_read_only_disk(folder, disk):  # noqa: F811
    disk.remount("ro")
    refused = subprocess.run([*disk.inside(), DRIVER, disk.path + "/journal", "s1",
                              "redis://127.0.0.1:1"],
                             capture_output=True, text=True, check=False, timeout=30,
                             stdin=subprocess.DEVNULL)
    assert refused.returncode == 1
    assert "Read-only file system; make it writable, or set journal.dir" in refused.stderr
    assert refused.stderr.count("\n") == 1


STATE = "/var/lib/trawlwatch"


@pytest.fixture
def state(folder):  # noqa: F811
    """A disk at /var/lib, where the daemon's own folder is unless another is named."""
    it = SmallDisk(os.path.dirname(STATE), 65536)
    os.mkdir(it.seen + "/trawlwatch")
    yield it
    it.close()


class Daemon:
    """trawlwatchd with its own folders, on a loopback of its own."""

    def __init__(self, disk, home):
        self.log_path = os.path.join(home, "daemon.log")
        with open(self.log_path, "wb") as log:
            self.child = subprocess.Popen(
                [*disk.inside(), "unshare", "--net", "sh", "-c",
                 'ip link set lo up && exec "$0" "$@"', DAEMON, "-i", "lo",
                 "-o", "journal.snapshot=1s"], stderr=log,
                env={**os.environ, "HOME": home, "XDG_STATE_HOME": ""})

    def said(self):
        with open(self.log_path) as log:
            return log.read()

    def until(self, word):
        wait_until(lambda: word in self.said(), 20, word)

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        assert self.child.wait(20) == 0, self.said()


def test_the_daemon_takes_no_other_folder_for_one_that_is_read_only(folder, state):  # noqa: F811
    daemon = Daemon(state, folder)
    daemon.until("capturing")
    daemon.stop()
    with open(state.seen + "/trawlwatch/privacy.key") as file:
        key = file.read()
    state.remount("ro")
    daemon = Daemon(state, folder)
    daemon.until("capturing")
    assert "journal %s/journal: lock: Read-only file system; alerts wait" % STATE in daemon.said()
    daemon.until("engine.snapshot cannot be written")
    state.remount("rw")
    os.unlink(state.seen + "/trawlwatch/journal/engine.snapshot")
    wait_until(lambda: os.path.exists(state.seen + "/trawlwatch/journal/engine.snapshot"), 20,
               "a snapshot")
    daemon.stop()
    assert not os.path.exists(folder + "/.local")
    with open(state.seen + "/trawlwatch/privacy.key") as file:
        assert file.read() == key
