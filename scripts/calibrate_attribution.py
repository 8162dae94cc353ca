"""Measures the joint intervals of what moved: named stretches, and those that a change point and an alarm chose.

Beside them stands the bootstrap of prompts with a largest studentised deviation (max-t), which they replace: it shows
too little of rare categories and few conversations, knows nothing of steps, and nothing of the choice.

Run: python scripts/calibrate_attribution.py [--runs 200] [--bootstrap] [--kinds independent conversations steps
prompts] (a quarter of an hour at 200 runs; three times that with --bootstrap)
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from secondlaw.drift.attribution_categories import category_changes
from secondlaw.statistics.intervals import small_sample_factor
from secondlaw.statistics.resampling import block_ids, resample_weights
from secondlaw.types import Estimate

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "statistics"))
from alarmed_streams import KINDS, RARE, RARER, Stretches, draw_counts, shares_of, sides, until_alarm

NAMES = ("g1", "g2", "g3", "g4", "g5")
LEVEL = 0.95
DRIFTS = (
    ("jump", 0.05, ((1, 0.6), (3, 0.4))),
    ("jump", 0.15, ((1, 1.0),)),
    ("ramp", 0.001, ((1, 1.0),)),
    ("ramp", 0.004, ((3, 1.0),)),
    ("ramp", 0.015, ((1, 0.5), (4, 0.5))),
)


def ours(one, two, *, is_chosen):
    changes = category_changes(one, two, NAMES, level=LEVEL, is_chosen=is_chosen)
    return [(c.difference.low, c.difference.high) for c in changes if isinstance(c.difference, Estimate)]


def bootstrapped(one, two, rng, *, resamples=400):
    """Return the intervals of a bootstrap of prompts, the same on both sides where they match (max-t)."""
    tables = [np.zeros((int(ids.max()) + 1, 5)) for ids in (block_ids(side.prompts) for side in (one, two))]
    for table, side in zip(tables, (one, two), strict=True):
        np.add.at(table, block_ids(side.prompts), side.counts)
    groups = min(map(len, tables))
    weights = [resample_weights(len(tables[0]), resamples, rng=rng)]
    weights.append(weights[0] if one.shares_prompts(two) else resample_weights(len(tables[1]), resamples, rng=rng))
    drawn = [w @ t for w, t in zip(weights, tables, strict=True)]
    moved = np.subtract(*(side / side.sum(axis=1, keepdims=True) for side in reversed(drawn)))
    error = np.maximum(moved.std(axis=0, ddof=1), 1.0 / min(table.sum() for table in tables))
    largest = np.abs((moved - moved.mean(axis=0)) / error).max(axis=1)
    half = float(np.quantile(largest, LEVEL)) * small_sample_factor(groups, LEVEL) * error
    value = np.subtract(*(t.sum(axis=0) / t.sum() for t in reversed(tables)))
    return list(zip(value - half, value + half, strict=True))


def told(name, found):
    if not found:
        return f"{name}: none"
    inside = np.array([hits for hits, _ in found])
    widths = np.mean([half for _, half in found], axis=0)
    halves = " ".join(f"{100 * half:.1f}" for half in widths)
    return (
        f"{name} {inside.all(axis=1).mean():.3f}, singly {inside.mean(axis=0).min():.3f} and more, +- {halves} points"
    )


def measured(runs, draw, kind, rng, *, is_chosen, bootstrap):
    found, lengths, lacking = {"joint": [], "bootstrap": []}, [], 0
    for _ in range(runs):
        stretches = draw(rng)
        if stretches is None:
            continue
        lengths.append(len(stretches.counts) - stretches.split)
        both = sides(stretches, kind)
        ways = {"joint": ours(*both, is_chosen=is_chosen)}
        lacking += len(ways["joint"]) < len(NAMES)
        if bootstrap:
            ways["bootstrap"] = bootstrapped(*both, rng)
        for name, ends in ways.items():
            if len(ends) == len(NAMES):
                low, high = np.array(ends).T
                found[name].append(((low <= stretches.change) & (stretches.change <= high), (high - low) / 2.0))
    words = [told(name, rows) for name, rows in found.items() if rows]
    after = "/".join(f"{length:.0f}" for length in np.quantile(lengths, (0.1, 0.5, 0.9))) if lengths else "-"
    return f"{len(lengths)} of {runs} runs, steps after {after}, too few {lacking}; " + "; ".join(words)


def named_stretches(runs, kinds, *, bootstrap):
    print("stretches named beforehand: 100 steps, then so many; a jump of 5 points")
    for kind in kinds:
        for size in (100, 15):
            for start, name in ((RARE, "rare"), (RARER, "rarer")):
                for after in (5, 20, 50):
                    path = shares_of(start, *DRIFTS[0], steps=100 + after, begins=100)

                    def draw(rng, path=path, size=size, kind=kind):
                        return Stretches(draw_counts(path, size, kind, rng=rng), path, 100)

                    rng = np.random.default_rng([size, after])
                    line = measured(runs, draw, kind, rng, is_chosen=False, bootstrap=bootstrap)
                    print(f"{kind:13s} k {size:<3d} {name:5s} after {after:<2d}  {line}", flush=True)


def alarmed_stretches(runs, kinds, *, bootstrap):
    print("from the estimated change point to the alarm, alpha 1e-4, drift from step 150 on")
    for kind in kinds:
        for size in (100, 15):
            for start, name in ((RARE, "rare"), (RARER, "rarer")):
                for drift in DRIFTS:
                    path = shares_of(start, *drift)

                    def draw(rng, path=path, size=size, kind=kind):
                        return until_alarm(path, size, kind, rng=rng)

                    rng = np.random.default_rng([size, round(1000 * drift[1])])
                    line = measured(runs, draw, kind, rng, is_chosen=True, bootstrap=bootstrap)
                    print(f"{kind:13s} k {size:<3d} {name:5s} {drift[0]} {drift[1]:<5g}  {line}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="repetitions per design")
    parser.add_argument("--bootstrap", action="store_true", help="measure the bootstrap beside")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    asked = parser.parse_args()
    named_stretches(asked.runs, asked.kinds, bootstrap=asked.bootstrap)
    print()
    alarmed_stretches(asked.runs, asked.kinds, bootstrap=asked.bootstrap)
