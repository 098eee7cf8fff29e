# SPDX-License-Identifier: MIT
"""The daemon as a service manager sees it: its processes, and what it says of itself.

A Service is a Daemon that waits for READY=1. A Quick is a web server that can bear a
load, in the application's place; Load are its visitors.
"""
import collections
import contextlib
import datetime
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

from rig import APP, HERE, PROXY, Daemon, end_process, wait_until

QUICK_PORT = 8090
FILTER = f"tcp port {QUICK_PORT}"

QUICK = f"""
daemon off; master_process off; pid %(folder)s/quick.pid; error_log stderr error;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    client_body_temp_path %(folder)s/quick-body; proxy_temp_path %(folder)s/quick-proxy;
    fastcgi_temp_path %(folder)s/quick-f; uwsgi_temp_path %(folder)s/quick-u;
    scgi_temp_path %(folder)s/quick-s;
    keepalive_requests 100000000;
    server {{
        listen {APP[0]}:{QUICK_PORT} backlog=4096; %(more)s
        location / {{ return 200 "found\\n"; }}
        location = /signup {{ return 303 "/"; }}
    }}
}}
"""


class Quick:
    """The quick web server, until the rig ends."""

    def __init__(self, rig, more=""):
        with open(rig.path("quick.conf"), "w", encoding="utf-8") as file:
            file.write(QUICK % {"folder": rig.folder, "more": more})
        rig.start(rig.cleanup, ["prlimit", "--nofile=20000", "nginx", "-c", file.name,
                                "-p", rig.folder, "-e", "stderr"], "quick")
        wait_until(lambda: rig.is_listening(QUICK_PORT), 20, "the quick web server")


Request = collections.namedtuple("Request", "number visitor begun answered")


class Load:
    """Visitors of the quick server (load.py) until finish(), which tells what they asked."""

    def __init__(self, rig, connections=8, pause=0.02, each=50, visitor=0, number=0,
                 visitors=1 << 17):
        self.child = rig.popen(rig.server, [
            os.path.join(HERE, "load.py"), APP[0], str(QUICK_PORT), PROXY, str(connections),
            str(pause), str(each), str(visitor), str(number), str(visitors)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end_process(self.child)

    def finish(self):
        out, _ = self.child.communicate("", timeout=60)
        assert self.child.returncode == 0, "a visitor was not served"
        return [Request(*json.loads(line)) for line in out.splitlines()]


Message = collections.namedtuple("Message", "time text")


class Manager(threading.Thread):
    """The service manager's end of NOTIFY_SOCKET."""

    def __init__(self, path):
        super().__init__(daemon=True)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self.path, self.messages = path, []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                text = self.socket.recv(4096).decode()
                if not text:
                    return
                self.messages.append(Message(time.monotonic(), text))

    def told(self, what):
        return [one for one in list(self.messages) if one.text.startswith(what)]

    def close(self):
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as last:
            last.sendto(b"", self.path)
        self.join(10)
        self.socket.close()


def time_of(alert):
    """When that was which an alert of Redis tells: seconds of the wall clock."""
    return datetime.datetime.fromisoformat(alert["time"].replace("Z", "+00:00")).timestamp()


def parent_and_name(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        text = file.read()
    name, _, rest = text[text.index("(") + 1:].rpartition(")")
    state, parent = rest.split()[:2]
    return (None if state in "ZX" else int(parent)), name


def children(pid, name):
    """Processes of that name which that one has started, and which have not ended."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                if parent_and_name(entry) == (pid, name):
                    found.append(int(entry))
    return sorted(found)


def is_alive(pid):
    with contextlib.suppress(OSError):
        return parent_and_name(pid)[0] is not None
    return False


class Service(Daemon):
    """The daemon, supervised. Its last line of requests may be torn: it may be killed."""

    count = 0

    def __init__(self, rig, *options, watchdog=None, config=None, bpf=FILTER, **more):
        super().__init__(rig, *options, bpf=bpf, **more)
        if config:  # a file, instead of -i, -f, -s and -R
            at = self.command.index("-i")
            self.command[at:at + 8] = ["-c", config]
        Service.count += 1
        self.manager = Manager(rig.path(f"notify-{Service.count}"))
        set_up = [f"NOTIFY_SOCKET={self.manager.path}"]
        if watchdog:
            set_up.append(f"WATCHDOG_USEC={watchdog * 1_000_000}")
        self.command = ["env", *set_up, *self.command]
        self.torn = 0

    def wait_for_a_request(self):
        def is_ready():
            if self.child.poll() is not None:
                raise RuntimeError(f"trawlwatchd ended with status {self.child.returncode}:\n"
                                   + "".join(self.messages))
            return self.manager.told("READY=1")
        wait_until(is_ready, 60, "READY=1")

    def __exit__(self, kind, *_):
        end_process(self.child)
        self.finish()
        self.manager.close()
        if not kind:  # what a process that was replaced may have said of itself
            assert not self.said(r"Sanitizer: (?!SEGV)|runtime error")
        else:
            sys.stderr.writelines(self.messages[-60:])

    def collect(self, stream, into, convert):
        for line in stream:
            try:
                into.append(convert(line))
            except json.JSONDecodeError:
                self.torn += 1

    def workers(self):
        return children(self.child.pid, "trawl-capture")

    def worker(self):
        """The first one's process id, once it has its name: it says that it captures before."""
        return wait_until(self.workers, 10, "a worker")[0]

    def engine(self):
        """Its process id, or None while there is none."""
        found = children(self.child.pid, "trawl-engine")
        return found[0] if found else None

    def processes(self):
        return self.workers(), self.engine()

    def kill_worker(self, pid, how=signal.SIGSEGV):
        """Kills it and waits for another one. The seconds that this took."""
        before, since = set(self.workers()), time.monotonic()
        os.kill(pid, how)
        wait_until(lambda: len([one for one in self.workers() if one != pid]) >= len(before)
                   and set(self.workers()) - before, 60, "another worker")
        return time.monotonic() - since

    def kill_engine(self, how=signal.SIGSEGV):
        pid, since = self.engine(), time.monotonic()
        os.kill(pid, how)
        wait_until(lambda: self.engine() not in (None, pid), 60, "another engine")
        return time.monotonic() - since

    def said(self, words, since=0):
        """Lines of its log with these words (a regular expression)."""
        return [line for line in self.messages[since:] if re.search(words, line)]

    def wait_said(self, words, since=0, seconds=30):
        wait_until(lambda: self.said(words, since), seconds, repr(words) + " in the log")
        return self.said(words, since)

    def numbers(self):
        """How often each number of the load was printed."""
        return collections.Counter(
            int(one["url"]["query"][2:]) for one in list(self.requests)
            if "url" in one and one["url"].get("query", "").startswith("n="))
