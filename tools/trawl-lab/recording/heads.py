# SPDX-License-Identifier: MIT
"""Files of heads: what one program sends, with placeholders for what a moment decides."""
import os
import re

KINDS = ("navigation", "style", "script", "font", "image", "fetch", "form", "prefetch")
FIELDS = ("name", "version", "class", "share", "language", "origin")
CLASSES = ("browser", "library", "bot")
PLACEHOLDERS = ("method", "path", "host", "cookie", "referer", "origin", "language", "length",
                "version")

# Headers whose value a request brings along. A length of 0 is said by clients that say one
# without a body too.
PLACED = {"host": "{host}", "cookie": "{cookie}", "referer": "{referer}", "origin": "{origin}",
          "accept-language": "{language}", "content-length": "{length}"}
# Some browsers of a terminal tell the kernel's release: Debian's own stands for it.
KERNEL = "6.1.0-37-amd64"
VERSIONED = ("user-agent", "sec-ch-ua", "sec-ch-ua-full-version-list")


class HeadsError(Exception):
    """A file that is not as the format wants it."""


class Heads:
    """One program's. `kinds` has the lines of each kind, the request line first."""

    def __init__(self, fields, kinds):
        self.fields = fields
        self.kinds = kinds

    def text(self):
        lines = [f"# {name}: {self.fields[name]}" for name in FIELDS
                 if self.fields.get(name) is not None]
        for kind in KINDS:
            if kind in self.kinds:
                lines += ["", f"@ {kind}", *self.kinds[kind]]
        return "\n".join(lines) + "\n"


def template_of_line(line, version, speaks):
    """See template."""
    name, colon, value = line.partition(":")
    lower = name.lower()
    space = value[:len(value) - len(value.lstrip(" "))]
    is_own = lower == "accept-language" and not speaks
    if lower in PLACED and not is_own and (lower, value.strip()) != ("content-length", "0"):
        return name + colon + space + PLACED[lower]
    if version and lower in VERSIONED:
        return name + colon + re.sub(rf"(?<![\w.]){version}(?=[.\";)]|$)", "{version}", value)
    return line.replace(os.uname().release, KERNEL)


def template(lines, version=None, speaks=False):
    """
    A recorded head as a file has it. `version` is a browser's major one, or None where it
    stays as it was sent; `speaks` is whether Accept-Language is the language of a person,
    and not the same for all who use the program.
    """
    protocol = lines[0].split(" ")[2]
    return [f"{{method}} {{path}} {protocol}",
            *(template_of_line(line, version, speaks) for line in lines[1:])]


def parse(text):
    fields, kinds, kind = {}, {}, None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("# ") and kind is None:
            name, colon, value = line[2:].partition(": ")
            if name not in FIELDS or not colon or name in fields:
                raise HeadsError(f"line {number}: not a field, or twice: {line}")
            fields[name] = value
        elif line.startswith("@ "):
            kind = line[2:]
            if kind not in KINDS or kind in kinds:
                raise HeadsError(f"line {number}: not a kind, or twice: {kind}")
            kinds[kind] = []
        elif line and kind is not None:
            kinds[kind].append(line)
        elif line:
            raise HeadsError(f"line {number}: {line}")
    return Heads(fields, kinds)
