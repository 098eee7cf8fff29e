#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""More packets than there is time for: blast.py INTERFACE KIND

Puts frames that were made before on an interface, as fast as it can or as standard input
says: each line there is a number of frames a second, 0 for none; at its end it ends.

    visits   connections with four requests each, of 4,000 visitors
    syns     an attempt to connect from another address and port each
    heads    connections that send a head without an end, and go on doing so
    middles  a segment of a connection of its own, whose beginning nobody saw
"""
import ctypes
import os
import select
import socket
import struct
import sys
import time

from made_capture import ACK, PSH, SYN, SERVER, connection, packet

BATCH = 256
ETHER = b"\x02\0\0\0\0\x0a\x02\0\0\0\0\x0b\x08\0"  # to a host that is not there
SHOWN = 4000


def address(i):
    """In no order, so that no /24 is all of it."""
    i = i * 2654435761 % 2**24
    return f"20.{i >> 16}.{i >> 8 & 255}.{i & 255}"


def visits():
    lines = "".join(f"X-{i}: {'v' * 12}\r\n" for i in range(14))
    request = "".join(f"GET /in/user{i} HTTP/1.1\r\nHost: x\r\n{lines}\r\n"
                      for i in range(4)).encode()
    assert len(request) < 1400
    response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" * 4
    for visitor in range(SHOWN):
        yield from connection(address(visitor), 20000 + visitor, request, response)


def syns():
    for i in range(65536):
        yield packet(address(i), SERVER[4], (1024 + i * 7 % 60000, 80), (i, 0), SYN)


def heads():
    for i in range(8192):
        ends = (address(i), SERVER[4], (20000 + i, 80))
        back = (SERVER[4], ends[0], (80, 20000 + i))
        yield packet(*ends, (1000, 0), SYN)
        yield packet(*back, (5000, 1001), SYN | ACK)
        head = b"GET / HTTP/1.1\r\nX: " + b"y" * 1000
        for at in range(0, 7 * len(head), len(head)):
            yield packet(*ends, (1001 + at, 5001), PSH | ACK, head)


def middles():
    for i in range(65536):
        yield packet(address(i), SERVER[4], (1024 + i * 7 % 60000, 80), (i, 1), PSH | ACK,
                     b"GET / HTTP/1.1\r\nHost: x\r\n")


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


class Message(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("namelen", ctypes.c_uint32),
                ("iov", ctypes.POINTER(Iovec)), ("iovlen", ctypes.c_size_t),
                ("control", ctypes.c_void_p), ("controllen", ctypes.c_size_t),
                ("flags", ctypes.c_int), ("length", ctypes.c_uint)]


def prepared(frames):
    """An array for sendmmsg(2), and what has to stay for it."""
    block = ctypes.create_string_buffer(b"".join(frames))
    vectors, messages = (Iovec * len(frames))(), (Message * len(frames))()
    at = ctypes.addressof(block)
    for i, frame in enumerate(frames):
        vectors[i].base, vectors[i].len = at, len(frame)
        messages[i].iov, messages[i].iovlen = ctypes.pointer(vectors[i]), 1
        at += len(frame)
    return messages, (block, vectors)


def rate_of(line, rate):
    if line == "":
        sys.exit(0)
    return int(line) if line.strip() else rate


def main():
    interface, kind = sys.argv[1:]
    frames = [ETHER + data for data in globals()[kind]()]
    messages, kept = prepared(frames)
    libc = ctypes.CDLL(None, use_errno=True)
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    link.setsockopt(263, 20, 1)  # SOL_PACKET, PACKET_QDISC_BYPASS
    link.bind((interface, 0))
    print(len(frames), flush=True)
    rate, at, sent, begun = 0, 0, 0, time.monotonic()
    while kept:
        ready, _, _ = select.select([sys.stdin], [], [], 0 if rate else None)
        if ready:
            rate, sent, begun = rate_of(sys.stdin.readline(), rate), 0, time.monotonic()
            continue
        due = int((time.monotonic() - begun) * rate) - sent
        if due < BATCH:
            time.sleep(0.0005)
            continue
        some = min(BATCH, len(frames) - at)
        done = libc.sendmmsg(link.fileno(), ctypes.byref(messages, at * ctypes.sizeof(Message)),
                             some, 0)
        if done <= 0:
            if ctypes.get_errno() not in (11, 105):  # EAGAIN, ENOBUFS
                sys.exit(os.strerror(ctypes.get_errno()))
            continue
        at, sent = (at + done) % len(frames), sent + done


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    assert struct.calcsize("P") == 8
    main()
