"""Soft policies against closed forms and a plain loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlaw.alignment.goals import TabularMDP, grid_world, soft_policies
from secondlaw.errors import InvalidInput


def random_world(seed, states=6, actions=3, goals=2, discount=0.9):
    rng = np.random.default_rng(seed)
    transitions = rng.dirichlet(np.ones(states), size=(actions, states))
    names = tuple(f"goal {k}" for k in range(goals))
    return TabularMDP(transitions, rng.normal(size=(goals, states, actions)), names, discount)


def looped(mdp, beta, sweeps, entropy):
    goals, states, actions = mdp.size
    table = mdp.transitions.toarray().reshape(actions, states, states)
    v, q = np.zeros((goals, states)), np.zeros((goals, states, actions))
    for _ in range(sweeps):
        for g in range(goals):
            for s in range(states):
                for a in range(actions):
                    q[g, s, a] = mdp.rewards[g, s, a] + mdp.discount * table[a, s] @ v[g]
        counted = np.log(np.exp(beta * q).sum(axis=2)) - (np.log(actions) if entropy == "relative" else 0.0)
        v = np.where(mdp.ends, 0.0, counted / beta)
    weights = np.exp(beta * (q - q.max(axis=2, keepdims=True)))
    return v, weights / weights.sum(axis=2, keepdims=True)


@pytest.mark.unit
@pytest.mark.parametrize("entropy", ["relative", "absolute"])
def test_the_fixed_point_is_that_of_a_plain_loop(entropy):
    mdp = random_world(1)
    found = soft_policies(mdp, betas=[0.7, 3.0], entropy=entropy)
    assert found.error <= 1e-6
    for k, beta in enumerate((0.7, 3.0)):
        values, shares = looped(mdp, beta, 250, entropy)
        assert found.values[k] == pytest.approx(values, abs=2e-6)
        assert np.exp(found.log_policies[0, k]) == pytest.approx(shares, abs=1e-5)


@pytest.mark.unit
def test_both_ways_to_count_entropy_agree_in_a_world_without_ends_and_differ_with_ends():
    mdp = random_world(2)
    one, other = (soft_policies(mdp, betas=[2.0], entropy=kind).log_policies for kind in ("relative", "absolute"))
    assert one == pytest.approx(other, abs=1e-5)
    grid = grid_world(["A...B"])
    one, other = (soft_policies(grid, betas=[1.0], entropy=kind).log_policies for kind in ("relative", "absolute"))
    assert np.exp(one[0, 0, 0, 1, 3]) > np.exp(other[0, 0, 0, 1, 3]) + 0.2  # left, next to A: arriving is put off


@pytest.mark.unit
def test_a_corridor_without_discount_has_its_closed_form():
    # Two actions that both lead on: the desirability exp(beta V) is multiplied by exp(-beta) every step.
    on = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    ends = np.array([[False, False, True]] * 2)
    rewards = np.where(ends, 0.0, -1.0)
    mdp = TabularMDP([on, on], rewards, ("a", "b"), 1.0, ends)
    assert soft_policies(mdp, betas=[1.7]).values[0, 0] == pytest.approx([-2.0, -1.0, 0.0])


@pytest.mark.unit
def test_beta_0_acts_at_random_and_a_large_one_without_fault():
    grid = grid_world(["A....B"])
    found = np.exp(soft_policies(grid, betas=[0.0, 500.0]).log_policies[0])
    assert found[0] == pytest.approx(0.25)
    assert found[1, 0, 1:, 3] == pytest.approx(1.0)
    assert found[1, 1, :-1, 1] == pytest.approx(1.0)
    assert found[:, 0, 0] == pytest.approx(0.25)  # arrived: any action


@pytest.mark.unit
def test_a_finite_horizon_comes_near_to_the_infinite_one_from_its_last_step_on():
    mdp = random_world(3, discount=0.8)
    long, never = soft_policies(mdp, betas=[1.0], horizon=90), soft_policies(mdp, betas=[1.0])
    assert long.log_policies.shape == (90, 1, 2, 6, 3)
    assert long.log_policies[0] == pytest.approx(never.log_policies[0], abs=1e-5)
    last = np.exp(long.log_policies[-1, 0])
    weights = np.exp(mdp.rewards)
    assert last == pytest.approx(weights / weights.sum(axis=2, keepdims=True))
    assert (soft_policies(mdp, betas=[1.0], horizon=1).horizon, never.horizon) == (1, None)


@pytest.mark.unit
def test_what_does_not_converge_or_makes_no_sense_is_refused():
    mdp = TabularMDP([np.eye(2), np.eye(2)], [[-1.0, -1.0], [0.0, -1.0]], ("a", "b"), 1.0)
    with pytest.raises(InvalidInput, match="still change by 1 after 20,000 sweeps at discount 1: lower"):
        soft_policies(mdp, betas=[1.0])
    with pytest.raises(InvalidInput, match=r"0 or more, got -1\.0"):
        soft_policies(mdp, betas=[-1.0])
    with pytest.raises(InvalidInput, match="finite numbers"):
        soft_policies(mdp, betas=[np.nan])


@pytest.mark.law
@given(st.integers(0, 10_000), st.floats(0.01, 30.0), st.floats(0.1, 0.98))
def test_policies_are_distributions_and_values_lie_between_the_extremes(seed, beta, discount):
    mdp = random_world(seed, states=4, actions=2, discount=discount)
    found = soft_policies(mdp, betas=[beta])
    assert np.exp(found.log_policies).sum(axis=-1) == pytest.approx(1.0)
    bounds = mdp.rewards.min() / (1 - discount), mdp.rewards.max() / (1 - discount)
    assert bounds[0] - 1e-3 <= found.values.min()
    assert found.values.max() <= bounds[1] + 1e-3
