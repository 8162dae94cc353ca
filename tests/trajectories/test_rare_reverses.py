"""Transitions whose reverse is rare or never seen: no more than the data can show, and no numerical error."""

import numpy as np
import pytest

from secondlaw.systems import biased_ring
from secondlaw.trajectories import MaxEnt, StateFluxes, Trajectories

pytestmark = pytest.mark.calibration

STEPS = 3000


@pytest.mark.parametrize("backward", [1e-2, 1e-3, 3e-4, 1e-5])
def test_low_ends_stay_below_the_exact_value_where_reverses_are_rare(backward, at_most):
    chain, runs, above = biased_ring(3, forward=0.5, backward=backward), 30, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        x = chain.simulate(points=STEPS, rng=rng)[0].astype(float)
        found = MaxEnt(StateFluxes(3), resamples=300, draws=199).fit(Trajectories.of([x]), rng=rng)
        above += found.estimate.low > chain.entropy_production_rate()
        assert 0.0 < found.estimate.value < np.log(STEPS)
        assert found.estimate.high < np.log(STEPS)
        parts = sum(one.estimate.value for one in found.contributions)
        assert parts == pytest.approx(found.diagnostics.held_out_value, rel=2e-3)
        assert np.abs(found.trajectory_entropy_production(Trajectories.of([x]))[0]).max() < 2.0 * np.log(STEPS)
    assert at_most(above, runs, 0.025)
