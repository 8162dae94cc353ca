"""Measures coverage, bias and width of the goal entropy of populations, beside naive estimates, and prints tables.

Run: python scripts/calibrate_goals.py [--runs 200] [--only fixed confusable switching explained] (about 10 minutes)
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from scipy.special import digamma

from secondlaw.alignment import shannon
from secondlaw.alignment.goals import switching_goals

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/alignment/goals"))
from goal_populations import BETAS, CONFUSABLE, CORNERS, estimates, log_likelihoods
from test_goal_explanation import seen, verdicts
from test_switching_goals import sure

MIXTURES = ([1, 0, 0, 0], [0.97, 0.01, 0.01, 0.01], [0.5, 0.5, 0, 0], [0.7, 0.2, 0.05, 0.05], [0.4, 0.3, 0.2, 0.1],
            [0.3, 0.27, 0.23, 0.2], [0.25] * 4)  # fmt: skip
DESIGNS = ((8, 1, 3), (40, 1, 3), (40, 3, 8))


def naive(logs):
    summed = np.log(np.exp(logs - logs.max(axis=(2, 3), keepdims=True)).mean(axis=2))
    posterior = np.exp(summed - summed.max(axis=2, keepdims=True))
    posterior /= posterior.sum(axis=2, keepdims=True)
    best = posterior.argmax(axis=2)
    counted = np.stack([(best == k).mean(axis=1) for k in range(logs.shape[3])], axis=1)
    return shannon(posterior.mean(axis=1)).mean(), shannon(counted).mean()


def populations(runs, rows, name):
    print(f"{name}: agents x episodes x steps, beta; coverage, bias, width; bias of mean posterior and of counts")
    print("                          lowest coverage of a share; all at nominal .95")
    for theta in MIXTURES:
        truth = float(shannon(theta))
        for agents, episodes, steps in DESIGNS:
            for beta in (1.0, 4.0) if rows is CORNERS else (2.0,):
                rng = np.random.default_rng([agents, episodes, BETAS.index(beta)])
                logs, _ = log_likelihoods(
                    theta, sets=runs, agents=agents, episodes=episodes, steps=steps, rng=rng, rows=rows, beta=beta
                )
                found = estimates(logs, rng=rng, draws=300, burn_in=200)
                covered = np.mean([e.entropy.low - 1e-9 <= truth <= e.entropy.high + 1e-9 for e in found])
                bias = np.mean([e.entropy.value for e in found]) - truth
                width = np.mean([e.entropy.width for e in found])
                shares = np.mean([[s.covers(p) for s, p in zip(e.shares, theta, strict=True)] for e in found], axis=0)
                posterior, counts = (value - truth for value in naive(logs))
                print(
                    f"{theta!s:26} {agents:3d} x {episodes} x {steps}, {beta:g}: {covered:.3f} {bias:+.3f} "
                    f"{width:.2f}; "
                    f"{posterior:+.3f} {counts:+.3f}; {shares.min():.3f}",
                    flush=True,
                )


def switching(runs):
    print("agents that switch, goals seen without doubt: coverage of E[S], S(E) and gap, and bias")
    for mean, likeness in (([0.6, 0.3, 0.1], 3.0), ([0.6, 0.3, 0.1], 0.3), ([1 / 3] * 3, 30.0)):
        for agents, episodes in ((8, 5), (20, 5), (20, 15)):
            m, hits, error = np.array(mean), [], []
            single = float(digamma(likeness + 1) - (m * digamma(likeness * m + 1)).sum())
            pooled = float(shannon(m))
            for seed in range(max(10, runs // 5)):
                rng = np.random.default_rng(seed)
                found, whose = sure(rng.dirichlet(likeness * m, size=agents), episodes, rng)
                said = switching_goals(found, whose, rng=rng).entropies
                three = (said.mean_entropy, single), (said.entropy_of_mean, pooled), (said.gap, pooled - single)
                hits.append([e.covers(truth) for e, truth in three])
                error.append([e.value - truth for e, truth in three])
            print(
                f"{np.round(mean, 2)!s} c {likeness:g}, {agents:2d} x {episodes:2d}:", np.mean(hits, axis=0).round(2),
                np.mean(error, axis=0).round(3), flush=True,
            )  # fmt: skip


def explained(runs):
    print("agents whom the goals explain, of", runs)
    cases = (("listed", [1, 0, 0, 0, 0]), ("outside, a corner", [0, 0, 0, 1, 0]), ("outside, between", [0, 0, 0, 0, 1]))
    for name, theta in cases:
        for episodes, steps in ((1, 4), (1, 10), (3, 10), (10, 10)):
            print(
                f"{name:18} {episodes:2d} x {steps:2d}",
                verdicts(seen(theta, agents=runs, episodes=episodes, steps=steps)[0]),
            )


PARTS = {
    "fixed": lambda runs: populations(runs, CORNERS, "goals in the corners"),
    "confusable": lambda runs: populations(runs, CONFUSABLE, "two goals beside each other"),
    "switching": switching,
    "explained": explained,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="repetitions per design")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to measure")
    asked = parser.parse_args()
    for part in asked.only:
        PARTS[part](asked.runs)
        print()
