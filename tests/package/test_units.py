# SPDX-License-Identifier: MIT
"""The units are without mistakes, and leave a service as little as it can do with."""
import os
import re
import shutil

import pytest

from installed import EXAMPLES, install, run

# systemd-analyze's exposure, 0 to 10: from where "OK" could be better.
MOST = {"trawlwatchd.service": 1.6, "trawlwatchd@lo.service": 1.6, "trawl-enforce.service": 1.8}
UNITS = sorted(MOST)


@pytest.fixture(scope="module")
def units(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("prefix")
    install(prefix)
    folder = prefix / "lib/systemd/system"
    # The instance that is looked at.
    shutil.copy(folder / "trawlwatchd@.service", folder / "trawlwatchd@lo.service")
    return folder


def analyze(*arguments, units, check=True):
    """With manual pages where the units say that they are."""
    pages = str(units.parents[2] / "share/man")
    return run("systemd-analyze", *arguments, check=check, cwd=units,
               env={**os.environ, "MANPATH": pages, "SYSTEMD_COLORS": "0",
                    "LC_ALL": "C.UTF-8"})


def verify(units, unit, check=True):
    man = ["--man=no"] if not shutil.which("man") else []
    return analyze("verify", *man, f"./{unit}", units=units, check=check)


def complaints(output, unit):
    """Of this unit; those of the machine's own units are not ours."""
    name = unit.split("@")[0].split(".")[0]
    return [line for line in output.splitlines() if name in line]


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_has_no_mistakes(units, unit):
    done = verify(units, unit, check=False)
    assert complaints(done.stdout, unit) == []
    assert done.returncode == 0, done.stdout


def test_a_mistake_would_be_seen(units):
    text = (units / "trawlwatchd.service").read_text()
    wrong = units / "trawlwatchd-wrong.service"
    wrong.write_text(text.replace("WatchdogSec=", "WatchdogSecs="))
    done = verify(units, wrong.name, check=False)
    assert "WatchdogSecs" in done.stdout
    assert complaints(done.stdout, wrong.name)


@pytest.mark.parametrize("unit", UNITS)
def test_exposure(units, unit):
    done = analyze("security", "--offline=true", "--no-pager", f"./{unit}", units=units)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found, done.stdout
    assert float(found.group(1)) <= MOST[unit], done.stdout


@pytest.mark.parametrize("unit", ["trawlwatchd.service", "trawlwatchd@lo.service",
                                  "trawl-enforce.service"])
def test_the_parts_are_filled_in(units, unit):
    text = (units / unit).read_text()
    assert not re.search(r"@[A-Z]+@", text)
    assert "NoNewPrivileges=yes" in text


# What the daemon's processes call to confine themselves: the groups that the unit takes away
# hold some of them.
CONFINE = ("capset seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self "
           "prctl prlimit64")


def calls(name):
    """The system calls of a group, and of those in it."""
    if not name.startswith("@"):
        return {name}
    out = run("systemd-analyze", "syscall-filter", "--no-pager", name).stdout
    found = set()
    for line in out.splitlines()[1:]:
        word = line.strip()
        if word and not word.startswith("#"):
            found |= calls(word)
    return found


def allowed(unit):
    """What SystemCallFilter= lets through, line by line as systemd takes them."""
    left = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", unit.read_text(), re.M):
        words = set().union(*(calls(word) for word in line.lstrip("~").split()))
        left = left - words if line.startswith("~") else left | words
    return left


def confine_table():
    """The calls in the table of the processes' own filters, that this machine may have."""
    with open(os.path.join(os.path.dirname(EXAMPLES), "../../../daemon/app/confine_calls.c"),
              encoding="utf-8") as file:
        rows = re.findall(r'^\s*\{ "([a-z0-9_ ]+)", [A-Z]+, (\w+),', file.read(), re.M)
    return {name for names, refused in rows if refused == "0" for name in names.split()}


def test_the_processes_may_confine_themselves(units):
    left = allowed(units / "trawlwatchd.service")
    assert set(CONFINE.split()) <= left
    assert not {"mount", "ptrace", "setuid", "setrlimit", "bpf", "init_module"} & left
    table = confine_table()
    assert len(table) > 50
    assert table <= left, f"their own filter has them, the unit's does not: {table - left}"


@pytest.mark.parametrize("name", ["haproxy", "nginx"])
def test_a_drop_in_of_another_target(units, name):
    folder = units / "trawl-enforce.service.d"
    folder.mkdir(exist_ok=True)
    shutil.copy(os.path.join(EXAMPLES, f"{name}.conf"), folder / f"{name}.conf")
    try:
        done = verify(units, "trawl-enforce.service", check=False)
        assert complaints(done.stdout, "trawl-enforce.service") == []
        done = analyze("security", "--offline=true", "--no-pager", "./trawl-enforce.service",
                       units=units)
        assert re.search(r"✓ AmbientCapabilities=", done.stdout), done.stdout
    finally:
        shutil.rmtree(folder)
