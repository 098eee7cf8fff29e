# SPDX-License-Identifier: MIT
"""A small site on loopback that keeps the head of each request as it came.

Reads from the socket itself: names keep their case and lines their order. Its start page
sets cookies and links to a page; that page brings a style sheet, a script, a font, an
image, JSON, something to fetch ahead, and a form. With `?self` in the address of the
start page, the pages follow their link and send their form by themselves, for a browser
that cannot be steered.
"""
import base64
import json
import socketserver
import threading
import time

# The kind of request that asks for a path. That of the start page stands for a page
# only where a client asks for nothing else.
KINDS = {
    "/page": "navigation", "/style.css": "style", "/script.js": "script",
    "/font.woff2": "font", "/image.png": "image", "/data.json": "fetch", "/form": "form",
    "/next": "prefetch",
}

# Each page has one thing to press, in the upper left corner.
CORNER = "position:absolute;left:0;top:0;width:300px;height:80px;display:block"

START = f"""<!DOCTYPE html><html lang="en"><head><title>Start</title>
<link rel="icon" href="data:,"></head><body>
<a id="press" style="{CORNER}" href="/page">Page</a>
<script>
if (location.search == "?self") {{
    document.links[0].href = "/page?self";
    setTimeout(function () {{ document.getElementById("press").click(); }}, 1500);
}}
</script></body></html>
"""

PAGE = f"""<!DOCTYPE html><html lang="en"><head><title>Page</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css">
<link rel="prefetch" href="/next"><script src="/script.js"></script></head><body>
<form action="/form" method="post"><input type="hidden" name="name" value="Anna">
<input id="press" style="{CORNER}" type="submit" value="Send"></form>
<p style="margin-top:100px"><img src="/image.png" alt="picture"> Some text.</p>
</body></html>
"""

STYLE = """@font-face { font-family: "Own"; src: url("/font.woff2") format("woff2"); }
body { font-family: "Own", sans-serif; }
"""

SCRIPT = """fetch("/data.json").then(function (answer) { return answer.json(); });
if (location.search == "?self") {
    setTimeout(function () { document.getElementById("press").click(); }, 4000);
}
"""

FEED = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>Feed</title><link>http://example.com/</link>
<description>Feed</description><item><title>One</title><guid>1</guid></item></channel></rss>
"""

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9Q"
                       "DwADhgGAWjR9awAAAABJRU5ErkJggg==")

HTML = "text/html; charset=utf-8"
CONTENT = {
    "/start": (HTML, START.encode()), "/page": (HTML, PAGE.encode()),
    "/next": (HTML, b"<!DOCTYPE html><title>Next</title>"),
    "/form": (HTML, b"<!DOCTYPE html><title>Thanks</title>"),
    "/style.css": ("text/css", STYLE.encode()),
    "/script.js": ("text/javascript", SCRIPT.encode()),
    "/font.woff2": ("font/woff2", b"wOF2"), "/image.png": ("image/png", PNG),
    "/data.json": ("application/json", json.dumps({"name": "Anna"}).encode()),
    "/feed.xml": ("application/rss+xml", FEED.encode()),
}
HEAD_MAX = 1 << 16


def value_of(lines, name):
    for line in lines[1:]:
        if line.lower().startswith(name.lower() + ":"):
            return line.partition(":")[2].strip()
    return None


class Visit(socketserver.StreamRequestHandler):
    """One connection: answers one request after the other."""

    def handle(self):
        self.request.settimeout(60)
        try:
            while self.one_request():
                pass
        except OSError:
            pass  # the client was ended, or kept the connection for longer

    def read_head(self):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline(HEAD_MAX)
            if not line or len(head) > HEAD_MAX:
                return None
            head += line
        return head.decode("latin-1").split("\r\n")[:-2]

    def one_request(self):
        lines = self.read_head()
        if not lines:
            return False
        self.rfile.read(int(value_of(lines, "Content-Length") or 0))
        method, target, version = lines[0].split(" ")
        path = target.partition("?")[0]
        self.server.keep(path, lines)
        asked = (value_of(lines, "Connection") or "").lower()
        stays = version == "HTTP/1.1" and asked != "close"
        self.answer(method, path, stays)
        return stays

    def answer(self, method, path, stays):
        kind, body = CONTENT.get(path, ("text/plain", b"not found"))
        cookies = ("Set-Cookie: sid=5f1c9a; Path=/\r\nSet-Cookie: seen=1; Path=/\r\n"
                   if path == "/start" else "")
        head = (f"HTTP/1.1 {'200 OK' if path in CONTENT else '404 Not Found'}\r\n"
                f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n{cookies}"
                f"Connection: {'keep-alive' if stays else 'close'}\r\n\r\n")
        self.wfile.write(head.encode() + (b"" if method == "HEAD" else body))


class Place(socketserver.ThreadingTCPServer):
    """Use as a context manager: serves as long as it lasts."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Visit)
        self.came = threading.Condition()
        self.heads = []
        self.site = f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def keep(self, path, lines):
        with self.came:
            self.heads.append((path, lines))
            self.came.notify_all()

    def wait_for(self, paths, seconds):
        """Until each path has been asked for. Which of them were not in that time."""
        deadline = time.monotonic() + seconds
        with self.came:
            while True:
                missing = set(paths) - {path for path, _ in self.heads}
                left = deadline - time.monotonic()
                if not missing or left <= 0:
                    return missing
                self.came.wait(left)

    def best_of(self, path):
        """The first head for it of those that say most of cookie and referer."""
        with self.came:
            heads = [lines for other, lines in self.heads if other == path]
        return max(heads, default=None, key=lambda lines: sum(
            value_of(lines, name) is not None for name in ("Cookie", "Referer")))

    def recorded(self):
        """The head of each kind that came."""
        found = {kind: self.best_of(path) for path, kind in KINDS.items()}
        if not found["navigation"]:
            found["navigation"] = self.best_of("/feed.xml") or self.best_of("/start")
        return {kind: lines for kind, lines in found.items() if lines}
