# SPDX-License-Identifier: MIT
"""The Debian package as a file: what is in it, what it needs, what lintian says."""
import re

import pytest

from installed import cpack, run


@pytest.fixture(scope="module")
def deb(tmp_path_factory):
    return cpack(str(tmp_path_factory.mktemp("deb")))


def field(deb, name):
    return run("dpkg-deb", "-f", deb, name).stdout.strip()


def test_its_name_says_what_it_is(deb):
    name = deb.rsplit("/", 1)[1]
    version, arch = field(deb, "Version"), field(deb, "Architecture")
    assert name == f"trawlwatch_{version}_{arch}.deb"
    assert arch == run("dpkg", "--print-architecture").stdout.strip()


def test_its_libraries_are_found(deb):
    depends = field(deb, "Depends")
    for library in ("libc6 (>=", "libpcap0.8", "libevent", "libhiredis", "libyaml", "libpcre2",
                    "libssl3", "libseccomp2", "systemd"):
        assert library in depends, depends
    for word in ("redis", "nginx", "haproxy"):
        assert word not in depends.replace("libhiredis", "")


def test_what_is_in_it(deb):
    listing = run("dpkg-deb", "-c", deb).stdout
    for path in ("./usr/sbin/trawlwatchd", "./usr/bin/trawlctl", "./usr/sbin/trawl-enforce",
                 "./usr/lib/systemd/system/trawlwatchd.service",
                 "./usr/lib/systemd/system/trawlwatchd@.service",
                 "./usr/lib/systemd/system/trawl-enforce.service",
                 "./usr/lib/sysusers.d/trawlwatch.conf", "./usr/lib/tmpfiles.d/trawlwatch.conf",
                 "./usr/share/bash-completion/completions/trawlctl",
                 "./usr/share/man/man8/trawlwatchd.8.gz", "./etc/trawlwatch/trawlwatch.yaml",
                 "./usr/share/trawlwatch/rules/profile-scraping.yaml",
                 "./usr/share/doc/trawlwatch/copyright"):
        assert f" {path}\n" in listing, path
    # All of it root's, nothing for others to write to, nothing of the tree that it is from.
    for line in listing.splitlines():
        assert re.match(r"[-d][-rwx]{4}-[-rwx]r-[-x] root/root ", line), line
    assert "./usr/local" not in listing


def test_only_what_operators_change_is_a_conffile(deb):
    assert run("dpkg-deb", "-I", deb, "conffiles").stdout.split() == [
        "/etc/trawlwatch/trawlwatch.yaml"]
    in_etc = re.findall(r" \./(etc/\S*[^/])\n", run("dpkg-deb", "-c", deb).stdout)
    assert in_etc == ["etc/trawlwatch/trawlwatch.yaml"]


def test_lintian_has_nothing_to_say(deb):
    done = run("lintian", "--allow-root", "--fail-on", "none", "--pedantic", deb)
    said = [line for line in done.stdout.splitlines() if re.match(r"[EWIP]: ", line)]
    assert said == []
    # The one exception is used; its reason stands beside it.
    assert "maintainer-script-calls-systemctl" in run(
        "lintian", "--allow-root", "--show-overrides", "--fail-on", "none", deb).stdout
