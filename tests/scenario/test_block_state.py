# SPDX-License-Identifier: MIT
"""What is told of a block, from packets through the whole daemon: a capture is made of each
case, and the last alert of the incident says what was seen. Needs no root."""
import json
import os
import pathlib
import struct
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
from made_capture import ACK, BEGIN, FIN, LINKTYPE_RAW, PSH, SYN, packet  # noqa: E402

BIN = pathlib.Path(os.environ.get("TRAWLWATCH_BIN", ROOT / "build" / "bin"))
RST = 4
SCRAPER, SERVER, PROXY = "203.0.113.9", "192.0.2.1", "192.0.2.77"
BLOCK = 1.0  # when it is put, in seconds since BEGIN
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
LIMITED = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"
SITE = f"""
client: {{ trusted_proxies: [{PROXY}/32], header: X-Forwarded-For }}
pages: [{{ name: profile, path: "/in/{{target}}" }}]
"""
RULES = """
rules:
  - name: harvest
    where: page == profile
    per: client.host
    when: count(status == 200, 1h) >= 3
    again: 10h
    block: 5m
"""


class Tape:
    """Packets with their times."""

    def __init__(self):
        self.packets = []

    def put(self, at, data):
        self.packets.append((at, data))

    def write(self, path):
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, LINKTYPE_RAW))
            for at, data in sorted(self.packets, key=lambda one: one[0]):
                micros = round(at * 1e6)
                file.write(struct.pack("<IIII", BEGIN + micros // 1_000_000, micros % 1_000_000,
                                       len(data), len(data)) + data)


class Connection:
    """What is not `seen` was on the wire, and the sensor missed it."""

    def __init__(self, tape, at, port, client=SCRAPER, visitor=None, shakes=True):
        self.tape, self.client, self.port, self.visitor = tape, client, port, visitor
        self.seq = {True: 1001, False: 5001}
        self.acked = {True: 1001, False: 5001}
        if shakes:
            tape.put(at, packet(client, SERVER, (port, 80), (1000, 0), SYN))
            tape.put(at + 1e-5, packet(SERVER, client, (80, port), (5000, 1001), SYN | ACK))
            self.send(at + 2e-5, True, b"", ACK)

    def send(self, at, ours, payload=b"", flags=PSH | ACK, seen=True, hears=True):
        """`ours`: of the client. `hears`: acknowledges what the other one has sent."""
        if hears:
            self.acked[not ours] = self.seq[not ours]
        if seen:
            ends = (self.client, SERVER) if ours else (SERVER, self.client)
            ports = (self.port, 80) if ours else (80, self.port)
            self.tape.put(at, packet(*ends, ports, (self.seq[ours], self.acked[not ours]), flags,
                                     payload))
        self.seq[ours] += len(payload) + bool(flags & FIN)

    def ask(self, at, name="x", **more):
        forwarded = f"X-Forwarded-For: {self.visitor}\r\n" if self.visitor else ""
        self.send(at, True, f"GET /in/{name} HTTP/1.1\r\nHost: www.example.org\r\n{forwarded}"
                            "\r\n".encode(), **more)

    def exchange(self, at, response, after=1e-3):
        self.ask(at)
        self.send(at + after, False, response)
        self.send(at + after + 1e-5, True, b"", ACK)


def harvest(tape, client=SCRAPER, visitor=None):
    """Three views on one connection; the end of the last puts the block."""
    connection = Connection(tape, 0.9, 4000, client, visitor)
    for at in 0.97, 0.98:
        connection.exchange(at, OK)
    connection.exchange(BLOCK - 1e-3, OK)
    return connection


@pytest.fixture
def play(tmp_path):
    """enforcement of each event of the incident, and the counters."""
    (tmp_path / "site.yaml").write_text(SITE)
    (tmp_path / "rules.yaml").write_text(RULES)

    def run(tape, *options):
        tape.write(tmp_path / "made.pcap")
        done = subprocess.run(
            [BIN / "trawlwatchd", "-r", tmp_path / "made.pcap", "--print", "alerts", "--stats",
             "-s", tmp_path / "site.yaml", "-R", tmp_path / "rules.yaml",
             "-o", f"journal.dir={tmp_path}/journal", *options],
            capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        alerts = [json.loads(line) for line in done.stdout.splitlines()]
        alerts = [one for one in alerts if one["rule"]["name"] == "harvest"]
        assert [one["event"]["action"] for one in alerts][::max(len(alerts) - 1, 1)] == \
            ["raised", "ended"]
        assert all("block" in one["trawlwatch"] for one in alerts)
        told = [one["trawlwatch"].get("enforcement") for one in alerts]
        return told, json.loads(done.stderr.splitlines()[-1])
    return run


SILENT = {"state": "silent", "requests": 0, "refused": 0}


def test_nothing_is_seen(play):
    tape = Tape()
    harvest(tape)
    told, counters = play(tape)
    assert told == [SILENT, SILENT]
    assert counters["blocks_watched_total"] == 1


def test_refused_on_the_connection_that_is_kept(play):
    tape = Tape()
    kept = harvest(tape)
    kept.exchange(1.2, OK)  # the block is on its way to the blocker
    kept.exchange(1.7, FORBIDDEN)
    kept.exchange(30, LIMITED)
    told, _ = play(tape)
    assert told == [SILENT,
                    {"state": "refused", "requests": 2, "refused": 1, "first_refusal_ms": 700},
                    {"state": "refused", "requests": 3, "refused": 2, "first_refusal_ms": 700}]


def test_other_statuses_refuse_when_they_are_named(play):
    tape = Tape()
    harvest(tape).exchange(20, b"HTTP/1.1 444 No\r\nContent-Length: 0\r\n\r\n")
    assert play(tape)[0][-1]["state"] == "ignored"
    assert play(tape, "-o", "blocks.refused_status=444,403")[0][-1]["state"] == "refused"


def test_answers_in_flight_do_not_ignore_it(play):
    tape = Tape()
    harvest(tape)
    long = Connection(tape, 0.95, 4001)
    long.ask(0.96)
    long.send(40, False, OK)
    Connection(tape, 1.1, 4002).exchange(1.2, OK, after=50)
    told, _ = play(tape)
    assert told[-1] == {"state": "silent", "requests": 1, "refused": 0}


def test_who_is_served_later_ignores_it(play):
    tape = Tape()
    kept = harvest(tape)
    kept.exchange(10.9, OK)
    kept.exchange(11.1, FORBIDDEN)
    kept.exchange(11.2, OK)
    kept.exchange(11.3, FORBIDDEN)
    told, _ = play(tape)
    assert [one["state"] for one in told] == ["silent", "refused", "ignored", "ignored"]
    assert told[-1] == {"state": "ignored", "requests": 4, "refused": 2,
                        "first_refusal_ms": 10100}
    told, _ = play(tape, "-o", "blocks.verify_after=20s")
    assert told[-1]["state"] == "refused"
    assert play(tape, "-o", "blocks.verify_after=0s")[0] == [None, None]


@pytest.mark.parametrize("by", [RST | ACK, FIN | ACK])
def test_a_connection_that_ends_in_place_of_an_answer(play, by):
    tape = Tape()
    harvest(tape)
    refused = Connection(tape, 3, 4001)
    refused.ask(3.1)
    refused.send(3.2, False, b"", by)
    refused.send(3.3, True, b"", FIN | ACK)
    assert play(tape)[0][-1] == {"state": "refused", "requests": 1, "refused": 1,
                                 "first_refusal_ms": 2100}


def test_behind_a_proxy_that_is_no_refusal(play):
    tape = Tape()
    harvest(tape, PROXY, SCRAPER)
    inside = Connection(tape, 3, 4001, PROXY, SCRAPER)
    inside.ask(3.1)
    inside.send(3.2, False, b"", RST | ACK)
    assert play(tape)[0][-1] == {"state": "silent", "requests": 1, "refused": 0}


def test_requests_that_are_dropped(play):
    """As a packet filter does: no word from the server, and the client gives up."""
    tape = Tape()
    kept = harvest(tape)
    kept.ask(5)
    kept.send(10, True, b"", FIN | ACK)
    assert play(tape)[0][-1] == {"state": "refused", "requests": 1, "refused": 1,
                                 "first_refusal_ms": 4000}


def test_a_client_that_gives_up_is_not_refused(play):
    tape = Tape()
    kept = harvest(tape)
    kept.ask(5)
    kept.send(5.01, False, b"", ACK)  # the server has the request
    kept.send(10, True, b"", FIN | ACK)
    kept.send(10.1, False, b"", FIN | ACK)
    assert play(tape)[0][-1] == {"state": "silent", "requests": 1, "refused": 0}


def test_the_end_of_an_idle_connection_is_no_refusal(play):
    tape = Tape()
    kept = harvest(tape)
    kept.send(5, False, b"", FIN | ACK)
    kept.ask(5.0001, hears=False)
    kept.send(5.0002, False, b"", RST | ACK)
    assert play(tape)[0][-1] == {"state": "silent", "requests": 1, "refused": 0}


@pytest.mark.parametrize("end", ["rst by the client", "rst by the server", "fin", "ack"])
def test_an_answer_that_was_missed_is_no_refusal(play, end):
    tape = Tape()
    kept = harvest(tape)
    kept.ask(5)
    kept.send(5.1, False, OK, seen=False)
    if end != "rst by the server":
        kept.send(5.2, True, b"", ACK)
    if end == "fin":
        kept.send(5.3, False, b"", FIN | ACK)
        kept.send(5.4, True, b"", FIN | ACK)
    elif end != "ack":
        kept.send(5.3, end == "rst by the client", b"", RST | ACK)
    assert play(tape)[0][-1] == {"state": "silent", "requests": 1, "refused": 0}


def test_all_packets_after_the_request_were_missed(play):
    tape = Tape()
    harvest(tape).ask(5)
    assert play(tape)[0][-1] == {"state": "silent", "requests": 1, "refused": 0}


def attempt(tape, at, port, *, answer=0, again=(), client=SCRAPER):
    for when in (at, *again):
        tape.put(when, packet(client, SERVER, (port, 443), (1000, 0), SYN))
    if answer:
        tape.put(at + 0.001, packet(SERVER, client, (443, port), (0, 1001), answer))


@pytest.mark.parametrize("what, refused", [
    (dict(again=(4, 6, 10)), 1),             # dropped: it comes again and again
    (dict(answer=RST | ACK), 1),             # rejected
    (dict(), 0),                             # seen once: the rest may have been missed
    (dict(again=(3.00001,)), 0),             # a copy of a mirror
    (dict(answer=SYN | ACK, again=(4,)), 0),  # answered
    (dict(client="203.0.113.10", again=(4, 6)), 0),
])
def test_attempts_to_connect(play, what, refused):
    tape = Tape()
    harvest(tape)
    attempt(tape, 3, 4001, **what)
    told, counters = play(tape)
    assert told[-1]["refused"] == refused
    assert told[-1]["state"] == ("refused" if refused else "silent")
    if refused:
        assert 1980 <= told[-1]["first_refusal_ms"] <= 2020
