# SPDX-License-Identifier: MIT
"""A rig with more legs behind its proxies, and a recorder of them all.

    clients --- nginx  :80   --- HTTP/1.1, X-Forwarded-For ------------ 8080 app
            +-- HAProxy:8001 --- PROXY protocol v2, HTTP/1.1 ---------- 8081 nginx --- 8080
            +-- HAProxy:8003 --- PROXY protocol v2, HTTP/2 ------------ 8083 nginx --- 8080
            +-- HAProxy:8004 --- HTTP/2 of all clients, X-Forwarded-For 8084 nginx --- 8080

The inner nginx logs what it answered, and to whom, in a file of its own.
"""
import collections
import re
import signal
import subprocess
import time

from behind import BehindHaproxy
from rig import APP, PROXY, WEB, RigError

PROXIED, PROXIED_HTTP2, SHARED_HTTP2 = 8001, 8003, 8004  # outside; 80 more inside
LEGS = "tcp port 8080 or tcp port 8081 or tcp portrange 8083-8084"

HAPROXY = f"""
frontend proxied
    bind {WEB}:{PROXIED}
    default_backend proxied
frontend proxied_http2
    bind {WEB}:{PROXIED_HTTP2}
    default_backend proxied_http2
frontend shared_http2
    bind {WEB}:{SHARED_HTTP2}
    option forwardfor
    default_backend shared_http2
backend proxied
    server app {APP[0]}:8081 send-proxy-v2 source {PROXY}
backend proxied_http2
    server app {APP[0]}:8083 proto h2 send-proxy-v2 source {PROXY}
backend shared_http2
    http-reuse always
    server app {APP[0]}:8084 proto h2 source {PROXY}
"""

INNER = f"""
    log_format told escape=none
        '$server_port\\t$proxy_protocol_addr\\t$http_x_forwarded_for\\t$request_method\\t'
        '$host\\t$request_uri\\t$status';
    access_log %(folder)s/inner.log told;
    proxy_http_version 1.1;
    proxy_bind {PROXY};
    upstream app {{ server {APP[0]}:{APP[1]}; keepalive 16; }}
    server {{
        listen {APP[0]}:8081 proxy_protocol;
        listen {APP[0]}:8083 http2 proxy_protocol;
        location / {{
            proxy_pass http://app;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_protocol_addr;
        }}
    }}
    server {{
        listen {APP[0]}:8084 http2;
        location / {{
            proxy_pass http://app;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
        }}
    }}
"""

Told = collections.namedtuple("Told", "port client method host target status")


class Stage(BehindHaproxy):
    HAPROXY, INNER = HAPROXY, INNER
    PORTS = (8081, 8083, 8084, PROXIED, PROXIED_HTTP2, SHARED_HTTP2)

    def inner_requests(self):
        """What the inner nginx answered, each with the client as the proxy named it."""
        with open(self.path("inner.log"), encoding="utf-8") as log:
            for line in log:
                port, named, forwarded, *words, status = line.rstrip("\n").split("\t")
                yield Told(int(port), named or forwarded, *words, int(status))


class Recorder:
    """dumpcap on the inner legs. Use as a context manager; all or nothing is recorded."""

    def __init__(self, rig, path, bpf=LEGS):
        self.rig, self.path, self.bpf = rig, path, bpf

    def __enter__(self):
        self.child = self.rig.popen(
            self.rig.server, ["dumpcap", "-q", "-P", "-i", "lo", "-s", "0", "-B", "32",
                              "-f", self.bpf, "-w", self.path], stderr=subprocess.PIPE, text=True)
        # It names its file when it has begun to capture.
        self.messages = ""
        while not self.messages.endswith(f"File: {self.path}\n"):
            line = self.child.stderr.readline()
            if not line:
                raise RigError(f"dumpcap: {self.messages}")
            self.messages += line
        return self

    def __exit__(self, kind, *_):
        time.sleep(1)  # the last packets
        self.child.send_signal(signal.SIGINT)
        self.messages += self.child.communicate(timeout=20)[1]
        if kind is None:
            refuse_drops(self.messages)


def refuse_drops(messages):
    """RigError unless dumpcap says, of its one interface, that it has all packets."""
    told = re.findall(r"^Packets received/dropped on interface '.*': (\d+)/(\d+) "
                      r"\(.*/ps_ifdrop:(\d+)\)", messages, re.MULTILINE)
    if len(told) != 1 or told[0][0] == "0" or told[0][1:] != ("0", "0"):
        raise RigError(f"dumpcap: {messages}")
