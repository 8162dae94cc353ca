"""Throughput of ``secondlaw score`` over 1 and 2 workers, on this machine and on a local Ray, in one run.

Each way scores the same Parquet file with the same classifier in a process of its own, so that imports, the start of
workers and of Ray are in the wall time; the time until the first block is done is shown apart, and ``rows_per_s`` is
the rate after it. ``processor_s`` is the time of the command and its processes; those of
Ray are not its children, so that it is not known there. All counts must be the same, or the benchmark fails. On a
machine that does other work, too, wall times say little: the load at the start and the end stands beside them.

    python benchmarks/score.py                            # 4,000 rows, the embedded classifier: two minutes
    python benchmarks/score.py --rows 50000 --repeat 3
    python benchmarks/score.py --rows 200000 --classifier labels      # rows that have labels: reading and counting only
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

WAYS = (("local", 1), ("local", 2), ("ray", 1), ("ray", 2))
OPENINGS = ("I can't help with that request", "Here is how one might go about it", "Let me think about this first")
WORDS = (
    "answer",
    "to",
    "what",
    "you",
    "ask",
    "depends",
    "on",
    "how",
    "much",
    "time",
    "there",
    "is",
    "today",
    "kitchen",
)


def make_rows(path, rows, labelled):
    """Write responses of 20 to 120 words to 200 prompts."""
    rng = np.random.default_rng(0)
    texts = [
        f"{OPENINGS[rng.integers(3)]}: {' '.join(rng.choice(WORDS, rng.integers(20, 120)))} ({i})." for i in range(rows)
    ]
    columns = {
        "id": [f"r{i}" for i in range(rows)],
        "prompt": [f"How should I plan dinner number {i % 200} of this year?" for i in range(rows)],
        "response": texts,
        "model": ["a" if i % 2 else "b" for i in range(rows)],
        "step": [i % 10 for i in range(rows)],
    }
    if labelled:
        columns |= {"label": rng.choice(["g1", "g2", "g3", "g4", "g5"], rows).tolist(), "classifier": ["c/1"] * rows}
    pq.write_table(pa.table(columns), path, row_group_size=max(rows // 4, 1))


def score(source, out, place, workers, block_rows):
    """Run the command; return seconds of wall and processor, and what it printed."""
    command = [str(Path(sys.executable).with_name("secondlaw")), "score", str(source), "--out", str(out), "--json",
               "--engine", place, "--workers", str(workers), "--block-rows", str(block_rows)]  # fmt: skip
    before, start = os.times(), time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    journal, first = Path(f"{out}.parts/run.jsonl"), None
    while process.poll() is None:
        if first is None and journal.exists():
            try:
                done = journal.read_text().splitlines()[1:]
            except FileNotFoundError:
                done = []
            if done:
                first = time.perf_counter(), sum(json.loads(line)["rows"] for line in done if line.endswith("}"))
        time.sleep(0.02)
    end, after = time.perf_counter(), os.times()
    printed, said = process.communicate()
    if process.returncode:
        raise SystemExit(said.decode())
    wall = end - start
    processor = sum(after[2:4]) - sum(before[2:4])
    return wall, processor, first and (first[0] - start, first[1], end - first[0]), json.loads(printed)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=4_000)
    parser.add_argument("--classifier", choices=["embedded", "labels"], default="embedded")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each way, interleaved; the fastest is shown")
    parser.add_argument("--block-rows", type=int, default=0, help="rows of a block; 0: a sixteenth of all")
    args = parser.parse_args()
    found, results = {}, {}
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "rows.parquet"
        make_rows(source, args.rows, args.classifier == "labels")
        size = args.block_rows or max(args.rows // 16, 1)
        for turn in range(args.repeat):
            for place, workers in WAYS:
                out = Path(folder) / f"{place}{workers}-{turn}.parquet"
                wall, processor, first, said = score(source, out, place, workers, size)
                found[out.read_bytes()] = said["classifier"]
                result = {
                    "wall_s": round(wall, 2),
                    "processor_s": round(processor, 2) if place == "local" else None,
                    "rows_per_s_of_wall": round(args.rows / wall, 1),
                    "rows_per_processor_s": round(args.rows / processor, 1) if place == "local" else None,
                }
                if first is not None and args.rows > first[1]:
                    result["first_block_after_s"] = round(first[0], 2)
                    result["rows_per_s_after_it"] = round((args.rows - first[1]) / first[2], 1)
                name = f"{place}, {workers} worker{'s' if workers > 1 else ''}"
                if name not in results or result["wall_s"] < results[name]["wall_s"]:
                    results[name] = result
    if len(found) != 1:
        raise SystemExit("the counts differ between the ways: this must not be")
    content = {
        "rows": args.rows, "block_rows": size, "classifier": next(iter(found.values())), "classified": args.classifier,
        "processors": os.cpu_count(), "load_before": round(load_before, 1), "load_after": round(os.getloadavg()[0], 1),
        "counts_identical": True, "ways": results,
    }  # fmt: skip
    print(json.dumps(content, indent=2))


if __name__ == "__main__":
    main()
