# SPDX-License-Identifier: MIT
"""Redis over TLS, and the login: what works, and what is said when it does not."""
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import pytest

from certificates import Authority
from test_redis import PREFIX, Driver, Server, free_port, numbers, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
TRAWLCTL = os.path.join(os.environ["TRAWLWATCH_BIN"], "trawlctl")


def trawlctl(*arguments, status=0, env=None):
    done = subprocess.run([TRAWLCTL, *arguments], capture_output=True, text=True, timeout=30,
                          env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


class TlsServer(Server):
    def __init__(self, folder, ca, pair, *options):
        self.tls_port = free_port()
        cert, key = pair
        super().__init__(folder, "--tls-port", str(self.tls_port), "--tls-cert-file", cert,
                         "--tls-key-file", key, "--tls-ca-cert-file", ca, *options)

    def url(self, host="127.0.0.1"):
        return "rediss://%s:%d" % (host, self.tls_port)


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return Authority(str(tmp_path_factory.mktemp("ca")))


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path)


def start(folder, ca, subjects="IP:127.0.0.1", *options, clients="no", **more):
    name = re.sub(r"\W", "-", subjects + str(more))
    return TlsServer(folder, ca.ca, ca.make(name, subjects, **more), "--tls-auth-clients",
                     clients, *options).start()


def failure(folder, url, **settings):
    """What the driver says of a Redis that it cannot use; nothing may get there."""
    driver = Driver(tempfile.mkdtemp(dir=folder), url, **settings)
    driver.ask("alerts 1 1")
    assert driver.drain(0.4) == 1
    driver.stop()
    lines = driver.said().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_alerts_by_name_while_redis_restarts_with_a_certificate_of_a_new_ca(folder, ca):
    trusted = shutil.copy(ca.ca, os.path.join(folder, "trusted.pem"))
    server = start(folder, ca, "DNS:localhost", "--appendonly", "yes")
    driver = Driver(folder, server.url("localhost"), tls_ca=trusted)
    try:
        driver.ask("alerts 1 3000")
        assert driver.drain() == 0
        server.kill()
        driver.ask("alerts 3001 1000")
        new = Authority(folder, "new")
        pair = new.make("renewed", "DNS:localhost")
        server.start("--tls-cert-file", pair[0], "--tls-key-file", pair[1])
        driver.ask("alerts 4001 1000")
        assert driver.drain(0.5) == 2000
        shutil.copy(new.ca, trusted)
        assert driver.drain() == 0
        assert numbers(server.client()) == list(range(1, 5001))
        begin = time.monotonic()
        driver.ask("alerts 5001 10000")
        assert driver.drain(60) == 0
        print("\n10 000 alerts over TLS: %.0f alerts/s" % (10000 / (time.monotonic() - begin)))
        assert numbers(server.client()) == list(range(1, 15001))
        driver.stop()
    finally:
        server.kill()


def test_a_client_certificate_is_shown(folder, ca):
    server = start(folder, ca, clients="yes")
    cert, key = ca.make("client")
    both = os.path.join(folder, "both.pem")
    with open(both, "w") as file:
        file.write(open(cert).read() + open(key).read())
    try:
        for tls in ({"tls_cert": cert, "tls_key": key}, {"tls_cert": both}):
            driver = Driver(folder, server.url(), tls_ca=ca.ca, **tls)
            driver.ask("alerts 1 1")
            assert driver.drain() == 0
            driver.stop()
        assert numbers(server.client()) == [1]

        line = failure(folder, server.url(), tls_ca=ca.ca)
        assert "redis.tls_cert and redis.tls_key" in line
    finally:
        server.kill()


def test_a_client_certificate_of_another_ca_is_refused(folder, ca):
    server = start(folder, ca, clients="yes")
    cert, key = Authority(folder, "other").make("client")
    try:
        line = failure(folder, server.url(), tls_ca=ca.ca, tls_cert=cert, tls_key=key)
        assert "redis.tls_cert" in line and "certificate" in line
    finally:
        server.kill()


def test_the_certificate_is_checked(folder, ca):
    server = start(folder, ca, "DNS:redis.example")
    other = Authority(folder, "other")
    try:
        line = failure(folder, server.url(), tls_ca=ca.ca)
        assert "mismatch" in line and "set redis.tls_name" in line
        line = failure(folder, server.url(), tls_ca=other.ca, tls_name="redis.example")
        assert "certificate is refused" in line and "set redis.tls_ca" in line
        driver = Driver(folder, server.url(), tls_ca=ca.ca, tls_name="redis.example")
        driver.ask("alerts 1 1")
        assert driver.drain() == 0
        driver.stop()
        assert numbers(server.client()) == [1]
    finally:
        server.kill()


def test_an_expired_certificate_is_refused(folder, ca):
    server = start(folder, ca, days=-1)
    try:
        line = failure(folder, server.url(), tls_ca=ca.ca)
        assert "expired" in line and "renew it" in line
        assert numbers(server.client()) == []
    finally:
        server.kill()


def test_files_that_cannot_be_used(folder, ca):
    cert, key = ca.make("client")
    url = "rediss://127.0.0.1:1"
    for settings, said in (
            ({"tls_ca": "/no/ca.pem"}, "redis.tls_ca /no/ca.pem: "),
            ({"tls_ca": ca.ca, "tls_cert": "/no/cert.pem"}, "redis.tls_cert /no/cert.pem: "),
            ({"tls_ca": ca.ca, "tls_cert": cert}, "redis.tls_key %s: " % cert),
            ({"tls_ca": ca.ca, "tls_cert": cert, "tls_key": ca.key}, "redis.tls_key"),
            ({"tls_ca": ca.ca, "tls_key": key}, "set redis.tls_cert")):
        assert said in failure(folder, url, **settings)


def test_tls_where_there_is_none_and_none_where_there_is(folder, ca):
    server = start(folder, ca)
    try:
        # Redis waits for the end of what it takes for a command.
        line = failure(folder, "rediss://127.0.0.1:%d" % server.port, tls_ca=ca.ca,
                       timeout_ms=200)
        assert "is this the port of its TLS" in line
        port = listener(lambda peer: peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
        line = failure(folder, "rediss://127.0.0.1:%d" % port, tls_ca=ca.ca)
        assert "no TLS is spoken at this port" in line
        line = failure(folder, "redis://127.0.0.1:%d" % server.tls_port)
        assert "rediss://" in line.split("/0: ")[1]
    finally:
        server.kill()


def listener(serve):
    """The port at which `serve` is called with each connection, in a thread."""
    socket_ = socket.socket()
    socket_.bind(("127.0.0.1", 0))
    socket_.listen()

    def run():
        while True:
            try:
                serve(socket_.accept()[0])
            except OSError:
                pass

    threading.Thread(target=run, daemon=True).start()
    return socket_.getsockname()[1]


def test_the_name_is_sent(folder, ca):
    names = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*ca.make("sni", "DNS:redis.example,IP:127.0.0.1"))
    context.sni_callback = lambda connection, name, _: names.append(name)
    port = listener(lambda peer: context.wrap_socket(peer, server_side=True).close())
    line = failure(folder, "rediss://127.0.0.1:%d" % port, tls_ca=ca.ca,
                   tls_name="redis.example")
    assert "it closed the connection" in line
    assert set(names) == {"redis.example"}
    names.clear()
    failure(folder, "rediss://127.0.0.1:%d" % port, tls_ca=ca.ca)
    assert set(names) == {None}  # an address is no name (RFC 6066)


def test_a_handshake_that_hangs(folder, ca):
    held = []
    port = listener(held.append)
    driver = Driver(folder, "rediss://127.0.0.1:%d" % port, tls_ca=ca.ca, timeout_ms=200)
    driver.ask("alerts 1 1")
    assert driver.drain(1.5) == 1
    driver.stop()
    assert "no connection in time" in driver.said()
    assert 2 <= len(held) < 12  # it backs off


def test_a_redis_that_hangs_behind_tls(folder, ca):
    server = start(folder, ca)
    driver = Driver(folder, server.url(), tls_ca=ca.ca, timeout_ms=300)
    try:
        driver.ask("alerts 1 100")
        assert driver.drain() == 0
        os.kill(server.child.pid, 19)
        driver.ask("alerts 101 3000")
        assert driver.drain(0.8) == 3000
        assert "no answer in time" in driver.said()
        os.kill(server.child.pid, 18)
        assert driver.drain() == 0
        assert numbers(server.client()) == list(range(1, 3101))
        driver.stop()
    finally:
        os.kill(server.child.pid, 18)
        server.kill()


# The login

def acl_line():
    """The one that docs/redis.md tells operators to give."""
    with open(os.path.join(HERE, "..", "..", "docs", "redis.md")) as file:
        (line,) = re.findall(r"^ACL SETUSER trawlwatch .*$", file.read(), re.M)
    return line.replace(">PASSWORD", ">s3cret").split()


@pytest.fixture
def secret(folder):
    path = os.path.join(folder, "password")
    with open(path, "w") as file:
        file.write("s3cret\n")
    os.chmod(path, 0o600)
    return path


def test_the_documented_user_may_do_all_that_is_needed(folder, ca, secret):
    server = start(folder, ca)
    client = server.client()
    client.execute_command(*acl_line())
    client.config_set("requirepass", "0therwise")
    server.password = "0therwise"
    client = server.client()
    driver = Driver(folder, server.url(), tls_ca=ca.ca, user="trawlwatch",
                    password_file=secret)
    options = ["-o", "redis.url=" + server.url(), "-o", "redis.tls_ca=" + ca.ca,
               "-o", "redis.user=trawlwatch", "-o", "redis.password_file=" + secret]
    try:
        driver.ask("block 1 3 60000")
        assert driver.drain() == 0
        driver.ask("alerts 4 1")
        assert driver.drain() == 0
        assert numbers(client) == [1, 2, 3, 4]
        assert client.hget(PREFIX + ":sensor:s1", "host")
        out = trawlctl("alerts", "--json", *options)
        assert len(out.splitlines()) == 4
        assert "203.0.0.2" in trawlctl("blocks", *options)
        trawlctl("blocks", "add", "198.51.100.7", "--for", "1h", "--why", "x", *options)
        assert client.exists(PREFIX + ":block:ip:198.51.100.7")
        trawlctl("blocks", "remove", "198.51.100.7", *options)
        assert not client.exists(PREFIX + ":block:ip:198.51.100.7")
        assert not [e for e in client.acl_log() if e["username"] == "trawlwatch"]

        # It may do no more than that.
        for command in (["FLUSHALL"], ["CONFIG", "GET", "*"], ["GET", "of-others"],
                        ["KEYS", "*"], ["DEBUG", "SLEEP", "0"]):
            refused = client.execute_command("ACL", "DRYRUN", "trawlwatch", *command)
            assert "permission" in str(refused), command

        # Without scripts nothing is published, not even half; and it is said.
        client.execute_command("ACL", "SETUSER", "trawlwatch", "-eval", "-evalsha")
        driver.ask("block 5 1 60000")
        assert driver.drain(0.5) == 1
        assert numbers(client) == [1, 2, 3, 4]
        assert not client.exists(PREFIX + ":block:ip:203.0.0.5")
        assert "NOPERM" in driver.said() and "docs/redis.md" in driver.said()
        client.execute_command("ACL", "SETUSER", "trawlwatch", "+eval", "+evalsha")
        assert driver.drain() == 0
        assert numbers(client) == [1, 2, 3, 4, 5]
        driver.stop()
        assert "s3cret" not in driver.said()
    finally:
        server.kill()


def test_what_trawlctl_says_of_passwords_and_tls(folder, ca, secret):
    server = start(folder, ca)
    client = server.client()
    client.config_set("requirepass", "s3cret")
    at = ["-o", "redis.url=" + server.url()]
    own = ["-o", "redis.tls_ca=" + ca.ca]
    try:
        out = trawlctl("alerts", *at, *own, status=1)
        assert "NOAUTH" in out and "redis.password_file" in out
        assert trawlctl("alerts", "--json", *at, *own,
                        env={"TRAWLWATCH_REDIS_PASSWORD": "s3cret"}) == ""
        os.chmod(secret, 0o644)
        out = trawlctl("alerts", *at, *own, "-o", "redis.password_file=" + secret)
        assert "chmod 0600 " + secret in out and "s3cret" not in out
        with open(secret, "w") as file:
            file.write("wr0ng\n")
        out = trawlctl("alerts", *at, *own, "-o", "redis.password_file=" + secret, status=1)
        assert "WRONGPASS" in out and "wr0ng" not in out
        out = trawlctl("alerts", *own, "-o",
                       "redis.url=rediss://:s3cret@127.0.0.1:%d" % server.tls_port, status=3)
        assert "no password on the command line" in out and "s3cret" not in out
        out = trawlctl("alerts", *at, status=1)
        assert "certificate is refused" in out and "set redis.tls_ca" in out
        assert len(out.splitlines()) == 1
        out = trawlctl("alerts", *own, "-o", "redis.url=rediss://127.0.0.1:1", status=1)
        assert "Connection refused; is it running" in out
        out = trawlctl("alerts", *at, "-o", "redis.password_file=/no/file", status=1)
        assert "redis.password_file /no/file: No such file" in out
    finally:
        server.kill()


def check(folder, config, *options, status=0):
    """What `trawlwatchd -t` says of that section redis."""
    path = os.path.join(folder, "trawlwatch.yaml")
    with open(path, "w") as file:
        file.write("redis:\n" + "".join("  %s: %s\n" % pair for pair in config.items()))
    done = subprocess.run([os.path.join(os.environ["TRAWLWATCH_BIN"], "trawlwatchd"), "-t",
                           "-c", path, *options], capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stderr
    assert "s3cret" not in done.stdout + done.stderr
    return (done.stdout + done.stderr).replace(path, "FILE")


def test_the_check_opens_what_the_daemon_would(folder, ca, secret):
    url = "rediss://redis.example"
    cert, key = ca.make("checked")
    good = {"url": url, "password_file": secret, "sentinel_password_file": secret,
            "tls_ca": ca.ca, "tls_cert": cert, "tls_key": key}
    assert "redis." not in check(folder, good)

    def refused(**more):
        return check(folder, {**good, **more}, status=3)

    out = refused(password_file="/no/file")
    assert "FILE:3:18: redis.password_file /no/file: No such file" in out
    assert "FILE:4:27: " in refused(sentinel_password_file="/no/file")
    out = refused(tls_ca="/no/ca.pem")
    assert "FILE:5:11: " in out and "redis.tls_ca /no/ca.pem: " in out
    out = refused(tls_cert=key)
    assert "FILE:6:13: " in out and "it takes a certificate in PEM" in out
    out = refused(tls_key=ca.key)
    assert "FILE:7:12: " in out and "it takes the key of redis.tls_cert" in out
    # A key that stands nowhere: the certificate is where it was to be found.
    out = check(folder, {"url": url, "tls_cert": cert}, status=3)
    assert "FILE:3:13: " in out and "redis.tls_key %s" % cert in out
    # All of them in one run.
    out = refused(password_file="/no/file", tls_ca="/no/ca.pem")
    assert "FILE:3:18: " in out and "FILE:5:11: " in out
    # Open to others: said with its place, once, and no more than that.
    os.chmod(secret, 0o644)
    out = check(folder, {"url": url, "password_file": secret, "tls_ca": ca.ca})
    assert out.count("mode is 0644") == 1 and "FILE:3:18: warning: " in out
    assert "chmod 0600 " + secret in out
    # What is not used is not opened: no URL, a password in it, files that are read.
    check(folder, {"password_file": "/no/file"})
    check(folder, {"url": "redis://:other@h", "password_file": "/no/file"})
    check(folder, {"url": url, "tls_ca": "/no/ca.pem"}, "-r", "/dev/null")
