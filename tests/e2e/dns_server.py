# SPDX-License-Identifier: MIT
"""A DNS server for tests, on UDP and TCP of loopback, that answers as it is told: lies too.

The zone is a dict from "NAME TYPE" to an answer; what is not there does not exist. An
answer is one of

    ["a", "b"]                 records of the type asked for (PTR, A, AAAA)
    {"cname": "x", "then": [...]}  an alias first; then records of the name x
    {"loop": ["a", "b"]}       aliases that lead in a circle
    "servfail" "refused"       an error
    "silent" "garbage"         no answer; bytes that are none
    {"slow": SECONDS, "answer": ...}

As a program: dns_server.py PORT ZONE.json
"""
import ipaddress
import json
import socketserver
import struct
import sys
import threading
import time

TYPES = {1: "A", 5: "CNAME", 12: "PTR", 28: "AAAA"}
NUMBERS = {name: number for number, name in TYPES.items()}
UDP_MAX = 512


def put_name(name):
    return b"".join(bytes([len(label)]) + label.encode()
                    for label in name.rstrip(".").split(".")) + b"\0"


def question_of(message):
    """Name, type, and the bytes of the question."""
    at, labels = 12, []
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode())
        at += 1 + message[at]
    kind = struct.unpack_from(">H", message, at + 1)[0]
    return ".".join(labels).lower(), TYPES.get(kind, str(kind)), message[12:at + 5]


def record(owner, kind, value):
    if kind in ("A", "AAAA"):
        data = ipaddress.ip_address(value).packed
    else:
        data = put_name(value)
    return put_name(owner) + struct.pack(">HHIH", NUMBERS[kind], 1, 300, len(data)) + data


def records_of(name, kind, answer):
    if isinstance(answer, list):
        return [record(name, kind, value) for value in answer]
    if "loop" in answer:
        circle = [name, *answer["loop"], name]
        return [record(a, "CNAME", b) for a, b in zip(circle, circle[1:])]
    return [record(name, "CNAME", answer["cname"]),
            *records_of(answer["cname"], kind, answer["then"])]


def message_for(query, code, records, truncated=False):
    flags = 0x8180 | code | (0x0200 if truncated else 0)
    _, _, question = question_of(query)
    return (query[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 0) + question +
            b"".join(records))


class Server:
    """`asked` has each question that came, as "NAME TYPE"; "/tcp" is added to some."""

    def __init__(self, zone, port=0):
        self.zone = zone
        self.asked = []
        self.over = threading.Event()
        server = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                answer = server.answer(self.request[0], UDP_MAX)
                if answer is not None:
                    self.request[1].sendto(answer, self.client_address)

        class Tcp(socketserver.BaseRequestHandler):
            def handle(self):
                with self.request.makefile("rwb") as stream:
                    while len(head := stream.read(2)) == 2:
                        query = stream.read(struct.unpack(">H", head)[0])
                        answer = server.answer(query, 65535)
                        if answer is None:
                            return
                        stream.write(struct.pack(">H", len(answer)) + answer)
                        stream.flush()

        class TcpServer(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        class UdpServer(socketserver.ThreadingUDPServer):
            daemon_threads = True

        while True:
            self.udp = UdpServer(("127.0.0.1", port), Udp)
            self.port = self.udp.server_address[1]
            try:
                self.tcp = TcpServer(("127.0.0.1", self.port), Tcp)
                break
            except OSError:  # somebody has that port of TCP
                self.udp.server_close()
                if port:
                    raise
        self.servers = (self.udp, self.tcp)

    def __enter__(self):
        for one in self.servers:
            threading.Thread(target=one.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for one in self.servers:
            one.shutdown()
            one.server_close()

    def answer(self, query, room):
        name, kind, _ = question_of(query)
        self.asked.append(f"{name} {kind}" + ("" if room == UDP_MAX else "/tcp"))
        answer = self.zone.get(f"{name} {kind}")
        if isinstance(answer, dict) and "slow" in answer:
            self.over.wait(answer["slow"])
            answer = answer["answer"]
        if answer is None:
            return message_for(query, 3, [])
        if answer == "silent":
            return None
        if answer == "garbage":
            return query[:2] + b"\x81\x80\xff\xff\xff\xff\x00\x00\x00\x00" + b"\xc0\x0c" * 20
        if isinstance(answer, str):
            return message_for(query, {"servfail": 2, "refused": 5}[answer], [])
        message = message_for(query, 0, records_of(name, kind, answer))
        return message if len(message) <= room else message_for(query, 0, [], True)


def main(port, path):
    with open(path, encoding="utf-8") as file:
        zone = json.load(file)
    with Server(zone, int(port)):
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main(*sys.argv[1:])
