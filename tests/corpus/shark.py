# SPDX-License-Identifier: MIT
"""What the installed tshark reads from a capture: requests with their status, ClientHellos.

This is sharkd, tshark's dissectors as a server, which comes with tshark: starting tshark
takes longer than most captures do. It forks for each connection, so a capture each has a
process of its own: one that loads several takes what it knows of one to the next. It
takes HTTP for what it is by ports and by heuristics.
"""
import collections
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import oracle

Hello = collections.namedtuple("Hello", "transport client server name ja3 ja4")

HEADS = "http.request or http.response or http2.header.name"
HELLOS = "tls.handshake.type == 1"
# A request is one when its head is complete, whether its body comes or not.
PREFERENCES = "http.desegment_body: FALSE\n"
TIME_LIMIT = 60  # seconds for one answer
SWITCHED = 101  # the last word in the old protocol, and no interim answer


class SharkError(Exception):
    """sharkd is not there, or ended, or does not answer."""


class Shark:
    """The server. Use as a context manager; read() from any thread."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="shark-")
        self.socket_path = os.path.join(self.folder, "socket")
        os.mkdir(os.path.join(self.folder, "wireshark"))
        with open(os.path.join(self.folder, "wireshark/preferences"), "w",
                  encoding="ascii") as file:
            file.write(PREFERENCES)
        env = dict(os.environ, HOME=self.folder, XDG_CONFIG_HOME=self.folder)
        try:
            # It goes to the background by itself, but stays in the group of who started it.
            self.child = subprocess.Popen(["sharkd", "unix:" + self.socket_path], env=env,
                                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                          stderr=subprocess.DEVNULL, start_new_session=True)
        except OSError as error:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise SharkError(f"sharkd (package wireshark-common): {error}") from error
        if self.child.wait(TIME_LIMIT) != 0:
            self.__exit__()
            raise SharkError(f"sharkd: exit status {self.child.returncode}")
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def frames(self, path, wanted):
        """The trees of the frames that match; of a damaged file those before the damage."""
        with contextlib.closing(Session(self.socket_path)) as session:
            # A file that breaks off is loaded as far as it goes, and then there is no answer.
            session.send("load", file=os.path.abspath(path))
            if session.ask("status").get("filename") != os.path.basename(path):
                return []
            rows = session.ask("frames", filter=wanted)
            return [session.ask("frame", frame=row["num"], proto=True)["tree"] for row in rows]


class Session:
    """One process of the server, for one capture."""

    def __init__(self, path):
        self.link = socket.socket(socket.AF_UNIX)
        self.link.settimeout(TIME_LIMIT)
        self.link.connect(path)
        self.answers = self.link.makefile("rb")
        self.last = 0

    def close(self):
        self.answers.close()
        self.link.close()

    def send(self, method, **parameters):
        self.last += 1
        line = json.dumps({"jsonrpc": "2.0", "id": self.last, "method": method,
                           "params": parameters})
        self.link.sendall(line.encode() + b"\n")

    def ask(self, method, **parameters):
        self.send(method, **parameters)
        while True:
            try:
                line = self.answers.readline()
            except TimeoutError as error:
                raise SharkError(f"sharkd: no answer after {TIME_LIMIT} s") from error
            if not line:
                raise SharkError("sharkd ended")
            answer = json.loads(line.decode(errors="replace")) if line.strip() else {}
            if answer.get("id") == self.last:
                if "error" in answer:
                    raise SharkError(f"sharkd: {method}: {answer['error']['message']}")
                return answer["result"]


def value_of(node):
    """(name, value) of a field, as its filter `name == value` tells them."""
    name, _, value = node.get("f", "").partition(" == ")
    if value.startswith('"'):
        value = re.sub(r'\\(["\\])', r"\1", value[1:-1])
    return name, value


def walk(node):
    """The nodes of a tree, in order."""
    yield node
    for one in node.get("n", []):
        yield from walk(one)


def fields(nodes):
    """The first value of each field."""
    found = {}
    for name, value in map(value_of, nodes):
        found.setdefault(name, value)
    return found


class Layers:
    """The layers of a frame, and what of addresses and ports comes before each."""

    def __init__(self, tree):
        self.around = []  # (layer, its name, the fields of those below it)
        below, names = {}, []
        for layer in tree:
            name = value_of(layer)[0]
            self.around.append((layer, dict(below), tuple(names)))
            names.append(name)
            if name in ("ip", "ipv6", "tcp", "udp"):
                below.update(fields(walk(layer)))
                below["network"] = name if name in ("ip", "ipv6") else below["network"]
                below["transport"] = name if name in ("tcp", "udp") else None


def ends(below):
    """Source and destination, of nested headers the innermost."""
    return tuple(oracle.end(below[f"{below['network']}.{side}"],
                            below[f"{below['transport']}.{side}port"])
                 for side in ("src", "dst"))


def messages_of(layer):
    """(stream, fields) of each head in a layer; HTTP/1 has no stream."""
    name = value_of(layer)[0]
    if name == "http":
        found = fields(walk(layer))
        if "http.response.code" in found:
            yield None, {":status": found["http.response.code"]}
        elif "http.request.method" in found:
            yield None, {":method": found["http.request.method"],
                         ":path": found.get("http.request.uri", ""),
                         ":authority": found.get("http.host", "")}
    elif name == "http2":
        for frame in walk(layer):
            inner = fields(frame.get("n", []))
            if "http2.streamid" in inner:
                heads = [fields(one.get("n", [])) for one in walk(frame)]
                named = {one["http2.header.name"]: one.get("http2.header.value", "")
                         for one in heads if "http2.header.name" in one}
                if named:
                    yield int(inner["http2.streamid"]), named


def heads(trees):
    """(connection, its ends, stream, fields) of what was not under TLS, in order."""
    for tree in trees:
        for layer, below, names in Layers(tree).around:
            if below.get("transport") == "tcp" and "tls" not in names:
                for stream, found in messages_of(layer):
                    yield below["tcp.stream"], frozenset(ends(below)), stream, found


def paired(found_heads):
    """Requests, each with its status when one answers it: by their order on the
    connection, by stream with HTTP/2. A request that asked for HTTP/2 is answered there, on
    stream 1."""
    waiting = collections.defaultdict(collections.deque)
    switched = {}
    found = []
    for number, where, stream, named in found_heads:
        line = waiting[number, stream]
        if ":method" in named:
            host, target = oracle.split_target(
                named[":method"], named.get(":path", ""),
                (named.get(":authority") or named.get("host", "")).rsplit("@", 1)[-1])
            line.append(len(found))
            found.append(oracle.Request(where, oracle.plain(named[":method"]), host, target,
                                        None))
        elif ":status" in named:
            status = int(named[":status"])
            if status < 200 and status != SWITCHED:
                continue
            at = line.popleft() if line else switched.pop(number, None) if stream == 1 else None
            if at is not None:
                found[at] = found[at]._replace(status=status)
            if status == SWITCHED:
                switched[number] = at
    return found


def hellos(trees):
    for tree in trees:
        for layer, below, names in Layers(tree).around:
            if value_of(layer)[0] not in ("tls", "quic"):
                continue
            for node in walk(layer):
                children = fields(node.get("n", []))
                if children.get("tls.handshake.type") == "1":
                    inner = fields(walk(node))
                    client, server = (f"{address} {port}" for address, port in ends(below))
                    is_quic = "quic" in names or value_of(layer)[0] == "quic"
                    yield Hello("quic" if is_quic else "tcp", client, server,
                                inner.get("tls.handshake.extensions_server_name", ""),
                                inner.get("tls.handshake.ja3"), inner.get("tls.handshake.ja4"))
