"""Measures the intervals and tests of rates, divergences, variance parts and agreement, and prints tables.

Run: python scripts/calibrate_dynamics.py [--runs 200] [--only variance rates permutations divergence agreement
calibration abstention] (some minutes at 200 runs)
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from scipy.stats import gamma

from secondlaw.drift.divergence import divergence_from_replicates
from secondlaw.errors import NotEnoughData
from secondlaw.statistics.abstention import abstention_threshold
from secondlaw.statistics.calibration_error import calibration_report
from secondlaw.statistics.cells import cell_replicates
from secondlaw.statistics.divergence import jensen_shannon, total_variation
from secondlaw.statistics.label_agreement import agreement, cohen_kappa, f1_scores
from secondlaw.statistics.planning import drift_path
from secondlaw.statistics.resampling import resample_weights
from secondlaw.statistics.slopes import effective_alignment_work, slope
from secondlaw.statistics.swap_permutations import deal_test, swap_test
from secondlaw.statistics.variance import decompose_variance, entropy_influence
from secondlaw.types import Insufficient

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "statistics"))
from clustered_counts import RARE, SPREAD, draw
from rated_rows import CLASSES, exact_matrix, labelled

SIZES = ((60, 8), (20, 6), (100, 10), (20, 50), (10, 10))
BASELINE = np.array([0.7, 0.12, 0.08, 0.06, 0.04])
MOVED = (0.85, 0.06, 0.05, 0.02, 0.02)


def holds(estimate, truth):
    return estimate.low - 1e-9 <= truth <= estimate.high + 1e-9


def variance(runs):
    print("variance parts: coverage of the prompts' part and of what doubling the responses removes, width")
    for prompts, size in SIZES:
        for name, shares in (("spread", SPREAD), ("rare", RARE)):
            line = f"{prompts:4d} x {size:<3d} {name:7s}"
            for correlation in (0.0, 0.05, 0.2, 0.5):
                rng = np.random.default_rng([prompts, size])
                total = correlation + (1 - correlation) / size
                part, gain, found = correlation / total, (1 - correlation) / (2 * size) / total, []
                for counts in draw(prompts, size, shares, correlation, rng=rng, sets=runs):
                    weights = resample_weights(prompts, 400, rng=rng)
                    try:
                        fit = decompose_variance(counts, weights, influence=entropy_influence(counts.sum(axis=0)))
                    except NotEnoughData:
                        continue
                    saved = fit.doubling_removes(prompts, size)
                    found.append((holds(fit.prompt, part), holds(saved, gain), fit.prompt.width))
                line += "  {}: {:.2f} {:.2f} w {:.2f}".format(correlation, *np.mean(found, axis=0))
            print(line, flush=True)


def prompts_of(path, prompts, size, correlation, rng):
    """Counts (steps, prompts, K) of prompts that keep their character from step to step."""
    quantile = rng.uniform(1e-6, 1 - 1e-6, size=(prompts, len(path[0])))
    concentration = (1 - correlation) / correlation
    own = np.stack([gamma.ppf(quantile, concentration * np.asarray(shares)) for shares in path])
    return rng.multinomial(size, own / own.sum(axis=-1, keepdims=True)), own


def cells(counts, weights, rng):
    found = [cell_replicates(step, weights, rng=rng).pooled for step in counts]
    return np.array([float(one.point) for one in found]), np.stack([one.replicates for one in found], axis=1)


def rates(runs):
    print("rates, prompts the same at all steps: coverage and width of slope and gamma_eff")
    for prompts, size, steps in ((20, 6, 6), (50, 6, 6), (100, 10, 8), (10, 10, 5)):
        for rate in (0.0, 0.05):
            rng, t, found = np.random.default_rng([prompts, size]), np.arange(steps), []
            flat = np.tile(BASELINE, (steps, 1))
            path = flat if rate == 0.0 else drift_path(BASELINE, rate, steps=t)
            for _ in range(runs):
                weights = resample_weights(prompts, 300, rng=rng)
                base, base_r = cells(prompts_of(path, prompts, size, 0.3, rng)[0], weights, rng)
                tuned, tuned_r = cells(prompts_of(flat, prompts, size, 0.3, rng)[0], weights, rng)
                row = []
                for method in ("wls", "theil-sen"):
                    both = {"base_replicates": base_r, "tuned_replicates": tuned_r, "method": method}
                    for one in (
                        slope(base, steps=t, replicates=base_r, method=method),
                        effective_alignment_work(base, tuned, steps=t, **both),
                    ):
                        row += [one.covers(rate), one.width]
                found.append(row)
            text = "  {} {:.2f} w {:.3f}  gamma_eff {:.2f} w {:.3f}"
            mean = np.mean(found, axis=0)
            print(f"{prompts:4d} x {size:<3d} rate {rate:.2f}", text.format("wls", *mean[:4]), end="")
            print(text.format("theil-sen", *mean[4:]), flush=True)


def permutations(runs):
    print("permutation p-values where both models are alike: share <= .01, .05, .20")
    for prompts, size, steps, correlation in ((20, 6, 6, 0.3), (50, 4, 5, 0.5), (12, 10, 4, 0.3)):
        path = [np.array(RARE) + (np.array(SPREAD) - np.array(RARE)) * t / steps for t in range(steps)]
        for name, test in (("swapped", swap_test), ("dealt", deal_test)):
            rng, found = np.random.default_rng(prompts), []
            for _ in range(runs):
                first, own = prompts_of(path, prompts, size, correlation, rng)
                both = np.stack([first, rng.multinomial(size, own / own.sum(axis=-1, keepdims=True))])
                if test is deal_test:
                    both[0, :, : prompts // 2] = both[1, :, prompts // 2 :] = 0
                of = test(both, steps=range(steps), misaligned=[0, 1, 0, 1, 0], n_permutations=199, rng=rng)
                found.append((of.alignment_work, of.entropy_difference, of.misaligned_difference, of.distribution))
            for column, quantity in enumerate(("gamma_eff", "S", "misaligned", "distribution")):
                p = np.array(found)[:, column]
                shares = " ".join(f"{np.mean(p <= alpha):.3f}" for alpha in (0.01, 0.05, 0.2))
                print(f"{prompts:4d} x {size:<3d} {name:8s} {quantity:13s} {shares}", flush=True)


def divergence(runs):
    print("divergence between two cells on one design: coverage, and how often 0 is excluded")
    for prompts, size in ((52, 6), (20, 50), (100, 10), (10, 10)):
        for correlation in (0.05, 0.3):
            for name, now in (("no change", RARE), ("small", MOVED), ("large", SPREAD)):
                line = f"{prompts:4d} x {size:<3d} {correlation:.2f} {name:10s}"
                for measure, distance in (("jensen-shannon", jensen_shannon), ("total-variation", total_variation)):
                    rng, exact, found = np.random.default_rng([prompts, size]), float(distance(now, RARE)), []
                    for _ in range(runs):
                        counts, _ = prompts_of([RARE, now], prompts, size, correlation, rng)
                        weights = resample_weights(prompts, 300, rng=rng)
                        then, later = (cell_replicates(c, weights, rng=rng).shares for c in counts)
                        of = divergence_from_replicates(
                            later, then, distance, n=1, unit="", method="", level=0.95
                        )  # fmt: skip
                        found.append((holds(of, exact), of.low > 0))
                    line += "  {} {:.2f} excluded {:.2f}".format(measure, *np.mean(found, axis=0))
                print(line, flush=True)


def agreements(runs):
    recall = np.array([0.95, 0.8, 0.9, 0.6, 0.85])
    exact = exact_matrix(recall)
    print("agreement: coverage of accuracy, kappa, macro-F1, and of the rare class d: recall, precision, F1")
    for prompts, size in ((200, 1), (60, 5), (20, 10), (400, 2)):
        truths = (np.trace(exact), cohen_kappa(exact), f1_scores(exact).mean(), recall[3])
        truths += (exact[3, 3] / exact[:, 3].sum(), f1_scores(exact)[3])
        rng, found = np.random.default_rng(prompts), []
        for _ in range(runs):
            of = agreement(*labelled(prompts, size, recall, rng=rng), classes=CLASSES, rng=rng, resamples=300)
            got = (of.accuracy, of.kappa, of.macro_f1, of.recall[3], of.precision[3], of.f1[3])
            found.append([isinstance(e, Insufficient) or e.covers(t) for e, t in zip(got, truths, strict=True)])
        print(f"{prompts:4d} x {size:<3d}", " ".join(f"{x:.2f}" for x in np.mean(found, axis=0)), flush=True)


def calibrations(runs):
    from test_calibration_error import YES, binned_error, scored

    print("calibration error: truth, bias of plug-in and of debiased, coverage, how often 0 is excluded")
    for prompts, size, correlation in ((300, 1, 0.0), (2000, 1, 0.0), (60, 10, 0.3), (200, 5, 0.1)):
        for sharpened in (0.0, 0.3, 1.0):
            rng, found = np.random.default_rng(prompts), []
            population, exact, _, _ = scored(40_000, 1, sharpened, rng=rng)
            for _ in range(runs):
                p, _, truth, groups = scored(prompts, size, sharpened, rng=rng, correlation=correlation)
                error = binned_error(population, exact, p)
                of = calibration_report(np.stack([1 - p, p], 1), truth, groups, classes=YES, rng=rng, resamples=300)
                plain, mended = of.ece[1], of.ece_debiased[1]
                found.append((error, plain.value - error, mended.value - error, holds(plain, error), plain.low > 0))
            text = "{:.3f}  {:+.3f} {:+.3f}  {:.2f} excluded {:.2f}".format(*np.mean(found, axis=0))
            print(f"{prompts:4d} x {size:<3d} {correlation:.1f} sharpened {sharpened:.1f}", text, flush=True)


def abstentions(runs):
    from test_abstention import accuracy_above
    from test_abstention import labelled as confident

    print("abstention at risk .1: how often a threshold is returned, and how often its true accuracy misses the target")
    for prompts, size, correlation in ((600, 1, 0.0), (3000, 1, 0.0), (80, 8, 0.3), (300, 10, 0.3)):
        for target in (0.8, 0.9):
            rng, reached, missed = np.random.default_rng(prompts), 0, 0
            for _ in range(runs):
                rows = confident(prompts, size, rng=rng, correlation=correlation)
                at = abstention_threshold(*rows, target=target, risk=0.1).threshold
                reached += at is not None
                missed += at is not None and accuracy_above(at) < target
            print(f"{prompts:4d} x {size:<3d} target {target}  {reached / runs:.2f} {missed / runs:.2f}", flush=True)


PARTS = {
    "variance": variance,
    "rates": rates,
    "permutations": permutations,
    "divergence": divergence,
    "agreement": agreements,
    "calibration": calibrations,
    "abstention": abstentions,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="repetitions per design")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to measure")
    asked = parser.parse_args()
    for part in asked.only:
        PARTS[part](asked.runs)
        print()
