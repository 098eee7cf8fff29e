# SPDX-License-Identifier: MIT
"""Rule files without a rule, a signal or a function; the daemon reads what comes out."""
import json
import os
import subprocess
import sys

import pytest

from made_up import ROOT
from lab import ablation

sys.path.insert(0, os.path.join(ROOT, "tests/e2e"))
import made_capture  # noqa: E402

RULES = """\
# A file as people write them: - name: not-a-rule
defaults:
  references: [OWASP OAT-011]
rules:
  # Mind the blank - name: many in a comment.
  - name: many
    severity: high
    mode: alert
    where: page == profile
    per: client.ip
    when: count(10m) >= 5   # count( in a comment
    tag: { client.ip: seen, for: 1d }

  - description: its name comes second
    name: many-different
    where: page == profile
    per: client.ip
    when: >
      distinct(target,
               10m) >= 5
      or max(request.bytes, path contains '(', 10m) > 1M

  - { name: short, per: client.ip, where: page == profile, when: count(10m) >= 5 }
  - name: marked
    per: client.ip
    where: page == profile and not tagged(client.ip, seen)
    when: count(10m) >= 5
lists:
  some: [a, b]
"""
NAMES = {"many", "many-different", "short", "marked"}


def put(tmp_path, text=RULES):
    folder = tmp_path / "rules"
    (folder / "lists").mkdir(parents=True)
    (folder / "lists/words.txt").write_text("a\n")
    (folder / "one.yaml").write_text(text)
    return str(folder)


def without(tmp_path, *names):
    out = str(tmp_path / "out")
    kinds = ablation.take_out(put(tmp_path), names, out)
    assert os.path.exists(os.path.join(out, "lists/words.txt"))
    return kinds, out


def raised(tmp_path, rules):
    """Rules that the daemon raises for one who looks at six profiles."""
    capture = made_capture.write(tmp_path / "made.pcap", [
        (n, "203.0.113.9", f"/in/user{n}", "curl/8.0") for n in range(6)])
    done = subprocess.run(
        [os.path.join(os.environ["TRAWLWATCH_BIN"], "trawlwatchd"), "-r", capture, "-R", rules,
         "-s", os.path.join(ROOT, "rules/sites/profile-network.yaml")],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "TMPDIR": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    return {json.loads(line)["rule"]["name"] for line in done.stdout.splitlines()}


def test_with_all_of_them(tmp_path):
    assert raised(tmp_path, put(tmp_path)) == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_rule_is_taken_out(tmp_path, name):
    kinds, out = without(tmp_path, name)
    assert kinds == {name: "rule"}
    assert raised(tmp_path, out) == NAMES - {name}


def test_several(tmp_path):
    kinds, out = without(tmp_path, "short", "count", "marked")
    assert kinds == {"short": "rule", "count": "function", "marked": "rule"}
    assert raised(tmp_path, out) == {"many-different"}


@pytest.mark.parametrize("name, left", [
    ("distinct", NAMES - {"many-different"}), ("count", {"many-different"}),
    ("max", NAMES), ("tagged", NAMES)])
def test_a_function_is_taken_out(tmp_path, name, left):
    kinds, out = without(tmp_path, name)
    assert kinds == {name: "function"}
    with open(os.path.join(out, "one.yaml")) as file:
        text = file.read()
    assert f" {name}(" not in ablation.hide_comments(text)
    assert raised(tmp_path, out) == left


def test_what_there_is_not(tmp_path):
    for name in ("man", "not-a-rule", "some", "ount", "max("):
        with pytest.raises(ablation.Unknown, match="named"):
            ablation.take_out(put(tmp_path / name), [name], str(tmp_path / name / "out"))


def shipped():
    names = []
    for path in ablation.files(os.path.join(ROOT, "rules")):
        with open(path) as file:
            text = file.read()
        names += [ablation.hide_comments(text[begin:end]).split("name:")[1].split()[0]
                  for begin, end, _ in ablation.items(text)]
    return names


def test_shipped_rules_are_all_there():
    assert {"profile-harvest", "farm-harvest", "signup-flood-address"} <= set(shipped())


@pytest.mark.parametrize("name", [*shipped(), "distinct", "share"])
def test_shipped_rules_read_without_it(tmp_path, name):
    out = str(tmp_path / "out")
    ablation.take_out(os.path.join(ROOT, "rules"), [name], out)
    raised(tmp_path, out)
