# SPDX-License-Identifier: MIT
"""Many runs -> figures for each class of attackers, each trap, and false alarms.

A run is what score.score returns, with `set` (tuning, held-out), `day`, `seed` and
`warm_up` (days). A phase of it is `first` (the warm-up: nothing is learnt yet) or `after`.
"""
import math
from collections import Counter

from .bounds import median, poisson_upper, wilson
from .names import ATTACKER, PEOPLE, TRAP
from .score import HIGH

DAY = 86400
FIRST, AFTER = "first", "after"
MILLION = 1e6


def days_of(run):
    summary = run["summary"]
    return max(1, math.ceil((summary["end"] - summary["begin"]) / DAY - 1e-6))


def day_at(run, t):
    return int((t - run["summary"]["begin"]) // DAY)


def phase_at(run, t):
    return FIRST if day_at(run, t) < run["warm_up"] else AFTER


def visitor_days(run, phase):
    """
    Visitors of each day of the phase, added. Where the truth does not tell them by day,
    the visitors of the run are shared out: too few where people come back, so the rates
    are too high then, never too low.
    """
    days = days_of(run)
    by_day = run["summary"].get("visitors_by_day") or \
        [run["summary"]["visitors"] / days] * days
    warm_up = min(run["warm_up"], days)
    return sum(by_day[:warm_up] if phase == FIRST else by_day[warm_up:])


def groups(runs, side, phase):
    """(run, group) of all runs, by the group's first request."""
    for run in runs:
        for group in run["groups"]:
            if group["side"] == side and phase_at(run, group["first"]) == phase:
                yield run, group


def by_class(runs, side, phase):
    found = {}
    for _, group in groups(runs, side, phase):
        found.setdefault(group["class"], []).append(group)
    return dict(sorted(found.items()))


def lost(group, what, when="found"):
    """Profiles (`served`) or sign-ups (`accepted`) that it had before its first alert."""
    return group[when][what] if group[when] else group[what]


def most(values):
    return max(values) if values else None


def spread(values):
    return {"median": median(values), "most": most(values)}


def recall(found, tried):
    low, high = wilson(found, tried)
    return {"instances": tried, "found": found, "recall": found / tried if tried else None,
            "low": low, "high": high}


def of_class(some):
    """The figures of the instances of one class."""
    found = [one for one in some if one["found"]]
    readers = [one for one in some if one["served"]]
    makers = [one for one in some if one["accepted"]]
    figures = recall(len(found), len(some))
    figures["by_shared_alerts_only"] = sum(one["shared_only"] for one in some)
    figures["profiles_lost"] = spread([lost(one, "served") for one in readers])
    figures["signups_lost"] = spread([lost(one, "accepted") for one in makers])
    figures["seconds"] = spread([one["found"]["after"] for one in found])
    figures["found_first_by"] = dict(Counter(
        one["found"]["rule"] for one in found).most_common())
    figures["severity_first"] = dict(Counter(
        one["found"]["severity"] for one in found).most_common())
    figures["found_by"] = dict(Counter(
        rule for one in found for rule in one["rules"]).most_common())
    figures["sessions"] = sessions([one for one in some if one["lost_a_session"] and
                                    (one["accounts"] or one["accepted"])])
    figures["farms"] = farms([one for one in some if one["served"] and one["accepted"]])
    return figures


def sessions(some):
    """What a session (an account) of a group had read when an alert first named it."""
    return {"groups": len(some), "sessions": sum(one["readers"] for one in some),
            "lost": {"median": median([one["lost_a_session"]["median"] for one in some]),
                     "most": most([one["lost_a_session"]["most"] for one in some])}}


def farms(some):
    """Groups that signed up and then read: what the alerts after the first read profile say."""
    return {"instances": len(some),
            "found_reading": sum(bool(one["reading"]) for one in some),
            "lost_reading": spread([lost(one, "served", "reading") for one in some]),
            "seconds_reading": spread([one["reading"]["after"] for one in some
                                       if one["reading"]]),
            "whole_cohort_named": sum(one["named"] == one["members"] for one in some),
            "named_least": min((one["named"] / one["members"] for one in some),
                               default=None)}


def of_trap(name, some, alarms):
    on = [one for one in alarms if one["on"] == name]
    return {"instances": len(some), "alerts": len(on),
            "with_an_alert": len({(one["run"], one["group"]) for one in on}),
            "by_rule": dict(Counter(f"{one['rule']} ({one['severity']})"
                                    for one in on).most_common())}


def alarms_of(runs, phase):
    """False alarms, each with the number of its run."""
    return [{**alarm, "run": number} for number, run in enumerate(runs)
            for alarm in run["alarms"] if phase_at(run, alarm["t"]) == phase]


def rate(count, exposure):
    """A million visitors and day, with the upper 95 % bound."""
    if not exposure:
        return {"alerts": count, "rate": None, "bound": None}
    return {"alerts": count, "rate": count * MILLION / exposure,
            "bound": poisson_upper(count) * MILLION / exposure}


def of_alarms(alarms, exposure, days):
    high = [one for one in alarms if one["severity"] in HIGH]
    rules = Counter((one["rule"], one["severity"]) for one in alarms)
    people = Counter(one["rule"] for one in alarms if one["on"] == PEOPLE)
    return {"visitor_days": exposure, "days": days,
            "any": rate(len(alarms), exposure), "high": rate(len(high), exposure),
            "by_rule": [{"rule": rule, "severity": severity, "on_people": people[rule],
                         "on_traps": count - people[rule], **rate(count, exposure)}
                        for (rule, severity), count in rules.most_common()]}


def by_hour(runs, phase):
    """Incidents raised in each hour of the day, all days together."""
    hours = {side: [0] * 24 for side in (ATTACKER, TRAP, PEOPLE)}
    for run in runs:
        for t, side in run["raised"]:
            if phase_at(run, t) == phase:
                hours[side][int((t - run["summary"]["begin"]) % DAY // 3600)] += 1
    return hours


def days_in(runs, phase):
    each = ((days_of(run), min(run["warm_up"], days_of(run))) for run in runs)
    return sum(warm_up if phase == FIRST else days - warm_up for days, warm_up in each)


def of_phase(runs, phase):
    alarms = alarms_of(runs, phase)
    exposure = sum(visitor_days(run, phase) for run in runs)
    traps = by_class(runs, TRAP, phase)
    return {
        "attackers": {name: of_class(some)
                      for name, some in by_class(runs, ATTACKER, phase).items()},
        "traps": {name: of_trap(name, some, alarms) for name, some in traps.items()},
        "false_alarms": of_alarms(alarms, exposure, days_in(runs, phase)),
        "hours": by_hour(runs, phase)}


# Parameters that tell one instance of a class from another.
TOLD = ("rate", "addresses", "spread", "place", "accounts", "order", "software", "each", "timing",
        "signups", "signup_rate", "signup_software", "emails")


def instances(runs, phase):
    """A row for each attacker, for plots and for whoever looks for the worst."""
    rows = []
    for run, group in groups(runs, ATTACKER, phase):
        reads = bool(group["served"])
        what = "served" if reads else "accepted"
        rows.append({
            "set": run["set"], "day": run["day"], "seed": run["seed"],
            "group": group["group"], "class": group["class"],
            "parameters": {name: value for name, value in group["parameters"].items()
                           if name in TOLD},
            "what": "profiles" if reads else "sign-ups", "in_all": group[what],
            "lost": lost(group, what, "reading" if reads else "found"),
            "after": group["found"] and round(group["found"]["after"], 1),
            "rule": group["found"] and group["found"]["rule"],
            "severity": group["found"] and group["found"]["severity"]})
    return rows
