# SPDX-License-Identifier: MIT
"""A Debian of its own: a tree made by debootstrap, and a container that boots it.

The tree is kept as a tar file in the build folder, since making it takes a minute or two;
remove build/tests/debian-*.tar to have a new one. Where packages come from is what apt of
this machine says.

The container has a network of its own with nothing but lo, and is reached by nsenter: no
machinectl, so that it works where systemd does not run.
"""
import os
import re
import shutil
import subprocess
import time
import urllib.request

import pytest

from installed import BUILD, have, run

INCLUDE = "systemd,systemd-sysv"
NSPAWN = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit"]


def apt_targets(suite):
    """[(address of the archive, keyring)] of Debian itself."""
    out = run("apt-get", "indextargets", "--format",
              "$(ORIGIN)|$(CODENAME)|$(COMPONENT)|$(REPO_URI)|$(SIGNED_BY)",
              "Identifier: Packages").stdout
    rows = [line.split("|") for line in out.splitlines() if line.count("|") == 4]
    debian = [row for row in rows if row[0] == "Debian" and row[2] == "main"]
    # Another suite is in the same archive.
    wanted = [row for row in debian if row[1] == suite] or [
        row for row in debian if re.fullmatch("[a-z]+", row[1])]
    return [(row[3], row[4]) for row in wanted]


def mirror(suite):
    """Skips where there is none: what is tested here cannot be had without packages."""
    if not have("debootstrap") or not have("systemd-nspawn"):
        pytest.skip("debootstrap or systemd-nspawn is not installed")
    if os.geteuid() != 0:
        pytest.skip("a Debian tree and a container need root")
    targets = apt_targets(suite)
    if not targets:
        pytest.skip("apt of this machine names no archive of Debian")
    uri, keyring = targets[0]
    try:
        with urllib.request.urlopen(f"{uri.rstrip('/')}/dists/{suite}/InRelease",
                                    timeout=30):
            pass
    except (OSError, ValueError) as error:
        pytest.skip(f"the mirror that apt names cannot be reached: {error}")
    return uri, keyring


def base(suite):
    """The tar file of a tree with systemd and nothing of ours."""
    kept = os.path.join(BUILD, "tests", f"debian-{suite}.tar")
    if os.path.exists(kept):
        return kept
    uri, keyring = mirror(suite)
    os.makedirs(os.path.dirname(kept), exist_ok=True)
    tree = kept + ".tree"
    remove(tree)
    try:
        options = [f"--keyring={keyring}"] if keyring.startswith("/") else []
        run("debootstrap", "--variant=minbase", f"--include={INCLUDE}", *options, suite,
            tree, uri)
        with open(f"{tree}/etc/apt/sources.list", "w", encoding="ascii") as file:
            file.write(f"deb {uri} {suite} main\n")
        run("tar", "-C", tree, "--exclude=./var/cache/apt/archives/*.deb", "-cf",
            kept + ".new", ".")
        os.rename(kept + ".new", kept)
    finally:
        remove(tree)
    return kept


def remove(tree):
    """What still is mounted there is not ours to remove."""
    with open("/proc/self/mounts", encoding="utf-8") as file:
        assert not re.search(rf" {re.escape(os.path.realpath(tree))}/", file.read())
    shutil.rmtree(tree, ignore_errors=True)


class Tree:
    """A tree to install into, with this machine's network."""

    def __init__(self, folder, suite="bookworm"):
        self.path = str(folder)
        os.makedirs(self.path, exist_ok=True)
        run("tar", "-C", self.path, "-xf", base(suite))
        works = run(*NSPAWN, "-D", self.path, "--pipe", "true", check=False)
        if works.returncode != 0:
            pytest.skip(f"systemd-nspawn does not work here: {works.stdout.strip()}")

    def file(self, path):
        return self.path + path

    def read(self, path):
        with open(self.file(path), encoding="utf-8") as file:
            return file.read()

    def write(self, path, text, mode=0o644):
        os.makedirs(os.path.dirname(self.file(path)), exist_ok=True)
        with open(self.file(path), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.file(path), mode)

    def run(self, *command, check=True):
        proxies = [f"--setenv={name}" for name in os.environ if name.endswith("_proxy")]
        done = run(*NSPAWN, "-D", self.path, "--pipe", "--resolv-conf=replace-host",
                   "--setenv=DEBIAN_FRONTEND=noninteractive", "--setenv=LC_ALL=C.UTF-8",
                   *proxies, *command, check=check)
        # nspawn's own words at its end, about a folder that it shares with itself.
        done.stdout = re.sub(r"(?m)^Attempted to remove disk .*\n?", "", done.stdout)
        return done

    def copy_in(self, path):
        """Into /root; its path in the tree."""
        shutil.copy(path, self.file("/root"))
        return f"/root/{os.path.basename(path)}"


class Booted:
    """The tree as a machine that runs."""

    def __init__(self, tree):
        self.tree = tree
        self.leader = None
        self.log = open(tree.path + ".console", "w+", encoding="utf-8")
        self.nspawn = subprocess.Popen(
            # With what filtering the addresses of a unit takes.
            [*NSPAWN, "--boot", "--private-network", "--capability=CAP_BPF",
             "--system-call-filter=bpf", "-D", tree.path],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT,
            # As Debian 12 has it by itself; with older control groups units have no IP filter.
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"})
        try:
            self.leader = self.wait(self.find_leader, "an init process")
            self.wait(self.is_up, "the end of booting", 180)
        except BaseException:
            self.end()
            raise

    def end(self):
        if self.nspawn.poll() is None:
            self.nspawn.terminate()
            try:
                self.nspawn.wait(60)
            except subprocess.TimeoutExpired:
                self.nspawn.kill()
                self.nspawn.wait()
        self.log.close()

    def console(self):
        self.log.flush()
        with open(self.log.name, encoding="utf-8", errors="replace") as file:
            return file.read()[-4000:]

    def find_leader(self):
        """The child of nspawn that is process 1 of a namespace of its own."""
        assert self.nspawn.poll() is None, self.console()
        found = [self.nspawn.pid]
        while found:
            pid = found.pop()
            try:
                with open(f"/proc/{pid}/status", encoding="ascii") as file:
                    status = file.read()
                with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
                    found += map(int, file.read().split())
            except OSError:
                continue
            if re.search(rf"^NSpid:\t{pid}\t1$", status, re.M) and "\tsystemd\n" in status:
                return pid
        return None

    def is_up(self):
        assert self.nspawn.poll() is None, self.console()
        state = self.run("systemctl", "is-system-running", check=False).stdout
        return state.strip() in ("running", "degraded")

    def wait(self, question, what, seconds=60):
        """Until `question()` has an answer that counts as true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            answer = question()
            if answer:
                return answer
            time.sleep(0.1)
        raise AssertionError(f"waited {seconds} s for {what}\n{self.last_words()}")

    def last_words(self):
        """What the container logged last: for a test that fails."""
        if self.leader is None:
            return self.console()
        return self.run("journalctl", "--no-pager", "-n", "60", check=False).stdout

    def run(self, *command, check=True, env=None):
        """As root in the container."""
        clean = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                 "DEBIAN_FRONTEND": "noninteractive", **(env or {})}
        return run("nsenter", "-t", self.leader, "-m", "-u", "-i", "-n", "-p", "-r", "-w",
                   "--", *command, check=check, env=clean)

    def on_its_network(self, *command, **more):
        """This machine's program on the container's network; a Popen."""
        return subprocess.Popen(["nsenter", "-t", str(self.leader), "-n", "--", *command],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, **more)

    def show(self, unit, name):
        return self.run("systemctl", "show", "-p", name, "--value", unit).stdout.strip()

    def now(self):
        """A moment of the journal, for journal(after=)."""
        return f"@{time.time():.6f}"

    def journal(self, unit, *options, after=None):
        self.run("journalctl", "--sync")  # what was said is in it, however busy the machine is
        since = ["--since", after] if after else []
        return self.run("journalctl", "--no-pager", "-q", "-o", "cat", "-u", unit, *since,
                        *options).stdout
