import numpy as np
import pytest
from known_processes import driven_cycle, reversible_noise

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.systems import active_particle
from secondlaw.trajectories import Trajectories, memory_test, stationarity_test


def one_long(rng):
    return [reversible_noise(1500, 2, rng)]


def many_short(rng):
    return [reversible_noise(40, 2, rng) for _ in range(30)]


def cycle(rng):
    return [driven_cycle(1500, rng)]


@pytest.mark.calibration
@pytest.mark.parametrize("make", [one_long, many_short, cycle])
def test_stationary_data_are_rejected_at_the_nominal_level(make, at_most):
    runs, rejected, often = 150, 0, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        p = stationarity_test(Trajectories.of(make(rng)), rng=rng, draws=199).p_value
        rejected += p <= 0.05
        often += p <= 0.3
    assert at_most(rejected, runs, 0.05)
    assert often > 0.1 * runs  # p-values are no mere ones


@pytest.mark.unit
def test_drifts_are_seen_and_named():
    rng = np.random.default_rng(0)
    x = reversible_noise(2000, 3, rng)
    x[:, 1] += np.linspace(0.0, 1.5, 2000)
    found = stationarity_test(Trajectories.of([x]), rng=rng)
    assert found.p_value < 0.01
    assert found.largest.startswith("x1")
    relaxing = [reversible_noise(40, 2, rng) * np.linspace(3.0, 1.0, 40)[:, None] for _ in range(40)]
    widths = stationarity_test(Trajectories.of(relaxing), rng=rng)
    assert widths.p_value < 0.01
    assert "^2" in widths.largest or "'" in widths.largest
    assert widths.units == 40


@pytest.mark.unit
def test_a_memory_as_long_as_the_recording_is_warned_of():
    walk = np.cumsum(np.random.default_rng(1).normal(size=600))
    assert "still resemble" in stationarity_test(Trajectories.of([walk]), rng=np.random.default_rng(0)).warnings[0]


@pytest.mark.unit
def test_short_data_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(NotEnoughData, match="too few to see a drift"):
        stationarity_test(Trajectories.of([np.zeros(50)]), rng=rng)
    with pytest.raises(NotEnoughData, match="8 points or more"):
        stationarity_test(Trajectories.of(np.zeros((30, 5, 1))), rng=rng)
    with pytest.raises(InvalidInput, match="99 draws"):
        stationarity_test(Trajectories.of([np.zeros(500)]), rng=rng, draws=5)
    with pytest.raises(NotEnoughData, match="never move"):
        memory_test(Trajectories.of([np.ones(500)]), rng=rng, discrete=False)


@pytest.mark.calibration
def test_markov_processes_seldom_look_as_if_something_were_hidden(at_most):
    hidden = {"continuous": 0, "discrete": 0}
    for seed in range(60):
        rng = np.random.default_rng(seed)
        hidden["continuous"] += memory_test(Trajectories.of(one_long(rng)), rng=rng, resamples=300).hidden
        hidden["discrete"] += memory_test(Trajectories.of(cycle(rng)), rng=rng, resamples=300).hidden
    assert all(at_most(count, 60, 0.025) for count in hidden.values())


@pytest.mark.unit
def test_the_position_of_an_active_particle_hides_its_propulsion():
    rng = np.random.default_rng(0)
    x = active_particle().simulate(points=300, dt=0.2, trajectories=30, rng=rng)
    whole, part = (memory_test(Trajectories.of(y), rng=rng, resamples=300) for y in (x, x[:, :, :1]))
    assert not whole.hidden
    assert part.hidden
    assert "hide entropy production" in part.warnings[0]


@pytest.mark.unit
def test_lumped_states_remember():
    rng = np.random.default_rng(0)
    lumped = (driven_cycle(6000, rng) == 2).astype(float)
    assert memory_test(Trajectories.of([lumped]), rng=rng).hidden
