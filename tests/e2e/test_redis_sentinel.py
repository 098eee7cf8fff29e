# SPDX-License-Identifier: MIT
"""The master that sentinels name, before, during and after a failover."""
import json
import os
import signal
import subprocess
import time

import pytest
import redis as redis_py

from certificates import Authority
from test_redis import PREFIX, REDIS_SERVER, Driver, free_port, numbers, wait_until
from test_redis_tls import trawlctl

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


class Node:
    """A redis-server, or a sentinel, on a port of loopback."""

    def __init__(self, folder, *options, sentinel=None, tls=None):
        self.port = free_port()
        self.folder = os.path.join(folder, str(self.port))
        self.tls, self.password = tls, None
        os.mkdir(self.folder)
        command = [REDIS_SERVER]
        if sentinel is not None:
            path = os.path.join(self.folder, "sentinel.conf")
            with open(path, "w") as file:
                file.write("\n".join(sentinel) + "\n")
            command += [path, "--sentinel"]
        else:
            command += ["--save", ""]
        ports = ["--port", str(self.port)] if not tls else [
            "--port", "0", "--tls-port", str(self.port), "--tls-replication", "yes",
            "--tls-auth-clients", "no", "--tls-ca-cert-file", tls.ca,
            "--tls-cert-file", tls.pair[0], "--tls-key-file", tls.pair[1]]
        self.command = [*command, *ports, "--bind", "127.0.0.1", "--dir", self.folder, *options]
        self.child = None

    def start(self):
        self.child = subprocess.Popen(self.command, **QUIET)
        wait_until(self.is_up, 20, "redis-server")
        return self

    def client(self):
        more = {"ssl": True, "ssl_ca_certs": self.tls.ca} if self.tls else {}
        return redis_py.Redis(port=self.port, password=self.password, decode_responses=True,
                              **more)

    def is_up(self):
        try:
            return self.client().ping()
        except redis_py.exceptions.AuthenticationError:
            return True
        except redis_py.exceptions.RedisError:
            return False

    def kill(self):
        if self.child:
            self.child.kill()
            self.child.wait()
            self.child = None


class Sentinels:
    """A master, a replica and sentinels that watch them under the name `main`."""

    def __init__(self, folder, count=3, tls=None, sentinel_options=(), password=None):
        own = ["--repl-diskless-sync-delay", "0"]
        if password:
            own += ["--requirepass", password, "--masterauth", password]
        self.master = Node(folder, *own, tls=tls).start()
        self.replica = Node(folder, *own, "--replicaof", "127.0.0.1", str(self.master.port),
                            tls=tls).start()
        self.master.password = self.replica.password = password
        config = ["sentinel monitor main 127.0.0.1 %d %d" % (self.master.port, count // 2 + 1),
                  "sentinel down-after-milliseconds main 400",
                  "sentinel failover-timeout main 1000", *sentinel_options]
        if password:
            config.append("sentinel auth-pass main " + password)
        self.sentinels = [Node(folder, sentinel=config, tls=tls).start() for _ in range(count)]
        wait_until(self.is_replicating, 20, "the replica")
        if not sentinel_options:
            wait_until(lambda: all(self.is_ready(s, count) for s in self.sentinels), 20,
                       "the sentinels")

    def is_replicating(self):
        return self.replica.client().info("replication")["master_link_status"] == "up"

    @staticmethod
    def is_ready(sentinel, count):
        (state,) = sentinel.client().sentinel_masters().values()
        return state["num-slaves"] == 1 and state["num-other-sentinels"] == count - 1

    def url(self, login="", scheme="redis+sentinel"):
        return "%s://%s%s/main" % (scheme, login, ",".join(
            "127.0.0.1:%d" % sentinel.port for sentinel in self.sentinels))

    def kill(self):
        for node in (*self.sentinels, self.replica, self.master):
            node.kill()


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path)


@pytest.fixture
def sentinels(folder):
    made = Sentinels(folder)
    yield made
    made.kill()


def is_master(node):
    try:
        return node.client().role()[0] == "master"
    except redis_py.exceptions.RedisError:
        return False


class Feed:
    """Alerts while something happens."""

    def __init__(self, driver):
        self.driver, self.upto = driver, 0

    def add(self, count):
        self.driver.ask("alerts %d %d" % (self.upto + 1, count))
        self.upto += count

    def until(self, condition, seconds=30):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end
            self.add(20)
            time.sleep(0.05)


def test_alerts_before_during_and_after_failovers(folder, sentinels):
    driver = Driver(folder, sentinels.url())
    feed = Feed(driver)
    one, two = sentinels.master, sentinels.replica
    feed.add(1000)
    assert driver.drain() == 0
    assert numbers(one.client()) == list(range(1, 1001))

    # By command, both alive: the old master takes alerts until it is told that it is none.
    sentinels.sentinels[0].client().execute_command("SENTINEL", "FAILOVER", "main")
    feed.until(lambda: is_master(two))
    feed.add(1000)
    assert driver.drain() == 0
    one.client().execute_command("REPLICAOF", "127.0.0.1", two.port)  # READONLY from now on
    feed.until(lambda: one.client().info("replication")["master_link_status"] == "up")
    feed.add(100)
    assert driver.drain() == 0
    assert numbers(two.client()) == list(range(1, feed.upto + 1))

    # The master dies. What its replica did not have yet is fed again.
    feed.add(3000)
    begin = time.monotonic()
    two.kill()
    feed.until(lambda: is_master(one))
    promoted = time.monotonic()
    feed.add(100)
    assert driver.drain() == 0
    print("\nmaster killed -> replica is master %.2f s -> all alerts there %.2f s"
          % (promoted - begin, time.monotonic() - promoted))
    assert numbers(one.client()) == list(range(1, feed.upto + 1))
    driver.stop()
    assert "publishing goes on" in driver.said()


def test_sentinels_are_asked_in_turn(folder, sentinels):
    sentinels.sentinels[0].kill()
    sentinels.sentinels[1].child.send_signal(signal.SIGSTOP)
    driver = Driver(folder, sentinels.url())
    try:
        driver.ask("alerts 1 10")
        begin = time.monotonic()
        assert driver.drain() == 0
        assert time.monotonic() - begin < 4  # one refused, one hung for a second
        assert numbers(sentinels.master.client()) == list(range(1, 11))
        assert len(trawlctl("alerts", "--json", "-o", "redis.url=" + sentinels.url()
                            ).splitlines()) == 10
        driver.stop()
        assert driver.said() == ""
    finally:
        sentinels.sentinels[1].child.send_signal(signal.SIGCONT)


def test_trawlctl_through_a_failover(sentinels):
    at = ["-o", "redis.url=" + sentinels.url()]
    trawlctl("blocks", "add", "198.51.100.7", "--for", "1h", "--why", "x", *at)
    assert sentinels.master.client().exists(PREFIX + ":block:ip:198.51.100.7")
    wait_until(lambda: sentinels.replica.client().exists(PREFIX + ":block:ip:198.51.100.7"), 5,
               "the replica")
    sentinels.master.kill()
    # Nobody has taken over yet: it asks again until somebody has.
    assert "198.51.100.7" in trawlctl("blocks", *at)
    trawlctl("blocks", "add", "198.51.100.8", "--for", "1h", "--why", "x", *at)
    wait_until(lambda: is_master(sentinels.replica), 5, "the new master")
    assert sentinels.replica.client().exists(PREFIX + ":block:ip:198.51.100.8")
    begin = time.monotonic()
    out = trawlctl("blocks", "-o", "redis.url=" + sentinels.url().replace("/main", "/other"),
                   status=1)
    assert "watches no master of this name: other; see SENTINEL MASTERS" in out
    assert time.monotonic() - begin < 2  # waiting would not help


def test_a_replica_is_not_written_to(folder):
    """A sentinel that is behind names a replica: ROLE tells, and it is asked again."""
    master, stale = Node(folder).start(), None
    replica = Node(folder, "--replicaof", "127.0.0.1", str(master.port)).start()
    # Without a quorum it never changes its mind, and takes what it is told to watch.
    stale = Node(folder, sentinel=["sentinel monitor main 127.0.0.1 %d 9" % replica.port,
                                   "sentinel down-after-milliseconds main 60000"]).start()
    driver = Driver(folder, "redis+sentinel://127.0.0.1:%d/main" % stale.port)
    try:
        driver.ask("alerts 1 5")
        if replica.client().role()[0] == "slave":
            assert driver.drain(0.5) == 5
            assert "it is no master" in driver.said()
            replica.client().execute_command("REPLICAOF", "NO", "ONE")
        assert driver.drain() == 0
        assert numbers(replica.client()) == [1, 2, 3, 4, 5]
        driver.stop()
    finally:
        for node in (stale, replica, master):
            node.kill()


def test_over_tls_and_with_passwords(folder):
    authority = Authority(folder)
    authority.pair = authority.make("server")
    secret = os.path.join(folder, "secret")
    with open(secret, "w") as file:
        file.write("s3ntinel\n")
    os.chmod(secret, 0o600)
    made = Sentinels(folder, 1, authority, ["requirepass s3ntinel"], password="d4ta")
    url = made.url(scheme="rediss+sentinel")
    driver = Driver(folder, url, tls_ca=authority.ca, env={"TRAWLWATCH_REDIS_PASSWORD": "d4ta"})
    try:
        driver.ask("alerts 1 10")
        assert driver.drain(0.5) == 10
        driver.stop()
        assert "NOAUTH" in driver.said() and "redis.sentinel_password_file" in driver.said()
        driver = Driver(folder, url, tls_ca=authority.ca, sentinel_password_file=secret,
                        env={"TRAWLWATCH_REDIS_PASSWORD": "d4ta"})
        assert driver.drain() == 0
        assert numbers(made.master.client()) == list(range(1, 11))
        driver.stop()
        out = trawlctl("alerts", "--json", "-o", "redis.url=" + url, "-o",
                       "redis.tls_ca=" + authority.ca, "-o",
                       "redis.sentinel_password_file=" + secret,
                       env={"TRAWLWATCH_REDIS_PASSWORD": "d4ta"})
        assert [json.loads(line)["event"]["action"] for line in out.splitlines()] == ["raised"] * 10
        assert "d4ta" not in driver.said() + out and "s3ntinel" not in driver.said() + out
    finally:
        made.kill()


def test_sentinels_with_users_of_their_own(folder):
    """One who may ask for the master, and nothing else; the default one is off."""
    secret = os.path.join(folder, "secret")
    with open(secret, "w") as file:
        file.write("s3ntinel\n")
    os.chmod(secret, 0o600)
    made = Sentinels(folder, 1, sentinel_options=[
        "user watcher on >s3ntinel -@all +sentinel|get-master-addr-by-name",
        "user default off"])
    try:
        driver = Driver(folder, made.url(), sentinel_password_file=secret)
        driver.ask("alerts 1 10")
        assert driver.drain(0.5) == 10
        driver.stop()
        assert "WRONGPASS" in driver.said()
        driver = Driver(folder, made.url(), sentinel_user="watcher", sentinel_password_file=secret)
        assert driver.drain() == 0
        assert numbers(made.master.client()) == list(range(1, 11))
        driver.stop()
        at = ["-o", "redis.url=" + made.url(), "-o", "redis.sentinel_password_file=" + secret]
        out = trawlctl("alerts", "--json", *at, "-o", "redis.sentinel_user=watcher")
        assert len(out.splitlines()) == 10
        out = trawlctl("alerts", "--json", "-o", "redis.url=" + made.url(), status=1)
        assert "NOAUTH" in out and "redis.sentinel_user" in out
    finally:
        made.kill()
