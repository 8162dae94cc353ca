"""Coverage and false alarms over many seeds, each against a binomial bound."""

import numpy as np
import pytest
from known_processes import CYCLE, driven_cycle, metropolis_chain, reversible_noise
from scipy.stats import binom

from secondlaw.trajectories import MaxEnt, StateFluxes, Trajectories, UncertaintyRelation, by_order

pytestmark = pytest.mark.calibration
FAST = {"resamples": 500, "draws": 399}


def at_most(hits, runs, rate):
    """Whether `hits` agree with a chance of at most `rate` (one chance in a thousand of failing at exactly it)."""
    return hits <= binom.ppf(0.999, runs, rate)


def noise(rng):
    return [reversible_noise(1500, 4, rng)]


def short_noises(rng):
    return [reversible_noise(60, 4, rng) for _ in range(30)]


@pytest.mark.parametrize("make", [noise, short_noises])
def test_reversible_series_seldom_show_a_positive_lower_end(make):
    runs, positive, rejected = 50, 0, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        result = MaxEnt(**FAST).fit(Trajectories.of(make(rng)), rng=rng)
        positive += result.estimate.low > 0
        rejected += result.null.p_value <= 0.05
    assert at_most(positive, runs, 0.025)
    assert at_most(rejected, runs, 0.05)


def test_a_reversible_chain_seldom_shows_a_positive_lower_end():
    runs, positive = 60, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        x = metropolis_chain(2000, np.array([0.1, 0.2, 0.3, 0.4]), rng)
        positive += MaxEnt(StateFluxes(4), **FAST).fit(Trajectories.of([x]), rng=rng).estimate.low > 0
    assert at_most(positive, runs, 0.025)


def test_complete_observables_cover_the_exact_value_at_the_nominal_rate():
    runs, missed, above = 120, 0, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        data = Trajectories.of([driven_cycle(3000, rng)])
        estimate = MaxEnt(StateFluxes(3), **FAST).fit(data, rng=rng).estimate
        missed += not estimate.covers(CYCLE)
        above += estimate.low > CYCLE
    assert at_most(missed, runs, 0.05)
    assert at_most(above, runs, 0.025)
    assert missed > 0  # an interval that never misses is too wide to be of use


def test_incomplete_bounds_stay_below_the_exact_value():
    runs, above = 40, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        data = Trajectories.of([driven_cycle(3000, rng)])
        above += UncertaintyRelation(StateFluxes(3), form="logarithmic", **FAST).fit(data, rng=rng).estimate.low > CYCLE
    assert at_most(above, runs, 0.025)


def test_the_sign_flip_test_has_power():
    found = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        data = Trajectories.of([driven_cycle(1500, rng, forward=0.4, backward=0.3)])
        result = MaxEnt(StateFluxes(3), **FAST).fit(data, rng=rng)
        found += result.null.p_value < 0.025 and result.estimate.low > 0
    assert found >= 6


def test_parts_of_a_value_and_what_an_order_adds_are_covered():
    """The three edges of a driven cycle share alike; of its states as two binary variables order 1 shows nothing."""
    runs, missed, gained, above = 50, 0, 0, 0
    for seed in range(500, 500 + runs):
        rng = np.random.default_rng(seed)
        result = MaxEnt(StateFluxes(3), **FAST).fit(Trajectories.of([driven_cycle(3000, rng)]), rng=rng)
        missed += sum(not part.estimate.covers(CYCLE / 3.0) for part in result.contributions)
        raster = np.stack([driven_cycle(2500, rng) == k for k in (0, 1)], axis=1).astype(float)
        (_, second), (gain,) = by_order(Trajectories.of([raster]), (1, 2), rng=rng, **FAST)
        gained += not gain.covers(second.estimate.value)
        above += second.estimate.low > CYCLE
    assert at_most(missed, 3 * runs, 0.08)  # .073 of 720 in scripts/calibrate_trajectories.py
    assert at_most(gained, runs, 0.05)
    assert at_most(above, runs, 0.025)
