# SPDX-License-Identifier: MIT
"""The truth and the alerts of one run -> what became of each group.

Both are read as streams, side by side. What a group was served counts as lost until its
first alert is *told*: `delay` seconds after the alert's time, which is that of the
request that made it so; the answer to it comes later, and then the alert.

Names are known a little ahead of the alert (AHEAD): a sign-up's session is set by its
answer, after the request that the alert has its time from.
"""
import heapq
import json
from collections import Counter, deque
from datetime import datetime, timezone

from . import names
from .bounds import median
from .strata import Strata

AHEAD = 10      # seconds
DISORDER = 600  # seconds that an alert's line may come too late
DELAY = 1.0
HIGH = ("high", "critical")


def seconds(text):
    """2026-11-23T17:09:23.120000Z; what is below a microsecond is cut off."""
    whole = datetime.fromisoformat(text[:19]).replace(tzinfo=timezone.utc).timestamp()
    return whole + float("0" + text[19:].rstrip("Z"))


def read_alert(line):
    """What is needed of an alert's line; None for one that is none (a change by a person)."""
    whole = json.loads(line)
    if whole["event"].get("kind", "alert") != "alert":
        return None
    more = whole["trawlwatch"]
    return {"t": seconds(whole["@timestamp"]), "id": whole["event"]["id"],
            "action": whole["event"]["action"], "rule": whole["rule"]["name"],
            "severity": more["severity"], "dry_run": more["dry_run"],
            "subject": more["subject"], "involved": more.get("involved", {})}


def in_order(alerts):
    """By time; equal times as they came."""
    heap = []
    for number, alert in enumerate(alerts):
        heapq.heappush(heap, (alert["t"], number, alert))
        while heap[0][0] < alert["t"] - DISORDER:
            yield heapq.heappop(heap)[2]
    while heap:
        yield heapq.heappop(heap)[2]


class Group:
    """A trap or an attacker."""

    def __init__(self, line):
        self.number, self.side, self.name = line["group"], line["side"], line["class"]
        self.parameters = line.get("parameters", {})
        self.begin = line["t"]
        self.first_t = self.last_t = None  # of its requests, as far as the truth tells
        self.used = Counter()              # kinds of names
        self.served = self.accepted = 0
        self.first_served_t = None
        self.sessions = {}                 # spelled name: [served, accepted, served when named]
        self.found = self.reading = None   # see alert_of
        self.rules = Counter()             # incidents by rule
        self.shared_only = True
        self.incidents = set()

    def count(self, what, line, session):
        """A line of the truth that tells what it got."""
        setattr(self, what, line[what])
        if what == "served" and self.first_served_t is None:
            self.first_served_t = line["t"]
        self.seen(line["t"])
        if session is not None:
            mine = self.sessions.setdefault(session, [0, 0, None])
            mine[0 if what == "served" else 1] += 1

    def seen(self, t):
        self.first_t = t if self.first_t is None else min(self.first_t, t)
        self.last_t = max(self.last_t or t, t)

    def take(self, alert, told, is_shared):
        """An alert is its."""
        now = {"t": told, "rule": alert["rule"], "severity": alert["severity"],
               "served": self.served, "accepted": self.accepted, "shared": is_shared}
        self.found = self.found or now
        if self.first_served_t is not None:
            self.reading = self.reading or now
        self.shared_only = self.shared_only and is_shared
        if alert["id"] not in self.incidents:
            self.incidents.add(alert["id"])
            self.rules[alert["rule"]] += 1

    def name_sessions(self, sessions):
        for one in sessions:
            mine = self.sessions.setdefault(one, [0, 0, None])
            if mine[2] is None:
                mine[2] = mine[0]

    def record(self):
        members = [one for one in self.sessions.values() if one[0] or one[1]]
        readers = [one[0] if one[2] is None else one[2] for one in members if one[0]]
        start = self.first_t
        return {
            "group": self.number, "side": self.side, "class": self.name,
            "parameters": self.parameters, "begin": self.begin, "first": start,
            "last": self.last_t, "addresses": self.used["address"],
            "sessions": self.used["session"], "accounts": self.used["account"],
            "served": self.served, "accepted": self.accepted,
            "found": self.found and {**self.found, "after": max(0.0, self.found["t"] - start)},
            "reading": self.reading and {
                **self.reading, "after": max(0.0, self.reading["t"] - self.first_served_t)},
            "shared_only": bool(self.found) and self.shared_only,
            "rules": dict(self.rules), "members": len(members),
            "named": sum(one[2] is not None for one in members),
            "readers": len(readers), "lost_a_session": readers and
            {"median": median(readers), "most": max(readers)} or None}


class Truth:
    """The truth file, read as far as is needed."""

    def __init__(self, lines, key, agents=None):
        self.lines = iter(lines)
        self.owners = names.Owners(key)
        self.strata = Strata(agents)
        self.groups, self.summary = {}, None
        self.next, self.waiting = None, deque()

    def advance(self, names_until, counts_until):
        while self.summary is None and self.read() and self.next["t"] <= names_until:
            self.apply(self.next)
            self.next = None
        while self.waiting and self.waiting[0][1]["t"] <= counts_until:
            group, line, what, session = self.waiting.popleft()
            group.count(what, line, session)
            if what == "accepted":
                self.owners.makers.add(group.number)

    def read(self):
        """Whether self.next is a line with a time."""
        while self.next is None:
            text = next(self.lines, None)
            if text is None:
                raise ValueError("the truth ends without a summary")
            if not text.strip():
                continue
            line = json.loads(text)
            if "summary" in line:
                self.summary = line["summary"]
                return False
            self.next = line
        return True

    def apply(self, line):
        if "side" in line:
            self.groups[line["group"]] = Group(line)
            self.owners.sides[line["group"]] = line["side"]
            return
        if "agent" in line:
            self.strata.add(line)
            return
        group = self.groups[line["group"]]
        if group.side == names.ATTACKER:
            self.owners.last[group.number] = line["t"]
        for what in ("served", "accepted"):
            if what in line:
                session = line.get("session")
                if session is not None:
                    session = self.owners.spelled("session", session)
                self.waiting.append((group, line, what, session))
                return
        for kind in ("address", "session", "account"):
            if kind in line:
                self.owners.add(group.number, kind, line[kind])
                group.used[kind] += 1
                group.seen(line["t"])


class Score:
    def __init__(self, truth, delay):
        self.truth, self.delay = truth, delay
        self.alarms, self.alarm_ids = [], set()
        self.on_attackers = set()  # incidents
        self.named = {}  # incident: {group: its names that messages had so far}
        self.raised = []  # (time, side)
        self.dry_run = 0

    def alert(self, alert):
        told = alert["t"] + self.delay
        self.truth.advance(told + AHEAD, told)
        if alert["dry_run"]:
            self.dry_run += alert["action"] == "raised"
            return
        verdict = self.verdict(alert)
        more = self.named_by_now(alert, verdict.groups)
        for number in verdict.groups + more:
            group = self.truth.groups[number]
            group.name_sessions(self.sessions_of(group, alert))
            if alert["action"] != "ended":
                group.take(alert, told, verdict.shared or number in more)
        if alert["action"] == "raised":
            self.raised.append((alert["t"], verdict.side))
        if verdict.side == names.ATTACKER:
            self.on_attackers.add(alert["id"])
        elif alert["action"] != "ended" and not (
                alert["id"] in self.on_attackers and self.goes_on(alert)):
            self.false_alarm(alert, verdict)

    def verdict(self, alert):
        verdict = self.truth.owners.verdict(alert)
        if verdict.side != names.PEOPLE:
            return verdict
        is_theirs, attackers = self.truth.strata.attackers(
            alert, lambda groups: self.truth.owners.only(groups, names.ATTACKER, alert))
        return names.Verdict(names.ATTACKER, attackers, len(attackers) != 1) \
            if is_theirs else verdict

    def named_by_now(self, alert, groups):
        """Others of which an incident on attackers has named half by now (names.py, 3)."""
        owners, named = self.truth.owners, self.named.setdefault(alert["id"], {})
        if alert["action"] == "ended":
            del self.named[alert["id"]]
            return []
        if owners.verdict(alert).side != names.ATTACKER:
            return []
        kind, values = names.names_of(alert)
        for one in values:
            for group in owners.only(owners.of(kind, one), names.ATTACKER, alert):
                named.setdefault((kind, group), set()).add(one)
        return [group for (of, group), some in named.items()
                if group not in groups and len(some) >= names.NAMED
                and 2 * len(some) >= owners.used[of][group]]

    def goes_on(self, alert):
        """Whether an incident that was raised on attackers is theirs still (names.py, 5)."""
        with self.truth.owners.for_ever():
            return self.verdict(alert).side == names.ATTACKER

    def sessions_of(self, group, alert):
        there = list(alert["involved"].get("session", {}).get("values", []))
        if alert["subject"]["type"] == "session":
            there.append(alert["subject"]["value"])
        return [one for one in there if group.number in self.truth.owners.of("session", one)]

    def false_alarm(self, alert, verdict):
        """Once for an incident."""
        if alert["id"] in self.alarm_ids:
            return
        self.alarm_ids.add(alert["id"])
        group = self.truth.groups[verdict.groups[0]] if verdict.groups else None
        self.alarms.append({
            "t": alert["t"], "rule": alert["rule"], "severity": alert["severity"],
            "on": group.name if group else names.PEOPLE, "group": group and group.number,
            "subject": alert["subject"], "involved": {
                kind: some.get("total", 0) for kind, some in alert["involved"].items()}})

    def finish(self):
        self.truth.advance(float("inf"), float("inf"))
        used = [one for one in self.truth.groups.values() if one.first_t is not None]
        return {"summary": self.truth.summary,
                "groups": [one.record() for one in used],
                "idle": len(self.truth.groups) - len(used),
                "alarms": self.alarms, "raised": self.raised, "dry_run": self.dry_run}


def score(truth_lines, alert_lines, delay=DELAY, key=None, agents=None):
    """
    Of iterables of lines. `key`: sessions and accounts of the alerts are pseudonyms under
    it (names.OFFLINE_KEY); None: they are as sent (privacy.clear=session,account).
    `agents`: the User-Agents of each stratum (strata.Strata).
    """
    result = Score(Truth(truth_lines, key, agents), delay)
    read = (read_alert(line) for line in alert_lines if line.strip())
    for alert in in_order(one for one in read if one):
        result.alert(alert)
    return result.finish()
