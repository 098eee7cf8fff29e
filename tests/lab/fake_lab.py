#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What trawl-lab does, in small, for the test of lab-report: one person an hour and, each
day at noon, a program with 200 profiles. Of its options only these are looked at."""
import argparse
import os
import shutil
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "../e2e"))
import made_capture  # noqa: E402
from made_up import MIDNIGHT, ROOT, Truth  # noqa: E402

parser = argparse.ArgumentParser()
for name in ("-p", "--seed", "--truth", "--site-map", "--capture"):
    parser.add_argument(name)
parser.add_argument("-o", action="append")
parser.add_argument("--print-parameters", action="store_true")
told = parser.parse_args()
if told.print_parameters:
    sys.exit(print("seed: 1\npeople:\n  # how many\n  days: 3\n  count: 2.5k\n  other: 4"))
options = dict(one.split("=") for one in told.o)
if "broken" in options:
    sys.exit("fake_lab: broken: told to be")

shutil.copy(os.path.join(ROOT, "rules/sites/profile-network.yaml"), told.site_map)
truth, hits = Truth(), []
days = int(options["days"])
for day in range(days):
    at = 86400 * day
    hits += [(at + 3600 * hour, f"198.51.100.{hour}", "/in/ada", "Mozilla/5.0")
             for hour in range(24)]
    noon, group = at + 43200, 1 + 2 * day
    truth.group(group, "attacker", "scrape-address", t=noon, rate=1.0)
    truth.uses(group, noon, address=f"203.0.113.{day + 1}")
    for n in range(200):
        hits.append((noon + n, f"203.0.113.{day + 1}", f"/in/user{n}", "curl/8.0"))
        truth.gets(group, "served", noon + n + 0.1)
    # A trap that no rule minds.
    truth.group(group + 1, "trap", "trap-office", t=at + 60)
    truth.uses(group + 1, at + 60, address="198.51.100.200")
    hits.append((at + 60, "198.51.100.200", "/in/ada", "Mozilla/5.0"))
hits.sort()
begin = MIDNIGHT - made_capture.BEGIN
path = told.site_map + ".pcap"
made_capture.write(path, [(begin + t, *rest) for t, *rest in hits])
with open(told.truth or os.devnull, "w") as file:
    file.writelines(truth.text(days=days, visitors=int(options["people.count"]),
                               requests=len(hits)))
with open(path, "rb") as file:
    shutil.copyfileobj(file, sys.stdout.buffer)
