from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from secondlaw.behavior.taxonomy import FIVE, INTENTS
from secondlaw.drift import CellRows, ClassifierError, Design, measure_cell
from secondlaw.drift.coarse_error import coarse_error
from secondlaw.statistics.calibration import CalibrationSample
from secondlaw.statistics.common_shift import shrinkage

UNKNOWN = INTENTS.index("unknown")
MISALIGNED = np.array(FIVE.misaligned)
SPREAD, ACTS, HARMFUL = 2.0, np.array([0.45, 0.33, 0.22]), 0.6
CATEGORY = np.array([[0, 3, 4], [1, 2, 4]])
PRIORS = np.array([[0.45, 0, 0, 0.33, 0.22], [0, 0.45, 0.33, 0, 0.22], [0.18, 0.27, 0.198, 0.132, 0.22]])


def source(shift, shares, n, rng):
    """Responses of a source whose line of harm is off by `shift`: their categories, and calibrated probabilities."""
    truth = rng.choice(5, n, p=shares)
    act = np.array([0, 0, 1, 1, 2])[truth]
    harmful = np.where(truth == 4, rng.random(n) < HARMFUL, np.isin(truth, (1, 2)))
    signal = rng.normal(np.where(harmful, 1.2, -1.2), 1.0)
    log_odds = 2.4 * signal + np.log(HARMFUL / (1 - HARMFUL)) + shift
    believed = 1.0 / (1.0 + np.exp(-shrinkage(SPREAD) * log_odds))
    seen = rng.normal(size=(n, 3))
    seen[np.arange(n), act] += 3.0
    done = ACTS * np.exp(3.0 * (seen - seen.max(axis=1, keepdims=True)))
    done /= done.sum(axis=1, keepdims=True)
    p = np.zeros((n, 5))
    for intent, part in enumerate((1.0 - believed, believed)):
        np.add.at(p, (slice(None), CATEGORY[intent]), part[:, None] * done)
    return truth, p


def known_error(rng, rows=200):
    """What is known of a classifier that errs so, from four sources, two of them of harmful requests alone."""
    kinds = ([2.0] * 5, [0.0, 2.0, 2.0, 0.0, 0.0], [0.0, 2.0, 2.0, 0.0, 0.0], [2.0] * 5)
    mixes = (rng.dirichlet(np.array(kind) + 1e-9) for kind in kinds)
    parts = [source(rng.normal(0.0, SPREAD), shares, rows, rng) for shares in mixes]
    truth, p = (np.concatenate(of) for of in zip(*parts, strict=True))
    sample = CalibrationSample(p, truth, np.full(len(truth), UNKNOWN), np.repeat(np.arange(len(parts)), rows))
    return ClassifierError(priors=PRIORS, calibration=sample, line_spread=SPREAD)


def measured(p, error, seed, stratum=UNKNOWN):
    n = len(p)
    rng = np.random.default_rng([seed, 1])
    design = Design.draw(np.arange(n, dtype=np.uint64), resamples=200, rng=rng, calibration=error.calibration)
    rows = CellRows(np.arange(n), p.argmax(axis=1), np.full(n, -1), np.full(n, stratum), p)
    return measure_cell(rows, design, misaligned=MISALIGNED, error=error)


def holds(quantity, truth):
    low, high = np.quantile(quantity.replicates, [0.025, 0.975], axis=0)
    return (low - 1e-9 <= truth) & (truth <= high + 1e-9)


@pytest.mark.calibration
def test_intervals_hold_the_shares_of_a_source_that_draws_the_line_elsewhere():
    runs, held, without, errors = 120, [], [], []
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        error = known_error(rng)
        truth, p = source(rng.normal(0.0, SPREAD), rng.dirichlet(np.ones(5)), 250, rng)
        shares = np.bincount(truth, minlength=5) / len(truth)
        pooled = -(shares[shares > 0] * np.log(shares[shares > 0])).sum()
        found = measured(p, error, seed)
        held.append([*holds(found.shares, shares), holds(found.misaligned, shares[MISALIGNED].sum()),
                     holds(found.pooled, pooled)])  # fmt: skip
        plain = measured(p, replace(error, line_spread=0.0), seed)
        without.append(holds(plain.shares, shares))
        errors.append([np.abs(one.shares.point - shares).sum() / 2 for one in (found, plain)])
    assert np.all(np.sum(held, axis=0) >= binom.ppf(1e-3, runs, 0.95)), np.mean(held, axis=0)
    assert np.mean(np.array(without)[:, :4]) < 0.92, np.mean(without, axis=0)  # of g1 .. g4, without the line
    assert np.mean(errors, axis=0)[0] < np.mean(errors, axis=0)[1]


@pytest.mark.unit
@pytest.mark.parametrize("stratum", [0, 1])
def test_where_the_intent_is_stated_there_is_no_line_to_doubt(stratum):
    rng = np.random.default_rng(7)
    error = known_error(rng)
    _, p = source(0.0, np.full(5, 0.2), 120, rng)
    p = p * (PRIORS[stratum] > 0)
    p /= p.sum(axis=1, keepdims=True)
    with_line, without = (measured(p, replace(error, line_spread=s), 0, stratum) for s in (SPREAD, 0.0))
    np.testing.assert_array_equal(with_line.shares.replicates, without.shares.replicates)


@pytest.mark.unit
def test_two_cells_share_the_line_so_that_their_difference_is_surer_than_either():
    rng = np.random.default_rng(3)
    error = known_error(rng)
    _, p = source(0.0, np.array([0.3, 0.3, 0.2, 0.1, 0.1]), 600, rng)
    n = len(p) // 2
    design = Design.draw(
        np.arange(n, dtype=np.uint64), resamples=400, rng=np.random.default_rng(0), calibration=error.calibration
    )
    one, two = (
        measure_cell(
            CellRows(np.arange(n), q.argmax(axis=1), np.full(n, -1), np.full(n, UNKNOWN), q),
            design, misaligned=MISALIGNED, error=error,
        ).misaligned.replicates
        for q in (p[:n], p[n:])
    )  # fmt: skip
    assert np.std(one - two) < 0.7 * np.std(one)


@pytest.mark.unit
def test_labels_alone_keep_the_doubt_on_their_own_scale():
    error = known_error(np.random.default_rng(0))
    coarse = coarse_error(error)
    assert coarse.line_spread == pytest.approx(SPREAD * shrinkage(SPREAD))
    assert not coarse.line_integrated
    assert coarse_error(coarse).line_spread == coarse.line_spread
