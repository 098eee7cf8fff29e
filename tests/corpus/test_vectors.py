# SPDX-License-Identifier: MIT
"""HPACK and frames against the public test cases of http2jp.

They lie beside the captures (see test_corpus.py): vectors/hpack-test-case and
vectors/http2-frame-test-case, each with its licence. Where they are not, this says so.
"""
import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = pathlib.Path(os.environ.get("TRAWLWATCH_CORPUS", ROOT / "../shared/corpus")) / "vectors"
DRIVER = os.environ.get("TRAWLWATCH_H2_DRIVER", ROOT / "build/tests/h2-driver")

# The payload of DATA is passed over unread, so its padding is not judged.
NOT_SEEN = {"data-frame-padding.json"}

needs = {name: pytest.mark.skipif(not (VECTORS / name).is_dir(), reason=f"no {VECTORS / name}")
         for name in ("hpack-test-case", "http2-frame-test-case")}


def ask(lines):
    """For each question the lines of its answer, the last one `ok` or `bad`."""
    done = subprocess.run([DRIVER], input="".join(f"{line}\n" for line in lines),
                          capture_output=True, text=True, check=True)
    answers, answer = [], []
    for line in done.stdout.splitlines():
        answer.append(line)
        if line in ("ok", "bad"):
            answers.append(answer)
            answer = []
    assert len(answers) == len(lines)
    return answers


def as_hex(fields):
    for field in fields:
        (name, value), = field.items()
        yield f"{name.encode().hex()} {value.encode().hex()}"


@needs["hpack-test-case"]
def test_header_blocks():
    blocks = 0
    for path in sorted((VECTORS / "hpack-test-case").glob("nghttp2*/story_*.json")):
        cases = json.loads(path.read_text(encoding="utf-8"))["cases"]
        questions = ["new"]
        for case in cases:
            if "header_table_size" in case:
                questions.append(f"allow {case['header_table_size']}")
            questions.append(f"block {case['wire']}")
        answers = [answer for question, answer in zip(questions, ask(questions))
                   if question.startswith("block")]
        for case, answer in zip(cases, answers, strict=True):
            assert answer == [*as_hex(case["headers"]), "ok"], (path, case["seqno"])
            blocks += 1
    print(f"\n{blocks} header blocks")
    assert blocks > 100


@needs["http2-frame-test-case"]
def test_frames():
    frames = 0
    for path in sorted((VECTORS / "http2-frame-test-case").glob("*/*.json")):
        if path.name in NOT_SEEN:
            continue
        case = json.loads(path.read_text(encoding="utf-8"))
        answer, = ask([f"frame {case['wire'].lower()}"])
        if case["error"]:
            assert answer[-1] == "bad", path
        else:
            frame = case["frame"]
            assert answer == [" ".join(str(frame[name]) for name in
                                       ("length", "type", "flags", "stream_identifier")), "ok"], path
        frames += 1
    print(f"\n{frames} frames")
    assert frames > 10
