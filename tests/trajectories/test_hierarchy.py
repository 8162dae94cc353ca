"""Nested sets of observables and contributions, on systems whose bounds are known exactly."""

import numpy as np
import pytest
from scipy.optimize import minimize

from secondlaw.trajectories import (
    CrossCorrelations,
    CustomObservables,
    EntropyProduction,
    MaxEnt,
    Trajectories,
    UncertaintyRelation,
    by_order,
)
from secondlaw.trajectories.asymmetry import coupling_asymmetry
from secondlaw.trajectories.default_observables import default_observables
from secondlaw.trajectories.members import members_of

STATES = np.array([[a, b, c] for a in (-1.0, 1.0) for b in (-1.0, 1.0) for c in (-1.0, 1.0)])


def random_chain(rng):
    """A chain on the eight states of three spins with forces of every order; transition matrix and steady state."""
    chain = rng.dirichlet(np.ones(8), size=8)
    values, vectors = np.linalg.eig(chain.T)
    steady = np.real(vectors[:, np.argmax(values.real)])
    return chain, steady / steady.sum()


def run(chain, steady, runs, steps, rng):
    heights = np.cumsum(chain, axis=1)
    codes = np.empty((runs, steps), dtype=int)
    codes[:, 0] = rng.choice(8, p=steady, size=runs)
    for t in range(1, steps):
        codes[:, t] = (rng.random((runs, 1)) > heights[codes[:, t - 1]]).sum(axis=1).clip(max=7)
    return Trajectories.of(STATES[codes])


def population_bound(chain, steady, observables):
    """The largest theta.<g> - ln <exp(-theta.g)> under the exact law of a step."""
    a, b = np.repeat(np.arange(8), 8), np.tile(np.arange(8), 8)
    law = steady[a] * chain[a, b]
    g = observables.values(STATES[a], STATES[b])

    def cost(theta):
        weights = law * np.exp(-g @ theta)
        return np.log(weights.sum()) - law @ g @ theta, -(weights @ g) / weights.sum() - law @ g

    return -minimize(cost, np.zeros(g.shape[1]), jac=True, method="BFGS", options={"gtol": 1e-9}).fun


def exact_divergence(chain, steady):
    flow = steady[:, None] * chain
    return float((flow * np.log(flow / flow.T)).sum())


@pytest.mark.calibration
def test_orders_add_what_they_add_in_the_population_and_their_paired_intervals_cover_it():
    missed = above = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        chain, steady = random_chain(rng)
        data = run(chain, steady, 60, 500, rng)
        results, gains = by_order(data, rng=rng, draws=199, resamples=400)
        exact = [population_bound(chain, steady, default_observables(data.transitions(), k)) for k in (1, 2, 3)]
        assert exact[0] <= exact[1] <= exact[2] <= exact_divergence(chain, steady) + 1e-9
        for gain, truth in zip(gains, np.diff(exact), strict=True):
            assert gain.value > -0.001  # not below 0 in expectation; on held-out rows at most by noise
            missed += not gain.low - 0.001 <= truth <= gain.high + 0.001
        above += results[2].estimate.low > exact[2]
    assert missed <= 4  # of 16 at .05: P(more) = .001
    assert above <= 2  # of 8 at .025: P(more) = .0009


@pytest.mark.law
def test_contributions_add_up_by_observable_by_variable_and_by_order():
    rng = np.random.default_rng(1)
    chain, steady = random_chain(rng)
    result = MaxEnt(draws=199, resamples=200).fit(run(chain, steady, 40, 300, rng), rng=rng)
    whole = result.diagnostics.held_out_value
    by_variable = result.variable_contributions()
    orders = result.grouped_contributions(lambda name, order: f"order {order}")
    assert [one.name for one in by_variable] == ["x0", "x1", "x2"]
    assert [one.name for one in orders] == ["order 1", "order 2"]
    for parts in (result.contributions, by_variable, orders):
        assert sum(one.estimate.value for one in parts) == pytest.approx(whole)


@pytest.mark.unit
def test_a_spin_that_nobody_drives_contributes_nothing():
    rng = np.random.default_rng(0)
    moves = rng.choice([1, -1, 0], p=[0.6, 0.1, 0.3], size=(40, 500))
    phase = np.cumsum(moves, axis=1) % 3
    noise = rng.choice([-1.0, 1.0], size=phase.shape)
    data = Trajectories.of(np.stack([np.cos(phase * 2.1), np.sin(phase * 2.1), noise], axis=-1))
    parts = {one.name: one.estimate for one in MaxEnt().fit(data, rng=rng).variable_contributions()}
    assert parts["x0"].low > 0.05
    assert parts["x1"].low > 0.05
    assert abs(parts["x2"].value) < 0.01


@pytest.mark.unit
def test_members_and_asymmetry_follow_the_observables():
    rng = np.random.default_rng(0)
    observables = default_observables(Trajectories.of(rng.normal(size=(2, 30, 3))).transitions(), 3)
    members = members_of(observables)
    assert len(members) == len(observables.names)
    assert all(
        set(one) <= set(name.replace("'", "").split()) for one, name in zip(members, observables.names, strict=True)
    )
    theta = np.arange(float(len(members)))
    first = observables.names.index("x0' x1 - x0 x1'")
    scale = observables.scale[0] * observables.scale[1]  # of standardised variables; the parameters are not
    assert coupling_asymmetry(observables, theta)[0, 1] == pytest.approx(theta[first] / scale)
    custom = CustomObservables(lambda x0, x1: x1[:, :1] - x0[:, :1], ("a",))
    assert members_of(custom) is None
    assert coupling_asymmetry(custom, theta[:1]) is None


@pytest.mark.unit
def test_an_observable_that_is_not_antisymmetric_is_refused_by_every_estimator():
    rng = np.random.default_rng(0)
    data = Trajectories.of(rng.normal(size=(30, 50, 2)))
    wrong = CustomObservables(lambda x0, x1: (x1 - x0) ** 2, ("a", "b"))
    for estimator in (MaxEnt(wrong), UncertaintyRelation(wrong)):
        with pytest.raises(ValueError, match="not antisymmetric"):
            estimator.fit(data, rng=rng)


@pytest.mark.unit
def test_results_of_one_type_become_a_frame():
    pytest.importorskip("pandas")
    data = Trajectories.of(np.random.default_rng(0).normal(size=(30, 50, 3)))
    result = MaxEnt(CrossCorrelations(data.variables)).fit(data, rng=np.random.default_rng(0))
    assert isinstance(result, EntropyProduction)
    frame = result.to_dataframe()
    assert list(frame.columns[:5]) == ["name", "order", "value", "low", "high"]
    assert len(frame) == 3
