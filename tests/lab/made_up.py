# SPDX-License-Identifier: MIT
"""Truths and alerts that a test makes up, as lines."""
import collections
import datetime
import json
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools"))

MIDNIGHT = 1795392000  # 2026-11-23 00:00:00 UTC


class Truth:
    """Times are seconds since midnight; lines are sorted by them."""

    def __init__(self):
        self.lines = []

    def put(self, t, line):
        self.lines.append((t, len(self.lines), {**line, "t": MIDNIGHT + t}))
        return self

    def group(self, number, side, name, t=0.0, **parameters):
        return self.put(t, {"group": number, "side": side, "class": name,
                            "parameters": parameters})

    def uses(self, number, t, **names):
        for kind, name in names.items():
            self.put(t, {"group": number, kind: name})
        return self

    def gets(self, number, what, *times, session=None):
        """Served or accepted at these times; text() counts."""
        for t in times:
            self.put(t, {"group": number, what: None,
                         **({"session": session} if session else {})})
        return self

    def text(self, days=1, visitors=1000, **summary):
        lines, counts = [], collections.Counter()
        for _, _, line in sorted(self.lines, key=lambda one: one[:2]):
            for what in {"served", "accepted"} & line.keys():
                counts[line["group"], what] += 1
                line[what] = counts[line["group"], what]
            lines.append(line)
        lines.append({"summary": {"begin": MIDNIGHT, "end": MIDNIGHT + days * 86400,
                                  "requests": 10 * visitors, "visitors": visitors,
                                  "people": visitors, "packets": 100 * visitors, **summary}})
        return [json.dumps(line) + "\n" for line in lines]


def stamp(t):
    when = datetime.datetime.fromtimestamp(MIDNIGHT + t, datetime.timezone.utc)
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def alert(t, subject_type, subject, rule="some-rule", severity="medium", action="raised",
          number=1, dry_run=False, **involved):
    """`involved`: client_ip=[...], session=[...]; names have _ for their dot."""
    kinds = {name.replace("_", "."): {"total": len(values), "values": list(values)[:100]}
             for name, values in involved.items()}
    return json.dumps({
        "@timestamp": stamp(t),
        "event": {"kind": "alert", "id": f"ID{number}", "action": action, "severity": 47,
                  "start": stamp(0)},
        "rule": {"name": rule},
        "trawlwatch": {"subject": {"type": subject_type, "value": subject},
                       "severity": severity, "dry_run": dry_run, "evidence": [],
                       "involved": kinds}}) + "\n"
