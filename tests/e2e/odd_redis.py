# SPDX-License-Identifier: MIT
"""A server that speaks RESP and answers each command as the test says."""
import socket
import threading


def bulk(text):
    return b"$%d\r\n%s\r\n" % (len(text), text)


def commands(stream):
    """Each as its list of words, until the client goes."""
    while header := stream.readline():
        words = []
        for _ in range(int(header[1:])):
            words.append(stream.read(int(stream.readline()[1:]) + 2)[:-2])
        yield words


class OddRedis:
    """`answers`: by command in upper case, bytes or a function of its words; else +OK."""

    def __init__(self, answers):
        self.answers = answers
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "redis://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.connections = 0

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        try:
            while True:
                peer = self.listener.accept()[0]
                self.connections += 1
                threading.Thread(target=self.serve, args=(peer,), daemon=True).start()
        except OSError:
            pass

    def serve(self, peer):
        try:
            with peer, peer.makefile("rb") as stream:
                for words in commands(stream):
                    answer = self.answers.get(words[0].decode().upper(), b"+OK\r\n")
                    peer.sendall(answer(words) if callable(answer) else answer)
        except OSError:
            pass
