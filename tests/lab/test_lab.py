# SPDX-License-Identifier: MIT
"""What trawl-lab writes, held against what trawlwatchd reads in it."""
import collections
import datetime
import json
import os
import statistics
import subprocess
import time
from pathlib import Path

import pytest

import made_up  # noqa: F401: tools/ can be imported
from lab import run

BIN = Path(os.environ.get("TRAWLWATCH_BIN", "build/bin"))
WAYS = ["forwarded", "proxy", "direct"]
SMALL = ["people.count=150", "people.signups=30%", "people.no_cookies=5%",
         "people.prefetch=30%", "people.recruiters=5%", "people.mobile_moves=10%",
         "site.missing=5%"]


def lab(folder, *options, settings=(), name="lab", check=True):
    """Runs the laboratory; its files are NAME.pcap and so on. Returns its counts."""
    arguments = [BIN / "trawl-lab", "--stats", "--capture", folder / f"{name}.pcap",
                 "--truth", folder / f"{name}.truth", "--requests", folder / f"{name}.requests",
                 "--site-map", folder / f"{name}.yaml", *options]
    for setting in settings:
        arguments += ["-o", setting]
    result = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if check:
        assert result.returncode == 0, result.stderr
        return json.loads(result.stderr)
    return result


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def daemon(folder, name="lab"):
    """The requests that the daemon reads, and its counters."""
    result = subprocess.run(
        [BIN / "trawlwatchd", "-r", folder / f"{name}.pcap", "-s", folder / f"{name}.yaml",
         "-R", "none", "-o", "privacy.clear=session,account", "-o", f"journal.dir={folder}",
         "--print", "requests", "--stats"],
        capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return ([json.loads(line) for line in result.stdout.splitlines()],
            json.loads(result.stderr.splitlines()[-1]))


def hour_before(end):
    """The hour that ended then, as a timestamp begins: 2026-03-02T11."""
    assert end % 3600 == 0
    begin = datetime.datetime.fromtimestamp(end - 3600, datetime.timezone.utc)
    return begin.strftime("%Y-%m-%dT%H")


def as_made(request):
    """Of a line of --requests, what the daemon can know."""
    path = request["path"].partition("?")[0]
    target = path.rsplit("/", 1)[1] if "profile" in request else None
    return (request["client"], request["method"], path, request.get("session"),
            request.get("account"), target, request["status"])


def as_read(request):
    own = request["trawlwatch"]
    return (request["client"]["ip"], request["http"]["request"]["method"], request["url"]["path"],
            own.get("session"), own.get("account"), own.get("target"),
            request["http"]["response"]["status_code"])


@pytest.mark.parametrize("app", ["site.app=no", "site.app=yes"])
@pytest.mark.parametrize("way", WAYS)
def test_the_daemon_reads_what_was_made(tmp_path, way, app):
    counts = lab(tmp_path, settings=[*SMALL, f"wire.way={way}", app])
    made = lines(tmp_path / "lab.requests")
    read, stats = daemon(tmp_path)
    assert len(made) == counts["requests"] > 3000
    assert collections.Counter(map(as_read, read)) == collections.Counter(map(as_made, made))
    # in the same order, too: that of the answers
    assert [as_read(r) for r in read] == [as_made(r) for r in made]
    assert stats["packets_total"] == counts["packets"]
    assert stats["flows_total"] == counts["connections"]
    for nothing in ("gaps_total", "gap_bytes_total", "requests_unanswered_total",
                    "segments_out_of_order_total", "segments_overlapping_total",
                    "http_malformed_requests_total", "http_desyncs_total",
                    "visitors_uncertain_total", "form_malformed_total"):
        assert stats[nothing] == 0, nothing
    signups = [r for r in made if r["method"] == "POST" and r["path"] == "/signup"]
    assert len(signups) > 10 and stats["form_bodies_total"] == len(signups)
    # each kind of visitor is there
    assert {200, 302, 303, 304, 404, 422} <= {r["status"] for r in made}
    assert {":" in r["client"] for r in made} == {True, False}


@pytest.mark.parametrize("settings", [
    ["wire.segment=1448", "wire.bodies=yes"], ["wire.segment=600"], ["wire.bodies=yes"],
    ["wire.terminator=haproxy"], ["wire.upstream_requests=3"], ["wire.upstream_idle=1s"]])
def test_other_frames_tell_the_same(tmp_path, settings):
    lab(tmp_path, settings=[*SMALL, *settings])
    read, stats = daemon(tmp_path)
    assert [as_read(r) for r in read] == [as_made(r) for r in lines(tmp_path / "lab.requests")]
    assert stats["gap_bytes_total"] == 0


@pytest.mark.parametrize("settings", [
    ["site.naming=number"], ["site.naming=uuid", "site.host=other.example"],
    ["site.session_cookie=token", "site.account_cookie=member", "site.field_email=user[mail]",
     "site.field_name=name", "site.path.profile='/people/{target}/cv'",
     "site.path.profile_api='/v2/{target}.json'", "site.path.search='/find/{words}'",
     "site.path.signup=/join/now", "site.path.signup_form=/join", "site.path.feed=/news",
     "site.path.asset='/a/{number}'", "site.path.picture='/p/{number}.webp'",
     "site.path.home=/start", "site.path.login=/enter"]])
def test_a_site_of_other_names(tmp_path, settings):
    """The site map that is written fits the paths that are made."""
    lab(tmp_path, settings=[*SMALL, *settings])
    checked = subprocess.run([BIN / "trawlctl", "check", tmp_path / "lab.yaml"],
                             capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    read, _ = daemon(tmp_path)
    made = lines(tmp_path / "lab.requests")
    pages = collections.Counter()
    for request, maker in zip(read, made):
        page = request["trawlwatch"]["page"]
        assert request["url"]["path"] == maker["path"].partition("?")[0]
        assert (page == "profile") == ("profile" in maker), maker
        pages[page] += 1
    assert {"asset", "profile", "search", "signup", "signup_form", "login", "feed", "home",
            "other"} <= set(pages)
    assert pages["other"] < len(made) / 20, pages


def test_same_seed_same_bytes(tmp_path):
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        lab(tmp_path, "--seed", str(seed), settings=SMALL, name=name)
    for kind in ("pcap", "truth", "requests", "yaml"):
        a, b, c = ((tmp_path / f"{name}.{kind}").read_bytes() for name in "abc")
        assert a == b
        assert kind == "yaml" or a != c


def person_requests(path):
    """What each person asked for, by person."""
    found = collections.defaultdict(list)
    for request in lines(path):
        if request["actor"] == "person" and not request["group"]:
            found[request["person"]].append(
                (request["t"], request["client"], request["path"], request["status"]))
    return found


def test_nobody_changes_when_others_stay_away(tmp_path):
    """An actor's dice are its own: without the programs, people do the same."""
    lab(tmp_path, settings=[*SMALL, "people.api_clients=20"], name="with")
    lab(tmp_path, settings=[*SMALL, "people.api_clients=0"], name="without")
    with_them = person_requests(tmp_path / "with.requests")
    assert with_them == person_requests(tmp_path / "without.requests")
    assert len(with_them) > 100
    assert any(r["actor"] == "person-api" for r in lines(tmp_path / "with.requests"))


def test_a_day_is_the_same_in_a_longer_run(tmp_path):
    lab(tmp_path, "--days", "1", settings=SMALL, name="one")
    lab(tmp_path, "--days", "2", settings=SMALL, name="two")
    one = (tmp_path / "one.requests").read_text().splitlines()
    two = (tmp_path / "two.requests").read_text().splitlines()
    inside = [line for line in one if json.loads(line)["t"] < "2026-03-02T23:00"]
    assert two[:len(inside)] == inside


def peak_memory(days):
    """
    Of the program alone, KiB. What wait4() tells of a child is not below what this process
    had when it began it, so its status is looked at while it runs.
    """
    process = subprocess.Popen(
        [BIN / "trawl-lab", "-o", "people.count=40k", "-o", f"days={days}", "-o", "site.styles=0",
         "-o", "site.scripts=0", "-o", "site.fonts=0", "-o", "people.pictures=0",
         "--capture", "/dev/null"],
        env={**os.environ, "ASAN_OPTIONS": "quarantine_size_mb=1"})  # it keeps what was freed
    peak = 0
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        if "Name:\ttrawl-lab" in status and "VmHWM:" in status:
            peak = int(status.partition("VmHWM:")[2].split()[0])
        time.sleep(0.01)
    assert process.returncode == 0 and peak > 2000
    return peak


def test_memory_does_not_grow_with_time():
    """Four days need as much as one; a day has half a megabyte of arrivals."""
    assert peak_memory(4) < peak_memory(1) * 1.15


def test_a_client_that_closes(tmp_path):
    """Each of its requests has a connection of its own, where it comes itself."""
    clients = tmp_path / "clients"
    clients.mkdir()
    source = Path(__file__).parents[2] / "tools/trawl-lab/clients/firefox.heads"
    (clients / "firefox.heads").write_text(source.read_text())
    (clients / "closer.heads").write_text(
        "# name: closer\n# version: 1\n# class: library\n# share: 0\n\n@ navigation\n"
        "{method} {path} HTTP/1.1\nHost: {host}\nConnection: close\n")
    settings = ["people.count=0", "people.api_clients=3", f"clients={clients}"]
    counts = lab(tmp_path, settings=[*settings, "wire.way=direct"])
    assert counts["connections"] == counts["requests"] > 300
    counts = lab(tmp_path, settings=settings)  # a terminator keeps its own open
    assert counts["connections"] < counts["requests"]


def test_streams_to_standard_output(tmp_path):
    lab(tmp_path, settings=SMALL)
    arguments = [BIN / "trawl-lab", "--capture", "-"]
    for setting in SMALL:
        arguments += ["-o", setting]
    result = subprocess.run(arguments, capture_output=True, check=True)
    assert result.stdout == (tmp_path / "lab.pcap").read_bytes()


def test_a_reader_that_goes_is_told(tmp_path):
    command = f"{BIN}/trawl-lab -o people.count=2000 --capture - | head -c 100 >/dev/null"
    result = subprocess.run(["bash", "-c", command + '; echo "${PIPESTATUS[0]}"'],
                            capture_output=True, text=True, check=False)
    assert result.stdout.strip() == "1"
    assert "-: Broken pipe" in result.stderr


def test_truth_without_attackers_is_a_summary(tmp_path):
    counts = lab(tmp_path, settings=SMALL)
    [summary] = [line["summary"] for line in lines(tmp_path / "lab.truth")]
    made = lines(tmp_path / "lab.requests")
    assert summary["requests"] == counts["requests"] == len(made)
    assert summary["packets"] == counts["packets"]
    assert summary["people"] == summary["visitors"] == len({r["person"] for r in made})
    assert summary["end"] - summary["begin"] == 86400


def test_visitors_are_told_by_day(tmp_path):
    """A visit over midnight counts for the day on which it began."""
    lab(tmp_path, "--days", "2", settings=SMALL)
    [summary] = [line["summary"] for line in lines(tmp_path / "lab.truth")]
    days = [set(), set()]
    for request in lines(tmp_path / "lab.requests"):
        days[request["t"] >= "2026-03-03"].add(request["person"])
    first, second = summary["visitors_by_day"]
    assert first == len(days[0])
    assert 0 < len(days[1] - days[0]) < second <= len(days[1])


DAY = Path(__file__).parents[2] / "tools/trawl-lab/days/small.yaml"


@pytest.fixture(scope="module", name="whole_day")
def a_whole_day(tmp_path_factory):
    """People, traps and attackers."""
    folder = tmp_path_factory.mktemp("day")
    counts = lab(folder, "-p", DAY, settings=["people.count=500"])
    return folder, counts, lines(folder / "lab.requests"), lines(folder / "lab.truth")


def test_the_daemon_reads_traps_and_attackers(whole_day):
    folder, _, made, truth = whole_day
    read, stats = daemon(folder)
    assert len(read) == len(made)
    views, mine = collections.Counter(), collections.Counter()
    attackers = {line["group"] for line in truth if line.get("side") == "attacker"}
    for one, other in zip(read, made):
        if "profile" in other and other["status"] // 100 == 2 and other["method"] != "HEAD":
            when = one["@timestamp"][:13], one.get("user_agent", {}).get("original", "")
            views[when] += 1
            if other["group"] in attackers:
                mine[(*when, str(other["group"]))] += 1
    hours = {hour for hour, _, _ in mine}
    told = {(hour_before(line["t"]), line["agent"]): line for line in truth if "agent" in line}
    assert len({agent for _, agent in told}) > 5
    assert {when: line["views"] for when, line in told.items()} == \
        {when: count for when, count in views.items() if when[0] in hours}
    assert {(*when, group): some for when, line in told.items()
            for group, some in line["attackers"].items()} == mine
    for one, other in zip(read, made):
        assert as_read(one)[:5] == as_made(other)[:5] and as_read(one)[6] == as_made(other)[6]
    assert stats["gap_bytes_total"] == stats["http_malformed_requests_total"] == 0


def test_a_sample_tells_the_strata_as_the_daemon_spells_them(tmp_path, whole_day):
    plan = run.Plan("held-out", str(DAY), 7, 1, 0, 1, None, None,
                    ["-o", "people.count=10k"], [])
    strata = run.sample(plan, BIN, tmp_path)
    assert set(strata) == {"http.shape", "ua.family|ua.version"}
    versions = strata["ua.family|ua.version"]
    for name, mark in (("edge", " Edg"), ("chrome", "Chrome/"), ("firefox", "Firefox/")):
        mine = {value: agents for value, agents in versions.items()
                if value.startswith(name + "|")}
        assert len(mine) > 1
        for value, agents in mine.items():
            version = value.removeprefix(name + "|")
            assert agents and all(mark in one and f"/{version}" in one for one in agents)
    read, _ = daemon(whole_day[0])
    shared = 0
    for one in read:
        shape = one["trawlwatch"].get("http_shape")
        if one["trawlwatch"].get("page") == "profile" and shape in strata["http.shape"]:
            shared += one["user_agent"]["original"] in strata["http.shape"][shape]
    assert shared > 1000


def test_truth_is_what_was_asked_and_answered(whole_day):
    """Told again from the requests: what a group uses first, was served, was accepted."""
    _, counts, made, truth = whole_day
    groups = {line["group"]: line for line in truth if "side" in line}
    assert {line["side"] for line in groups.values()} == {"trap", "attacker"}
    assert len(groups) > 25 and all(isinstance(g["parameters"], dict) for g in groups.values())
    told = collections.defaultdict(set)
    served, accepted = collections.Counter(), collections.Counter()
    for line in truth[:-1]:
        for what in ("address", "session", "account"):
            if what in line and "served" not in line and "accepted" not in line:
                assert (what, line[what]) not in told[line["group"]]
                told[line["group"]].add((what, line[what]))
        if "served" in line:
            served[line["group"]] += 1
            assert line["served"] == served[line["group"]]
        if "accepted" in line:
            accepted[line["group"]] += 1
            assert line["accepted"] == accepted[line["group"]]
    used = collections.defaultdict(set)
    profiles, signups = collections.defaultdict(set), collections.Counter()
    for request in made:
        group = request["group"]
        if not group:
            continue
        used[group].add(("address", request["client"]))
        used[group] |= {(what, request[what]) for what in ("session", "account")
                        if what in request}
        if groups[group]["side"] != "attacker":
            continue
        if "profile" in request and request["status"] // 100 == 2 and request["method"] != "HEAD":
            profiles[group].add(request["profile"])
        if request["method"] == "POST" and request["path"] == "/signup":
            signups[group] += request["status"] // 100 in (2, 3)
    assert used == told
    assert {g: len(p) for g, p in profiles.items()} == dict(served)
    assert signups == accepted
    assert sum(served.values()) > 2000 and sum(accepted.values()) > 300
    assert [line["t"] for line in truth[:-1]] == sorted(line["t"] for line in truth[:-1])
    assert truth[-1]["summary"]["visitors"] > truth[-1]["summary"]["people"] > 400
    assert truth[-1]["summary"]["requests"] == counts["requests"]


def test_people_do_the_same_without_attackers(whole_day, tmp_path):
    folder, *_ = whole_day
    lab(tmp_path, "-p", DAY, settings=["people.count=500", "attackers=none", "traps=none"])
    assert person_requests(tmp_path / "lab.requests") == person_requests(
        folder / "lab.requests")


def test_frames_are_in_order_of_time(tmp_path):
    lab(tmp_path, settings=SMALL)
    data = (tmp_path / "lab.pcap").read_bytes()
    at, before, count = 24, 0, 0
    while at < len(data):
        seconds, ns, captured, _ = (
            int.from_bytes(data[at + i:at + i + 4], "little") for i in (0, 4, 8, 12))
        assert ns < 10 ** 9 and seconds * 10 ** 9 + ns >= before
        before = seconds * 10 ** 9 + ns
        at += 16 + captured
        count += 1
    assert at == len(data) and count > 5000


@pytest.fixture(scope="module", name="week")
def a_week(tmp_path_factory):
    """People over a week, with what is drawn of them left as it is."""
    folder = tmp_path_factory.mktemp("week")
    lab(folder, "--days", "7", settings=["people.count=1000", "people.api_clients=0",
                                         "site.profiles=50k"])
    return [r for r in lines(folder / "lab.requests") if r["actor"] == "person"]


def is_view(request):
    return "profile" in request and request["path"].startswith("/in/")


def by_person(requests, what):
    found = collections.defaultdict(list)
    for request in requests:
        found[request["person"]].append(what(request))
    return found


def test_as_many_people_come_as_was_said(week):
    days = collections.defaultdict(set)
    for request in week:
        days[request["t"][:10]].add(request["person"])
    counts = [len(people) for day, people in days.items() if day < "2026-03-09"]
    assert len(counts) == 7
    assert 930 < statistics.mean(counts) < 1070
    assert statistics.mean(counts[:5]) > 1.2 * statistics.mean(counts[5:])  # the week-end


def test_a_day_has_a_night(week):
    hours = collections.Counter(int(r["t"][11:13]) for r in week)
    assert min(hours[h] for h in range(9, 22)) > 5 * max(hours[h] for h in (2, 3, 4))


def test_people_differ(week):
    views = [len(v) for v in by_person(filter(is_view, week), lambda r: r["profile"]).values()]
    views.sort()
    assert views[len(views) // 2] <= 6
    assert views[-len(views) // 100] > 60  # recruiters
    assert statistics.pvariance(views) > 20 * statistics.mean(views)


def test_people_come_back_to_whom_they_know(week):
    """A circle of their own; recruiters have more use for those whom they do not know."""
    views = by_person(filter(is_view, week), lambda r: r["profile"])
    part = {}
    for name, least, most in (("regulars", 10, 25), ("recruiters", 60, 10 ** 6)):
        some = [p for p in views.values() if least <= len(p) <= most]
        assert len(some) > 50
        part[name] = sum(len(p) - len(set(p)) for p in some) / sum(map(len, some))
    assert 0.2 < part["regulars"] < 0.6
    assert 0.1 < part["recruiters"] < 0.4


def test_popular_profiles_are_seen_by_many(week):
    seen = collections.Counter(r["profile"] for r in week if is_view(r))
    total = sum(seen.values())
    top = sum(count for _, count in seen.most_common(50))
    assert 0.05 < top / total < 0.4
    assert sum(1 for count in seen.values() if count == 1) / len(seen) > 0.4


def test_browsers_keep_what_they_have(week):
    """Who keeps cookies keeps shared files, too: they come once, later a 304 at most."""
    shared = [r for r in week if r["path"].endswith((".css", ".js", ".woff2"))]
    fetched = by_person((r for r in shared if r["status"] == 200), lambda r: r["path"])
    visits = by_person(week, lambda r: (r["browser"], r.get("session")))
    keepers = [p for p, all_visits in visits.items()
               if len({browser for browser, _ in all_visits}) > 2
               and len({session for _, session in all_visits}) <= 2]
    assert len(keepers) > 200
    assert all(len(fetched[p]) == len(set(fetched[p])) for p in keepers)
    assert any(fetched[p] for p in keepers)
    assert 0 < sum(r["status"] == 304 for r in shared) < len(shared) / 2


def test_sessions_last(week):
    """A cookie is the same on other days for most, and of one person only."""
    owners = collections.defaultdict(set)
    sessions = by_person((r for r in week if "session" in r), lambda r: r["session"])
    for person, names in sessions.items():
        for name in names:
            owners[name].add(person)
    assert all(len(people) == 1 for people in owners.values())
    days = collections.defaultdict(set)
    for request in week:
        days[request["person"]].add(request["t"][:10])
    regulars = [p for p, all_days in days.items() if len(all_days) >= 4]
    assert len(regulars) > 50
    few = [p for p in regulars if len(set(sessions[p])) <= 2]
    assert 0.5 < len(few) / len(regulars) < 0.95
    # and the site does not set it again when it was sent
    sets = collections.Counter(r["person"] for r in week if "sets_session" in r)
    assert all(sets[p] <= 3 for p in few)


def test_addresses_are_shared(week):
    people = collections.defaultdict(set)
    for request in week:
        people[request["client"]].add(request["person"])
    sizes = sorted(map(len, people.values()))
    assert sizes[len(sizes) // 2] == 1
    assert sizes[-1] > 20


def test_a_signup_is_a_form_then_a_post(week):
    """With minutes between, and the account's session afterwards."""
    signups = 0
    for requests in by_person(week, lambda r: r).values():
        form = next((r for r in requests if r["path"] == "/signup" and r["method"] == "GET"), None)
        post = next((r for r in requests if r["path"] == "/signup" and r["status"] == 303), None)
        if not form or not post:
            continue
        signups += 1
        assert form["t"] < post["t"] and "account" in post
        assert "account" not in form
        after = [r for r in requests
                 if r["t"] > post["t"] and r["browser"] == post["browser"]]
        assert after and all(r["session"] == post["session"] for r in after)
        assert after[0]["path"] == "/feed"
    assert signups >= 8


def test_mistakes_are_told_with_a_remedy(tmp_path):
    result = lab(tmp_path, settings=["people.cuont=5", "days=x"], check=False)
    assert result.returncode == 3
    assert "unknown parameter 'people.cuont'" in result.stderr
    assert "-o days:1:1: days: 'x' is not a number; write one like" in result.stderr
    result = subprocess.run([BIN / "trawl-lab"], capture_output=True, text=True, check=False)
    assert result.returncode == 2 and "--capture FILE" in result.stderr
    result = lab(tmp_path, settings=[f"clients={tmp_path}/none"], check=False)
    assert result.returncode == 3 and "No such file" in result.stderr


def test_printed_parameters_read_back(tmp_path):
    printed = subprocess.run([BIN / "trawl-lab", "-o", "people.count=123", "--print-parameters"],
                             capture_output=True, text=True, check=True).stdout
    (tmp_path / "p.yaml").write_text(printed)
    again = subprocess.run([BIN / "trawl-lab", "-p", tmp_path / "p.yaml", "--print-parameters"],
                           capture_output=True, text=True, check=True).stdout
    assert printed == again and "count: 123" in printed
