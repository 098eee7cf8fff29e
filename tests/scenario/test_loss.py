# SPDX-License-Identifier: MIT
"""Removes packets at random from a capture of real clients.

However many are missing, no request may come out that was not sent, and none may
carry another's visitor or status. What share is still recovered is printed.
"""

import collections
import json
import os
import pathlib
import random
import struct
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("TRAWLWATCH_BIN", ROOT / "build" / "bin"))
CAPTURES = ROOT / "tests" / "captures"
SITE = ROOT / "rules" / "sites" / "profile-network.yaml"

SEEDS = {"first-light": 5, "proxy-v2": 20, "http2": 20}
PROXY = "127.0.0.3"
# The least share of requests that has to come out. Of HTTP/2 with one connection for
# all, every lost head leaves the header table behind it unknown (RFC 7541), so little does.
FEWEST = {
    "first-light": {0.01: 0.985, 0.05: 0.925, 0.2: 0.7},
    "proxy-v2": {0.01: 0.95, 0.05: 0.83, 0.2: 0.5},
    "http2": {0.01: 0.5, 0.05: 0.1, 0.2: 0.02},
}


def packets(data):
    """The file's header, and its packets with their record headers."""
    assert data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1")
    found, at = [], 24
    while at < len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        found.append(data[at : at + 16 + length])
        at += 16 + length
    return data[:24], found


def requests(path):
    """(client, method, target) and the status, or None, of each request in the capture."""
    command = [BIN / "trawlwatchd", "-r", path, "-s", SITE, "-R", "none", "--print", "requests"]
    done = subprocess.run(command, capture_output=True, check=True)
    for line in done.stdout.splitlines():
        seen = json.loads(line)
        url = seen["url"]
        target = url["path"] + ("?" + url["query"] if "query" in url else "")
        what = (seen["client"]["ip"], seen["http"]["request"]["method"], target)
        yield what, seen["http"].get("response", {}).get("status_code")


def answered_by_the_server(capture):
    """The same as the server's own log has it: the truth, of which we have no part."""
    for line in capture.with_suffix(".tsv").read_text(encoding="utf-8").splitlines():
        *what, status = line.split("\t")
        yield tuple(what), int(status)


@pytest.mark.parametrize("name", FEWEST)
def test_without_loss_all_is_there(name):
    capture = CAPTURES / f"{name}.pcap"
    assert collections.Counter(requests(capture)) == \
        collections.Counter(answered_by_the_server(capture))
    assert name == "first-light" or capture.stat().st_size < 300_000


@pytest.mark.parametrize("loss", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("name", FEWEST)
def test_nothing_is_invented(name, loss, tmp_path):
    capture = CAPTURES / f"{name}.pcap"
    header, every = packets(capture.read_bytes())
    truth = list(answered_by_the_server(capture))
    sent = collections.Counter(what for what, _ in truth)
    answered = collections.Counter(truth)
    nameless = collections.Counter((what[1:], status) for what, status in truth)
    recovered = paired = unnamed = 0
    for seed in range(SEEDS[name]):
        chance = random.Random(seed)
        path = tmp_path / "lossy.pcap"
        path.write_bytes(header + b"".join(p for p in every if chance.random() >= loss))
        seen = list(requests(path))
        if name == "proxy-v2":
            # The packet that names the client may be lost, before the first one or any
            # other that we see: then the visitor is the proxy, and nobody else.
            lost = [pair for pair in seen if pair[0][0] == PROXY]
            seen = [pair for pair in seen if pair[0][0] != PROXY]
            bare = collections.Counter((what[1:], status) for what, status in lost
                                       if status is not None)
            assert not bare - nameless, f"seed {seed}: {bare - nameless}"
            assert {what[1:] for what, _ in lost} <= {what for what, _ in nameless}
            unnamed += len(lost) / len(truth) / SEEDS[name]
        invented = collections.Counter(what for what, _ in seen) - sent
        assert not invented, f"seed {seed}: {invented}"
        with_status = [pair for pair in seen if pair[1] is not None]
        mixed_up = collections.Counter(with_status) - answered
        assert not mixed_up, f"seed {seed}: {mixed_up}"
        recovered += len(seen) / len(truth) / SEEDS[name]
        paired += len(with_status) / len(truth) / SEEDS[name]
    print(f"{name}, {loss:.0%} of packets lost: {recovered:.1%} of requests, "
          f"{paired:.1%} with a status; of {unnamed:.1%} more the client is not known")
    assert recovered > FEWEST[name][loss]
