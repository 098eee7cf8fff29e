# SPDX-License-Identifier: MIT
"""Three doors that trawl-enforce keeps, and clients that knock at them.

    client --- 192.0.2.1:80    nginx of the rig, behind nftables ---+
           --- 192.0.2.1:8100  nginx with a geo block --------------+-- app
           --- 192.0.2.1:8200  HAProxy with a map ------------------+

A door has a port, the arguments of trawl-enforce, and a way to be restarted or emptied.
"""
import base64
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import threading
import time

from rig import APP, ROOT, WEB, RigError, end_process, program, wait_until

EXAMPLES = os.path.join(ROOT, "tools/trawl-enforce/examples")

NGINX = f"""
daemon off; pid %(folder)s/door.pid; error_log stderr warn; worker_processes 1;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path %(folder)s/door-body; proxy_temp_path %(folder)s/door-proxy;
    fastcgi_temp_path %(folder)s/door-f; uwsgi_temp_path %(folder)s/door-u;
    scgi_temp_path %(folder)s/door-s;
    geo $blocked {{
        default 0;
        include %(folder)s/blocked.conf;
        include %(folder)s/by-hand.conf;
    }}
    server {{
        listen {WEB}:8100;
        if ($blocked) {{ return 403; }}
        location / {{ proxy_pass http://{APP[0]}:{APP[1]}; }}
    }}
}}
"""

HAPROXY = f"""
global
    stats socket %(folder)s/haproxy.sock mode 600 level admin
    log stderr format raw local0 warning
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 20s
frontend door
    bind {WEB}:8200
    http-request deny deny_status 429 if {{ src,map_ip(%(folder)s/blocked.map) -m found }}
    http-request deny deny_status 429 if {{ req.hdr(X-Session),map(%(folder)s/sessions.map) -m found }}
    default_backend app
backend app
    server app {APP[0]}:{APP[1]}
"""


class Door:
    """What a target needs in a test."""

    def __init__(self, rig):
        self.rig = rig
        self.stack = contextlib.ExitStack()

    def start(self):
        """Whatever refuses, with nothing to refuse yet."""

    def stop(self):
        self.stack.close()

    def lose(self):
        """It forgets what it was told."""

    def write(self, name, text):
        with open(self.rig.path(name), "w", encoding="utf-8") as file:
            file.write(text % {"folder": self.rig.folder})


class Nftables(Door):
    port = 80
    refusal = "silence"
    options = ["--nftables"]

    def start(self):
        self.lose()

    def stop(self):
        self.lose()
        super().stop()

    def lose(self):
        self.nft("flush", "ruleset")

    def nft(self, *words):
        done = self.rig.run(self.rig.server, ["nft", *words])
        assert done.returncode == 0, done.stderr
        return done.stdout


class NftablesReject(Nftables):
    refusal = "reset"
    options = ["--nftables", "own_table", "--reject"]


class Haproxy(Door):
    port = 8200
    refusal = "429"
    config = HAPROXY

    def __init__(self, rig):
        super().__init__(rig)
        self.socket_path = rig.path("haproxy.sock")
        self.options = ["--haproxy", self.socket_path, rig.path("blocked.map"),
                        "session=" + rig.path("sessions.map")]

    def start(self):
        for name in ("blocked.map", "sessions.map"):
            self.write(name, "")
        self.write("door.cfg", self.config)
        self.child = self.rig.start(self.stack, ["haproxy", "-db", "-f",
                                                 self.rig.path("door.cfg")], "haproxy-door")
        wait_until(lambda: self.rig.is_listening(self.port), 20, "HAProxy")

    def lose(self):
        end_process(self.child)
        self.start()

    def ask(self, command):
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(self.socket_path)
            link.sendall(command.encode() + b"\n")
            return b"".join(iter(lambda: link.recv(65536), b"")).decode()


class HaproxyKeys(Haproxy):
    """Computes the keys of sessions itself, by the example in Lua."""

    secret = bytes(range(32))
    config = HAPROXY.replace("global\n", "global\n    setenv TRAWLWATCH_KEY "
                             f"{base64.b64encode(secret).decode()}\n"
                             f"    lua-load {EXAMPLES}/haproxy/trawlwatch.lua\n"
                             ).replace("req.hdr(X-Session)", "lua.trawlwatch_cookie(session,sid)")


class Nginx(Door):
    port = 8100
    refusal = "403"

    def __init__(self, rig):
        super().__init__(rig)
        self.file = rig.path("blocked.conf")
        self.options = ["--nginx", self.file, "--reload",
                        f"nginx -c {rig.path('door.conf')} -p {rig.folder} -e stderr -s reload",
                        "--reload-every", "0.2"]

    def start(self):
        for name in ("blocked.conf", "by-hand.conf"):
            if not os.path.exists(self.rig.path(name)):  # geo wants them to be there
                self.write(name, "")
        self.write("door.conf", NGINX)
        self.child = self.rig.start(self.stack, ["nginx", "-c", self.rig.path("door.conf"),
                                                 "-p", self.rig.folder, "-e", "stderr"],
                                    "nginx-door")
        wait_until(lambda: self.rig.is_listening(self.port), 20, "nginx")

    def stop(self):
        super().stop()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.file)

    def lose(self):
        end_process(self.child)
        self.start()


class Client(threading.Thread):
    """Knocks at a door about every 5 ms from a network namespace of its own.

    `outcomes`: when each request began, and what came of it: a status, "reset" or "silence".
    """

    def __init__(self, rig, address, port, header=""):
        super().__init__(daemon=True)
        self.namespace = rig.add_client(address)
        self.address = address
        self.port = port
        self.header = header
        self.outcomes = []
        self.ended = threading.Event()

    def __enter__(self):
        self.start()
        self.wait_for("200", time.monotonic(), 10)
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join(5)

    def run(self):
        clone_newnet = 0x40000000
        with open(f"/run/netns/{self.namespace}", "rb") as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), clone_newnet) != 0:
                raise RigError("setns: " + os.strerror(ctypes.get_errno()))
        while not self.ended.is_set():
            began = time.monotonic()
            self.outcomes.append((began, self.knock()))
            time.sleep(0.005)

    def knock(self):
        try:
            with socket.socket() as link:
                link.settimeout(0.25)
                link.connect((WEB, self.port))
                link.sendall(f"GET / HTTP/1.0\r\nHost: h\r\n{self.header}\r\n".encode())
                answer = link.recv(100)
                return answer[9:12].decode() if answer else "reset"
        except TimeoutError:
            return "silence"
        except OSError:
            return "reset"

    def wait_for(self, outcome, since, seconds):
        """Milliseconds from `since` to the first request with that outcome ("refused": any
        but 200)."""
        def found():
            for began, came in list(self.outcomes):
                if began >= since and (came == outcome or
                                       (outcome == "refused" and came != "200")):
                    return began
            return None
        try:
            return (wait_until(found, seconds, outcome) - since) * 1000
        except RigError:
            raise RigError(f"{self.address} at port {self.port} did not get {outcome} within "
                           f"{seconds} s; last: {self.outcomes[-3:]}") from None

    def last_served(self, since):
        """The same to the beginning of the last one that got 200."""
        return max(((began - since) * 1000 for began, came in list(self.outcomes)
                    if began >= since and came == "200"), default=0)

    def require_only(self, outcome, seconds):
        """Nothing else, but for a moment in which nginx' old worker still accepts."""
        time.sleep(0.3)
        since = time.monotonic()
        time.sleep(seconds)
        for began, came in list(self.outcomes):
            assert began < since or (came == "200") == (outcome == "200"), \
                f"{self.address} got {came} on {self.port}, not {outcome}"


class Enforce:
    """trawl-enforce in the server's namespace."""

    def __init__(self, rig, redis, options, *more, env=None):
        self.rig = rig
        self.command = [program("trawl-enforce"), "--redis", redis.url, "--name", "here",
                        *options, *more]
        self.log = rig.path(f"enforce-{time.monotonic()}.log")
        self.env = env

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        end_process(self.child)
        assert self.child.returncode in (0, -signal.SIGKILL), self.said()

    def start(self):
        with open(self.log, "ab") as log:
            self.child = self.rig.popen(self.rig.server, self.command, stdout=log, stderr=log)

    def kill(self):
        self.child.kill()
        self.child.wait()

    def said(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read()


class Publisher:
    """alert-driver: the daemon's publishing path, told which addresses to block."""

    def __init__(self, rig, redis):
        driver = os.path.join(os.path.dirname(program("trawl-enforce")), "..", "tests",
                              "alert-driver")
        self.child = rig.popen(rig.server, [driver, rig.path(f"journal-{time.time()}"), "s1",
                                            redis.url],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.child.stdout.readline() == "ready\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end_process(self.child)

    def block(self, address, seconds=3600):
        """When it was told to."""
        _, _, high, low = map(int, address.split("."))
        assert address.startswith("203.0.")
        since = time.monotonic()
        self.child.stdin.write(f"block {high * 256 + low} 1 {int(seconds * 1000)}\n")
        self.child.stdin.flush()
        assert self.child.stdout.readline() == "ok\n"
        return since
