"""Fields that depend on time: traps moved and squeezed by a protocol, with exact entropy production."""

import numpy as np
import pytest

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.systems import breathing_trap, moving_trap
from secondlaw.trajectories import Currents, PolynomialBasis, Trajectories

FAST = {"resamples": 500, "draws": 399}


def fitted(trap, *, points, trajectories, seed=0, **settings):
    x = trap.simulate(points=points, trajectories=trajectories, rng=np.random.default_rng(seed))
    data = Trajectories.of(x, dt=trap.duration / (points - 1))
    return x, data, Currents(**settings, **FAST).fit(data, rng=np.random.default_rng(0))


@pytest.mark.paper
def test_a_moving_trap_produces_velocity_squared_over_diffusion():
    """arXiv 2504.19007: v^2 / D."""
    trap = moving_trap(velocity=2.0, diffusion=0.5, duration=3.0)
    x, data, result = fitted(trap, points=301, trajectories=500, time_degree=1)
    assert result.extrapolated.covers(8.0)
    assert result.estimate.value == pytest.approx(8.0 / 1.04, rel=0.06)  # v^2 dt / 2 D of D is drift
    own = np.array([one.sum() for one in result.trajectory_entropy_production(data)])
    assert np.corrcoef(own, trap.trajectory_entropy_production(x))[0, 1] > 0.999
    np.testing.assert_allclose(result.model.velocity([[0.0], [1.0]], [1.0, 1.5]), 2.0, rtol=0.15)
    assert not [one for one in result.warnings if "halves" in one or "line" in one]


@pytest.mark.paper
def test_order_two_needs_no_extrapolation_for_the_moving_trap():
    trap = moving_trap(velocity=2.0, diffusion=0.5, duration=3.0)
    _, _, result = fitted(trap, points=301, trajectories=500, time_degree=0, order=2)
    assert result.estimate.covers(8.0)


@pytest.mark.paper
def test_a_breathing_trap_produces_what_its_variance_lags_behind():
    """arXiv 2504.19007: (D / s - k)^2 s / D."""
    trap = breathing_trap(duration=1.0)
    x, data, result = fitted(trap, points=101, trajectories=3000, time_degree=6)
    exact = trap.entropy_production_rate()
    assert result.estimate.covers(exact)
    assert result.estimate.low > 0.0
    own = np.array([one.sum() for one in result.trajectory_entropy_production(data)])
    assert np.corrcoef(own, trap.trajectory_entropy_production(x))[0, 1] > 0.95
    theorem = result.fluctuation_theorem(data, rng=np.random.default_rng(0))
    assert theorem.value == pytest.approx(1.0, abs=0.06)
    # Without the system's part the same trajectories break the fluctuation theorem's mean of sigma.
    times, moments = trap.moments(points=101)[0], trap.moments(points=101)[2]
    at, when = np.full((1, 1), 0.5), times[[30]]
    nu = (1.0 / moments[30] - trap.stiffness(when)[0]) * 0.5
    assert result.model.velocity(at, when)[0, 0] == pytest.approx(nu, abs=0.15)


@pytest.mark.unit
def test_a_protocol_of_equilibrium_shows_nothing():
    trap = breathing_trap(duration=1.0, swing=0.0)
    _, _, result = fitted(trap, points=51, trajectories=400, time_degree=3)
    assert result.estimate.low == 0.0
    assert result.estimate.high < 0.05


@pytest.mark.unit
def test_what_protocols_need_is_said():
    trap = moving_trap(velocity=1.0, duration=1.0)
    with pytest.raises(NotEnoughData, match="20 or more realisations"):
        fitted(trap, points=500, trajectories=10, time_degree=1)
    _, data, result = fitted(trap, points=41, trajectories=60, time_degree=1, basis=PolynomialBasis(1))
    with pytest.raises(InvalidInput, match="pass Trajectories"):
        result.transition_entropy_production(data.transitions())
    with pytest.raises(InvalidInput, match="pass the times"):
        result.model.velocity([[0.0]])
    with pytest.raises(InvalidInput, match="fitted at dt"):
        result.trajectory_entropy_production(Trajectories.of([[0.0, 1.0, 2.0]], dt=0.5))
    with pytest.raises(InvalidInput, match="degree in time"):
        Currents(time_degree=-1).fit(data, rng=np.random.default_rng(0))
