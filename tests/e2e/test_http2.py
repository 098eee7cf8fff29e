# SPDX-License-Identifier: MIT
"""HTTP/2 in the clear between real clients and servers, captured live.

nghttpd and nginx answer by prior knowledge, nghttpx by upgrade; curl asks for one thing, and
nghttp for several on one connection (curl 7.88 cannot do that in the clear).
"""
import collections
import contextlib
import os
import re
import shutil

import pytest

from rig import Daemon, wait_until

NGHTTPD, NGINX, NGHTTPX = (("127.0.0.2", port) for port in (8081, 8082, 8083))
CONF = """
daemon off; master_process off; pid %(folder)s/h2.pid; error_log stderr warn;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path %(folder)s/h2-body; proxy_temp_path %(folder)s/h2-proxy;
    fastcgi_temp_path %(folder)s/h2-f; uwsgi_temp_path %(folder)s/h2-u;
    scgi_temp_path %(folder)s/h2-s;
    server {
        listen %(address)s:%(port)d http2;
        root %(folder)s/htdocs;
        location /moved { return 302 /a; }
        location /denied { return 403; }
    }
}
"""


@pytest.fixture(scope="module", name="servers")
def start_servers(rig):
    missing = [tool for tool in ("nghttpd", "nghttpx", "nghttp", "nginx", "curl") if not shutil.which(tool)]
    if missing:
        pytest.fail(f"programs are missing: {' '.join(missing)}", pytrace=False)
    os.makedirs(rig.path("htdocs"))
    os.chmod(rig.folder, 0o755)
    for name, size in (("a", 10), ("b", 100_000), ("c", 0)):
        with open(rig.path(f"htdocs/{name}"), "wb") as file:
            file.write(b"x" * size)
    with open(rig.path("h2.conf"), "w", encoding="utf-8") as conf:
        conf.write(CONF % {"folder": rig.folder, "address": NGINX[0], "port": NGINX[1]})
    with contextlib.ExitStack() as stack:
        rig.start(stack, ["nghttpd", "--no-tls", "-a", NGHTTPD[0], "-d", rig.path("htdocs"),
                          str(NGHTTPD[1])], "nghttpd")
        rig.start(stack, ["nginx", "-c", rig.path("h2.conf"), "-p", rig.folder, "-e", "stderr"],
                  "nginx-h2")
        rig.start(stack, ["nghttpx", "--conf=/dev/null", f"--frontend={NGHTTPX[0]},{NGHTTPX[1]};no-tls",
                          f"--backend={NGHTTPD[0]},{NGHTTPD[1]};;proto=h2", "--workers=1",
                          "--single-process"], "nghttpx")
        wait_until(lambda: all(rig.is_listening(one[1]) for one in (NGHTTPD, NGINX, NGHTTPX)), 20,
                   "the servers of HTTP/2")
        yield rig


def curl(rig, server, *options, path):
    """What curl saw: (method, path, status)."""
    done = rig.run(rig.server, ["curl", "-s", "-S", *options, "-o", "/dev/null", "-w",
                                "%{http_version} %{method} %{response_code}",
                                f"http://{server[0]}:{server[1]}{path}"])
    assert done.returncode == 0, done.stderr
    version, method, status = done.stdout.split()
    assert version == "2"
    return collections.Counter([(method, path, int(status))])


def nghttp(rig, server, *options, paths):
    """The same for several requests on one connection."""
    done = rig.run(rig.server, ["nghttp", "-n", "-s", *options,
                                *(f"http://{server[0]}:{server[1]}{path}" for path in paths)])
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^ *\d+ .* (\d{3}) +\S+ (/\S*)$", done.stdout, flags=re.M)
    method = "POST" if any(one.startswith("--data") for one in options) else "GET"
    return collections.Counter((method, path, int(status)) for status, path in rows)


def told(lines):
    return collections.Counter(
        (one["http"]["request"]["method"],
         one["url"]["path"] + ("?" + one["url"]["query"] if "query" in one["url"] else ""),
         one["http"].get("response", {}).get("status_code")) for one in lines)


def check(rig, server, ask, count, upgraded=0):
    """The daemon tells what the client saw, no more and no less; returns its lines."""
    with Daemon(rig, rules="none", bpf=f"tcp port 8080 or tcp port {server[1]}") as daemon:
        wanted = ask()
        assert wanted.total() == count
        wait_until(lambda: len(daemon.visible()) >= count, 10, f"{count} requests")
        lines = daemon.visible()
    assert told(lines) == wanted
    versions = collections.Counter(one["http"]["version"] for one in lines)
    assert versions["1.1"] == upgraded and versions["2"] == count - upgraded
    for one in lines:
        assert one["url"]["domain"] == server[0]
        assert one["trawlwatch"]["http_shape"]
        if one["url"]["path"] == "/b" and one["http"]["request"]["method"] == "GET":
            # Frames of 16 KB at most, nine bytes before each, and a header block.
            assert 100_000 + 7 * 9 < one["http"]["response"]["bytes"] < 101_500
    return lines


@pytest.mark.parametrize("server", [NGHTTPD, NGINX, NGHTTPX])
@pytest.mark.parametrize("path", ["/a", "/b?x=1", "/nothing", "/c"])
def test_one_request_of_curl(servers, server, path):
    check(servers, server, lambda: curl(servers, server, "--http2-prior-knowledge", path=path), 1)


def test_curl_asks_for_the_head(servers):
    check(servers, NGINX,
          lambda: curl(servers, NGINX, "--http2-prior-knowledge", "-I", path="/c"), 1)


def test_curl_upgrades(servers):
    """A short body: curl refuses an upgrade that more than 32 KiB follow at once."""
    check(servers, NGHTTPX, lambda: curl(servers, NGHTTPX, "--http2", path="/a"), 1, upgraded=1)


@pytest.mark.parametrize("server", [NGHTTPD, NGINX, NGHTTPX])
def test_many_streams_at_a_time(servers, server):
    paths = [f"{path}?{n}" for n in range(20) for path in ("/a", "/b", "/nothing")]
    check(servers, server, lambda: nghttp(servers, server, paths=paths), 60)


def test_many_streams_after_an_upgrade(servers):
    paths = [f"/b?{n}" for n in range(8)]
    check(servers, NGHTTPX, lambda: nghttp(servers, NGHTTPX, "-u", paths=paths), 8, upgraded=1)


def test_an_upload_and_headers_over_many_frames(servers):
    options = ["--data=" + servers.path("htdocs/b"), "--continuation", "--padding=50"]
    line, = check(servers, NGHTTPD,
                  lambda: nghttp(servers, NGHTTPD, *options, paths=["/a"]), 1)
    assert line["http"]["request"]["bytes"] > 116_000
