import numpy as np
import pytest
from known_processes import reversible_noise

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.systems import LinearLangevin, heat_conducting_oscillators, spinning_particle
from secondlaw.trajectories import LinearModel, Trajectories, Transitions

FAST = {"resamples": 300, "draws": 199}
NAMES = ("x", "y", "u", "v")


def stirred_particle(twist=0.5):
    """Underdamped particle in a round trap with a force that stirs it: 2/3 nats per unit of time."""
    drift = np.array([[0, 0, 1, 0], [0, 0, 0, 1], [-1, twist, -1, 0], [-twist, -1, 0, -1.0]])
    return LinearLangevin(drift, [0, 0, 1, 1], parity=(1, 1, -1, -1))


@pytest.mark.unit
def test_underdamped_particles_are_met_with_odd_velocities():
    rng = np.random.default_rng(0)
    for system, exact, dt in ((stirred_particle(), 2 / 3, 0.3), (heat_conducting_oscillators(), 1.35, 0.2)):
        assert system.entropy_production_rate() == pytest.approx(exact, rel=0.01)
        x = system.simulate(points=300, dt=dt, trajectories=100, rng=rng)
        result = LinearModel(odd=("u", "v"), **FAST).fit(Trajectories.of(x, variables=NAMES, dt=dt), rng=rng)
        assert result.estimate.covers(exact)
        assert result.estimate.value == pytest.approx(exact, rel=0.2)
        assert result.bound == "exact"


@pytest.mark.unit
def test_velocities_taken_as_even_give_another_number():
    rng = np.random.default_rng(0)
    x = stirred_particle().simulate(points=300, dt=0.3, trajectories=60, rng=rng)
    even = LinearModel(**FAST).fit(Trajectories.of(x, variables=NAMES, dt=0.3), rng=rng)
    assert even.estimate.low > 3 * 2 / 3


@pytest.mark.unit
def test_even_linear_dynamics_meet_their_lagged_divergence_and_single_transitions():
    rng, system = np.random.default_rng(0), spinning_particle()
    x = system.simulate(points=300, dt=0.05, trajectories=60, rng=rng)
    result = LinearModel(**FAST).fit(Trajectories.of(x, dt=0.05), rng=rng)
    assert result.estimate.covers(system.lag_divergence(0.05) / 0.05)
    sigma = np.array([part.sum() for part in result.trajectory_entropy_production(Trajectories.of(x))])
    assert np.corrcoef(sigma, system.trajectory_entropy_production(x, 0.05))[0, 1] > 0.99
    pair = Transitions.of(x[:5, 0], x[:5, 1])
    turned = result.transition_entropy_production(Transitions.of(x[:5, 1], x[:5, 0]))
    np.testing.assert_allclose(result.transition_entropy_production(pair), -turned, atol=1e-9)


@pytest.mark.unit
def test_data_that_carry_no_number_are_refused():
    rng = np.random.default_rng(0)
    x = reversible_noise(400, 2, rng)
    with pytest.raises(InvalidInput, match="never changes"):
        LinearModel().fit(Trajectories.of([np.c_[x, np.ones(400)]]), rng=rng)
    with pytest.raises(InvalidInput, match="follows from the others"):
        LinearModel().fit(Trajectories.of([np.c_[x, x.sum(axis=1)]]), rng=rng)
    t = 0.3 * np.arange(400)
    with pytest.raises(InvalidInput, match="without error"):
        LinearModel().fit(Trajectories.of([np.stack([np.cos(t), np.sin(t)], axis=1)]), rng=rng)
    with pytest.raises(NotEnoughData, match="too few to fit"):
        LinearModel().fit(Trajectories.of([reversible_noise(60, 4, rng)]), rng=rng)


@pytest.mark.calibration
def test_equilibrium_seldom_shows_a_positive_lower_end_and_the_interval_covers(at_most):
    still, stirred = heat_conducting_oscillators(temperatures=(2.0, 2.0)), stirred_particle()
    positive = missed = above = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        found = []
        for system in (still, stirred):
            x = system.simulate(points=80, dt=0.3, trajectories=40, rng=rng)
            data = Trajectories.of(x, variables=NAMES, dt=0.3)
            found.append(LinearModel(odd=("u", "v"), **FAST).fit(data, rng=rng).estimate)
        positive += found[0].low > 0
        missed += not found[1].covers(2 / 3)
        above += found[1].low > 2 / 3
    assert at_most(positive, 40, 0.025)
    assert at_most(missed, 40, 0.05)
    assert at_most(above, 40, 0.025)
