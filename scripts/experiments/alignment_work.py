"""Does alignment work have a critical value in real training? Small transformers, fine-tuned on a mis-specified proxy.

    python scripts/experiments/alignment_work.py                    (13 minutes of one core; goes on where it was)
    python scripts/experiments/alignment_work.py --parts sweep laws --minutes 10
    python scripts/experiments/alignment_work.py --page             (the page from what docs keeps, no training)

Every run is appended to `--runs` as it ends, so that a stopped experiment goes on. At the end, and with `--page`, the
runs are condensed to docs/experiments/alignment-work.json, and charts and tables of the page are made from that alone.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch
from alignment_runs import SIZES, Run, do
from exploration_noise import CASES, exploration

from secondlaw.formats import Journal

ROOT = Path(__file__).parents[2]
MULTIPLES = (0.0, 0.01, 0.03, 0.1, 0.3, 0.5, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0)
SEEDS, SIDE_SEEDS = range(5), range(3)
FEWER = {"64x2": 3}  # seeds of the largest network, the slowest


def sweep(seed: int) -> Iterator[Run]:
    """Yield the runs of a seed at every size and work."""
    for size in SIZES:
        for work in MULTIPLES if seed < FEWER.get(size, len(SEEDS)) else ():
            yield Run("sweep", size=size, seed=seed, work=work)


def beside(seed: int) -> Iterator[Run]:
    """Yield the other runs of a seed."""
    for work in (0.0, 0.03, 0.1, 1.0):
        yield Run("moving", seed=seed, work=work, steps=480, moving=True)
    for believed in (1.0, 0.5, 0.25, 0.1, 0.03):
        yield Run("underestimated", seed=seed, work=1.5, believed=believed)
    for believed in (1.0, 0.5, 0.25):
        yield Run("unstable", seed=seed, work=9.0, believed=believed)
    yield Run("laws", seed=seed, law="proportional-integral", steps=1200, every=25)
    yield Run("laws", seed=seed, law="minimal", steps=2000, every=25)
    for reading in ("per flow time", "per update"):
        for work in (0.01, 0.1, 1.0):
            yield Run("readings", seed=seed, work=work, every=10, reading=reading)
    for optimizer in ("sgd", "full batch", "adam", "evolution"):
        for work in (0.0, 1.0) if optimizer == "evolution" else (0.0, 0.1, 1.0):
            yield Run("optimizers", size="8x1", seed=seed, work=work, optimizer=optimizer)


def main() -> None:
    """Run what is missing, condense, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=ROOT / "build" / "alignment-work" / "runs.jsonl")
    parser.add_argument("--parts", nargs="+", help="only these parts of the plan")
    parser.add_argument("--minutes", type=float, default=60.0, help="processor time after which nothing new is begun")
    parser.add_argument("--page", action="store_true", help="only rewrite the page from what is kept in docs")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if not options.page:
        train(options.runs, options.parts, options.minutes)
        from alignment_tables import condense

        condense(options.runs)
    from alignment_page import write_page

    write_page()


def train(path: Path, parts: list[str] | None, minutes: float) -> None:
    """Do the runs of the plan that the journal lacks."""
    begun = time.process_time()
    with Journal(path) as journal:
        there = {row["name"] for row in journal.rows()}
        for name, task in tasks():
            if name in there or (parts and name.split("/")[0] not in parts):
                continue
            start = time.process_time()
            if start - begun > 60.0 * minutes:
                return
            journal.append({"name": name, **task(), "seconds": round(time.process_time() - start, 2)})


def tasks() -> Iterator[tuple[str, Callable[[], dict]]]:
    """Yield name and work of everything, whole seeds of the sweep first."""
    for seed in SEEDS:
        yield from ((run.name, partial(do, run)) for run in sweep(seed))
    yield from ((f"noise/{'/'.join(map(str, case))}", partial(exploration, *case)) for case in CASES)
    for seed in SIDE_SEEDS:
        yield from ((run.name, partial(do, run)) for run in beside(seed))


if __name__ == "__main__":
    main()
