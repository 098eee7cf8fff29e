# SPDX-License-Identifier: MIT
"""tools/lab-report over a laboratory in small (fake_lab.py) and the daemon of this build."""
import json
import os
import subprocess

import pytest

from made_up import ROOT
from lab import page, tables

try:
    import matplotlib
except ImportError:
    matplotlib = None


RULES = """rules:
  - name: profile-harvest
    severity: high
    where: page == profile and status == 200
    per: client.host
    when: distinct(target, 10m) >= 120
"""


@pytest.fixture
def programs(tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "trawl-lab").symlink_to(os.path.join(ROOT, "tests/lab/fake_lab.py"))
    (folder / "trawlwatchd").symlink_to(
        os.path.join(os.environ["TRAWLWATCH_BIN"], "trawlwatchd"))
    (tmp_path / "day.yaml").write_text("")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/one.yaml").write_text(RULES)
    (tmp_path / "docs").mkdir()
    return folder


def report(tmp_path, *options, status=0):
    done = subprocess.run(
        [os.path.join(ROOT, "tools/lab-report"), "--bin", str(tmp_path / "bin"), "--day",
         str(tmp_path / "day.yaml"), "--rules", str(tmp_path / "rules"), "--out", str(tmp_path / "docs"), "--days", "2", "--scale",
         "0.4", "--jobs", "1", *options],
        capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == status, done.stderr
    return done


def row(text, first):
    return next(line for line in text.splitlines() if line.startswith(first)).split("  ")


def test_the_table(tmp_path, programs):
    shown = report(tmp_path, "--no-page").stdout
    cells = [cell.strip() for cell in row(shown, "scrape-address") if cell.strip()]
    # The answer to the 120th makes the rule so, and the next one comes a second later.
    assert cells[:6] == ["scrape-address", "2", "2", "1.00 (0.34 to 1.00)", "120", "120"]
    assert cells[-1] == "profile-harvest 2"
    assert row(shown, "trap-office")[-1].strip() == "0"
    assert not os.listdir(tmp_path / "docs")


def test_without_a_rule_it_is_found_by_another_or_not_at_all(tmp_path, programs):
    keep = tmp_path / "keep"
    report(tmp_path, "--no-page", "--keep", str(keep), "--without", "profile-harvest")
    scores = {}
    for name in ("day-101", "day-101-without-profile-harvest"):
        with open(keep / "held-out" / name / "score.json") as file:
            scores[name] = json.load(file)
    found = {name: [one["found"] and one["found"]["rule"] for one in score["groups"]
                    if one["side"] == "attacker"] for name, score in scores.items()}
    assert found["day-101"] == ["profile-harvest"] * 3
    assert found["day-101-without-profile-harvest"] == [None] * 3
    assert all(not score["doubts"] for score in scores.values())


def test_runs_without_something_may_be_shorter(tmp_path, programs):
    """And are compared with as short ones."""
    keep = tmp_path / "keep"
    report(tmp_path, "--no-page", "--keep", str(keep), "--without", "profile-harvest",
           "--without-days", "1")
    attackers = {}
    for name in ("day-101", "day-101-without-nothing", "day-101-without-profile-harvest"):
        with open(keep / "held-out" / name / "score.json") as file:
            attackers[name] = [one["side"] for one in json.load(file)["groups"]].count("attacker")
    assert attackers == {"day-101": 3, "day-101-without-nothing": 2,
                         "day-101-without-profile-harvest": 2}


def test_what_is_kept_is_not_run_again(tmp_path, programs):
    options = ("--no-page", "--keep", str(tmp_path / "keep"))
    folder = tmp_path / "keep/held-out/day-101"

    def changed(*more):
        """Which of the two was made anew."""
        before = {path: path.stat().st_mtime_ns for path in folder.glob("*.json")}
        shown = report(tmp_path, *options, *more).stdout
        return shown, {path.stem for path, at in before.items() if path.stat().st_mtime_ns != at}
    first = report(tmp_path, *options).stdout
    assert changed() == (first, set())
    shown, made = changed("--delay", "3.0")
    assert made == {"score"} and " 122   122 " in shown
    assert changed("--daemon-option", "limits.flows=1000")[1] == {"run", "score"}
    (tmp_path / "day.yaml").write_text("# other parameters\n")
    assert changed("--daemon-option", "limits.flows=1000")[1] == {"run", "score"}


def test_a_laboratory_that_fails(tmp_path, programs):
    done = report(tmp_path, "--lab-option", "broken=1", status=1)
    assert "fake_lab: broken" in done.stderr


def test_a_rule_that_there_is_not(tmp_path, programs):
    done = report(tmp_path, "--without", "no-such-rule", status=1)
    assert "no rule, signal or function named no-such-rule" in done.stderr


@pytest.mark.skipif(matplotlib is None, reason="python3-matplotlib is not installed")
def test_the_page(tmp_path, programs):
    (tmp_path / "docs/detection-real.md").write_text("# Real traffic\n\n## Logs\n\nNone of it.\n")
    report(tmp_path, "--seeds", "5", "--tuning-seeds", "1-2", "--without", "profile-harvest")
    text = (tmp_path / "docs/detection.md").read_text()
    with open(tmp_path / "docs/detection.json") as file:
        told = json.load(file)
    assert sorted(told["goals"]) == ["held-out", "tuning"]
    assert told["figures"]["after"]["attackers"]["scrape-address"]["instances"] == 2
    assert told["figures"]["first"]["attackers"]["scrape-address"]["instances"] == 1
    assert told["ablation"]["profile-harvest"]["attackers"]["scrape-address"]["found"] == 0
    assert [run["seed"] for run in told["runs"]] == [5, 1, 2]
    assert told["runs"][0]["summary"]["visitors"] == 1000  # of the 2.5k that the file says
    for title in ("## Goals", "## Attackers", "## Traps", "## False alarms", "## The first day",
                  "## The score without it", "## Runs", "## Real traffic", "### Logs"):
        assert title + "\n" in text
    assert "| profile-harvest | scrape-address | 1.00 | 0.00 | 120 | 200 |" in text
    assert "{" not in text
    for name in ("recall", "hours", "lost-profiles"):
        drawing = tmp_path / f"docs/detection/{name}.svg"
        assert f"(detection/{name}.svg)" in text and "</svg>" in drawing.read_text()
    again = {path.name: path.read_bytes() for path in (tmp_path / "docs/detection").iterdir()}
    report(tmp_path, "--seeds", "5")
    for path in (tmp_path / "docs/detection").iterdir():
        assert path.read_bytes() == again[path.name], path.name


def test_tables_in_both_forms():
    table = tables.Table([("name", False), ("number", True)], [["a|b", "1"], ["c", "12"]])
    assert tables.to_text(table) == "name  number\na|b        1\nc         12"
    assert tables.to_markdown(table) == \
        "| name | number |\n| --- | ---: |\n| a\\|b | 1 |\n| c | 12 |"


@pytest.mark.parametrize("value, text", [
    (None, ""), (12, "12"), (1234.0, "1,234"), (0.3666, "0.367"), (12.34, "12.3")])
def test_numbers(value, text):
    assert tables.number(value) == text


@pytest.mark.parametrize("seconds, text", [
    (None, ""), (9.4, "9 s"), (600, "10.0 min"), (9000, "2.5 h"), (200000, "2.3 d")])
def test_durations(seconds, text):
    assert tables.duration(seconds) == text


def test_real_traffic_is_one_level_down(tmp_path):
    assert page.real_traffic(str(tmp_path)) is None
    (tmp_path / "detection-real.md").write_text("# Title\n\ntext\n\n## Part\n")
    assert page.real_traffic(str(tmp_path)) == "\ntext\n\n### Part"
