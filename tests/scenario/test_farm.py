# SPDX-License-Identifier: MIT
"""A farm of accounts, from its birth to its harvest, as a capture that the test makes.

A program signs up with one mailbox, through a different network each time. Hours later
the accounts read profiles from addresses that have nothing in common with those, two of
them after a login that changed their sessions. Beside them a member reads as much, and a
class signs up together and looks around. The shipped rules find the burst, and then the
farm under the id of the burst.
"""

import json
import os
import pathlib
import struct
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("TRAWLWATCH_BIN", ROOT / "build" / "bin"))
RULES = ROOT / "rules"
SITE = ROOT / "rules" / "sites" / "profile-network.yaml"

SERVER = "10.0.0.5"
PROXY = "10.0.0.1"
BEGIN = 1795431600  # 2026-11-23 11:00:00 UTC
SYN, ACK, PSH, FIN = 2, 16, 8, 1
BOT = "User-Agent: python-requests/2.31\r\nAccept: */*\r\n"
BROWSER = "Accept: text/html\r\nUser-Agent: Mozilla/5.0\r\nAccept-Language: en\r\n"


def address(text):
    return bytes(map(int, text.split(".")))


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Capture:
    """Requests, each on a connection of its own from a proxy that names the visitor."""

    def __init__(self):
        self.packets, self.port = [], 20000

    def packet(self, time, ends, flags, seq, ack, payload=b""):
        (source, sport), (destination, dport) = ends
        tcp = struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 5 << 4, flags, 64240, 0, 0)
        pseudo = address(source) + address(destination) + struct.pack(
            ">BBH", 0, 6, len(tcp) + len(payload))
        tcp = tcp[:16] + struct.pack(">H", checksum(pseudo + tcp + payload)) + tcp[18:]
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp) + len(payload), 0, 0, 64, 6, 0)
        ip += address(source) + address(destination)
        ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
        self.packets.append((time, b"\x02" * 12 + b"\x08\x00" + ip + tcp + payload))

    def request(self, at, client, line, response, headers="", body="", software=BROWSER):
        request = (f"{line} HTTP/1.1\r\nHost: example.org\r\nX-Forwarded-For: {client}\r\n"
                   f"{software}{headers}")
        if body:
            request += ("Content-Type: application/x-www-form-urlencoded\r\n"
                        f"Content-Length: {len(body)}\r\n")
        request = (request + "\r\n" + body).encode()
        answer = f"HTTP/1.1 {response}\r\nContent-Length: 0\r\n\r\n".encode()
        self.port = 20000 + (self.port - 20000 + 1) % 40000
        there, back = (PROXY, self.port), (SERVER, 8080)
        out, home = (there, back), (back, there)
        time = BEGIN + at
        self.packet(time, out, SYN, 100, 0)
        self.packet(time + 0.001, home, SYN | ACK, 500, 101)
        self.packet(time + 0.002, out, PSH | ACK, 101, 501, request)
        self.packet(time + 0.004, home, PSH | ACK, 501, 101 + len(request), answer)
        self.packet(time + 0.005, out, FIN | ACK, 101 + len(request), 501 + len(answer))
        self.packet(time + 0.006, home, FIN | ACK, 501 + len(answer), 102 + len(request))

    def sign_up(self, at, client, email, session, software):
        self.request(at, client, "POST /signup",
                     f"303 See Other\r\nLocation: /\r\nSet-Cookie: sid={session}; HttpOnly",
                     "Cookie: sid=before-" + session + "\r\n", "email=" + email, software)

    def view(self, at, client, session, target):
        self.request(at, client, "GET /in/" + target, "200 OK", f"Cookie: sid={session}\r\n")

    def write(self, path):
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            for time, data in sorted(self.packets, key=lambda one: one[0]):
                whole = round(time * 1e6)
                file.write(struct.pack("<IIII", whole // 1000000, whole % 1000000,
                                       len(data), len(data)))
                file.write(data)


def play(capture):
    # The farm: eight accounts within an hour and a half, of one mailbox.
    for i in range(8):
        capture.sign_up(600 * i, f"198.51.{100 + i}.1", f"anna%2B{i}@mail.example",
                        f"farm{i}", BOT)
    # A class: as many, at one address, each with a browser and a name of its own.
    for i in range(6):
        capture.sign_up(60 * i + 7, "192.0.2.50", "pupil" + "x" * i + "@school.example",
                        f"class{i}", BROWSER + f"DNT-{i}: 1\r\n")
    # Two of the farm have to log in again. No rule looks at that page.
    for i in (0, 1):
        capture.request(7200 + i, f"203.0.113.{i}", "POST /login",
                        f"302 Found\r\nSet-Cookie: sid=again{i}", f"Cookie: sid=farm{i}\r\n",
                        "email=x%40mail.example")
    # The harvest: four sessions take turns, each from an address of its own.
    sessions = ["again0", "again1", "farm2", "farm7"]  # the last one made it a burst
    for n in range(100):
        capture.view(9000 + 10 * n, f"203.0.113.{n % 4}", sessions[n % 4], f"member{n}")
    # One who signed up beside them, with the same mailbox, looks in.
    for n in (0, 1):
        capture.view(9004 + 40 * n, "198.51.103.1", "farm3", f"member{n}")
    # A member who reads as much, and the class that looks around.
    for n in range(60):
        capture.view(9003 + 10 * n, "192.0.2.99", "member", f"member{n}")
        capture.view(9005 + 10 * n, "192.0.2.50", f"class{n % 6}", f"member{n % 55}")


def run(path, rules):
    command = [BIN / "trawlwatchd", "-r", path, "-s", SITE, "-R", rules, "--stats",
               "-o", "privacy.clear=session"]
    done = subprocess.run(command, capture_output=True, check=True,
                          env=os.environ | {"XDG_STATE_HOME": str(path.parent)})
    return ([json.loads(line) for line in done.stdout.splitlines()],
            json.loads(done.stderr.splitlines()[-1]))


@pytest.fixture(scope="module", name="alerts")
def read_alerts(tmp_path_factory):
    path = tmp_path_factory.mktemp("farm") / "farm.pcap"
    capture = Capture()
    play(capture)
    capture.write(path)
    alerts, counters = run(path, RULES)
    assert counters["requests_total"] == 8 + 6 + 2 + 100 + 2 + 120
    assert counters["http_malformed_requests_total"] == 0
    return alerts


def raised(alerts, rule):
    return [one for one in alerts
            if one["rule"]["name"] == rule and one["event"]["action"] == "raised"]


def test_the_burst_is_found(alerts):
    burst, = raised(alerts, "signup-burst-mailbox")
    assert burst["trawlwatch"]["involved"]["session"]["total"] == 8
    assert burst["trawlwatch"]["involved"]["client.prefix"]["total"] == 8
    assert burst["trawlwatch"]["group"] == burst["event"]["id"]


def test_the_farm_is_found_under_the_name_of_the_burst(alerts):
    burst, = raised(alerts, "signup-burst-mailbox")
    farm, = raised(alerts, "farm-harvest")
    told = farm["trawlwatch"]
    assert told["subject"]["type"] == "incident"
    assert told["subject"]["value"] == burst["trawlwatch"]["group"]
    assert farm["event"]["severity"] == 99
    # 5 sessions, 75 targets: the 75th request.
    assert farm["@timestamp"].startswith("2026-11-23T13:42:20.")
    assert sorted(told["involved"]["client.ip"]["values"]) == [
        f"203.0.113.{i}" for i in range(4)]
    # The first five of each are what made it a reader.
    assert told["served"]["targets"] == 55


def test_a_session_that_was_changed_is_still_the_farms(alerts):
    farm, = raised(alerts, "farm-harvest")
    assert sorted(farm["trawlwatch"]["involved"]["session"]["values"]) == [
        "again0", "again1", "farm2", "farm7"]


def test_nobody_else_is_accused(alerts):
    assert "198.51.103.1" not in json.dumps(raised(alerts, "farm-harvest"))
    assert not raised(alerts, "signup-burst-address")  # the class is no burst
    for alert in alerts:
        if alert["rule"]["name"] == "farm-harvest":
            assert "192.0.2.99" not in json.dumps(alert)
            assert "192.0.2.50" not in json.dumps(alert)
