import numpy as np
import pytest
from known_processes import CYCLE, bead_spring, driven_cycle, linear_langevin, reversible_noise

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.trajectories import (
    CrossCorrelations,
    MaxEnt,
    StateChanges,
    StateFluxes,
    Together,
    Trajectories,
    Transitions,
    UncertaintyRelation,
    by_order,
    entropy_production,
)
from secondlaw.trajectories import solver as solver_module
from secondlaw.types import Insufficient


@pytest.fixture(scope="module")
def cycle():
    rng = np.random.default_rng(0)
    return MaxEnt(StateFluxes(3)).fit(Trajectories.of([driven_cycle(100_000, rng)]), rng=rng)


@pytest.mark.paper
def test_the_driven_cycle_is_met_within_two_percent(cycle):
    """arXiv 2505.10444: .27489 nats a step."""
    assert cycle.estimate.value == pytest.approx(CYCLE, rel=0.02)
    assert cycle.estimate.covers(CYCLE)
    assert cycle.estimate.unit == "nats/step"
    assert cycle.warnings == ()
    assert cycle.diagnostics.normalisation == pytest.approx(1.0, abs=0.03)


@pytest.mark.unit
def test_fitted_entropy_production_of_a_jump_is_the_logarithm_of_its_odds(cycle):
    jumps, back = cycle.trajectory_entropy_production(Trajectories.of([[0.0, 1.0, 2.0, 0.0], [0.0, 2.0]]))
    np.testing.assert_allclose(jumps, np.log(2.5), atol=0.06)
    np.testing.assert_allclose(back, -np.log(2.5), atol=0.06)
    same = cycle.transition_entropy_production(Transitions.of([0.0, 1.0], [1.0, 2.0]))
    np.testing.assert_allclose(same, jumps[:2])


@pytest.mark.unit
def test_contributions_add_up_with_their_groups(cycle):
    assert not isinstance(cycle.contributions, Insufficient)
    total = cycle.diagnostics.held_out_value
    assert sum(c.estimate.value for c in cycle.contributions) == pytest.approx(total, rel=1e-4)
    whole = cycle.grouped_contributions(lambda name, order: f"order {order}")
    assert [c.name for c in whole] == ["order 1"]
    assert whole[0].estimate.low == pytest.approx(cycle.estimate.low, rel=1e-3)
    assert all(c.estimate.covers(CYCLE / 3) for c in cycle.contributions)
    table = cycle.to_dataframe()
    assert list(table["name"]) == ["0 -> 1", "0 -> 2", "1 -> 2"]


@pytest.mark.unit
def test_results_are_plain_json(cycle):
    import json

    plain = json.loads(json.dumps(cycle.to_dict()))
    assert {"value", "low", "high", "level", "unit", "bound", "train_value", "diagnostics", "contributions"} <= set(
        plain
    )
    assert plain["bound"] == "lower"


@pytest.mark.paper
def test_linear_langevin_meets_the_lagged_divergence_and_the_hierarchy():
    """arXiv 2505.10444: changes of squares complete the observables of two beads, 1.985 at lag .01."""
    rng = np.random.default_rng(3)
    data = Trajectories.of(linear_langevin(*bead_spring(2), 0.01, 250, 800, rng), dt=0.01)
    cross = CrossCorrelations(data.variables)
    few = MaxEnt(cross).fit(data, rng=np.random.default_rng(1))
    all_of_them = MaxEnt(Together((StateChanges(data.variables, 2), cross))).fit(data, rng=np.random.default_rng(1))
    assert few.estimate.value == pytest.approx(0.99, abs=0.15)
    assert all_of_them.estimate.covers(1.985)
    assert all_of_them.estimate.value == pytest.approx(1.985, abs=0.2)
    assert all_of_them.difference(few).low > 0.7
    assert all_of_them.estimate.unit == "nats per unit of time"


@pytest.mark.unit
def test_differences_of_the_logarithmic_form_are_those_of_its_values():
    rng, one = np.random.default_rng(5), np.random.default_rng
    data = Trajectories.of([driven_cycle(20_000, rng)])
    settings = {"resamples": 200, "draws": 199}
    bent = [UncertaintyRelation(StateFluxes(3), form="logarithmic", **settings).fit(data, rng=one(1)) for _ in "ab"]
    plain = UncertaintyRelation(StateFluxes(3), **settings).fit(data, rng=one(1))
    assert bent[0].difference(bent[1]).value == 0.0
    gain = bent[0].difference(plain)
    assert gain.value == pytest.approx(bent[0].estimate.value - plain.estimate.value)
    assert gain.low > 0.0


@pytest.mark.unit
def test_uncertainty_relations_are_ordered_and_below_the_exact_value():
    data = Trajectories.of([driven_cycle(60_000, np.random.default_rng(5))])
    quadratic, logarithmic = (
        UncertaintyRelation(StateFluxes(3), form=form).fit(data, rng=np.random.default_rng(0))
        for form in ("quadratic", "logarithmic")
    )
    exact = 2 * 0.3**2 / 0.7  # <u> = .3 and <u^2> = .7 for the flux around the cycle
    assert quadratic.estimate.covers(exact)
    assert logarithmic.estimate.value == pytest.approx(2 * np.arctanh(quadratic.estimate.value / 2))
    assert quadratic.estimate.value < logarithmic.estimate.value < CYCLE
    assert logarithmic.estimate.covers(2 * np.arctanh(exact / 2))
    with pytest.raises(InvalidInput, match="quadratic or logarithmic"):
        UncertaintyRelation(form="cubic").fit(data, rng=np.random.default_rng(0))


@pytest.mark.unit
def test_a_lag_of_two_gives_a_value_per_step_and_dt_a_rate():
    x = driven_cycle(60_000, np.random.default_rng(6))
    p = np.array([0.3, 0.5, 0.2])  # stay, forward, backward
    two = np.array([sum(p[a] * p[(k - a) % 3] for a in range(3)) for k in range(3)])
    exact = (two[1] - two[2]) * np.log(two[1] / two[2])
    fits = [
        MaxEnt(StateFluxes(3), lag=2).fit(Trajectories.of([x], dt=dt), rng=np.random.default_rng(0)).estimate
        for dt in (None, 0.1)
    ]
    assert fits[0].covers(exact / 2)
    assert fits[1].value == pytest.approx(fits[0].value * 10)


@pytest.mark.unit
def test_orders_are_nested_and_gains_paired():
    x = reversible_noise(6000, 2, np.random.default_rng(0), memory=0.2)
    x[1:, 0] += 0.7 * x[:-1, 1] * np.abs(x[:-1, 1])
    results, gains = by_order(Trajectories.of([x]), (1, 2), rng=np.random.default_rng(0))
    assert [r.diagnostics.observables for r in results] == [2, 6]
    assert gains[0].low > 0
    assert gains[0].value == pytest.approx(
        results[1].diagnostics.held_out_value - results[0].diagnostics.held_out_value
    )


@pytest.mark.unit
def test_many_observables_take_the_path_by_early_stopping(monkeypatch):
    import secondlaw.trajectories.solver as used

    rng = np.random.default_rng(0)
    data = Trajectories.of([driven_cycle(20_000, rng)])
    dense = MaxEnt(StateFluxes(3)).fit(data, rng=np.random.default_rng(0))
    monkeypatch.setattr(used, "DENSE", 2)
    early = MaxEnt(StateFluxes(3)).fit(data, rng=np.random.default_rng(0))
    assert early.estimate.value == pytest.approx(dense.estimate.value, rel=0.02)
    assert solver_module.path_length is used.path_length


@pytest.mark.unit
def test_same_seed_same_result_and_other_seed_other_bootstrap():
    data = Trajectories.of([driven_cycle(3000, np.random.default_rng(0))])
    one, same, other = (MaxEnt(StateFluxes(3)).fit(data, rng=np.random.default_rng(s)).estimate for s in (1, 1, 2))
    assert one == same
    assert one.value == other.value
    assert one.low != other.low


@pytest.mark.unit
def test_warnings_name_the_remedy():
    rng = np.random.default_rng(0)
    x = reversible_noise(600, 6, rng)
    x[:, 5] = 1.0
    x[300:, 0] += 8.0
    found = " | ".join(entropy_production([x]).warnings)
    assert "1 variables never change (x5)" in found
    assert "fewer than 100 each" in found
    assert "x0 differs between the halves" in found
    hidden = entropy_production([reversible_noise(3000, 1, rng)])
    assert "hidden variables hide entropy production" in " ".join(hidden.warnings)
    slow = reversible_noise(3000, 2, rng)
    assert any("irreversib" in w for w in entropy_production([slow]).warnings)


@pytest.mark.unit
def test_data_that_carry_no_number_are_refused():
    with pytest.raises(NotEnoughData, match="never move"):
        entropy_production([np.ones((500, 2))])
    with pytest.raises(NotEnoughData, match="too few"):
        entropy_production([np.random.default_rng(0).normal(size=(20, 2))])
    one, other = (
        MaxEnt(StateFluxes(3), blocks=b).fit(Trajectories.of([driven_cycle(3000, np.random.default_rng(0))]),
                                            rng=np.random.default_rng(0)) for b in (50, 60)
    )  # fmt: skip
    with pytest.raises(InvalidInput, match="same blocks"):
        one.difference(other)
