import numpy as np
import pytest

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.systems import breathing_trap, moving_trap
from secondlaw.trajectories import ReverseSamplesMaxEnt, Trajectories, windows

FAST = {"resamples": 400, "draws": 199}


def runs_of(trap, runs, rng, points=6):
    return tuple(
        Trajectories.of(one.simulate(points=points, trajectories=runs, rng=rng)) for one in (trap, trap.reversed())
    )


@pytest.mark.paper
def test_moving_and_breathing_traps_with_reversed_protocol_are_met_from_below():
    rng = np.random.default_rng(0)
    moving = moving_trap(velocity=1.0, duration=1.0)
    result = ReverseSamplesMaxEnt().fit(*runs_of(moving, 4000, rng), rng=rng)
    assert result.estimate.value == pytest.approx(moving.lag_divergence(points=6), rel=0.12)
    assert result.estimate.low <= moving.entropy_production()
    assert result.estimate.low > 0.5
    breathing = breathing_trap(duration=1.0, swing=1.8)
    found = ReverseSamplesMaxEnt().fit(*runs_of(breathing, 3000, rng, points=11), rng=rng)
    assert found.estimate.covers(breathing.lag_divergence(points=11))
    assert found.estimate.low > 0.25


@pytest.mark.unit
def test_fitted_entropy_production_of_runs_follows_the_exact_one():
    rng, trap = np.random.default_rng(1), moving_trap(velocity=1.0, duration=1.0)
    ahead, back = runs_of(trap, 2000, rng)
    result = ReverseSamplesMaxEnt(features=lambda x: x[:, :, 0], **FAST).fit(ahead, back, rng=rng)
    sigma = result.transition_entropy_production(windows(ahead, 6))
    exact = trap.trajectory_entropy_production(np.stack(ahead.series))
    assert np.corrcoef(sigma, exact)[0, 1] > 0.97
    with pytest.raises(InvalidInput, match="whole runs of 6 points"):
        result.transition_entropy_production(windows(ahead, 3))


@pytest.mark.unit
def test_a_trap_at_rest_is_warned_of_and_bad_runs_are_named():
    rng, trap = np.random.default_rng(2), moving_trap(velocity=0.0, duration=1.0)
    ahead, back = runs_of(trap, 100, rng)
    fit = ReverseSamplesMaxEnt(**FAST).fit
    assert any("do not quote" in text for text in fit(ahead, back, rng=rng).warnings)
    with pytest.raises(NotEnoughData, match="10 reverse runs"):
        fit(ahead, Trajectories.of(list(back.series[:10])), rng=rng)
    with pytest.raises(InvalidInput, match="equally long"):
        fit(Trajectories.of([*ahead.series, np.zeros((3, 1))]), back, rng=rng)
    with pytest.raises(InvalidInput, match="one shape"):
        fit(ahead, Trajectories.of([s[:4] for s in back.series]), rng=rng)
    with pytest.raises(InvalidInput, match="finite with one row"):
        ReverseSamplesMaxEnt(features=lambda x: np.full((len(x), 1), np.nan)).fit(ahead, back, rng=rng)
    with pytest.raises(InvalidInput, match="odd variable 'v'"):
        ReverseSamplesMaxEnt(odd=("v",)).fit(ahead, back, rng=rng)


@pytest.mark.calibration
def test_protocols_without_irreversibility_seldom_show_a_positive_lower_end(at_most):
    trap, positive = moving_trap(velocity=0.0, duration=1.0), 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        positive += ReverseSamplesMaxEnt(**FAST).fit(*runs_of(trap, 150, rng), rng=rng).estimate.low > 0
    assert at_most(positive, 40, 0.025)


@pytest.mark.calibration
def test_the_interval_holds_the_exact_value(at_most):
    trap, above, below = moving_trap(velocity=1.0, duration=1.0), 0, 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        estimate = ReverseSamplesMaxEnt(**FAST).fit(*runs_of(trap, 600, rng), rng=rng).estimate
        above += estimate.low > trap.lag_divergence(points=6)
        below += estimate.high < trap.lag_divergence(points=6)
    assert at_most(above, 30, 0.025)
    assert at_most(below, 30, 0.025)


@pytest.mark.unit
def test_more_features_than_runs_can_tell_apart_are_warned_of():
    rng, trap = np.random.default_rng(2), moving_trap(velocity=1.0, duration=1.0)
    found = ReverseSamplesMaxEnt(**FAST).fit(*runs_of(trap, 60, rng, points=25), rng=rng)
    assert found.train_value > np.log(60)
    assert any("upper end says nothing" in text for text in found.warnings)
