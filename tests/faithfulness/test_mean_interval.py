"""Means of few values: coverage at 3 to 20 sentences or questions, and no false certainty where all are equal."""

import numpy as np
import pytest
from scipy.stats import binom

from secondlaw.faithfulness import mean_difference
from secondlaw.faithfulness.mean_interval import mean_interval
from secondlaw.types import Estimate, Insufficient

SENTENCES = {  # values of a sentence, and their mean
    "high": (lambda rng, n: rng.beta(8.0, 1.5, size=n), 8.0 / 9.5),
    "spread": (lambda rng, n: rng.beta(3.0, 3.0, size=n), 0.5),
    "copies": (lambda rng, n: np.where(rng.random(n) < 0.6, 1.0, rng.beta(4.0, 3.0, size=n)), 0.6 + 0.4 * 4.0 / 7.0),
}


@pytest.mark.calibration
@pytest.mark.parametrize("n", [3, 5, 10, 20])
@pytest.mark.parametrize("kind", SENTENCES)
def test_means_over_sentences_cover(kind, n):
    rng = np.random.default_rng(n)
    draw, truth = SENTENCES[kind]
    times = 250
    ends = [mean_interval(draw(rng, n), np.ones(n), rng=rng, level=0.95, bounds=(0.0, 1.0)) for _ in range(times)]
    assert sum(low <= truth <= high for low, high in ends) >= binom.ppf(0.001, times, 0.92)


DIFFERENCES = {
    "none": (lambda rng, n: rng.normal(size=n), 0.0),
    "some": (lambda rng, n: 0.3 + rng.normal(size=n), 0.3),
    "heavy tails": (lambda rng, n: rng.standard_t(3, size=n), 0.0),
    "shares": (lambda rng, n: rng.beta(8, 1, size=n) - rng.beta(8, 2, size=n), 8 / 9 - 0.8),
}


@pytest.mark.calibration
@pytest.mark.parametrize("n", [5, 8, 15])
@pytest.mark.parametrize("kind", DIFFERENCES)
def test_differences_of_two_systems_cover_and_p_values_hold_their_level(kind, n):
    rng = np.random.default_rng(n)
    draw, truth = DIFFERENCES[kind]
    times, covered, low = 200, 0, 0
    for _ in range(times):
        found = mean_difference("x", np.zeros(n), draw(rng, n), np.arange(n), rng=rng)
        covered += found.difference.covers(truth)
        low += found.p_value <= 0.05
    assert covered >= binom.ppf(0.001, times, 0.93)
    if truth == 0.0:
        assert low <= binom.ppf(0.999, times, 0.05)


@pytest.mark.calibration
def test_answers_of_one_question_count_once():
    rng = np.random.default_rng(0)
    times, questions, low, covered = 200, 8, 0, 0
    for _ in range(times):
        apart = np.repeat(rng.normal(size=questions), 5) + 0.1 * rng.normal(size=5 * questions)
        found = mean_difference("x", np.zeros(5 * questions), apart, np.repeat(np.arange(questions), 5), rng=rng)
        low += found.p_value <= 0.05
        covered += found.difference.covers(0.0)
    assert low <= binom.ppf(0.999, times, 0.05)
    assert covered >= binom.ppf(0.001, times, 0.93)


@pytest.mark.unit
def test_equal_values_are_no_certainty():
    rng, ones = np.random.default_rng(0), np.ones(6)
    low, high = mean_interval(ones, ones, rng=rng, level=0.95, bounds=(0.0, 1.0))
    assert (low, high) == (pytest.approx(0.025 ** (1 / 6)), 1.0)
    assert mean_interval(ones, ones, rng=rng, level=0.95, bounds=(-np.inf, np.inf)) is None
    found = mean_difference("x", ones, ones + 0.5, np.arange(6), rng=rng)
    assert isinstance(found.difference, Insufficient)
    assert "+0.5" in found.difference.reason


@pytest.mark.unit
def test_a_difference_stays_within_what_it_can_be():
    rng = np.random.default_rng(0)
    second = np.array([1.0, 1.0, 1.0, 0.0, 1.0])
    found = mean_difference("share", np.zeros(5), second, np.arange(5), rng=rng, limits=(-1.0, 1.0))
    assert isinstance(found.difference, Estimate)
    assert found.difference.high == 1.0
