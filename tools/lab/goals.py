# SPDX-License-Identifier: MIT
"""The figures against goals.json.

A goal for attackers names classes (with * and ?; not those of `but`), and may ask for
`where`: parameters of the instance (from its JSON in the truth, or counted in it:
addresses, accounts, sessions) within [least, most], or one of a list. It may want

    recall        at least that part of the instances found
    within_hours  an alert later than that does not count as found
    unit          profiles, signups, session (profiles of one session) or reading (of a
                  farm, before the first alert after its first profile)
    lost, median  at most so many in the worst case, and in the middle one
    cohort        every session that signed up or read is named by some alert

A goal for false alarms has `alarms` (any, high) and `most`, which the upper bound must
not be above.
"""
import fnmatch
import json
import os
import re

from . import figures
from .bounds import median, wilson
from .names import ATTACKER

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "goals.json")
COUNTED = ("addresses", "accounts", "sessions", "served", "accepted")


def read(path=FILE):
    with open(path) as file:
        return json.load(file)["goals"]


def value_of(group, name):
    """A parameter as a number; None where it has none."""
    value = group["parameters"].get(name)
    if value is None and name in COUNTED:
        value = group[name]
    if isinstance(value, str):
        return rate(value)
    return value


def rate(text):
    """`30/m`: a second, as the laboratory reads it."""
    parts = re.fullmatch(r"([0-9.]+)/([smhd])", text)
    return float(parts[1]) / {"s": 1, "m": 60, "h": 3600, "d": 86400}[parts[2]] \
        if parts else None


def matches(name, patterns):
    return any(fnmatch.fnmatchcase(name, one) for one in patterns)


def is_meant(goal, group):
    if not matches(group["class"], goal["classes"]) or \
            matches(group["class"], goal.get("but", [])):
        return False
    for name, wanted in goal.get("where", {}).items():
        value = value_of(group, name)
        if isinstance(wanted, dict):
            least, most = wanted.get("least", float("-inf")), wanted.get("most", float("inf"))
            if value is None or not least <= value <= most:
                return False
        elif group["parameters"].get(name) not in (
                wanted if isinstance(wanted, list) else [wanted]):
            return False
    return True


def is_found(goal, group):
    return bool(group["found"]) and \
        group["found"]["after"] <= goal.get("within_hours", float("inf")) * 3600


def lost(goal, group):
    unit = goal.get("unit", "profiles")
    if unit == "session":
        return (group["lost_a_session"] or {"most": 0})["most"]
    if unit == "reading":
        return figures.lost(group, "served", "reading")
    return figures.lost(group, "accepted" if unit == "signups" else "served")


UNITS = {"profiles": "profiles", "signups": "sign-ups", "session": "profiles an account",
         "reading": "profiles"}


def of_attackers(goal, runs, phase):
    some = [group for _, group in figures.groups(runs, ATTACKER, phase)
            if is_meant(goal, group)]
    if not some:
        return {"measured": "not measured", "state": "not measured", "instances": 0}
    found = sum(is_found(goal, one) for one in some)
    low, high = wilson(found, len(some))
    lost_by = [lost(goal, one) for one in some]
    result = {"instances": len(some), "found": found, "recall": found / len(some),
              "low": low, "high": high, "lost": max(lost_by), "lost_median": median(lost_by)}
    said = [f"{found} of {len(some)} found: recall {found / len(some):.3g} "
            f"({low:.2f} to {high:.2f})"]
    missed = []
    if found < goal.get("recall", 0) * len(some) - 1e-9:
        missed.append(f"recall {goal['recall'] - found / len(some):.2g} below")
    if "lost" in goal:
        said.append(f"{max(lost_by):,} {UNITS[goal.get('unit', 'profiles')]} lost at most, "
                    f"median {median(lost_by):,.0f}")
        if max(lost_by) > goal["lost"]:
            missed.append(f"{max(lost_by) - goal['lost']:,} lost too many in the worst case")
    if "median" in goal and median(lost_by) > goal["median"]:
        missed.append(f"median {median(lost_by) - goal['median']:,.0f} too many")
    if goal.get("cohort"):
        result["cohorts"] = sum(one["named"] == one["members"] for one in some)
        least = min(one["named"] / one["members"] if one["members"] else 0 for one in some)
        said.append(f"whole cohort named: {result['cohorts']} of {len(some)}, "
                    f"least {least:.0%}")
        if result["cohorts"] < len(some):
            missed.append(f"{len(some) - result['cohorts']} cohorts not whole")
    return {**result, "measured": "; ".join(said),
            "state": "reached" if not missed else "missed: " + "; ".join(missed)}


def of_alarms(goal, runs, phase):
    there = figures.of_phase(runs, phase)["false_alarms"]
    told = there[goal["alarms"]]
    if told["bound"] is None:
        return {"measured": "not measured", "state": "not measured"}
    measured = f"{told['alerts']} in {there['visitor_days'] / 1e6:.3g} million visitor days " \
               f"({there['days']:g} days): {told['rate']:.3g}, at most {told['bound']:.3g}"
    return {**told, "measured": measured, "state": state_of_alarms(goal, there, told)}


def state_of_alarms(goal, there, told):
    if told["rate"] > goal["most"]:
        return f"missed: {told['rate'] / goal['most']:.3g} times as many"
    if told["bound"] > goal["most"]:
        return f"not shown: the bound is {told['bound'] / goal['most']:.3g} times too high, " \
            "for want of visitor days"
    if there["days"] < goal.get("days", 0):
        return f"not shown: over {there['days']:g} days only"
    return "reached"


def held(goals, runs, phase=figures.AFTER):
    """Each goal with what was measured and whether it is reached."""
    return [{"goal": goal["goal"], "wanted": goal["wanted"],
             **(of_alarms if "alarms" in goal else of_attackers)(goal, runs, phase)}
            for goal in goals]
