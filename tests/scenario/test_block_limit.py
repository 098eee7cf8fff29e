# SPDX-License-Identifier: MIT
"""How many blocks rules may put, from packets through the whole daemon. Needs no root."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
import made_capture  # noqa: E402

BIN = pathlib.Path(os.environ.get("TRAWLWATCH_BIN", ROOT / "build" / "bin"))
SITE = 'pages: [{ name: profile, path: "/in/{target}" }]\n'
RULES = """
rules:
  - name: harvest
    where: page == profile
    per: client.host
    when: count(10m) >= 3
    again: 10h
    block: [5m, 1h]
"""


@pytest.fixture
def play(tmp_path):
    """The alerts, and the counters."""

    def run(hits, *options, rules=RULES, site=SITE):
        (tmp_path / "site.yaml").write_text(site)
        (tmp_path / "rules.yaml").write_text(rules)
        capture = made_capture.write(tmp_path / "made.pcap", sorted(hits))
        done = subprocess.run(
            [BIN / "trawlwatchd", "-r", capture, "--print", "alerts", "--stats",
             "-s", tmp_path / "site.yaml", "-R", tmp_path / "rules.yaml",
             "-o", f"journal.dir={tmp_path}/journal", *options],
            capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return ([json.loads(line) for line in done.stdout.splitlines()],
                json.loads(done.stderr.splitlines()[-1]))
    return run


def client(number):
    return f"198.51.{number // 200}.{1 + number % 200}"


def attack(number, at, times=3):
    return [(at + 0.01 * i, client(number), f"/in/u{i}", "x") for i in range(times)]


def blocked(alerts):
    """Who is named as blocked: in which event first, and at which rung."""
    put = {}
    for one in alerts:
        block = one["trawlwatch"].get("block")
        if block and one["rule"]["name"] == "harvest":
            put.setdefault(block["value"], (one["event"]["action"], block["level"]))
    return put


def test_a_burst_is_cut_off_and_later_blocks_are_put_again(play):
    hits = [hit for n in range(6) for hit in attack(n, 1 + n)]
    hits += attack(5, 30, 1)   # refused once more
    hits += attack(5, 95, 1)   # the breaker has closed: tried again, and put
    hits += attack(6, 96)      # a new one is put at once
    hits += attack(7, 300, 1)  # time passes
    alerts, counters = play(hits, "-o", "blocks.per_minute=3")
    again, _ = play(hits, "-o", "blocks.per_minute=3")
    assert alerts == again  # ids and times are those of the packets

    raised = [one["trawlwatch"]["subject"]["value"] for one in alerts
              if one["rule"]["name"] == "harvest" and one["event"]["action"] == "raised"]
    assert raised == [client(n) for n in range(7)]  # alerts go on
    assert blocked(alerts) == {client(0): ("raised", 1), client(1): ("raised", 1),
                               client(2): ("raised", 1), client(5): ("updated", 1),
                               client(6): ("raised", 1)}
    assert counters["blocks_refused_total"] == 4

    own = [one for one in alerts if one["rule"]["name"] == "block-limit"]
    assert [one["event"]["action"] for one in own] == ["raised", "ended"]
    assert len({one["event"]["id"] for one in own}) == 1
    for one in own:
        assert one["trawlwatch"]["subject"] == {"type": "all", "value": "all"}
        assert "block" not in one["trawlwatch"]
    assert own[0]["@timestamp"].startswith("2026-11-23T11:00:04.02")
    assert own[1]["@timestamp"].startswith("2026-11-23T11:01:30.00")
    evidence = [{one["expression"]: one.get("value") for one in told["trawlwatch"]["evidence"]}
                for told in own]
    assert evidence[0]["blocks in the last minute"] == 3
    assert evidence[0]["blocks.per_minute"] == 3
    assert evidence[0]["blocks refused"] == 1
    assert evidence[1]["blocks refused"] == 4


def test_all_are_put_without_a_limit(play):
    hits = [hit for n in range(300) for hit in attack(n, 1 + n / 100)]
    alerts, counters = play(hits, "-o", "blocks.per_minute=0", "-o", "blocks.share=0%")
    assert len(blocked(alerts)) == 300
    assert counters["blocks_refused_total"] == 0


def test_a_rule_that_finds_everybody_blocks_one_in_twenty(play):
    """As the defaults have it, from 200 visitors on."""
    hits = [(n / 1000, client(n), "/in/one", "x") for n in range(2000)]
    hits += [hit for n in range(2000) for hit in attack(n, 10 + n / 100)]
    alerts, counters = play(hits)
    assert 92 <= len(blocked(alerts)) <= 108
    assert counters["blocks_refused_total"] >= 2000 - len(blocked(alerts))
    own = next(one for one in alerts if one["rule"]["name"] == "block-limit")
    evidence = {one["expression"]: one.get("value") for one in own["trawlwatch"]["evidence"]}
    assert evidence["blocks.share"] == 0.05
    assert 0.045 <= evidence["share of visitors blocked"] <= 0.05
    assert 1840 <= evidence["visitors in the last hour"] <= 2160


@pytest.mark.parametrize("exempt, withheld", [
    ("client.ip in @monitors", 1),
    ("client.ip in @monitors and path == '/health'", 0),
])
def test_a_network_with_an_exempt_address_is_left_alone(play, exempt, withheld):
    rules = RULES.replace("client.host", "client.prefix") + f"""
lists:
  monitors: [198.51.0.77, 2001:db8:7::/64]
exempt:
  - when: {exempt}
"""
    alerts, counters = play(attack(0, 1) + attack(300, 2), rules=rules)
    raised = [one["trawlwatch"]["subject"]["value"] for one in alerts
              if one["event"]["action"] == "raised"]
    assert raised == ["198.51.0.0/24", "198.51.1.0/24"]
    assert sorted(blocked(alerts)) == raised[withheld:]
    assert counters["blocks_withheld_total"] == withheld


def test_three_of_a_few_visitors_are_blocked_all_the_same(play):
    alerts, counters = play([hit for n in range(3) for hit in attack(n, 1 + n)])
    assert len(blocked(alerts)) == 3
    assert counters["blocks_refused_total"] == 0
