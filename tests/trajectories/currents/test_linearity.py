"""A linear field of currents says so where the drift is not linear, and keeps quiet where it is."""

import numpy as np
import pytest

from secondlaw.systems import DrivenRing, QuarticGyrator, active_particle, bead_spring_chain, spinning_particle
from secondlaw.trajectories import Currents, LinearBasis, PolynomialBasis, Trajectories
from secondlaw.trajectories.currents.linearity import bent_drift
from secondlaw.trajectories.currents.steps import coordinates_of, steps_of

FAST = {"resamples": 200, "draws": 99}


def bend(data):
    return bent_drift(
        steps_of(data, blocks=100, folds=5, lags=(1,), coordinates=coordinates_of(data, {}), in_time=False)
    )


def gyrator(seed, points=401, **settings):
    system = QuarticGyrator(
        **{"temperatures": (1.0, 10.0), "coupling": 3.0, "stiffness": 0.0, "quartic": 0.5} | settings
    )
    x = system.simulate(points=points, dt=0.02, trajectories=40, substeps=4, rng=np.random.default_rng(seed))
    return Trajectories.of(x, dt=0.02)


@pytest.fixture(scope="module")
def quartic():
    return gyrator(0)


def curved(result):
    return [one for one in result.warnings if "not linear in the state" in one]


@pytest.mark.unit
def test_a_linear_field_of_a_quartic_gyrator_names_the_remedy_and_a_cubic_one_finds_more(quartic):
    linear = Currents(**FAST).fit(quartic, rng=np.random.default_rng(1))
    cubic = Currents(PolynomialBasis(3), **FAST).fit(quartic, rng=np.random.default_rng(1))
    (warning,) = curved(linear)
    assert "--basis polynomial" in warning
    assert curved(cubic) == []
    assert cubic.estimate.value > linear.estimate.value


@pytest.mark.unit
def test_what_is_beyond_linear_is_measured(quartic):
    axis, share = bend(quartic)
    assert axis in (0, 1)
    assert 0.2 < share < 0.45  # a long recording: .33 of each
    assert bend(gyrator(0, quartic=0.0, stiffness=4.0)) is None


@pytest.mark.unit
def test_units_do_not_matter(quartic):
    scaled = Trajectories.of([one * [1e3, 1e-4] + 7.0 for one in quartic.series], dt=0.02)
    assert bend(scaled)[1] == pytest.approx(bend(quartic)[1], rel=1e-6)


@pytest.mark.unit
def test_a_single_variable_on_a_line_carries_no_current_whatever_its_drift(quartic):
    data = Trajectories.of([one[:, :1] for one in quartic.series], dt=0.02)
    assert bend(data) is not None
    assert curved(Currents(**FAST).fit(data, rng=np.random.default_rng(0))) == []


@pytest.mark.unit
def test_many_variables_are_looked_at_one_by_one():
    rng = np.random.default_rng(0)
    still = spinning_particle().simulate(points=401, dt=0.02, trajectories=40, rng=rng)
    wide = [np.column_stack([a, *(rng.permutation(still)[0] for _ in range(4))]) for a in gyrator(0).series]
    axis, share = bend(Trajectories.of(wide, dt=0.02))
    assert axis in (0, 1)
    assert share > 0.1


@pytest.mark.calibration
def test_linear_dynamics_give_no_warning(at_most):
    def relaxing(rng):
        return spinning_particle().simulate(points=100, dt=0.02, trajectories=40, start=[3.0, 0.0], rng=rng)

    def with_errors(rng):
        x = spinning_particle().simulate(points=3000, dt=0.05, rng=rng)
        return x + 0.1 * rng.normal(size=x.shape)

    cases = {
        "fine": (0.01, lambda rng: spinning_particle().simulate(points=100, dt=0.01, trajectories=40, rng=rng)),
        "coarse": (0.5, lambda rng: spinning_particle().simulate(points=2000, dt=0.5, rng=rng)),
        "beads": (0.02, lambda rng: bead_spring_chain(5).simulate(points=150, dt=0.02, trajectories=30, rng=rng)),
        "hidden": (0.05, lambda rng: active_particle().simulate(points=3000, dt=0.05, rng=rng)[:, :, :1]),
        "relaxing": (0.02, relaxing),
        "errors": (0.05, with_errors),
    }
    for name, (dt, make) in cases.items():
        hits = sum(bend(Trajectories.of(make(np.random.default_rng(seed)), dt=dt)) is not None for seed in range(100))
        assert at_most(hits, 100, 0.001), name


@pytest.mark.unit
def test_an_angle_with_one_harmonic_is_linear_in_its_cosine_and_sine():
    ring = DrivenRing(force=2.0)
    x = ring.simulate(points=2001, dt=0.01, trajectories=20, rng=np.random.default_rng(0))
    result = Currents(LinearBasis(), periods={"x0": 2.0 * np.pi}, **FAST).fit(
        Trajectories.of(x, dt=0.01), rng=np.random.default_rng(0)
    )
    assert curved(result) == []
