# SPDX-License-Identifier: MIT
"""SIGHUP: other rules are taken up with what is known, and mistakes change nothing."""
import hmac
import json
import os
import signal
import time

import pytest

import clients
from rig import Daemon, program, wait_until

SCRAPER = "203.0.113.61"
RULE = """rules:
  - name: harvest
    where: page == profile and status == 200
    per: client.host
    when: distinct(target, 10m) >= %s
"""


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def hang_up(daemon, word):
    """Sends SIGHUP and returns what the daemon said, up to the line with that word."""
    before = len(daemon.messages)
    daemon.child.send_signal(signal.SIGHUP)
    wait_until(lambda: any(word in line for line in daemon.messages[before:]), 10,
               f"{word!r} after SIGHUP")
    return "".join(daemon.messages[before:])


def test_windows_go_on_and_mistakes_change_nothing(rig, redis):
    there = rig.add_client(SCRAPER)
    rules = rig.path("reloaded.yaml")
    write(rules, RULE % 1000)
    with Daemon(rig, "-o", "redis.url=" + redis.url, "-o", "journal.keep=2h",
                journal="journal-reload", rules=rules) as daemon:
        clients.curl_profiles(rig, there, 40)
        wait_until(lambda: len(daemon.visible()) >= 40, 10, "the first forty requests")

        write(rules, RULE % "40 and cuont(10m) > 1")
        said = hang_up(daemon, "the old rules stay")
        assert "reloaded.yaml:5:43:" in said and "did you mean 'count'" in said
        clients.curl_profiles(rig, there, 2)
        time.sleep(0.5)
        assert redis.alerts() == []

        write(rules, RULE % 40)
        assert "1 rules" in hang_up(daemon, "taken up")
        assert redis.alerts() == []  # rules look at transactions, and none came
        clients.curl_profiles(rig, there, 1)
        wait_until(redis.alerts, 10, "the alert")
        alert = redis.alerts()[0]["json"]
        assert alert["trawlwatch"]["subject"]["value"] == SCRAPER
        assert alert["trawlwatch"]["evidence"][0]["value"] >= 40
        # What Redis has seen it remembers for as long as the journal keeps it.
        seen = redis.ask("keys", "{trawlwatch}:seen:*")
        assert 7100_000 < int(redis.ask("pttl", seen[0])) <= 7200_000

        # The incident goes on with its rule, and ends with it.
        write(rules, RULE % 41)
        hang_up(daemon, "taken up")
        write(rules, (RULE % 41).replace("harvest", "other"))
        hang_up(daemon, "taken up")
        wait_until(lambda: len(redis.alerts()) == 2, 10, "the end of the incident")
        assert redis.alerts()[1]["action"] == "ended"
        assert redis.alerts()[1]["id"] == redis.alerts()[0]["id"]
        assert daemon.stop() == 0


def test_another_site_map_is_taken_up(rig, redis):
    there = rig.add_client("203.0.113.62")
    with Daemon(rig, "-o", "redis.url=" + redis.url, journal="journal-site") as daemon:
        clients.curl_profiles(rig, there, 3)
        wait_until(lambda: len(daemon.visible()) >= 3, 10, "requests")
        assert {one["trawlwatch"]["page"] for one in daemon.visible()} == {"profile"}
        site = rig.path("site.yaml")
        with open(site, encoding="utf-8") as file:
            text = file.read()
        write(site, text.replace("- name: profile",
                                 "- { name: member, path: /in/** }\n  - name: profile", 1))
        hang_up(daemon, "taken up")
        clients.curl_profiles(rig, there, 3)
        wait_until(lambda: len(daemon.visible()) >= 6, 10, "requests after the reload")
        assert [one["trawlwatch"]["page"] for one in daemon.visible()[-3:]] == ["member"] * 3
        assert daemon.stop() == 0


def raised_and_ended(redis):
    return [(one["action"], one["id"]) for one in redis.alerts()]


def test_a_restart_goes_on_with_windows_and_incidents(rig, redis):
    there = rig.add_client("203.0.113.63")
    rules = rig.path("kept.yaml")
    write(rules, RULE % 60)
    options = ("-o", "redis.url=" + redis.url, "-o", "journal.snapshot=1s")
    snapshot = rig.path("journal-kept") + "/engine.snapshot"

    def run():
        return Daemon(rig, *options, journal="journal-kept", rules=rules)

    with run() as daemon:
        clients.curl_profiles(rig, there, 40)
        wait_until(lambda: len(daemon.visible()) >= 40, 10, "forty requests")
        assert daemon.stop() == 0
    assert os.stat(snapshot).st_mode & 0o777 == 0o600
    with run() as daemon:
        assert any("going on from the snapshot" in line for line in daemon.messages)
        clients.curl_profiles(rig, there, 70)  # the first forty are the same profiles
        wait_until(redis.alerts, 10, "the alert")
        assert redis.alerts()[0]["json"]["trawlwatch"]["evidence"][0]["value"] == 60
        # Killed, it has what the last snapshot had, which was written beside the work.
        before = os.stat(snapshot).st_mtime_ns
        wait_until(lambda: os.stat(snapshot).st_mtime_ns > before, 10, "a snapshot")
        before = os.stat(snapshot).st_mtime_ns
        wait_until(lambda: os.stat(snapshot).st_mtime_ns > before, 10, "one more")
        daemon.crash()
    incident = redis.alerts()[0]["id"]
    write(rules, (RULE % 60).replace("harvest", "other"))
    with run() as daemon:
        # The rule is gone, and so its incident ends, under its name.
        wait_until(lambda: ("ended", incident) in raised_and_ended(redis), 10, "the end")
        assert daemon.stop() == 0


def test_after_a_crash_every_alert_of_the_journal_is_in_redis(rig, redis):
    """Events that were told after the snapshot keep their numbers to themselves."""
    there = rig.add_client("203.0.113.65")
    rules = rig.path("crashed.yaml")
    write(rules, RULE % 20 + "    again: 1s\n")

    def run(snapshot):
        return Daemon(rig, "-o", "redis.url=" + redis.url, "-o", "journal.snapshot=" + snapshot,
                      journal="journal-crashed", rules=rules)

    def more(count):
        before = len(redis.alerts())
        for _ in range(count):
            time.sleep(1.1)  # `again` of the packets' time
            clients.curl_profiles(rig, there, 1)
        wait_until(lambda: len(redis.alerts()) >= before + count, 10, "updates in the stream")

    with run("1h") as daemon:
        clients.curl_profiles(rig, there, 30)
        wait_until(redis.alerts, 10, "the alert")
        assert daemon.stop() == 0  # writes the snapshot
    with run("1h") as daemon:
        more(2)
        daemon.crash()
    with run("1h") as daemon:
        more(2)
        assert daemon.stop() == 0
    found = redis.alerts()
    assert len({one["id"] for one in found}) == 1
    numbers = [int(one["n"]) for one in found]
    assert numbers == list(range(len(found))) and len(found) >= 5, numbers
    written = rig.run(rig.server, [program("trawlctl"), "alerts", "--json", "--journal",
                                   rig.path("journal-crashed")]).stdout
    assert [json.loads(line) for line in written.splitlines()] == [one["json"] for one in found]


CRASHING = """rules:
  - name: harvest
    where: page == profile and status == 200
    per: client.host
    when: distinct(target, 15s) >= 20
    again: 1s
    block: [10m, 1h]
"""


@pytest.mark.parametrize("snapshot", ["none", "older", "damaged"])
def test_an_incident_that_no_snapshot_knows_goes_on_under_its_id(rig, redis, snapshot):
    """Killed after an alert: who goes on is no second alert, who stops is ended."""
    number = 70 + 2 * ["none", "older", "damaged"].index(snapshot)
    goes_on, stops = f"203.0.113.{number}", f"203.0.113.{number + 1}"
    folder = rig.path("journal-killed-" + snapshot)
    file = os.path.join(folder, "engine.snapshot")
    there, gone = rig.add_client(goes_on), rig.add_client(stops)
    rules = rig.path("killed.yaml")
    write(rules, CRASHING)

    def run():
        return Daemon(rig, "-o", "redis.url=" + redis.url, "-o", "journal.snapshot=1h",
                      journal=folder, rules=rules)

    def events(subject):
        return [one for one in redis.alerts()
                if one["json"]["trawlwatch"]["subject"]["value"] == subject]

    if snapshot == "older":
        with run() as daemon:
            assert daemon.stop() == 0
    with run() as daemon:
        clients.curl_profiles(rig, there, 25)
        clients.curl_profiles(rig, gone, 25)
        wait_until(lambda: events(goes_on) and events(stops), 10, "the alerts")
        daemon.crash()
    assert os.path.exists(file) == (snapshot == "older")
    if snapshot == "damaged":  # its time says nothing
        write(file, "no snapshot at all")
        os.utime(file, (time.time() + 3600,) * 2)
    block = redis.ask("GET", "{trawlwatch}:block:ip:" + goes_on)
    known = len(events(goes_on))
    with run() as daemon:
        clients.curl_profiles(rig, there, 25)
        wait_until(lambda: len(events(goes_on)) > known, 10, "the scraper's next event")
        again = events(goes_on)[known]
        assert again["action"] == "updated"
        assert again["json"]["trawlwatch"]["block"] == \
            events(goes_on)[0]["json"]["trawlwatch"]["block"]
        for subject in (stops, goes_on):
            wait_until(lambda: events(subject)[-1]["action"] == "ended", 40,
                       f"the end of what {subject} did")
        assert daemon.stop() == 0
    for subject in (stops, goes_on):
        found = events(subject)
        assert len({one["id"] for one in found}) == 1
        actions = [one["action"] for one in found]
        assert actions.count("raised") == 1 and actions.count("ended") == 1
        assert actions[0] == "raised" and actions[-1] == "ended"
        assert [int(one["n"]) for one in found] == list(range(len(found)))
    served = [one["json"]["trawlwatch"]["served"] for one in events(stops)]
    assert served[-1] == served[-2] and served[-1]["targets"] >= 20
    assert redis.ask("GET", "{trawlwatch}:block:ip:" + goes_on) == block


def test_a_damaged_snapshot_is_refused(rig, redis):
    folder = rig.path("journal-damaged")
    with Daemon(rig, journal="journal-damaged") as daemon:
        assert daemon.stop() == 0
    with open(folder + "/engine.snapshot", "r+b") as file:
        file.seek(1000)
        file.write(b"damage")
    with Daemon(rig, journal="journal-damaged") as daemon:
        assert any("the snapshot is not used, windows begin empty: it is damaged" in line
                   for line in daemon.messages)
        assert daemon.stop() == 0


def test_the_next_privacy_key_is_taken_up(rig):
    """First by SIGHUP when its time is past, then by itself when its time comes."""
    there = rig.add_client("203.0.113.64")
    key = rig.path("rotated.key")
    old, new, last = ("%02x" % n * 32 for n in (1, 2, 3))

    def name(of):
        return hmac.new(bytes.fromhex(of), b"session\0s3cret", "sha256").hexdigest()[:32]

    def names(daemon):
        return [one["trawlwatch"]["session"] for one in daemon.visible()]

    def visit(daemon):
        before = len(daemon.visible())
        clients.curl_profiles(rig, there, 1, "-b", "sid=s3cret")
        wait_until(lambda: len(daemon.visible()) > before, 10, "a request")

    write(key, old + "\n")
    os.chmod(key, 0o600)
    with Daemon(rig, "-o", "privacy.key_file=" + key, journal="journal-key") as daemon:
        visit(daemon)
        assert names(daemon) == [name(old)]
        write(key, "spoilt\n")
        said = hang_up(daemon, "the old rules stay")
        assert "64 hex digits" in said and "spoilt" not in said
        soon = time.time() + 3
        write(key, f"{old}\n{new} from 2020-01-01T00:00:00Z\n{last} from "
              + time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(soon)) + "\n")
        hang_up(daemon, "taken up")
        visit(daemon)
        assert names(daemon)[1:] == [name(new)]
        wait_until(lambda: any("next privacy key" in line for line in daemon.messages), 10,
                   "the time of the last key")
        visit(daemon)
        assert names(daemon)[2:] == [name(last)]
        assert daemon.stop() == 0


def test_another_limit_for_blocks_is_taken_up(rig, redis):
    """With one block a minute the second visitor is refused; without a limit he is blocked."""
    visitors = {client: rig.add_client(client) for client in ("203.0.113.65", "203.0.113.66")}
    rules, config = rig.path("limited.yaml"), rig.path("limited-config.yaml")
    write(rules, RULE % 5 + "    block: 10m\n    again: 1h\n")
    write(config, "blocks: { per_minute: 1 }\n")

    def blocked():
        return redis.ask("ZRANGE", "{trawlwatch}:blocks", "0", "-1")

    with Daemon(rig, "-c", config, "-o", "redis.url=" + redis.url, journal="journal-limited",
                rules=rules) as daemon:
        for there in visitors.values():
            clients.curl_profiles(rig, there, 8)
        wait_until(lambda: len(redis.alerts()) >= 3, 10, "the alerts")
        assert [one["rule"] for one in redis.alerts()] == ["harvest", "block-limit", "harvest"]
        assert blocked() == ["ip:203.0.113.65"]
        write(config, "blocks: { per_minute: 0 }\n")
        hang_up(daemon, "taken up")
        clients.curl_profiles(rig, visitors["203.0.113.66"], 1)
        wait_until(lambda: len(blocked()) == 2, 10, "the second block")
        assert daemon.stop() == 0
    counters = daemon.counters()
    assert counters["blocks_total"] == 2 and counters["blocks_refused_total"] >= 1
