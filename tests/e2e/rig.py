# SPDX-License-Identifier: MIT
"""Hosts, servers and the daemon of the end-to-end tests, on this one machine.

A Rig is a network of its own, made of network namespaces:

    198.51.100.7 (a client) ---+
    203.0.113.9  (a client) ---+--- 192.0.2.1 nginx ---lo--- 127.0.0.2:8080 app
    ...                                     (from 127.0.0.3)

The application sees every request come from the proxy, 127.0.0.3, which names the
client in X-Forwarded-For. The daemon listens on the inner leg, on lo.

Names are unique to the process, so runs do not meet. Everything ends with the
rig: each child is told to die with this process, and namespaces that a killed
run left behind are removed by the next one.
"""
import contextlib
import ctypes
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

WEB = "192.0.2.1"          # the proxy, outside
PROXY = "127.0.0.3"        # the proxy, towards the application
APP = ("127.0.0.2", 8080)  # the application
REDIS_SERVER = os.environ.get("TRAWLWATCH_REDIS_SERVER", "redis-server")
FILTER = "tcp port 8080"   # the leg between them
SITE = f"""
client:
  trusted_proxies: [{PROXY}/32]
  header: X-Forwarded-For
session: {{ cookie: sid }}
pages:
  - name: asset
    path: ["/static/**", /favicon.ico]
  - name: home
    path: /
  - name: profile
    path: "/in/{{target}}"
  - name: search
    path: "/search/**"
  - name: signup_form
    method: GET
    path: /signup
  - name: signup
    method: POST
    path: /signup
    accepted: status in [200, 201, 302, 303]
"""

NGINX = """
daemon off; master_process off; pid %(folder)s/nginx.pid; error_log stderr warn;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path %(folder)s/nginx-body; proxy_temp_path %(folder)s/nginx-proxy;
    fastcgi_temp_path %(folder)s/nginx-f; uwsgi_temp_path %(folder)s/nginx-u;
    scgi_temp_path %(folder)s/nginx-s;
    upstream app { server %(app)s; keepalive 16; }
    server {
        listen %(web)s:80;
        location / {
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_bind %(proxy)s;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }
    }
}
"""


class RigError(Exception):
    """The rig cannot do its work; the message says why and what helps."""


def die_with_parent():
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def wait_until(true, seconds, what):
    """The first true value that `true()` gives; RigError after that time."""
    end = time.monotonic() + seconds
    while True:
        value = true()
        if value:
            return value
        if time.monotonic() > end:
            raise RigError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.01)


def inside(namespace, command):
    """Not `ip -n` or `ip netns exec`: they mount, which a chroot whose / is no mount point
    refuses."""
    return ["nsenter", f"--net=/run/netns/{namespace}", "--", *command]


def ip(*arguments, namespace=None):
    command = ["ip", *arguments]
    done = subprocess.run(inside(namespace, command) if namespace else command,
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RigError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


class Rig:
    """Namespaces with the web servers running. Use as a context manager."""

    counter = 0

    def __init__(self):
        Rig.counter += 1
        self.name = f"trawl-{os.getpid()}-{Rig.counter}"
        self.hosts = {}  # namespaces of clients, by address
        self.cleanup = contextlib.ExitStack()

    def __enter__(self):
        self.check_machine()
        remove_stale()
        with contextlib.ExitStack() as stack:
            self.folder = tempfile.mkdtemp(prefix=self.name + "-")
            stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self.server = self.add_namespace(stack, "server")
            self.start_servers(stack)
            self.cleanup = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.cleanup.close()

    @staticmethod
    def check_machine():
        if os.geteuid() != 0:
            raise RigError("the end-to-end tests make network namespaces and capture live: "
                           "run them as root (sudo tools/test)")
        needed = {"ip": "iproute2", "nginx": "nginx", REDIS_SERVER: "redis-server",
                  "curl": "curl", "wget": "wget", "wrk": "wrk", "chromium": "chromium"}
        missing = [package for tool, package in needed.items() if not shutil.which(tool)]
        if missing:
            raise RigError(f"programs are missing: apt-get install {' '.join(missing)}")

    def add_namespace(self, stack, what):
        name = f"{self.name}-{what}"
        ip("netns", "add", name)
        stack.callback(remove_namespace, name)
        ip("link", "set", "lo", "up", namespace=name)
        return name

    def start_servers(self, stack):
        ip("address", "add", f"{WEB}/32", "dev", "lo", namespace=self.server)
        self.app_log = self.path("app.log")
        self.start(stack, [os.path.join(HERE, "app.py"), APP[0], str(APP[1]), self.app_log],
                   "app")
        with open(self.path("nginx.conf"), "w", encoding="utf-8") as conf:
            conf.write(NGINX % {"folder": self.folder, "app": f"{APP[0]}:{APP[1]}", "web": WEB,
                                "proxy": PROXY})
        self.start(stack, ["nginx", "-c", self.path("nginx.conf"), "-p", self.folder,
                           "-e", "stderr"], "nginx")
        wait_until(lambda: self.is_listening(APP[1]) and self.is_listening(80), 20,
                   "the web servers")

    def is_listening(self, port):
        done = self.run(self.server, ["ss", "-Hltn", f"sport = :{port}"])
        return bool(done.stdout.strip())

    def path(self, name):
        return os.path.join(self.folder, name)

    def add_client(self, address):
        """A host of its own with that address; returns its namespace."""
        if address in self.hosts:
            return self.hosts[address]
        number = len(self.hosts) + 1
        name = self.add_namespace(self.cleanup, f"client{number}")
        link = f"client{number}"
        ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name,
           namespace=self.server)
        ip("address", "add", f"{WEB}/32", "peer", f"{address}/32", "dev", link,
           namespace=self.server)
        ip("link", "set", link, "up", namespace=self.server)
        ip("address", "add", f"{address}/32", "peer", f"{WEB}/32", "dev", "eth0", namespace=name)
        ip("link", "set", "eth0", "up", namespace=name)
        self.hosts[address] = name
        return name

    def popen(self, namespace, command, at_start=lambda: None, **more):
        def prepare():
            die_with_parent()
            at_start()

        # What a test starts needs neither this terminal nor the user's files.
        env = dict(os.environ, HOME=self.folder, TMPDIR=self.folder, LC_ALL="C.UTF-8")
        more.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(inside(namespace, command), env=env,
                                preexec_fn=prepare, cwd=self.folder, **more)

    def run(self, namespace, command, timeout=120):
        """Runs to the end; the caller looks at the exit status."""
        child = self.popen(namespace, command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           text=True)
        try:
            out, err = child.communicate(timeout=timeout)
        finally:
            end_process(child)
        return subprocess.CompletedProcess(command, child.returncode, out, err)

    def start(self, stack, command, name):
        """A server in the server's namespace, until `stack` is closed."""
        with open(self.path(name + ".err"), "wb") as err:
            child = self.popen(self.server, command, stdout=subprocess.DEVNULL, stderr=err)
        stack.callback(end_process, child)
        return child

    def key_file(self):
        """The key of hashed sessions, so that none is made outside of the folder."""
        with open(self.path("privacy.key"), "w", encoding="utf-8") as file:
            file.write("5" * 64 + "\n")
        os.chmod(file.name, 0o600)
        return file.name

    def app_requests(self):
        """What the application answered, in order."""
        with open(self.app_log, encoding="utf-8") as log:
            return [json.loads(line) for line in log if line.endswith("\n")]


def end_process(child):
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
    child.wait()


def remove_namespace(name):
    for pid in ip("netns", "pids", name).split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    ip("netns", "delete", name)


def remove_stale():
    """What runs left behind that were killed before they could clean up."""
    for line in ip("netns", "list").splitlines():
        made = re.match(r"trawl-(\d+)-\d+-\w+", line)
        if made and not os.path.exists(f"/proc/{made[1]}"):
            with contextlib.suppress(RigError):
                remove_namespace(made[0])
    for folder in glob.glob(os.path.join(tempfile.gettempdir(), "trawl-*-*-*")):
        made = re.match(r"trawl-(\d+)-\d+-", os.path.basename(folder))
        if made and not os.path.exists(f"/proc/{made[1]}"):
            shutil.rmtree(folder, ignore_errors=True)


class Redis:
    """A redis-server on a socket of its own, and a client for it."""

    def __init__(self, rig, name="redis"):
        self.rig = rig
        self.socket_path = rig.path(name + ".sock")
        self.url = "unix:" + self.socket_path
        self.name = name
        self.child = None
        self.connection = None

    def start(self):
        command = [REDIS_SERVER, "--port", "0", "--unixsocket", self.socket_path,
                   "--unixsocketperm", "777", "--save", "", "--appendonly", "no",
                   "--dir", self.rig.folder]
        with open(self.rig.path(self.name + ".log"), "ab") as log:
            self.child = self.rig.popen(self.rig.server, command, stdout=log, stderr=log)
        wait_until(self.is_up, 20, "redis-server")
        return self

    def is_up(self):
        try:
            return self.ask("PING") == "PONG"
        except OSError:
            self.connection = None
            return False

    def stop(self):
        if self.child:
            end_process(self.child)
        self.connection = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def ask(self, *words):
        """One command; the answer as str, int, None or a list of these."""
        if not self.connection:
            link = socket.socket(socket.AF_UNIX)
            link.settimeout(10)
            link.connect(self.socket_path)
            self.connection = link.makefile("rwb")
        out = [b"*%d\r\n" % len(words)]
        for word in words:
            raw = str(word).encode()
            out.append(b"$%d\r\n%s\r\n" % (len(raw), raw))
        self.connection.write(b"".join(out))
        self.connection.flush()
        return self.read_answer()

    def read_answer(self):
        line = self.connection.readline().rstrip(b"\r\n")
        if not line:
            raise OSError("redis-server closed the connection")
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            raise RigError(f"redis: {rest.decode()}")
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.connection.read(int(rest) + 2)[:-2].decode()
        return None if rest == b"-1" else [self.read_answer() for _ in range(int(rest))]

    def alerts(self):
        """Alerts of the stream, oldest first: their JSON, with the stream's fields."""
        found = []
        for _, fields in self.ask("XRANGE", "{trawlwatch}:alerts", "-", "+"):
            fields = dict(zip(fields[::2], fields[1::2]))
            fields["json"] = json.loads(fields["json"])
            found.append(fields)
        return found


class Daemon:
    """trawlwatchd on the inner leg. Lines of its output are collected as they come."""

    def __init__(self, rig, *options, interface="lo", journal="journal",
                 rules=os.path.join(ROOT, "rules"), bpf=FILTER, site_text=SITE):
        self.rig = rig
        site = rig.path("site.yaml")
        with open(site, "w", encoding="utf-8") as file:
            file.write(site_text)
        self.journal = rig.path(journal)
        self.command = [program("trawlwatchd"), "-i", interface, "-f", bpf, "-s", site,
                        "-R", rules, "-o", f"journal.dir={self.journal}",
                        "-o", f"privacy.key_file={rig.key_file()}",
                        "-o", "admin.user=root",  # the folders are root's
                        "-o", "admin.listen=none", "-o", "admin.socket=none",
                        "--print", "requests", "--stats", *options]
        self.requests = []
        self.messages = []
        self.probes = 0

    def __enter__(self):
        self.child = self.rig.popen(self.rig.server, self.command, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True)
        self.readers = [threading.Thread(target=self.collect, args=pair, daemon=True)
                        for pair in ((self.child.stdout, self.requests, json.loads),
                                     (self.child.stderr, self.messages, str))]
        for reader in self.readers:
            reader.start()
        try:
            self.wait_for_a_request()
        except BaseException:
            end_process(self.child)
            sys.stderr.writelines(self.messages)
            raise
        return self

    def __exit__(self, *_):
        end_process(self.child)
        self.finish()

    @staticmethod
    def collect(stream, into, convert):
        for line in stream:
            into.append(convert(line))

    def wait_for_a_request(self):
        """Capturing has begun when a request that was made is printed."""
        def seen():
            self.probes += 1
            path = f"/probe/{self.probes}"
            self.rig.run(self.rig.server, ["curl", "-s", "-o", "/dev/null",
                                           f"http://{APP[0]}:{APP[1]}{path}"])
            if self.child.poll() is not None:
                raise RigError(f"trawlwatchd ended with status {self.child.returncode}: "
                               f"{''.join(self.messages)}")
            time.sleep(0.1)
            return bool(self.requests)
        wait_until(seen, 30, "the daemon to print the first request")

    def visible(self):
        """The requests of clients, without the probes."""
        return [one for one in list(self.requests)
                if "url" in one and not one["url"]["path"].startswith("/probe/")]

    def crash(self):
        """All of its processes at one moment, as when the power goes."""
        self.child.send_signal(signal.SIGSTOP)  # so that it starts none anew
        pid = self.child.pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            for child in file.read().split():
                os.kill(int(child), signal.SIGKILL)
        self.child.kill()
        self.child.wait(10)

    def stop(self, how=signal.SIGTERM, seconds=20):
        """Its exit status."""
        self.child.send_signal(how)
        status = self.child.wait(seconds)
        self.finish()
        return status

    def finish(self):
        for reader in self.readers:
            reader.join(10)

    def counters(self):
        for line in reversed(self.messages):
            if line.startswith("{"):
                return json.loads(line)
        raise RigError("no counters on standard error:\n" + "".join(self.messages))


def program(name):
    folder = os.environ.get("TRAWLWATCH_BIN", os.path.join(ROOT, "build/bin"))
    path = os.path.join(folder, name)
    if not os.access(path, os.X_OK):
        raise RigError(f"{path} is not there: build first, or set TRAWLWATCH_BIN")
    return path
