"""Measures the coverage of the intervals in secondlaw.statistics and prints a table (some minutes).

Run: python scripts/calibrate_statistics.py [--runs 400]
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from secondlaw.statistics.cell_entropy import entropy_estimates
from secondlaw.statistics.cells import cell_replicates, estimate_from_replicates
from secondlaw.statistics.divergence import jensen_shannon, total_variation
from secondlaw.statistics.divergence_estimates import divergence_estimate
from secondlaw.statistics.resampling import resample_weights
from secondlaw.statistics.shares import share_estimates

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "statistics"))
from clustered_counts import BENIGN, RARE, SPREAD, VERY_RARE, draw, truth

SIZES = ((52, 6), (20, 50), (100, 10), (10, 10), (5, 20))
SHARES = {"rare": RARE, "spread": SPREAD, "benign": BENIGN, "very rare": VERY_RARE}
CORRELATIONS = (0.0, 0.1, 0.3, 0.6)
MOVED = (0.85, 0.06, 0.05, 0.02, 0.02)


def entropies(runs: int) -> None:
    print("design                      pooled        within        between       shares    percentile alone, pooled")
    for groups, size in SIZES:
        summary = []
        for name, shares in SHARES.items():
            for correlation in CORRELATIONS:
                row = one_design(groups, size, shares, correlation, runs)
                summary.append(row)
                print(f"{groups:4d} x {size:<3d} {name:9s} {correlation:.1f} ", text(row), flush=True)
        lowest, mean = np.min(summary, axis=0), np.mean(summary, axis=0)
        print(f"{groups:4d} x {size:<3d} lowest        ", text(lowest), flush=True)
        print(f"{groups:4d} x {size:<3d} mean          ", text(mean), "\n", flush=True)


def text(row) -> str:
    cells = [f"{cover:.2f} w {width:.2f}  " for cover, width in zip(row[:6:2], row[1:6:2], strict=True)]
    return " ".join(cells) + f"  {row[6]:.2f}      {row[7]:.2f} w {row[8]:.2f}"


def one_design(groups, size, shares, correlation, runs):
    rng = np.random.default_rng([groups, size, int(10 * correlation), runs])
    pooled, within = truth(shares, correlation)
    exact = {"pooled": pooled, "within": within, "between": pooled - within}
    hits, widths = dict.fromkeys(exact, 0), dict.fromkeys(exact, 0.0)
    of_shares, plain, plain_width = np.zeros(len(shares)), 0, 0.0
    for counts in draw(groups, size, shares, correlation, rng=rng, sets=runs):
        cell = cell_replicates(counts, resample_weights(groups, 400, rng=rng), rng=rng)
        for name, value in exact.items():
            estimate = estimate_from_replicates(getattr(cell, name), n=cell.n, method="")
            hits[name] += estimate.low - 1e-12 <= value <= estimate.high + 1e-12
            widths[name] += estimate.width
        of_shares += [e.covers(p) for e, p in zip(share_estimates(counts), shares, strict=True)]
        estimate = entropy_estimates(counts, rng=rng, interval="percentile", resamples=400).pooled
        if "no width" not in estimate.method:
            plain += estimate.covers(pooled)
            plain_width += estimate.width
    row = [number / runs for name in exact for number in (hits[name], widths[name])]
    return np.array([*row, of_shares.min() / runs, plain / runs, plain_width / runs])


def divergences(runs: int) -> None:
    print("divergence from the baseline: coverage, and how often 0 is excluded")
    for groups, size in SIZES[:4]:
        for correlation in (0.0, 0.3):
            for name, now in (("no change", RARE), ("small", MOVED), ("large", SPREAD)):
                rng = np.random.default_rng([groups, size, runs])
                first = draw(groups, size, now, correlation, rng=rng, sets=runs)
                second = draw(groups, size, RARE, correlation, rng=rng, sets=runs)
                line = f"{groups:4d} x {size:<3d} {correlation:.1f} {name:10s}"
                for measure, function in (("jensen-shannon", jensen_shannon), ("total-variation", total_variation)):
                    exact = float(function(now, RARE))
                    estimates = [
                        divergence_estimate(a, b, rng=rng, measure=measure, resamples=300)
                        for a, b in zip(first, second, strict=True)
                    ]
                    covered = np.mean([e.low <= exact <= e.high for e in estimates])
                    excluded = np.mean([e.low > 0 for e in estimates])
                    line += f"  {measure} {covered:.2f} excluded {excluded:.2f}"
                print(line, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=400, help="repetitions per design")
    runs = parser.parse_args().runs
    entropies(runs)
    divergences(max(50, runs // 2))
