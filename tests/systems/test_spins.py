import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from secondlaw.errors import InvalidInput
from secondlaw.systems import (
    KineticIsing,
    parallel_chain,
    random_couplings,
    sequential_chain,
    spin_states,
    state_numbers,
)
from secondlaw.systems.ising_loops import parallel_run, sequential_run


def small(seed=0, spins=6, **settings_):
    rng = np.random.default_rng(seed)
    return KineticIsing(
        random_couplings(spins, rng=rng, degree=3, **settings_), fields=0.3 * rng.standard_normal(spins)
    )


@pytest.mark.paper
def test_random_instances_of_a_hundred_spins():
    """arXiv 2505.10444 at the critical temperature: .342 to .385 over six instances, which vary."""
    values = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        found = KineticIsing(random_couplings(100, rng=rng)).simulate(samples=4000, runs=4, rng=rng).entropy_production
        assert found.width < 0.02
        values.append(found.value)
    assert 0.30 < min(values) < max(values) < 0.43
    assert 0.342 - 0.02 < np.mean(values) < 0.385 + 0.02


@pytest.mark.law
@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.0, 2.5))
def test_symmetric_couplings_are_in_equilibrium_under_sequential_and_parallel_updates(seed, beta):
    rng = np.random.default_rng(seed)
    model = KineticIsing(
        random_couplings(5, rng=rng, degree=3, symmetric=True), beta=beta, fields=rng.standard_normal(5)
    )
    chain = sequential_chain(model)
    assert abs(chain.entropy_production_rate()) < 1e-12
    assert abs(parallel_chain(model).entropy_production_rate()) < 1e-12
    states = spin_states(5).astype(float)
    J, H = model.couplings.toarray(), model.fields
    energy = -0.5 * np.einsum("ai,ij,aj->a", states, J, states) - states @ H
    boltzmann = np.exp(-beta * (energy - energy.min()))
    np.testing.assert_allclose(chain.stationary_distribution(), boltzmann / boltzmann.sum(), rtol=1e-9)


@pytest.mark.law
@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.permutations(range(5)))
def test_entropy_production_is_not_negative_and_knows_neither_names_nor_signs(seed, order):
    rng = np.random.default_rng(seed)
    J = random_couplings(5, rng=rng, degree=3).toarray()
    signs = rng.choice([-1.0, 1.0], 5)
    value = sequential_chain(KineticIsing(J)).entropy_production_rate()
    assert value >= 0.0
    renamed = KineticIsing(J[np.ix_(order, order)])
    assert sequential_chain(renamed).entropy_production_rate() == pytest.approx(value, abs=1e-12)
    turned = KineticIsing(J * np.outer(signs, signs))
    assert sequential_chain(turned).entropy_production_rate() == pytest.approx(value, abs=1e-12)
    assert parallel_chain(turned).entropy_production_rate() == pytest.approx(
        parallel_chain(KineticIsing(J)).entropy_production_rate(), abs=1e-12
    )


@pytest.mark.unit
def test_enumeration_is_the_sum_over_flips_of_the_known_log_ratio():
    model = small()
    chain = sequential_chain(model)
    states, share = spin_states(6).astype(float), chain.stationary_distribution()
    against = -2 * model.beta * model.local_fields(states) * states
    flow = share[:, None] / (1 + np.exp(-against)) / 6
    assert (flow * against).sum() == pytest.approx(chain.entropy_production_rate(), rel=1e-10)
    # The same from f_i beta (J_i . <g_i> + ...) with g_ij = -2 s_i s_j on the flips of each spin.
    J = model.couplings.toarray()
    by_spin = [model.beta * (J[i] @ (flow[:, i] @ (-2 * states[:, [i]] * states))) for i in range(6)]
    by_field = [model.beta * model.fields[i] * (flow[:, i] @ (-2 * states[:, i])) for i in range(6)]
    assert sum(by_spin) + sum(by_field) == pytest.approx(chain.entropy_production_rate(), rel=1e-10)
    assert abs(sum(by_field)) < 1e-12


@pytest.mark.unit
def test_numbers_and_states_are_inverse():
    np.testing.assert_array_equal(state_numbers(spin_states(5)), np.arange(32))
    assert set(np.unique(spin_states(3))) == {-1, 1}


@pytest.mark.calibration
def test_intervals_of_sampled_entropy_production_cover_the_exact_value():
    model = small()
    exact = sequential_chain(model).entropy_production_rate()
    missed = 0
    for seed in range(100):
        found = model.simulate(samples=1000, rng=np.random.default_rng(seed), warm_up=20, runs=2).entropy_production
        missed += not found.covers(exact)
    assert missed <= binom.ppf(0.999, 100, 0.05)


@pytest.mark.calibration
def test_sampled_states_and_trial_flips_have_their_probabilities():
    model = small(seed=1)
    M = 40_000
    sample = model.simulate(samples=M, rng=np.random.default_rng(2), thinning=60)  # ten sweeps: nearly independent
    share = sequential_chain(model).stationary_distribution()
    found = np.bincount(state_numbers(sample.states), minlength=64) / M
    assert (np.abs(found - share) < 6 * np.sqrt(share / M) + 1e-3).all()
    chance = 1 / (1 + np.exp(2 * model.beta * model.local_fields(sample.states) * sample.states))
    error = np.sqrt((chance * (1 - chance)).mean(axis=0) / M)
    assert (np.abs(sample.flips.mean(axis=0) - chance.mean(axis=0)) < 4.5 * error).all()
    assert sample.entropy_production.value == pytest.approx(
        (chance * -2 * model.beta * model.local_fields(sample.states) * sample.states).mean()
    )


@pytest.mark.calibration
def test_parallel_trajectories_dissipate_what_enumeration_says():
    model = small(seed=3)
    chain = parallel_chain(model)
    path = model.simulate_parallel(points=200, trajectories=200, rng=np.random.default_rng(4), warm_up=50)
    found = model.parallel_entropy_production(path)
    assert abs(found.mean() - chain.entropy_production_rate()) < 4 * found.std(ddof=1) / math.sqrt(200)
    share = np.bincount(state_numbers(path).ravel(), minlength=64) / path[..., 0].size
    np.testing.assert_allclose(share, chain.stationary_distribution(), atol=0.02)


@pytest.mark.unit
def test_workers_and_compilation_change_no_number():
    model = small()
    one = model.simulate(samples=41, rng=np.random.default_rng(5), runs=4, warm_up=3)
    many = model.simulate(samples=41, rng=np.random.default_rng(5), runs=4, warm_up=3, workers=3)
    np.testing.assert_array_equal(one.states, many.states)
    np.testing.assert_array_equal(one.flips, many.flips)
    assert np.bincount(one.groups).tolist() == [11, 10, 10, 10]
    own = np.random.default_rng(5).spawn(4)[0]
    spins = (2 * own.integers(0, 2, 6, dtype=np.int8) - 1).astype(np.int8)
    states, flips, cost = np.empty((11, 6), np.int8), np.empty((11, 6), bool), np.empty(11)
    sequential_run(spins, *model._network(), 18, 6, states, flips, cost, own)
    np.testing.assert_array_equal(one.states[:11], states)
    np.testing.assert_array_equal(one.flips[:11], flips)
    rng = np.random.default_rng(6)
    path = np.empty((20, 6), np.int8)
    spins = (2 * rng.integers(0, 2, 6, dtype=np.int8) - 1).astype(np.int8)
    parallel_run(spins, *model._network(), 2, path, rng)
    np.testing.assert_array_equal(model.simulate_parallel(points=20, warm_up=2, rng=np.random.default_rng(6))[0], path)


@pytest.mark.unit
def test_random_couplings_have_their_degree_and_size():
    J = random_couplings(1000, rng=np.random.default_rng(0))
    assert J.nnz / 1000 == pytest.approx(6.0, abs=0.4)
    assert J.data.std() == pytest.approx(1 / math.sqrt(6), rel=0.05)
    assert not J.diagonal().any()
    symmetric = random_couplings(200, rng=np.random.default_rng(0), symmetric=True)
    assert abs(symmetric - symmetric.T).max() == 0.0
    assert symmetric.nnz / 200 == pytest.approx(6.0, abs=0.8)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: KineticIsing(np.ones((2, 2))), "coupled to itself"),
        (lambda: KineticIsing(np.ones((2, 3))), "square"),
        (lambda: KineticIsing([[0.0, np.nan], [0.0, 0.0]]), "finite"),
        (lambda: KineticIsing(np.zeros((2, 2)), beta=-1.0), "beta must be"),
        (lambda: KineticIsing(np.zeros((2, 2)), fields=[1.0]), "2 finite numbers"),
        (lambda: random_couplings(4, rng=np.random.default_rng(0), degree=9), "at most 3"),
        (lambda: small().simulate(samples=2, runs=3, rng=np.random.default_rng(0)), "no more runs than samples"),
        (lambda: small().simulate(samples=1, rng=np.random.default_rng(0)), "at least 2"),
        (lambda: sequential_chain(KineticIsing(np.zeros((13, 13)))), "1 to 12 spins"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(InvalidInput, match=message):
        call()
