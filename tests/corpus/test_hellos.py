# SPDX-License-Identifier: MIT
"""The ClientHellos of public captures, and what tshark and others saw in them.

Every capture is read, also those that have no hello: what is found there must be true
too. KNOWN_HELLOS.md lists every difference that is right as it is, with the reason; a
difference that is not listed fails, and so does a listed one that is no more. Its form
is that of KNOWN.md. TRAWLWATCH_CORPUS_WRITE=FOLDER writes the differences found
to FOLDER/KNOWN_HELLOS.md.
"""
import collections
import concurrent.futures
import csv
import gzip
import json
import os
import re
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CORPUS = os.environ.get("TRAWLWATCH_CORPUS", os.path.join(ROOT, "../shared/corpus"))
KNOWN = os.path.join(HERE, "KNOWN_HELLOS.md")
PROGRAM = os.path.join(os.environ.get("TRAWLWATCH_BIN", os.path.join(ROOT, "build/bin")),
                       "trawlwatchd")
SITE = os.path.join(HERE, "site.yaml")
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|runtime error:|check failed")

pytestmark = pytest.mark.skipif(
    not os.path.isdir(CORPUS),
    reason=f"no captures at {CORPUS} (TRAWLWATCH_CORPUS names another folder)")

Hello = collections.namedtuple("Hello", "transport client server name ja3 ja4")


def lines_of(name):
    with open(os.path.join(CORPUS, "expected", name)) as file:
        return [json.loads(line) for line in file]


def innermost(text):
    """tshark names the addresses of all IP headers of a packet, the outer one first."""
    return text.split(";")[-1]


def expected_by_capture():
    """What tshark saw. Two equal hellos of one connection (a retry) are one here."""
    found = collections.defaultdict(set)
    for row in lines_of("tshark_ja.jsonl"):
        found[row["pcap"]].add(Hello(
            "quic" if row["quic"] else "tcp",
            f"{innermost(row['src'])} {row['src_port']}",
            f"{innermost(row['dst'])} {row['dst_port']}",
            row["sni"] or "", row["ja3"], row["ja4"]))
    return found


def captures():
    with open(os.path.join(CORPUS, "MANIFEST.tsv"), newline="") as file:
        return [row["path"] for row in csv.DictReader(file, delimiter="\t",
                                                      quoting=csv.QUOTE_NONE)
                if row["kind"] == "pcap"]


def from_line(line):
    client = line["tls"]["client"]
    return Hello(line["network"]["transport"],
                 f"{line['source']['ip']} {line['source']['port']}",
                 f"{line['destination']['ip']} {line['destination']['port']}",
                 client.get("server_name", ""), client["ja3"], client["ja4"])


def read(path):
    file, given = os.path.join(CORPUS, path), b""
    if path.endswith(".gz"):
        with gzip.open(file) as packed:
            file, given = "-", packed.read()
    done = subprocess.run([PROGRAM, "-r", file, "-R", "none", "-s", SITE, "--print", "hellos"],
                          capture_output=True, input=given, timeout=60)
    messages = done.stderr.decode(errors="replace")
    assert not SANITIZER.search(messages) and done.returncode in (0, 1), \
        f"{path}: {messages[-2000:]}"
    return path, {from_line(json.loads(line)) for line in done.stdout.splitlines()}


def read_captures():
    paths = sorted(set(captures()) | set(expected_by_capture()))
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return dict(pool.map(read, paths))


def text_of(path, kind, hello):
    return (f"- {path}: {kind} {hello.transport} {hello.client} > {hello.server} "
            f"\"{hello.name}\" {hello.ja3 or '-'} {hello.ja4}")


def known():
    with open(KNOWN) as file:
        return {line.rstrip("\n") for line in file if line.startswith("- ")}


def test_differences(seen):
    expected = expected_by_capture()
    assert sum(map(len, expected.values())) > 500
    found = set()
    for path, hellos in seen.items():
        found |= {text_of(path, "missing", one) for one in expected[path] - hellos}
        found |= {text_of(path, "extra", one) for one in hellos - expected[path]}
    if "TRAWLWATCH_CORPUS_WRITE" in os.environ:
        with open(os.path.join(os.environ["TRAWLWATCH_CORPUS_WRITE"], "KNOWN_HELLOS.md"),
                  "w") as file:
            file.write("\n".join(sorted(found)) + "\n")
    right = sum(len(hellos & expected[path]) for path, hellos in seen.items())
    print(f"{right} of {sum(map(len, expected.values()))} hellos as expected, "
          f"{len(seen)} captures")
    assert sorted(found - known()) == [], "not in KNOWN_HELLOS.md"
    assert sorted(known() - found) == [], "in KNOWN_HELLOS.md, and no more"


def test_published(seen):
    """The values that other programs published, where tshark agrees with them."""
    checked = collections.Counter()
    for row in lines_of("ja3_ja4.jsonl"):
        for hello in seen[row["pcap"]]:
            if row.get("src") and (hello.client, hello.server) != (
                    f"{row['src']} {row['src_port']}", f"{row['dst']} {row['dst_port']}"):
                continue
            for key in ("ja3", "ja4"):
                if row.get(f"{key}_tshark_agrees") and row.get("src"):
                    assert getattr(hello, key) == row[key], (row, hello)
                    checked[key] += 1
    print(dict(checked))
    assert checked["ja3"] > 200 and checked["ja4"] > 100
