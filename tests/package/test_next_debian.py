# SPDX-License-Identifier: MIT
"""The package is built from the source tarball on a Debian 13, installed there, and boots.

Takes some minutes and a gigabyte, so it is not among the tests of each run:
pytest tests/package/test_next_debian.py
"""
import os
import re
import shutil

from installed import ROOT, cpack, run
from tree import Booted, Tree

SUITE = "trixie"
SERVICE = "trawlwatchd.service"


def build_packages():
    return run("bash", "-c", f'. "{ROOT}/tools/setup"; echo "${{BUILD_PACKAGES[@]}}"'
               ).stdout.split()


def test_it_builds_installs_and_runs(tmp_path):
    source = cpack(str(tmp_path / "source"), "CPackSourceConfig.cmake", ".tar.gz")
    tree = Tree(tmp_path / "tree", SUITE)
    booted = None
    try:
        tree.run("apt-get", "update", "-q")
        tree.run("apt-get", "install", "-y", "-q", "--no-install-recommends",
                 *build_packages())
        tree.run("tar", "-C", "/root", "-xf", tree.copy_in(source))
        folder, = re.findall(r"trawlwatch-[\d.]+\d", os.path.basename(source))
        tree.run("sh", "-ec", f"cd /root/{folder} && cmake --preset release "
                 "-DTRAWLWATCH_TESTS=OFF -DTRAWLWATCH_LTO=OFF && cmake --build build && "
                 "cd build && cpack && apt-get install -y -q --no-install-recommends ./*.deb")
        tree.write("/etc/trawlwatch/trawlwatch.yaml", "capture: { interfaces: [lo] }\n")
        booted = Booted(tree)
        booted.run("systemctl", "start", SERVICE)
        assert booted.show(SERVICE, "ActiveState") == "active"
        booted.run("systemctl", "reload", SERVICE)
        booted.run("systemctl", "stop", SERVICE)
        assert booted.show(SERVICE, "Result") == "success"
    finally:
        if booted:
            booted.end()
        shutil.rmtree(tree.path, ignore_errors=True)
