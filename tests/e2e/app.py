#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The application of the end-to-end tests: a small network of profiles.

    app.py ADDRESS PORT LOG

Pages: / and /search list profiles, /in/NAME shows one, /signup takes new members (as forms
do, /signup?multipart has the other kind, or as JSON, which is answered by JSON), /static and
/favicon.ico hold what a browser fetches by itself; all else is a 404.
Visitors get a session cookie. LOG gets one JSON line for each request when its
answer has been written: the truth that the tests compare the daemon with.
"""
import binascii
import email.parser
import gzip
import json
import secrets
import struct
import sys
import threading
import time
import urllib.parse
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GIVEN = ("anna", "ben", "chiara", "dmitri", "elif", "farid", "grace", "hugo", "ines", "jonas",
         "kaya", "liam", "mona", "nils", "olga", "pedro", "quinn", "rosa", "sven", "tara")
FAMILY = ("adler", "brandt", "costa", "dubois", "eriksen", "fischer", "garcia", "haas", "ito",
          "jensen", "keller", "lopez", "moreau", "novak", "okafor", "petrov", "quist", "rossi",
          "santos", "tanaka", "urban", "vogel", "weber", "yilmaz")
NAMES = [f"{given}-{family}" for family in FAMILY for given in GIVEN]
ON_A_SEARCH_PAGE = 20
STYLE = "body{font:16px/1.5 sans-serif;margin:2rem auto;max-width:40rem}a{color:#046}"
SCRIPT = "document.documentElement.dataset.ready='yes';"


def png(width, height, rgb):
    """A picture of one colour."""
    def chunk(kind, data):
        check = binascii.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)
    rows = (b"\0" + bytes(rgb) * width) * height
    return (b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


STATIC = {
    "/static/site.css": ("text/css", STYLE.encode()),
    "/static/site.js": ("text/javascript", SCRIPT.encode()),
    "/static/logo.png": ("image/png", png(48, 48, (0, 64, 96))),
    "/favicon.ico": ("image/png", png(16, 16, (0, 64, 96))),
}


def page(title, body):
    return (f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
            "<link rel=stylesheet href=/static/site.css><script src=/static/site.js></script>"
            f"<a href=/><img src=/static/logo.png alt=Home></a><h1>{title}</h1>{body}</html>"
            ).encode()


def links(names):
    return "".join(f'<li><a class=person href="/in/{name}">{name.replace("-", " ").title()}</a>'
                   for name in names)


def profile(name):
    at = NAMES.index(name)
    title = name.replace("-", " ").title()
    near = [NAMES[(at + step) % len(NAMES)] for step in (1, 2, 3, 21, 40)]
    return page(title, f"<p>{title} has worked in {at % 17 + 2} teams since {1990 + at % 30} and "
                       f"speaks {at % 4 + 1} languages.</p><h2>Others viewed</h2>"
                       f"<ul>{links(near)}</ul>")


def search(query):
    first = max(int(query.get("page", ["1"])[0] or 1) - 1, 0) * ON_A_SEARCH_PAGE
    wanted = query.get("q", [""])[0].lower()
    found = [name for name in NAMES if wanted in name]
    more = f'<a id=next href="/search?q={urllib.parse.quote(wanted)}&amp;page=' \
           f'{first // ON_A_SEARCH_PAGE + 2}">More</a>'
    shown = found[first:first + ON_A_SEARCH_PAGE]
    return page("People", f"<ul>{links(shown)}</ul>" + (more if shown else ""))


def signup_form(kind):
    return page("Join", f"<form method=post action=/signup {kind}><input name=full_name>"
                        "<input name=email type=email><input name=phone type=tel>"
                        "<input name=password type=password><button>Join</button></form>")


def read_form(headers, body):
    """(whether it is JSON, the fields) of a sign-up."""
    if headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    kind = headers.get_content_type()
    if kind == "application/json":
        return True, json.loads(body)
    if kind == "multipart/form-data":
        head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
        parts = email.parser.BytesParser().parsebytes(head + body).get_payload()
        return False, {part.get_param("name", header="content-disposition"):
                       part.get_payload(decode=True).decode() for part in parts}
    return False, dict(urllib.parse.parse_qsl(body.decode("utf-8", "replace")))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # one segment, not two with a delayed acknowledgement between
    log = None
    log_lock = threading.Lock()

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path in STATIC:
            kind, body = STATIC[url.path]
            self.answer(200, body, kind, {"Cache-Control": "max-age=3600"})
        elif url.path == "/":
            self.answer(200, page("Folk", '<p><a id=search href=/search>People</a> '
                                          '<a href=/signup>Join</a></p>'
                                          f"<ul>{links(NAMES[::37])}</ul>"))
        elif url.path == "/search":
            self.answer(200, search(urllib.parse.parse_qs(url.query)), chunked=True)
        elif url.path == "/signup":
            kind = "enctype=multipart/form-data" if url.query == "multipart" else ""
            self.answer(200, signup_form(kind))
        elif url.path == "/welcome":
            self.answer(200, page("Welcome", "<p>You are a member now.</p>"))
        elif url.path.startswith("/in/") and url.path[4:] in NAMES:
            self.answer(200, profile(url.path[4:]))
        else:
            self.answer(404, page("Not found", "<p>There is no such page.</p>"))

    do_HEAD = do_GET

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if urllib.parse.urlsplit(self.path).path != "/signup":
            self.answer(404, page("Not found", "<p>There is no such page.</p>"))
            return
        is_json, form = read_form(self.headers, body)
        is_good = "@" in form.get("email", "")
        member = {"Set-Cookie": f"sid={secrets.token_hex(12)}; Path=/; HttpOnly"} if is_good else {}
        if is_json:
            result = json.dumps({"result": "welcome" if is_good else "no address"})
            self.answer(200, result.encode(), "application/json", member)
        elif is_good:
            self.answer(302, b"", headers={"Location": "/welcome", **member})
        else:
            self.answer(422, page("Join", "<p>Your e-mail address is missing.</p>"))

    def answer(self, status, body, kind="text/html; charset=utf-8", headers=None, chunked=False):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(body)))
        headers = dict(headers or {})
        if "sid=" not in self.headers.get("Cookie", ""):
            headers.setdefault("Set-Cookie", f"sid={secrets.token_hex(12)}; Path=/; HttpOnly")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(as_chunks(body) if chunked else body)
        self.wfile.flush()
        self.note(status, headers.get("Set-Cookie"))

    def note(self, status, cookie):
        line = json.dumps({"time": time.time(), "xff": self.headers.get("X-Forwarded-For"),
                           "method": self.command, "path": self.path, "status": status,
                           "agent": self.headers.get("User-Agent"),
                           "cookie": self.headers.get("Cookie"), "set_cookie": cookie})
        with self.log_lock:
            self.log.write(line + "\n")

    def version_string(self):
        return "folk"

    def log_message(self, *_):
        pass


def as_chunks(body, size=700):
    pieces = [body[at:at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    address, port, log = sys.argv[1:]
    with open(log, "a", buffering=1, encoding="utf-8") as Handler.log:
        Server((address, int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main()
