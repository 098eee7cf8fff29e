# SPDX-License-Identifier: MIT
"""Writes small databases in the MaxMind DB format, version 2, for tests.

By the specification (maxmind.github.io/MaxMind-DB): a binary tree of nodes with two
records each, 16 zero bytes, the data section, a marker, the metadata. As a program:

    mmdb.py FILE IP-VERSION RECORD-SIZE asn|country NETWORK=VALUE ...
"""
import ipaddress
import sys

MARKER = b"\xab\xcd\xefMaxMind.com"


class U16(int):
    pass


class U64(int):
    pass


def control(kind, size):
    extra = b""
    if size >= 29:
        assert size < 29 + 256
        size, extra = 29, bytes([size - 29])
    if kind > 7:
        return bytes([size, kind - 7]) + extra
    return bytes([kind << 5 | size]) + extra


def number(kind, value):
    raw = int(value).to_bytes(8, "big").lstrip(b"\0")
    return control(kind, len(raw)) + raw


def encode(value):
    if isinstance(value, dict):
        return control(7, len(value)) + b"".join(
            encode(key) + encode(one) for key, one in value.items())
    if isinstance(value, list):
        return control(11, len(value)) + b"".join(map(encode, value))
    if isinstance(value, str):
        raw = value.encode()
        return control(2, len(raw)) + raw
    if isinstance(value, U16):
        return number(5, value)
    if isinstance(value, U64):
        return number(9, value)
    return number(6, value)


def bits_of(network, version):
    """The path to a network; in a tree of IPv6, IPv4 lies in ::/96."""
    width = network.max_prefixlen
    bits = f"{int(network.network_address):0{width}b}"[:network.prefixlen]
    return "0" * 96 + bits if version == 6 and network.version == 4 else bits


def pack(left, right, size):
    if size == 28:
        middle = (left >> 24) << 4 | right >> 24
        return ((left & 0xffffff).to_bytes(3, "big") + bytes([middle]) +
                (right & 0xffffff).to_bytes(3, "big"))
    return left.to_bytes(size // 8, "big") + right.to_bytes(size // 8, "big")


def database(entries, version=6, record_size=24, kind="Test", **metadata):
    """`entries`: networks (more specific ones later) and their data."""
    nodes, data, offsets = [[None, None]], b"", {}

    def child(at, bit):
        if not isinstance(nodes[at][bit], int):
            nodes.append([nodes[at][bit]] * 2)
            nodes[at][bit] = len(nodes) - 1
        return nodes[at][bit]

    for network, value in entries:
        path = bits_of(ipaddress.ip_network(network), version)
        at = 0
        for bit in path[:-1]:
            at = child(at, int(bit))
        raw = encode(value)
        if raw not in offsets:
            offsets[raw] = len(data)
            data += raw
        nodes[at][int(path[-1])] = (offsets[raw],)

    def record(one):
        if one is None:
            return len(nodes)
        return one if isinstance(one, int) else len(nodes) + 16 + one[0]

    tree = b"".join(pack(record(left), record(right), record_size) for left, right in nodes)
    about = {"node_count": len(nodes), "record_size": U16(record_size),
             "ip_version": U16(version), "database_type": kind, "languages": ["en"],
             "binary_format_major_version": U16(2), "binary_format_minor_version": U16(0),
             "build_epoch": U64(1795431600), "description": {"en": "made by a test"}}
    about.update(metadata)
    return tree + bytes(16) + data + MARKER + encode(about)


def asn(value):
    return {"autonomous_system_number": int(value),
            "autonomous_system_organization": f"Example {value}"}


def country(value):
    """An empty one has a continent only, as real databases do."""
    found = {"continent": {"code": "EU"}}
    if value:
        found["country"] = {"geoname_id": 7, "iso_code": value}
    return found


def main(path, version, record_size, kind, *pairs):
    make = {"asn": asn, "country": country}[kind]
    entries = [(network, make(value)) for network, value in
               (pair.split("=") for pair in pairs)]
    with open(path, "wb") as file:
        file.write(database(entries, int(version), int(record_size)))


if __name__ == "__main__":
    main(*sys.argv[1:])
