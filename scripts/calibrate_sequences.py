"""Measures intervals, null bands and power of the temporal statistics on dialogues of 20 turns, and prints tables.

Run: python scripts/calibrate_sequences.py [--runs 200] [--only coverage power] [--lengths 1 2 3] (some minutes)
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from secondlaw.statistics.sequence_comparison import compare_sequences
from secondlaw.statistics.sequence_estimates import estimate_quantity
from secondlaw.statistics.sequence_irreversibility import sequence_entropy_production
from secondlaw.statistics.sequence_memory import block_information
from secondlaw.statistics.sequence_nulls import memory_null, reversal_null
from secondlaw.statistics.sequence_quantities import (
    block_information_of,
    entropy_of,
    entropy_production_of,
    entropy_rate_of,
    excess_entropy_of,
    markov_entropy_rate_of,
)
from secondlaw.statistics.sequence_words import word_counts
from secondlaw.statistics.sequences import Sequences
from secondlaw.types import Insufficient

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "statistics"))
from symbol_dialogues import EVEN, circulating, even, going_round, keeping, moody, simulate, steady, stickier

ROUND = circulating(keeping(EVEN, 0.2), EVEN, 0.02)
PROCESSES = {
    "steady": steady,
    "stickier": stickier,
    "going round": going_round,
    "even": even,
    "round, even": lambda count, rng: simulate(ROUND, EVEN, count, rng=rng),
    "moody": moody,
}
QUANTITIES = (
    entropy_of(), entropy_rate_of(), markov_entropy_rate_of(), entropy_rate_of(2), excess_entropy_of(),
    block_information_of(), entropy_production_of(), entropy_production_of(2),
)  # fmt: skip
SIZES = (10, 20, 100)


def estimate(x, quantity, rng):
    """Return the estimate and, for quantities with a null band, its p-value."""
    options = {"rng": rng, "resamples": 300}
    if quantity.name.startswith("memory"):
        found = block_information(x, **options, draws=199)
    elif quantity.name.startswith("entropy production"):
        found = sequence_entropy_production(x, **options, order=quantity.length - 1, draws=199)
    else:
        return estimate_quantity(x, quantity, **options), np.nan
    return found.value, found.p_value


def exact(process, quantity):
    """Return the value of 100,000 dialogues; 0 where only their noise is left."""
    words = word_counts(Sequences.of(process(100_000, rng=np.random.default_rng(1)), states=5), quantity.length)
    value = float(quantity.of(words)(words.totals))
    return value if value > 2e-4 else 0.0


def coverage(runs, lengths):
    print("given: share of runs with a number; below, above: the interval misses the truth there; p: share below .05")
    for quantity in [one for one in QUANTITIES if one.length in lengths]:
        for name, process in PROCESSES.items():
            truth = exact(process, quantity)
            for count in SIZES:
                found = []
                for run in range(runs):
                    rng = np.random.default_rng([run, count])
                    value, p = estimate(Sequences.of(process(count, rng=rng), states=5), quantity, rng)
                    given = not isinstance(value, Insufficient)
                    row = (value.value, value.high < truth - 1e-9, value.low > truth + 1e-9) if given else (np.nan,) * 3
                    found.append((given, *row, p <= 0.05))
                rows = np.array(found, dtype=float)
                given = rows[:, 0] > 0
                if not given.any():
                    print(f"{quantity.name:36s} {count:4d} {name:12s} insufficient", flush=True)
                    continue
                mean = rows[given, 1:4].mean(axis=0)
                print(
                    f"{quantity.name:36s} {count:4d} {name:12s} given {given.mean():.2f} true {truth:.4f} "
                    f"mean {mean[0]:.4f} below {mean[1]:.3f} above {mean[2]:.3f} p {rows[:, 4].mean():.3f}",
                    flush=True,
                )


def power(runs, _):
    print("one sample, share of p-values below .05, mean observed and null mean of the entropy production")
    for count in (20, 100, 500):
        for name in ("steady", "going round"):
            rng, rows = np.random.default_rng(count), []
            for _ in range(runs):
                words = word_counts(Sequences.of(PROCESSES[name](count, rng=rng), states=5), 2)
                null = reversal_null(words, entropy_production_of(), rng=rng, draws=199)
                rows.append((null.p_value <= 0.05, null.observed, null.mean))
            print(f"  entropy production {count:4d} {name:12s}", np.mean(rows, axis=0).round(4), flush=True)
        for name in ("even", "moody"):
            rng = np.random.default_rng(count)
            seen = [
                memory_null(Sequences.of(PROCESSES[name](count, rng=rng), states=5), rng=rng, draws=99).p_value <= 0.05
                for _ in range(runs)
            ]
            print(f"  memory             {count:4d} {name:12s}", np.mean(seen), flush=True)
    print("two samples of 100, share of p-values below .05: entropy, entropy rate, memory, entropy production")
    for first, second in (("steady", "steady"), ("steady", "stickier"), ("even", "moody"), ("steady", "going round")):
        rng, rows = np.random.default_rng(7), []
        for _ in range(runs):
            sides = [Sequences.of(PROCESSES[name](100, rng=rng), states=5) for name in (first, second)]
            found = compare_sequences(*sides, rng=rng, resamples=60, permutations=199)
            rows.append([one.p_value <= 0.05 for one in found])
        print(f"  {first:8s} against {second:12s}", np.mean(rows, axis=0).round(3), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--only", nargs="*", choices=["coverage", "power"], default=["coverage", "power"])
    parser.add_argument("--lengths", nargs="*", type=int, default=[1, 2, 3], help="symbols of the words measured")
    chosen = parser.parse_args()
    for part in chosen.only:
        {"coverage": coverage, "power": power}[part](chosen.runs, chosen.lengths)


if __name__ == "__main__":
    main()
