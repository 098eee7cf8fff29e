# SPDX-License-Identifier: MIT
"""Figures as SVG, the same bytes for the same figures. Needs python3-matplotlib."""
import os

import matplotlib
matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "trawlwatch", "svg.fonttype": "none",
                            "font.size": 9, "axes.spines.top": False,
                            "axes.spines.right": False})
# pylint: disable=wrong-import-position
from matplotlib import pyplot  # noqa: E402
from matplotlib.lines import Line2D  # noqa: E402

from .names import ATTACKER, PEOPLE, TRAP  # noqa: E402

SIDES = {PEOPLE: ("people", "#c1272d"), TRAP: ("traps", "#e8a33d"),
         ATTACKER: ("attackers", "#2e6f9e")}
# After twelve classes the colours begin anew, with another mark.
COLOURS = matplotlib.colormaps["Paired"].colors
MARKS = "osD^"


def save(figure, path):
    figure.savefig(path, format="svg", bbox_inches="tight",
                   metadata={"Date": None, "Creator": "tools/lab-report"})
    pyplot.close(figure)
    # matplotlib ends lines with blanks.
    with open(path) as file:
        text = "\n".join(line.rstrip() for line in file) + "\n"
    with open(path, "w") as file:
        file.write(text)
    return os.path.basename(path)


def look_of(names):
    return {name: (COLOURS[i % len(COLOURS)], MARKS[i // len(COLOURS) % len(MARKS)])
            for i, name in enumerate(sorted(names))}


def lost(rows, path, what="profiles", lines=()):
    """
    A mark for each attacker: what it took in all against what it had before an alert named
    it. Who was never found is a cross on the diagonal. `lines`: (value, text).
    """
    rows = [row for row in rows if row["what"] == what]
    if not rows:
        return None
    looks = look_of({row["class"] for row in rows})
    figure, axes = pyplot.subplots(figsize=(8, 5))
    for row in rows:
        colour, mark = looks[row["class"]]
        found = row["after"] is not None
        axes.plot(max(row["in_all"], 1), max(row["lost"], 0.7), mark if found else "x",
                  color=colour, markersize=5, alpha=0.8, markeredgewidth=0 if found else 1.2)
    top = max(max(row["in_all"] for row in rows), 10) * 1.3
    low = max(1, min(row["in_all"] for row in rows) / 3)
    axes.plot([low, top], [low, top], color="#999999", linewidth=0.8, linestyle="--")
    axes.annotate("all of it", (top, top), color="#777777", ha="right", va="bottom")
    for value, text in lines:
        axes.axhline(value, color="#555555", linewidth=0.7, linestyle=":")
        axes.annotate(f"{text}: {value:,}", (low, value), color="#555555", va="bottom",
                      fontsize=7)
    axes.set(xscale="log", yscale="log", xlabel=f"{what} that the attacker took in all",
             ylabel=f"{what} lost before the first alert")
    axes.legend(handles=[Line2D([], [], linestyle="", marker=mark, color=colour, label=name)
                         for name, (colour, mark) in looks.items()] +
                [Line2D([], [], linestyle="", marker="x", color="#555555",
                        label="never found")],
                loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=8)
    return save(figure, path)


def recall(classes, path):
    """A bar for each class, with Wilson's interval."""
    if not classes:
        return None
    names = sorted(classes, key=lambda name: (classes[name]["recall"], name))
    figure, axes = pyplot.subplots(figsize=(7, 0.32 * len(names) + 1))
    for at, name in enumerate(names):
        one = classes[name]
        axes.barh(at, one["recall"], color="#8fb8d4", height=0.6)
        axes.plot([one["low"], one["high"]], [at, at], color="#2b3a45", linewidth=1.2)
        axes.annotate(f"{one['found']} of {one['instances']}", (1.02, at), va="center",
                      fontsize=8, annotation_clip=False)
    axes.set(xlim=(0, 1), xlabel="recall, and where it lies with 95 %")
    axes.set_yticks(range(len(names)), names)
    return save(figure, path)


def hours(by_hour, days, path):
    """Incidents raised, by the hour of the day: attackers above, the others below."""
    if not any(map(sum, by_hour.values())):
        return None
    figure, (above, below) = pyplot.subplots(2, 1, figsize=(8, 4.2), sharex=True)
    at = range(24)
    label, colour = SIDES[ATTACKER]
    above.bar(at, [one / days for one in by_hour[ATTACKER]], color=colour, label=label)
    floor = [0] * 24
    for side in (TRAP, PEOPLE):
        label, colour = SIDES[side]
        height = [one / days for one in by_hour[side]]
        below.bar(at, height, bottom=floor, color=colour, label=label)
        floor = [a + b for a, b in zip(floor, height)]
    for axes in (above, below):
        axes.set_ylabel("alerts in an hour")
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    below.set(xlabel="hour of the day (UTC)", xlim=(-0.6, 23.6))
    below.set_xticks(range(0, 24, 2))
    return save(figure, path)
