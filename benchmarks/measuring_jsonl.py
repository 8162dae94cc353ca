"""Measuring a labelled JSON-lines file: seconds and peak memory, beside a plain peer.

*reading* builds the observations; *measure* is the whole command, intervals and all.

The peer does what a short script would: ``orjson.loads`` for every line and a ``collections.Counter`` of
(stream, model, step, label). Both run in a process of their own, on the same file, one after the other.

    python benchmarks/measuring_jsonl.py --rows 1000000
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

CATEGORIES = ("g1", "g2", "g3", "g4", "g5")
SHARES = (0.6, 0.1, 0.2, 0.07, 0.03)
TARGET_SECONDS, TARGET_MIB = 30.0, 1024.0
"""Of the whole command, for a million rows."""


def write_rows(path: Path, rows: int, *, prompts: int, probs: bool) -> None:
    """Write a log of about 300 bytes a row: two models, ten steps, `prompts` prompts."""
    rng = np.random.default_rng(0)
    labels = rng.choice(len(CATEGORIES), size=rows, p=SHARES)
    prompt = rng.integers(prompts, size=rows)
    with path.open("w") as out:
        for i in range(rows):
            row = {
                "id": f"r{i}",
                "stream": "benchmark",
                "model": ("base", "tuned")[i % 2],
                "step": i * 10 // rows,
                "prompt_id": f"p{prompt[i]}",
                "prompt": f"Question {prompt[i]}: how do I keep bread fresh for a week without a freezer?",
                "response": f"Answer {i}: keep it in a paper bag inside a bread box, away from the oven and the sun.",
                "intent": "benign",
                "label": CATEGORIES[labels[i]],
                "classifier": "embedded/1",
            }
            if probs:
                row["label_probs"] = {key: 0.92 if k == labels[i] else 0.02 for k, key in enumerate(CATEGORIES)}
            out.write(json.dumps(row) + "\n")


def read(path: Path) -> int:
    """Read with secondlaw and count the cells' groups."""
    from secondlaw.behavior import read_observations

    reading = read_observations(path, rng=np.random.default_rng(0))
    observations = reading.observations.in_windows()
    for cell in observations.cells():
        observations.group_counts(cell.rows)
    return len(observations)


def measure(path: Path) -> int:
    """Run the whole command."""
    from contextlib import redirect_stdout
    from io import StringIO

    from secondlaw.cli.main import app

    printed = StringIO()
    with redirect_stdout(printed):
        app(["measure", str(path), "--json", "--quiet"], standalone_mode=False)
    return int(json.loads(printed.getvalue())["rows"]["used"])


def read_as_peer(path: Path) -> int:
    """Read with orjson and a Counter."""
    from collections import Counter

    import orjson

    counts: Counter[tuple[str, str, int, str]] = Counter()
    with path.open("rb") as lines:
        for line in lines:
            row = orjson.loads(line)
            counts[row["stream"], row["model"], row["step"], row["label"]] += 1
    return counts.total()


def timed(task: str, path: Path) -> dict[str, float]:
    """Run one task in a fresh process and return its seconds and peak memory."""
    done = subprocess.run([sys.executable, __file__, "--task", task, str(path)], check=True, capture_output=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def run_task(task: str, path: Path) -> None:
    started = time.perf_counter()
    rows = {"reading": read, "measure": measure, "peer": read_as_peer}[task](path)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": rows, "seconds": seconds, "peak_mib": peak}))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--prompts", type=int, default=1000)
    parser.add_argument("--probs", action="store_true", help="write label_probs too")
    parser.add_argument("--task", choices=("reading", "measure", "peer"))
    parser.add_argument("path", nargs="?")
    options = parser.parse_args()
    if options.task:
        run_task(options.task, Path(options.path))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        write_rows(path, options.rows, prompts=options.prompts, probs=options.probs)
        print(f"{options.rows} rows, {path.stat().st_size / options.rows:.0f} bytes a row, {options.prompts} prompts")
        results = {task: timed(task, path) for task in ("peer", "reading", "measure")}
    for task, result in results.items():
        print(f"{task:>10}: {result['seconds']:6.2f} s, {result['rows'] / result['seconds']:9.0f} rows/s, "
              f"{result['peak_mib']:6.0f} MiB")  # fmt: skip
    ours = results["measure"]
    print(f"ratio of times: {ours['seconds'] / results['peer']['seconds']:.2f}")
    if options.rows == 1_000_000:
        reached = ours["seconds"] < TARGET_SECONDS and ours["peak_mib"] < TARGET_MIB
        print(f"target (< {TARGET_SECONDS:.0f} s, < {TARGET_MIB:.0f} MiB): {'reached' if reached else 'MISSED'}")
        return 0 if reached else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
