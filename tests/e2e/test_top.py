# SPDX-License-Identifier: MIT
"""trawlctl status, top and reload with a running daemon."""
import json
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

import pytest

import clients
from rig import program, wait_until
from test_admin import RULES, Watched

SCRAPER = "203.0.113.81"
READER = "203.0.113.82"


@pytest.fixture(name="rules")
def rules_file(rig):
    path = rig.path("top-rules.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(RULES + "  - name: member\n    where: page == profile\n    per: session\n"
                           "    when: count(10m) >= 50\n")
    return path


def ctl(daemon, *arguments, status=0):
    """Standard output and error."""
    done = subprocess.run([program("trawlctl"), arguments[0], "-o",
                           "admin.socket=" + daemon.socket_path, *arguments[1:]],
                          capture_output=True, text=True, timeout=60, check=False,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout, done.stderr


def make_traffic(rig, daemon):
    clients.curl_profiles(rig, rig.add_client(SCRAPER), 25)
    clients.curl_profiles(rig, rig.add_client(READER), 5, "-H", "Cookie: sid=secret-session")
    wait_until(lambda: len(daemon.visible()) >= 30, 20, "thirty requests")


def test_status_is_a_table_or_json(rig, rules):
    with Watched(rig, journal="journal-status", rules=rules) as daemon:
        make_traffic(rig, daemon)
        out, _ = ctl(daemon, "status")
        assert re.match(r"trawlwatchd \S+ as \S+, up \d+s, 3 rules: all is well\n", out), out
        assert re.search(r"^requests +\S+ +3\d$", out, re.MULTILINE), out
        assert re.search(r"^detect +\S+ +256M +\d+%$", out, re.MULTILINE), out
        assert re.search(r"^client\.host +2 +\S+ +0$", out, re.MULTILINE), out
        assert "Interface lo: open; dropped 0 by the kernel" in out
        assert "Redis: none is configured" in out
        assert max(map(len, out.splitlines())) <= 80
        told = json.loads(ctl(daemon, "status", "--json")[0])
        assert told["totals"]["requests"] >= 30 and told["rules"] == 3
        assert sorted(told) == sorted(daemon.status())
    _, err = ctl(daemon, "status", status=1)
    assert "no daemon answers at " + daemon.socket_path in err and "start trawlwatchd" in err


def test_top_once(rig, rules):
    with Watched(rig, journal="journal-top", rules=rules) as daemon:
        make_traffic(rig, daemon)
        told = json.loads(ctl(daemon, "top", "--json")[0])
        rows = {(one["per"], one["key"]): one for one in told["keys"]}
        scraper, reader = rows["client.host", SCRAPER], rows["client.host", READER]
        assert scraper["transactions"] == 25 and reader["transactions"] == 5
        assert scraper["nearest"] == {"rule": "harvest", "share": 1,
                                      "measure": "distinct(target, 10m)", "value": 25,
                                      "threshold": 20}
        assert scraper["incident"]["rule"] == "harvest" and len(scraper["incident"]["id"]) == 26
        assert reader["nearest"]["share"] == 0.25 and "incident" not in reader
        # A session is never told as it is.
        sessions = [one for one in told["keys"] if one["per"] == "session"
                    and one["transactions"] == 5]
        assert len(sessions) == 1 and re.fullmatch("[0-9a-f]{32}", sessions[0]["key"])
        assert sessions[0]["count"] == 5 and sessions[0]["window_seconds"] == 600
        assert "secret-session" not in json.dumps(told)

        out, _ = ctl(daemon, "top", "--once")
        lines = out.splitlines()
        assert lines[0].split() == ["PER", "KEY", "COUNT", "/S", "NEAR", "RULE"]
        assert re.match(rf"client\.host +{re.escape(SCRAPER)} +25 +0\.0 +100% +O +25/20 harvest",
                        lines[1]), out
        assert re.match(rf"client\.host +{re.escape(READER)} +5 +0\.0 +25% +5/20 harvest",
                        lines[2]), out
        out, _ = ctl(daemon, "top", "--once", "-n", "1")
        assert [line.split()[0] for line in out.splitlines()[1:]] == \
            ["client.host", "client.prefix", "session"]
        for wrong in (["-n", "0"], ["-n", "x"], ["--interval", "soon"], ["client.host"]):
            ctl(daemon, "top", *wrong, status=2)
    ctl(daemon, "top", "--once", status=1)


def test_top_has_rates(rig, rules):
    there = rig.add_client(SCRAPER)
    with Watched(rig, journal="journal-rates", rules=rules) as daemon:
        make_traffic(rig, daemon)
        top = subprocess.Popen([program("trawlctl"), "top", "-o",
                                "admin.socket=" + daemon.socket_path, "--once",
                                "--interval", "4s"], stdout=subprocess.PIPE, text=True)
        time.sleep(0.3)
        clients.curl_profiles(rig, there, 40)
        out, _ = top.communicate(timeout=60)
        assert top.returncode == 0
        rate = float(re.search(rf"{re.escape(SCRAPER)} +\d+ +([\d.]+) ", out)[1])
        assert rate > 0


class Live:
    """trawlctl top on a terminal of its own, with 80 columns."""

    def __init__(self, daemon, *arguments):
        self.ours, its = pty.openpty()
        termios.tcsetwinsize(its, (24, 80)) if hasattr(termios, "tcsetwinsize") else \
            subprocess.run(["stty", "rows", "24", "cols", "80"], stdin=its, check=True)
        self.before = termios.tcgetattr(its)
        self.its = its
        self.child = subprocess.Popen(
            [program("trawlctl"), "top", "-o", "admin.socket=" + daemon.socket_path,
             "--interval", "200ms", *arguments], stdin=its, stdout=its, stderr=its,
            start_new_session=True, env={**os.environ, "TERM": "xterm", "NO_COLOR": "1"})
        self.text = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        os.close(self.ours)
        os.close(self.its)

    def read(self, seconds=0.1):
        while select.select([self.ours], [], [], seconds)[0]:
            self.text += os.read(self.ours, 65536).decode()
        return self.text

    def wait_for(self, word, seconds=20):
        wait_until(lambda: word in self.read(), seconds, f"{word!r} on the terminal")

    def ended(self, seconds=20):
        """The exit status; the terminal is as it was."""
        wait_until(lambda: self.read() is not None and self.child.poll() is not None, seconds,
                   "trawlctl top to end")
        self.read()
        assert termios.tcgetattr(self.its) == self.before
        assert self.text.count("\033[?1049h") == self.text.count("\033[?1049l") > 0
        assert self.text.rindex("\033[?25h") > self.text.rindex("\033[?25l")
        return self.child.returncode

    def screens(self):
        """The pictures that were drawn, as lines."""
        return [part.split("\033[")[0].replace("\r\n", "\n").split("\n")
                for part in self.text.split("\033[H\033[2J")[1:]]


def test_q_quits_a_live_table(rig, rules):
    with Watched(rig, journal="journal-live", rules=rules) as daemon:
        make_traffic(rig, daemon)
        with Live(daemon) as live:
            live.wait_for(SCRAPER)
            assert not termios.tcgetattr(live.its)[3] & (termios.ICANON | termios.ECHO)
            live.wait_for("\033[H\033[2J" + live.screens()[0][0])  # once more
            clients.curl_profiles(rig, rig.add_client(READER), 18)
            live.wait_for("18/20 harvest")
            os.write(live.ours, b"xyz\033[A")  # other keys do nothing
            seen = len(live.read())
            wait_until(lambda: len(live.read()) > seen, 10, "a picture after other keys")
            assert live.child.poll() is None
            for screen in live.screens():
                assert len(screen) <= 24
                assert all(len(line) <= 80 for line in screen), screen
            os.write(live.ours, b"q")
            assert live.ended() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_gives_the_terminal_back(rig, rules, number):
    with Watched(rig, journal="journal-signal", rules=rules) as daemon, Live(daemon) as live:
        live.wait_for("q quits")
        live.child.send_signal(number)
        assert live.ended() == -number


def test_a_stop_gives_the_terminal_back_for_a_while(rig, rules):
    with Watched(rig, journal="journal-stop", rules=rules) as daemon, Live(daemon) as live:
        live.wait_for("q quits")
        live.child.send_signal(signal.SIGTSTP)
        wait_until(lambda: os.waitid(os.P_PID, live.child.pid,
                                     os.WSTOPPED | os.WNOHANG | os.WNOWAIT), 10, "a stop")
        live.read()
        assert termios.tcgetattr(live.its) == live.before
        assert live.text.endswith("\033[?25h\033[?1049l")
        live.child.send_signal(signal.SIGCONT)
        seen = live.text.count("q quits")
        wait_until(lambda: live.read().count("q quits") > seen, 10, "the table again")
        os.write(live.ours, b"q")
        assert live.ended() == 0


def test_top_outlives_the_daemon(rig, rules):
    with Watched(rig, journal="journal-gone", rules=rules) as daemon, Live(daemon) as live:
        live.wait_for("q quits")
        assert daemon.stop() == 0
        live.wait_for("no daemon answers at")
        os.write(live.ours, b"q")
        assert live.ended() == 0


def test_reload_tells_mistakes_with_their_place(rig, rules):
    with Watched(rig, journal="journal-ctl", rules=rules) as daemon:
        out, err = ctl(daemon, "reload")
        assert (out, err) == ("Taken up; 3 rules.\n", "")
        with open(rules, "a", encoding="utf-8") as file:
            file.write("    sevrity: high\n")
        out, err = ctl(daemon, "reload", status=3)
        assert out == "" and re.search(r"top-rules.yaml:15:5: .*sevrity", err), err
        assert "did you mean 'severity'" in err and "the old rules stay" in err
        with open(rules, "w", encoding="utf-8") as file:
            file.write(RULES)
        assert ctl(daemon, "reload")[0] == "Taken up; 2 rules.\n"
        assert json.loads(ctl(daemon, "status", "--json")[0])["rules"] == 2
    assert "no daemon answers" in ctl(daemon, "reload", status=1)[1]
