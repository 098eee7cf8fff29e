# SPDX-License-Identifier: MIT
"""Sign-ups by real clients, through nginx and through HAProxy, past the live daemon.

What a sign-up says leaves the daemon in alerts only. So each field has a rule here that
raises an alert for each visitor and value; each visitor has an address of its own.
"""
import gzip
import json
import subprocess
import time

import pytest

from behind import BehindHaproxy
from browser import Browser
from clients import need
from rig import APP, PROXY, SITE, WEB, Daemon, RigError, program, wait_until

FORWARDED = 8005  # HAProxy; 80 is nginx
NGINX, HAPROXY = f"http://{WEB}", f"http://{WEB}:{FORWARDED}"

SITE_TEXT = SITE.replace(
    "    accepted: status in [200, 201, 302, 303]\n",
    "    form: { email: email, name: [full_name, name.first+name.last], phone: phone }\n"
    "    accepted: status == 302 or status == 200 and response.body contains 'welcome'\n")
assert SITE_TEXT != SITE

FIELDS = ("email.canonical", "email.domain", "email.skeleton", "name.skeleton", "phone.prefix")
CONDITIONS = {
    "accepted": "signup.accepted",
    "refused": "not signup.accepted",
    "disposable": "email.disposable",
    "form-yes": "signup.form_seen == yes",
    "form-no": "signup.form_seen == no",
    "form-unknown": "signup.form_seen == unknown",
}
RULES = "rules:\n" + "".join(
    f"  - {{ name: {name}, where: \"page == signup and {where}\", per: {per}, "
    f"when: \"{when}\" }}\n"
    for name, where, per, when in (
        *((field, f"present({field})", f"[client.host, {field}]", "count(1m) >= 1")
          for field in FIELDS),
        *((name, where, "client.host", "count(1m) >= 1") for name, where in CONDITIONS.items()),
        ("session", "signup.accepted", "session", "count(1m) >= 1"),
        ("session.was", "signup.accepted", "session.was", "count(1m) >= 1"),
        ("fill-time", "present(signup.fill_time)", "client.host",
         "max(signup.fill_time, 1m) >= 0s")))

FILLING = 0.6  # seconds that who reads the form takes for it


class Front(BehindHaproxy):
    HAPROXY = f"""
frontend forwarded
    bind {WEB}:{FORWARDED}
    option forwardfor
    default_backend app
backend app
    server app {APP[0]}:{APP[1]} source {PROXY}
"""
    INNER = "    server { listen 127.0.0.2:8085; }\n"
    PORTS = (FORWARDED,)


@pytest.fixture(scope="module", name="rig")
def start_rig():
    try:
        with Front() as made:
            yield made
    except RigError as error:
        pytest.fail(str(error), pytrace=False)


def post(rig, address, site, *options):
    """Only the form, by a script that never looked at it."""
    need(rig.run(rig.add_client(address), ["curl", "-s", "-S", "-o", "/dev/null", *options,
                                           site + "/signup"]))


def with_curl(rig):
    post(rig, "198.51.100.7", NGINX, "--data-urlencode", "full_name=Anna Lee-Jones 3rd",
         "--data-urlencode", "email=Anna.Lee+news@GoogleMail.com",
         "--data-urlencode", "phone=+49 (0)151 12345678", "-d", "password=secret")
    post(rig, "198.51.100.8", HAPROXY, "-F", "full_name=Ben Adler", "-F",
         "email=ben83@example.net", "-F", "phone=0044 20 7946 0000", "-F", "password=secret")
    with open(rig.path("signup.json"), "wb") as file:
        file.write(json.dumps({"email": "clara.v@example.org", "password": "secret",
                               "name": {"first": "Clara", "last": "Vogel"}}).encode())
    post(rig, "198.51.100.9", NGINX, "-H", "Content-Type: application/json",
         "--data-binary", f"@{file.name}")
    with open(rig.path("signup.json.gz"), "wb") as file:
        file.write(gzip.compress(json.dumps({"full_name": "Dora", "email": "dora@mailinator.com",
                                             "phone": "+390612345678"}).encode()))
    post(rig, "198.51.100.10", HAPROXY, "-H", "Content-Type: application/json",
         "-H", "Content-Encoding: gzip", "--data-binary", f"@{file.name}")
    post(rig, "198.51.100.11", NGINX, "-d", "full_name=Nobody&email=none")
    post(rig, "198.51.100.12", HAPROXY, "-H", "Content-Type: application/json",
         "-d", '{"email": "none"}')


def with_browser(rig, address, page, values):
    """Reads the form and fills it; the seconds from before to after all that."""
    began = time.monotonic()
    with Browser(rig, rig.add_client(address)) as browser:
        browser.open(page)
        for name, value in values.items():
            browser.fill(name, value)
        time.sleep(FILLING)
        browser.click("button")
        if browser.evaluate("document.title") != "Welcome":
            raise RigError("the browser was not welcomed")
    return time.monotonic() - began


@pytest.fixture(scope="module", name="raised")
def record(rig, tmp_path_factory):
    """What was raised: for each visitor, the alert of each rule; and how long browsers took."""
    rules = tmp_path_factory.mktemp("rules") / "rules.yaml"
    rules.write_text(RULES)
    with Daemon(rig, "-R", str(rules), "-o", "privacy.clear=session,email",
                rules="none", site_text=SITE_TEXT) as daemon:
        with_curl(rig)
        took = {
            "203.0.113.7": with_browser(rig, "203.0.113.7", NGINX + "/signup", {
                "full_name": "Vera Lind", "email": "vera.lind@example.org",
                "phone": "+46 8 123 456 78", "password": "correct horse"}),
            "203.0.113.9": with_browser(rig, "203.0.113.9", HAPROXY + "/signup?multipart", {
                "full_name": "Zo\u00eb \u00c5berg", "email": "zoe@example.com",
                "password": "correct horse"})}
        wait_until(lambda: sum(one["trawlwatch"]["page"] == "signup"
                               for one in daemon.requests) == 8, 10, "eight sign-ups")
        assert daemon.stop() == 0
        printed = daemon.requests
    told = subprocess.run([program("trawlctl"), "alerts", "--json", "--journal", daemon.journal],
                          check=True, capture_output=True, text=True)
    found = {}
    for alert in map(json.loads, told.stdout.splitlines()):
        if alert["event"]["action"] == "raised":
            rules_of = found.setdefault(alert["source"]["ip"], {})
            assert alert["rule"]["name"] not in rules_of
            rules_of[alert["rule"]["name"]] = alert["trawlwatch"]
    return found, took, printed


def value(alert):
    return alert["subject"]["value"]


def said(found, address):
    return {name: value(alert).removeprefix(address + "|")
            for name, alert in found[address].items() if name in FIELDS}


@pytest.mark.parametrize("address, canonical, domain, skeleton, name, phone", [
    ("198.51.100.7", "annalee@gmail.com", "googlemail.com", "l.l+l", "l l-l d1l", "491511"),
    ("198.51.100.8", "ben83@example.net", "example.net", "ld2", "l l", "442079"),
    ("198.51.100.9", "clara.v@example.org", "example.org", "l.l", "l l", None),
    ("198.51.100.10", "dora@mailinator.com", "mailinator.com", "l", "l", "390612"),
    ("203.0.113.7", "vera.lind@example.org", "example.org", "l.l", "l l", "468123"),
    ("203.0.113.9", "zoe@example.com", "example.com", "l", "l l", None),
])
def test_the_form_is_read(raised, address, canonical, domain, skeleton, name, phone):
    """Urlencoded, multipart, JSON, JSON under gzip; then both kinds by a browser's form."""
    found, _, _ = raised
    wanted = {"email.canonical": canonical, "email.domain": domain, "email.skeleton": skeleton,
              "name.skeleton": name, "phone.prefix": phone}
    assert said(found, address) == {key: one for key, one in wanted.items() if one}


def test_whether_the_site_took_it(raised):
    found, _, _ = raised
    verdicts = {address: {"accepted", "refused"} & set(alerts)
                for address, alerts in found.items()}
    refused = {"198.51.100.11", "198.51.100.12"}  # 422, and a 200 that says so in its body
    assert len(verdicts) == 8
    assert verdicts == {address: {"refused" if address in refused else "accepted"}
                        for address in verdicts}
    assert {address for address, alerts in found.items() if "disposable" in alerts} == \
        {"198.51.100.10"}


def test_the_form_was_seen_by_those_who_read_it(raised):
    """`no` would be a guess: the daemon has not run for an hour."""
    found, took, _ = raised
    seen = {address: {name for name in alerts if name.startswith("form-")}
            for address, alerts in found.items()}
    assert seen == {address: {"form-yes" if address in took else "form-unknown"}
                    for address in found}
    filled = {address: alerts["fill-time"]["evidence"] for address, alerts in found.items()
              if "fill-time" in alerts}
    assert set(filled) == set(took)
    for address, evidence in filled.items():
        (only,) = evidence
        assert FILLING <= only["value"] <= took[address], (address, evidence)


def test_the_session_is_the_new_one(rig, raised):
    """As the application gave it; and the one it came with is that of the form."""
    found, took, printed = raised
    gave = {one["xff"]: one["set_cookie"].split(";")[0].removeprefix("sid=")
            for one in rig.app_requests()
            if one["method"] == "POST" and one["status"] in (200, 302)
            and one["xff"] != "198.51.100.12"}
    assert {address: value(alerts["session"]) for address, alerts in found.items()
            if "session" in alerts} == gave
    came_with = {one["xff"]: one["cookie"].removeprefix("sid=") for one in rig.app_requests()
                 if one["method"] == "POST" and one["cookie"]}
    assert set(came_with) == set(took)
    assert {address: value(alerts["session.was"]) for address, alerts in found.items()
            if "session.was" in alerts} == came_with
    signups = {one["client"]["ip"]: one["trawlwatch"].get("session") for one in printed
               if one["trawlwatch"]["page"] == "signup"}
    # Who was refused came without a session, and got one as any visitor does.
    assert {address: signups[address] for address in gave} == gave
    after = [one["trawlwatch"]["session"] for one in printed
             if one["client"]["ip"] in took and one["url"]["path"] == "/welcome"]
    assert sorted(after) == sorted(gave[address] for address in took)
