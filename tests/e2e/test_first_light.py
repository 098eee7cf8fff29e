# SPDX-License-Identifier: MIT
"""The bundled capture through the shipped rules and site map. Needs no root."""
import collections
import json
import os
import subprocess

import pytest

from rig import ROOT, program

CAPTURE = os.path.join(ROOT, "tests/captures/first-light.pcap")
ANSWERS = os.path.join(ROOT, "tests/captures/first-light.tsv")
READERS = {"203.0.113.7", "203.0.113.200"}

# See the table in tests/captures/README.md.
CAUGHT = {
    "profile-harvest": {"203.0.113.9", "203.0.113.50", "198.51.100.21", "198.51.100.22",
                        "198.51.100.23", "198.51.100.80"},
    "profile-guessing": {"203.0.113.120"},
    "automated-reader": {"203.0.113.9", "203.0.113.50", "198.51.100.80"},
    "network-harvest": {"198.51.100.0/24", "203.0.113.0/24"},
    "signup-burst-address": {"198.51.100.201"},
    "signup-burst-network": {"198.51.100.0/24"},
}
# Rules about a kind of software, whose hash is long: how many.
CAUGHT_SHAPES = {"shape-harvest": 1, "signup-burst-software": 1}
# The readers share a network with a scraper: an alert about all of it has them among the
# visitors of that network.
OF_MANY = {"client.prefix", "http.shape", "http.shape|page"}


@pytest.fixture
def play(tmp_path):
    """Output lines and counters of the daemon over the capture."""
    key = tmp_path / "key"
    key.write_text("5" * 64 + "\n")
    key.chmod(0o600)

    def run(what):
        done = subprocess.run(
            [program("trawlwatchd"), "-r", CAPTURE, "--print", what, "--stats",
             "-R", os.path.join(ROOT, "rules"),
             "-s", os.path.join(ROOT, "rules/sites/profile-network.yaml"),
             "-o", f"privacy.key_file={key}", "-o", f"journal.dir={tmp_path}/journal"],
            capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout, json.loads(done.stderr.splitlines()[-1])
    return run


def test_every_answer_of_the_application_is_a_request(play):
    with open(ANSWERS, encoding="utf-8") as file:
        answered = collections.Counter(tuple(line.rstrip("\n").split("\t")) for line in file)
    told = collections.Counter()
    out, counters = play("requests")
    for one in map(json.loads, out.splitlines()):
        url = one["url"]
        target = url["path"] + ("?" + url["query"] if "query" in url else "")
        told[one["client"]["ip"], one["http"]["request"]["method"], target,
             str(one["http"]["response"]["status_code"])] += 1
    assert told == answered
    assert counters["gaps_total"] == counters["http_desyncs_total"] == 0


def test_scrapers_are_caught_and_readers_are_not(play):
    out, _ = play("alerts")
    raised, shapes = collections.defaultdict(set), collections.Counter()
    for alert in map(json.loads, out.splitlines()):
        subject = alert["trawlwatch"]["subject"]
        if subject["type"] not in OF_MANY:
            involved = alert["trawlwatch"]["involved"]["client.ip"]["values"]
            assert not READERS & set(involved)
        if alert["event"]["action"] != "raised":
            continue
        if subject["type"].startswith("http.shape"):
            shapes[alert["rule"]["name"]] += 1
        else:
            raised[alert["rule"]["name"]].add(subject["value"])
    assert raised == CAUGHT
    assert shapes == CAUGHT_SHAPES


def test_the_same_input_gives_the_same_bytes(play):
    first, second = play("alerts")[0], play("alerts")[0]
    assert first == second
    assert first


def test_it_stays_small():
    assert os.path.getsize(CAPTURE) < 5_000_000
