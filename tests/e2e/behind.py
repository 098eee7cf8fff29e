# SPDX-License-Identifier: MIT
"""A rig with HAProxy in front and an nginx behind it, beside those that every rig has.

A subclass says what HAProxy offers outside and what it is connected to (HAPROXY), what the
inner nginx answers (INNER, inside of its `http` block), and on which ports both listen.
%(folder)s in these texts is the folder of the rig.
"""
from rig import Rig, wait_until

HAPROXY_HEAD = """
global
    log stderr format raw local0 warning
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 20s
    option http-keep-alive
"""

INNER_HEAD = """
daemon off; master_process off; pid %(folder)s/inner.pid; error_log stderr warn;
events { worker_connections 512; }
http {
    client_body_temp_path %(folder)s/inner-body; proxy_temp_path %(folder)s/inner-proxy;
    fastcgi_temp_path %(folder)s/inner-f; uwsgi_temp_path %(folder)s/inner-u;
    scgi_temp_path %(folder)s/inner-s;
"""


class BehindHaproxy(Rig):
    HAPROXY = ""
    INNER = ""
    PORTS = ()

    def start_servers(self, stack):
        super().start_servers(stack)
        self.prepare()
        for name, text in (("haproxy.cfg", HAPROXY_HEAD + self.HAPROXY),
                           ("inner.conf", INNER_HEAD + self.INNER + "}\n")):
            with open(self.path(name), "w", encoding="utf-8") as file:
                file.write(text % {"folder": self.folder})
        self.start(stack, ["nginx", "-c", self.path("inner.conf"), "-p", self.folder,
                           "-e", "stderr"], "inner")
        self.start(stack, ["haproxy", "-db", "-f", self.path("haproxy.cfg")], "haproxy")
        wait_until(lambda: all(map(self.is_listening, self.PORTS)), 20, "HAProxy and nginx")

    def prepare(self):
        """What the configuration refers to."""
