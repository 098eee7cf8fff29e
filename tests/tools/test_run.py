# SPDX-License-Identifier: MIT
"""What tools/run shows, with the programs of this build: nothing is installed or built.

Environment: BIN is the folder with the programs, REPOSITORY the tree.
"""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(os.environ["REPOSITORY"])

# In place of tools/setup, which would install packages and build.
SETUP = """
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD_PACKAGES=(none)
need_packages() { :; }
build() { :; }
"""


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "tools").mkdir()
    (tmp_path / "build").mkdir()
    (tmp_path / "tools/setup").write_text(SETUP)
    shutil.copy(REPOSITORY / "tools/run", tmp_path / "tools/run")
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
