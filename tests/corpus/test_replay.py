# SPDX-License-Identifier: MIT
"""Public traffic through the shipped rules: docs/detection-real.md judges every alert.

An alert that it does not name fails, and so does one that it names and that is no more.
"""
import os

import pytest

import replay
import replay_logs

needs_corpus = pytest.mark.skipif(
    not os.path.isdir(replay.CORPUS),
    reason=f"no logs and captures at {replay.CORPUS} (TRAWLWATCH_CORPUS names another folder)")


@needs_corpus
def test_every_alert_has_its_judgement():
    programs = os.environ["TRAWLWATCH_BIN"]
    done = list(replay.replay_all(programs))
    found = sorted(row for one in done for row in replay.rows(one))
    judged = replay.judged()
    assert sorted(row[:4] for row in judged) == found
    assert all(row[4] for row in judged), "an alert has no judgement"
    # Something was read at all.
    assert {one.name for one in done if not one.requests} == set()


# ---- the readers of logs, with lines that are made up ----

def test_combined():
    lines = [
        '203.0.113.9 - - [13/May/2024:00:14:39 +0200] "GET /a/b?c=d HTTP/1.1" 200 93 '
        '"https://x.example/" "curl/7"\n',
        'Sep 15 16:13:46 host nginx[1]: 2001:db8::1 - anna [15/Sep/2021:16:13:46 +0000] '
        '"POST /x HTTP/2.0" 403 5 "-" "-"\n',
        '203.0.113.9 - - [13/May/2024:00:14:40 +0200] "GET /late HTTP/1.1" 404 - "-"\n',
        ' "Python-urllib/2.7"\n',
        '203.0.113.9 - - [13/May/2024:00:14:41 +0200] "\\x16\\x03" 400 226 "-" "-"\n',
        'no request at all\n']
    there = list(replay_logs.combined(lines))
    assert [(one.client, one.method, one.url, one.status, one.agent, one.referer)
            for one in there] == [
        ("203.0.113.9", "GET", "/a/b?c=d", 200, "curl/7", "https://x.example/"),
        ("2001:db8::1", "POST", "/x", 403, "", ""),
        ("203.0.113.9", "GET", "/late", 404, "Python-urllib/2.7", "")]
    assert there[0].t == 1715552079.0


def test_w3c():
    lines = ["#Fields: date time cs-method cs-uri-stem cs-uri-query c-ip cs(User-Agent) sc-status",
             "2015-01-13 00:32:17 GET /robots.txt - 203.0.113.9 A+b 404",
             "2015-01-13 00:32:18 GET /x y=1 203.0.113.9 - 200"]
    assert [(one.t, one.url, one.status, one.agent) for one in replay_logs.w3c(lines)] == [
        (1421109137.0, "/robots.txt", 404, "A b"), (1421109138.0, "/x?y=1", 200, "")]


def test_what_is_written_is_a_request():
    (one,) = replay_logs.signups(["ip_address,email_address,EVENT_TIMESTAMP,EVENT_LABEL\n",
                                  "203.0.113.9,a+b@x.example,2022-05-30T00:00:18Z,legit\n"])
    assert replay_logs.head(one).endswith(b"Content-Length: 23\r\n\r\nemail=a%2Bb%40x.example")
    assert replay_logs.head(one).startswith(b"POST /signup HTTP/1.1\r\nHost: www.example.org\r\n")
    assert replay_logs.answer(one) == b"HTTP/1.1 302 X\r\nContent-Length: 2\r\n\r\nok"


def test_nothing_odd_gets_into_a_head():
    one = replay_logs.made(0, "203.0.113.9", "GET", "/a b\u00e9", 200, "x\r\ny", "-")
    assert b"\r\nUser-Agent: xy\r\n" in replay_logs.head(one)
    assert replay_logs.head(one).startswith(b"GET /a%20b%C3%A9 HTTP/1.1\r\n")
