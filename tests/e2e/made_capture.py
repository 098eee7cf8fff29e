# SPDX-License-Identifier: MIT
"""Captures that a test makes up: whole connections of one request each."""
import ipaddress
import struct

LINKTYPE_RAW = 101
SERVER = {4: "192.0.2.1", 6: "2001:db8:80::1"}
BEGIN = 1795431600  # 2026-11-23 11:00:00 UTC
SYN, ACK, PSH, FIN = 2, 16, 8, 1


def packet(source, destination, ports, numbers, flags, payload=b""):
    """Checksums are left out: they are not looked at unless asked for."""
    tcp = struct.pack(">HHIIBBHHH", *ports, *numbers, 5 << 4, flags, 64240, 0, 0) + payload
    source, destination = map(ipaddress.ip_address, (source, destination))
    if source.version == 4:
        return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0,
                           source.packed, destination.packed) + tcp
    return struct.pack(">IHBB16s16s", 6 << 28, len(tcp), 6, 64, source.packed,
                       destination.packed) + tcp


def connection(client, port, request, response):
    server = SERVER[ipaddress.ip_address(client).version]
    there = (client, server, (port, 80))
    back = (server, client, (80, port))
    after, done = 1001 + len(request), 5001 + len(response)
    return [packet(*there, (1000, 0), SYN), packet(*back, (5000, 1001), SYN | ACK),
            packet(*there, (1001, 5001), ACK),
            packet(*there, (1001, 5001), PSH | ACK, request),
            packet(*back, (5001, after), PSH | ACK, response),
            packet(*there, (after, done), FIN | ACK),
            packet(*back, (done, after + 1), FIN | ACK),
            packet(*there, (after + 1, done + 1), ACK)]


def write(path, hits):
    """`hits`: (seconds since BEGIN, client, path, User-Agent), in order of time."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, LINKTYPE_RAW))
        for number, (at, client, url, agent) in enumerate(hits):
            request = (f"GET {url} HTTP/1.1\r\nHost: www.example.org\r\n"
                       f"User-Agent: {agent}\r\n\r\n").encode()
            response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
            for step, data in enumerate(connection(client, 20000 + number % 40000, request,
                                                   response)):
                micros = round(at * 1_000_000) + step
                file.write(struct.pack("<IIII", BEGIN + micros // 1_000_000,
                                       micros % 1_000_000, len(data), len(data)) + data)
    return str(path)
