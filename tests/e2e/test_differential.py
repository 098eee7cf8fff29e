# SPDX-License-Identifier: MIT
"""The same capture read by the daemon, by tshark and by the servers that answered.

Real programs make the traffic; see stage.py for who speaks what to whom.
"""
import collections
import concurrent.futures
import json
import os
import shutil
import subprocess

import pytest

import clients
import tshark
from app import NAMES
from rig import APP, SITE, WEB, RigError, program
from stage import PROXIED, PROXIED_HTTP2, SHARED_HTTP2, Recorder, Stage, refuse_drops
from tshark import oracle

DECODE = ("tcp.port==8081,http", "tcp.port==8083,http2", "tcp.port==8084,http2")
INNER = f"http://{APP[0]}"


@pytest.fixture(scope="module", name="stage")
def start_stage():
    missing = [tool for tool in ("tshark", "dumpcap", "haproxy", "nghttp") if not shutil.which(tool)]
    if missing:
        pytest.fail(f"programs are missing: {' '.join(missing)}", pytrace=False)
    try:
        with Stage() as made:
            yield made
    except RigError as error:
        pytest.fail(str(error), pytrace=False)


def curl(rig, address, port):
    """Pages that are there and not, a form that is taken and not, one head."""
    namespace, site = rig.add_client(address), f"http://{WEB}:{port}"
    clients.curl_each(rig, namespace, [f"{site}/in/{name}?a=%41&b={port}" for name in NAMES[:8]])
    clients.curl_each(rig, namespace, [f"{site}/in/nobody%20{n}" for n in range(3)])
    clients.curl_each(rig, namespace, [f"{site}/search?q=an&page=2"], "-I")
    for email in ("a@b.example", "none"):
        clients.curl_each(rig, namespace, [f"{site}/signup"], "-d", f"email={email}")


def without_proxy(rig):
    """HTTP/2 by prior knowledge: a request a connection, and many on one."""
    clients.curl_each(rig, rig.server, [f"{INNER}:8084/in/{name}" for name in NAMES[:5]],
                      "--http2-prior-knowledge")
    clients.need(rig.run(rig.server, ["nghttp", "-n", *(f"{INNER}:8084/in/{name}?n={n}" for n, name
                                                        in enumerate(NAMES[:30]))]))


@pytest.fixture(scope="module", name="recorded")
def record(stage):
    """The path of a capture with everybody at work at the same time."""
    hosts = ["203.0.113.7", "203.0.113.9", "203.0.113.50", "198.51.100.21"]
    for address in hosts:
        stage.add_client(address)
    path = stage.path("legs.pcap")
    with Recorder(stage, path), concurrent.futures.ThreadPoolExecutor(16) as pool:
        work = [pool.submit(curl, stage, address, port) for address in hosts[:3]
                for port in (80, PROXIED, PROXIED_HTTP2, SHARED_HTTP2)]
        work.append(pool.submit(clients.wget_profiles, stage, stage.hosts[hosts[3]], NAMES[:40]))
        work.append(pool.submit(clients.read_with_browser, stage, stage.hosts[hosts[0]], 3))
        work.append(pool.submit(without_proxy, stage))
        for one in work:
            one.result()
    return path


@pytest.fixture(scope="module", name="lines")
def read_with_daemon(stage, recorded):
    """What the daemon prints of that capture."""
    site = stage.path("site.yaml")
    with open(site, "w", encoding="utf-8") as file:
        file.write(SITE)
    done = subprocess.run([program("trawlwatchd"), "-r", recorded, "-s", site, "-R", "none",
                           "-o", f"privacy.key_file={stage.key_file()}", "--print", "requests"],
                          capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def same(ours, theirs):
    """Fails with what one has and the other has not."""
    ours, theirs = collections.Counter(ours), collections.Counter(theirs)
    assert not ours - theirs, f"only ours: {list((ours - theirs).items())[:10]}"
    assert not theirs - ours, f"only theirs: {list((theirs - ours).items())[:10]}"


def test_tshark_sees_the_same(stage, recorded, lines):
    # tshark finds no HTTP/2 behind a PROXY header: it gets those connections without it.
    copy = stage.path("without-headers.pcap")
    assert tshark.cut_proxy_headers(recorded, copy, 8083) > 0
    ours = [oracle.from_daemon(one) for one in lines]
    same(ours, tshark.requests(copy, DECODE, dict(os.environ, HOME=stage.folder)))
    versions = collections.Counter((one["destination"]["port"], one["http"]["version"])
                                   for one in lines)
    print(f"\n{len(ours)} requests: {dict(versions)}")
    assert set(versions) == {(8080, "1.1"), (8081, "1.1"), (8083, "2"), (8084, "2")}
    assert {one.status for one in ours} >= {200, 302, 404, 422}
    assert {one.method for one in ours} == {"GET", "HEAD", "POST"}


def test_the_servers_answered_the_same(stage, lines):
    """With the visitor: whom the proxy named, or who asked without one."""
    def of(one):
        request = oracle.from_daemon(one)
        return (one["destination"]["port"], one["client"]["ip"], request.method, request.host,
                request.target, request.status)
    inner = [one for one in lines if one["destination"]["port"] != APP[1]]
    told = [one._replace(client=one.client or "127.0.0.1")
            for one in stage.inner_requests()]
    same(map(of, inner), map(tuple, told))
    app = [(one["xff"].split(",")[-1].strip() if one["xff"] else "127.0.0.3", one["method"],
            one["path"], one["status"]) for one in stage.app_requests()]
    same(((of(one)[1], of(one)[2], of(one)[4], of(one)[5]) for one in lines
          if one["destination"]["port"] == APP[1]), app)


@pytest.mark.parametrize("told, is_whole", [
    ("120/0 (pcap:0/dumpcap:0/flushed:0/ps_ifdrop:0) (100.0%)", True),
    ("120/3 (pcap:3/dumpcap:0/flushed:0/ps_ifdrop:0) (97.6%)", False),
    ("120/10 (pcap:0/dumpcap:10/flushed:0/ps_ifdrop:0) (92.3%)", False),
    ("120/0 (pcap:0/dumpcap:0/flushed:0/ps_ifdrop:7) (100.0%)", False),
    ("0/0 (pcap:0/dumpcap:0/flushed:0/ps_ifdrop:0) (0.0%)", False),
    ("", False),
])
def test_a_recording_that_lacks_packets_is_refused(told, is_whole):
    messages = "Capturing on 'Loopback: lo'\nFile: legs.pcap\nPackets captured: 120\n"
    if told:
        messages += f"Packets received/dropped on interface 'Loopback: lo': {told}\n"
    if is_whole:
        refuse_drops(messages)
    else:
        with pytest.raises(RigError):
            refuse_drops(messages)
