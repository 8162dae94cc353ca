"""Bad or poor input of currents: a clear error or a warning, never a number that means nothing."""

import numpy as np
import pytest

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.systems import heat_conducting_oscillators, spinning_particle
from secondlaw.trajectories import (
    Currents,
    LinearBasis,
    Network,
    PolynomialBasis,
    RadialBasis,
    Trajectories,
    correlation_current,
)

pytestmark = pytest.mark.unit
FAST = {"resamples": 300, "draws": 199}


def spun(points=200, trajectories=40, dt=0.02, seed=0):
    return spinning_particle().simulate(
        points=points, dt=dt, trajectories=trajectories, rng=np.random.default_rng(seed)
    )


def fit(x, dt=0.02, **settings):
    return Currents(**settings, **FAST).fit(Trajectories.of(x, dt=dt), rng=np.random.default_rng(0))


def test_without_a_dt_a_step_is_the_unit_of_time():
    rate, step = fit(spun()), fit(spun(), dt=None)
    assert (rate.estimate.unit, step.estimate.unit) == ("nats per unit of time", "nats/step")
    assert step.estimate.value == pytest.approx(0.02 * rate.estimate.value)
    assert step.extrapolated.unit == "nats/step"
    one, other = (result.trajectory_entropy_production(Trajectories.of(spun(), dt=dt))[3]
                  for result, dt in ((rate, 0.02), (step, None)))  # fmt: skip
    np.testing.assert_allclose(one, other, atol=1e-9)
    with pytest.raises(InvalidInput, match="fitted without a dt"):
        step.trajectory_entropy_production(Trajectories.of(spun(), dt=0.02))


def test_fields_of_your_own_need_a_dt():
    with pytest.raises(InvalidInput, match="pass dt"):
        correlation_current(Trajectories.of(spun()), lambda x: x, rng=np.random.default_rng(0))


def test_values_that_are_not_finite_and_variables_that_never_change_are_refused():
    x = spun()
    x[3, 4, 1] = np.nan
    with pytest.raises(InvalidInput, match="not finite"):
        fit(x)
    x = np.concatenate([spun(), np.ones((40, 200, 1))], axis=2)
    with pytest.raises(InvalidInput, match="x2 never changes"):
        fit(x)


def test_variables_without_noise_of_their_own_are_refused():
    x = spun()
    doubled = np.concatenate([x, x[:, :, :1] + x[:, :, 1:]], axis=2)
    with pytest.raises(NotEnoughData, match="not positive"):
        fit(doubled)


def test_positions_of_underdamped_motion_look_like_steps_without_noise():
    """Currents are for overdamped motion: velocities among the variables need their parity, which is not here."""
    x = heat_conducting_oscillators().simulate(points=400, dt=0.02, trajectories=40, rng=np.random.default_rng(0))
    result = fit(x)
    assert any("coarse" in one or "depend on the state" in one for one in result.warnings)


def test_too_few_steps_are_refused():
    with pytest.raises(NotEnoughData, match="too few"):
        fit(spun(points=10, trajectories=2))
    with pytest.raises(NotEnoughData, match="longer trajectories"):
        fit(spun(points=2, trajectories=60), order=2)
    pairs = fit(spun(points=2, trajectories=400))
    assert "two steps in a row" in pairs.extrapolated.reason
    assert len(pairs.by_lag) == 1


def test_one_trajectory_is_cut_into_stretches():
    result = fit(spun(points=20_000, trajectories=1, seed=1))
    assert result.diagnostics.blocks == 100
    assert result.estimate.covers(7.5)


def test_unequal_lengths_are_taken():
    x = spun(points=400, trajectories=60)
    pieces = [one[: 20 + 6 * k] for k, one in enumerate(x)]
    result = fit(pieces)
    assert result.diagnostics.transitions == sum(len(one) - 1 for one in pieces)
    assert result.estimate.low > 0.0
    lengths = [len(one) for one in result.trajectory_entropy_production(Trajectories.of(pieces, dt=0.02))]
    assert lengths == [len(one) - 1 for one in pieces]


def test_a_drifting_recording_is_no_steady_state():
    x = spun(points=400, trajectories=60)
    x[:, 200:] += 1.5
    assert "differs between the halves" in " ".join(fit(x).warnings)


def test_coarse_steps_are_named_with_their_remedy():
    result = fit(spun(points=400, trajectories=60, dt=0.1), dt=0.1)
    assert "(order=2; --stencil 2)" in " ".join(result.warnings)
    assert result.estimate.value < result.extrapolated.value < 8.5


def test_nothing_found_is_not_reversibility():
    system = spinning_particle(spin=0.0)
    x = system.simulate(points=50, dt=0.02, trajectories=40, rng=np.random.default_rng(0))
    result = fit(x, steady=False)
    said = " ".join(result.warnings)
    assert "does not show reversibility" in said or "do not quote" in said
    assert result.estimate.low == 0.0


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Currents(diffusion="local"), "constant"),
        (lambda: Currents(order=3), "order in dt"),
        (lambda: Currents(periods={"angle": 1.0}), "a period must be"),
        (lambda: Currents(periods={"x0": -1.0}), "a period must be"),
        (lambda: Currents(RadialBasis(10_000)), "take fewer bumps"),
        (lambda: Currents(PolynomialBasis(9), blocks=3), "blocks must be"),
        (lambda: PolynomialBasis(12), "degree of a polynomial"),
        (lambda: PolynomialBasis(0, constant=False), "no function"),
        (lambda: RadialBasis(0), "one bump"),
        (lambda: Network(hidden=()), "positive widths"),
    ],
)
def test_settings_that_do_not_exist_are_refused(make, said):
    with pytest.raises(InvalidInput, match=said):
        make().fit(Trajectories.of(spun(), dt=0.02), rng=np.random.default_rng(0))


def test_too_many_coefficients_are_refused():
    x = np.random.default_rng(0).normal(size=(30, 50, 12)).cumsum(axis=1)
    with pytest.raises(InvalidInput, match="more than 1500"):
        fit(x, basis=PolynomialBasis(3))
    assert fit(x, basis=LinearBasis()).diagnostics.observables == 12 * 13
