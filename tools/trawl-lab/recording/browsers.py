# SPDX-License-Identifier: MIT
"""Browsers with a window (on Xvfb), or headless, that go through the pages of place.py.

Chromium and Firefox are steered over their debugging interfaces and press what is on a
page as a hand would: what a hand does and what a script does is told apart in the heads
(Sec-Fetch-User). Others get pages that go on by themselves.
"""
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import time

PAGE_PATHS = ("/page", "/style.css", "/script.js", "/font.woff2", "/image.png", "/data.json")
PREFETCH_SECONDS = 10
CHROMIUM_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--no-default-browser-check", "--disable-background-networking", "--disable-dev-shm-usage",
    "--disable-component-update", "--password-store=basic", "--remote-debugging-pipe",
    "--lang=en-US", "--window-size=900,700")
FIREFOX_PREFERENCES = {
    "marionette.port": 0, "remote.prefs.recommended": False,
    "browser.shell.checkDefaultBrowser": False, "browser.aboutwelcome.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False, "app.update.enabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "browser.startup.homepage_override.mstone": "ignore",
}


class DriveError(Exception):
    """The program did not do what it was started for."""


@contextlib.contextmanager
def started(command, environment, **more):
    """A process and what it started, ended at the end."""
    child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             start_new_session=True, **more)
    try:
        yield child
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(5)


@contextlib.contextmanager
def screen(environment):
    """An Xvfb of its own; yields the environment with its display."""
    ours, theirs = os.pipe()
    with started(["Xvfb", "-displayfd", str(theirs), "-screen", "0", "1000x800x24", "-nolisten",
                  "tcp"], environment, pass_fds=(theirs,)):
        os.close(theirs)
        with os.fdopen(ours) as answer:
            number = answer.readline().strip() if select.select([answer], [], [], 20)[0] else ""
        if not number:
            raise DriveError("Xvfb did not start")
        yield {**environment, "DISPLAY": f":{number}"}


def own_environment(folder):
    """Nothing of who records: an own home, English, no proxy."""
    home = os.path.join(folder, "home")
    run = os.path.join(folder, "run")
    for path in (home, run):
        os.makedirs(path, mode=0o700, exist_ok=True)
    return {"HOME": home, "XDG_RUNTIME_DIR": run, "PATH": os.environ["PATH"],
            "LANG": "en_US.UTF-8", "LANGUAGE": "en_US:en", "TERM": "xterm",
            "NO_AT_BRIDGE": "1", "LIBGL_ALWAYS_SOFTWARE": "1"}


def go_through(place, press, seconds=40):
    """From the start page, which is open, over the page to where the form leads."""
    press()
    missing = place.wait_for(PAGE_PATHS, seconds)
    if "/page" in missing:
        raise DriveError("the link was not followed")
    place.wait_for(["/next"], PREFETCH_SECONDS)
    press()
    if place.wait_for(["/form"], seconds):
        raise DriveError("the form was not sent")


# ---- Chromium ----

class Pipe:
    """Chromium's debugging protocol on two pipes."""

    def __init__(self):
        self.to_read, self.to = os.pipe()
        self.back, self.back_write = os.pipe()
        self.pending = b""
        self.last_id = 0

    def place(self):
        """In the child: it reads commands from descriptor 3 and answers on 4."""
        spare_read = fcntl.fcntl(self.to_read, fcntl.F_DUPFD, 10)
        spare_write = fcntl.fcntl(self.back_write, fcntl.F_DUPFD, 10)
        os.dup2(spare_read, 3)
        os.dup2(spare_write, 4)

    def is_placed(self):
        os.close(self.to_read)
        os.close(self.back_write)

    def message(self, deadline):
        while b"\0" not in self.pending:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.back], [], [], left)[0]:
                raise DriveError("no answer in time")
            some = os.read(self.back, 1 << 16)
            if not some:
                raise DriveError("ended")
            self.pending += some
        first, self.pending = self.pending.split(b"\0", 1)
        return json.loads(first)

    def call(self, method, session=None, **parameters):
        self.last_id += 1
        asked = {"id": self.last_id, "method": method, "params": parameters}
        if session:
            asked["sessionId"] = session
        os.write(self.to, json.dumps(asked).encode() + b"\0")
        deadline = time.monotonic() + 60
        while True:
            got = self.message(deadline)
            if got.get("id") == self.last_id:
                if "error" in got:
                    raise DriveError(f"{method}: {got['error']['message']}")
                return got["result"]


def drive_chromium(place, folder, environment, *flags):
    pipe = Pipe()
    command = ["chromium", *CHROMIUM_FLAGS, *flags, f"--user-data-dir={folder}/profile",
               "about:blank"]
    with started(command, environment, preexec_fn=pipe.place, pass_fds=(3, 4)):
        pipe.is_placed()
        target = pipe.call("Target.createTarget", url="about:blank")["targetId"]
        session = pipe.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

        def press():
            time.sleep(1.5)  # what is pressed must have been painted
            for kind in ("mousePressed", "mouseReleased"):
                pipe.call("Input.dispatchMouseEvent", session, type=kind, x=50, y=40,
                          button="left", clickCount=1)

        pipe.call("Page.navigate", session, url=place.site + "/start")
        place.wait_for(["/start"], 30)
        go_through(place, press)


def chromium_with_window(place, folder, environment):
    with screen(environment) as shown:
        drive_chromium(place, folder, shown)


def chromium_headless(place, folder, environment):
    drive_chromium(place, folder, environment, "--headless=new")


# ---- Firefox ----

class Marionette:
    """Firefox's own remote control: lengths and JSON on a socket."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self.socket.settimeout(60)
        self.file = self.socket.makefile("rb")
        self.last_id = 0
        self.message()

    def message(self):
        length = b""
        while not length.endswith(b":"):
            byte = self.file.read(1)
            if not byte:
                raise DriveError("ended")
            length += byte
        return json.loads(self.file.read(int(length[:-1])))

    def call(self, command, **parameters):
        self.last_id += 1
        text = json.dumps([0, self.last_id, command, parameters]).encode()
        self.socket.sendall(str(len(text)).encode() + b":" + text)
        _, _, error, result = self.message()
        if error:
            raise DriveError(f"{command}: {error['message']}")
        return result


def port_of(profile, seconds=60):
    """Firefox writes it once it listens."""
    path = os.path.join(profile, "MarionetteActivePort")
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, ValueError):
            with open(path, encoding="ascii") as file:
                return int(file.read())
        time.sleep(0.2)
    raise DriveError("Firefox did not open its remote control")


def firefox(place, folder, environment):
    profile = os.path.join(folder, "profile")
    os.mkdir(profile)
    with open(os.path.join(profile, "user.js"), "w", encoding="ascii") as file:
        file.writelines(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
                        for name, value in FIREFOX_PREFERENCES.items())
    command = ["firefox-esr", "--headless", "--marionette", "--no-remote", "--profile", profile]
    with started(command, environment):
        control = Marionette(port_of(profile))
        control.call("WebDriver:NewSession", capabilities={})

        def press():
            time.sleep(1.5)
            found = control.call("WebDriver:FindElement", using="css selector", value="#press")
            control.call("WebDriver:ElementClick", id=next(iter(found["value"].values())))

        control.call("WebDriver:Navigate", url=place.site + "/start")
        go_through(place, press)


# ---- browsers that cannot be steered ----

def by_itself(*command):
    """A browser with a window whose pages go on by themselves."""
    def drive(place, folder, environment):
        with screen(environment) as shown:
            bus = ["dbus-run-session", "--"] if shutil.which("dbus-run-session") else []
            words = [word.replace("SITE", place.site) for word in command]
            with started([*bus, *words], shown):
                if place.wait_for(["/start"], 40):
                    raise DriveError("did not open the page")
                place.wait_for(["/form"], 20)
    return drive
