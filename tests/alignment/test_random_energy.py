"""Model B: the exact share by quadrature, its threshold, and what the test of a transition says of it."""

import numpy as np
import pytest
from scipy.integrate import quad

from secondlaw.alignment import RandomEnergy, Sweep, critical_preference, phase_transition_test
from secondlaw.errors import InvalidInput, NotEnoughData

SLOPES = {10: 0.55, 100: 0.97, 1000: 1.33, 10_000: 1.64}


def at(goals, ratio=1.0):
    model = RandomEnergy(goals=goals, preference=1.25 * np.log(goals), work=1.0, diffusion=1.0)
    return model.with_work(ratio * model.critical_work())


@pytest.mark.unit
def test_of_two_goals_the_quadrature_is_an_integral_known_otherwise():
    model = RandomEnergy(goals=2, preference=0.5, work=0.7, diffusion=1.0)
    variance = 2.0 * model.variance
    exact, _ = quad(
        lambda x: np.exp(-((x - 0.5) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance) / (1 + np.exp(-x)), -40, 40
    )
    assert model.intended_share() == pytest.approx(exact, abs=1e-6)


@pytest.mark.calibration
@pytest.mark.parametrize("goals", [10, 1000])
def test_draws_have_the_exact_share(goals):
    drawn = at(goals).draw(4000, rng=np.random.default_rng(0))[:, 0]
    assert abs(drawn.mean() - at(goals).intended_share()) < 4 * drawn.std() / np.sqrt(4000)


@pytest.mark.unit
@pytest.mark.parametrize("goals", SLOPES)
def test_the_largest_slope_is_the_checked_one(goals):
    variance = 0.5 * np.log(goals)
    critical = critical_preference(goals, variance)
    ratios = np.linspace(0.85, 1.1, 11)
    shares = [
        RandomEnergy(goals=goals, preference=ratio * critical, work=1.0 / variance, diffusion=1.0).intended_share()
        for ratio in ratios
    ]
    assert np.gradient(shares, ratios).max() == pytest.approx(SLOPES[goals], abs=0.04)


@pytest.mark.unit
def test_curves_cross_at_the_critical_work_and_steepen():
    for ratio, more in ((0.5, -1), (2.0, 1)):
        shares = [at(goals, ratio).intended_share() for goals in (100, 1000, 10_000)]
        assert (np.diff(shares) * more > 0.0).all()
    peaks = np.array([at(goals).susceptibility() for goals in (100, 1000, 10_000, 100_000)])
    assert (np.diff(peaks) > 0.0).all()
    grown = np.log(peaks[-1] / peaks[-2]) / np.log(np.log(1e5) / np.log(1e4))
    assert 0.5 < grown < 0.8  # towards 1/2 from above


@pytest.mark.unit
def test_a_frozen_system_has_the_other_threshold():
    model = RandomEnergy(goals=1000, preference=3.0 * np.log(1000), work=1.0, diffusion=1.0)
    assert model.critical_work() == pytest.approx(2.0 / (9.0 * np.log(1000)))
    assert critical_preference(1000, model.diffusion / model.critical_work()) == pytest.approx(model.preference)


@pytest.mark.calibration
def test_paths_reach_the_steady_state():
    model = RandomEnergy(goals=50, preference=5.0, work=1.0, diffusion=1.0)
    paths = model.simulate(times=np.array([0.0, 1.0, 8.0]), agents=2000, rng=np.random.default_rng(0))
    assert paths[0] == pytest.approx(1 / 50)
    assert abs(paths[-1].mean() - model.intended_share()) < 4 * paths[-1].std() / np.sqrt(2000)


@pytest.mark.calibration
def test_the_test_finds_its_transition():
    shares = np.geomspace(0.3, 3.0, 11)
    rng = np.random.default_rng(5)
    sweeps = [
        Sweep(goals, shares, np.stack([at(goals, share).draw(1000, rng=rng)[:, 0] for share in shares]))
        for goals in (30, 300, 3000)
    ]
    verdict = phase_transition_test(sweeps, rng=rng)
    assert verdict.kind == "transition"
    assert verdict.growth.low > 0.0
    assert all(0.7 < crossing.value < 1.5 for crossing in verdict.crossings)


@pytest.mark.unit
def test_what_has_no_threshold_or_too_few_sizes_is_refused():
    with pytest.raises(InvalidInput, match="without a positive preference no work suffices, got 0"):
        RandomEnergy(goals=10, preference=0.0, work=1.0, diffusion=1.0).critical_work()
    with pytest.raises(InvalidInput, match=r"a preference of ln G = 2.303 or less wins at no work, got 2"):
        RandomEnergy(goals=10, preference=2.0, work=1.0, diffusion=1.0).critical_work()
    with pytest.raises(InvalidInput, match="goals must be a whole number of at least 2, got 1"):
        RandomEnergy(goals=1, preference=1.0, work=1.0, diffusion=1.0)
    control = np.geomspace(0.3, 3.0, 8)
    with pytest.raises(NotEnoughData, match="at least 8 values of the control, got 7"):
        Sweep(10, control[:7], np.zeros((7, 5)))
    with pytest.raises(NotEnoughData, match="at least 3 sizes, got 1"):
        phase_transition_test([Sweep(10, control, np.zeros((8, 5)))], rng=np.random.default_rng(0))
