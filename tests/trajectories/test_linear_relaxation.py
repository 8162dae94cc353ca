"""Housekeeping and excess of relaxing linear Langevin dynamics, against the exact moments of :mod:`systems`."""

import numpy as np
import pytest
from scipy.integrate import simpson

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.systems import bead_spring_chain, relaxation, spinning_particle
from secondlaw.trajectories import Trajectories, linear_relaxation_split

FAST = {"resamples": 300}
SPIN, CHAIN = spinning_particle(), bead_spring_chain(3)


def exact(system, mean, spread, *, duration=1.0):
    """Return housekeeping, excess and their sum over the duration, from the exact moments."""
    path = relaxation(system, np.linspace(0.0, duration, 1001), mean=mean, spread=spread)
    housekeeping = simpson(path.housekeeping, x=path.times)
    total = simpson(path.total, x=path.times)
    assert housekeeping + path.divergence[0] - path.divergence[-1] == pytest.approx(total, rel=1e-6)
    return housekeeping, total - housekeeping, total


def split(system, mean, spread, rng, *, runs=400, points=51, shift=0.0):
    start = rng.multivariate_normal(mean, spread, size=runs)
    x = system.simulate(points=points, dt=1.0 / (points - 1), trajectories=runs, start=start, rng=rng)
    found = linear_relaxation_split(Trajectories.of(x + shift, dt=1.0 / (points - 1)), rng=rng, **FAST)
    return found.housekeeping, found.excess, found.total


@pytest.mark.unit
@pytest.mark.parametrize("points", [51, 50])  # Simpson's rule with and without a last trapezoid
def test_both_parts_are_met_wherever_the_steady_state_lies(points):
    known = exact(SPIN, [2.0, 0.0], np.eye(2))
    found = split(SPIN, [2.0, 0.0], np.eye(2), np.random.default_rng(0), runs=3000, points=points, shift=7.0)
    for estimate, truth in zip(found, known, strict=True):
        assert estimate.covers(truth)
        assert estimate.value == pytest.approx(truth, rel=0.06)
        assert estimate.unit == "nats"


@pytest.mark.unit
def test_in_the_steady_state_everything_is_housekeeping():
    steady = SPIN.stationary_covariance()
    housekeeping, excess, total = split(SPIN, np.zeros(2), steady, np.random.default_rng(0))
    assert housekeeping.covers(8.0)
    assert excess.low == 0.0
    assert excess.high < 0.1
    assert total.covers(8.0)


@pytest.mark.unit
def test_data_that_carry_no_split_are_refused():
    rng = np.random.default_rng(0)
    x = SPIN.simulate(points=20, dt=0.05, trajectories=120, rng=rng)
    with pytest.raises(InvalidInput, match="pass dt"):
        linear_relaxation_split(Trajectories.of(x), rng=rng)
    with pytest.raises(NotEnoughData, match="too few"):
        linear_relaxation_split(Trajectories.of(x[:50], dt=0.05), rng=rng)
    with pytest.raises(NotEnoughData, match="too few"):
        linear_relaxation_split(Trajectories.of(x[:, :5], dt=0.05), rng=rng)
    with pytest.raises(InvalidInput, match="one length"):
        linear_relaxation_split(Trajectories.of([x[0, :9], *x], dt=0.05), rng=rng)
    with pytest.raises(InvalidInput, match="never changes"):
        linear_relaxation_split(Trajectories.of(np.concatenate([x, np.ones((120, 20, 1))], axis=2), dt=0.05), rng=rng)
    with pytest.raises(InvalidInput, match="has no noise"):
        linear_relaxation_split(Trajectories.of(np.concatenate([x, x[:, :, :1] * 2], axis=2), dt=0.05), rng=rng)
    growing = np.cumsum(np.abs(rng.normal(size=(120, 20, 1))), axis=1) ** 2
    with pytest.raises(NotEnoughData, match="does not relax"):
        linear_relaxation_split(Trajectories.of(growing, dt=0.05), rng=rng)


@pytest.mark.calibration
def test_intervals_cover_both_parts(at_most):
    mean = np.array([3.0, -2.0, 1.0])
    known, runs, missed = exact(CHAIN, mean, np.eye(3)), 60, np.zeros(3)
    for seed in range(100, 100 + runs):
        found = split(CHAIN, mean, np.eye(3), np.random.default_rng(seed))
        missed += [not one.covers(truth) for one, truth in zip(found, known, strict=True)]
    assert all(at_most(count, runs, 0.06) for count in missed)  # the bootstrap of 50 blocks: 5.6 % in 1,000 runs
