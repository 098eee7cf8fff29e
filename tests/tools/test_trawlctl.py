# SPDX-License-Identifier: MIT
"""trawlctl as people and scripts use it, on a journal and files made here.

Environment: TRAWLCTL and MAKE_JOURNAL are the programs, REPOSITORY the tree.
"""
import hmac
import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from pathlib import Path

import pytest

TRAWLCTL = os.environ["TRAWLCTL"]
MAKE_JOURNAL = os.environ["MAKE_JOURNAL"]
REPOSITORY = Path(os.environ["REPOSITORY"])
RULES = REPOSITORY / "rules"
SITE = RULES / "sites" / "profile-network.yaml"


def ctl(*arguments, env=None, status=0):
    """Runs it; the exit status has to be `status`. Gives standard output and error."""
    done = subprocess.run([TRAWLCTL, *map(str, arguments)], capture_output=True, text=True,
                          timeout=60, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout, done.stderr


@pytest.fixture
def journal(tmp_path):
    folder = tmp_path / "journal"
    subprocess.run([MAKE_JOURNAL, folder, str(int(time.time()))], check=True)
    return folder


@pytest.fixture
def files(tmp_path):
    """A good configuration, site map and rules; tests break one of them."""
    (tmp_path / "site.yaml").write_text(
        "pages:\n  - name: profile\n    path: '/in/{target}'\n")
    (tmp_path / "rules.yaml").write_text(
        "rules:\n  - name: many-profiles\n    severity: high\n    where: page == profile\n"
        "    per: client.ip\n    when: distinct(target, 10m) >= 20\n")
    (tmp_path / "trawlwatch.yaml").write_text(
        "site: { file: site.yaml }\nrules: { paths: [rules.yaml] }\nlog: { level: debug }\n")
    return tmp_path


# Help and usage

def test_help_names_the_commands_that_are_there():
    out, _ = ctl("--help")
    for name in ("check", "test", "reference", "alerts", "show", "blocks", "key", "status",
                 "top", "reload"):
        assert f"\n  {name} " in out
    for name in ("backtest", "explain"):
        assert name not in out


@pytest.mark.parametrize("command", ["check", "test", "reference", "alerts", "show", "blocks",
                                     "key", "status", "top", "reload"])
def test_every_command_has_help(command):
    out, _ = ctl(command, "--help")
    assert out.startswith(f"usage: trawlctl {command}") and "-o KEY=VALUE" in out


@pytest.mark.parametrize("arguments, says", [
    ([], "usage"),
    (["alert"], "did you mean 'alerts'?"),
    (["backtest"], "backtest is not in this version"),
    (["alerts", "--rul", "x", "--bogus"], "no such option: --bogus"),
    (["alerts", "--since"], "a value is missing after --since"),
    (["alerts", "--since", "yesterday"], "--since takes"),
    (["alerts", "--severity", "loud"], "--severity is one of"),
    (["alerts", "extra"], "takes no 'extra'"),
    (["show"], "takes the id"),
    (["blocks", "add"], "add SUBJECT"),
    (["blocks", "add", "203.0.113.9"], "add needs --for"),
    (["blocks", "add", "203.0.113.9", "--for", "10", "--why", "x"], "--for takes"),
    (["blocks", "forget", "x"], "remove SUBJECT"),
    (["blocks", "remove", "203.0.113.9", "--hold", "x"], "--hold takes"),
    (["key", "burn"], "change [--in 7d]"),
    (["key", "change", "--in", "soon"], "--in takes"),
    (["key", "list", "--in", "1d"], "change [--in 7d]"),
    (["key", "name", "shoe"], "session|account|email"),
])
def test_wrong_usage_is_two(arguments, says):
    _, err = ctl(*arguments, status=2)
    assert says in err


# reference and completion

def test_reference_tells_what_a_word_means():
    out, _ = ctl("reference", "target", "distinct", "block")
    assert out.startswith("target\n    field (text): what was viewed\n"
                          "distinct(field, [condition,] window)\n    function (number): ")
    assert "block\n    key of a rule (duration or list): " in out
    names, _ = ctl("reference", "--names")
    assert {"client.ip", "header", "count", "per_each"} <= set(names.split())
    _, err = ctl("reference", "distinkt", status=1)
    assert "no such word: distinkt (did you mean 'distinct'?)" in err


def complete(*words):
    """What bash offers for the last of the words."""
    script = f"""
        source {REPOSITORY}/tools/completion/trawlctl
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _trawlctl {TRAWLCTL} "${{@: -1}}" "${{@: -2:1}}"
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script, "bash", "trawlctl", *words],
                          capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize("words, offered", [
    (["ch"], ["check"]),
    (["re"], ["reference", "reload"]),
    (["top", "--i"], ["--interval"]),
    (["alerts", "--s"], ["--since", "--severity", "--subject"]),
    (["alerts", "--severity", "h"], ["high"]),
    (["test", "--c"], ["--complete"]),
    (["check", "--print-"], ["--print-site", "--print-rules"]),
    (["reference", "email.d"], ["email.domain", "email.domain_age", "email.disposable"]),
    (["reference", "coun"], ["count"]),
    (["blocks", "a"], ["add"]),
    (["blocks", "add", "--r"], ["--replace"]),
    (["key", "c"], ["change"]),
    (["test", "rules/profile"], ["rules/profile-scraping.yaml"]),
    (["alerts", "--since", ""], []),
])
def test_completion(words, offered):
    assert complete(*words) == offered


def test_completion_knows_every_command():
    out, _ = ctl("--help")
    commands = re.findall(r"^  ([a-z]+) ", out, re.M)
    assert complete("") == commands + ["--help", "--version"]
    for command in commands:
        text, _ = ctl(command, "--help")
        options = set(re.findall(r"^  (-[-a-z]+)", text, re.M))
        assert options and options <= set(complete(command, "-"))


# alerts

def test_alerts_are_one_line_an_incident(journal):
    out, err = ctl("alerts", "--journal", journal)
    lines = out.splitlines()
    assert err == ""
    assert lines[0].split()[:2] == ["INCIDENT", "TIME"]
    assert len(lines) == 6
    first = lines[1]
    assert first.startswith("FIRSTONE ") and " high " in first and " ended " in first
    assert " 431 " in first, "what was served in the end, not when it was raised"
    assert "distinct(target, 10m) at least 120, share(status == 404, 10m) 0.8125" in first
    assert "mean(latency, 10m) missing" in first
    assert " open " in lines[2] and "198.51.100.0/24" in lines[2]
    assert lines[5] == ("3 incidents, 2 open; 3 subjects: "
                        "?]0;owned?\ufffd|x, 198.51.100.0/24, 203.0.113.9")


def test_what_a_client_wrote_never_reaches_the_terminal(journal):
    for command in (["alerts"], ["show", "THIRDONE"]):
        out, _ = ctl(*command, "--journal", journal)
        assert "owned" in out and "\033" not in out and "\a" not in out
        assert "dry run" in out


def test_an_incident_names_the_first_of_its_group(journal):
    out, _ = ctl("show", "SECNDONE", "--journal", journal)
    assert [line.split() for line in out.splitlines() if "Group" in line] == [
        ["Group", "01JDDA0000AAAAAAAAFIRSTONE"]]
    out, _ = ctl("show", "FIRSTONE", "--journal", journal)
    assert "Group" not in out


def test_json_is_every_event_as_published(journal):
    out, _ = ctl("alerts", "--json", "--journal", journal)
    events = [json.loads(line) for line in out.splitlines()]
    assert [e["event"]["action"] for e in events] == [
        "raised", "updated", "ended", "raised", "raised"]
    assert list(events[0]) == ["@timestamp", "event", "rule", "trawlwatch"]


@pytest.mark.parametrize("arguments, rules", [
    (["--rule", "signup-burst"], ["signup-burst"]),
    (["--severity", "medium"], ["profile-harvest", "signup-burst"]),
    (["--severity", "critical"], []),
    (["--since", "1h"], ["signup-burst", "enumeration"]),
    (["--since", "2030-01-01T00:00:00Z"], []),
    (["--subject", "203.0.113.9", "--rule", "profile-harvest"], ["profile-harvest"]),
    (["--subject", "203.0.113.10"], ["profile-harvest", "signup-burst", "enumeration"]),
    (["--subject", "x"], ["enumeration"]),
    (["--subject", "203.0.113.1"], []),
])
def test_filters(journal, arguments, rules):
    out, _ = ctl("alerts", "--json", "--journal", journal, *arguments)
    seen = [json.loads(line)["rule"]["name"] for line in out.splitlines()]
    assert list(dict.fromkeys(seen)) == rules


@pytest.mark.parametrize("arguments", [
    ["alerts", "--json"], ["alerts"], ["show", "FIRSTONE"], ["--help"], ["--version"]])
def test_a_full_disk_is_a_failure(journal, arguments):
    if arguments[0] in ("alerts", "show"):
        arguments = [*arguments, "--journal", str(journal)]
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([TRAWLCTL, *arguments], stdout=full, stderr=subprocess.PIPE,
                              text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("trawlctl: standard output: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_damaged_file_is_told(journal):
    newest = max(journal.glob("*.journal"))
    data = bytearray(newest.read_bytes())
    data[-1] ^= 1
    newest.write_bytes(data)
    out, err = ctl("alerts", "--json", "--journal", journal)
    assert out and "the newest file is damaged" in err


def test_no_alerts_says_so(journal):
    out, _ = ctl("alerts", "--journal", journal, "--rule", "none-such")
    assert out == "No alerts.\n"


def test_a_missing_journal_is_one_line_with_the_remedy(tmp_path):
    _, err = ctl("alerts", "--journal", tmp_path / "nowhere", status=1)
    assert len(err.splitlines()) == 1 and "--journal DIR" in err


def test_a_journal_named_in_the_configuration_is_read(journal):
    out, _ = ctl("alerts", "-o", f"journal.dir={journal}", "-o", "redis.url=")
    assert "FIRSTONE" in out


def test_redis_that_is_not_there_is_one_line(tmp_path):
    _, err = ctl("alerts", "-o", f"redis.url=unix:{tmp_path}/no.sock", status=1)
    assert len(err.splitlines()) == 1 and "no.sock" in err


def test_follow_prints_what_comes(journal):
    process = subprocess.Popen([TRAWLCTL, "alerts", "--follow", "--json", "--journal", journal],
                               stdout=subprocess.PIPE)
    try:
        time.sleep(1)
        subprocess.run([MAKE_JOURNAL, journal, str(int(time.time()))], check=True)
        output = b""
        deadline = time.time() + 20
        while output.count(b"\n") < 5 and time.time() < deadline:
            if select.select([process.stdout], [], [], 0.5)[0]:
                output += os.read(process.stdout.fileno(), 65536)
        time.sleep(1)
        if select.select([process.stdout], [], [], 0)[0]:
            output += os.read(process.stdout.fileno(), 65536)
        events = [json.loads(line) for line in output.splitlines()]
        assert len(events) == 5, "those from before are not printed, those that came are"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()


def on_a_terminal(arguments, **env):
    """Standard output when that is a terminal."""
    parent, child = pty.openpty()
    process = subprocess.Popen([TRAWLCTL, *map(str, arguments)], stdout=child, stdin=child,
                               env={**os.environ, "TERM": "xterm", **env})
    os.close(child)
    output = b""
    while True:
        try:
            part = os.read(parent, 65536)
        except OSError:
            break
        if not part:
            break
        output += part
    os.close(parent)
    assert process.wait(10) == 0
    return output.decode()


def test_colour_only_on_a_terminal_that_wants_it(journal):
    arguments = ["alerts", "--journal", journal]
    assert "\033[31mhigh" in on_a_terminal(arguments, NO_COLOR="")
    assert "\033" not in on_a_terminal(arguments, NO_COLOR="1")
    assert "\033" not in on_a_terminal(arguments, TERM="dumb", NO_COLOR="")
    assert "\033" not in ctl(*arguments)[0]


# show

@pytest.mark.parametrize("part", ["01JDDA0000AAAAAAAAFIRSTONE", "FIRSTONE", "01JDDA0000AAA",
                                  "firstone", "01jdda0000aaa"])
def test_show_takes_part_of_an_id(journal, part):
    out, _ = ctl("show", part, "--journal", journal)
    assert "Incident     01JDDA0000AAAAAAAAFIRSTONE" in out
    assert "Served       431 targets, 2400123 bytes" in out
    assert "OWASP OAT-011" in out and "GET /in/anna 200" in out
    assert "client.ip (2): 203.0.113.9, 203.0.113.10" in out
    assert [word in out for word in ("raised", "updated", "ended")] == [True] * 3


def test_show_of_several_or_none_fails(journal):
    _, several = ctl("show", "01JDDA", "--journal", journal, status=1)
    assert "part of several" in several and "FIRSTONE and 01JDDA" in several
    assert "no incident" in ctl("show", "01JXXX", "--journal", journal, status=1)[1]
    for short in "01", "ONE":
        assert "at least 4 characters" in ctl("show", short, "--journal", journal, status=2)[1]


def test_show_json_is_all_events(journal):
    out, _ = ctl("show", "--json", "FIRSTONE", "--journal", journal)
    assert [json.loads(line)["event"]["action"] for line in out.splitlines()] == [
        "raised", "updated", "ended"]


# blocks

def test_blocks_of_the_journal(journal):
    out, _ = ctl("blocks", "--journal", journal)
    lines = out.splitlines()
    assert len(lines) == 2 and lines[1].split()[:2] == ["ip", "198.51.100.9"]
    assert "59m" in lines[1] and lines[1].split()[4:] == ["2", "refused", "signup-burst"] + \
        lines[1].split()[7:]
    block = json.loads(ctl("blocks", "list", "--json", "--journal", journal)[0])
    assert (block["type"], block["value"], block["level"]) == ("ip", "198.51.100.9", 2)
    assert list(block) == ["type", "value", "state", "rule", "id", "since", "until", "level", "why"]
    assert block["state"] == "refused"
    out, _ = ctl("show", "SECNDONE", "--journal", journal)
    assert "Enforcement  refused: 7 of 9 requests refused, the first 507 ms after the block" in out


def test_blocks_change_in_redis_only(journal):
    for arguments in (["add", "203.0.113.9", "--for", "1h", "--why", "x"],
                      ["remove", "203.0.113.9"]):
        _, err = ctl("blocks", *arguments, "--journal", journal, status=1)
        assert "redis.url" in err
    _, err = ctl("blocks", "remove", "nonsense", "--journal", journal, status=2)
    assert "nonsense" in err


@pytest.fixture
def redis(tmp_path):
    """A Redis of its own: the -o that names it, and a function that talks to it."""
    path = f"/tmp/trawlctl-{os.getpid()}.sock"  # a socket's path has to be short
    server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", path,
                               "--save", "", "--dir", str(tmp_path)], stdout=subprocess.DEVNULL)

    def cli(*arguments):
        return subprocess.run(["redis-cli", "-s", path, *map(str, arguments)], text=True,
                              capture_output=True, timeout=10).stdout.strip()
    deadline = time.time() + 10
    while cli("ping") != "PONG":
        assert time.time() < deadline
        time.sleep(0.05)
    yield f"redis.url=unix:{path}", cli
    server.terminate()
    server.wait(10)


def test_blocks_in_redis(redis, files):
    setting, cli = redis
    options = ["-o", setting, "-c", files / "trawlwatch.yaml"]
    assert ctl("blocks", *options)[0] == "No blocks.\n"
    out, _ = ctl("blocks", "add", "198.51.100.77", "--for", "90s", "--why", "by hand", *options)
    assert out.startswith("ip 198.51.100.77 is blocked until 20")
    stored = json.loads(cli("get", "{trawlwatch}:block:ip:198.51.100.77"))
    assert stored["why"] == "by hand" and stored["level"] == 1
    assert 80_000 < int(cli("pttl", "{trawlwatch}:block:ip:198.51.100.77")) <= 90_000
    assert cli("zrange", "{trawlwatch}:blocks", 0, -1) == "ip:198.51.100.77"
    assert "by hand" in ctl("blocks", "list", *options)[0]
    out, _ = ctl("blocks", "remove", "198.51.100.77", *options)
    assert "no longer" in out
    assert cli("exists", "{trawlwatch}:block:ip:198.51.100.77") == "0"
    assert cli("zcard", "{trawlwatch}:blocks") == "0"
    assert "is not blocked" in ctl("blocks", "remove", "198.51.100.77", "--hold", "0s", *options,
                                   status=1)[1]


def test_a_running_block_is_not_shortened_by_mistake(redis, files):
    setting, cli = redis
    options = ["-o", setting, "-c", files / "trawlwatch.yaml", "--why"]
    key = "{trawlwatch}:block:ip:198.51.100.77"

    def why():
        return json.loads(cli("get", key))["why"]

    ctl("blocks", "add", "198.51.100.77", "--for", "10h", *options, "long")
    score = cli("zscore", "{trawlwatch}:blocks", "ip:198.51.100.77")
    until = json.loads(cli("get", key))["until"]
    out, err = ctl("blocks", "add", "198.51.100.77", "--for", "1h", *options, "short")
    assert "ends later" in err and "--replace" in err
    assert out.startswith("ip 198.51.100.77 is blocked until " + until[:10])
    assert int(cli("pttl", key)) > 9 * 3600_000 and why() == "long"
    assert cli("zscore", "{trawlwatch}:blocks", "ip:198.51.100.77") == score
    # A longer one takes its place, and a shorter one by wish.
    out, err = ctl("blocks", "add", "198.51.100.77", "--for", "20h", *options, "longer")
    assert err == "" and why() == "longer" and int(cli("pttl", key)) > 19 * 3600_000
    out, err = ctl("blocks", "add", "198.51.100.77", "--for", "1h", "--replace", *options, "short")
    assert err == "" and why() == "short" and 0 < int(cli("pttl", key)) <= 3600_000
    assert float(cli("zscore", "{trawlwatch}:blocks", "ip:198.51.100.77")) < float(score)


def test_who_is_held_is_listed(redis, files):
    setting, cli = redis
    options = ["-o", setting, "-c", files / "trawlwatch.yaml"]
    ctl("blocks", "add", "198.51.100.1", "--for", "1h", "--why", "by hand", *options)
    ctl("blocks", "remove", "198.51.100.2", "--hold", "2h", "--why", "our own\tmonitor", *options)
    ctl("blocks", "remove", "198.51.100.3", "--hold", "0s", *options, status=1)
    ctl("blocks", "remove", "198.51.100.4", "--hold", "1s", *options)
    deadline = time.time() + 10
    while cli("exists", "{trawlwatch}:hold:ip:198.51.100.4") != "0":
        assert time.time() < deadline
        time.sleep(0.05)
    _, blocked, held = ctl("blocks", *options)[0].splitlines()
    assert blocked.split()[:2] == ["ip", "198.51.100.1"]
    words = held.split()
    assert words[:2] == ["ip", "198.51.100.2"] and words[2] == "1h" and "held" in words
    assert "monitor" in held
    rows = [json.loads(line) for line in ctl("blocks", "--json", *options)[0].splitlines()]
    assert [row.get("state") for row in rows] == [None, "held"]
    assert rows[1]["value"] == "198.51.100.2" and rows[1]["why"] == "our own\tmonitor"
    assert rows[1]["until"] > rows[1]["since"]
    # A block by hand ends the hold; and what is over leaves with the next change.
    ctl("blocks", "add", "198.51.100.2", "--for", "1h", "--why", "x", *options)
    assert "held" not in ctl("blocks", *options)[0]
    ctl("blocks", "remove", "198.51.100.1", "--hold", "0s", *options)
    assert cli("zrange", "{trawlwatch}:holds", 0, -1) == ""


def test_who_is_let_in_and_is_in_a_blocked_network_is_told(redis, files):
    setting, _ = redis
    options = ["-o", setting, "-c", files / "trawlwatch.yaml"]
    for subject in "2600:db8:1:2::/64", "198.51.100.9", "prefix:198.51.100.8/30":
        ctl("blocks", "add", subject, "--for", "1h", "--why", "x", *options)
    _, err = ctl("blocks", "remove", "2600:db8:1:2::99", *options)
    assert "prefix 2600:db8:1:2::/64 is still blocked" in err
    _, err = ctl("blocks", "remove", "198.51.100.9", *options)
    assert "prefix 198.51.100.8/30 is still blocked" in err and err.count("\n") == 1
    for subject in "2600:db8:1:3::99", "198.51.100.8/30", "198.51.100.10":
        assert ctl("blocks", "remove", subject, *options)[1] == ""


ALERTS = """
for i = 1, ARGV[1] do
  redis.call('XADD', KEYS[1], '*', 'id', ARGV[2], 'action', 'updated', 'n', i, 'json', ARGV[3])
end
"""
BLOCK = """
redis.call('SET', KEYS[1], ARGV[2], 'PX', 3600000)
redis.call('ZADD', KEYS[2], 4102444800000, ARGV[1])
"""


def test_states_of_blocks_are_found_without_reading_the_whole_stream(redis, files):
    setting, cli = redis
    options = ["-o", setting, "-c", files / "trawlwatch.yaml"]
    quiet, told = "0" * 25 + "1", "0" * 25 + "2"

    def alerts(count, incident, state=None):
        enforcement = {"enforcement": {"state": state}} if state else {}
        cli("eval", ALERTS, 1, "{trawlwatch}:alerts", count, incident,
            json.dumps({"event": {"id": incident}, "trawlwatch": enforcement}))

    def block(value, incident, since):
        cli("eval", BLOCK, 2, f"{{trawlwatch}}:block:ip:{value}", "{trawlwatch}:blocks",
            f"ip:{value}", json.dumps({"rule": "r", "id": incident, "since": since, "level": 1}))

    def pages():
        """Calls that read the stream, and what the list says of each block's state."""
        cli("config", "resetstat")
        rows = [json.loads(line) for line in ctl("blocks", "--json", *options)[0].splitlines()]
        found = re.findall(r"cmdstat_x\w+:calls=(\d+)", cli("info", "commandstats"))
        return sum(map(int, found)), {row["value"]: row.get("state") for row in rows}

    def ago(seconds):
        return time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(time.time() - seconds))

    # Old alerts: 1970, before every block that runs.
    cli("eval", ALERTS.replace("'*'", "i .. '-0'"), 1, "{trawlwatch}:alerts", 5000, "9" * 26, "{}")
    assert cli("xlen", "{trawlwatch}:alerts") == "5000"
    assert pages() == (0, {})
    block("192.0.2.1", quiet, ago(5))
    assert pages() == (1, {"192.0.2.1": None})
    # The newest state counts, and when all have one, the older alerts are left alone.
    alerts(2000, told, "silent")
    alerts(1, told, "refused")
    cli("del", "{trawlwatch}:block:ip:192.0.2.1")
    block("192.0.2.2", told, ago(5))
    assert pages() == (1, {"192.0.2.2": "refused"})
    # One without is looked for as far as to where it began.
    block("192.0.2.1", quiet, ago(5))
    assert pages() == (5, {"192.0.2.1": None, "192.0.2.2": "refused"})
    alerts(1, quiet, "ignored")
    assert pages() == (1, {"192.0.2.1": "ignored", "192.0.2.2": "refused"})
    # A begin that nobody can read: the whole stream, then.
    block("192.0.2.3", "3" * 26, "?")
    assert pages() == (15, {"192.0.2.1": "ignored", "192.0.2.2": "refused", "192.0.2.3": None})


def test_proxies_and_private_addresses_are_not_blocked(redis, files):
    site = files / "site.yaml"
    site.write_text("client: { trusted_proxies: [198.51.100.0/28], header: X-Forwarded-For }\n"
                    + site.read_text())
    options = ["-o", redis[0], "-c", files / "trawlwatch.yaml", "--for", "1h", "--why", "x"]
    assert "trusted proxy" in ctl("blocks", "add", "198.51.100.3", *options, status=1)[1]
    assert "private" in ctl("blocks", "add", "10.1.2.3", *options, status=1)[1]
    # Networks that begin outside of them and cover some.
    assert "covers a trusted proxy" in ctl("blocks", "add", "198.51.96.0/20", *options, status=1)[1]
    assert "covers a private" in ctl("blocks", "add", "8.0.0.0/5", *options, status=1)[1]
    assert redis[1]("zcard", "{trawlwatch}:blocks") == "0"


def test_a_raw_session_does_not_reach_redis(redis, files):
    key = files / "key"
    key.write_text("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n")
    options = ["-o", redis[0], "-c", files / "trawlwatch.yaml", "-o",
               f"privacy.key_file={key}", "--for", "1h", "--why", "x"]
    for subject in ("session:secret", "account:jane", "session:" + "A" * 32, "session:0a1b2"):
        _, err = ctl("blocks", "add", subject, *options, status=2)
        assert "by its pseudonym" in err and subject.split(":")[1] not in err
    assert redis[1]("zcard", "{trawlwatch}:blocks") == "0"
    # The command that it names gives what is taken.
    _, err = ctl("blocks", "add", "session:secret", *options, status=2)
    command = err.split("with  ")[1].split("  (")[0].replace("VALUE", "secret")
    command = command.replace("trawlctl", TRAWLCTL) + f" -o privacy.key_file={key}"
    name = subprocess.run(["bash", "-c", command], capture_output=True, text=True,
                          check=True).stdout.split()[0]
    assert name == pseudonym(bytes(range(32)).hex(), "session", b"secret")
    ctl("blocks", "add", f"session:{name}", *options)
    ctl("blocks", "add", "session:secret", *options, "-o", "privacy.clear=session")
    assert redis[1]("zcard", "{trawlwatch}:blocks") == "2"


# key

def pseudonym(key, kind, value):
    return hmac.new(bytes.fromhex(key), kind.encode() + b"\0" + value, "sha256").hexdigest()[:32]


def names(option, kind, value):
    done = subprocess.run([TRAWLCTL, "key", "name", kind, "-o", option], input=value,
                          capture_output=True, check=True)
    return [line.split("  ") for line in done.stdout.decode().splitlines()]


def test_a_key_is_changed_and_retired(tmp_path):
    path = tmp_path / "key"
    path.write_text("00" * 32 + "\n")
    path.chmod(0o640)
    option = f"privacy.key_file={path}"

    def keys():
        return [json.loads(line) for line in ctl("key", "--json", "-o", option)[0].splitlines()]

    assert [key["use"] for key in keys()] == ["in use"]
    out, _ = ctl("key", "change", "--in", "7d", "-o", option)
    assert str(path) in out
    assert [key["use"] for key in keys()] == ["in use", "next"]
    assert path.stat().st_mode & 0o777 == 0o640
    assert "on its way" in ctl("key", "change", "-o", option, status=1)[1]
    assert "no key before" in ctl("key", "retire", "-o", option, status=1)[1]
    # The time has come.
    first, second = path.read_text().splitlines()
    path.write_text(first + "\n" + second.split(" ")[0] + " from 2020-01-01T00:00:00Z\n")
    assert [key["use"] for key in keys()] == ["was", "in use"]
    assert names(option, "session", b"abc") == [
        [pseudonym(first, "session", b"abc"), "was"],
        [pseudonym(second.split(" ")[0], "session", b"abc"), "in use"]]
    ctl("key", "retire", "-o", option)
    assert path.read_text() == second.split(" ")[0] + "\n"
    out, _ = ctl("key", "-o", option)
    assert second[:16] not in out and "in use" in out
    assert [path] == list(tmp_path.iterdir())


def test_a_key_file_that_is_wrong_is_one_line(tmp_path):
    _, err = ctl("key", "-o", f"privacy.key_file={tmp_path}/none", status=1)
    assert "openssl rand -hex 32" in err and err.count("\n") == 1


def test_alerts_come_from_redis_when_it_is_named(redis, journal):
    setting, cli = redis
    line = ctl("alerts", "--json", "--journal", journal)[0].splitlines()[0]
    event = json.loads(line)
    cli("xadd", "{trawlwatch}:alerts", "*", "id", event["event"]["id"], "action", "raised",
        "n", 0, "sensor", "s", "seq", 1, "rule", "profile-harvest", "severity", "high",
        "subject_type", "client.host", "subject", "203.0.113.9",
        "time", event["@timestamp"], "json", line)
    out, _ = ctl("alerts", "-o", setting)
    assert "FIRSTONE" in out and "1 incident, 1 open" in out
    assert ctl("alerts", "--json", "-o", setting)[0].splitlines() == [line]


# check

def test_follow_goes_on_when_redis_is_back(redis, tmp_path):
    setting, cli = redis
    add = ["xadd", "{trawlwatch}:alerts", "*", "id", "x" * 26, "action", "raised", "n", 0,
           "time", time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime()), "json"]
    process = subprocess.Popen([TRAWLCTL, "alerts", "--follow", "--json", "--since", "1h",
                                "-o", setting], stdout=subprocess.PIPE,
                               stderr=(tmp_path / "err").open("wb"))

    def comes(text):
        assert select.select([process.stdout], [], [], 20)[0]
        return process.stdout.readline().decode().strip() == text
    try:
        cli(*add, "1")
        assert comes("1")
        cli("client", "kill", "type", "normal", "skipme", "yes")
        cli(*add, "2")
        assert comes("2")
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
    gone, back = (tmp_path / "err").read_text().splitlines()
    assert "tried again every second" in gone and "answers again" in back


def test_check_reads_everything(files):
    out, err = ctl("check", "-c", files / "trawlwatch.yaml")
    assert err == ""
    assert f"site map: {files}/site.yaml\n" in out
    assert f"rules: 1 from {files}/rules.yaml\n" in out


def test_check_tells_files_apart(files):
    out, _ = ctl("check", files / "rules.yaml", files / "trawlwatch.yaml", files / "site.yaml")
    assert f"configuration: {files}/trawlwatch.yaml" in out and "rules: 1 from" in out


def test_shipped_rules_and_site_are_right():
    out, _ = ctl("check", "-o", f"rules.paths={RULES}", "-o", f"site.file={SITE}")
    assert "rules: 0" not in out


def test_check_reports_all_mistakes_of_all_files(files):
    (files / "trawlwatch.yaml").write_text("limit: {}\nlog: { level: lowd }\n")
    rules = files / "rules.yaml"
    rules.write_text(rules.read_text().replace("page ==", "pgae =="))
    _, err = ctl("check", files / "rules.yaml", files / "trawlwatch.yaml", files / "site.yaml",
                 status=3)
    assert f"{files}/trawlwatch.yaml:1:1: unknown key 'limit'" in err
    assert "did you mean 'limits'?" in err
    assert f"{files}/trawlwatch.yaml:2:15: log.level cannot be 'lowd'" in err
    assert f"{files}/rules.yaml:4:12: " in err


@pytest.mark.parametrize("text, says", [
    ("cases: []\nrules: [a.yaml]\n", "a test of rules"),
    ("hello: world\n", "neither a configuration"),
    ("- 1\n", "neither a configuration"),
    ("a: [\n", ":2:"),
])
def test_check_says_what_is_none_of_the_three(tmp_path, text, says):
    path = tmp_path / "x.yaml"
    path.write_text(text)
    _, err = ctl("check", path, status=3)
    assert says in err and str(path) in err


@pytest.mark.parametrize("setting, says", [
    ("capture.filter=tcp prot", "-o:1:16: capture filter 'tcp prot'"),
    ("privacy.key_file=/nowhere/key", "-o:1:18: privacy key /nowhere/key: No such file"),
])
def test_check_refuses_what_the_daemon_would_not_start_with(files, setting, says):
    _, err = ctl("check", "-c", files / "trawlwatch.yaml", "-o", setting, status=3)
    assert err.startswith(says) and len(err.splitlines()) == 1


def test_check_reads_the_key(files):
    key = files / "key"
    key.write_text("ab\n")
    check = ("check", "-c", files / "trawlwatch.yaml", "-o", f"privacy.key_file={key}")
    assert "shorter than 64 hex digits" in ctl(*check, status=3)[1]
    key.write_text("ab" * 32 + "\n")
    assert ctl(*check)[1] == ""


@pytest.mark.parametrize("only_on", ["ether host 02:00:00:00:00:01", "inbound", "ifindex 2"])
def test_a_filter_for_one_kind_of_link_is_right(files, only_on):
    ctl("check", "-c", files / "trawlwatch.yaml", "-o", f"capture.filter={only_on}")


def test_an_unknown_key_points_to_the_list(files):
    _, err = ctl("check", "-c", files / "trawlwatch.yaml", "-o", "nokey=3", status=3)
    assert err == "-o:1:1: unknown key 'nokey'; trawlwatchd -h lists them\n"


def test_a_folder_of_site_maps_is_no_folder_of_rules(files):
    _, err = ctl("check", "-c", files / "trawlwatch.yaml", RULES / "sites", status=3)
    lines = err.splitlines()
    assert len(lines) == len(list((RULES / "sites").glob("*.yaml")))
    assert all("this is a site map, not rules: name it with -s" in line for line in lines)


def test_an_exemption_that_is_over_is_told(files):
    rules = files / "rules.yaml"
    rules.write_text(rules.read_text() + "exempt:\n  - when: status == 200\n"
                     "    until: 2020-02-29\n  - { when: status == 201, until: 2200-01-01 }\n")
    _, err = ctl("check", "-c", files / "trawlwatch.yaml")
    assert err == (f"{rules}:9:12: warning: this exemption is over: after that day it exempts "
                   "nothing\n")


def test_check_prints_what_it_understood(files):
    good = ("-c", files / "trawlwatch.yaml")
    both, _ = ctl("check", "--print", *good)
    site, _ = ctl("check", "--print-site", *good)
    rules, _ = ctl("check", "--print-rules", *good)
    first, second = both[4:].split("\n--- ")
    assert first.startswith(f"# site map: {files}/site.yaml\n") and first.endswith(site[:-1])
    assert second == f"# rules: {files}/rules.yaml\n" + rules
    assert "    when: 'distinct(target, 10m) >= 20'\n" in rules
    (files / "site.yaml").write_text(site)
    (files / "rules.yaml").write_text(rules)
    assert ctl("check", "--print-site", *good)[0] == site
    assert ctl("check", "--print-rules", *good)[0] == rules


def test_check_of_a_missing_file(tmp_path):
    _, err = ctl("check", tmp_path / "none.yaml", status=3)
    assert "none.yaml" in err and "No such file" in err


def test_a_wrong_setting_is_three(journal):
    _, err = ctl("alerts", "--journal", journal, "-o", "redis.ulr=x", status=3)
    assert err == "-o:1:1: unknown key 'redis.ulr' (did you mean 'redis.url'?)\n"
