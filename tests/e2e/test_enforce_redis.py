# SPDX-License-Identifier: MIT
"""trawl-enforce follows its Redis over TLS, through a failover, and to another cluster node.

The target is nginx's file; nothing is captured, no root is needed.
"""
import os
import subprocess
import time

import pytest

from certificates import Authority
from odd_redis import OddRedis, bulk
from test_redis import PREFIX, wait_until
from test_redis_cluster import Cluster
from test_redis_sentinel import Sentinels, is_master
from test_redis_tls import start

ENFORCE = os.path.join(os.environ["TRAWLWATCH_BIN"], "trawl-enforce")


class Enforce:
    def __init__(self, folder, url, **settings):
        self.file = os.path.join(folder, "blocked.conf")
        self.log = os.path.join(folder, "enforce.log")
        options = [word for key, value in settings.items() for word in ("-o", f"redis.{key}={value}")]
        self.child = subprocess.Popen(
            [ENFORCE, "--redis", url, "--name", "here", *options, "--nginx", self.file,
             "--reload", "true", "--reload-every", "0.1"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(self.log, "wb"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.terminate()
        assert self.child.wait(10) == 0, self.said()

    def said(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read()

    def wait_for(self, *addresses, seconds=10):
        def is_right():
            if not os.path.exists(self.file):
                return False
            with open(self.file, encoding="utf-8") as file:
                lines = [line.split()[0] for line in file if not line.startswith("#")]
            return sorted(lines) == sorted(addresses)
        began = time.monotonic()
        wait_until(is_right, seconds, f"{addresses}; {self.said()}")
        return time.monotonic() - began


def block(client, address, seconds=3600):
    client.zadd(PREFIX + ":blocks", {"ip:" + address: int((time.time() + seconds) * 1000)})
    client.publish(PREFIX + ":events", '{"trawlwatch":{"block":{"type":"ip","value":"%s"}}}'
                   % address)


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path)


def test_over_tls_with_a_client_certificate(folder):
    ca = Authority(folder)
    server = start(folder, ca, clients="yes")
    cert, key = ca.make("client")
    try:
        with Enforce(folder, server.url(), tls_ca=ca.ca, tls_cert=cert, tls_key=key) as enforce:
            enforce.wait_for()
            block(server.client(), "203.0.113.9")
            assert enforce.wait_for("203.0.113.9") < 1
            assert "warning" not in enforce.said()
    finally:
        server.kill()


def test_the_new_master_after_a_failover(folder):
    sentinels = Sentinels(folder)
    try:
        with Enforce(folder, sentinels.url()) as enforce:
            enforce.wait_for()
            block(sentinels.master.client(), "203.0.113.9")
            assert enforce.wait_for("203.0.113.9") < 1
            wait_until(lambda: sentinels.replica.client().zcard(PREFIX + ":blocks") == 1, 5,
                       "the replica")
            sentinels.master.kill()
            wait_until(lambda: is_master(sentinels.replica), 20, "the failover")
            block(sentinels.replica.client(), "203.0.113.10")
            took = enforce.wait_for("203.0.113.9", "203.0.113.10")
            print("\nfailover done -> right: %.0f ms" % (1000 * took))
            assert took < 5
    finally:
        sentinels.kill()


def test_the_node_that_has_the_slot(folder):
    cluster = Cluster(folder)
    try:
        cluster.start()
        away = next(i for i in range(3) if i != cluster.owner)
        with Enforce(folder, cluster.url(away)) as enforce:
            enforce.wait_for()
            block(cluster.client(), "203.0.113.9")
            assert enforce.wait_for("203.0.113.9") < 1
            cluster.begin_move(away)
            block(cluster.client(), "203.0.113.10")
            cluster.move_keys(away, cluster.keys())
            cluster.end_move(away)
            block(cluster.client(), "203.0.113.11")
            took = enforce.wait_for("203.0.113.9", "203.0.113.10", "203.0.113.11")
            print("\nslot moved -> right: %.0f ms" % (1000 * took))
            assert took < 5
            wait_until(lambda: cluster.client().exists(PREFIX + ":enforcer:here"), 10, "heartbeat")
            assert "warning" not in enforce.said()
    finally:
        cluster.kill()


def test_a_redis_that_answers_what_was_not_asked(folder):
    """It is left and tried again: nothing that it says ends the program."""
    good = {"TIME": lambda _: b"*2\r\n" + bulk(b"%d" % time.time()) + bulk(b"0"),
            "SUBSCRIBE": lambda words: b"*3\r\n" + bulk(b"subscribe") + bulk(words[1]) + b":1\r\n",
            "ZRANGEBYSCORE": lambda _: b"*2\r\n" + bulk(b"ip:203.0.113.9") +
            bulk(b"%d" % (time.time() * 1000 + 3600_000))}
    odd = {"HSET": b":1\r\n" + b"+surprise\r\n" * 5,  # a heartbeat: all is up by then
           "TIME": b"*2\r\n$10\r\n2000000000\r\n$19\r\n9223372036854775807\r\n",
           "ZRANGEBYSCORE": b"*4000000000\r\n"}
    with OddRedis(good) as server, Enforce(folder, server.url) as enforce:
        enforce.wait_for("203.0.113.9")
    for command, answer in odd.items():
        with OddRedis({**good, command: answer}) as server, Enforce(folder, server.url) as enforce:
            wait_until(lambda: server.connections >= 4, 10, "another connection")
            assert "answers what was not asked" in enforce.said() or command != "HSET"
