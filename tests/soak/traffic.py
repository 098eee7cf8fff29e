#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a quick web server also gets: sign-ups, garbage, and connections that never close.

    traffic.py ADDRESS PORT SOURCE

Some of each a second, until standard input ends. The same names and bytes come again and
again, so that whoever remembers them has seen them all after some minutes.
"""
import contextlib
import random
import resource
import socket
import sys
import threading

NAMES = [f"member{n}" for n in range(300)]
PIECES = [b"GET /in/", b" HTTP/1.1\r\n", b"Host: www.example.com\r\n", b"\r\n\r\n", b"\0\xff" * 40,
          b"Content-Length: 99999\r\n", b"Transfer-Encoding: chunked\r\n", b"A" * 3000, b"\n",
          b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", b"%%00"]


def visitor(dice):
    return b"X-Forwarded-For: 203.0.113.%d\r\n" % dice.randrange(1, 255)


def sign_up(dice):
    body = f"email={dice.choice(NAMES)}%40example.net&password=x".encode()
    return (b"POST /signup HTTP/1.1\r\nHost: www.example.com\r\n" + visitor(dice)
            + b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n"
            % len(body) + body)


def garbage(dice):
    return b"".join(dice.choices(PIECES, k=dice.randrange(1, 12)))


def one_request(dice):
    return b"GET / HTTP/1.1\r\nHost: www.example.com\r\n" + visitor(dice) + b"\r\n"


class Traffic:
    def __init__(self, address, port, source):
        self.server, self.source = (address, int(port)), source
        self.over = threading.Event()
        self.open = []

    def send(self, data):
        link = socket.socket()
        link.settimeout(5)
        link.bind((self.source, 0))
        link.connect(self.server)
        link.sendall(data)
        return link

    def keep(self, what, pause, closes):
        dice = random.Random(what.__name__)
        while not self.over.wait(pause):
            with contextlib.suppress(OSError):
                link = self.send(what(dice))
                with contextlib.suppress(OSError):
                    link.recv(4096)
                if closes:
                    link.close()
                else:
                    self.open.append(link)

    def run(self):
        kinds = ((sign_up, 0.2, True), (garbage, 0.2, True), (one_request, 1, False))
        threads = [threading.Thread(target=self.keep, args=kind) for kind in kinds]
        for thread in threads:
            thread.start()
        sys.stdin.read()
        self.over.set()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    Traffic(*sys.argv[1:]).run()
