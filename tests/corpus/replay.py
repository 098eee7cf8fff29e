#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Public traffic through the shipped rules: whom would they have named?

Logs are turned into captures (replay_logs.py), captures are read as they are. Each source
has a site map that calls what it is about a profile (a shop's products, a data server's data
sets); where nobody knows, each page is one. Prints a table of all that was read and of every
alert, as docs/detection-real.md has them; a judgement stands there, and only there.

    tests/corpus/replay.py [--bin build/bin] [--show]      --show: the requests behind each
"""
import argparse
import collections
import concurrent.futures
import glob
import gzip
import json
import os
import subprocess
import sys
import tempfile

import replay_logs

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CORPUS = os.environ.get("TRAWLWATCH_CORPUS", os.path.join(ROOT, "../shared/corpus"))
DOCUMENT = os.path.join(ROOT, "docs/detection-real.md")

ASSETS = """\
  - { name: asset, path: ["/static/**", "**.css", "**.js", "**.png", "**.jpg", "**.gif",
      "**.svg", "**.ico", "**.woff", "**.woff2", "**.ttf"] }
"""
# Each page is a profile, by its path up to six segments deep.
ANY = "pages:\n" + ASSETS + "  - name: signup\n    method: POST\n" \
    "    path: [\"/**/signup\", \"/**/register\"]\n" \
    "  - name: profile\n    path: [" + ", ".join(
        f'"{"/*" * depth}/{{target}}"' for depth in range(6)) + "]\n"
SHOP = "pages:\n" + ASSETS + """\
  - { name: picture, path: ["/image/**"] }
  - { name: profile, path: ["/product/{target}/**", "/m/product/{target}/**"] }
  - { name: search, path: ["/filter/**", "/m/filter/**", "/search/**"] }
"""
DATA = "pages:\n" + ASSETS + """\
  - { name: profile, path: ["/erddap/tabledap/{target}", "/erddap/griddap/{target}",
      "/erddap/info/{target}/**", "/erddap/metadata/*/*/{target}", "/erddap/files/{target}/**"] }
"""
SIGNUPS = """\
pages:
  - name: signup
    method: POST
    path: /signup
    form: { email: email }
    accepted: status == 302
"""

Source = collections.namedtuple("Source", "name pattern reader site licence")
LOGS = (
    Source("data server, nine days", "logs/erddaplogs/example_data/nginx_example_logs/*",
           replay_logs.combined, DATA, "MIT (erddaplogs)"),
    Source("data server, each page", "logs/erddaplogs/example_data/nginx_example_logs/*",
           replay_logs.combined, ANY, "MIT (erddaplogs)"),
    Source("web shop, three minutes", "logs/lnav/test/logfile_shop_access_log.0",
           replay_logs.combined, SHOP, "BSD-2-Clause (lnav)"),
    Source("web shop, each page", "logs/lnav/test/logfile_shop_access_log.0",
           replay_logs.combined, ANY, "BSD-2-Clause (lnav)"),
    Source("IIS site, each page", "logs/lnav/test/logfile_w3c_big.0",
           replay_logs.w3c, ANY, "BSD-2-Clause (lnav)"),
    Source("blogs behind a filter, each page", "logs/baskerville/data/samples/test_data_1k.json",
           replay_logs.deflect, ANY, "BSD-style (baskerville)"),
    Source("small logs of attacks, each page", "logs/crowdsec-hub/tests/*/*.log",
           replay_logs.combined, ANY, "MIT (crowdsec hub)"),
    Source("small logs of failed logins, each page", "logs/fail2ban/fail2ban/tests/files/logs/*",
           replay_logs.combined, ANY, "GPL-2.0 (fail2ban)"),
    Source("sign-ups of a year",
           "logs/aws-fraud-detector-samples/data/registration_data_20K_minimum.csv",
           replay_logs.signups, SIGNUPS, "MIT-0 (aws-fraud-detector-samples)"),
)
CAPTURES = "captures, each page"
FEWEST = 4  # no shipped rule alarms before


class Replayed:
    """What became of one source."""

    def __init__(self, name):
        self.name = name
        self.requests = self.visitors = self.files = self.failed = 0
        self.seconds = 0.0
        self.alerts = []  # raised: (rule, severity, subject, the whole)


def daemon(programs, capture, site, folder, given=None):
    path = os.path.join(folder, "site.yaml")
    with open(path, "w") as file:
        file.write(site)
    return subprocess.run(
        [os.path.join(programs, "trawlwatchd"), "-r", capture, "-s", path,
         "-R", os.path.join(ROOT, "rules"), "--stats", "-o", "log.level=error"],
        input=given, stdin=None if given else subprocess.DEVNULL, capture_output=True,
        timeout=600, check=False, env={**os.environ, "TMPDIR": folder})


def take(replayed, done):
    """Its alerts and counts; a damaged capture is read as far as it goes."""
    counters = None
    for line in reversed(done.stderr.decode(errors="replace").splitlines()):
        if line.startswith("{"):
            counters = json.loads(line)
            break
    replayed.failed += counters is None
    replayed.requests += (counters or {}).get("requests_total", 0)
    for line in done.stdout.decode().splitlines():
        one = json.loads(line)
        if one["event"]["action"] == "raised":
            subject = one["trawlwatch"]["subject"]
            replayed.alerts.append((one["rule"]["name"], one["trawlwatch"]["severity"],
                                    f"{subject['type']} {subject['value']}", one))


def replay_log(source, programs, folder):
    replayed = Replayed(source.name)
    requests = []
    for path in sorted(glob.glob(os.path.join(CORPUS, source.pattern))):
        with open(path, encoding="utf-8", errors="replace") as file:
            there = list(source.reader(file))
        replayed.files += bool(there)
        requests += there
    requests.sort(key=lambda one: one.t)
    replayed.visitors = len({one.client for one in requests})
    replayed.seconds = requests[-1].t - requests[0].t if requests else 0
    capture = replay_logs.write(os.path.join(folder, "made.pcap"), requests)
    take(replayed, daemon(programs, capture, source.site, folder))
    if replayed.requests != len(requests):
        sys.exit(f"{source.name}: {len(requests)} requests were written, "
                 f"{replayed.requests} were seen")
    return replayed


def captures():
    """Those in which tshark saw FEWEST requests or more; (path, whether it is packed)."""
    counts = collections.Counter()
    with open(os.path.join(CORPUS, "expected/tshark_http.jsonl")) as file:
        for row in map(json.loads, file):
            counts[row["pcap"]] += bool(row.get("method") or row.get("h2_method"))
    return [(os.path.join(CORPUS, path), path.endswith(".gz"))
            for path, count in sorted(counts.items()) if count >= FEWEST]


def replay_capture(programs, path, is_packed):
    with tempfile.TemporaryDirectory(prefix="trawlwatch-replay-") as folder:
        if not is_packed:
            return daemon(programs, path, ANY, folder)
        with gzip.open(path) as file:
            return daemon(programs, "-", ANY, folder, file.read())


def replay_captures(programs):
    """Each by itself, as they have nothing to do with each other."""
    replayed = Replayed(CAPTURES)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for done in pool.map(lambda one: replay_capture(programs, *one), captures()):
            before = replayed.requests
            take(replayed, done)
            replayed.files += replayed.requests > before
    return replayed


def replay_all(programs):
    for source in LOGS:
        with tempfile.TemporaryDirectory(prefix="trawlwatch-replay-") as folder:
            yield replay_log(source, programs, folder)
    yield replay_captures(programs)


def rows(replayed):
    """(source, rule, severity, subject): one for each alert, as the document has them."""
    return [(replayed.name, rule, severity, subject)
            for rule, severity, subject, _ in replayed.alerts]


def judged(path=DOCUMENT):
    """The same, from the document: rows of five cells, the last of which is a judgement."""
    with open(path) as file:
        cells = [[cell.strip() for cell in line.strip().strip("|").split(" | ")]
                 for line in file if line.startswith("| ")]
    return [tuple(row) for row in cells if len(row) == 5 and row[0] not in ("source", "---")]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.path.join(ROOT, "build/bin"))
    parser.add_argument("--show", action="store_true", help="evidence and requests of each alert")
    options = parser.parse_args()
    if not os.path.isdir(CORPUS):
        sys.exit(f"no corpus at {CORPUS} (TRAWLWATCH_CORPUS names another folder)")
    done = list(replay_all(options.bin))
    print("| source | files | requests | visitors | time span | alerts |\n"
          "| --- | ---: | ---: | ---: | ---: | ---: |")
    for one in done:
        print(f"| {one.name} | {one.files} | {one.requests:,} | {one.visitors or ''} | "
              f"{one.seconds / 3600:.1f} h | {len(one.alerts)} |".replace("| 0.0 h |", "| |"))
    print("\n| source | rule | severity | subject | judgement |\n| --- | --- | --- | --- | --- |")
    for one in done:
        for row, (*_, alert) in zip(rows(one), one.alerts):
            print("| " + " | ".join(row) + " |  |")
            if options.show:
                print(json.dumps({**alert["trawlwatch"], "at": alert["@timestamp"]}, indent=1))


if __name__ == "__main__":
    main()
