# SPDX-License-Identifier: MIT
"""Whose an alert on a whole stratum is: everybody with one header shape, or one version of a
browser.

A crawl that is shared among thousands of addresses is never among the hundred that an alert
names. The truth tells for each hour how many profiles were viewed with each User-Agent, and
how many of these views were an attacker's. Such an alert is on attackers when these had
together at least a tenth of what its stratum viewed in the last six hours of the clock that
were over, and finds those of them that had a tenth. Six hours is what an alert without a
shorter window looks back; the hour that runs is not counted, as the truth tells it when it
is over.

Which User-Agents are in a stratum only the daemon knows: a shape is its hash, and families
have its names. So a small sample of the same site's people is sent through it first
(run.sample). What is not in the sample counts for nothing, neither as people's nor as an
attacker's.
"""
from collections import Counter, deque

HOURS = 6
PART = 0.1


class Strata:
    """`agents`: {type of subject: {value: its User-Agents}}."""

    def __init__(self, agents=None):
        self.agents = agents or {}
        self.hours = deque()  # lines of the truth

    def add(self, line):
        self.hours.append(line)
        while self.hours[0]["t"] < line["t"] - (HOURS + 1) * 3600:
            self.hours.popleft()

    def attackers(self, alert, may_be):
        """
        Whether the alert is on attackers, and those who had a tenth of the stratum.
        `may_be`: of groups, those that it can be on (names.Owners.only).
        """
        subject = alert["subject"]
        agents = self.agents.get(subject["type"], {}).get(subject["value"], ())
        views, parts = 0, Counter()
        for line in self.hours:
            if alert["t"] - HOURS * 3600 < line["t"] <= alert["t"] and line["agent"] in agents:
                views += line["views"]
                parts.update({int(group): some for group, some in line["attackers"].items()})
        left = may_be(parts)
        if not left or sum(parts[one] for one in left) < PART * views:
            return False, []
        return True, [one for one in left if parts[one] >= PART * views]
