# SPDX-License-Identifier: MIT
"""What tshark reads from a capture, as the requests of tests/corpus/oracle.py.

It recognises HTTP by ports and by heuristics, and its heuristic for the PROXY
protocol hands on HTTP/1.1 and no HTTP/2: the caller says which port speaks what.
Answers are put to requests by their order on the connection, and by stream with HTTP/2;
that is right for a capture without holes, and for no other.
"""
import collections
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "corpus"))

import oracle  # noqa: E402

INTERIM = range(100, 200)


def packets(path, decode=(), env=None):
    """The layers of each packet with HTTP. Layers of a name that comes twice are a list."""
    as_what = [word for one in decode for word in ("-d", one)]
    done = subprocess.run(
        ["tshark", "-n", "-r", path, "-o", "http.desegment_body:FALSE", *as_what,
         "-Y", "http or http2", "-T", "json", "--no-duplicate-keys", "-J", "ip ipv6 tcp http http2"],
        capture_output=True, check=True, timeout=120, env=env)
    for packet in json.loads(done.stdout.decode(errors="replace")):
        yield packet["_source"]["layers"]


def each(value):
    return value if isinstance(value, list) else [value]


def nodes(tree, key):
    """The objects that have this key, in order; not those inside of one that has."""
    if isinstance(tree, list):
        for one in tree:
            yield from nodes(one, key)
    elif isinstance(tree, dict):
        if key in tree:
            yield tree
        else:
            for one in tree.values():
                yield from nodes(one, key)


def first(tree, key, default=None):
    found = next(nodes(tree, key), None)
    return default if found is None else each(found[key])[0]


def messages(layers):
    """(stream, fields) of each head in a packet; HTTP/1 has no stream."""
    for message in each(layers.get("http", [])):
        if not isinstance(message, dict):
            continue
        status = first(message, "http.response.code")
        if status:
            yield None, {":status": status}
        elif first(message, "http.request.method"):
            yield None, {":method": first(message, "http.request.method"),
                         ":path": first(message, "http.request.uri", ""),
                         ":authority": first(message, "http.host", "")}
    for frame in nodes(layers.get("http2", []), "http2.streamid"):
        fields = {one["http2.header.name"]: one.get("http2.header.value", "")
                  for one in nodes(frame, "http2.header.name")}
        if fields:
            yield int(each(frame["http2.streamid"])[0]), fields


def connection_of(layers):
    tcp = each(layers["tcp"])[-1]
    network = each(layers.get("ip") or layers["ipv6"])[-1]
    kind = "ip" if "ip" in layers else "ipv6"
    ends = ((network[f"{kind}.{side}"], tcp[f"tcp.{side}port"]) for side in ("src", "dst"))
    return tcp["tcp.stream"], frozenset(oracle.end(*one) for one in ends)


def requests(path, decode=(), env=None):
    """All requests, each with its status when one answers it."""
    waiting = collections.defaultdict(collections.deque)
    found = []
    for layers in packets(path, decode, env):
        number, where = connection_of(layers)
        for stream, fields in messages(layers):
            line = waiting[number, stream]
            if ":method" in fields:
                host, target = oracle.split_target(
                    fields[":method"], fields.get(":path", ""),
                    fields.get(":authority") or fields.get("host", ""))
                line.append(len(found))
                found.append(oracle.Request(where, fields[":method"], host, target, None))
            elif ":status" in fields and line and int(fields[":status"]) not in INTERIM:
                at = line.popleft()
                found[at] = found[at]._replace(status=int(fields[":status"]))
    return found
