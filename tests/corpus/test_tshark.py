# SPDX-License-Identifier: MIT
"""The tshark that is installed, and the daemon, on every capture: request by request.

test_corpus.py and test_hellos.py compare with what was written down beside the captures;
here tshark itself reads them, so statuses and server names are compared as well, and JA4
where this tshark knows it. A difference stands in KNOWN.md (`missing tshark`), in
KNOWN_HELLOS.md, or in KNOWN_TSHARK.md, with its reason; one that stands nowhere fails, and
so does one that stands in KNOWN_TSHARK.md and is no more. TRAWLWATCH_CORPUS_WRITE=FOLDER
writes those that belong there to FOLDER/KNOWN_TSHARK.md.
"""
import collections
import concurrent.futures
import json
import os

import pytest

import shark
import test_corpus
import test_hellos
from test_corpus import CORPUS, HERE, LONGEST, needs_corpus

KNOWN = os.path.join(HERE, "KNOWN_TSHARK.md")

pytestmark = needs_corpus

Read = collections.namedtuple("Read", "requests hellos")


@pytest.fixture(scope="module", name="theirs")
def read_with_tshark(captures):
    """What tshark sees in each capture, by its path."""
    try:
        with shark.Shark() as engine, concurrent.futures.ThreadPoolExecutor(
                os.cpu_count()) as pool:
            def read(capture):
                trees = engine.frames(os.path.join(CORPUS, capture.path),
                                      f"({shark.HEADS}) or {shark.HELLOS}")
                return capture.path, Read(shark.paired(shark.heads(trees)),
                                          set(shark.hellos(trees)))
            return dict(pool.map(read, captures))
    except shark.SharkError as error:
        pytest.fail(str(error), pytrace=False)


def shown(request, more=""):
    """As test_corpus.as_line() has it."""
    text = f"{request.method} {request.host or '-'} {request.target or '-'}{more}"
    return json.dumps(text[:LONGEST] + "..." if len(text) > LONGEST else text)


def request_differences(ours, theirs):
    """(kind, text) of each: statuses of those that both have, then what only one has."""
    both = collections.defaultdict(lambda: ([], []))
    for side, requests in enumerate((ours, theirs)):
        for one in requests:
            both[one._replace(status=None)][side].append(one.status)
    for one, pair in both.items():
        ours_left, theirs_left = map(collections.Counter, pair)
        ours_left, theirs_left = ours_left - theirs_left, theirs_left - ours_left
        for our, their in zip(sorted(ours_left.elements(), key=str),
                              sorted(theirs_left.elements(), key=str)):
            yield "status", shown(one) + f" {our or '-'} not {their or '-'}"
        more = len(pair[0]) - len(pair[1])
        yield from [("extra" if more > 0 else "missing", shown(one))] * abs(more)


def numbered(counted):
    return {line if count == 1 else f"{line} x{count}" for line, count in counted.items()}


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return [line.rstrip("\n")[2:] for line in file if line.startswith("- ")]


def check(found, elsewhere, known):
    """Lines of the other files are those of what was written down, which may be more."""
    assert not elsewhere & known, "it stands in another file already"
    rest = found - elsewhere
    assert not rest - known, "not in KNOWN_TSHARK.md:\n" + "\n".join(sorted(rest - known))
    assert not known - rest, "in KNOWN_TSHARK.md, but no more:\n" + "\n".join(
        sorted(known - rest))


def write(lines, mode):
    if "TRAWLWATCH_CORPUS_WRITE" in os.environ:
        with open(os.path.join(os.environ["TRAWLWATCH_CORPUS_WRITE"], "KNOWN_TSHARK.md"), mode,
                  encoding="utf-8") as file:
            file.writelines(f"- {line}\n" for line in sorted(lines))


def test_requests(captures, theirs):
    counted = collections.Counter(
        f"{one.path}: {kind} tshark {text}" for one in captures
        for kind, text in request_differences(one.requests, theirs[one.path].requests))
    found = numbered(counted)
    listed = {line for line in lines_of(test_corpus.KNOWN) if ": missing tshark " in line}
    more = {line for line in lines_of(KNOWN) if ' tshark "' in line}
    write(found - listed, "w")
    print(f"\n{sum(len(one.requests) for one in theirs.values())} requests by tshark, "
          f"{sum(one.status is not None for read in theirs.values() for one in read.requests)} "
          f"with their status; {sum(counted.values())} differences")
    check(found, listed, more)


def hello_text(path, kind, hello, has_ja4):
    """As KNOWN_HELLOS.md has it."""
    text = test_hellos.text_of(path, kind, hello)[2:]
    return text if has_ja4 else text.rsplit(" ", 1)[0]


def test_client_hellos(seen, theirs):
    has_ja4 = any(one.ja4 for read in theirs.values() for one in read.hellos)
    found = set()
    for path, hellos in seen.items():
        mine = {one if has_ja4 else one._replace(ja4=None) for one in hellos}
        other = theirs[path].hellos
        for kind, some in (("missing", other - mine), ("extra", mine - other)):
            found |= {hello_text(path, kind, one, has_ja4) for one in some}
    listed = {line if has_ja4 else line.rsplit(" ", 1)[0]
              for line in lines_of(test_hellos.KNOWN)}
    more = {line for line in lines_of(KNOWN) if ' tshark "' not in line}
    write(found - listed, "a")
    print(f"\n{sum(len(one.hellos) for one in theirs.values())} hellos by tshark, "
          f"{'with' if has_ja4 else 'without'} JA4; {len(found)} differences")
    check(found, listed, more)
