# SPDX-License-Identifier: MIT
"""What tshark reads from a capture, as the requests of tests/corpus/oracle.py.

It recognises HTTP by ports and by heuristics, and its heuristic for the PROXY
protocol hands on HTTP/1.1 and no HTTP/2: the caller says which port speaks what, and
gives it a copy of the capture without these headers (cut_proxy_headers).
Answers are put to requests by their order on the connection, and by stream with HTTP/2;
that is right for a capture without holes, and for no other.
"""
import json
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "corpus"))

import oracle  # noqa: E402
import shark  # noqa: E402

PROXY_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"  # of version 2
ETHERNET, IPV4_HEADER, SYN = 14, b"\x08\x00\x45", 2


def read_pcap(path):
    """The file's header, then (record header, frame) of each packet as dumpcap -P writes it."""
    with open(path, "rb") as file:
        head = file.read(24)
        assert head[:4] == b"\xd4\xc3\xb2\xa1" and head[20:22] == b"\1\0", "no Ethernet pcap"
        yield head, b""
        while record := file.read(16):
            captured, = struct.unpack_from("<I", record, 8)
            yield record, file.read(captured)


def to_port(frame, port):
    """(connection, offset of its TCP header, of its payload) of a segment to that port."""
    if frame[12:15] != IPV4_HEADER or frame[23] != 6:
        return None
    tcp = ETHERNET + 20
    source, destination = struct.unpack_from(">HH", frame, tcp)
    if destination != port:
        return None
    return (frame[26:34], source), tcp, tcp + (frame[tcp + 12] >> 4) * 4


def proxy_header_lengths(path, port):
    """By connection, the length of what comes before its first request."""
    lengths = {}
    for _, frame in read_pcap(path):
        found = to_port(frame, port)
        if not found or found[0] in lengths:
            continue
        connection, _, payload = found
        end = ETHERNET + struct.unpack_from(">H", frame, 16)[0]
        if end > payload:
            head = frame[payload:payload + 16]
            assert head.startswith(PROXY_SIGNATURE), f"no PROXY header in {head}"
            lengths[connection] = 16 + struct.unpack_from(">H", head, 14)[0]
    return lengths


def cut_proxy_headers(path, into, port):
    """Copies a capture with the connections to a port as if nobody had sent a PROXY header:
    they begin where it ended. Checksums stay as they were. Gives their number."""
    lengths = proxy_header_lengths(path, port)
    begins = {}
    with open(into, "wb") as out:
        for record, frame in read_pcap(path):
            found = to_port(frame, port) if frame else None
            if found and found[0] in lengths:
                connection, tcp, payload = found
                length = lengths[connection]
                sequence, = struct.unpack_from(">I", frame, tcp + 4)
                if frame[tcp + 13] & SYN:
                    begins[connection] = sequence + 1
                    sequence += length
                left = (begins[connection] + length - sequence) % (1 << 32)
                if not frame[tcp + 13] & SYN and left <= length:
                    total, = struct.unpack_from(">H", frame, 16)
                    cut = min(left, ETHERNET + total - payload)
                    frame = (frame[:16] + struct.pack(">H", total - cut) + frame[18:payload]
                             + frame[payload + cut:])
                    sequence += left
                    record = record[:8] + struct.pack("<II", len(frame), len(frame))
                frame = frame[:tcp + 4] + struct.pack(">I", sequence % (1 << 32)) \
                    + frame[tcp + 8:]
            out.write(record + frame)
    return len(lengths)


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
    return shark.paired((*connection_of(layers), stream, fields)
                        for layers in packets(path, decode, env)
                        for stream, fields in messages(layers))
