# SPDX-License-Identifier: MIT
"""More traffic than a capture has time for, live: what is left out, and what it costs.

A capture that is let run only a few ms of each 100 must lose packets; one that may leave
out visitors loses few. And whatever comes, memory stays within the limits.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

from rig import HERE, ROOT, RigError, end_process, ip, program, wait_until

RUNS_MS, OF_MS = 2, 100
MANY = 2_000_000  # frames a second: as many as can be sent
MIB = 1 << 20
LIMITS = {"limits.flows": 20000, "limits.reassembly": MIB, "limits.http_memory": 4 * MIB,
          "limits.fragments": MIB, "limits.hello_memory": MIB, "limits.quic": 1024,
          "limits.ring": MIB, "limits.detect": 16 * MIB, "limits.hellos": 4096,
          "limits.incidents": 100, "limits.agents": 1000, "limits.dns_cache": 1000,
          "capture.buffer": 4 * MIB}
FLOW_BYTES = 512  # of each, at most: tests/bench/run
RULES = """
rules:
  - name: all-of-it
    description: What is counted of the whole site.
    severity: info
    per: all
    again: 1s
    when: count(1h) >= 1 and distinct(client.host, 1h) >= 1
"""
UNNAMED = 8 * MIB  # what has its own fixed size: tables of the rules, caches, libraries


@pytest.fixture(scope="module", name="link")
def make_link(rig):
    ip("link", "add", "out", "type", "veth", "peer", "name", "in", namespace=rig.server)
    for end in ("out", "in"):
        ip("link", "set", end, "up", namespace=rig.server)
    return rig


def status_of(pid, key):
    """In bytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(key))


class Service:
    """trawlwatchd on the end of the link, with captures and an engine."""

    def __init__(self, rig, *options, workers=1, rules=os.path.join(ROOT, "rules")):
        self.rig, self.workers = rig, workers
        self.journal = rig.path("journal-overload")
        shutil.rmtree(self.journal, ignore_errors=True)
        options += (f"capture.workers={workers}", "admin.socket=none")
        self.said = rig.path("overload.err")
        self.command = [program("trawlwatchd"), "-i", "in", "-f", "tcp port 80",
                        "-R", rules, "--print", "none", "--stats",
                        "-o", f"journal.dir={self.journal}",
                        "-o", f"privacy.key_file={rig.key_file()}"]
        for option in options:
            self.command += ["-o", option]

    def __enter__(self):
        with open(self.said, "wb") as err:
            self.child = self.rig.popen(self.rig.server, self.command,
                                        stdout=subprocess.DEVNULL, stderr=err)
        try:
            found = wait_until(self.children, 30, "all processes")
            self.capture, self.engine = found["trawl-capture"][0], found["trawl-engine"][0]
        except RigError as error:
            end_process(self.child)
            raise RigError(f"{error}: {self.text()}") from error
        return self

    def children(self):
        found = {}
        with open(f"/proc/{self.child.pid}/task/{self.child.pid}/children",
                  encoding="ascii") as file:
            for pid in file.read().split():
                with open(f"/proc/{pid}/comm", encoding="ascii") as name:
                    found.setdefault(name.read().strip(), []).append(int(pid))
        is_there = len(found.get("trawl-capture", [])) == self.workers
        return found if is_there and "trawl-engine" in found else None

    def text(self):
        with open(self.said, encoding="utf-8") as file:
            return file.read()

    def alerts(self):
        done = subprocess.run([program("trawlctl"), "alerts", "--json", "--journal",
                               self.journal], capture_output=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def one_in(self):
        """As /metrics has it: one in so many visitors is looked at."""
        done = self.rig.run(self.rig.server, ["curl", "-s", "http://127.0.0.1:9477/metrics"])
        return int(re.search(r"^trawlwatch_visitors_one_in (\d+)$", done.stdout, re.M)[1])

    def end(self):
        """Ends it as the service manager does; its counters."""
        self.child.terminate()
        assert self.child.wait(30) == 0, self.text()
        return json.loads([line for line in self.text().splitlines()
                           if line.startswith("{")][-1])

    def __exit__(self, *_):
        end_process(self.child)


class Blast:
    """Frames on the other end of the link (blast.py)."""

    def __init__(self, rig, kind):
        self.child = rig.popen(rig.server, [os.path.join(HERE, "blast.py"), "out", kind],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        assert int(self.child.stdout.readline()) > 0
        return self

    def rate(self, rate):
        self.child.stdin.write(f"{rate}\n")
        self.child.stdin.flush()

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()


class Slow(threading.Thread):
    """Lets a process run a few ms of each 100."""

    def __init__(self, pid, runs_ms=RUNS_MS):
        super().__init__(daemon=True)
        self.pid, self.runs_ms = pid, runs_ms
        self.over = threading.Event()

    def run(self):
        while not self.over.is_set():
            os.kill(self.pid, signal.SIGSTOP)
            time.sleep((OF_MS - self.runs_ms) / 1000)
            os.kill(self.pid, signal.SIGCONT)
            time.sleep(self.runs_ms / 1000)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


def seen(counters):
    return counters["packets_total"] + counters["kernel_drops_total"]


def test_a_slow_capture_leaves_out_visitors_in_place_of_packets(link):
    seconds = 6
    with Service(link, "limits.overload=off") as service, Blast(link, "visits") as blast:
        with Slow(service.capture):
            blast.rate(MANY)
            time.sleep(seconds)
            blast.rate(0)
        counters = service.end()
    assert counters["kernel_drops_total"] > 0.2 * seen(counters)
    assert counters["overloads_total"] == counters["flows_sampled_out_total"] == 0
    assert counters["shapes_skipped_total"] == 0
    capacity = counters["packets_total"] / seconds

    # At this rate two thirds would be lost.
    rules = link.path("overload.yaml")
    with open(rules, "w", encoding="utf-8") as file:
        file.write(RULES)
    with Service(link, rules=rules) as service, Blast(link, "visits") as blast:
        with Slow(service.capture):
            blast.rate(int(3 * capacity))
            wait_until(lambda: "more traffic than 1 captures have time for" in
                       service.text(), 60, "the overload")
            wait_until(lambda: service.one_in() > 1, 60, "a sample")
            time.sleep(2 * seconds)
            blast.rate(0)
        assert "keep up again" not in service.text()
        wait_until(lambda: "keep up again" in service.text(), 120, "the end of the overload")
        wait_until(lambda: service.one_in() == 1, 10, "all visitors")
        assert service.text().count("more traffic than") == 1
        counters = service.end()
    assert counters["overloads_total"] >= 1
    assert counters["flows_sampled_out_total"] > 0
    assert counters["shapes_skipped_total"] > 0
    print(f"\n{capacity:.0f} packets/s; {counters['kernel_drops_total'] / seen(counters):.3f} "
          "lost at three times as many")
    assert counters["kernel_drops_total"] < 0.4 * seen(counters)
    # Those who were looked at were looked at whole.
    assert counters["gaps_total"] < 0.05 * counters["requests_total"]
    # Alerts say what is missing, and count for those who are.
    last = service.alerts()[-1]["trawlwatch"]
    count, hosts = last["evidence"]
    assert last["missed"] > 0.3
    assert hosts["lower_bound"] is True and "lower_bound" not in count
    assert count["value"] > 1.5 * counters["transactions_total"]


def test_captures_leave_out_the_same_visitors(link):
    """One of two has no time. If the other took all, it would begin most connections."""
    with Service(link, workers=2) as service, Blast(link, "visits") as blast:
        with Slow(service.capture, runs_ms=0.5):
            blast.rate(MANY)
            wait_until(lambda: "more traffic than" in service.text(), 60, "the overload")
            time.sleep(12)
            blast.rate(0)
        counters = service.end()
    print(f"\n{counters['flows_sampled_out_total']} left out, {counters['flows_total']} + "
          f"{counters['flows_reused_total']} begun")
    assert counters["overloads_total"] >= 1
    assert counters["flows_sampled_out_total"] > (counters["flows_total"] +
                                                  counters["flows_reused_total"])


def capture_bound(idle):
    named = ["limits.reassembly", "limits.http_memory", "limits.fragments",
             "limits.hello_memory", "limits.ring", "capture.buffer"]
    return (idle + LIMITS["limits.flows"] * FLOW_BYTES +
            sum(LIMITS[name] for name in named) + UNNAMED)


def engine_bound(idle):
    return idle + LIMITS["limits.detect"] + LIMITS["limits.ring"] + UNNAMED


@pytest.mark.parametrize("kind", ["syns", "heads", "middles", "visits", "nobody reads"])
def test_memory_stays_within_its_limits(link, kind):
    options = [f"{name}={value}" for name, value in LIMITS.items()]
    stops = kind == "nobody reads"
    with (Service(link, *options, "limits.overload=off") as service,
          Blast(link, "visits" if stops else kind) as blast):
        time.sleep(1)
        capture, engine = (status_of(pid, "VmRSS")
                           for pid in (service.capture, service.engine))
        if stops:
            os.kill(service.engine, signal.SIGSTOP)
        blast.rate(200_000)
        time.sleep(5)
        blast.rate(0)
        if stops:
            os.kill(service.engine, signal.SIGCONT)
        time.sleep(1)
        peaks = [status_of(pid, "VmHWM") for pid in (service.capture, service.engine)]
        counters = service.end()
    print(f"\n{kind}: capture {capture / MIB:.1f} -> {peaks[0] / MIB:.1f} MiB of "
          f"{capture_bound(capture) / MIB:.1f}, engine {engine / MIB:.1f} -> "
          f"{peaks[1] / MIB:.1f} MiB of {engine_bound(engine) / MIB:.1f}; "
          f"{counters['packets_total']} packets")
    assert peaks[0] <= capture_bound(capture)
    assert peaks[1] <= engine_bound(engine)
    # The limits were reached.
    if kind in ("syns", "middles"):
        assert counters["flows_evicted_total"] > 0
        assert counters["flows_total"] > 2 * LIMITS["limits.flows"]
    elif kind == "heads":
        assert counters["http_memory_full_total"] > 0
    elif stops:
        assert counters["ring_full_total"] > 0
    assert counters["engine_restarts_total"] == counters["worker_restarts_total"] == 0
