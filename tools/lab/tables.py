# SPDX-License-Identifier: MIT
"""Figures as tables, of which each can be had as text and as Markdown."""
import collections

# columns: (heading, is a number); rows: texts
Table = collections.namedtuple("Table", "columns rows")


def to_text(table):
    heads = [one for one, _ in table.columns]
    widths = [max(len(str(row[i])) for row in [heads, *table.rows]) for i in range(len(heads))]

    def line(row):
        return "  ".join(str(cell).rjust(width) if number else str(cell).ljust(width)
                         for cell, width, (_, number)
                         in zip(row, widths, table.columns)).rstrip()
    return "\n".join([line(heads)] + [line(row) for row in table.rows])


def to_markdown(table):
    def line(row):
        return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |"
    rule = ["---:" if number else "---" for _, number in table.columns]
    return "\n".join([line(one for one, _ in table.columns), line(rule)] +
                     [line(row) for row in table.rows])


def number(value):
    """12; 1,234; 0.37; nothing for nothing."""
    if value is None:
        return ""
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3g}"


def duration(seconds):
    if seconds is None:
        return ""
    for least, unit, name in ((2 * 86400, 86400, "d"), (2 * 3600, 3600, "h"),
                              (120, 60, "min")):
        if seconds >= least:
            return f"{seconds / unit:.1f} {name}"
    return f"{seconds:.0f} s"


def counted(counts, most=4):
    """rule 12, other 3"""
    there = [f"{name} {count:,}" for name, count in list(counts.items())[:most]]
    return ", ".join(there + [f"and {len(counts) - most} more"] * (len(counts) > most))


def attackers(figures):
    rows = []
    for name, one in figures["attackers"].items():
        lost, made = one["profiles_lost"], one["signups_lost"]
        rows.append([
            name, number(one["instances"]), number(one["found"]),
            f"{one['recall']:.2f} ({one['low']:.2f} to {one['high']:.2f})",
            number(lost["median"]), number(lost["most"]), number(made["median"]),
            number(made["most"]), duration(one["seconds"]["median"]),
            duration(one["seconds"]["most"]), counted(one["found_first_by"])])
    return Table([("class", False), ("instances", True), ("found", True),
                  ("recall (95 %)", False), ("profiles lost: median", True), ("most", True),
                  ("sign-ups lost: median", True), ("most", True), ("time to alert: median", True),
                  ("most", True), ("found first by", False)], rows)


def accounts(figures):
    rows = [[name, number(one["sessions"]["groups"]), number(one["sessions"]["sessions"]),
             number(one["sessions"]["lost"]["median"]), number(one["sessions"]["lost"]["most"])]
            for name, one in figures["attackers"].items() if one["sessions"]["groups"]]
    return Table([("class", False), ("groups", True), ("sessions that read", True),
                  ("profiles of one before it was named: median", True), ("most", True)], rows)


def farms(figures):
    rows = []
    for name, one in figures["attackers"].items():
        there = one["farms"]
        if there["instances"]:
            rows.append([name, number(there["instances"]), number(there["found_reading"]),
                         number(there["lost_reading"]["median"]),
                         number(there["lost_reading"]["most"]),
                         duration(there["seconds_reading"]["most"]),
                         number(there["whole_cohort_named"]), f"{there['named_least']:.0%}"])
    return Table([("class", False), ("farms", True), ("found while they read", True),
                  ("profiles lost until then: median", True), ("most", True),
                  ("time to that: most", True), ("whole cohort named", True),
                  ("least named", True)], rows)


def traps(figures):
    rows = [[name, number(one["instances"]), number(one["with_an_alert"]),
             number(one["alerts"]), counted(one["by_rule"])]
            for name, one in figures["traps"].items()]
    return Table([("trap", False), ("instances", True), ("with an alert", True),
                  ("alerts", True), ("by", False)], rows)


def false_alarms(figures):
    there = figures["false_alarms"]
    rows = [[f"{one['rule']} ({one['severity']})", number(one["on_people"]),
             number(one["on_traps"]), number(one["rate"]), number(one["bound"])]
            for one in there["by_rule"]]
    for name, key in (("all high and critical", "high"), ("all", "any")):
        rows.append([f"**{name}**", "", number(there[key]["alerts"]),
                     number(there[key]["rate"]), number(there[key]["bound"])])
        people = sum(one["on_people"] for one in there["by_rule"]
                     if key == "any" or one["severity"] in ("high", "critical"))
        rows[-1][1:3] = [number(people), number(there[key]["alerts"] - people)]
    return Table([("rule", False), ("on people", True), ("on traps", True),
                  ("a million visitors and day", True), ("at most (95 %)", True)], rows)


def goals(held):
    return Table([("goal", False), ("wanted", False), ("measured", False), ("", False)],
                 [[one["goal"], one["wanted"], one["measured"], one["state"]] for one in held])


def ablation(base, others):
    """Recall and false alarms with all rules and without some; what is the same is left out."""
    rows = []
    for name, figures in others.items():
        for kind, one in figures["attackers"].items():
            before = base["attackers"].get(kind)
            if before and before["found"] != one["found"] or before and \
                    before["profiles_lost"] != one["profiles_lost"]:
                rows.append([name, kind, f"{before['recall']:.2f}", f"{one['recall']:.2f}",
                             number(before["profiles_lost"]["median"]),
                             number(one["profiles_lost"]["median"])])
        for key, what in (("any", "false alarms, any"), ("high", "false alarms, high")):
            rows.append([name, what, number(base["false_alarms"][key]["rate"]),
                         number(figures["false_alarms"][key]["rate"]), "", ""])
    return Table([("without", False), ("class", False), ("recall or rate: with", True),
                  ("without", True), ("profiles lost, median: with", True),
                  ("without", True)], rows)
