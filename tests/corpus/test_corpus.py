# SPDX-License-Identifier: MIT
"""The daemon against public captures and what other programs saw in them.

The captures lie in ../shared/corpus beside the project, or where TRAWLWATCH_CORPUS
says. KNOWN.md lists every difference that is right as it is, with the reason; a
difference that is not listed fails, and so does a listed one that is no more.

A line that ends in xN stands for N equal ones. TRAWLWATCH_CORPUS_WRITE=FOLDER writes
the differences found to FOLDER/KNOWN.md, in its form.
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

import oracle

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CORPUS = os.environ.get("TRAWLWATCH_CORPUS", os.path.join(ROOT, "../shared/corpus"))
SITE = os.path.join(HERE, "site.yaml")
KNOWN = os.path.join(HERE, "KNOWN.md")
LONGEST = 100  # characters of a request in KNOWN.md
TIME_LIMIT = 60  # seconds for one capture; the usual is far below one

# What this version reads. A capture with any other tag belongs to a later one.
COVERED = set("""
    http1 http1-many websocket xff ipv4 ipv6 tcp-retx tcp-ooo tcp-gap tcp-overlap
    pcap pcapng pcap-be pcap-ns snaplen empty tshark-error gz
    vlan qinq sll dlt113 dlt276 null dlt0 dlt108 raw dlt12 dlt14 dlt101 dlt228 dlt229
    tls-ch quic quic-ch http2 h2-req
    vxlan geneve gre erspan ip-in-ip ip-frag ip6-frag mpls pppoe ppp
""".split())
HTTP = {"http1", "http2", "h2-req"}
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|runtime error:|SUMMARY: \w+Sanitizer|check failed")

needs_corpus = pytest.mark.skipif(
    not os.path.isdir(CORPUS),
    reason=f"no captures at {CORPUS} (TRAWLWATCH_CORPUS names another folder)")


class Capture:
    def __init__(self, path, tags, expected):
        self.path, self.tags, self.expected = path, tags, expected

    @property
    def covered(self):
        return self.tags <= COVERED

    def read(self):
        """Runs the daemon over the capture, once."""
        path = os.path.join(CORPUS, self.path)
        options = ("--print", "requests", "-R", "none", "-s", SITE)
        done = daemon("-r", path, *options)
        if "gz" in self.tags and not trouble(done):
            # As it is, it is no capture; what is in it goes through standard input.
            with gzip.open(path) as file:
                done = daemon("-r", "-", *options, given=file.read())
        self.status, self.messages = done.returncode, done.stderr
        self.trouble = trouble(done)
        self.lines = [json.loads(line) for line in done.stdout.splitlines()] \
            if not self.trouble else []
        self.requests = [oracle.from_daemon(line) for line in self.lines]
        return self

    def differences(self):
        found = oracle.differences(self.expected, self.requests)
        if self.covered:
            return found
        # What is missing belongs to a later version; nothing may be invented in any.
        return [one for one in found if one.kind != "missing"]


def daemon(*arguments, limit=TIME_LIMIT, given=b""):
    program = os.path.join(os.environ.get("TRAWLWATCH_BIN", os.path.join(ROOT, "build/bin")),
                           "trawlwatchd")
    # A sanitizer's exit status is told from the daemon's own.
    env = dict(os.environ, ASAN_OPTIONS="exitcode=99:detect_leaks=1",
               LSAN_OPTIONS="exitcode=99", UBSAN_OPTIONS="print_stacktrace=1:exitcode=99")
    try:
        done = subprocess.run([program, *arguments], env=env, capture_output=True,
                              timeout=limit, input=given, check=False)
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode(errors="replace")
        return done
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(arguments, None, "", f"more than {limit} s")
    except UnicodeDecodeError as error:
        return subprocess.CompletedProcess(arguments, None, "", f"output is not UTF-8: {error}")


def trouble(done):
    """Why this run is a defect whatever the capture holds; None when it is not."""
    if done.returncode not in (0, 1) or SANITIZER.search(done.stderr):
        return f"exit status {done.returncode}: {done.stderr[-2000:]}"
    if done.returncode == 1 and not done.stderr.strip():
        return "exit status 1 without a word"
    return None


def read_rows(name):
    rows = collections.defaultdict(list)
    with open(os.path.join(CORPUS, "expected", name), encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            rows[row["pcap"]].append(row)
    return rows


def read_captures():
    published, tshark = read_rows("http.jsonl"), read_rows("tshark_http.jsonl")
    with open(os.path.join(CORPUS, "MANIFEST.tsv"), encoding="utf-8", newline="") as file:
        found = [Capture(row["path"], set(row["tags"].split(",")) - {""},
                         oracle.Expected(published[row["path"]], tshark[row["path"]]))
                 for row in csv.DictReader(file, delimiter="\t") if row["kind"] == "pcap"]
    assert len(found) > 1000, f"{CORPUS} lists only {len(found)} captures"
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(Capture.read, found))


def known_lines():
    """The lines of KNOWN.md that state a difference, with their reasons' headings."""
    with open(KNOWN, encoding="utf-8") as file:
        return [line.rstrip("\n")[2:] for line in file if line.startswith("- ")]


def as_line(capture, difference):
    what = difference.what
    if len(what) > LONGEST:
        what = what[:LONGEST] + "..."
    return f"{capture.path}: {difference.kind} {difference.source} {json.dumps(what)}"


@needs_corpus
def test_no_capture_harms_the_daemon(captures):
    bad = [f"{one.path}: {one.trouble}" for one in captures if one.trouble]
    assert not bad, "\n".join(bad)


@needs_corpus
def test_all_captures_as_one_stream_do_not_harm_it(captures, tmp_path):
    """One process, the shipped rules and map; times jump back and forth by decades."""
    whole = [one for one in captures if one.status == 0 and "gz" not in one.tags]
    files = [word for one in whole
             for word in ("-r", os.path.join(CORPUS, one.path))]
    done = daemon(*files, "--print", "none", "--stats", "-R", os.path.join(ROOT, "rules"),
                  "-s", os.path.join(ROOT, "rules/sites/profile-network.yaml"),
                  "-o", f"journal.dir={tmp_path}", limit=300)
    assert not trouble(done)
    assert done.returncode == 0, done.stderr[-2000:]
    counters = json.loads(done.stderr.splitlines()[-1])
    # Connections of one capture may look like those of another, so not quite all.
    assert counters["requests_total"] >= sum(len(one.requests) for one in whole) * 0.95


@needs_corpus
def test_covered_captures_are_read_to_their_end(captures):
    """Status 1 is for captures that are damaged or of a kind that is not read."""
    refused = [f"{one.path}: {one.messages.strip()}" for one in captures
               if one.covered and one.tags & HTTP and one.status != 0]
    listed = [line.split(": refused ", 1)[0] for line in known_lines() if ": refused " in line]
    assert sorted(line.split(": ", 1)[0] for line in refused) == sorted(listed), \
        "\n".join(refused)


@needs_corpus
def test_requests_are_those_that_others_saw(captures):
    counted = collections.Counter()
    compared = 0
    for one in captures:
        compared += one.covered and bool(one.tags & HTTP)
        counted.update(as_line(one, difference) for difference in one.differences())
    assert compared > 300
    found = {line if count == 1 else f"{line} x{count}" for line, count in counted.items()}
    if "TRAWLWATCH_CORPUS_WRITE" in os.environ:
        with open(os.path.join(os.environ["TRAWLWATCH_CORPUS_WRITE"], "KNOWN.md"), "w",
                  encoding="utf-8") as file:
            file.writelines(f"- {line}\n" for line in sorted(found))
    lines = [line for line in known_lines() if ": refused " not in line]
    known = set(lines)
    assert len(known) == len(lines), "a line stands in KNOWN.md twice"
    print(f"\n{compared} captures with HTTP, {sum(len(one.requests) for one in captures)} "
          f"requests, {len(known)} known differences")
    assert not found - known, "not in KNOWN.md:\n" + "\n".join(sorted(found - known))
    assert not known - found, "in KNOWN.md, but no more:\n" + "\n".join(sorted(known - found))
