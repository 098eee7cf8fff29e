# SPDX-License-Identifier: MIT
"""Installed on a Debian 12 and booted: what an operator sees of the services.

The tests stand in the order of a machine's life: installed, configured, in use, in
trouble, upgraded, removed.
"""
import contextlib
import os
import re
import shutil
import sys
import time

import pytest

from installed import cpack, run
from tree import Booted, Tree

CONFIG = "/etc/trawlwatch/trawlwatch.yaml"
SERVICE = "trawlwatchd.service"


@pytest.fixture(scope="module")
def deb(tmp_path_factory):
    return cpack(str(tmp_path_factory.mktemp("deb")))


@pytest.fixture(scope="module")
def tree(tmp_path_factory, deb):
    made = Tree(tmp_path_factory.mktemp("debian") / "tree")
    path = made.copy_in(deb)
    made.run("apt-get", "update", "-q")
    made.run("apt-get", "install", "-y", "-q", "--no-install-recommends", path)
    yield made
    shutil.rmtree(made.path, ignore_errors=True)


@pytest.fixture(scope="module")
def box(tree):
    booted = Booted(tree)
    yield booted
    booted.end()


def configure(tree, text):
    tree.write(CONFIG, text)


LO = "capture: { interfaces: [lo] }\n"


@pytest.fixture(scope="module")
def service(tree, box):
    """Running, on lo."""
    configure(tree, LO)
    box.run("systemctl", "restart", SERVICE)
    return box


@pytest.fixture(scope="module")
def redis(box):
    """A Redis of this machine on the container's network."""
    process = box.on_its_network("redis-server", "--protected-mode", "no", "--save", "",
                                 "--appendonly", "no", "--dir", "/tmp")

    def ask(*words):
        done = on_network(box, "redis-cli", *words, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    box.wait(lambda: ask("ping") == "PONG", "Redis")
    yield ask
    process.kill()
    process.wait()


# ---- installed ----

def test_users_are_there_and_nothing_is_started(tree):
    for user in ("trawlwatch", "trawl-enforce"):
        entry = tree.run("getent", "passwd", user).stdout
        assert entry.startswith(f"{user}:")
        assert "nologin" in entry
    for unit in (SERVICE, "trawl-enforce.service"):
        assert tree.run("systemctl", "is-enabled", unit, check=False).stdout.strip() == "disabled"
    state = os.stat(tree.file("/var/lib/trawlwatch"))
    assert state.st_mode & 0o7777 == 0o750 and state.st_uid != 0


def test_programs_find_their_libraries_and_rules(tree):
    done = tree.run("trawlwatchd", "-t")
    assert "from /usr/share/trawlwatch/rules" in done.stdout
    assert tree.run("trawlctl", "check").returncode == 0
    assert tree.run("trawl-enforce", "-V").returncode == 0


def test_without_an_interface_it_says_so_and_stays_down(box):
    done = box.run("systemctl", "start", SERVICE, check=False)
    assert done.returncode != 0
    assert box.show(SERVICE, "ExecMainStatus") == "3"
    assert "capture.interfaces" in box.journal(SERVICE, "-p", "err")
    assert box.show(SERVICE, "ActiveState") == "failed"
    assert box.show(SERVICE, "NRestarts") == "0"


def test_a_mistake_in_the_configuration_is_found_before_the_start(tree, box):
    configure(tree, "capture: { interface: [lo] }\n")
    assert box.run("systemctl", "start", SERVICE, check=False).returncode != 0
    assert f"{CONFIG}:1:" in box.journal(SERVICE, "-p", "err")
    assert box.show(SERVICE, "ActiveState") == "failed"


# ---- in use ----

def status_of(box, pid):
    return box.run("cat", f"/proc/{pid}/status").stdout


def main_pid(box, unit=SERVICE):
    return int(box.show(unit, "MainPID"))


def children(box, unit=SERVICE):
    """{pid: name} of the supervisor's children that run."""
    found = {}
    pid = main_pid(box, unit)
    for child in box.run("cat", f"/proc/{pid}/task/{pid}/children").stdout.split():
        text = box.run("cat", f"/proc/{child}/status", check=False).stdout
        if re.search(r"^State:\s+[RSD]", text, re.M):
            found[int(child)] = re.search(r"^Name:\s+(.*)$", text, re.M).group(1)
    return found


def test_it_is_ready_with_all_its_processes(service):
    assert service.show(SERVICE, "ActiveState") == "active"
    assert service.show(SERVICE, "Type") == "notify"
    assert sorted(children(service).values()) == ["trawl-capture", "trawl-engine"]
    assert "capturing on lo" in service.journal(SERVICE)


def test_the_processes_have_given_up_what_they_can(service):
    for pid in [main_pid(service), *children(service)]:
        text = status_of(service, pid)
        assert "NoNewPrivs:\t1" in text and "Seccomp:\t2" in text
        assert not re.search(r"^Uid:\t0", text, re.M)
        assert int(re.search(r"CapAmb:\t(\w+)", text).group(1), 16) == 0
        net_raw = 1 << 13
        held = int(re.search(r"CapPrm:\t(\w+)", text).group(1), 16)
        assert held == (net_raw if pid == main_pid(service) else 0), text


@contextlib.contextmanager
def traffic(box):
    """Requests over HTTP on the container's lo, until the end."""
    server = box.on_its_network(sys.executable, "-m", "http.server", "8080",
                                "--bind", "127.0.0.1", cwd="/usr/share/common-licenses")
    client = box.on_its_network(sys.executable, "-c", """
import time, urllib.request
while True:
    try:
        urllib.request.urlopen("http://127.0.0.1:8080/", timeout=5).read()
    except OSError:
        pass
    time.sleep(0.02)
""")
    try:
        yield
    finally:
        for process in (client, server):
            process.kill()
            process.wait()


def test_the_status_line_has_rates(service):
    with traffic(service):
        service.wait(lambda: re.search(r"[1-9]\d* requests/s",
                                       service.show(SERVICE, "StatusText")),
                     "requests in the status line", 90)
    shown = service.run("systemctl", "status", "--no-pager", SERVICE).stdout
    assert re.search(r'Status: "1 captures: \d+ packets/s, \d+ requests/s', shown)


def test_reload_takes_up_what_changed(tree, service):
    before, began = main_pid(service), service.now()
    configure(tree, LO + "log: { level: debug }\n")
    service.run("systemctl", "reload", SERVICE)
    service.wait(lambda: "taken up" in service.journal(SERVICE, after=began), "the reload")
    service.wait(lambda: service.show(SERVICE, "ActiveState") == "active", "its end")
    assert main_pid(service) == before


def test_reload_of_a_mistake_fails_and_changes_nothing(tree, service):
    before, began = (main_pid(service), children(service)), service.now()
    configure(tree, LO + "logs: { level: debug }\n")
    done = service.run("systemctl", "reload", SERVICE, check=False)
    assert done.returncode != 0
    assert f"{CONFIG}:2:1: " in service.journal(SERVICE, "-p", "err", after=began)
    assert service.show(SERVICE, "ActiveState") == "active"
    assert (main_pid(service), children(service)) == before
    # Somebody who sends the signal by hand reads it in the log.
    began = service.now()
    service.run("systemctl", "kill", "--kill-who=main", "-s", "HUP", SERVICE)
    service.wait(lambda: "the old rules stay" in service.journal(SERVICE, "-p", "err",
                                                                 after=began),
                 "the word that the old rules stay")
    service.wait(lambda: service.show(SERVICE, "ActiveState") == "active", "its end")
    assert (main_pid(service), children(service)) == before
    configure(tree, LO)


@pytest.mark.parametrize("name", ["trawl-capture", "trawl-engine"])
def test_a_child_that_dies_is_replaced(service, name):
    before = main_pid(service)
    victim, = [pid for pid, is_called in children(service).items() if is_called == name]
    service.run("kill", "-SEGV", victim)

    def is_replaced():
        now = children(service)
        return victim not in now and name in now.values()

    service.wait(is_replaced, f"another {name}")
    assert main_pid(service) == before
    assert service.show(SERVICE, "ActiveState") == "active"
    assert service.show(SERVICE, "NRestarts") == "0"


def test_a_supervisor_that_hangs_is_killed_by_the_watchdog(tree, service):
    tree.write("/etc/systemd/system/trawlwatchd.service.d/quick.conf",
               "[Service]\nWatchdogSec=2s\nTimeoutAbortSec=1s\n")
    configure(tree, LO)
    service.run("systemctl", "daemon-reload")
    service.run("systemctl", "restart", SERVICE)
    before = main_pid(service)
    # As long as it turns nothing happens: three times the watchdog's patience.
    time.sleep(6)
    assert main_pid(service) == before
    service.run("kill", "-STOP", before)
    service.wait(lambda: main_pid(service) not in (0, before) and
                 service.show(SERVICE, "ActiveState") == "active", "another supervisor", 90)
    assert int(service.show(SERVICE, "NRestarts")) >= 1
    assert "Watchdog timeout" in service.run("journalctl", "--no-pager").stdout
    assert service.run("kill", "-0", before, check=False).returncode != 0
    os.remove(tree.file("/etc/systemd/system/trawlwatchd.service.d/quick.conf"))
    service.run("systemctl", "daemon-reload")
    service.run("systemctl", "restart", SERVICE)
    assert service.show(SERVICE, "WatchdogUSec") == "30s"


def on_network(box, *command, check=True):
    """This machine's program, on the container's network."""
    return run("nsenter", "-t", box.leader, "-n", "--", *command, check=check)


def filters_addresses(tree, box):
    """Whether systemd can, here: it takes the newer control groups and BPF."""
    tree.write("/etc/systemd/system/probe.service", "[Service]\nType=oneshot\n"
               "IPAddressDeny=any\nExecStart=bash -c 'echo >/dev/udp/192.0.2.1/9'\n")
    box.run("systemctl", "daemon-reload")
    return box.run("systemctl", "start", "probe.service", check=False).returncode != 0


def test_it_talks_to_this_host_only(tree, service, redis):
    """A Redis at another address than loopback is not reached; the log says what lets it."""
    began = service.now()
    on_network(service, "ip", "link", "add", "other", "type", "veth", "peer", "name", "end")
    on_network(service, "ip", "address", "add", "192.0.2.1/24", "dev", "other")
    for name in ("other", "end"):
        on_network(service, "ip", "link", "set", name, "up")
    # There, but it never answers.
    on_network(service, "ip", "neighbour", "add", "192.0.2.2", "lladdr", "02:00:00:00:00:01",
               "dev", "other")
    fenced = filters_addresses(tree, service)
    address = "192.0.2.1" if fenced else "192.0.2.2"
    configure(tree, LO + f"redis: {{ url: 'redis://{address}' }}\n")
    service.run("systemctl", "restart", SERVICE)
    service.wait(lambda: "IPAddressAllow=" in service.journal(SERVICE, after=began),
                 "the word that the unit may be why", 60)
    if not fenced:
        configure(tree, LO)
        service.run("systemctl", "restart", SERVICE)
        pytest.skip("systemd cannot filter addresses in containers here")
    tree.write("/etc/systemd/system/trawlwatchd.service.d/redis.conf",
               "[Service]\nIPAddressAllow=192.0.2.1\n")
    service.run("systemctl", "daemon-reload")
    service.run("systemctl", "restart", SERVICE)
    host = service.run("cat", "/proc/sys/kernel/hostname").stdout.strip()
    service.wait(lambda: redis("exists", f"{{trawlwatch}}:sensor:{host}") == "1",
                 "the sensor in Redis")
    os.remove(tree.file("/etc/systemd/system/trawlwatchd.service.d/redis.conf"))
    service.run("systemctl", "daemon-reload")
    configure(tree, LO)


# ---- more than one, and the other service ----

WITH_REDIS = LO + "redis: { url: 'redis://127.0.0.1' }\n"


def test_an_instance_beside_the_service(tree, service, redis):
    """Journal, sensor and folder of its own: neither stands in the other's way."""
    configure(tree, WITH_REDIS)
    service.run("systemctl", "restart", SERVICE)
    service.run("systemctl", "start", "trawlwatchd@lo.service")
    host = service.run("cat", "/proc/sys/kernel/hostname").stdout.strip()
    for name in (host, f"{host}-lo"):
        service.wait(lambda: redis("exists", f"{{trawlwatch}}:sensor:{name}") == "1",
                     f"the sensor {name}")
    for unit in (SERVICE, "trawlwatchd@lo.service"):
        assert service.show(unit, "ActiveState") == "active"
        assert service.show(unit, "NRestarts") == "0"
    own = os.stat(tree.file("/var/lib/trawlwatch/lo/journal"))
    assert own.st_uid == os.stat(tree.file("/var/lib/trawlwatch/journal")).st_uid
    service.run("systemctl", "reload", "trawlwatchd@lo.service")
    service.run("systemctl", "stop", "trawlwatchd@lo.service")
    assert service.show("trawlwatchd@lo.service", "Result") == "success"


def test_the_blocker_refuses_whom_redis_names(tree, service, redis):
    configure(tree, WITH_REDIS)
    service.run("systemctl", "start", "trawl-enforce.service")
    service.run("trawlctl", "blocks", "add", "203.0.113.9", "--for", "10m", "--why", "a test")
    service.wait(lambda: "203.0.113.9" in on_network(
        service, "nft", "list", "table", "inet", "trawlwatch", check=False).stdout,
                 "the address in the firewall")
    pid = main_pid(service, "trawl-enforce.service")
    text = status_of(service, pid)
    assert int(re.search(r"CapPrm:\t(\w+)", text).group(1), 16) == 1 << 12
    user = int(re.search(r"^Uid:\t(\d+)", text, re.M).group(1))
    assert user not in (0, os.stat(tree.file("/var/lib/trawlwatch")).st_uid)
    assert service.show("trawl-enforce.service", "NRestarts") == "0"
    service.run("systemctl", "stop", "trawl-enforce.service")
    assert service.show("trawl-enforce.service", "Result") == "success"


# ---- the end ----

def test_it_stops_in_order(service):
    service.run("systemctl", "restart", SERVICE)
    everybody, began = [main_pid(service), *children(service)], service.now()
    service.run("systemctl", "stop", SERVICE)
    assert service.show(SERVICE, "ExecMainStatus") == "0"
    assert service.show(SERVICE, "Result") == "success"
    for pid in everybody:
        assert service.run("kill", "-0", pid, check=False).returncode != 0
    assert "Killing process" not in service.journal(SERVICE, after=began)


# ---- upgraded, removed ----

def next_version(deb, folder, version):
    """The same package as a later one, with another shipped configuration."""
    run("dpkg-deb", "-R", deb, folder)
    control = os.path.join(folder, "DEBIAN/control")
    with open(control, encoding="utf-8") as file:
        text = re.sub(r"(?m)^Version: .*$", f"Version: {version}", file.read())
    with open(control, "w", encoding="utf-8") as file:
        file.write(text)
    with open(folder + CONFIG, "a", encoding="utf-8") as file:
        file.write(f"\n# as of {version}\n")
    made = f"{folder}-{version}.deb"
    run("dpkg-deb", "--root-owner-group", "-b", folder, made)
    return made


def dpkg_install(tree, box, deb, check=True):
    return box.run("dpkg", "--force-confdef", "--force-confold", "-i", tree.copy_in(deb),
                   check=check)


def test_an_upgrade_keeps_the_operators_file_and_restarts(tree, service, deb, tmp_path):
    mine = LO + "# mine\n"
    configure(tree, mine)
    service.run("systemctl", "restart", SERVICE)
    before = main_pid(service)
    dpkg_install(tree, service, next_version(deb, str(tmp_path / "a"), "0.9.1"))
    assert tree.read(CONFIG) == mine
    assert "# as of 0.9.1" in tree.read(CONFIG + ".dpkg-dist")
    assert main_pid(service) not in (0, before)
    assert service.show(SERVICE, "ActiveState") == "active"


def test_an_upgrade_does_not_stop_what_would_not_start_again(tree, service, deb, tmp_path):
    configure(tree, "a mistake: {}\n")
    before = main_pid(service)
    done = dpkg_install(tree, service, next_version(deb, str(tmp_path / "b"), "0.9.2"))
    assert f"{CONFIG}:1:1: " in done.stdout and "was not restarted" in done.stdout
    assert main_pid(service) == before
    assert service.show(SERVICE, "ActiveState") == "active"
    configure(tree, LO)


def test_removing_stops_and_keeps_the_evidence(tree, service):
    configure(tree, LO)
    service.run("systemctl", "restart", SERVICE)
    service.run("systemctl", "enable", SERVICE)
    assert main_pid(service) != 0
    service.run("apt-get", "remove", "-y", "-q", "trawlwatch")
    assert service.run("sh", "-c", "cat /proc/[0-9]*/comm").stdout.count("trawl") == 0
    assert os.listdir(tree.file("/var/lib/trawlwatch/journal"))
    assert tree.read(CONFIG) == LO
    assert not os.path.lexists(
        tree.file("/etc/systemd/system/multi-user.target.wants/trawlwatchd.service"))
    assert service.show(SERVICE, "LoadState") == "not-found"


def test_purging_removes_everything(tree, service):
    tree.write("/etc/trawlwatch/mine.yaml", "rules: []\n")
    service.run("apt-get", "purge", "-y", "-q", "trawlwatch")
    for path in ("/var/lib/trawlwatch", "/var/lib/trawl-enforce", CONFIG, "/usr/share/trawlwatch",
                 CONFIG + ".dpkg-dist", "/usr/share/doc/trawlwatch"):
        assert not os.path.lexists(tree.file(path)), path
    # What the operator wrote is the operator's.
    assert os.listdir(tree.file("/etc/trawlwatch")) == ["mine.yaml"]
    assert service.run("systemctl", "--failed", "--no-legend").stdout.count("trawl") == 0
