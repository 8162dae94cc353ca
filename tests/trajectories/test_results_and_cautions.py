"""Paired differences are those of the values, whatever the estimator and its dt; warnings come where they should."""

import numpy as np
import pytest

from secondlaw.errors import InvalidInput
from secondlaw.systems import breathing_trap, moving_trap, spinning_particle
from secondlaw.trajectories import (
    CrossCorrelations,
    Currents,
    LinearModel,
    MaxEnt,
    PolynomialBasis,
    Trajectories,
    UncertaintyRelation,
)

pytestmark = pytest.mark.unit

FAST = {"resamples": 200, "draws": 99}


@pytest.fixture(scope="module")
def spun():
    x = spinning_particle().simulate(points=100, dt=0.05, trajectories=40, rng=np.random.default_rng(0))
    return Trajectories.of(x, dt=0.05)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (MaxEnt(**FAST), MaxEnt(CrossCorrelations(("x0", "x1")), **FAST)),
        (MaxEnt(**FAST), UncertaintyRelation(**FAST)),
        (Currents(**FAST), Currents(basis=PolynomialBasis(3), **FAST)),
    ],
    ids=["MaxEnt", "MaxEnt and its quadratic relative", "Currents"],
)
def test_a_difference_is_that_of_the_values(spun, one, other):
    first, second = (estimator.fit(spun, rng=np.random.default_rng(0)) for estimator in (one, other))
    found = first.difference(second)
    assert found.value == pytest.approx(first.estimate.value - second.estimate.value)
    assert found.low < found.value < found.high
    assert found.high - found.low < first.estimate.high - first.estimate.low
    assert found.unit == "nats per unit of time"


def test_estimators_without_values_of_blocks_have_no_differences(spun):
    linear, pairs = (one.fit(spun, rng=np.random.default_rng(0)) for one in (LinearModel(**FAST), MaxEnt(**FAST)))
    for first, second in ((linear, linear), (linear, pairs), (pairs, linear)):
        with pytest.raises(InvalidInput, match="paired difference"):
            first.difference(second)


def test_a_straight_line_is_foreseen_without_error():
    found = MaxEnt(**FAST).fit(Trajectories.of([np.linspace(0.0, 1.0, 500)]), rng=np.random.default_rng(0))
    assert any("foreseen without error" in one for one in found.warnings)


def test_where_nothing_is_found_no_dt_is_called_coarse():
    x = breathing_trap(duration=1.0).simulate(points=101, trajectories=300, rng=np.random.default_rng(0))
    found = Currents(**FAST).fit(Trajectories.of(x, dt=0.01), rng=np.random.default_rng(0))
    assert found.estimate.value == pytest.approx(0.0, abs=1e-9)
    assert not any("dt is coarse" in one for one in found.warnings)


@pytest.mark.parametrize("runs", [300, 3000])
def test_a_drift_of_many_trajectories_is_said(runs):
    x = moving_trap(velocity=1.0, duration=1.0).simulate(points=11, trajectories=runs, rng=np.random.default_rng(0))
    for data, drifts in ((x, True), (x - x.mean(axis=0), False)):
        found = MaxEnt(**FAST).fit(Trajectories.of(data), rng=np.random.default_rng(0))
        assert any("differs between the halves" in one for one in found.warnings) == drifts
