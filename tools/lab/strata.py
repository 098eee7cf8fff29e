# SPDX-License-Identifier: MIT
"""Whose an alert on a whole stratum is: everybody with one header shape, or one version of a
browser.

A crawl that is shared among thousands of addresses is never among the hundred that an alert
names. The truth tells for each hour how many profiles were viewed with each User-Agent, and
how many of these views were an attacker's. Such an alert finds the attackers that had at
least a tenth of what its stratum viewed in the six whole hours before it.

A shape is a hash that only the daemon makes, so a small sample of the same site's people is
sent through it first (run.sample): it says which User-Agents have which shape.
"""
import re
from collections import Counter, deque

HOURS = 6
PART = 0.1
FAMILIES = {"Chrome": "Chrome", "Chrome Mobile": "Chrome", "Edge": "Edg", "Firefox": "Firefox",
            "Firefox Mobile": "Firefox", "Opera": "OPR", "Safari": "Version",
            "Mobile Safari": "Version"}
OTHERS_WITH_CHROME = re.compile(r" (Edg|OPR)[A-Za-z]*/")


class Strata:
    def __init__(self, shapes=None):
        self.shapes = shapes or {}  # shape: User-Agents
        self.hours = deque()        # lines of the truth

    def add(self, line):
        self.hours.append(line)
        while self.hours[0]["t"] < line["t"] - (HOURS + 1) * 3600:
            self.hours.popleft()

    def is_in(self, subject):
        """Whether a User-Agent is in the stratum; None where the subject is none."""
        kind, value = subject["type"], subject["value"]
        if kind == "http.shape":
            agents = self.shapes.get(value)
            return agents and (lambda agent: agent in agents)
        if kind != "ua.family|ua.version" or "|" not in value:
            return None
        family, version = value.split("|", 1)
        if family not in FAMILIES:
            return None
        wanted = re.compile(rf"\b{FAMILIES[family]}[A-Za-z]*/{re.escape(version)}(\D|$)")
        return lambda agent: bool(wanted.search(agent)) and not (
            FAMILIES[family] == "Chrome" and OTHERS_WITH_CHROME.search(agent))

    def attackers(self, alert):
        """Those that had a tenth of it."""
        is_in = self.is_in(alert["subject"])
        if not is_in:
            return []
        views, parts = 0, Counter()
        for line in self.hours:
            if alert["t"] - (HOURS + 1) * 3600 < line["t"] <= alert["t"] and is_in(line["agent"]):
                views += line["views"]
                for group, some in line["attackers"].items():
                    parts[int(group)] += some
        return [one for one, some in parts.items() if some >= PART * views]
