# SPDX-License-Identifier: MIT
"""trawlwatchd -r: files and pipes in, lines, alerts and an exit status out. Needs no root."""
import ipaddress
import json
import os
import resource
import select
import shutil
import signal
import struct
import subprocess
import time

import pytest

from rig import ROOT, program

CAPTURE = os.path.join(ROOT, "tests/captures/first-light.pcap")
SITE = os.path.join(ROOT, "rules/sites/profile-network.yaml")
RECORD = struct.Struct("<IIII")


def command(*options):
    return [program("trawlwatchd"), "-s", SITE, "-R", os.path.join(ROOT, "rules"), *options]


def environment(tmp_path):
    """Own journals are made below tmp_path/own, where a test can count them."""
    own = tmp_path / "own"
    own.mkdir(exist_ok=True)
    return {**os.environ, "TMPDIR": str(own), "XDG_STATE_HOME": str(tmp_path / "state")}


def own_journals(tmp_path):
    return os.listdir(tmp_path / "own")


def run(tmp_path, *options, **more):
    more = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **more}
    return subprocess.run(command(*options), stderr=subprocess.PIPE, timeout=60, text=True,
                          env=environment(tmp_path), **more)


def start(tmp_path, *options, **more):
    more = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, **more}
    return subprocess.Popen(command(*options), stderr=subprocess.PIPE, bufsize=0,
                            env=environment(tmp_path), **more)


def counters(text):
    return json.loads(text.splitlines()[-1])


def packets():
    """File header, and every packet with its header, of the shipped capture."""
    with open(CAPTURE, "rb") as file:
        data = file.read()
    found, at = [], 24
    while at < len(data):
        end = at + RECORD.size + RECORD.unpack_from(data, at)[2]
        found.append(data[at:end])
        at = end
    return data[:24], found


def wait_for_line(stream, seconds=10):
    ready, _, _ = select.select([stream], [], [], seconds)
    return stream.readline() if ready else b""


class Redis:
    def __init__(self, folder):
        self.path = str(folder / "redis.sock")
        self.url = "unix:" + self.path
        self.child = None

    def __enter__(self):
        self.child = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.path, "--save", ""],
            stdout=subprocess.DEVNULL, cwd=os.path.dirname(self.path))
        end = time.monotonic() + 20
        while self.ask("ping") != "PONG":
            assert time.monotonic() < end, "redis-server does not answer"
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()

    def ask(self, *words):
        return subprocess.run(["redis-cli", "-s", self.path, *words], capture_output=True,
                              text=True, check=False).stdout.strip()


@pytest.fixture
def redis(tmp_path):
    if not shutil.which("redis-server"):
        pytest.fail("redis-server is missing: apt-get install redis-server")
    with Redis(tmp_path) as server:
        yield server


# Where the alerts go

def test_the_redis_and_journal_of_a_configuration_file_are_the_daemons(tmp_path, redis):
    (tmp_path / "trawlwatch.yaml").write_text(
        f"redis: {{ url: '{redis.url}' }}\njournal: {{ dir: {tmp_path}/daemons }}\n")
    done = run(tmp_path, "-c", str(tmp_path / "trawlwatch.yaml"), "-r", CAPTURE)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 10
    assert not (tmp_path / "daemons").exists()
    assert redis.ask("dbsize") == "0"
    # Asked for on the command line both are used.
    done = run(tmp_path, "-c", str(tmp_path / "trawlwatch.yaml"), "-r", CAPTURE, "-o",
               f"redis.url={redis.url}", "-o", f"journal.dir={tmp_path}/named")
    assert done.returncode == 0, done.stderr
    assert os.listdir(tmp_path / "named")
    assert redis.ask("xlen", "{trawlwatch}:alerts") == str(len(done.stdout.splitlines()))
    assert own_journals(tmp_path) == []


def test_alerts_that_redis_did_not_take_are_kept(tmp_path):
    missing = Redis(tmp_path)
    done = run(tmp_path, "-r", CAPTURE, "-o", "redis.url=" + missing.url)
    assert done.returncode == 1
    count = len(done.stdout.splitlines())
    (name,) = own_journals(tmp_path)
    path = str(tmp_path / "own" / name)
    last = done.stderr.splitlines()[-1]
    assert f"{count} alerts did not reach Redis" in last and path in last
    # What the line says to do is possible.
    with missing as late:
        done = run(tmp_path, "-r", CAPTURE, "-o", "redis.url=" + late.url,
                   "-o", "journal.dir=" + path)
        assert done.returncode == 0, done.stderr
        assert late.ask("xlen", "{trawlwatch}:alerts") == str(count)


def limit_files(size):
    """A limit on the size of files stands in for a full disk: writes past it fail."""
    def at_start():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return at_start


def test_alerts_that_no_disk_took_are_a_failure(tmp_path):
    journal = tmp_path / "named"
    done = run(tmp_path, "-r", CAPTURE, "--stats", "-o", f"journal.dir={journal}",
               preexec_fn=limit_files(30000))
    count = len(done.stdout.splitlines())
    lost = counters(done.stderr)["alerts_lost_total"]
    assert 0 < lost < count
    assert counters(done.stderr)["alerts_journalled_total"] == count - lost
    assert done.returncode == 1
    assert done.stderr.count(f"{lost} alerts could not be written to the journal") == 1
    assert len(done.stderr.splitlines()) == 3, "first refusal, sum, counters"


def test_a_journal_that_is_thrown_away_loses_nothing(tmp_path):
    wanted = run(tmp_path, "-r", CAPTURE).stdout
    done = run(tmp_path, "-r", CAPTURE, preexec_fn=limit_files(30000))
    assert (done.returncode, done.stdout) == (0, wanted)
    assert "are lost" not in done.stderr and own_journals(tmp_path) == []


# Pipes and signals

def test_what_came_through_a_pipe_is_told_at_once(tmp_path, redis):
    child = start(tmp_path, "-r", "-", "--print", "requests", "-o", "redis.url=" + redis.url)
    header, all_packets = packets()
    child.stdin.write(header)
    sent = 0
    while not select.select([child.stdout], [], [], 0.05)[0]:
        child.stdin.write(b"".join(all_packets[sent:sent + 5]))
        sent += 5
        assert sent < 200, "no request was printed"
    assert json.loads(child.stdout.readline())["http"]
    # Now until a rule is broken; then nothing comes any more, and the pipe stays open.
    requests = subprocess.Popen(["cat"], stdin=child.stdout, stdout=subprocess.DEVNULL)
    child.stdin.write(b"".join(all_packets[sent:]))
    end = time.monotonic() + 10
    while redis.ask("xlen", "{trawlwatch}:alerts") == "0":
        assert time.monotonic() < end, "no alert in Redis while the pipe is quiet"
        time.sleep(0.05)
    child.stdin.close()
    assert child.wait(20) == 0
    requests.wait(20)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("named", [False, True])
def test_a_stop_is_in_order(tmp_path, how, named):
    path = str(tmp_path / "fifo") if named else "-"
    if named:
        os.mkfifo(path)
    child = start(tmp_path, "-r", path, "-r", CAPTURE, "--stats")
    header, all_packets = packets()
    pipe = open(path, "wb") if named else child.stdin
    whole = header + b"".join(all_packets[:len(all_packets) * 3 // 4])
    pipe.write(whole + all_packets[-1][:20])  # it stops in the middle of a packet
    pipe.flush()
    time.sleep(1)
    assert own_journals(tmp_path) != []
    child.send_signal(how)
    out, err = child.communicate(timeout=20)
    assert child.returncode == 0, err
    actions = [json.loads(line)["event"]["action"] for line in out.splitlines()]
    assert actions.count("raised") == actions.count("ended") > 0
    assert counters(err.decode())["packets_total"] == len(all_packets) * 3 // 4
    assert len(err.splitlines()) == 1, err
    assert own_journals(tmp_path) == []


def test_a_stop_while_a_file_is_read(tmp_path):
    header, all_packets = packets()
    path = tmp_path / "long.pcap"
    with open(path, "wb") as file:
        file.write(header)
        for _ in range(100):
            file.write(b"".join(all_packets))
    child = start(tmp_path, "-r", str(path), "--stats", "--print", "requests")
    assert wait_for_line(child.stdout)  # and as nobody reads on, it cannot come to the end
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=20)
    assert child.returncode == 0, err
    assert 0 < counters(err.decode())["packets_total"] < 100 * len(all_packets)
    assert own_journals(tmp_path) == []


def test_a_fifo_without_a_writer_can_be_stopped(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    child = start(tmp_path, "-r", str(tmp_path / "fifo"))
    time.sleep(0.5)
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=20)
    assert (child.returncode, err) == (0, b"")


def test_a_stop_while_the_reader_stands_still(tmp_path):
    out_read, out_write = os.pipe()
    child = start(tmp_path, "-r", CAPTURE, "--print", "requests", "--stats", stdout=out_write)
    os.close(out_write)
    time.sleep(1)
    assert child.poll() is None, "the pipe took everything: this proves nothing"
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=20)
    os.close(out_read)
    assert child.returncode == 0, err
    assert counters(err.decode())["lines_dropped_total"] > 0
    assert b"stands still" in err


# Standard output

def test_a_slow_reader_gets_everything(tmp_path):
    wanted = run(tmp_path, "-r", CAPTURE, "--print", "requests").stdout
    child = start(tmp_path, "-r", CAPTURE, "--print", "requests")
    child.stdin.close()
    time.sleep(0.5)
    got = b""
    while part := child.stdout.read(5000):
        got += part
        time.sleep(0.005)
    assert child.wait(20) == 0
    assert got.decode() == wanted


def test_a_full_disk_is_a_failure(tmp_path):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = run(tmp_path, "-r", CAPTURE, stdout=full)
    assert done.returncode == 1
    assert done.stderr.count("standard output: No space left on device") == 1


def test_a_reader_that_has_enough_is_no_failure(tmp_path):
    child = start(tmp_path, "-r", CAPTURE, "--print", "requests")
    child.stdin.close()
    assert child.stdout.readline()
    child.stdout.close()
    err = child.stderr.read()
    assert (child.wait(20), err) == (0, b"")


# When nothing was found

def test_a_capture_cut_short_says_so(tmp_path):
    header, all_packets = packets()
    with open(tmp_path / "cut.pcap", "wb") as file:
        file.write(header[:16] + struct.pack("<I", 96) + header[20:])
        for packet in all_packets:
            seconds, fraction, length, wire = RECORD.unpack_from(packet)
            file.write(RECORD.pack(seconds, fraction, min(length, 96), wire))
            file.write(packet[RECORD.size:RECORD.size + 96])
    done = run(tmp_path, "-r", str(tmp_path / "cut.pcap"), "--stats")
    assert done.returncode == 0
    seen = counters(done.stderr)
    assert seen["requests_total"] == 0
    cut = seen["segments_truncated_total"]
    assert f": {cut} segments were cut by the snapshot length" in done.stderr


def test_encrypted_traffic_says_so(tmp_path):
    header, all_packets = packets()
    with open(tmp_path / "tls.pcap", "wb") as file:
        file.write(header)
        for packet in all_packets:
            for word in b"GET ", b"POST", b"HEAD", b"HTTP":
                packet = packet.replace(word, b"\x16\x03\x01\x02")
            file.write(packet)
    done = run(tmp_path, "-r", str(tmp_path / "tls.pcap"))
    assert done.returncode == 0
    assert "connections do not speak HTTP/1 in the clear" in done.stderr


def test_no_packet_at_all_is_one_line(tmp_path):
    header, _ = packets()
    (tmp_path / "empty.pcap").write_bytes(header)
    done = run(tmp_path, "-r", str(tmp_path / "empty.pcap"))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == ("trawlwatch: warning: no packet was read: is this the right file or "
                           "interface?\n")
    done = run(tmp_path, "-r", CAPTURE, "-f", "udp")
    assert done.returncode == 0
    assert "does the filter 'udp' fit" in done.stderr and len(done.stderr.splitlines()) == 1
    # An error is reason enough.
    done = run(tmp_path, "-r", str(tmp_path / "none.pcap"))
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1


def test_a_capture_with_requests_says_nothing(tmp_path):
    assert run(tmp_path, "-r", CAPTURE).stderr == ""


# Tunnels

def in_vxlan(path, source):
    """The shipped capture as a mirror at `source` sends it; lengths are left to the frames."""
    head, records = packets()
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 0, 0, 0x4000, 64, 17, 0,
                     ipaddress.ip_address(source).packed, bytes([192, 0, 2, 20]))
    outer = bytes(12) + b"\x08\x00" + ip + struct.pack(">HHHH", 49152, 4789, 0, 0) + \
        b"\x08" + bytes(7)
    with open(path, "wb") as file:
        file.write(head)
        for record in records:
            seconds, micros, have, length = RECORD.unpack_from(record)
            file.write(RECORD.pack(seconds, micros, have + len(outer), length + len(outer)))
            file.write(outer + record[RECORD.size:])


def test_only_the_tunnels_of_the_mirror_are_unwrapped(tmp_path):
    plain = run(tmp_path, "-r", CAPTURE, "--print", "requests").stdout
    wrapped = str(tmp_path / "wrapped.pcap")
    in_vxlan(wrapped, "198.51.100.7")
    assert plain and run(tmp_path, "-r", wrapped, "--print", "requests").stdout == plain
    for sources, expected in (("10.0.0.0/8,198.51.100.7", plain), ("192.0.2.10", "")):
        done = run(tmp_path, "-r", wrapped, "--print", "requests", "--stats",
                   "-o", f"capture.tunnel_sources={sources}")
        assert done.stdout == expected
        assert counters(done.stderr)["frames_tunnel_refused_total"] == \
            (0 if expected else len(packets()[1]))
    assert "capture.tunnel_sources" in done.stderr.splitlines()[0]


def test_any_and_none_stand_alone_among_tunnel_sources(tmp_path):
    for sources, word in (("any,10.0.0.0/8", "any"), ("10.0.0.0/8,none", "none")):
        done = run(tmp_path, "-t", "-o", f"capture.tunnel_sources={sources}")
        assert done.returncode == 3
        assert f"'{word}' stands alone, without networks beside it" in done.stderr


# Root's state is in /var/lib: it gets a folder of its own there, which nobody else sees.
OWN_STATE = ["unshare", "--mount", "sh", "-c",
             'mount --bind "$XDG_STATE_HOME" /var/lib && exec "$@"', "sh"]


def in_own_state(tmp_path, *options):
    (tmp_path / "state").mkdir(exist_ok=True)
    return [*(OWN_STATE if os.geteuid() == 0 else []), *command(*options)]


def key_of(tmp_path):
    return tmp_path / "state/trawlwatch/privacy.key"


@pytest.mark.parametrize("prefix, options, says", [
    ([], ["-i", "lo", "-o", "journal.dir=/proc/nowhere"], "/proc/nowhere"),
    ([], ["-i", "nosuch0"], "nosuch0"),
    (["setpriv", "--bounding-set", "-net_raw"], ["-i", "lo"], "lo: "),
])
def test_a_start_that_fails_leaves_no_key(tmp_path, prefix, options, says):
    if prefix and os.geteuid() != 0:
        prefix = []  # nothing to give up
    wrapped = in_own_state(tmp_path, *options)
    at = wrapped.index(program("trawlwatchd"))
    done = subprocess.run(wrapped[:at] + prefix + wrapped[at:], capture_output=True,
                          env=environment(tmp_path), timeout=60, text=True)
    assert done.returncode == (3 if "nosuch0" in says else 1) and says in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert not key_of(tmp_path).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="capturing needs root")
def test_a_start_that_goes_well_makes_a_key(tmp_path):
    child = subprocess.Popen(in_own_state(tmp_path, "-i", "lo", "-f", "port 9", "-o",
                                          "admin.listen=none"), bufsize=0,
                             stderr=subprocess.PIPE, env=environment(tmp_path))
    assert b"made a privacy key" in wait_for_line(child.stderr)
    assert b"capturing on lo" in wait_for_line(child.stderr)
    child.terminate()
    child.communicate(timeout=30)
    assert child.returncode == 0
    assert key_of(tmp_path).stat().st_mode & 0o777 == 0o600


# Usage

@pytest.mark.parametrize("options, says", [
    (["-Z"], "no such option: -Z;"),
    (["-tZ"], "no such option: -Z;"),
    (["--bogus"], "no such option: --bogus;"),
    (["--stats=3"], "no such option: --stats=3;"),
    (["-r"], "a value is missing after -r;"),
    (["--print"], "a value is missing after --print;"),
    (["-i", ""], "-i takes the name of an interface"),
])
def test_wrong_usage_names_the_option(tmp_path, options, says):
    done = run(tmp_path, *options)
    assert done.returncode == 2
    assert says in done.stderr and len(done.stderr.splitlines()) == 1


def test_an_interface_named_twice_is_refused(tmp_path):
    done = run(tmp_path, "-i", "lo", "-i", "lo")
    assert done.returncode == 2
    assert "named twice: -i lo" in done.stderr
    done = run(tmp_path, "-o", "capture.interfaces=lo,lo", "-i", "nosuch0")
    assert done.returncode == 3 and "lo is named twice" in done.stderr
