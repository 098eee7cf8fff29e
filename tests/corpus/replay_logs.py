# SPDX-License-Identifier: MIT
"""Access logs as requests, and requests as captures.

A log has no header order, no cookies and no answer's body: every request gets the same few
headers, and shows one header shape with a Referer and one without. So what spares people by
cookies or by the number of shapes behind a network spares nobody here.
"""
import collections
import csv
import datetime
import json
import os
import re
import struct
import sys
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))
import made_capture  # noqa: E402

# body: of a form that is posted, or "".
Request = collections.namedtuple("Request", "t client method url status agent referer body")

COMBINED = re.compile(
    r'(?P<client>\d+\.\d+\.\d+\.\d+|[0-9a-fA-F:]*:[0-9a-fA-F:]+) \S+ \S+ '
    r'\[(?P<t>[^]]+)\] "(?P<method>[A-Z]+) (?P<url>\S+)(?: HTTP/[\d.]+)?" (?P<status>\d{3}) \S+'
    r'(?: "(?P<referer>[^"]*)")?(?:\s"(?P<agent>[^"]*)")?')
METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "REPORT"}


def visible(text):
    """As it may stand in a head: without blanks, and nothing but ASCII."""
    text = (text or "").replace(" ", "%20")
    return urllib.parse.quote(text, safe="".join(map(chr, range(33, 127))))


def printable(text):
    return "".join(c for c in text or "" if " " <= c <= "~")


def made(t, client, method, url, status, agent, referer, body=""):
    agent, referer = ("" if one == "-" else printable(one) for one in (agent, referer))
    return Request(t, client, method, visible(url) or "/", int(status), agent, referer, body)


def combined(lines):
    """The combined log format, also behind a syslog's head; a User-Agent may stand on the
    next line. What is no request is passed over."""
    waiting = None
    for line in lines:
        found = COMBINED.search(line)
        if waiting and not found:
            agent = re.fullmatch(r'\s*"(.*)"\s*', line)
            yield waiting._replace(agent=printable(agent[1])) if agent else waiting
            waiting = None
            continue
        if waiting:
            yield waiting
            waiting = None
        if not found or found["method"] not in METHODS:
            continue
        try:
            t = datetime.datetime.strptime(found["t"], "%d/%b/%Y:%H:%M:%S %z").timestamp()
        except ValueError:
            continue
        request = made(t, found["client"], found["method"], found["url"], found["status"],
                       found["agent"], found["referer"])
        if found["agent"] is None:
            waiting = request
        else:
            yield request
    if waiting:
        yield waiting


def w3c(lines):
    """Extended log format: `#Fields` names the columns."""
    fields = []
    for line in lines:
        if line.startswith("#Fields:"):
            fields = line.split()[1:]
        if line.startswith("#") or not fields:
            continue
        row = dict(zip(fields, line.split()))
        if row.get("cs-method") not in METHODS:
            continue
        t = datetime.datetime.fromisoformat(f"{row['date']}T{row['time']}+00:00").timestamp()
        query = row.get("cs-uri-query", "-")
        yield made(t, row["c-ip"], row["cs-method"],
                   row["cs-uri-stem"] + ("" if query == "-" else "?" + query),
                   row["sc-status"], row.get("cs(User-Agent)", "-").replace("+", " "),
                   row.get("cs(Referer)", "-"))


def deflect(lines):
    """A JSON object a line."""
    for line in lines:
        row = json.loads(line)
        if row["client_request_method"] not in METHODS:
            continue
        t = datetime.datetime.fromisoformat(row["@timestamp"].replace("Z", "+00:00"))
        yield made(t.timestamp(), row["client_ip"], row["client_request_method"],
                   row["client_url"] + (row.get("querystring") or ""),
                   row["http_response_code"], row["client_ua"], "-")


def signups(lines):
    for row in csv.DictReader(lines):
        t = datetime.datetime.fromisoformat(row["EVENT_TIMESTAMP"].replace("Z", "+00:00"))
        yield made(t.timestamp(), row["ip_address"], "POST", "/signup", 302, "Mozilla/5.0", "-",
                   urllib.parse.urlencode({"email": row["email_address"]}))


def head(request):
    lines = [f"{request.method} {request.url} HTTP/1.1", "Host: www.example.org"]
    if request.agent:
        lines.append(f"User-Agent: {request.agent}")
    if request.referer:
        lines.append(f"Referer: {request.referer}")
    if request.body:
        lines += ["Content-Type: application/x-www-form-urlencoded",
                  f"Content-Length: {len(request.body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n" + request.body).encode()


def answer(request):
    body = b"" if request.method == "HEAD" or request.status in (204, 304) or \
        request.status < 200 else b"ok"
    status = request.status if request.status >= 200 else 204
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def write(path, requests):
    """In order of time, a connection each; within one second as they stand in the log."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535,
                               made_capture.LINKTYPE_RAW))
        last = 0
        for number, one in enumerate(requests):
            last = max(last + 20, round(one.t * 1_000_000))
            packets = made_capture.connection(one.client, 1024 + number % 60000, head(one),
                                              answer(one))
            for step, data in enumerate(packets):
                micros = last + step
                file.write(struct.pack("<IIII", micros // 1_000_000, micros % 1_000_000,
                                       len(data), len(data)) + data)
    return path
