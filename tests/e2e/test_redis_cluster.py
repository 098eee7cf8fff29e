# SPDX-License-Identifier: MIT
"""Three nodes of a Redis Cluster: the slot moves while alerts flow."""
import binascii
import os
import subprocess
import time

import pytest
import redis as redis_py

from certificates import Authority
from test_redis import PREFIX, Driver, free_port, numbers, wait_until
from test_redis_sentinel import Feed, Node
from test_redis_tls import TRAWLCTL, listener, trawlctl

SLOT = binascii.crc_hqx(b"trawlwatch", 0) % 16384


def cluster_info(node):
    text = node.client().execute_command("CLUSTER", "INFO")
    return dict(line.split(":") for line in text.split())


class Cluster:
    """Nodes 0, 1 and 2 have a third of the slots each; `owner` has ours."""

    def __init__(self, folder, *options, tls=None):
        buses = [free_port() for _ in range(3)]
        self.nodes = [Node(folder, "--cluster-enabled", "yes", "--cluster-node-timeout", "1000",
                           "--cluster-port", str(bus), *options, tls=tls) for bus in buses]
        self.buses, self.ids, self.owner = buses, [], None

    def start(self):
        bounds = [0, 5461, 10923, 16384]
        for node in self.nodes:
            node.start()
        for i, node in enumerate(self.nodes):
            client = node.client()
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", bounds[i], bounds[i + 1] - 1)
            client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", i + 1)
            client.execute_command("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port,
                                   self.buses[0])
        for node in self.nodes:
            wait_until(lambda: self.is_ok(node), 20, "the cluster")
        self.ids = [node.client().execute_command("CLUSTER", "MYID") for node in self.nodes]
        self.owner = next(i for i in range(3) if bounds[i] <= SLOT < bounds[i + 1])

    @staticmethod
    def is_ok(node):
        info = cluster_info(node)
        return info["cluster_state"] == "ok" and info["cluster_known_nodes"] == "3"

    def url(self, *order):
        return "redis://" + ",".join("127.0.0.1:%d" % self.nodes[i].port
                                     for i in order or range(3))

    def client(self, i=None):
        return self.nodes[self.owner if i is None else i].client()

    def set_slot(self, i, *what):
        self.nodes[i].client().execute_command("CLUSTER", "SETSLOT", SLOT, *what)

    def begin_move(self, to):
        self.set_slot(to, "IMPORTING", self.ids[self.owner])
        self.set_slot(self.owner, "MIGRATING", self.ids[to])

    def keys(self, i=None):
        return self.client(i).execute_command("CLUSTER", "GETKEYSINSLOT", SLOT, 100000)

    def move_keys(self, to, keys):
        if keys:
            self.client().execute_command("MIGRATE", "127.0.0.1", self.nodes[to].port, "", 0,
                                          5000, "KEYS", *keys)

    def end_move(self, to):
        for i in (to, self.owner, *range(3)):
            self.set_slot(i, "NODE", self.ids[to])
        self.owner = to

    def kill(self):
        for node in self.nodes:
            node.kill()


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    made = Cluster(str(tmp_path_factory.mktemp("cluster")))
    try:
        made.start()
        yield made
    finally:
        made.kill()


@pytest.fixture(autouse=True)
def empty(cluster):
    for node in cluster.nodes:
        node.client().flushall()


def others(cluster):
    return [i for i in range(3) if i != cluster.owner]


def all_numbers(cluster):
    return numbers(cluster.client())


def test_any_node_leads_to_the_one_that_has_the_slot(folder, cluster):
    away, other = others(cluster)
    driver = Driver(folder, cluster.url(away))  # one seed is enough
    driver.ask("block 1 3 60000")
    assert driver.drain() == 0
    assert all_numbers(cluster) == [1, 2, 3]
    assert cluster.client().hget(PREFIX + ":sensor:s1", "host")
    driver.stop()
    assert driver.said() == ""
    cluster.nodes[away].kill()
    try:
        at = ["-o", "redis.url=" + cluster.url(away, other)]
        assert len(trawlctl("alerts", "--json", *at).splitlines()) == 3
        assert "203.0.0.2" in trawlctl("blocks", *at)
        trawlctl("blocks", "add", "198.51.100.7", "--for", "1h", "--why", "x", *at)
        trawlctl("blocks", "remove", "203.0.0.2", *at)
        blocks = cluster.client().zrange(PREFIX + ":blocks", 0, -1)
        assert sorted(blocks) == ["ip:198.51.100.7", "ip:203.0.0.1", "ip:203.0.0.3"]
    finally:
        cluster.nodes[away].start()
        for node in cluster.nodes:
            wait_until(lambda: cluster.is_ok(node), 20, "the cluster")


def test_a_database_is_refused(folder, cluster):
    driver = Driver(folder, cluster.url() + "/2")
    driver.ask("alerts 1 1")
    wait_until(lambda: "it refuses the database" in driver.said(), 20, "the refusal")
    assert driver.drain(0.5) == 1
    driver.stop()


def move_while_fed(cluster, feed, to):
    """Resharding as redis-cli does it, with a pause between its steps."""
    cluster.begin_move(to)
    for _ in range(10):  # all keys are still there but what is new
        feed.add(20)
        time.sleep(0.02)
    # The cursor first: it is asked for here, and the answer is ASK.
    cursor = PREFIX + ":cursor:s1"
    cluster.move_keys(to, [cursor])
    for _ in range(10):
        feed.add(20)
        time.sleep(0.05)
    left = cluster.keys()
    while left:
        cluster.move_keys(to, left[:200])
        feed.add(20)
        left = cluster.keys()
    for _ in range(10):  # nothing is at the owner any more: ASK for everything
        feed.add(20)
        time.sleep(0.05)
    assert not cluster.keys()
    cluster.end_move(to)
    for _ in range(5):
        feed.add(20)
        time.sleep(0.02)


def test_the_slot_moves_while_alerts_flow(folder, cluster):
    driver = Driver(folder, cluster.url())
    feed = Feed(driver)
    driver.ask("block 1000001 20 60000")
    feed.add(1000)
    assert driver.drain() == 0
    for to in others(cluster):
        move_while_fed(cluster, feed, to)
        begin = time.monotonic()
        assert driver.drain() == 0
        print("\nslot moved -> all alerts there %.2f s" % (time.monotonic() - begin))
        expected = list(range(1000001, 1000021)) + list(range(1, feed.upto + 1))
        assert all_numbers(cluster) == expected
        for i in others(cluster):
            assert cluster.keys(i) == []
    assert "until the slot of {trawlwatch} has moved" in driver.said()
    wait_until(lambda: cluster.client().exists(PREFIX + ":sensor:s1"), 10, "the heartbeat")
    driver.stop()


def test_trawlctl_while_the_slot_moves(folder, cluster):
    driver = Driver(folder, cluster.url())
    driver.ask("block 1 3 60000")
    assert driver.drain() == 0
    driver.stop()
    to = others(cluster)[0]
    at = ["-o", "redis.url=" + cluster.url()]
    cluster.begin_move(to)
    cluster.move_keys(to, [PREFIX + ":alerts"])
    assert len(trawlctl("alerts", "--json", *at).splitlines()) == 3  # ASK
    # Of several keys one is here and one there (TRYAGAIN): it waits for the rest.
    cluster.move_keys(to, [PREFIX + ":block:ip:203.0.0.1"])
    waiting = subprocess.Popen([TRAWLCTL, "blocks", *at], stdout=subprocess.PIPE, text=True)
    time.sleep(0.7)
    assert waiting.poll() is None
    cluster.move_keys(to, cluster.keys())
    assert "203.0.0.1" in waiting.communicate(timeout=5)[0] and waiting.returncode == 0
    assert "203.0.0.1" in trawlctl("blocks", *at)
    cluster.end_move(to)
    assert "203.0.0.3" in trawlctl("blocks", *at)


def test_heartbeats_do_not_get_in_the_way_of_a_move(folder, cluster):
    """A sensor's key at both nodes would stop the move (BUSYKEY)."""
    driver = Driver(folder, cluster.url())
    driver.ask("alerts 1 1")
    assert driver.drain() == 0
    to = others(cluster)[0]
    cluster.begin_move(to)
    cluster.move_keys(to, [key for key in cluster.keys() if ":sensor:" not in key])
    driver.ask("alerts 2 1")  # ASK, and TRYAGAIN over there
    end = time.monotonic() + 6  # longer than from one heartbeat to the next
    while time.monotonic() < end:
        assert ":sensor:" not in str(cluster.keys(to))
        time.sleep(0.2)
    cluster.move_keys(to, cluster.keys())
    cluster.end_move(to)
    assert driver.drain() == 0
    assert all_numbers(cluster) == [1, 2]
    driver.stop()


def test_a_node_is_away_for_a_while(folder, cluster):
    """CLUSTERDOWN and refused connections are waited for."""
    driver = Driver(folder, cluster.url())
    feed = Feed(driver)
    feed.add(500)
    assert driver.drain() == 0
    gone = others(cluster)[0]
    cluster.nodes[gone].kill()  # a third of the slots has no node: all of the cluster stops

    def is_down():
        return cluster_info(cluster.nodes[cluster.owner])["cluster_state"] == "fail"

    feed.until(is_down)
    feed.add(100)
    assert driver.drain(0.5) > 0
    assert "CLUSTERDOWN" in driver.said()
    cluster.nodes[gone].start()
    feed.until(lambda: cluster.is_ok(cluster.nodes[cluster.owner]))
    assert driver.drain() == 0
    assert all_numbers(cluster) == list(range(1, feed.upto + 1))
    driver.stop()


def commands(peer):
    """Of one connection, as lists of words."""
    stream = peer.makefile("rb")
    for head in stream:
        words = []
        for _ in range(int(head[1:])):
            size = int(stream.readline()[1:])
            words.append(stream.read(size + 2)[:size])
        yield words


def test_nodes_that_send_in_a_circle(folder):
    """Each says that the other has the slot. It does not spin."""
    ports, asked = [], []

    def serve(at):
        def answer(peer):
            for words in commands(peer):
                if words[0] == b"GET":
                    asked.append(at)
                    peer.sendall(b"-MOVED %d 127.0.0.1:%d\r\n" % (SLOT, ports[1 - at]))
                else:
                    peer.sendall(b"+OK\r\n")
            peer.close()
        return answer

    for at in range(2):
        ports.append(listener(serve(at)))
    driver = Driver(folder, "redis://127.0.0.1:%d" % ports[0])
    driver.ask("alerts 1 1")
    assert driver.drain(2) == 1
    driver.stop()
    assert "do not agree who has this slot" in driver.said()
    assert set(asked) == {0, 1} and len(asked) < 60


# Over TLS

NAME = "redis.example"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """One certificate for all nodes, for a name alone or for their address."""
    made = Authority(str(tmp_path_factory.mktemp("ca")))
    made.pair = made.make("nodes", "DNS:" + NAME + ",DNS:localhost")
    return made


@pytest.fixture(scope="module")
def over_tls(tmp_path_factory, authority):
    made = Cluster(str(tmp_path_factory.mktemp("tls")), "--tls-cluster", "yes", tls=authority)
    try:
        made.start()
        yield made
    finally:
        made.kill()


def test_a_cluster_over_tls(folder, over_tls, authority):
    """MOVED leads to an address: the certificate of the node there is checked like the first,
    and against the same name."""
    away, other = others(over_tls)
    seed = over_tls.url(away).replace("redis:", "rediss:")
    driver = Driver(folder, seed, tls_ca=authority.ca, tls_name=NAME)
    driver.ask("block 1 3 60000")
    assert driver.drain() == 0
    assert all_numbers(over_tls) == [1, 2, 3]
    # The slot moves on: ASK first (the scripts wait at the new node), then MOVED.
    over_tls.begin_move(other)
    over_tls.move_keys(other, over_tls.keys())
    driver.ask("alerts 4 10")
    wait_until(lambda: "TRYAGAIN" in driver.said(), 20, "ASK to be followed")
    over_tls.end_move(other)
    driver.ask("alerts 14 10")
    assert driver.drain() == 0
    assert all_numbers(over_tls) == list(range(1, 24))
    driver.stop()
    at = ["-o", "redis.url=" + seed, "-o", "redis.tls_ca=" + authority.ca]
    assert "203.0.0.2" in trawlctl("blocks", *at, "-o", "redis.tls_name=" + NAME)
    # The first node by a name that its certificate has; the one that MOVED names has not.
    seed = seed.replace("127.0.0.1", "localhost")
    refused = ("127.0.0.1:%d: its certificate is refused (IP address mismatch)" %
               over_tls.nodes[over_tls.owner].port)
    # On many machines localhost is ::1 first, where nobody listens: that is not the reason.
    hosts = os.path.join(folder, "hosts")
    with open(hosts, "w", encoding="ascii") as file:
        file.write("127.0.0.1 localhost\n::1 localhost\n")
    done = subprocess.run(
        ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else []), "sh", "-c",
         'mount --bind "$0" /etc/hosts && exec "$@"', hosts,
         TRAWLCTL, "blocks", *at[2:], "-o", "redis.url=" + seed],
        capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 1
    assert refused in done.stderr and "set redis.tls_name" in done.stderr
    driver = Driver(folder, seed, tls_ca=authority.ca)
    driver.ask("alerts 24 1")
    assert driver.drain(0.5) > 0
    driver.stop()
    assert refused in driver.said() and "MOVED" not in driver.said()
