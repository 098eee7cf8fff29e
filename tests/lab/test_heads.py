# SPDX-License-Identifier: MIT
"""The recorded heads: each file is as the format says, and says nothing of the recorder.

curl, wget and Python are recorded again, and give the same heads but for the version: the
files are what the script makes. Where a newer one has changed its head, that fails, and
wants them recorded anew.
"""
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LAB = Path(__file__).resolve().parents[2] / "tools" / "trawl-lab"
sys.path.insert(0, str(LAB / "recording"))

import derived                                                              # noqa: E402
from heads import CLASSES, KINDS, PLACEHOLDERS, Heads, HeadsError, parse, template  # noqa: E402

FILES = sorted((LAB / "clients").glob("*.heads"))
ORIGINS = ("recorded by record-clients from Debian package ", "derived from ",
           "written from the operator's documentation")


def name_of(path):
    return path.stem


@pytest.fixture(params=FILES, ids=name_of)
def file(request):
    return request.param


def headers(lines):
    return [line.partition(":")[::2] for line in lines[1:]]


def test_there_is_something_to_check():
    kinds = {path.stem: parse(path.read_text()).kinds for path in FILES}
    assert {"chromium", "firefox", "epiphany", "curl", "wget", "python-requests"} <= set(kinds)
    assert set(kinds["chromium"]) == set(kinds["firefox"]) == set(KINDS)


def test_fields(file):
    fields = parse(file.read_text()).fields
    assert fields["name"] == file.stem
    assert fields["version"].isdigit()
    assert fields["class"] in CLASSES
    assert 0 <= float(fields["share"]) <= 1
    assert fields["class"] == "browser" or float(fields["share"]) == 0
    assert fields["origin"].startswith(ORIGINS)


def test_what_is_written_is_what_was_read(file):
    text = file.read_text()
    assert parse(text).text() == text


def test_kinds(file):
    kinds = parse(file.read_text()).kinds
    assert "navigation" in kinds
    for lines in kinds.values():
        assert re.fullmatch(r"\{method\} \{path\} HTTP/1\.[01]", lines[0])
        assert [value.strip() for name, value in headers(lines) if name.lower() == "host"] == [
            "{host}"]
        assert all(re.fullmatch(r"[A-Za-z0-9-]+", name) for name, _ in headers(lines))


def test_placeholders(file):
    heads = parse(file.read_text())
    for lines in heads.kinds.values():
        assert set(re.findall(r"\{(\w*)\}", "\n".join(lines))) <= set(PLACEHOLDERS)
        for name, value in headers(lines):
            if name.lower() in ("cookie", "referer", "origin"):
                assert value.strip() == f"{{{name.lower()}}}"
            if name.lower() == "content-length":
                assert value.strip() in ("{length}", "0")
    speaks = any("{language}" in line for lines in heads.kinds.values() for line in lines)
    assert speaks == ("language" in heads.fields)


def test_nothing_of_the_recorder_is_left(file):
    for lines in parse(file.read_text()).kinds.values():
        text = "\n".join(lines).lower()
        assert not re.search(r"127\.0\.0\.|localhost|:\d{4,5}\b|sid=|/start|/page|/tmp|/root|"
                             r"/home|proxy", text)
        assert len(text) < 4000


def test_shares_are_those_of_all_people():
    shares = [float(parse(path.read_text()).fields["share"]) for path in FILES]
    assert sum(shares) == pytest.approx(1, abs=0.02)


def test_versions_are_left_open_where_a_browser_has_one():
    for name in ("chromium", "firefox", "chrome-android", "edge-windows", "firefox-android"):
        heads = parse((LAB / "clients" / f"{name}.heads").read_text())
        for lines in heads.kinds.values():
            agent = dict(headers(lines))["User-Agent"]
            assert "{version}" in agent
            assert not re.search(rf"\b{heads.fields['version']}\b", agent)


# ---- the parts that make them ----

def test_template_leaves_names_and_order():
    sent = ["POST /form?a=b HTTP/1.1", "hOsT: 127.0.0.1:1234", "Content-Length:9",
            'sec-ch-ua: "Not:A-Brand";v="8", "Chromium";v="156"', "Accept-Language: de",
            "User-Agent: A/1.56 Chrome/156.0.0.0 B/1156.0", "Cookie: sid=1", "Accept: */*"]
    assert template(sent, "156", speaks=True) == [
        "{method} {path} HTTP/1.1", "hOsT: {host}", "Content-Length:{length}",
        'sec-ch-ua: "Not:A-Brand";v="8", "Chromium";v="{version}"', "Accept-Language: {language}",
        "User-Agent: A/1.56 Chrome/{version}.0.0.0 B/1156.0", "Cookie: {cookie}", "Accept: */*"]
    assert template(sent)[3:6] == sent[3:6]
    assert template(["GET / HTTP/1.1", "Content-Length: 0"])[1] == "Content-Length: 0"


# Lists of brands that Chrome and Edge were seen to send.
@pytest.mark.parametrize("version, recorded, brand, wanted", [
    (131, '"Chromium";v="{version}", "Not_A Brand";v="24"', "Google Chrome",
     '"Google Chrome";v="{version}", "Chromium";v="{version}", "Not_A Brand";v="24"'),
    (124, '"Not-A.Brand";v="99", "Chromium";v="{version}"', "Microsoft Edge",
     '"Chromium";v="{version}", "Microsoft Edge";v="{version}", "Not-A.Brand";v="99"'),
    (120, '"Not_A Brand";v="8", "Chromium";v="{version}"', "Google Chrome",
     '"Not_A Brand";v="8", "Chromium";v="{version}", "Google Chrome";v="{version}"'),
])
def test_brand_stands_where_the_product_puts_it(version, recorded, brand, wanted):
    assert derived.with_brand(recorded, brand, version) == wanted


@pytest.mark.parametrize("text", [
    "# name: a\n# name: b\n", "# colour: red\n", "text\n", "# name: a\n\n@ tea\n",
    "@ form\n{method} {path} HTTP/1.1\n\n@ form\n"])
def test_a_wrong_file_is_refused(text):
    with pytest.raises(HeadsError):
        parse(text)


def test_derived_follow_from_the_recorded():
    for row in derived.DERIVED:
        base = parse((LAB / "clients" / f"{row.base}.heads").read_text())
        made = derived.derive(row, base)
        assert made.text() == (LAB / "clients" / f"{row.name}.heads").read_text()
        assert [[line.partition(":")[0] for line in lines] for lines in made.kinds.values()] == [
            [line.partition(":")[0] for line in lines] for lines in base.kinds.values()]
    for made in derived.documented():
        assert made.text() == (LAB / "clients" / f"{made.fields['name']}.heads").read_text()


def test_every_file_has_a_maker():
    from roster import CLIENTS
    makers = ([client.name for client in CLIENTS] + [row.name for row in derived.DERIVED]
              + [made.fields["name"] for made in derived.documented()])
    assert len(makers) == len(set(makers))
    assert {path.stem for path in FILES} <= set(makers)


# ---- recorded anew ----

def without_versions(heads: Heads):
    return {kind: [re.sub(r"\d+(\.\d+)+", "N", line) if line.startswith("User-Agent:") else line
                   for line in lines] for kind, lines in heads.kinds.items()}


@pytest.mark.parametrize("name, program", [
    ("curl", "curl"), ("wget", "wget"), ("python-urllib", "/usr/bin/python3")])
def test_recorded_anew_is_the_same(tmp_path, name, program):
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    done = subprocess.run(["/usr/bin/python3", str(LAB / "record-clients"), "--folder",
                           str(tmp_path), name], check=False, text=True, timeout=120,
                          capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    made = parse((tmp_path / f"{name}.heads").read_text())
    kept = parse((LAB / "clients" / f"{name}.heads").read_text())
    assert without_versions(made) == without_versions(kept)
    assert made.fields["class"] == kept.fields["class"]
