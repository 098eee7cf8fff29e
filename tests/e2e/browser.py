# SPDX-License-Identifier: MIT
"""Chromium without a screen, steered over its debugging pipe.

One browser is one visitor: its profile (cookies, cache) lasts as long as it. It
fetches what pages refer to and sends its own headers, as for a person.
"""
import fcntl
import json
import os
import select
import subprocess
import tempfile
import time

from rig import RigError, end_process

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--remote-debugging-pipe")


class Browser:
    """Use as a context manager."""

    def __init__(self, rig, namespace):
        self.rig = rig
        self.namespace = namespace
        self.last_id = 0
        self.pending = b""
        self.events = []

    def __enter__(self):
        profile = tempfile.mkdtemp(prefix="chromium-", dir=self.rig.folder)
        to_read, self.to = os.pipe()
        self.back, back_write = os.pipe()

        def place_pipes():
            """Chromium reads commands from descriptor 3 and answers on 4."""
            spare = fcntl.fcntl(back_write, fcntl.F_DUPFD, 5)
            os.dup2(to_read, 3)
            os.dup2(spare, 4)

        self.child = self.rig.popen(
            self.namespace, ["chromium", *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            at_start=place_pipes, pass_fds=(3, 4), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(back_write)
        try:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            self.session = self.call("Target.attachToTarget", targetId=target,
                                     flatten=True)["sessionId"]
            self.call("Page.enable", session=self.session)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        end_process(self.child)
        os.close(self.to)
        os.close(self.back)

    def receive(self, deadline):
        """The next message."""
        while b"\0" not in self.pending:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.back], [], [], left)[0]:
                raise RigError("the browser did not answer in time")
            some = os.read(self.back, 1 << 16)
            if not some:
                raise RigError("the browser ended")
            self.pending += some
        message, self.pending = self.pending.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=None, seconds=60, **parameters):
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + seconds
        while True:
            got = self.receive(deadline)
            if got.get("id") == self.last_id:
                if "error" in got:
                    raise RigError(f"browser: {method}: {got['error']['message']}")
                return got["result"]
            self.events.append(got.get("method"))

    def wait_for_load(self, seconds=60):
        deadline = time.monotonic() + seconds
        while "Page.loadEventFired" not in self.events:
            self.events.append(self.receive(deadline).get("method"))

    def open(self, url):
        self.events.clear()
        self.call("Page.navigate", session=self.session, url=url)
        self.wait_for_load()

    def evaluate(self, script):
        result = self.call("Runtime.evaluate", session=self.session, expression=script)
        if "exceptionDetails" in result:
            raise RigError(f"browser: {script}: {result['exceptionDetails']['text']}")
        return result["result"].get("value")

    def click(self, selector, index=0):
        """Follows a link or presses a button, as a person would."""
        self.events.clear()
        self.evaluate(f"document.querySelectorAll({json.dumps(selector)})[{index}].click()")
        self.wait_for_load()

    def fill(self, name, value):
        self.evaluate(f"document.getElementsByName({json.dumps(name)})[0].value="
                      f"{json.dumps(value)}")
