"""False alarms and coverage of currents over many seeds, each against a binomial bound."""

import numpy as np
import pytest
from known_processes import linear_langevin
from scipy.stats import binom

from secondlaw.systems import spinning_particle
from secondlaw.trajectories import Currents, LinearBasis, PolynomialBasis, RadialBasis, Trajectories

pytestmark = pytest.mark.calibration
FAST = {"resamples": 400, "draws": 399}
COUPLED = np.array([[-2.0, 1.0, 0.0], [1.0, -2.0, 1.0], [0.0, 1.0, -2.0]])


def at_most(hits, runs, rate):
    """Whether `hits` agree with a chance of at most `rate` (one chance in a thousand of failing at exactly it)."""
    return hits <= binom.ppf(0.999, runs, rate)


def short(rng):
    return linear_langevin(COUPLED, np.eye(3), 0.02, 60, 60, rng)


def one_long(rng):
    return linear_langevin(COUPLED, np.eye(3), 0.05, 1, 4000, rng)


def double_well(rng):
    """Two coordinates in a double well, D = 1."""
    x = rng.normal(size=(40, 2))
    out = np.empty((40, 120, 2))
    for t in range(120):
        out[:, t] = x
        for _ in range(4):
            x = x + 0.005 * (x - x**3 + 0.3 * x[:, ::-1]) + 0.1 * rng.normal(size=x.shape)
    return out


@pytest.mark.parametrize(
    ("make", "dt", "settings"),
    [
        (short, 0.02, {}),
        (one_long, 0.05, {}),
        (short, 0.02, {"basis": LinearBasis(), "steady": False}),
        (double_well, 0.02, {"basis": PolynomialBasis(3)}),
        (double_well, 0.02, {"basis": RadialBasis(5)}),
        (short, 0.02, {"order": 2}),
        (double_well, 0.02, {"basis": PolynomialBasis(2), "diffusion": "state"}),
    ],
)
def test_reversible_diffusions_seldom_show_a_positive_lower_end(make, dt, settings):
    runs, positive, rejected = 20, 0, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        result = Currents(**settings, **FAST).fit(Trajectories.of(make(rng), dt=dt), rng=rng)
        positive += result.estimate.low > 0
        rejected += result.null.p_value <= 0.05
    assert at_most(positive, runs, 0.025)
    assert at_most(rejected, runs, 0.05)


def test_a_complete_basis_covers_and_seldom_exceeds_the_exact_rate():
    runs, missed, above, beyond = 50, 0, 0, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        x = spinning_particle().simulate(points=201, dt=0.01, trajectories=80, rng=rng)
        result = Currents(**FAST).fit(Trajectories.of(x, dt=0.01), rng=rng)
        missed += not result.estimate.covers(7.726)
        above += result.estimate.low > 8.0
        beyond += not result.extrapolated.covers(8.0)
    assert at_most(missed, runs, 0.05)
    assert at_most(above, runs, 0.025)
    assert at_most(beyond, runs, 0.06)  # terms of second order in dt remain
    assert missed > 0  # an interval that never misses is too wide to be of use


def test_weak_currents_are_found():
    found = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        x = spinning_particle(spin=0.5).simulate(points=301, dt=0.02, trajectories=30, rng=rng)
        result = Currents(**FAST).fit(Trajectories.of(x, dt=0.02), rng=rng)
        found += result.estimate.low > 0.0
    assert found >= 9
