# SPDX-License-Identifier: MIT
"""docs/detection.md: a fixed introduction, tables, plots."""
import os

from . import tables

HEAD = """\
<!-- Written by tools/lab-report: change tools/lab/page.py, not this file. -->
# What the shipped rules find

And what they miss, and whom they take for what he is not. Measured on made-up traffic by
`{command}` on {date}, version {version}.

## What is measured, and how

`trawl-lab` writes days of a site: people, *traps* (people and programs that look like
attackers and are none: offices, recruiters, crawlers, a classroom that signs up) and
*attackers* of many kinds, and the truth about them. What it writes goes straight into
`trawlwatchd -r` with the rules that are shipped, as packets, behind a proxy as in life.
The alerts are held against the truth by `tools/lab/score.py`. Nothing in the laboratory
knows the rules, but for the attacker that is told to stay below a threshold.

* **Visitors.** The files of parameters, in `tools/trawl-lab/days`, say how many different people
  come each day; here it is {scale:g} of that (`--scale`). Attackers and traps are as many as the
  file says, whatever the number of people: on a small site they weigh more, and so do false
  alarms on traps.
* **What the daemon was told**, as whoever runs a site does: the networks of two search engines,
  and the address from which the site's own people archive it (`tools/lab/site`).
* **Days.** Each run is {days} days in a row, so that what has to be learnt (usual rates, cold
  targets, header shapes) is learnt. The warm-up of {warm_up} is told by itself; all other
  tables are of the {measured} after it.
* **Recall** is the part of the attackers of which an alert spoke while they were at it; in
  brackets Wilson's 95 % interval.
* **Lost** is what an attacker had been served (different profiles with 2xx), or the
  sign-ups that were accepted, before its first alert was told: {delay:g} s after the time that
  the alert has, which is that of the request that made it so. Of one that was never found it
  is everything that it took.
* **Time to alert** runs from the attacker's first request.
* **False alarms** are incidents raised on people and traps, for a million visitors in one
  day; `at most` is the exact upper 95 % bound (Poisson). An incident that was raised on an
  attacker counts as well when later most of those whom it names never were an attacker's.

### Whose an alert is

1. Its subject is an address, a session or an account: it is of those who had used it until
   then. An address that an attacker and somebody else use is the attacker's; but when the alert
   names sessions and the attacker has some, one must be its own. Of several attackers it is of the
   one with the fewest addresses.
2. Its subject is anything else (a network, a header shape, a fingerprint, a mailbox or
   domain, a country, `all`): it is of the attacker or trap that has at least half of the addresses
   that the alert names. Where the subject is the incident that a tag comes from, half of
   the sessions.
3. If attackers have half of them, one alone or all together, it is on attackers, and finds each
   that has half, or a tenth and three at least. Where by 1 to 3 it is on attackers, it finds
   those as well of whose addresses (sessions), as far as they were used, the messages of this
   incident have named half by then, three at least. The tables say of how many that is all there
   is.
4. None of these, but its subject is a whole *stratum*, everybody with one header shape or one
   version of a browser: it is on the attackers that together made at least a tenth of the
   stratum's profile views in the last six hours of the clock that were over, and finds those
   of them that made a tenth. Networks and countries have rules 2 and 3 only.
5. Everything else is a false alarm on people.

An attacker owns what it used until an hour after the last that it did: its addresses may be homes
whose people use the site as well. An alert on an e-mail address is on those only who signed up.

An alert names at most a hundred addresses and sessions, the busiest, and in an update those first
who were not named: shares in rules 2 and 3 are of those. Which User-Agents a stratum has is read
off the daemon, which is shown 3,000 of the same site's people first; one that none of them has
counts for nothing.
The runs publish sessions as they are (`privacy.clear`), so that they are found in the truth.

### What is not measured

* Real people. The laboratory's come from the models that literature has, with the spread that
  it reports; [real traffic](#real-traffic) is below, as far as there is any.
* Blocking. Attackers here go on after an alert as if nobody blocked them, and do not
  react.
* Lost packets, overload, and a site whose pages are laid out otherwise than the site map says.
* ClientHellos: the captures are of the leg behind the terminator, so `tls.ja4` is missing.

### Once more

```
{command}
```

writes this page, its plots and [detection.json](detection.json) anew; the same seeds, files
and program give the same figures. `--help` tells of more: fewer days, other rules, single
classes, rules left out.
"""


def section(title, *parts):
    return "\n".join([f"## {title}", ""] + [part + "\n" for part in parts if part])


def runs_table(runs):
    rows = [[run["set"], run["day"], str(run["seed"]),
             tables.number(run["summary"]["visitors"]),
             tables.number(run["summary"]["requests"]),
             tables.duration(run["took"]["seconds"]),
             tables.number(run["took"]["trawlwatchd"]["peak_mb"])] for run in runs]
    return tables.Table([("set", False), ("parameters", False), ("seed", True),
                         ("visitors", True), ("requests", True), ("run took", True),
                         ("daemon's peak MB", True)], rows)


def doubts(runs):
    return "\n".join(f"* **Doubtful:** {run['day']}, seed {run['seed']}: {doubt}."
                     for run in runs for doubt in run["doubts"])


def plot(name, text, folder):
    return f"![{text}]({folder}/{name})" if name else ""


def goals_part(goals):
    parts = []
    if goals.get("held-out"):
        parts.append(tables.to_markdown(tables.goals(goals["held-out"])))
    if goals.get("tuning"):
        parts += ["The same on the days that the rules were tuned with, which prove "
                  "less:" if goals.get("held-out") else
                  "On the days that the rules were tuned with, which prove less than "
                  "others would:", tables.to_markdown(tables.goals(goals["tuning"]))]
    return parts


def shared(figures):
    there = {name: one["by_shared_alerts_only"] for name, one in figures["attackers"].items()
             if one["by_shared_alerts_only"]}
    return there and "Found by nothing but alerts that several attackers share: " + \
        tables.counted(there, 20) + "." or ""


def page(told, plots, folder, real):
    """
    `told`: what detection.json has; `plots`: file names; `folder`: theirs, as the page links
    to it; `real`: the text of detection-real.md or None.
    """
    after, first = told["figures"]["after"], told["figures"]["first"]
    accounts, farms = tables.accounts(after), tables.farms(after)
    parts = [
        HEAD.format(**told["settings"]),
        section("Goals", *goals_part(told["goals"])),
        section("Attackers", plot(plots.get("recall"), "Recall of each class", folder),
                tables.to_markdown(tables.attackers(after)), shared(after),
                plot(plots.get("profiles"), "Profiles lost against what the attacker took",
                     folder),
                plot(plots.get("sign-ups"), "Sign-ups accepted before the alert", folder)),
        accounts.rows and section(
            "Accounts", "What one session had read when an alert first named it; all of it "
            "where none did.", tables.to_markdown(accounts)),
        farms.rows and section(
            "Farms", "Their burst of sign-ups is in the table above. Here only alerts count "
            "that came after the first profile was read.", tables.to_markdown(farms)),
        section("Traps", tables.to_markdown(tables.traps(after))),
        section("False alarms",
                "{visitor_days:,.0f} visitor days, {days:g} days.".format(
                    **after["false_alarms"]),
                tables.to_markdown(tables.false_alarms(after)),
                plot(plots.get("hours"), "Alerts over the hours of the day", folder)),
        section("The first day", "Nothing is learnt yet.",
                tables.to_markdown(tables.attackers(first)),
                tables.to_markdown(tables.false_alarms(first))) if first["attackers"] or
        first["false_alarms"]["visitor_days"] else "",
        told["ablation"] and section(
            "The score without it", "Runs with a rule, a signal or a function left out, and the "
            "same runs with all: {without_days} day(s) after the warm-up, {without_scale:g} of the "
            "people. Classes for which nothing changed are left out.".format(**told["settings"]),
            tables.to_markdown(tables.ablation(told["ablation_base"], told["ablation"]))),
        section("Runs", tables.to_markdown(runs_table(told["runs"])), doubts(told["runs"]),
                "*Tuning*: seeds and parameters that were looked at while rules were "
                "written. *Held out*: those that were not."),
        section("Real traffic", real.strip() if real else
                "None was replayed for this page (docs/detection-real.md is not there)."),
    ]
    return "\n".join(part.rstrip() + "\n" for part in parts if part)


def real_traffic(folder):
    """detection-real.md without its title, one level of headings down."""
    try:
        with open(os.path.join(folder, "detection-real.md")) as file:
            lines = file.read().splitlines()
    except OSError:
        return None
    if lines and lines[0].startswith("# "):
        lines = lines[1:]
    return "\n".join("#" + line if line.startswith("##") else line for line in lines)
