# SPDX-License-Identifier: MIT
"""Rule files without a rule, a signal or a function: how much does it do?

A rule or signal is switched off (`mode: off`), so that what others say of it (a tag that
it puts) still reads. A function is made to have no value: each call becomes `(1 / 0)`,
which the rule language calls missing. A comparison with it is then false, as it is where
the function cannot tell anything.
"""
import os
import re
import shutil

TRUTHS = ("tagged",)  # functions that are true or false
MISSING = "(1 / 0)"


class Unknown(Exception):
    """No rule, signal or function of that name."""


def hide_comments(text):
    """The same length; comments and quoted texts are blank, so that nothing is found there."""
    def blank(found):
        return re.sub(r"[^\n]", " ", found[0])
    return re.sub(r"(?m)(?:^|(?<=\s))#.*$", blank, text)


def items(text):
    """(begin, end, indentation) of each item of the list below `rules:`."""
    seen = hide_comments(text)
    head = re.search(r"(?m)^rules:[ \t]*$", seen)
    if not head:
        return
    first = re.compile(r"(?m)^([ ]*)- ").search(seen, head.end())
    if not first:
        return
    indentation = len(first[1])
    dash = re.compile(rf"(?m)^ {{{indentation}}}- ")
    ended = re.compile(r"(?m)^(?![ \n-])").search(seen, head.end() + 1)
    end = ended.start() if ended else len(text)
    begins = [one.start() for one in dash.finditer(seen, first.start(), end)]
    for begin, after in zip(begins, begins[1:] + [end]):
        yield begin, after, indentation


def without_rule(text, name):
    """The text with that rule switched off; None where it has none of that name."""
    for begin, end, indentation in items(text):
        item = text[begin:end]
        seen = hide_comments(item)
        if not re.search(rf"(?:^|[\s{{,]|- )name:[ ]*['\"]?{re.escape(name)}['\"]?[ ]*"
                         r"(?=[,}\n]|$)", seen):
            continue
        if re.match(r" *- *\{", seen):
            flow = re.sub(r",\s*mode:\s*[\w-]+", "", item)
            return text[:begin] + flow.replace("{", "{ mode: off,", 1) + text[end:]
        item = re.sub(r"(?m)^ +mode:.*\n", "", item)
        head, rest = item.split("\n", 1)
        return text[:begin] + f"{head}\n{' ' * (indentation + 2)}mode: off\n{rest}" + text[end:]
    return None


def end_of_call(text, at):
    """Behind the parenthesis that closes the one at `at`."""
    depth, quote = 0, None
    for i in range(at, len(text)):
        c = text[i]
        if quote:
            quote = None if c == quote else quote
        elif c in "'\"":
            quote = c
        elif c == "(":
            depth += 1
        elif c == ")":
            depth -= 1
            if not depth:
                return i + 1
    raise Unknown("a parenthesis is not closed")


def without_function(text, name):
    """Each call has no value; None where it is not called."""
    call = re.compile(rf"(?<![\w.-]){re.escape(name)}\(")
    value = f"({MISSING} > 0)" if name in TRUTHS else MISSING
    found = False
    at = 0
    while True:
        there = call.search(hide_comments(text), at)
        if not there:
            return text if found else None
        end = end_of_call(text, there.end() - 1)
        text = text[:there.start()] + value + text[end:]
        at, found = there.start() + len(value), True


def files(folder):
    return sorted(os.path.join(folder, one) for one in os.listdir(folder)
                  if one.endswith((".yaml", ".yml")))


def take_out(rules, names, folder):
    """
    Copies the rule files of `rules` to `folder` (which must not be there) without what
    is named. Raises Unknown for what is in none of them. Returns what each name was.
    """
    shutil.copytree(rules, folder)
    kinds = {}
    for name in names:
        for kind, change in (("rule", without_rule), ("function", without_function)):
            for path in files(folder):
                with open(path) as file:
                    text = change(file.read(), name)
                if text is not None:
                    kinds[name] = kind
                    with open(path, "w") as file:
                        file.write(text)
            if name in kinds:
                break
        if name not in kinds:
            raise Unknown(f"{rules} has no rule, signal or function named {name}")
    return kinds
