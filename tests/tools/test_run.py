# SPDX-License-Identifier: MIT
"""What tools/run and its sisters show, with the programs of this build: nothing is installed
or built.

Environment: BIN is the folder with the programs, REPOSITORY the tree.
"""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(os.environ["REPOSITORY"])

# tools/setup, except that nothing is installed or built.
SETUP = f"""
. "{REPOSITORY}/tools/setup"
ROOT=$(cd "$(dirname "${{BASH_SOURCE[0]}}")/.." && pwd)
need_packages() {{ :; }}
build() {{ :; }}
"""


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "tools").mkdir()
    (tmp_path / "build").mkdir()
    (tmp_path / "tools/setup").write_text(SETUP)
    for name in ("run", "test"):
        shutil.copy(REPOSITORY / "tools" / name, tmp_path / "tools" / name)
    (tmp_path / "rules").symlink_to(REPOSITORY / "rules")
    (tmp_path / "tests").symlink_to(REPOSITORY / "tests")
    (tmp_path / "build/bin").symlink_to(os.environ["BIN"])
    return tmp_path


def test_the_command_that_it_names_works(tree):
    for _ in range(2):  # the second time over what the first one left
        done = subprocess.run(["tools/run"], cwd=tree, capture_output=True, text=True,
                              timeout=120, check=True)
    command = re.search(r"^ +why: +(build/bin/trawlctl show .*?)   ", done.stdout, re.M)[1]
    shown = subprocess.run(command.split(), cwd=tree, capture_output=True, text=True,
                           timeout=60, check=True).stdout
    identity = re.match(r"Incident +(\w+)\n", shown)[1]
    row = re.search(rf"^{identity[-8:]} .*", done.stdout, re.M)
    assert row, "it is not an incident of the table"
    assert re.search(r"^Rule +(\S+)", shown, re.M)[1] in row[0]


def readme_block(command):
    """What README shows below the command."""
    text = (REPOSITORY / "README.md").read_text()
    return re.search(rf"^\$ {re.escape(command)}\n(.*?)^```$", text, re.M | re.S)[1]


def test_readme_shows_what_is_printed(tree):
    subprocess.run(["tools/run"], cwd=tree, capture_output=True, timeout=120, check=True)
    command = "build/bin/trawlctl show --journal build/first-light 6VMSA0HF"
    shown = subprocess.run(command.split(), cwd=tree, capture_output=True, text=True, timeout=60,
                           check=True).stdout
    assert shown == readme_block(command)
    involved = re.search(r"^Involved\n(.*?)\n\n", shown, re.M | re.S)[1].splitlines()
    assert max(map(len, involved)) <= 100


def test_it_can_be_called_through_a_link(tree):
    (tree / "elsewhere").mkdir()
    (tree / "elsewhere/run").symlink_to(tree / "tools/run")
    done = subprocess.run(["elsewhere/run", "-V"], cwd=tree, capture_output=True, text=True,
                          timeout=60, check=True)
    assert done.stdout.startswith("trawlwatchd ")


def put_program(folder, name, text):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("#!/bin/bash\n" + text + "\n")
    (folder / name).chmod(0o755)


def test_why_the_end_to_end_tests_cannot_run(tree):
    """Each step in place of the real one does nothing; making a network fails."""
    path = tree / "path"
    put_program(path, "ip", "echo 'mount --bind: no such luck' >&2; exit 1")
    put_program(path, "sudo", '[[ $1 != -n ]] || shift; exec "$@"')
    put_program(path, "ctest", "echo '0 tests failed out of 3'")
    put_program(path, "shellcheck", "exit 0")
    for name in ("build", "build-dev", "build-portable"):
        (tree / name).mkdir(exist_ok=True)
    done = subprocess.run(["tools/test"], cwd=tree, capture_output=True, text=True, timeout=120,
                          env={**os.environ, "CI": "",
                               "PATH": f"{path}:{os.environ['PATH']}"}, check=False)
    assert ("NOT RUN release: end-to-end tests, which need network namespaces: "
            "mount --bind: no such luck\n") in done.stderr


def test_nothing_is_installed_where_nobody_may(tmp_path):
    """Without root and sudo the packages are named; nobody says that they are installed."""
    setup = (REPOSITORY / "tools/setup").read_text().replace("EUID == 0", "1 == 0")
    (tmp_path / "setup").write_text(setup)
    path = tmp_path / "path"
    put_program(path, "dpkg-query", "exit 1")
    script = f'. {tmp_path}/setup; PATH={path}; need_packages gcc make'
    done = subprocess.run(["/bin/bash", "-c", script], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 1
    assert "Missing Debian packages: gcc make" in done.stderr
    assert "Installing" not in done.stderr
    assert "apt-get install gcc make" in done.stderr
