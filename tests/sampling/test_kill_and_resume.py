"""A real process that samples, is killed in the middle, and is started again."""

import json
import signal
import subprocess
import sys

import pytest

from secondlaw.formats.journal import journal_rows

pytestmark = pytest.mark.unit

SCRIPT = """
import asyncio, sys
from pathlib import Path
from secondlaw.sampling import Arm, OpenAIEndpoint, SamplingRun, load_prompts, load_scenario, sample

def the_run():
    scenario = load_scenario("pressure")
    return SamplingRun("killed", [Arm("base", "a"), Arm("tuned", "b")], load_prompts(per_set=2), scenario, 3, 3, seed=5)

async def go(url, out):
    async with OpenAIEndpoint(url) as endpoint:
        await sample(the_run(), endpoint, Path(out), concurrency=4)

if __name__ == "__main__":
    try:
        asyncio.run(go(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
"""
TOTAL = 2 * 6 * 3 * 3
CONCURRENCY = 4


@pytest.fixture
def start(tmp_path, loopback):
    """Return a function that starts the process, waits for so many requests, and leaves the rest unanswered."""
    script, out = tmp_path / "script.py", tmp_path / "run.jsonl"
    script.write_text(SCRIPT)
    started = []

    def go(answered=None):
        before = len(loopback.asked)
        loopback.hold_from = None if answered is None else before + answered
        process = subprocess.Popen([sys.executable, script, loopback.url, out], stderr=subprocess.PIPE, text=True)
        started.append(process)
        if answered is not None:
            loopback.wait_for(before + answered + CONCURRENCY)
        return process, out

    yield go
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def seeds(rows):
    return [row["seed"] for row in rows]


def test_a_killed_run_goes_on_without_losing_or_repeating_an_answer(start, loopback):
    stored = []
    for answered in (13, 0, 37):
        begun = len(loopback.asked)
        process, out = start(answered)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        kept = stored
        stored = seeds(journal_rows(out))
        assert stored[: len(kept)] == kept
        assert len(stored) == len(kept) + answered
        assert not set(kept) & {body["seed"] for body in loopback.asked[begun:]}
    with out.open("ab") as file:
        file.write(b'{"id": "torn')  # as a kill in the middle of a write leaves it
    begun = len(loopback.asked)
    process, out = start()
    _, errors = process.communicate(timeout=200)
    assert (process.returncode, errors) == (0, "")
    rows = list(journal_rows(out))
    assert len({row["id"] for row in rows}) == len(rows) == TOTAL
    asked_last = [body["seed"] for body in loopback.asked[begun:]]
    assert sorted(asked_last) == sorted(set(seeds(rows)) - set(stored))
    assert out.read_bytes().count(b"\n") == TOTAL


def test_an_interrupted_run_ends_as_one_and_keeps_whole_rows(start, loopback):
    process, out = start(10)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=200)
    assert (process.returncode, errors) == (130, "")
    lines = out.read_bytes().splitlines(keepends=True)
    assert len(lines) == 10
    assert all(line.endswith(b"\n") and json.loads(line)["id"] for line in lines)
