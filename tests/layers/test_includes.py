# SPDX-License-Identifier: MIT
"""The tree keeps its layers, and the check would notice if it did not."""
from pathlib import Path

import pytest

from includes import layer_order, mistakes

DAEMON = Path(__file__).resolve().parents[2] / "daemon"


def test_order_is_that_of_the_design():
    assert layer_order(DAEMON) == [
        "base", "packet", "capture", "stream", "http", "tls",
        "lang", "observe", "detect", "alert", "app",
    ]


def test_there_is_something_to_check():
    folders = {p.relative_to(DAEMON).parts[0] for p in DAEMON.rglob("*.c")}
    assert folders == set(layer_order(DAEMON))


def test_tree_is_clean():
    assert mistakes(DAEMON) == []


@pytest.fixture
def small_tree(tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(
        "add_subdirectory(base)\nadd_subdirectory(http)\nadd_subdirectory(app)\n")
    for folder in ("base", "http", "app"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.c").write_text(
            f'#include <stdio.h>\n#include "{folder}/x.h"\n#include "base/buf.h"\n')
    return tmp_path


def test_downward_is_allowed(small_tree):
    assert mistakes(small_tree) == []


@pytest.mark.parametrize("folder, line, word", [
    ("base", '#include "http/head.h"', "base is below http"),
    ("http", '  #  include "app/config.h"', "http is below app"),
    ("app", '#include "http/head_priv.h"', "private to http"),
    ("app", '#include "config.h"', "name the folder"),
    ("app", '#include "elsewhere/x.h"', "no layer"),
    ("http", "#include <pcap/pcap.h>", "only capture may"),
    ("app", "#include <hiredis/hiredis.h>", "only alert may"),
])
def test_a_wrong_include_is_found(small_tree, folder, line, word):
    path = small_tree / folder / "x.c"
    path.write_text(path.read_text() + line + "\n")
    found = mistakes(small_tree)
    assert len(found) == 1 and word in found[0] and f"{folder}/x.c:4:" in found[0]
