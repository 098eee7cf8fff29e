# SPDX-License-Identifier: MIT
"""What tests of the daemon's processes share: files that change, links, what a process has."""
import contextlib
import glob
import os
import signal
import subprocess
import threading
import time

from rig import SITE, WEB, ip, program, wait_until
from service import FILTER

THRESHOLD = 20


RULE = """rules:
  - name: harvest
    where: page == profile and status == 200
    per: client.host
    when: distinct(target, 10m) >= %s
"""


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def harvest(rig, name="harvest.yaml", threshold=THRESHOLD):
    return write(rig.path(name), RULE % threshold)


def wait_seen(daemon, more=1):
    """That many more requests are printed."""
    before = len(daemon.requests)
    wait_until(lambda: len(daemon.requests) >= before + more, 30, f"{more} more requests")


def journal_holds(daemon, word):
    """A part of an alert that is written there."""
    return any(word in open(path, "rb").read()
               for path in glob.glob(daemon.journal + "/*.journal"))


def where_it_waits(pid):
    """The kernel's name for what the process waits in."""
    with open(f"/proc/{pid}/wchan", encoding="ascii") as file:
        return file.read()


def overlaps(request, intervals):
    return any(request.begun <= end and begin <= request.answered for begin, end in intervals)


class Link:
    """A client's link that can be taken away: one end in the server's namespace."""

    def __init__(self, rig, name, address):
        self.rig, self.name, self.address = rig, name, address
        self.client = rig.add_namespace(rig.cleanup, "of" + name)
        self.make()

    def make(self):
        server = self.rig.server
        ip("link", "add", self.name, "type", "veth", "peer", "name", "eth0", "netns", self.client,
           namespace=server)
        self.configure(self.name)
        ip("address", "add", f"{self.address}/32", "peer", f"{WEB}/32", "dev", "eth0",
           namespace=self.client)
        ip("link", "set", "eth0", "up", namespace=self.client)

    def configure(self, name):
        ip("address", "replace", f"{WEB}/32", "peer", f"{self.address}/32", "dev", name,
           namespace=self.rig.server)
        ip("link", "set", name, "up", namespace=self.rig.server)

    def set(self, *words):
        ip("link", "set", *words, namespace=self.rig.server)

    def remove(self, name):
        ip("link", "delete", name, namespace=self.rig.server)

    def is_seen(self, daemon, word):
        """Requests come over the link until one is seen."""
        def seen():
            self.rig.run(self.client, ["curl", "-s", "-m", "2", "-o", "/dev/null",
                                       f"http://{WEB}/in/{word}"])
            return [one for one in list(daemon.requests) if one["url"]["path"] == f"/in/{word}"]
        return wait_until(seen, 30, f"a request over the link ({word})")


CONFIG = """capture:
  interfaces: [%(interface)s]
  filter: "%(filter)s"
  snaplen: %(snaplen)s
site: { file: %(folder)s/reload-site.yaml }
rules: { paths: [%(folder)s/reload-rules.yaml] }
redis: { prefix: "{%(prefix)s}", url: "%(redis)s" }
"""


def descriptors(pid):
    found = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found[int(name)] = os.readlink(f"/proc/{pid}/fd/{name}")
    return found


def packet_sockets(pid):
    with open(f"/proc/{pid}/net/packet", encoding="utf-8") as file:
        return {f"socket:[{line.split()[-1]}]" for line in file.readlines()[1:]}


def open_captures(pid):
    return len(packet_sockets(pid) & set(descriptors(pid).values()))


class Reloads:
    """A daemon's files, and what happens when they change under a load."""

    def __init__(self, rig, redis):
        self.rig, self.daemon, self.moments = rig, None, []
        self.values = {"interface": "lo", "filter": FILTER, "snaplen": "256k",
                       "folder": rig.folder, "prefix": "trawlwatch", "redis": redis.url}
        self.rules, self.site = RULE % 100000, None
        self.path = rig.path("reload.yaml")

    def write(self, rules=None, site=None, **values):
        self.rules, self.site = rules or self.rules, site or self.site
        self.values.update(values)
        write(self.rig.path("reload-rules.yaml"), self.rules)
        write(self.rig.path("reload-site.yaml"), self.site)
        write(self.path, CONFIG % self.values)

    def reload(self, word):
        """SIGHUP, and all until the daemon has said that word and the service manager
        knows, and requests are seen. What was said."""
        before, ready = len(self.daemon.messages), len(self.daemon.manager.told("READY=1"))
        begin = time.time()
        self.daemon.child.send_signal(signal.SIGHUP)
        self.daemon.wait_said(word, before)
        wait_until(lambda: len(self.daemon.manager.told("READY=1")) > ready, 30, "READY=1")
        wait_seen(self.daemon, 200)
        self.moments.append((begin, time.time()))
        return "".join(self.daemon.messages[before:])

    def reload_slowly(self, word):
        """The same, with an engine that takes its time to answer: the new captures are open
        meanwhile, and see what the old ones see."""
        asked = len(self.daemon.manager.told("RELOADING"))
        engine = self.daemon.engine()
        sockets = open_captures(self.daemon.child.pid)
        os.kill(engine, signal.SIGSTOP)
        go_on = threading.Thread(target=self.let_go_on, args=(engine, asked, sockets))
        go_on.start()
        try:
            return self.reload(word)
        finally:
            go_on.join()

    def let_go_on(self, engine, asked, sockets):
        try:
            wait_until(lambda: len(self.daemon.manager.told("RELOADING")) > asked
                       and open_captures(self.daemon.child.pid) > sockets, 30, "new captures")
            time.sleep(0.5)  # requests for both
        finally:
            os.kill(engine, signal.SIGCONT)

    def mistake(self, *words, **changes):
        """Changes that are refused: nothing is another."""
        kept = self.rules, self.site, dict(self.values)
        there = self.daemon.processes()
        self.write(**changes)
        said = self.reload("the old rules stay")
        assert all(word in said for word in words), said
        assert self.daemon.processes() == there
        self.rules, self.site, self.values = kept
        self.write()


TAKEN_UP = "SIGHUP: taken up"


def with_page(name):
    return SITE.replace("- name: profile", f"- {{ name: {name}, path: /{name} }}\n"
                        "  - name: profile", 1)


def with_socket(redis, path):
    """For the last line of CONFIG: its Redis, and a control socket."""
    return redis.url + f'" }}\nadmin: {{ socket: "{path}'


def reload_by_trawlctl(socket_path, status):
    """What it prints, when it ends with that status."""
    done = subprocess.run([program("trawlctl"), "reload", "-o", "admin.socket=" + socket_path],
                          capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr
