# SPDX-License-Identifier: MIT
"""trawl-enforce against the real nftables, HAProxy and nginx: who is blocked is refused.

A client knocks all the time; times are from the moment the block was handed to the
publishing path to the beginning of the first request that was refused.
"""
import contextlib
import hashlib
import hmac
import re
import shutil
import signal
import time

import pytest

from door import (EXAMPLES, Client, Enforce, Haproxy, HaproxyKeys, Nftables, NftablesReject,
                  Nginx, Publisher)
from rig import ip, program, wait_until

SCRAPER, OTHER, THIRD = "203.0.113.9", "203.0.113.10", "203.0.113.11"
PREFIX = "{trawlwatch}"
DOORS = [Nftables, Haproxy, Nginx]


@pytest.fixture(params=DOORS, ids=lambda kind: kind.__name__)
def door(rig, request):
    it = request.param(rig)
    it.start()
    yield it
    it.stop()


def ctl(rig, redis, *words):
    done = rig.run(rig.server, [program("trawlctl"), "blocks", *words,
                                "-o", "redis.url=" + redis.url])
    assert done.returncode == 0, done.stderr


def add(rig, redis, subject):
    """When it was told to."""
    since = time.monotonic()
    ctl(rig, redis, "add", subject, "--for", "1h", "--why", "test")
    return since


def remove(rig, redis, subject):
    since = time.monotonic()
    ctl(rig, redis, "remove", subject)
    return since


def report(door, what, ms):
    print(f"\n{type(door).__name__}: {what}: {ms:.0f} ms")


def heartbeat(redis):
    found = redis.ask("HGETALL", PREFIX + ":enforcer:here")
    return dict(zip(found[::2], found[1::2]))


def wait_synced(redis, blocks):
    wait_until(lambda: heartbeat(redis).get("state") == "synced" and
               heartbeat(redis)["blocks"] == str(blocks), 12, f"{blocks} blocks to be kept")


@pytest.mark.parametrize("door", DOORS + [NftablesReject], indirect=True,
                         ids=lambda kind: kind.__name__)
def test_blocked_is_refused_and_unblocked_is_served(rig, redis, door):
    with Client(rig, SCRAPER, door.port) as scraper, Client(rig, OTHER, door.port) as other, \
            Publisher(rig, redis) as publisher, Enforce(rig, redis, door.options):
        wait_until(lambda: heartbeat(redis).get("state") == "synced", 10, "the first copy")
        since = publisher.block(SCRAPER)
        ms = scraper.wait_for("refused", since, 5)
        scraper.require_only("refused", 0.5)
        report(door, "block published -> first refused request", ms)
        report(door, "block published -> last served request", scraper.last_served(since))
        assert ms <= 1000 and scraper.last_served(since) <= 1000
        assert scraper.outcomes[-1][1] == door.refusal
        ms = scraper.wait_for("200", remove(rig, redis, SCRAPER), 5)
        report(door, "unblocked -> first served request", ms)
        assert ms <= 1000
        other.require_only("200", 0.3)
        assert all(came == "200" for _, came in other.outcomes)


def test_a_network_is_refused_and_an_address_inside_of_it_too(rig, redis, door):
    with Client(rig, SCRAPER, door.port) as scraper, Enforce(rig, redis, door.options):
        scraper.wait_for("refused", add(rig, redis, "203.0.113.0/24"), 5)
        add(rig, redis, SCRAPER)
        remove(rig, redis, "203.0.113.0/24")
        time.sleep(0.5)
        scraper.require_only("refused", 0.3)
        scraper.wait_for("200", remove(rig, redis, SCRAPER), 5)


def test_a_block_ends_when_it_ends(rig, redis, door):
    with Client(rig, SCRAPER, door.port) as scraper, Publisher(rig, redis) as publisher, \
            Enforce(rig, redis, door.options):
        wait_until(lambda: heartbeat(redis).get("state") == "synced", 10, "the first copy")
        since = publisher.block(SCRAPER, seconds=2)
        scraper.wait_for("refused", since, 1)
        ms = scraper.wait_for("200", since + 1.5, 3) + 1500
        report(door, "a block of 2000 ms ended after", ms)
        assert 1900 <= ms <= 3000
        assert redis.ask("ZSCORE", PREFIX + ":blocks", "ip:" + SCRAPER)  # it is not pruned


def test_killed_and_started_again_it_is_right_within_5_s(rig, redis, door):
    with Client(rig, SCRAPER, door.port) as scraper, Client(rig, OTHER, door.port) as other, \
            Publisher(rig, redis) as publisher, Enforce(rig, redis, door.options) as enforce:
        scraper.wait_for("refused", publisher.block(SCRAPER), 5)
        enforce.kill()
        scraper.require_only("refused", 0.3)  # what is there stays
        remove(rig, redis, SCRAPER)
        publisher.block(OTHER)
        time.sleep(0.2)
        since = time.monotonic()
        enforce.start()
        ms = max(scraper.wait_for("200", since, 5), other.wait_for("refused", since, 5))
        report(door, "killed, started -> right", ms)
        scraper.require_only("200", 0.3)
        other.require_only("refused", 0.3)


def test_redis_killed_and_restarted_it_is_right_within_5_s(rig, redis, door):
    with Client(rig, SCRAPER, door.port) as scraper, Client(rig, OTHER, door.port) as other, \
            Client(rig, THIRD, door.port) as third, Publisher(rig, redis) as publisher, \
            Enforce(rig, redis, door.options) as enforce:
        scraper.wait_for("refused", publisher.block(SCRAPER), 5)
        third.wait_for("refused", add(rig, redis, THIRD), 5)
        redis.child.kill()
        redis.child.wait()
        redis.connection = None
        scraper.require_only("refused", 2)  # what is there stays
        publisher.block(OTHER)
        redis.start()  # empty: the publisher brings back what it knows, and not `third`
        since = time.monotonic()
        ms = max(other.wait_for("refused", since, 5), third.wait_for("200", since, 5))
        report(door, "Redis killed, back -> right", ms)
        wait_until(lambda: scraper.outcomes[-1][1] != "200", 5, "the scraper to be refused")
        scraper.require_only("refused", 0.3)
        assert enforce.said().count("warning: Redis at") == 1


def test_a_target_that_lost_its_blocks_is_right_within_5_s(rig, redis, door):
    with Client(rig, SCRAPER, door.port) as scraper, Publisher(rig, redis) as publisher, \
            Enforce(rig, redis, door.options):
        scraper.wait_for("refused", publisher.block(SCRAPER), 5)
        door.lose()
        since = time.monotonic()
        if door.port == 80:
            scraper.wait_for("200", since, 2)  # the flush did open the door
            since = time.monotonic()
        ms = scraper.wait_for(door.refusal, since, 5)
        report(door, "lost -> refused again", ms)
        time.sleep(0.3)
        scraper.require_only("refused", 0.5)


def test_what_no_address_is_never_arrives(rig, redis, door):
    """Whoever may write to Redis may not write rules, commands or lines."""
    end = str(int(time.time() * 1000) + 3600_000)
    hostile = ["ip:127.0.0.1", "ip:::1", "prefix:0.0.0.0/0", "prefix:::/0", "ip:0.0.0.0",
               "ip:203.0.113.77 }; flush ruleset;", "ip:203.0.113.77 1;\n} server { listen 1; }",
               "ip:203.0.113.77; shutdown sessions server app/app", "ip:", ":", "ip", "x:1",
               "session:a b\nc", "ip:" + "9" * 5000, "prefix:203.0.113.9/24", "ip:\x1b[2J"]
    for member in hostile:
        redis.ask("ZADD", PREFIX + ":blocks", end, member)
    redis.ask("ZADD", PREFIX + ":blocks", "inf", "ip:" + OTHER, "-5", "ip:203.0.113.78",
              "1e14", "ip:203.0.113.79", "8.9e12", "ip:" + THIRD)
    redis.ask("ZADD", PREFIX + ":blocks", end, "ip:" + SCRAPER, end, "account:0123")
    with Client(rig, SCRAPER, door.port) as scraper, Client(rig, OTHER, door.port) as other, \
            Enforce(rig, redis, door.options) as enforce:
        scraper.wait_for("refused", time.monotonic(), 5)
        for text in ('{"trawlwatch":{"block":', '{"trawlwatch":{"block":[]}}', '"block' + "[" * 9999,
                     '{"trawlwatch":{"blocks":[{"type":"ip","value":"1;2"},3]}}'):
            redis.ask("PUBLISH", PREFIX + ":events", text)
        redis.ask("PUBLISH", PREFIX + ":events",
                  '{"trawlwatch":{"block":{"type":"ip","value":"%s"}}}' % OTHER)
        other.require_only("200", 0.3)
        wait_until(lambda: heartbeat(redis).get("bad", "0") != "0", 12, "the heartbeat")
        beat = heartbeat(redis)
        assert beat["protected"] == "5" and beat["others"] == "1" and beat["blocks"] == "2", beat
        assert 12 <= int(beat["bad"]) <= 22, beat
        assert "Redis" not in enforce.said()  # none of it costs the connection
        assert not re.search(r"[\x00-\x09\x0b-\x1f]", enforce.said())


def test_many_at_once_and_more_than_there_is_room_for(rig, redis, door):
    end = int(time.time() * 1000) + 3600_000
    with Client(rig, SCRAPER, door.port) as scraper, \
            Enforce(rig, redis, door.options, "--max", "2500") as enforce:
        wait_until(lambda: heartbeat(redis).get("state") == "synced", 10, "the first copy")
        for low in range(0, 3000, 500):
            words = []
            for i in range(low, low + 500):
                words += [end + i // 7, f"ip:10.0.{i // 250}.{i % 250}"]  # pages end inside ties
            redis.ask("ZADD", PREFIX + ":blocks", *words)
        enforce.kill()
        enforce.start()
        wait_until(lambda: heartbeat(redis).get("blocks") == "2500", 12, "2500 blocks")
        assert heartbeat(redis)["beyond"] == "500"
        redis.ask("DEL", PREFIX + ":blocks")
        enforce.kill()
        enforce.start()
        scraper.wait_for("refused", add(rig, redis, SCRAPER), 5)


def key_of(kind, value):
    """As docs/interfaces.md has it."""
    return hmac.new(HaproxyKeys.secret, f"{kind}\0{value}".encode(), hashlib.sha256).hexdigest()[:32]


@pytest.mark.parametrize("kind, header, value", [
    (Haproxy, "X-Session: 0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"),
    (HaproxyKeys, "Cookie: a=1; sid=s%20ecret/==; b=2", key_of("session", "s%20ecret/=="))])
def test_sessions_in_a_map_of_their_own(rig, redis, kind, header, value):
    door = kind(rig)
    door.start()
    with Client(rig, SCRAPER, door.port, header + "\r\n") as scraper, \
            Client(rig, OTHER, door.port, "Cookie: sid=else\r\n") as other, \
            Enforce(rig, redis, door.options):
        scraper.wait_for("429", add(rig, redis, "session:" + value), 5)
        other.require_only("200", 0.3)
        scraper.wait_for("200", remove(rig, redis, "session:" + value), 5)
    door.stop()


def test_examples_are_taken(rig):
    folder = rig.path("examples")
    shutil.copytree(EXAMPLES, folder)
    for name in ("blocked.map", "sessions.map", "trawlwatch-blocked.conf"):
        with open(f"{folder}/{name}", "w", encoding="utf-8"):
            pass
    for name in ("haproxy/haproxy.cfg", "nginx/trawlwatch.conf"):
        with open(f"{folder}/{name}", encoding="utf-8") as file:
            text = file.read()
        text = text.replace("# setenv TRAWLWATCH_KEY AAAA...", "setenv TRAWLWATCH_KEY AAAA")
        text = text.replace("# lua-load /etc/haproxy", f"lua-load {folder}/haproxy")
        text = text.replace("# http-request", "http-request")
        text = text.replace("# proxy ", "proxy ")
        text = text.replace("/etc/haproxy", folder).replace("/etc/nginx", folder)
        with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
    with open(f"{folder}/nginx.conf", "w", encoding="utf-8") as file:
        file.write(f"pid {folder}/pid; events {{ }} http {{ access_log off;"
                   f" include {folder}/nginx/trawlwatch.conf; }}")
    commands = [["haproxy", "-c", "-f", f"{folder}/haproxy/haproxy.cfg"],
                ["nginx", "-t", "-e", "stderr", "-c", f"{folder}/nginx.conf"]]
    if shutil.which("luac"):
        commands += [["luac", "-p", f"{folder}/{name}"]
                     for name in ("openresty/trawlwatch.lua", "haproxy/trawlwatch.lua")]
    for command in commands:
        done = rig.run(rig.server, command)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "WARNING" not in done.stdout + done.stderr, done.stdout + done.stderr


def test_a_block_in_the_channel_alone_is_no_block(rig, redis, door):
    """A hold keeps a block from being put, and the alert names it all the same."""
    with Client(rig, SCRAPER, door.port) as scraper, Publisher(rig, redis) as publisher, \
            Enforce(rig, redis, door.options):
        wait_until(lambda: heartbeat(redis).get("state") == "synced", 10, "the first copy")
        ctl(rig, redis, "remove", SCRAPER, "--hold", "1h")
        publisher.block(SCRAPER)
        wait_until(lambda: redis.alerts(), 5, "the alert")
        scraper.require_only("200", 0.7)


def test_nginx_that_does_not_reload_is_tried_again(rig, redis):
    door = Nginx(rig)
    door.start()
    broken = rig.path("by-hand.conf")
    with Client(rig, SCRAPER, door.port) as scraper, Publisher(rig, redis) as publisher, \
            Enforce(rig, redis, door.options) as enforce:
        wait_until(lambda: heartbeat(redis).get("state") == "synced", 10, "the first copy")
        with open(broken, "w", encoding="utf-8") as file:
            file.write("no such line\n")
        publisher.block(SCRAPER)
        wait_until(lambda: "nginx failed: " in enforce.said(), 5, "the complaint")
        scraper.require_only("200", 1)
        door.write("by-hand.conf", "")
        scraper.wait_for("403", time.monotonic(), 6)
        wait_until(lambda: "right again" in enforce.said(), 2, "the relief")
        assert enforce.said().count("nginx failed: ") == 1 and "[emerg]" in enforce.said()
    door.stop()


def run(rig, redis, *options):
    return rig.run(rig.server, [program("trawl-enforce"), "--redis", redis.url, *options])


def test_haproxy_that_stands_still_holds_nobody_up_but_itself(rig, redis):
    door = Haproxy(rig)
    door.start()
    with Client(rig, SCRAPER, door.port) as scraper, Publisher(rig, redis) as publisher, \
            Enforce(rig, redis, door.options) as enforce:
        scraper.wait_for("429", publisher.block(SCRAPER), 5)
        door.child.send_signal(signal.SIGSTOP)
        remove(rig, redis, SCRAPER)
        for i in range(600):  # so that questions to Redis are in flight when it waits
            publisher.block(f"203.0.{114 + i // 250}.{i % 250 + 1}")
        time.sleep(7)
        door.child.send_signal(signal.SIGCONT)
        scraper.wait_for("200", time.monotonic(), 6)
        assert "Redis" not in enforce.said() and enforce.said().count("warning") == 1
    door.stop()


def test_ipv6_by_nftables(rig, redis):
    door = Nftables(rig)
    door.start()
    host = rig.add_client("203.0.113.66")
    link = f"client{list(rig.hosts.values()).index(host) + 1}"
    ours, theirs = "2001:db8:1::1", ("2001:db8:2:3::7", "2001:db8:2:4::7")
    ip("address", "add", ours + "/64", "dev", link, "nodad", namespace=rig.server)
    ip("route", "add", "2001:db8:2::/48", "dev", link, namespace=rig.server)
    for address in theirs:
        ip("address", "add", address + "/128", "dev", "eth0", "nodad", namespace=host)
    ip("route", "add", "2001:db8:1::/64", "dev", "eth0", namespace=host)

    def is_served(source):
        return rig.run(host, ["curl", "-s", "-o", "/dev/null", "-m", "0.5", "--interface", source,
                              f"http://[{ours}]:8300/"]).returncode == 0

    with contextlib.ExitStack() as stack:
        rig.start(stack, ["python3", "-m", "http.server", "--bind", "::", "8300"], "web6")
        wait_until(lambda: is_served(theirs[0]) and is_served(theirs[1]), 10, "IPv6")
        with Enforce(rig, redis, door.options):
            add(rig, redis, "2001:db8:2:3::/64")
            wait_until(lambda: not is_served(theirs[0]), 2, "refusal")
            assert is_served(theirs[1])
            add(rig, redis, theirs[1])
            wait_until(lambda: not is_served(theirs[1]), 2, "refusal")
            remove(rig, redis, "2001:db8:2:3::/64")
            wait_until(lambda: is_served(theirs[0]), 2, "service")
            assert not is_served(theirs[1])
    door.stop()


def test_once_and_dry_run(rig, redis):
    door = Nftables(rig)
    door.start()
    ctl(rig, redis, "add", SCRAPER, "--for", "1h", "--why", "test")
    done = run(rig, redis, "--nftables", "--dry-run", "--once")
    assert done.returncode == 0 and "add ip 203.0.113.9 3" in done.stdout
    assert door.nft("list", "ruleset") == ""
    done = run(rig, redis, "--nftables", "--once")
    assert done.returncode == 0, done.stderr
    assert "203.0.113.9 timeout" in door.nft("list", "set", "inet", "trawlwatch", "blocked4")
    door.stop()


def test_the_user_of_the_manual_is_enough(rig, redis):
    """And its password is told to nobody."""
    redis.ask("ACL", "SETUSER", "enforce", "on", ">geheim", "resetkeys",
              "~" + PREFIX + ":enforcer:*", "%R~" + PREFIX + ":blocks", "resetchannels",
              "&" + PREFIX + ":events", "-@all", "+subscribe", "+ping", "+time", "+zrangebyscore",
              "+zscore", "+hset", "+pexpire", "+select", "+client|setname")
    redis.ask("CONFIG", "SET", "port", "16379")
    redis.ask("CONFIG", "SET", "protected-mode", "no")
    config = rig.path("enforce.yaml")
    for password in ("geheim", "falsch"):
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"redis:\n  url: redis://enforce:{password}@127.0.0.1:16379/0\n")
        done = rig.run(rig.server, [program("trawl-enforce"), "-c", config, "--name", password,
                                    "--nftables", "--dry-run", "--once"], timeout=60)
        assert password not in done.stdout + done.stderr
        assert done.returncode == (0 if password == "geheim" else 1), done.stderr
    assert "WRONGPASS" in done.stderr


def test_a_target_that_is_not_there_is_one_line(rig, redis):
    with Enforce(rig, redis, ["--haproxy", rig.path("nothing.sock"), "x.map"]) as enforce:
        time.sleep(4)
        assert enforce.said().count("trawl-enforce: warning: haproxy") == 1
        assert enforce.said().count("warning") == 1 and "nothing.sock" in enforce.said()
