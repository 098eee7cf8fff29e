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
CAPTURE = ROOT / "tests" / "captures" / "first-light.pcap"
SITE = ROOT / "rules" / "sites" / "profile-network.yaml"


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
    """(who, what) and the status, or None, of each request in the capture."""
    command = [BIN / "trawlwatchd", "-r", path, "-s", SITE, "-R", "none", "--print", "requests"]
    done = subprocess.run(command, capture_output=True, check=True)
    for line in done.stdout.splitlines():
        seen = json.loads(line)
        what = (
            seen["source"]["port"],
            seen["client"]["ip"],
            seen["http"]["request"]["method"],
            seen["url"]["path"],
            seen["url"].get("query"),
        )
        yield what, seen["http"].get("response", {}).get("status_code")


@pytest.mark.parametrize("loss", [0.01, 0.05, 0.2])
def test_nothing_is_invented(loss, tmp_path):
    header, every = packets(CAPTURE.read_bytes())
    truth = list(requests(CAPTURE))
    sent = collections.Counter(what for what, _ in truth)
    answered = collections.Counter(truth)
    recovered = paired = 0
    for seed in range(5):
        chance = random.Random(seed)
        path = tmp_path / "lossy.pcap"
        path.write_bytes(header + b"".join(p for p in every if chance.random() >= loss))
        seen = list(requests(path))
        assert collections.Counter(what for what, _ in seen) <= sent
        with_status = [pair for pair in seen if pair[1] is not None]
        assert collections.Counter(with_status) <= answered
        recovered += len(seen) / len(truth) / 5
        paired += len(with_status) / len(truth) / 5
    print(f"{loss:.0%} of packets lost: {recovered:.1%} of requests, {paired:.1%} with a status")
    # A request is one packet at least: more than these cannot be lost without a fault.
    assert recovered > 1 - 1.5 * loss
