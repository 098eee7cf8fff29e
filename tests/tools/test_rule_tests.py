# SPDX-License-Identifier: MIT
"""trawlctl test: the tests of the shipped rules, and what a test of rules can say.

Environment: TRAWLCTL is the program, REPOSITORY the tree.
"""
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import mmdb
import pytest

TRAWLCTL = os.environ["TRAWLCTL"]
REPOSITORY = Path(os.environ["REPOSITORY"])
RULES = REPOSITORY / "rules"

SITE = """
client: { trusted_proxies: [10.0.0.0/8, 127.0.0.0/8], header: X-Forwarded-For }
session: { cookie: sid }
pages:
  - { name: profile, path: "/in/{target}" }
  - { name: search, path: "/search" }
  - { name: signup_form, method: GET, path: /join }
  - { name: signup, method: POST, path: /join, form: { email: [email, "user[email]"] },
      accepted: "status == 200 and response.body contains 'welcome'" }
"""
MANY = """
  - { name: many, where: page == profile, per: client.host, when: "distinct(target, 10m) >= 20" }
"""


def ctl_test(*arguments, status=0):
    """Its output and its messages; `status` None: it may differ or not."""
    done = subprocess.run([TRAWLCTL, "test", *map(str, arguments)], capture_output=True,
                          text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode in ((0, 1) if status is None else (status,)), done.stdout + done.stderr
    return done.stdout, done.stderr


@pytest.fixture
def run(tmp_path):
    """run(cases, rules=...) writes a folder of rules with one test and runs it."""
    def run(cases, rules=MANY, status=0, head="", options=()):
        (tmp_path / "tests").mkdir(exist_ok=True)
        (tmp_path / "sites").mkdir(exist_ok=True)
        (tmp_path / "sites" / "site.yaml").write_text(SITE)
        (tmp_path / "rules.yaml").write_text("rules:" + rules)
        (tmp_path / "tests" / "t.yaml").write_text(
            f"rules: ../rules.yaml\nsite: ../sites/site.yaml\n{head}cases:\n{cases}")
        return ctl_test(*options, tmp_path, status=status)
    return run


def case(traffic, expect="none", more=""):
    return f"  - name: a\n    traffic:\n      - {{ {traffic} }}\n    expect: {expect}\n{more}"


SCRAPER = 'times: 40, client: 203.0.113.9, get: "/in/u{n}"'


# The shipped rules

def test_every_shipped_rule_has_what_it_catches_and_what_it_leaves_alone():
    out, err = ctl_test("--complete", RULES)
    assert err == ""
    assert re.search(r"^[0-9]+ cases, 0 differ$", out, re.M)


@pytest.mark.parametrize("seed", [20, 99, 1000])
def test_the_shipped_cases_come_out_alike_with_other_seeds(seed):
    out, err = ctl_test("--seed", seed, RULES)
    assert err == ""
    assert re.search(r"^[0-9]+ cases, 0 differ$", out, re.M)


def test_a_seed_is_taken_in_place_of_the_cases_own(run):
    cases = case('times: 40, client: 203.0.113.9, get: "/in/u{random:60}"',
                 "[{ rule: many }]", "    seed: 7\n")
    outs = [run(cases, options=options)[0] for options in ([], ["--seed", 7], ["--seed", 8])]
    assert outs[0] == outs[1] != outs[2]
    _, err = run(cases, options=["--seed", "x"], status=2)
    assert "--seed takes a number from 0 to 4294967295, not 'x'" in err


@pytest.mark.parametrize("rule, file, before, after", [
    ("profile-harvest", "profile-scraping",
     "distinct(target, 2m) >= 45",
     "distinct(target, 2m) >= 43"),
    ("profile-harvest", "profile-scraping",
     "distinct(target, 2m) >= 45",
     "distinct(target, 2m) >= 47"),
    ("profile-harvest", "profile-scraping",
     "distinct(target, 10m) >= 120",
     "distinct(target, 10m) >= 100"),
    ("profile-harvest", "profile-scraping",
     "distinct(target, 10m) >= 120",
     "distinct(target, 10m) >= 160"),
    ("profile-harvest", "profile-scraping",
     "score() >= 1\n",
     "(score() >= 0.5 or count(2m) >= 1)\n"),
    ("profile-harvest", "profile-scraping",
     "score() >= 1\n",
     "score() >= 4\n"),
    ("profile-harvest", "profile-scraping",
     "distinct(target, 2m) > 20 * distinct(session, 2m)",
     "distinct(target, 2m) > 0 * distinct(session, 2m)"),
    ("profile-volume", "profile-scraping",
     "distinct(target, 2m) >= 60",
     "distinct(target, 2m) >= 100"),
    ("profile-volume", "profile-scraping",
     "distinct(target, 10m) >= 130",
     "distinct(target, 10m) >= 60"),
    ("profile-volume", "profile-scraping",
     "distinct(target, 1h) >= 380",
     "distinct(target, 1h) >= 320"),
    ("profile-volume", "profile-scraping",
     "distinct(target, 1h) >= 380",
     "distinct(target, 1h) >= 480"),
    ("profile-volume", "profile-scraping",
     "score() < 1\n",
     "score() < 9\n"),
    ("profile-volume", "profile-scraping",
     "120 * distinct(session, 1h)",
     "0 * distinct(session, 1h)"),
    ("profile-volume", "profile-scraping",
     "40 * distinct(session, 10m)",
     "0 * distinct(session, 10m)"),
    ("session-harvest", "profile-scraping",
     "distinct(client.host, 10m) >= 3 and",
     "distinct(client.host, 10m) >= 2 and"),
    ("session-harvest", "profile-scraping",
     "distinct(client.host, 10m) >= 3 and",
     "distinct(client.host, 10m) >= 5 and"),
    ("session-harvest", "profile-scraping",
     "(distinct(target, 2m) >= 45 or",
     "(distinct(target, 2m) >= 43 or"),
    ("session-harvest", "profile-scraping",
     "(distinct(target, 2m) >= 45 or",
     "(distinct(target, 2m) >= 47 or"),
    ("session-harvest", "profile-scraping",
     "or distinct(target, 10m) >= 120",
     "or distinct(target, 10m) >= 150"),
    ("session-harvest", "profile-scraping",
     "distinct(client.host, 10m) >= 3 and score() >= 2",
     "distinct(client.host, 10m) >= 3"),
    ("session-volume", "profile-scraping",
     "distinct(client.host, 10m) >= 3\n",
     "distinct(client.host, 10m) >= 2\n"),
    ("session-volume", "profile-scraping",
     "(distinct(target, 2m) >= 60 or distinct(target, 10m) >= 180)",
     "(distinct(target, 2m) >= 57 or distinct(target, 10m) >= 180)"),
    ("session-volume", "profile-scraping",
     "(distinct(target, 2m) >= 60 or distinct(target, 10m) >= 180)",
     "(distinct(target, 2m) >= 63 or distinct(target, 10m) >= 180)"),
    ("session-volume", "profile-scraping",
     "or distinct(target, 10m) >= 180",
     "or distinct(target, 10m) >= 240"),
    ("profile-hoard", "profile-scraping",
     ">= 2500",
     ">= 2200"),
    ("profile-hoard", "profile-scraping",
     ">= 2500",
     ">= 2650"),
    ("enumeration", "enumeration",
     "distinct(target, 24h) >= 200",
     "distinct(target, 24h) >= 185"),
    ("enumeration", "enumeration",
     "distinct(target, 24h) >= 200",
     "distinct(target, 24h) >= 215"),
    ("enumeration", "enumeration",
     "sequential(target.number, 1h) >= 70%",
     "sequential(target.number, 1h) >= 40%"),
    ("enumeration-block", "enumeration",
     "distinct(target, 10m) >= 40\n      and top_share",
     "distinct(target, 10m) >= 80\n      and top_share"),
    ("enumeration-block", "enumeration",
     "top_share(client.host, 10m) < 10%",
     "top_share(client.host, 10m) < 90%"),
    ("enumeration-block", "enumeration",
     "sequential(target.number, 10m) >= 50%",
     "sequential(target.number, 10m) >= 1%"),
    ("enumeration-pool", "enumeration",
     " and not tagged(client.host, block-named)\n",
     "\n"),
    ("enumeration-pool", "enumeration",
     "not tagged(client.host, block-named)",
     "not tagged(client.host, block-again)"),
    ("enumeration-pool", "enumeration",
     "not tagged(client.host, block-named)",
     "not tagged(client.host, block-in-order)"),
    ("enumeration-spread", "enumeration",
     "distinct(target, 1h) > 90% * count(1h)",
     "distinct(target, 1h) > 1% * count(1h)"),
    ("enumeration-spread", "enumeration",
     "distinct(target, 1h) >= 120",
     "distinct(target, 1h) >= 600"),
    ("enumeration-spread", "enumeration",
     "top_share(client.host, 1h) < 10%",
     "top_share(client.host, 1h) > 10%"),
    ("automated-reader", "automation",
     "distinct(target, 24h) >= 150 and score() >= 5 and families() >= 2\n      and not",
     "distinct(target, 24h) >= 140 and score() >= 5 and families() >= 2\n      and not"),
    ("automated-reader", "automation",
     "distinct(target, 24h) >= 150 and score() >= 5 and families() >= 2\n      and not",
     "distinct(target, 24h) >= 170 and score() >= 5 and families() >= 2\n      and not"),
    ("automated-reader", "automation",
     "score() >= 5 and families() >= 2\n      and not",
     "score() >= 4 and families() >= 2\n      and not"),
    ("automated-reader", "automation",
     "score() >= 5 and families() >= 2\n      and not",
     "score() >= 7 and families() >= 2\n      and not"),
    ("automated-reader", "automation",
     "gap_entropy(1h) < 1.6",
     "gap_entropy(1h) < 1.1"),
    ("automated-reader", "automation",
     "weight: 3.5",
     "weight: 1.7"),
    ("automated-member", "automation",
     "distinct(target, 24h) >= 150 and score() >= 5 and families() >= 2\n      and share",
     "distinct(target, 24h) >= 130 and score() >= 5 and families() >= 2\n      and share"),
    ("automated-member", "automation",
     "distinct(target, 24h) >= 150 and score() >= 5 and families() >= 2\n      and share",
     "distinct(target, 24h) >= 170 and score() >= 5 and families() >= 2\n      and share"),
    ("automated-member", "automation",
     "      and not share(present(account), 1h) > 50%\n",
     ""),
    ("tireless-reader", "automation",
     "distinct(target, 24h) >= 250 and score() >= 2\n      and",
     "distinct(target, 24h) >= 230 and score() >= 2\n      and"),
    ("tireless-reader", "automation",
     "distinct(target, 24h) >= 250 and score() >= 2\n      and",
     "distinct(target, 24h) >= 280 and score() >= 2\n      and"),
    ("tireless-reader", "automation",
     "score() >= 2\n      and",
     "score() >= 3\n      and"),
    ("tireless-reader", "automation",
     "20 * distinct(session, 24h)",
     "28 * distinct(session, 24h)"),
    ("tireless-reader", "automation",
     "20 * distinct(session, 24h)",
     "1 * distinct(session, 24h)"),
    ("tireless-reader", "automation",
     "share(page == profile, 1h) > 95%",
     "share(page == profile, 1h) > 66%"),
    ("tireless-reader", "automation",
     "97% * count(24h)",
     "80% * count(24h)"),
    ("tireless-reader", "automation",
     "97% * count(24h)",
     "150% * count(24h)"),
    ("tireless-session", "automation",
     "distinct(target, 24h) >= 250 and score() >= 2\n    block",
     "distinct(target, 24h) >= 230 and score() >= 2\n    block"),
    ("tireless-session", "automation",
     "distinct(target, 24h) >= 250 and score() >= 2\n    block",
     "distinct(target, 24h) >= 280 and score() >= 2\n    block"),
    ("session-roaming", "automation",
     "distinct(client.prefix, 24h) >= 8",
     "distinct(client.prefix, 24h) >= 7"),
    ("session-roaming", "automation",
     "distinct(client.prefix, 24h) >= 8",
     "distinct(client.prefix, 24h) >= 9"),
    ("session-roaming", "automation",
     "distinct(target, 24h) >= 60\n",
     "distinct(target, 24h) >= 85\n"),
    ("session-roaming", "automation",
     "15 * distinct(client.prefix, 24h)",
     "25 * distinct(client.prefix, 24h)"),
    ("session-roaming", "automation",
     "15 * distinct(client.prefix, 24h)",
     "5 * distinct(client.prefix, 24h)"),
    ("session-roaming", "automation",
     "15 * distinct(client.prefix, 24h) and score() >= 2",
     "15 * distinct(client.prefix, 24h)"),
    ("shape-harvest", "automation",
     "score() >= 3.5\n      and distinct(target, 1h) >= 100",
     "score() >= 3.5\n      and distinct(target, 1h) >= 95"),
    ("shape-harvest", "automation",
     "score() >= 3.5\n      and distinct(target, 1h) >= 100",
     "score() >= 3.5\n      and distinct(target, 1h) >= 140"),
    ("profile-guessing", "enumeration",
     "10m) >= 40",
     "10m) >= 38"),
    ("profile-guessing", "enumeration",
     "10m) >= 40",
     "10m) >= 80"),
    ("profile-guessing", "enumeration",
     "distinct(target, status in [404, 410], 10m)",
     "count(status in [404, 410], 10m)"),
    ("false-crawler", "crawlers",
     ">= 10\n",
     ">= 9\n"),
    ("false-crawler", "crawlers",
     ">= 10\n",
     ">= 11\n"),
    ("false-crawler", "crawlers",
     "distinct(target, 10m) >= 10\n",
     "count(10m) >= 10\n"),
    ("false-crawler", "crawlers",
     "distinct(target, 10m) >= 10\n",
     "distinct(target, 1h) >= 10\n"),
    ("false-crawler", "crawlers",
     "bot.check == failed",
     "bot.claimed"),
    ("declared-crawler", "crawlers",
     "distinct(target, 2m) >= 45",
     "distinct(target, 2m) >= 44"),
    ("declared-crawler", "crawlers",
     "distinct(target, 2m) >= 45",
     "distinct(target, 2m) >= 47"),
    ("declared-crawler", "crawlers",
     "distinct(target, 10m) >= 150",
     "distinct(target, 10m) >= 175"),
    ("declared-crawler", "crawlers",
     "distinct(target, 1h) >= 300",
     "distinct(target, 1h) >= 400"),
    ("declared-crawler", "crawlers",
     "and not bot.verified and",
     "and"),
    ("unchecked-crawler", "crawlers",
     ">= 60",
     ">= 59"),
    ("unchecked-crawler", "crawlers",
     ">= 60",
     ">= 62"),
    ("unchecked-crawler", "crawlers",
     "ua.family in @engines and bot.check == unknown",
     "bot.check == unknown"),
    ("network-harvest", "automation",
     "25 * distinct(session, 1h)",
     "15 * distinct(session, 1h)"),
    ("network-harvest", "automation",
     "25 * distinct(session, 1h)",
     "40 * distinct(session, 1h)"),
    ("network-harvest", "automation",
     "distinct(client.host, 1h) >= 3\n      and not",
     "distinct(client.host, 1h) >= 2\n      and not"),
    ("network-harvest", "automation",
     "distinct(target, 1h) >= 50",
     "distinct(target, 1h) >= 45"),
    ("network-harvest", "automation",
     "distinct(target, 1h) >= 50",
     "distinct(target, 1h) >= 60"),
    ("network-harvest", "automation",
     "distinct(target, 1h) >= 100 and score() >= 3 and",
     "distinct(target, 1h) >= 95 and score() >= 3 and"),
    ("network-harvest", "automation",
     "distinct(target, 1h) >= 100 and score() >= 3 and",
     "distinct(target, 1h) >= 120 and score() >= 3 and"),
    ("network-harvest", "automation",
     "score() >= 3 and families",
     "score() >= 2 and families"),
    ("network-harvest", "automation",
     "score() >= 3 and families",
     "score() >= 4 and families"),
    ("network-harvest", "automation",
     "weight: 1\n    family: likeness",
     "weight: 0.5\n    family: likeness"),
    ("shape-harvest", "automation",
     "distinct(client.host, 1h) >= 3 and families() >= 2 and",
     "distinct(client.host, 1h) >= 2 and families() >= 2 and"),
    ("shape-harvest", "automation",
     "score() >= 3.5",
     "score() >= 4.9"),
    ("shape-harvest", "automation",
     "share(ua.fit < -6, 1h)",
     "share(ua.fit < -9, 1h)"),
    ("network-harvest", "automation",
     "distinct(target, 10m) >= 100 and",
     "distinct(target, 10m) >= 140 and"),
    ("network-harvest", "automation",
     "distinct(target, 10m) >= 12 *",
     "distinct(target, 10m) >= 18 *"),
    ("network-harvest", "automation",
     "distinct(target, 10m) >= 100 and",
     "distinct(target, 10m) >= 90 and"),
    ("network-harvest", "automation",
     "distinct(client.host, 10m) >= 5",
     "distinct(client.host, 10m) >= 3"),
    ("network-harvest", "automation",
     "distinct(target, 10m) >= 12 *",
     "distinct(target, 10m) >= 7 *"),
    ("network-harvest", "automation",
     "distinct(target, 10m) >= 100 and score() >= 2",
     "distinct(target, 10m) >= 100"),
    ("enumeration-block", "enumeration",
     "distinct(client.host, 10m) >= 5",
     "distinct(client.host, 10m) >= 9"),
    ("enumeration-block", "enumeration",
     "block-in-order, for: 1h",
     "block-in-order, for: 10m"),
    ("enumeration-block", "enumeration",
     "block-again, for: 1h",
     "block-again, for: 5m"),
    ("enumeration-block", "enumeration",
     "count(20m) >= 2",
     "count(20m) >= 1"),
    ("enumeration-block", "enumeration",
     "count(20m) >= 2",
     "count(10m) >= 2"),
    ("enumeration-block", "enumeration",
     "distinct(target, 10m) >= 12 and",
     "distinct(target, 10m) >= 60 and"),
    ("enumeration-block", "enumeration",
     "and sequential(target.number, 10m) >= 66%",
     ""),
    ("enumeration-block", "enumeration",
     "sequential(target.number, 10m) >= 66%",
     "sequential(target.number, 10m) >= 50%"),
    ("enumeration-block", "enumeration",
     "sequential(target.number, 10m) >= 66%",
     "sequential(target.number, 10m) >= 85%"),
    ("enumeration-block", "enumeration",
     "distinct(client.host, 10m) >= 5",
     "distinct(client.host, 10m) >= 4"),
    ("enumeration-block", "enumeration",
     "count(20m) >= 2",
     "count(60m) >= 2"),
    ("enumeration-block", "enumeration",
     "block-again, for: 1h",
     "block-again, for: 6h"),
    ("enumeration-pool", "enumeration",
     ">= 85% * distinct(target, 10m)",
     ">= 30% * distinct(target, 10m)"),
    ("enumeration-pool", "enumeration",
     "score() >= 3 and distinct(target, 10m) >= 40",
     "distinct(target, 10m) >= 40"),
    ("enumeration-pool", "enumeration",
     "score() >= 3 and distinct(target, 10m) >= 40",
     "score() >= 3 and distinct(target, 10m) >= 20"),
    ("network-harvest", "automation",
     "cookies == 0, 1h) > 50%",
     "cookies == 0, 1h) > 98%"),
    ("network-harvest", "automation",
     "cookies == 0, 1h) > 70%)",
     "cookies == 0, 1h) > 2%)"),
    ("network-harvest", "automation",
     "cookies == 0, 1h) > 50%",
     "cookies == 0, 1h) > 0%"),
    ("farm-harvest", "fake-accounts",
     "burst-visitor), 1h) >= 16",
     "burst-visitor), 1h) >= 105"),
    ("farm-harvest", "fake-accounts",
     "burst-visitor), 1h) >= 16",
     "burst-visitor), 1h) >= 3"),
    ("farm-harvest", "fake-accounts",
     "burst-visitor), 1h) >= 16",
     "burst-visitor), 1h) >= 24"),
    ("farm-harvest", "fake-accounts",
     ">= 0.85 * distinct(session, 1h)",
     ">= 0.79 * distinct(session, 1h)"),
    ("farm-harvest", "fake-accounts",
     "distinct(target, 24h) >= 5\n",
     "distinct(target, 24h) >= 3\n"),
    ("farm-harvest", "fake-accounts",
     "distinct(target, 24h) >= 5\n",
     "distinct(target, 24h) >= 8\n"),
    ("farm-harvest", "fake-accounts",
     "distinct(target, 24h) >= 11\n",
     "distinct(target, 24h) >= 14\n"),
    ("farm-harvest", "fake-accounts",
     "distinct(target, 24h) >= 11\n",
     "distinct(target, 24h) >= 5\n"),
    ("farm-harvest", "fake-accounts",
     "burst-reader), 1h) >= 8",
     "burst-reader), 1h) >= 5"),
    ("farm-harvest", "fake-accounts",
     ">= 0.25 * distinct(session, 1h)",
     ">= 0.19 * distinct(session, 1h)"),
    ("farm-harvest", "fake-accounts",
     ">= 0.25 * distinct(session, 1h)",
     ">= 0.36 * distinct(session, 1h)"),
    ("farm-harvest", "fake-accounts",
     "burst-reader), 1h) >= 3 and",
     "burst-reader), 1h) >= 7 and"),
    ("farm-harvest", "fake-accounts",
     "distinct(target, 1h) >= 15 *",
     "distinct(target, 1h) >= 13 *"),
    ("farm-harvest", "fake-accounts",
     "distinct(target, 1h) >= 50",
     "distinct(target, 1h) >= 46"),
    ("farm-harvest", "fake-accounts",
     "distinct(target, 1h) >= 50",
     "distinct(target, 1h) >= 62"),
    ("farm-harvest", "fake-accounts",
     "per: tag_origin(session, burst-account)",
     "per: all"),
    ("crowd-harvest", "automation",
     "(page == profile, 1h) >= 6 and",
     "(page == profile, 1h) >= 17 and"),
    ("crowd-harvest", "automation",
     "(page == profile, 1h) >= 6 and",
     "(page == profile, 1h) >= 4 and"),
    ("crowd-harvest", "automation",
     "1h) >= 6 and share(page == profile, 1h) > 95%",
     "1h) >= 6 and share(page == profile, 1h) > 65%"),
    ("crowd-harvest", "automation",
     "straight-reader, for: 10m",
     "straight-reader, for: 10s"),
    ("crowd-harvest", "automation",
     "straight-reader, for: 10m",
     "straight-reader, for: 6h"),
    ("crowd-harvest", "automation",
     ">= 12 + 3 *",
     ">= 60 + 3 *"),
    ("crowd-harvest", "automation",
     ">= 12 + 3 *",
     ">= 5 + 3 *"),
    ("crowd-harvest", "automation",
     ">= 12 + 3 *",
     ">= 12 + 0.3 *"),
    ("crowd-harvest", "automation",
     ">= 12 + 3 *",
     ">= 12 + 40 *"),
    ("crowd-harvest", "automation",
     "count(not tagged(client.host, straight-reader), 10m) / count(not tagged(client.host, straight-reader), 24h)",
     "10 / 1440"),
    ("crowd-harvest", "automation",
     ">= 85% * count(tagged",
     ">= 25% * count(tagged"),
    ("crowd-harvest", "automation",
     " and (surge(1.5x) >= 3 or not present(surge(1.5x)))",
     ""),
    ("crowd-harvest", "automation",
     "(surge(1.5x) >= 3 or not present(surge(1.5x)))",
     "surge(1.5x) >= 3"),
    ("mixed-crowd-harvest", "automation",
     "not tagged(client.host, straight-reader), 10m) / count(not tagged(client.host, straight-reader), 24h)",
     "page == profile, 10m) / count(page == profile, 24h)"),
    ("crowd-harvest", "automation",
     "surge(1.5x) >= 3 or",
     "surge(1.5x) >= 19 or"),
    ("crowd-harvest", "automation",
     "      and present(ua.fit)\n\n",
     "\n"),
    ("crowd-harvest", "automation",
     " and (ua.fit >= -6 or not present(ua.fit))",
     ""),
    ("crowd-harvest", "automation",
     "score() >= 3 and distinct(client.host, 10m) >= 8 and (surge(1.5x) >= 3 or",
     "distinct(client.host, 10m) >= 8 and (surge(1.5x) >= 3 or"),
    ("crowd-harvest", "automation",
     "      and (ua.fit >= -6 or not present(ua.fit))\n    per: [ua.family, ua.version]",
     "    per: [ua.family, ua.version]"),
    ("crowd-harvest", "automation",
     " and (ua.fit >= -6 or not present(ua.fit)) and tagged(client.host",
     " and tagged(client.host"),
    ("crowd-harvest", "automation",
     "      and present(ua.fit)\n\n  # Names who",
     "\n  # Names who"),
    ("crowd-harvest", "automation",
     "again: 5m\n    tag",
     "again: 5h\n    tag"),
    ("crowd-harvest", "automation",
     " and not tagged(client.host, straight-before)\n",
     "\n"),
    ("crowd-harvest", "automation",
     "count(3h) >= 1 + count(1h)",
     "count(3h) >= 1"),
    ("crowd-harvest", "automation",
     "straight-before, for: 1h",
     "straight-before, for: 1m"),
    ("crowd-harvest", "automation",
     " or tagged(client.host, straight-before))",
     ")"),
    ("mixed-crowd-harvest", "automation",
     "straight-reader), 10m) >= 20\n",
     "straight-reader), 10m) >= 12\n"),
    ("crowd-harvest", "automation",
     "straight-reader), 10m) >= 20\n",
     "straight-reader), 10m) >= 200\n"),
    ("mixed-crowd-harvest", "automation",
     "straight-reader), 10m) >= 24\n",
     "straight-reader), 10m) >= 12\n"),
    ("mixed-crowd-harvest", "automation",
     "straight-reader), 10m) >= 24\n",
     "straight-reader), 10m) >= 280\n"),
    ("mixed-crowd-harvest", "automation",
     ">= 12 + 3 *",
     ">= 30 + 3 *"),
    ("mixed-crowd-harvest", "automation",
     ">= 12 + 3 *",
     ">= 8 + 3 *"),
    ("mixed-crowd-harvest", "automation",
     " and not tagged(http.shape, crowd)\n",
     "\n"),
    ("mixed-crowd-harvest", "automation",
     ">= 85% * count(tagged",
     ">= 25% * count(tagged"),
    ("mixed-crowd-harvest", "automation",
     "score() >= 3 and distinct(client.host, 10m) >= 8 and (surge(2x) >= 8 or",
     "distinct(client.host, 10m) >= 8 and (surge(2x) >= 8 or"),
    ("mixed-crowd-harvest", "automation",
     "surge(2x) >= 8",
     "surge(2x) >= 3"),
    ("mixed-crowd-harvest", "automation",
     " and (ua.fit >= -6 or not present(ua.fit)) and not tagged(http.shape, crowd)\n    per",
     " and not tagged(http.shape, crowd)\n    per"),
    ("mixed-crowd-harvest", "automation",
     " and (ua.fit >= -6 or not present(ua.fit)) and not tagged(http.shape, crowd)\n      and",
     " and not tagged(http.shape, crowd)\n      and"),
    ("mixed-crowd-harvest", "automation",
     "      and present(ua.fit)\n\n  - name: mixed-crowd-harvest",
     "\n  - name: mixed-crowd-harvest"),
    ("mixed-crowd-harvest", "automation",
     "or not present(surge(2x)))\n    again: 5m\n\n",
     "or not present(surge(2x)))\n    again: 5h\n\n"),
    ("newcomers-harvest", "fake-accounts",
     "score() >= 3 and distinct(session, 1h) >= 10",
     "distinct(session, 1h) >= 10"),
    ("newcomers-harvest", "fake-accounts",
     "keen-newcomer), 1h) >= 5 +",
     "keen-newcomer), 1h) >= 1 +"),
    ("newcomers-harvest", "fake-accounts",
     "5 + 0.1 * distinct(session, 1h)",
     "5 + 0.4 * distinct(session, 1h)"),
    ("newcomers-harvest", "fake-accounts",
     "distinct(target, 24h) >= 15\n",
     "distinct(target, 24h) >= 3\n"),
    ("newcomers-harvest", "fake-accounts",
     "distinct(target, 24h) >= 15\n",
     "distinct(target, 24h) >= 21\n"),
    ("signup-burst-address", "signup-bursts",
     "(count(1h) >= 8 or count(12h) >= 20) and score() >= 3\n    tag",
     "(count(1h) >= 7 or count(12h) >= 20) and score() >= 3\n    tag"),
    ("signup-burst-address", "signup-bursts",
     "(count(1h) >= 8 or count(12h) >= 20) and score() >= 3\n    tag",
     "(count(1h) >= 9 or count(12h) >= 20) and score() >= 3\n    tag"),
    ("signup-burst-address", "signup-bursts",
     "(count(1h) >= 8 or count(12h) >= 20) and score() >= 3\n    tag",
     "(count(1h) >= 8 or count(12h) >= 24) and score() >= 3\n    tag"),
    ("signup-burst-address", "signup-bursts",
     "where: page == signup and signup.accepted",
     "where: page == signup"),
    ("signup-burst-network", "signup-bursts",
     "(count(1h) >= 8 or count(12h) >= 20) and score() >= 3\n      and distinct(client.host, 12h) >= 3",
     "(count(1h) >= 7 or count(12h) >= 20) and score() >= 3\n      and distinct(client.host, 12h) >= 3"),
    ("signup-burst-network", "signup-bursts",
     "distinct(client.host, 12h) >= 3",
     "distinct(client.host, 12h) >= 2"),
    ("signup-burst-software", "signup-bursts",
     "surge(4x) >= 12",
     "surge(9x) >= 12"),
    ("signup-burst-software", "signup-bursts",
     "surge(4x) >= 12",
     "surge(4x) >= 0"),
    ("signup-burst-software", "signup-bursts",
     "6 + 0.16 * count(1h)",
     "16 + 0.16 * count(1h)"),
    ("signup-burst-software", "signup-bursts",
     "6 + 0.16 * count(1h)",
     "1 + 0.05 * count(1h)"),
    ("signup-flood-address", "signup-bursts",
     "count(1h) >= 200",
     "count(1h) >= 185"),
    ("signup-flood-address", "signup-bursts",
     "count(1h) >= 200",
     "count(1h) >= 215"),
    ("signup-burst-mailbox", "fake-accounts",
     "per: email.canonical",
     "per: email.domain"),
    ("signup-burst-formless", "fake-accounts",
     "count(1h) >= 12",
     "count(1h) >= 24"),
    ("signup-burst-address", "signup-bursts",
     "weight: 2\n    family: timing",
     "weight: 1\n    family: timing"),
    ("signup-burst-mailbox", "fake-accounts",
     "count(1d) >= 8",
     "count(1d) >= 7"),
    ("signup-burst-mailbox", "fake-accounts",
     "count(1d) >= 8",
     "count(1d) >= 9"),
    ("signup-burst-disposable", "fake-accounts",
     "per: email.domain\n    when: count(1h) >= 8",
     "per: email.domain\n    when: count(1h) >= 4"),
    ("signup-burst-disposable", "fake-accounts",
     "per: email.domain\n    when: count(1h) >= 8",
     "per: email.domain\n    when: count(1h) >= 10"),
    ("signup-burst-disposables", "signup-bursts",
     "email.disposable\n    per: [page, http.shape]\n    when: count(1h) >= 8 and surge(4x) >= 12",
     "email.disposable\n    per: [page, http.shape]\n    when: count(1h) >= 8"),
    ("signup-burst-disposables", "signup-bursts",
     "email.disposable\n    per: [page, http.shape]\n    when: count(1h) >= 8 and",
     "email.disposable\n    per: [page, http.shape]\n    when: count(1h) >= 30 and"),
    ("signup-burst-disposables", "fake-accounts",
     "count(1h) >= 8 and score() >= 3\n    again: 5m",
     "count(1h) >= 14 and score() >= 3\n    again: 5m"),
    ("signup-drip-disposables", "signup-bursts",
     "15 + 0.05 * count(12h)",
     "1 + 0.005 * count(12h)"),
    ("signup-drip-disposables", "fake-accounts",
     "count(1h) < 8 and count(12h) >= 15",
     "count(1h) < 8 and count(12h) >= 45"),
    ("signup-burst-pattern", "fake-accounts",
     "(count(1h) >= 10 and email.skeleton",
     "(count(1h) >= 7 and email.skeleton"),
    ("signup-burst-pattern", "fake-accounts",
     "(count(1h) >= 16 and",
     "(count(1h) >= 60 and"),
    ("signup-burst-pattern", "fake-accounts",
     "distinct(client.prefix, 1h) >= 0.7 * count(1h)",
     "distinct(client.prefix, 1h) >= 0.01 * count(1h)"),
    ("signup-burst-pattern", "fake-accounts",
     "email.domain_age < 1d\n    per: email.skeleton\n    when: >\n      distinct(client.prefix, 1h)",
     "email.domain_age < 8d\n    per: email.skeleton\n    when: >\n      distinct(client.prefix, 1h)"),
    ("signup-drip-pattern", "fake-accounts",
     "(count(12h) >= 20 and",
     "(count(12h) >= 36 and"),
    ("signup-drip-pattern", "fake-accounts",
     "count(12h) >= 1.25 * distinct(email.domain, 12h)",
     "count(12h) >= 0.25 * distinct(email.domain, 12h)"),
    ("signup-burst-domain", "fake-accounts",
     "distinct(client.prefix, 1h) >= 8)",
     "distinct(client.prefix, 1h) >= 1)"),
    ("signup-burst-domain", "fake-accounts",
     "count(1h) >= 24 and",
     "count(1h) >= 15 and"),
    ("signup-burst-pattern", "fake-accounts",
     "(count(1h) >= 10 and email.skeleton",
     "(count(1h) >= 40 and email.skeleton"),
    ("signup-burst-pattern", "fake-accounts",
     "count(1h) >= 1.25 * distinct(email.domain, 1h)",
     "count(1h) >= 0.25 * distinct(email.domain, 1h)"),
    ("signup-burst-domain", "fake-accounts",
     "(count(1h) >= 12 and share",
     "(count(1h) >= 50 and share"),
    ("signup-burst-disposables", "signup-bursts",
     "email.disposable\n    per: [page, http.shape]\n    when: count(1h) >= 8 and surge(4x) >= 12",
     "email.disposable\n    per: [page, http.shape]\n    when: count(1h) >= 8 and surge(4x) >= 6"),
    ("signup-burst-disposables", "signup-bursts",
     "email.disposable\n    per: [page, http.shape]\n    when: count(1h) >= 8 and surge(4x) >= 12",
     "email.disposable\n    per: [page, http.shape]\n    when: count(1h) >= 8 and surge(4x) >= 18"),
    ("shape-harvest", "automation",
     "distinct(target, 1h) >= 100\n    again: 10m",
     "distinct(target, 1h) >= 100\n    again: 1h"),
    ("network-harvest", "automation",
     "cookies == 0, 1h) > 70%)",
     "cookies == 0, 1h) > 35%)"),
    ("network-harvest", "automation",
     "cookies == 0, 1h) > 70%)",
     "cookies == 0, 1h) > 95%)"),
    ("network-harvest", "automation",
     " or cookies == 0, 1h)",
     ", 1h)"),
    ("network-harvest", "automation",
     " or ua.fit < -6 or",
     " or"),
])
def test_the_tests_notice_rules_that_catch_less_or_more(tmp_path, rule, file, before, after):
    tree = tmp_path / "rules"
    shutil.copytree(RULES, tree)
    text = (tree / f"{file}.yaml").read_text()
    assert before in text
    (tree / f"{file}.yaml").write_text(text.replace(before, after))
    out, err = ctl_test(tree / "tests" / f"{rule}.yaml", status=1)
    assert "DIFFERS" in out and err == ""


def test_a_rule_without_tests_is_told(run):
    rules = MANY + MANY.replace("many", "more") + MANY.replace("many", "off, mode: off")
    out, _ = run(case(SCRAPER, "[{ rule: many }, { rule: more }]"), rules, status=1,
                 options=["--complete"])
    assert "rules.yaml:2:13: rule 'many' has no case that it leaves alone" in out
    assert "rules.yaml:4:13: rule 'more' has no case that it leaves alone" in out
    assert "'off'" not in out
    out, _ = run(case("times: 5, " + SCRAPER[11:]), status=1, options=["--complete"])
    assert "rule 'many' has no case at all" in out
    out, _ = run(case("times: 5, " + SCRAPER[11:]), status=1, head="about: many\n",
                 options=["--complete"])
    assert "rule 'many' has no case that it catches" in out


@pytest.mark.parametrize("site", sorted((RULES / "sites").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_site_map_loads_with_every_pack(tmp_path, site):
    done = subprocess.run([TRAWLCTL, "check", site, *sorted(RULES.glob("*.yaml"))],
                          capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""
    # Each file by itself, too, so that a mistake in one is not hidden by another.
    for pack in RULES.glob("*.yaml"):
        lists = [] if pack.stem == "crawlers" else [RULES / "crawlers.yaml"]
        done = subprocess.run([TRAWLCTL, "check", site, pack, *lists], capture_output=True,
                              text=True, timeout=60, cwd=tmp_path)
        assert done.returncode == 0, done.stderr


def test_the_manual_lists_the_shipped_rules():
    manual = (REPOSITORY / "docs/rules.md").read_text()
    table = manual[manual.index("## The shipped packs"):]
    names = {name for file in RULES.glob("*.yaml")
             for name in re.findall(r"^  - name: (\S+)$(?!\n    signal)", file.read_text(), re.M)}
    assert set(re.findall(r"^\| `(.*?)` \|", table, re.M)) == names


# What differs

def test_what_was_expected_and_what_came(run):
    out, _ = run(case(SCRAPER, "[{ rule: many, client.ip: 203.0.113.9, within: 20 requests }]"))
    assert "  ok      a\n" in out
    assert "many, client.ip 203.0.113.9, within 20 requests: came after 20 requests, 19.0 s" in out
    assert "came      many client.host 203.0.113.9 after 20 requests, 19.0 s" in out


@pytest.mark.parametrize("expect, says", [
    ("none", "after 20 requests, 19.0 s: not expected"),
    ("[{ rule: many, within: 19 requests }]", "came late, after 20 requests, 19.0 s"),
    ("[{ rule: many, within: 18s }]", "came late, after 20 requests, 19.0 s"),
    ("[{ rule: many, client.ip: 203.0.113.10 }]", "client.ip 203.0.113.10: did not come"),
    ("[{ rule: many, subject: 203.0.113.10 }]", "subject 203.0.113.10: did not come"),
    ("[{ rule: many, session: x }]", "session x: did not come"),
])
def test_a_difference_is_one(run, expect, says):
    out, _ = run(case(SCRAPER, expect), status=1)
    assert "DIFFERS a" in out and says in out and "1 case, 1 differs" in out


def test_what_is_seen_of_a_block(run):
    rules = """
  - { name: many, where: "page == profile and status == 200", per: client.host,
      when: "distinct(target, 10m) >= 20", block: 1h }
  - { name: still-there, per: client.host, when: block.state == ignored }
"""
    expect = ("[{ rule: many, client.ip: 203.0.113.9 }, "
              "{ rule: still-there, client.ip: 203.0.113.9, within: 31 requests }]")
    run(case('times: 60, every: 1s, client: 203.0.113.9, get: "/in/u{n}"', expect), rules)


def test_nothing_came(run):
    out, _ = run(case('times: 19, client: 203.0.113.9, get: "/in/u{n}"', "[{ rule: many }]"),
                 status=1)
    assert "many: did not come" in out and "came      nothing, in 19 requests" in out


def test_what_may_come_as_well(run):
    rules = MANY + MANY.replace("many", "more")
    expect = "[{ rule: many }]"
    run(case(SCRAPER, expect), rules, status=1)
    run(case(SCRAPER, expect, "    also: more\n"), rules)


@pytest.mark.parametrize("spares, differs", [
    ("198.51.100.0/24", False),
    ("[198.51.100.7, 203.0.113.0/24]", True),
    ("203.0.113.9", True),
])
def test_who_is_to_be_spared_is_not_named(run, spares, differs):
    reader = SCRAPER + ' }\n      - { client: 198.51.100.7, get: "/in/v"'
    out, _ = run(case(reader, "[{ rule: many }]", f"    spares: {spares}\n"),
                 status=int(differs))
    assert ("names 203.0.113.9, whom it should spare" in out) == differs


def test_nobody_is_spared_who_does_not_come(run):
    """A mistyped network would make a test of nothing."""
    out, _ = run(case(SCRAPER, "[{ rule: many }]", "    spares: 198.51.100.0/24\n"), status=1)
    assert "spared    198.51.100.0/24, of which nobody came" in out


def test_who_is_to_be_spared_is_not_among_the_involved(run):
    """Nor in what comes later of the incident; and what `also` may come is not looked at."""
    rules = """
  - { name: many, where: page == profile, per: session, when: "distinct(target, 10m) >= 5", again: 1m }
"""
    line = 'times: 40, every: 5s, client: 203.0.113.9, get: "/in/u{n}", cookie: { sid: one } }\n' \
           '      - { at: 1m, client: 203.0.113.10, get: /in/v, cookie: { sid: one }'
    spares = "    spares: 203.0.113.10\n"
    out, _ = run(case(line, "[{ rule: many }]", spares), rules, status=1)
    assert "came      many session one after 5 requests, 20.0 s: names 203.0.113.10, whom" in out
    run(case(line, "none", spares + "    also: many\n"), rules)


def test_a_case_that_never_reaches_its_rule_shows_nothing(run):
    out, _ = run(case('client: 203.0.113.9, get: /search', more="    about: many\n"), status=1)
    assert "passed by many: its 'where' lets no request of this case through" in out


def test_what_a_client_wrote_never_reaches_the_terminal(run):
    rule = "\n  - { name: r, per: header('x-a'), when: count(1m) >= 1 }\n"
    traffic = 'client: 192.0.2.1, get: /x, header: { X-A: "\\e[31mred" }'
    out, _ = run(case(traffic, "[{ rule: r }]"), rule)
    assert "came      r header('x-a') ?[31mred after 1 request, 0.0 s" in out


def test_json(run):
    out, _ = run(case(SCRAPER, "none"), status=1, options=["--json"])
    line = json.loads(out)
    assert line["case"] == "a" and not line["good"] and line["requests"] == 40
    assert line["came"] == [{"rule": "many", "subject": "client.host 203.0.113.9",
                             "requests": 20, "seconds": 19, "expected": False}]
    out, _ = run(case(SCRAPER, "[{ rule: many }]", "    spares: 203.0.113.9\n"), status=1,
                 options=["--json"])
    assert json.loads(out)["came"][0]["spared"] == "203.0.113.9"


def test_the_same_every_time(run):
    jittered = SCRAPER + ", every: 3s, jitter: 2s"
    first = run(case(jittered, "none"), status=1)
    assert run(case(jittered, "none"), status=1) == first
    assert run(case(jittered, "none", "    seed: 7\n"), status=1) != first


# Traffic

def reaches(run, field, traffic, n):
    """Whether the rules see at least n different values of `field` in that traffic."""
    rule = f'\n  - {{ name: r, where: "page == profile", per: all, when: "distinct({field}, 30d) >= {n}" }}\n'
    out, _ = run(case(traffic, "[{ rule: r }]"), rule, status=None)
    return ": did not come" not in out


@pytest.fixture
def seen(run):
    """seen(condition, traffic): whether a rule sees a request for which that holds."""
    def seen(condition, traffic, **more):
        rule = f"\n  - name: r\n    per: all\n    where: >\n      {condition}\n    when: count(1h) >= 1\n"
        out, _ = run(case(traffic, "[{ rule: r }]", **more), rule, status=None)
        return ": did not come" not in out
    return seen


@pytest.mark.parametrize("field, traffic, different", [
    ("target", 'times: 30, client: 192.0.2.1, get: "/in/{n%7}"', 7),
    ("target", 'times: 30, client: 192.0.2.1, get: "/in/{n/10}"', 4),
    ("target", 'times: 30, client: 192.0.2.1, get: "/in/{random}"', 30),
    ("target", 'times: 200, client: 192.0.2.1, get: "/in/{random:6}"', 6),
    ("target", 'times: 200, client: 192.0.2.1, get: "/in/{random:95-104}"', 10),
    ("client.ip", 'times: 30, client: 192.0.2.0/24, get: /in/x', 30),
    ("client.ip", 'times: 30, client: 192.0.2.0/24, clients: 9, get: /in/x', 9),
    ("client.ip", 'times: 30, client: [192.0.2.0/30, 198.51.100.1], get: /in/x', 5),
    ("client.ip", 'times: 30, client: "2001:db8::/126", get: /in/x', 4),
    ("client.host", 'times: 30, client: "2001:db8::/126", get: /in/x', 1),
    ("client.host", 'times: 30, client: "2001:db8::/48", clients: 8, get: /in/x', 8),
    ("session", 'times: 30, client: 192.0.2.0/24, clients: 6, get: /in/x, '
                'cookie: { a: b, sid: "s{client}" }', 6),
    ("session", 'times: 30, client: 192.0.2.1, get: /in/x, set_cookie: { sid: "s{n%4}" }', 4),
    ("http.shape", 'times: 30, client: 192.0.2.0/24, get: /in/x, '
                   'ua: ["@firefox", "@chrome", "@safari", "@curl", "@python-requests", '
                   '"@googlebot"]', 6),
    ("http.shape", 'times: 30, client: 192.0.2.1, get: /in/x, ua: ["@firefox", "@chrome"]', 1),
    ("status", 'times: 30, client: 192.0.2.1, get: /in/x, status: [200, 404, 410]', 3),
])
def test_lines_vary(run, field, traffic, different):
    assert reaches(run, field, traffic, different)
    assert not reaches(run, field, traffic, different + 1)


@pytest.mark.parametrize("condition, traffic", [
    ("client.ip == 203.0.113.77 and not client.uncertain",
     "client: 10.0.0.1, get: /x, header: { X-Forwarded-For: 203.0.113.77 }"),
    ("ua starts_with 'Mozilla/5.0' and ua contains 'Firefox/'",
     "client: 192.0.2.1, get: /x, ua: '@firefox'"),
    ("ua == 'bot 1'", "client: 192.0.2.1, get: /x, ua: 'bot {n}'"),
    ("not present(ua)", "client: 192.0.2.1, get: /x"),
    ("header('accept-language') == 'de' and host == 'a.example'",
     "client: 192.0.2.1, get: /x, ua: '@chrome', host: a.example, header: { Accept-Language: de }"),
    ("method == 'DELETE' and path == '/a/b' and query == 'c=1'",
     "client: 192.0.2.1, delete: '/a/b?c=1'"),
    ("latency == 300ms", "client: 192.0.2.1, get: /x, latency: 300ms"),
    ("response.bytes > 5000 and response.bytes < 5500", "client: 192.0.2.1, get: /x, size: 5000"),
    ("cookies == 2", "client: 192.0.2.1, get: /x, cookie: { a: '1', b: '2' }"),
    ("email.domain == 'example.org' and signup.accepted",
     "client: 192.0.2.1, post: /join, form: { email: a@example.org }, response: welcome in"),
    ("email.domain == 'example.org' and not signup.accepted",
     "client: 192.0.2.1, post: /join, form: { 'user[email]': a+b@example.org }, response: no"),
    ("email.domain == 'example.org'", "client: 192.0.2.1, post: /join, json: { email: a@example.org }"),
    ("tls.ja4 == 't13d1516h2_8daaf6152771_b186095e22b6'",
     "client: 10.0.0.1, get: /x, header: { X-Forwarded-For: 203.0.113.77 }, ja4: t13d1516h2_8daaf6152771_b186095e22b6"),
    ("hour == 11 and weekday == 1", "client: 192.0.2.1, get: /x"),
    ("hour == 12", "client: 192.0.2.1, get: /x, at: 1h"),
    ("signup.form_seen == unknown", "client: 192.0.2.1, post: /join, form: { email: a@b.example }"),
])
def test_rules_see_what_the_lines_say(seen, condition, traffic):
    assert seen(condition, traffic)
    assert not seen(f"not ({condition})", traffic)


def test_lines_run_side_by_side(run):
    traffic = ("times: 10, every: 10s, client: 192.0.2.1, get: /in/a }\n"
               "      - { times: 10, every: 10s, at: 5s, client: 192.0.2.2, get: /in/b")
    rule = ('\n  - { name: r, per: all, when: "count(client.ip == 192.0.2.2, 1h) == 3 '
            'and count(client.ip == 192.0.2.1, 1h) == 3" }\n')
    out, _ = run(case(traffic, "[{ rule: r }]"), rule)
    assert "came after 6 requests, 25.0 s" in out


def test_a_start(seen):
    more = {"more": "    start: 2026-03-01T05:30:00Z\n"}
    assert seen("hour == 5 and weekday == 7", "client: 192.0.2.1, get: /x", **more)


def test_a_capture(run):
    capture = REPOSITORY / "tests" / "captures" / "first-light.pcap"
    cases = f"  - name: a\n    capture: {capture}\n    expect: [{{ rule: many, client.ip: 203.0.113.9, within: 20 requests }}]\n"
    out, _ = run(cases, status=None)
    assert "client.ip 203.0.113.9, within 20 requests: came after 20 requests" in out
    _, err = run(cases.replace("first-light", "none"), status=3)
    assert re.search(r"t.yaml:5:14: .*none.pcap", err), err


def test_lists_that_a_test_brings_along(run, tmp_path):
    """The address tells a false crawler where the test names ranges, and nobody otherwise."""
    rule = """
  - { name: r, per: client.ip, where: bot.check == failed, when: count(1h) >= 1 }
"""
    cases = case('times: 2, client: [192.0.2.1, 203.0.113.9], get: /in/x, ua: "@googlebot"',
                 "[{ rule: r, client.ip: 203.0.113.9 }]")
    (tmp_path / "tests" / "ranges").mkdir(parents=True)
    (tmp_path / "tests" / "ranges" / "googlebot.txt").write_text("192.0.2.0/24\n")
    run(cases, rule, head="data: { crawlers: ranges }\n")
    out, _ = run(cases, rule, status=1)
    assert "came      nothing, in 2 requests" in out
    _, err = run(cases, rule, status=3, head="data: { crawlers: nowhere }\n")
    assert "nowhere" in err
    _, err = run(cases, rule, status=3, head="data: { crawler: ranges }\n")
    assert "t.yaml:3:9: unknown key 'crawler' in data (did you mean 'crawlers'?)" in err


def test_databases_that_a_test_brings_along(run, tmp_path):
    (tmp_path / "asn.mmdb").write_bytes(mmdb.database([("203.0.113.0/24", mmdb.asn(64500))]))
    (tmp_path / "country.mmdb").write_bytes(
        mmdb.database([("203.0.113.0/24", mmdb.country("NL"))]))
    rule = """
  - { name: r, per: client.asn, where: client.country == 'NL', when: count(1h) >= 1 }
"""
    out, _ = run(case("times: 2, client: [192.0.2.1, 203.0.113.9], get: /in/x", "[{ rule: r, subject: 64500 }]"),
                 rule, head="data: { asn: ../asn.mmdb, country: ../country.mmdb }\n")
    assert "came      r client.asn 64500 after 2 requests" in out


# Mistakes

@pytest.mark.parametrize("cases, says", [
    (case(SCRAPER.replace("times", "time")), "t.yaml:6:11: unknown key 'time' in a line of traffic"),
    (case(SCRAPER.replace("40", "0")), "t.yaml:6:18: times"),
    (case(SCRAPER.replace("{n}", "{m}")), "t.yaml:6:54: get: {m} is none of {n}"),
    (case(SCRAPER.replace("/in", "in")), "get: a path begins with '/'"),
    (case(SCRAPER.replace("203.0.113.9", "203.0.113")), "client: '203.0.113' is no address"),
    (case(SCRAPER.replace("203.0.113.9", "10.0.0.0/8")), "needs 'clients'"),
    (case(SCRAPER + ", clients: 2"), "clients: 'client' has but 1 addresses"),
    (case(SCRAPER + ", post: /x"), "a line asks for one thing only"),
    (case("client: 192.0.2.1"), "a line needs what is asked for"),
    (case("get: /"), "a line needs 'client'"),
    (case(SCRAPER + ", jitter: 2s"), "t.yaml:6:68: jitter is at most as long as 'every'"),
    (case(SCRAPER + ', ua: "@firefix"'), "did you mean '@firefox'?"),
    (case(SCRAPER + ", status: 20"), "status"),
    (case(SCRAPER + ", form: { a: b }, json: { a: b }"), "either 'form' or 'json'"),
    (case(SCRAPER, "[{ rule: manny }]"), "t.yaml:7:22: the rules have no rule 'manny' that is not off (did you mean 'many'?)"),
    (case(SCRAPER, "[{ client.ip: 192.0.2.1 }]"), "what is expected needs 'rule'"),
    (case(SCRAPER, "[{ rule: many, within: 3 }]"), "within: '3' is neither"),
    (case(SCRAPER, "[{ rule: many, client.ip: x }]"), "client.ip: 'x' is no address"),
    (case(SCRAPER, "[{ rule: many, clint.ip: 192.0.2.1 }]"), "did you mean 'client.ip'?"),
    (case(SCRAPER, "nothing"), "'expect' is 'none' or a list"),
    ("  - { name: a, expect: none }\n", "a case needs either 'traffic' or 'capture'"),
    ("  - { name: a, traffic: [], expect: none }\n", "'traffic' is a list of lines"),
    (case(SCRAPER, more="    start: yesterday\n"), "start is a time like"),
    (case(SCRAPER, more="    about: nobody\n"), "no rule 'nobody'"),
    (case(SCRAPER, more="    spares: [192.0.2.1, the office]\n"),
     "t.yaml:8:25: spares: 'the office' is neither an address nor a network"),
    (case(SCRAPER, more=f"    spares: [{', '.join(['192.0.2.1'] * 17)}]\n"), "more than 16 spared"),
])
def test_a_wrong_file_is_three(run, cases, says):
    out, err = run(cases, status=3)
    assert says in err and "0 cases" in out


def test_all_mistakes_of_all_files(run, tmp_path):
    _, err = run(case(SCRAPER), MANY.replace("distinct(target", "distinct(targt"), status=3)
    assert "rules.yaml:2:77: unknown field 'targt' (did you mean 'target'?)" in err
    _, err = run(case(SCRAPER + ", foo: 1", "[{ rule: x }]"), status=3)
    assert err.count("t.yaml:") == 2


def test_what_is_no_test(tmp_path):
    _, err = ctl_test(tmp_path, status=3)
    assert "no tests of rules" in err
    _, err = ctl_test(tmp_path / "none.yaml", status=3)
    assert "none.yaml: " in err
    _, err = ctl_test(RULES / "profile-scraping.yaml", status=3)
    assert "unknown key 'cases'" not in err and "a test needs 'site'" in err
    _, err = ctl_test(status=2)
    assert "takes a test, or a folder" in err
