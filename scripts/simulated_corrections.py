"""Simulated responses on which corrections are measured."""

import sys
from pathlib import Path

import numpy as np
from classifier_calibrations import ACT_PRIOR
from correction_cells import (
    ERRORS,
    REFUSED,
    Judged,
    K,
    entropy,
    errors_of_cell,
    inside,
    interval,
    labelled,
    measured,
    print_errors,
)

from secondlaw.behavior.classifiers.head import softmax
from secondlaw.behavior.classifiers.training_fits import calibrate
from secondlaw.drift import ClassifierError
from secondlaw.statistics.calibration import CalibrationSample

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "statistics"))
from simulated_responses import responses, scores

HARMFUL = np.array([1, 2, 4])
"""Categories of complying with a harmful request, refusing it, and neither."""


def simulated(runs: int) -> None:
    """Show how EM covers where its assumption holds: few prompts, rare categories, a classifier that errs."""
    print("| shares | prompts x responses | accuracy about | each share g1 .. g5 | S | bias of S, as it is |")
    print("|---|---|---|---|---|---|")
    every = {"rare": [0.9, 0.04, 0.03, 0.02, 0.01], "mixed": [0.6, 0.25, 0.1, 0.05, 0.0], "two": [0.5, 0.5, 0, 0, 0],
             "spread": [0.35, 0.25, 0.2, 0.15, 0.05]}  # fmt: skip
    error = ClassifierError(priors=np.full((3, K), 1.0 / K))
    for name, shares in every.items():
        truth = np.array(shares)
        for prompts, responses_each in ((30, 10), (10, 20), (200, 5)):
            for separation, accuracy in ((1.8, ".74"), (2.6, ".90")):
                hits, off = [], []
                for seed in range(runs):
                    rng = np.random.default_rng([seed, 5])
                    y, groups = responses(truth, prompts, responses_each, rng, strength=4.0)
                    p = scores(y, K, separation, rng)
                    cell = Judged(name, groups, y, np.full(len(y), 2), p, error)
                    found = measured(cell, cell.rows(), seed)
                    hits.append(
                        [*inside(found.shares.replicates, truth), bool(inside(found.pooled.replicates, entropy(truth)))]
                    )
                    off.append(
                        [float(found.pooled.point), entropy(np.bincount(p.argmax(axis=1), minlength=K) / len(y))]
                    )
                rate, bias = np.mean(hits, axis=0), np.mean(off, axis=0) - entropy(truth)
                each = " ".join(f"{r:.2f}" for r in rate[:-1])
                print(f"| {name} | {prompts} x {responses_each} | {accuracy} | {each} "
                      f"| {rate[-1]:.2f} | {bias[0]:+.3f}, {bias[1]:+.3f} |", flush=True)  # fmt: skip


def missed(runs: int) -> None:
    """Show what intervals from 100 random labels have to hold: categories that these labels may not show."""
    print("| shares | S: covers | too low | too high | width | that errors alone span | each share g1 .. g5 |")
    print("|---|---|---|---|---|---|---|")
    for shares in ([1, 0, 0, 0, 0], [.6, .4, 0, 0, 0], [.6, .37, .03, 0, 0], [.6, .36, .02, .02, 0],
                   [.6, .37, .01, .01, .01], [.97, .03, 0, 0, 0], [.97, .01, .01, .01, 0], [.96, .01, .01, .01, .01],
                   [.5, .3, .17, .02, .01]):  # fmt: skip
        truth, found = np.array(shares, float), []
        for seed in range(runs):
            rng = np.random.default_rng([seed, 7])
            y = rng.choice(K, 1500, p=truth)
            error = ClassifierError(priors=np.full((3, K), 1.0 / K))
            cell = Judged("", np.arange(1500), y, np.full(1500, 2), scores(y, K, 2.2, rng), error)
            said = measured(cell, labelled(cell, rng), seed)
            low, high = interval(said.pooled.replicates)
            s, held = entropy(truth), inside(said.shares.replicates, truth)
            found.append(
                [low - 1e-9 <= s <= high + 1e-9, high < s, s < low, high - low, float(said.pooled.point), *held]
            )
        rate, span = np.mean(found, axis=0), np.diff(np.quantile([one[4] for one in found], [0.025, 0.975]))[0]
        each = " ".join(f"{r:.2f}" for r in rate[5:])
        print(f"| {' '.join(f'{p:g}' for p in shares)} | {rate[0]:.2f} | {rate[1]:.2f} | {rate[2]:.2f} | {rate[3]:.2f} "
              f"| {span:.2f} | {each} |", flush=True)  # fmt: skip


def another_source(runs: int) -> None:
    """Show what is left where a source scores unlike those known: a refusal's log odds are off by a normal deviate."""
    print(ERRORS.format("off by"))
    for spread in (0.0, 1.0, 2.0):
        found = []
        for seed in range(runs):
            rng = np.random.default_rng([seed, 8])
            known = [scored(np.repeat(np.arange(3), (150, 150, 60)), spread * rng.normal(), rng) for _ in range(5)]
            true, raw = np.tile(np.repeat(np.arange(3), (150, 150, 60)), 5), np.concatenate(known)
            slope, bias = calibrate(raw, true, np.ones(len(true)), ACT_PRIOR)
            sources = np.repeat(np.arange(5), 360)
            sample = CalibrationSample(of_harmful(raw, slope, bias), HARMFUL[true], np.ones(len(true), int), sources)
            error = ClassifierError(priors=np.tile(np.eye(K)[HARMFUL].T @ ACT_PRIOR, (3, 1)), calibration=sample)
            y = np.sort(rng.random(250) < rng.choice(REFUSED)).astype(int)
            p = of_harmful(scored(y, spread * rng.normal(), rng), slope, bias)
            cell = Judged("", np.arange(250), HARMFUL[y], np.ones(250, int), p, error)
            found.append(errors_of_cell(cell, seed, HARMFUL))
        print_errors(f"{spread:g} log odds", found)


def scored(acts: np.ndarray, shift: float, rng: np.random.Generator) -> np.ndarray:
    """Return probabilities of acts, not calibrated: heavy tails, and a shift of refusals that all of a source share."""
    seen = rng.standard_t(5, (len(acts), 3))
    seen[np.arange(len(acts)), acts] += 2.6
    return softmax(2.0 * seen + shift * np.eye(3)[1])


def of_harmful(raw: np.ndarray, slope: float, bias: np.ndarray) -> np.ndarray:
    """Return calibrated probabilities of the categories of a response to a harmful request."""
    return softmax(slope * np.log(np.maximum(raw, 1e-7)) + bias) @ np.eye(K)[HARMFUL]
