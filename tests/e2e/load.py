#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Many visitors behind the proxy: requests that are numbered, each number once.

    load.py ADDRESS PORT SOURCE CONNECTIONS PAUSE EACH [VISITOR [NUMBER [VISITORS]]]

CONNECTIONS visitors at a time, from the proxy's address SOURCE, each named by
X-Forwarded-For. A visitor asks for EACH profiles, none of them twice, with PAUSE seconds
between two; then the next visitor comes, with a connection of its own. Visitors are
198.18.0.0 and those after it, from the VISITOR-th on, and after VISITORS of them the same
again; numbers begin with NUMBER.

Ends when standard input does, with a JSON line for each request that was answered: its
number, the visitor, and when it began and ended (seconds of the wall clock).
"""
import itertools
import json
import socket
import sys
import threading
import time

FIRST = (198 << 24) + (18 << 16)


def dotted(number):
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


class Load:
    def __init__(self, address, port, source, connections, pause, each, visitor=0, number=0,
                 visitors=1 << 17):
        self.server, self.source = (address, int(port)), source
        self.connections, self.pause, self.each = int(connections), float(pause), int(each)
        self.numbers = itertools.count(int(number))
        some = range(FIRST + int(visitor), FIRST + int(visitor) + int(visitors))
        self.visitors = itertools.cycle(some)
        self.over = threading.Event()
        self.done = []

    def connect(self):
        link = socket.socket()
        link.settimeout(30)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.bind((self.source, 0))
        link.connect(self.server)
        return link

    def ask(self, link, visitor, number):
        link.sendall(b"GET /in/t%d?n=%d HTTP/1.1\r\nHost: www.example.com\r\n"
                     b"User-Agent: load\r\nX-Forwarded-For: %s\r\n\r\n"
                     % (number, number, visitor.encode()))
        answer = b""
        while b"\r\n\r\n" not in answer:
            more = link.recv(65536)
            if not more:
                raise OSError("the server closed the connection")
            answer += more
        head, _, body = answer.partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n")
                      if line.lower().startswith(b"content-length:"))
        while len(body) < length:
            body += link.recv(65536)

    def visit(self, visitor):
        with self.connect() as link:
            for _ in range(self.each):
                if self.over.is_set():
                    return
                number, begun = next(self.numbers), time.time()
                self.ask(link, visitor, number)
                self.done.append((number, visitor, begun, time.time()))
                self.over.wait(self.pause)

    def visitors_come(self):
        while not self.over.is_set():
            self.visit(dotted(next(self.visitors)))

    def run(self):
        threads = [threading.Thread(target=self.visitors_come) for _ in range(self.connections)]
        for thread in threads:
            thread.start()
        sys.stdin.read()
        self.over.set()
        for thread in threads:
            thread.join()
        for request in sorted(self.done):
            print(json.dumps(request))


if __name__ == "__main__":
    Load(*sys.argv[1:]).run()
