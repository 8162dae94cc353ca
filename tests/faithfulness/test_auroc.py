"""AUROC and combined scores: intervals that cover, out of fold without bias, equal or separated scores."""

import numpy as np
import pytest
from scipy.stats import binom, norm

from secondlaw.faithfulness import auroc, fit_combined
from secondlaw.types import Insufficient


@pytest.mark.calibration
@pytest.mark.parametrize(("faithful", "other"), [(10, 10), (10, 40), (40, 40)])
@pytest.mark.parametrize("area", [0.5, 0.75, 0.9, 0.97, 0.995])
def test_intervals_cover_the_area(faithful, other, area):
    rng = np.random.default_rng(faithful + other + round(1000 * area))
    n, covered = 80, 0
    truth = np.arange(faithful + other) < faithful
    for number in range(n):
        if number % 2:  # scores with a long tail: P(X > Y) of exponential ones with means a and 1 is a / (a + 1)
            scores = rng.exponential(size=len(truth)) * np.where(truth, area / (1.0 - area), 1.0)
        else:
            scores = rng.normal(size=len(truth)) + np.sqrt(2.0) * norm.ppf(area) * truth
        found = auroc(scores, truth, rng=rng, resamples=200)
        covered += found.covers(area)
    assert covered >= binom.ppf(0.001, n, 0.95)


@pytest.mark.calibration
@pytest.mark.parametrize(("n", "size"), [(40, 1), (120, 1), (120, 4)])
def test_out_of_fold_areas_cover_that_of_the_fitted_score_and_are_not_biased(n, size):
    rng = np.random.default_rng(n + size)
    groups, scale = np.arange(n) // size, 1.0 if size == 1 else np.sqrt(1.5)
    times, covered, off = 40, 0, []
    for number in range(times):
        useful = 0.7 * (number % 2)  # every other score is of noise
        truth = rng.permutation(np.arange(n) % 2 == 0)
        x = rng.normal(size=(n, 4)) + (0.0 if size == 1 else np.sqrt(0.5)) * rng.normal(size=(n, 4))[groups]
        x[:, 0] += useful * truth
        found = fit_combined(x, truth, groups, rng=rng, names=tuple("abcd"))
        slope = found.weights / found.scales
        area = norm.cdf(useful * slope[0] / (scale * np.sqrt(2.0 * (slope**2).sum())))
        covered += found.auroc.covers(area)
        off.append(found.auroc.value - area)
    assert covered >= binom.ppf(0.001, times, 0.95)
    assert abs(np.mean(off)) < 3.0 * np.std(off) / np.sqrt(times)


@pytest.mark.unit
def test_separated_scores_are_no_certainty_and_equal_ones_say_nothing():
    truth = np.arange(20) < 10
    rng = np.random.default_rng(0)
    found = auroc(truth.astype(float), truth, rng=rng)
    assert (found.value, found.high) == (1.0, 1.0)
    assert 0.6 < found.low < 0.9
    mirrored = auroc(~truth, truth, rng=rng)
    assert (mirrored.low, mirrored.high) == pytest.approx((0.0, 1.0 - found.low), abs=1e-9)
    equal = auroc(np.ones(20), truth, rng=rng)
    assert isinstance(equal, Insufficient)
    assert "equal" in equal.reason


@pytest.mark.unit
def test_answers_of_one_group_count_once_where_all_are_separated():
    truth = np.arange(80) < 40
    rng = np.random.default_rng(0)
    alone = auroc(truth.astype(float), truth, rng=rng)
    grouped = auroc(truth.astype(float), truth, groups=np.arange(80) // 4, rng=rng)
    assert grouped.low < alone.low - 0.05


@pytest.mark.unit
def test_groups_of_one_kind_each_in_a_fold_are_told():
    truth = np.arange(50) < 10
    groups = np.minimum(np.arange(50) // 10, 4)  # one group holds all faithful answers, so no fold has both kinds
    found = fit_combined(np.arange(50.0)[:, None], truth, groups, rng=np.random.default_rng(0), names=("a",))
    assert isinstance(found.auroc, Insufficient)
