"""Worlds: what is refused, what grids and gymnasium's tables become."""

import importlib.util

import numpy as np
import pytest
from scipy import sparse

from secondlaw.alignment.goals import (
    Episode,
    Episodes,
    TabularMDP,
    goal_posterior,
    grid_world,
    gymnasium_world,
    likelihoods,
    reaching,
    soft_policies,
)
from secondlaw.errors import InvalidInput

pytestmark = pytest.mark.unit
GYMNASIUM = pytest.mark.skipif(importlib.util.find_spec("gymnasium") is None, reason="gymnasium is not installed")

STAY, SWAP = np.eye(2), np.array([[0.0, 1.0], [1.0, 0.0]])
REWARDS = np.array([[1.0, 0.0], [0.0, 1.0]])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"goals": ("one",)}, "at least two, got 1"),
        ({"goals": ("a", "a")}, "different names, got a, a"),
        ({"discount": 1.5}, "discount must be at most 1, got 1.5"),
        ({"discount": 0.0}, "discount must be a positive number, got 0.0"),
        ({"transitions": [STAY, SWAP * 0.9]}, r"after action 1 in state 0 sum to 0\.9: make them sum to 1"),
        ({"transitions": [STAY, np.array([[2.0, -1.0], [0.0, 1.0]])]}, "must be probabilities, got -1"),
        ({"transitions": [STAY, np.eye(3)]}, "must have shape"),
        ({"rewards": [[1.0, np.inf], [0.0, 1.0]]}, "must be finite, got inf for goal 0, state 1, action 0"),
        ({"rewards": [[1.0], [0.0]]}, "rewards must have shape"),
        ({"states": ("only one",)}, "states need 2 different names, got 1"),
        ({"ends": [[True, False]]}, "ends must have shape"),
    ],
)
def test_a_world_that_is_none_is_refused(changed, message):
    with pytest.raises(InvalidInput, match=message):
        TabularMDP(**({"transitions": [STAY, SWAP], "rewards": REWARDS, "goals": ("a", "b")} | changed))


def test_dense_and_sparse_transitions_are_the_same_world():
    dense = TabularMDP([STAY, SWAP], REWARDS, ("a", "b"))
    thin = TabularMDP([sparse.csr_array(STAY), sparse.csr_array(SWAP)], REWARDS, ("a", "b"))
    assert (dense.transitions - thin.transitions).nnz == 0
    assert dense.probability([0, 0, 1], [0, 1, 1], [0, 0, 0]).tolist() == [1.0, 0.0, 1.0]


def test_a_grid_slips_to_both_sides_and_bumps_into_walls():
    world = grid_world(["A.", "#B"], slip=0.2, stay=True)
    assert world.states == ("0,0", "0,1", "1,1")
    right = world.transitions.toarray().reshape(5, 3, 3)[1]
    assert right[0].round(6).tolist() == [0.2, 0.8, 0.0]  # up: edge, down: wall, both stay
    assert right[1].round(6).tolist() == [0.0, 0.9, 0.1]  # right and up: edge; down: the cell below
    assert world.transitions.toarray().reshape(5, 3, 3)[4] == pytest.approx(np.eye(3))
    assert world.ends.tolist() == [[True, False, False], [False, False, True]]


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (["A.", "B"], {}, "rows of one length"),
        (["A.B"], {"slip": 1.5}, "slip is a probability, got 1.5"),
        (["A.#"], {"goals": {"a": [(0, 0)], "b": [(0, 2)]}}, "goal 'b' lies at 0,2, which is a wall"),
        (["A.."], {}, "at least two, got 1"),
        (["###"], {}, "no wall"),
    ],
)
def test_a_grid_that_is_none_is_refused(rows, options, message):
    with pytest.raises(InvalidInput, match=message):
        grid_world(rows, **options)


def test_goals_outside_the_states_are_refused():
    with pytest.raises(InvalidInput, match="goal 'b' needs states of 0 to 1"):
        reaching([STAY, SWAP], {"a": [0], "b": [2]})


@GYMNASIUM
def test_frozen_lake_is_read_with_its_holes_as_traps():
    lake = gymnasium_world("FrozenLake-v1", {"corner": [3], "goal": [15]}, own_reward="its own", discount=0.95)
    assert lake.goals == ("corner", "goal", "its own")
    assert lake.size == (3, 16, 4)
    assert lake.probability([0, 0, 0, 14, 5], [2, 2, 2, 2, 1], [0, 1, 4, 15, 5]) == pytest.approx(
        [1 / 3, 1 / 3, 1 / 3, 1 / 3, 1.0]
    )
    assert lake.rewards[2, 14, 2] == pytest.approx(1 / 3)  # one way in three leads to the goal
    assert np.flatnonzero(lake.ends[2]).tolist() == [5, 7, 11, 12, 15]
    assert not lake.ends[1, 5]  # a hole fulfils nothing: the cost goes on
    values = soft_policies(lake, betas=[20.0]).values[0]
    assert values[1, 5] == pytest.approx(-20.0, rel=1e-4)  # 1 / (1 - .95) steps of cost
    assert values[1, 14] > values[1, 0] > values[1, 5]


@GYMNASIUM
def test_the_sharp_policy_of_frozen_lake_is_the_optimal_one():
    import gymnasium

    lake = gymnasium_world(gymnasium.make("FrozenLake-v1"), {"goal": [15]}, own_reward="own", discount=0.99)
    best = soft_policies(lake, betas=[20_000.0]).values[0, 1]
    table, v = gymnasium.make("FrozenLake-v1").unwrapped.P, np.zeros(16)

    def gain(state, action):
        return sum(p * (r + 0.99 * v[later] * (not end)) for p, later, r, end in table[state][action])

    for _ in range(3000):
        v = np.array([max(gain(state, action) for action in range(4)) for state in range(16)])
    assert best == pytest.approx(v, abs=0.005)


@GYMNASIUM
def test_taxi_ends_where_its_passenger_arrives():
    import gymnasium

    env = gymnasium.make("Taxi-v4")
    decode = env.unwrapped.decode
    targets = {name: [s for s in range(500) if list(decode(s))[2] == k] for k, name in enumerate("RGYB")}
    taxi = gymnasium_world(env, targets, own_reward="own reward")
    assert taxi.size == (5, 500, 6)
    assert sorted(np.flatnonzero(taxi.ends[4])) == sorted(
        s for s in range(500) if list(decode(s))[2] == list(decode(s))[3] and list(decode(s))[:2] in
        [list(env.unwrapped.locs[list(decode(s))[3]])]
    )  # fmt: skip
    policies = soft_policies(taxi, betas=[4.0])
    aboard = env.unwrapped.encode(0, 0, 4, 1)  # at R, the passenger aboard and bound for G
    assert np.exp(policies.log_policies[0, 0, 0, aboard, 5]) > 0.9  # who wants it at R drops it off there
    assert np.exp(policies.log_policies[0, 0, 4, aboard, 5]) < 0.1


@GYMNASIUM
def test_episodes_of_the_real_frozen_lake_are_explained_by_what_its_agents_want():
    import gymnasium

    env = gymnasium.make("FrozenLake-v1", is_slippery=True)
    lake = gymnasium_world(env, {"corner": [3], "goal": [15]}, own_reward="reward")
    planned, rng = soft_policies(lake, betas=[1.0, 4.0, 20.0]), np.random.default_rng(0)
    rows, wanted = [], []
    for agent in range(30):
        aim = agent % 3
        wanted.append(aim)
        for number in range(3):
            state, _ = env.reset(seed=100 * agent + number)
            states, actions, over = [state], [], False
            while not over and not lake.ends[aim, states[-1]]:
                shares = np.exp(planned.log_policies[0, 2, aim, states[-1]])
                actions.append(int(rng.choice(4, p=shares)))
                state, _, ended, cut, _ = env.step(actions[-1])
                states.append(int(state))
                over = ended or cut
            rows.append(Episode(str(agent), str(number), states, actions))
    found = likelihoods(planned, Episodes.of(rows))  # every transition is possible in the world that was read
    best = goal_posterior(found.of_agents()).probabilities
    named = best.argmax(axis=1)
    corner = np.array(wanted) == 0
    assert (named[corner] == 0).mean() > 0.8
    assert (named[~corner] != 0).all()  # "goal" and "reward" want the same and may be confused


@GYMNASIUM
def test_environments_without_a_table_are_refused():
    import gymnasium

    with pytest.raises(InvalidInput, match="has no table of transitions P"):
        gymnasium_world(gymnasium.make("CartPole-v1"), {"a": [0], "b": [1]})
    with pytest.raises(InvalidInput, match="gymnasium makes no 'Nowhere-v9'"):
        gymnasium_world("Nowhere-v9", {"a": [0], "b": [1]})


def test_a_state_that_ends_episodes_on_some_ways_only_is_refused():
    class World:
        initial_state_distrib = np.array([1.0, 0.0])
        P = {  # noqa: RUF012
            0: {0: [(1.0, 1, 0.0, True)], 1: [(1.0, 1, 0.0, False)]},
            1: {0: [(1.0, 0, 0.0, False)], 1: [(1.0, 0, 0.0, False)]},
        }

    with pytest.raises(InvalidInput, match="state 1 ends an episode on some ways into it only"):
        gymnasium_world(World(), {"a": [0], "b": [1]})
