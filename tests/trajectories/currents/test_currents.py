"""Rates of entropy production from currents, held against exact values (arXiv 2504.19007)."""

import numpy as np
import pytest

from secondlaw.systems import (
    DrivenRing,
    QuarticGyrator,
    active_particle,
    bead_spring_chain,
    spinning_particle,
)
from secondlaw.trajectories import Currents, LinearBasis, PolynomialBasis, RadialBasis, Trajectories
from secondlaw.types import Estimate

FAST = {"resamples": 500, "draws": 399}


def spinning(seed, *, points=101, trajectories=1000, dt=0.01):
    x = spinning_particle().simulate(points=points, dt=dt, trajectories=trajectories, rng=np.random.default_rng(seed))
    return Trajectories.of(x, dt=dt)


@pytest.fixture(scope="module")
def spun():
    data = spinning(0, points=2001, trajectories=200)
    return data, Currents(**FAST).fit(data, rng=np.random.default_rng(0))


@pytest.mark.paper
def test_the_spinning_particle_converges_to_the_known_discretised_values(spun):
    """arXiv 2504.19007: 8; with D estimated from steps of .01, 7.726; extrapolated, nearly 8."""
    _, result = spun
    assert result.estimate.covers(7.726)
    assert result.estimate.value == pytest.approx(7.726, rel=0.04)
    assert isinstance(result.extrapolated, Estimate)
    assert result.extrapolated.covers(8.0)
    assert result.extrapolated.value - result.estimate.value == pytest.approx(0.27, abs=0.06)
    assert result.estimate.unit == "nats per unit of time"
    assert [dt for dt, _ in result.by_lag] == [0.01, 0.02, 0.04]
    values = [one.value for _, one in result.by_lag]
    assert values == sorted(values, reverse=True)
    assert result.warnings == ()


@pytest.mark.paper
def test_a_thousand_short_trajectories_reach_the_plug_in_value():
    """1000 x 100 steps: 7.634 plug-in, 7.629 held out, standard error .13 (without the stationary constraint)."""
    fits = [
        Currents(LinearBasis(constant=False), steady=False, **FAST).fit(spinning(seed), rng=np.random.default_rng(0))
        for seed in range(6)
    ]
    assert np.mean([one.train_value for one in fits]) == pytest.approx(7.73, abs=0.35)
    gaps = [one.train_value - one.diagnostics.held_out_value for one in fits]
    assert 0.0 < np.mean(gaps) < 0.06


@pytest.mark.paper
def test_order_two_removes_the_first_order_in_dt(spun):
    data, first = spun
    second = Currents(order=2, **FAST).fit(data, rng=np.random.default_rng(0))
    assert second.estimate.covers(8.0)
    assert second.estimate.value == pytest.approx(first.extrapolated.value, abs=0.02)
    assert "squared" in second.covers


@pytest.mark.paper
def test_entropy_production_of_trajectories_agrees_with_the_exact_one(spun):
    data, result = spun
    own = np.array([one.sum() for one in result.trajectory_entropy_production(data)])
    exact = spinning_particle().trajectory_entropy_production(np.stack(data.series), 0.01)
    assert np.corrcoef(own, exact)[0, 1] > 0.9999
    pairs = result.transition_entropy_production(data.transitions())
    assert pairs.sum() == pytest.approx(own.sum())
    theorem = result.fluctuation_theorem(data, rng=np.random.default_rng(0), steps=5)
    assert theorem.value == pytest.approx(1.0, abs=0.03)
    assert result.diagnostics.normalisation == pytest.approx(1.0, abs=0.01)
    hopeless = result.fluctuation_theorem(data, rng=np.random.default_rng(0))
    assert "rests on" in hopeless.reason


@pytest.mark.unit
def test_contributions_of_coordinates_add_up(spun):
    _, result = spun
    parts = [one.estimate for one in result.contributions]
    assert [one.name for one in result.contributions] == ["x0", "x1"]
    assert sum(one.value for one in parts) == pytest.approx(result.diagnostics.held_out_value)
    assert all(one.covers(7.726 / 2) for one in parts)
    import json

    plain = json.loads(json.dumps(result.to_dict()))
    assert {"extrapolated", "by_lag", "diagnostics", "contributions", "train_value"} <= set(plain)
    assert list(result.to_dataframe()["name"]) == ["x0", "x1"]


@pytest.mark.paper
def test_what_a_fit_claims_for_itself_is_no_bound_for_five_beads():
    """arXiv 2504.19007: exact .630; 1000 x 100 steps of .001 give about .63 + 2 x 25 / 100 on their own rows."""
    chain = bead_spring_chain(5)
    plain, steady = [], []
    for seed in range(4):
        x = chain.simulate(points=101, dt=0.001, trajectories=1000, rng=np.random.default_rng(seed))
        data = Trajectories.of(x, dt=0.001)
        plain.append(
            Currents(LinearBasis(constant=False), steady=False, **FAST).fit(data, rng=np.random.default_rng(0))
        )
        steady.append(Currents(**FAST).fit(data, rng=np.random.default_rng(0)))
    assert np.mean([one.train_value for one in plain]) == pytest.approx(0.63 + 0.5, abs=0.25)
    assert plain[0].diagnostics.noise_floor == pytest.approx(0.5)
    assert steady[0].diagnostics.noise_floor == pytest.approx(0.2, abs=0.01)  # 10 of 30 coefficients turn
    held_out = [np.mean([one.diagnostics.held_out_value for one in many]) for many in (plain, steady)]
    assert 0.0 < held_out[0] < held_out[1] < 0.75
    assert sum(one.estimate.covers(0.63) or one.estimate.high < 0.63 for one in steady) == 4
    assert "total time of 100 is short" in " ".join(plain[0].warnings)


@pytest.mark.paper
def test_five_beads_are_met_with_enough_time():
    x = bead_spring_chain(5).simulate(points=2001, dt=0.01, trajectories=150, rng=np.random.default_rng(0))
    result = Currents(**FAST).fit(Trajectories.of(x, dt=0.01), rng=np.random.default_rng(0))
    assert result.extrapolated.covers(0.6298)
    assert result.estimate.value == pytest.approx(0.61, abs=0.1)


@pytest.mark.paper
def test_a_gyrator_in_a_quartic_trap_meets_the_numerical_reference():
    gyrator = QuarticGyrator(temperatures=(1.0, 4.0), coupling=1.5)
    exact = gyrator.entropy_production_rate(cells=64).value
    x = gyrator.simulate(points=1501, dt=0.01, trajectories=150, rng=np.random.default_rng(3), substeps=4)
    data = Trajectories.of(x, dt=0.01)
    fits = [
        Currents(basis, **FAST).fit(data, rng=np.random.default_rng(0))
        for basis in (LinearBasis(), PolynomialBasis(3), RadialBasis(12))
    ]
    for one in fits:
        assert one.estimate.low < exact
    for one in fits[1:]:
        assert one.extrapolated.covers(exact)
        assert one.estimate.value == pytest.approx(exact, rel=0.2)
        assert one.difference(fits[0]).high > 0.0


@pytest.mark.paper
@pytest.mark.parametrize("basis", [PolynomialBasis(2), RadialBasis(6)])
def test_a_driven_ring_meets_its_quadrature_wrapped_or_not(basis):
    ring = DrivenRing(force=2.0, height=1.0)
    x = ring.simulate(points=1501, dt=0.01, trajectories=60, rng=np.random.default_rng(0), substeps=4)
    fits = [
        Currents(basis, periods={"x0": ring.length}, **FAST).fit(
            Trajectories.of(some, dt=0.01), rng=np.random.default_rng(0)
        )
        for some in (x, x % ring.length)
    ]
    assert fits[0].estimate.covers(ring.entropy_production_rate())
    assert fits[0].estimate.value == pytest.approx(fits[1].estimate.value, rel=1e-6)
    sigma = [one.trajectory_entropy_production(Trajectories.of(x % ring.length, dt=0.01))[0] for one in fits]
    np.testing.assert_allclose(sigma[0], sigma[1], atol=1e-6)


@pytest.mark.paper
def test_an_active_particle_seen_by_its_position_alone_shows_nothing():
    x = active_particle().simulate(points=1001, dt=0.02, trajectories=60, rng=np.random.default_rng(0))
    whole = Currents(**FAST).fit(Trajectories.of(x, dt=0.02), rng=np.random.default_rng(0))
    assert whole.extrapolated.covers(5.0)
    for settings in ({}, {"basis": PolynomialBasis(3), "steady": False}):
        seen = Currents(**settings, **FAST).fit(Trajectories.of(x[:, :, :1], dt=0.02), rng=np.random.default_rng(0))
        assert seen.estimate.low == 0.0
        assert seen.estimate.high < 0.01
        assert "hidden variables hide entropy production" in " ".join(seen.warnings)


@pytest.mark.unit
def test_same_seed_same_result():
    data = spinning(0, trajectories=60)
    one, same = (Currents(RadialBasis(5), **FAST).fit(data, rng=np.random.default_rng(4)) for _ in range(2))
    assert one.estimate == same.estimate


@pytest.mark.law
def test_units_of_the_variables_change_nothing():
    data = spinning(2, trajectories=60)
    scaled = Trajectories.of([one * np.array([1e-6, 1e3]) + np.array([5.0, -1e4]) for one in data.series], dt=0.01)
    for basis in (LinearBasis(), PolynomialBasis(2)):
        values = [
            Currents(basis, **FAST).fit(one, rng=np.random.default_rng(0)).estimate.value for one in (data, scaled)
        ]
        assert values[0] == pytest.approx(values[1], rel=1e-5)


@pytest.mark.law
def test_time_reversal_turns_the_current_around():
    data = spinning(3, trajectories=60)
    back = Trajectories.of([one[::-1] for one in data.series], dt=0.01)
    fits = [Currents(**FAST).fit(one, rng=np.random.default_rng(0)) for one in (data, back)]
    assert fits[0].estimate.value == pytest.approx(fits[1].estimate.value, rel=1e-6)
    at = np.array([[1.0, 2.0]])
    np.testing.assert_allclose(fits[0].model.velocity(at), -fits[1].model.velocity(at), rtol=1e-4)
