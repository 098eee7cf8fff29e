# SPDX-License-Identifier: MIT
"""What visitors do, each with a real program. All run in a namespace of the rig."""
import os
import shlex
import tempfile
import time

from app import NAMES
from browser import Browser
from rig import WEB, RigError

SITE_URL = f"http://{WEB}"


def need(done):
    """Of a client that must not fail."""
    if done.returncode != 0:
        raise RigError(f"{done.args[0]}: exit status {done.returncode}: {done.stderr}")
    return done


def curl_each(rig, namespace, urls, *options, pause=0.0):
    """A loop of curl, one process and one connection for each address."""
    words = shlex.join(["curl", "-s", "-S", "-o", "/dev/null", *options])
    sleep = f"sleep {pause}; " if pause else ""
    script = f"for url; do {words} \"$url\" || exit; {sleep}done"
    return need(rig.run(namespace, ["sh", "-c", script, "sh", *urls], timeout=300))


def curl_profiles(rig, namespace, count, *options, pause=0.0):
    return curl_each(rig, namespace, [f"{SITE_URL}/in/{name}" for name in NAMES[:count]],
                     *options, pause=pause)


def curl_missing(rig, namespace, count, pause=0.0):
    """Guessed names that no profile has."""
    return curl_each(rig, namespace, [f"{SITE_URL}/in/member{n}" for n in range(count)],
                     pause=pause)


def curl_signups(rig, namespace, count, pause=0.0):
    """Accounts made by a script: the form is posted, never read."""
    for n in range(count):
        name = NAMES[n * 7 % len(NAMES)].replace("-", ".")
        need(rig.run(namespace, [
            "curl", "-s", "-S", "-o", "/dev/null", "--data-urlencode",
            f"full_name={name.replace('.', ' ').title()}", "--data-urlencode",
            f"email={name}{n + 10}@example.net", "--data-urlencode", f"password=Pw-{n:04}x",
            SITE_URL + "/signup"]))
        time.sleep(pause)


def wget_profiles(rig, namespace, names, *options):
    """One wget that keeps its connection and takes a list of addresses."""
    with tempfile.NamedTemporaryFile("w", dir=rig.folder, suffix=".urls") as urls:
        urls.writelines(f"{SITE_URL}/in/{name}\n" for name in names)
        urls.flush()
        return need(rig.run(namespace, ["wget", "-q", "-O", os.devnull, *options,
                                        "-i", urls.name], timeout=300))


PYTHON_HARVEST = """
import http.cookiejar, sys, time, urllib.request
site, pause, names = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
opener = urllib.request.build_opener(jar)
for name in names:
    opener.open(site + "/in/" + name).read()
    time.sleep(pause)
"""


def python_profiles(rig, namespace, names, pause=0.0):
    """A script that keeps its session cookie."""
    return need(rig.run(namespace, ["/usr/bin/python3", "-c", PYTHON_HARVEST, SITE_URL,
                                    str(pause), *names], timeout=300))


def mirror(rig, namespace, *options, depth=3):
    """The whole site, link by link, as far as `depth` links from the home page."""
    folder = tempfile.mkdtemp(prefix="mirror-", dir=rig.folder)
    done = rig.run(namespace, ["wget", "-q", "-r", "-l", str(depth), "-p", "-P", folder,
                               "-e", "robots=off", *options, SITE_URL + "/"], timeout=300)
    some_page_was_an_error = 8
    if done.returncode != some_page_was_an_error:
        need(done)


def read_with_browser(rig, namespace, profiles=5, pause=0.0, join=False):
    """A person: home, people, a few profiles by their links; perhaps joins."""
    with Browser(rig, namespace) as browser:
        browser.open(SITE_URL + "/")
        time.sleep(pause)
        browser.click("#search")
        for n in range(profiles):
            time.sleep(pause)
            browser.click("a.person", n % 5)
            if browser.evaluate("document.documentElement.dataset.ready") != "yes":
                raise RigError("the browser did not run the page's script")
        if join:
            browser.open(SITE_URL + "/signup")
            browser.fill("full_name", "Vera Lind")
            browser.fill("email", "vera.lind@example.org")
            browser.fill("password", "correct horse")
            time.sleep(pause)
            browser.click("button")
