# SPDX-License-Identifier: MIT
"""One run: trawl-lab writes days of a site into trawlwatchd, and the alerts are scored.

    trawl-lab -p DAY.yaml ... --truth F --site-map M --capture -
        | trawlwatchd -r - -s M -R RULES --print alerts --stats

Nothing but the truth and the alerts reaches the disk, whatever the number of visitors.
"""
import collections
import hashlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time

from . import names
from . import score as scoring
from . import strata

# set: tuning or held-out; variant: what was taken out of the rules, or None.
Plan = collections.namedtuple(
    "Plan", "set day seed days warm_up scale rules variant lab_options daemon_options")

# What the one who runs the site has told the daemon of it.
SITE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "site")
SAMPLE = 3000  # people whose heads tell which strata there are
# Sessions and accounts leave as they are, so that they are found in the truth; and the
# journal, which nobody will read, is not forced to disk.
DAEMON_OPTIONS = ("-o", "privacy.clear=session,account,email", "-o", "journal.fsync=off",
                  "-o", "log.level=warning",
                  "-o", "data.crawlers=" + os.path.join(SITE, "crawlers"))


children = set()  # that run now


class Failed(Exception):
    """One of the two programs did not do it."""


def name_of(plan):
    """For files and messages."""
    stem = os.path.splitext(os.path.basename(plan.day))[0]
    return "-".join([stem, str(plan.seed)] + ["without", plan.variant] * bool(plan.variant))


def digest(plan, bin_folder):
    """Two runs of one digest give the same figures."""
    whole = hashlib.sha256(json.dumps(plan._replace(day="", rules="")).encode())
    folder_files = [os.path.join(folder, one) for top in (plan.rules, SITE)
                    for folder, _, some in os.walk(top) for one in some]
    programs = [os.path.join(bin_folder, one) for one in ("trawl-lab", "trawlwatchd")]
    for path in [plan.day, *sorted(folder_files), *programs]:
        with open(path, "rb") as file:
            whole.update(hashlib.sha256(file.read()).digest())
    return whole.hexdigest()


def people_of(day, bin_folder):
    """Different people a day, as the file of parameters says it."""
    done = subprocess.run([os.path.join(bin_folder, "trawl-lab"), "-p", day,
                           "--print-parameters"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{day}: {done.stderr}")
    count = re.search(r"(?m)^people:(?:\n +.*)*?\n +count: ([0-9.]+)([kM]?)", done.stdout)
    return float(count[1]) * {"": 1, "k": 1e3, "M": 1e6}[count[2]]


def lab_command(plan, bin_folder, folder):
    return [os.path.join(bin_folder, "trawl-lab"), "-p", plan.day, "--seed", str(plan.seed),
            "-o", f"days={plan.days}",
            "-o", f"people.count={round(plan.scale * people_of(plan.day, bin_folder))}",
            *plan.lab_options, "--truth", os.path.join(folder, "truth.jsonl"),
            "--site-map", os.path.join(folder, "site.yaml"), "--capture", "-"]


def daemon_command(plan, bin_folder, folder):
    return [os.path.join(bin_folder, "trawlwatchd"), "-r", "-",
            "-s", os.path.join(folder, "site.yaml"), "-R", plan.rules,
            "-R", os.path.join(SITE, "own.yaml"), "--print", "alerts", "--stats",
            *DAEMON_OPTIONS, *plan.daemon_options]


def sample(plan, bin_folder, folder):
    """The User-Agents of each stratum (strata.Strata), by a few of the same site's people."""
    site = os.path.join(folder, "sample.yaml")
    few = ("-o", "days=1", "-o", f"people.count={SAMPLE}", "-o", "traps=none",
           "-o", "attackers=none")
    lab = subprocess.Popen([os.path.join(bin_folder, "trawl-lab"), "-p", plan.day,
                            "--seed", str(plan.seed), *plan.lab_options, *few,
                            "--site-map", site, "--capture", "-"],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL)
    select.select([lab.stdout], [], [])
    daemon = subprocess.Popen([os.path.join(bin_folder, "trawlwatchd"), "-r", "-", "-s", site,
                               "-R", os.path.join(SITE, "strata.yaml"), "--print", "alerts",
                               *DAEMON_OPTIONS],
                              stdin=lab.stdout, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    lab.stdout.close()
    children.update((lab, daemon))
    agents = collections.defaultdict(lambda: collections.defaultdict(set))
    with daemon.stdout:
        for line in daemon.stdout:
            # http.shape|ua: the User-Agent comes last, and may have a | as well
            subject = json.loads(line)["trawlwatch"]["subject"]
            kind = subject["type"].removesuffix("|ua")
            *value, agent = subject["value"].split("|", kind.count("|") + 1)
            agents[kind]["|".join(value)].add(agent)
    ends = daemon.wait(), lab.wait()
    children.difference_update((lab, daemon))
    if any(ends):
        raise Failed(f"{name_of(plan)}: the sample's exit statuses are {ends}")
    return {kind: {value: sorted(some) for value, some in of.items()}
            for kind, of in agents.items()}


def ended(child, error_file):
    """What the child said, and what it used."""
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    error_file.seek(0)
    said = error_file.read().decode(errors="replace")
    return said, {"cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
                  "peak_mb": round(usage.ru_maxrss / 1024, 1)}


def pipe(plan, bin_folder, folder):
    """Both programs, side by side. Returns the daemon's counters, and what they took."""
    environment = {**os.environ, "TMPDIR": folder}
    with tempfile.TemporaryFile() as lab_error, tempfile.TemporaryFile() as error, \
            open(os.path.join(folder, "alerts.jsonl"), "wb") as alerts:
        lab = subprocess.Popen(lab_command(plan, bin_folder, folder), env=environment,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=lab_error)
        # The site map is whole before the capture begins.
        select.select([lab.stdout], [], [])
        daemon = subprocess.Popen(daemon_command(plan, bin_folder, folder), env=environment,
                                  stdin=lab.stdout, stdout=alerts, stderr=error)
        lab.stdout.close()
        children.update((lab, daemon))
        # The daemon first: a lab whose pipe breaks ends as well.
        said, daemon_took = ended(daemon, error)
        lab_said, lab_took = ended(lab, lab_error)
        children.difference_update((lab, daemon))
    # One that fails takes the other with it: both say why.
    if daemon.returncode or lab.returncode:
        raise Failed(f"{name_of(plan)}: trawl-lab's exit status {lab.returncode}, "
                     f"trawlwatchd's {daemon.returncode}\n{words(lab_said)}{words(said)}")
    return counters(said), {"trawl-lab": lab_took, "trawlwatchd": daemon_took}


def words(said):
    """Messages, without the counters."""
    return "".join(line for line in said.splitlines(True) if not line.startswith("{"))[-4000:]


def stop():
    """Ends what runs, for a failure elsewhere."""
    for child in list(children):
        if child.returncode is None:
            os.kill(child.pid, signal.SIGKILL)


def counters(said):
    """The last line of standard error that is an object."""
    for line in reversed(said.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    raise Failed(f"no counters on standard error:\n{said[-4000:]}")


def score_files(folder, **options):
    with open(os.path.join(folder, "truth.jsonl")) as truth, \
            open(os.path.join(folder, "alerts.jsonl")) as alerts:
        return scoring.score(truth, alerts, **options)


def doubts(result, counted):
    """What makes the figures doubtful: the daemon did not see what was sent."""
    wanted = result["summary"]["requests"]
    if counted.get("requests_total") != wanted:
        yield f"{wanted} requests were sent, the daemon saw {counted.get('requests_total')}"
    for name in ("gaps_total", "http_desyncs_total", "flows_evicted_total"):
        if counted.get(name):
            yield f"{name} is {counted[name]}"


def of_scoring(delay):
    """Changes with what the score depends on, beside the run."""
    whole = hashlib.sha256(str(delay).encode())
    for module in (scoring, names, strata):
        with open(module.__file__, "rb") as file:
            whole.update(file.read())
    return whole.hexdigest()


def kept(path, key):
    """What an earlier run of this digest left there, or None."""
    try:
        with open(path) as file:
            there = json.load(file)
    except (OSError, ValueError):
        return None
    return there if there["digest"] == key else None


def keep_in(path, what):
    with open(path, "w") as file:
        json.dump(what, file)


def ran(plan, bin_folder, folder):
    """Both programs have run: what they counted and took."""
    key, path = digest(plan, bin_folder), os.path.join(folder, "run.json")
    there = kept(path, key)
    if not there:
        began = time.monotonic()
        counted, took = pipe(plan, bin_folder, folder)
        there = {"digest": key, "counters": counted, "agents": sample(plan, bin_folder, folder),
                 "took": {**took, "seconds": round(time.monotonic() - began, 1)}}
        keep_in(path, there)
    return there


def scored(plan, there, folder, delay):
    key, path = there["digest"] + of_scoring(delay), os.path.join(folder, "score.json")
    result = kept(path, key)
    if not result:
        result = score_files(folder, delay=delay, agents=there["agents"])
        result.update(digest=key, set=plan.set, day=os.path.basename(plan.day),
                      seed=plan.seed, warm_up=plan.warm_up, variant=plan.variant,
                      took=there["took"], doubts=list(doubts(result, there["counters"])))
        keep_in(path, result)
    return result


def run(plan, bin_folder, keep=None, delay=scoring.DELAY):
    """
    The score of one run, with what it was. `keep`: a folder for its files; what is there
    already is taken where nothing has changed since that it depends on.
    """
    folder = tempfile.mkdtemp(prefix="trawl-lab-") if keep is None \
        else os.path.join(keep, plan.set, name_of(plan))
    os.makedirs(folder, exist_ok=True)
    try:
        return scored(plan, ran(plan, bin_folder, folder), folder, delay)
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
