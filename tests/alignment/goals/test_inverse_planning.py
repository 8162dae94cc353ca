"""Posteriors of goals: by hand, along a trajectory, far below the smallest number; agents that act."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlaw.alignment.goals import (
    Episode,
    Episodes,
    act,
    goal_posterior,
    grid_world,
    likelihoods,
    posterior_path,
    reaching,
    soft_policies,
)
from secondlaw.alignment.goals.inverse_planning import LAPSE
from secondlaw.errors import FileFormatError, InvalidInput, NotEnoughData

WORLD = grid_world(["A...B"], slip=0.1)
POLICIES = soft_policies(WORLD, betas=[0.5, 2.0])
RIGHT, LEFT = 1, 3


def episodes(*actions, agent="a"):
    states = [2, *np.clip(2 + np.cumsum([{RIGHT: 1, LEFT: -1}[a] for a in actions]), 0, 4).tolist()]
    return Episode(agent, "1", states, list(actions))


@pytest.mark.unit
def test_the_posterior_is_bayes_rule_by_hand():
    found = likelihoods(POLICIES, Episodes.of([episodes(RIGHT, RIGHT)]), prior=[0.3, 0.7])
    shares = np.exp(POLICIES.log_policies[0])
    by_hand = [
        0.3 * shares[0, g, 2, 1] * shares[0, g, 3, 1] + 0.7 * shares[1, g, 2, 1] * shares[1, g, 3, 1] for g in (0, 1)
    ]
    assert np.exp(found.of_agents()[0]) == pytest.approx(by_hand)
    posterior = goal_posterior(found.of_agents(), prior=[0.9, 0.1])
    weights = np.array([0.9, 0.1]) * by_hand
    assert posterior.probabilities[0] == pytest.approx(weights / weights.sum())
    assert posterior.log_evidence[0] == pytest.approx(np.log(weights.sum()))


@pytest.mark.unit
def test_episodes_of_one_agent_share_its_goal_and_its_beta():
    one = likelihoods(POLICIES, Episodes.of([episodes(RIGHT), episodes(LEFT), episodes(RIGHT, agent="b")]))
    assert one.agent[0] == pytest.approx(one.episode[0] + one.episode[1])
    assert one.agent[1] == pytest.approx(one.episode[2])
    assert one.of_agents()[0, 0] == pytest.approx(one.of_agents()[0, 1])  # once there and once back


@pytest.mark.unit
def test_the_path_ends_at_the_posterior_and_begins_at_the_prior():
    seen = Episodes.of([episodes(RIGHT, LEFT, RIGHT, RIGHT)])
    path = posterior_path(POLICIES, seen, 0, prior=[0.6, 0.4])
    assert path.shape == (5, 2)
    assert path[0] == pytest.approx([0.6, 0.4])
    last = goal_posterior(likelihoods(POLICIES, seen).of_agents(), prior=[0.6, 0.4]).probabilities
    assert path[-1] == pytest.approx(last[0])


@pytest.mark.unit
def test_ten_thousand_steps_do_not_underflow():
    long = Episodes.of([episodes(*[RIGHT, LEFT] * 5000)])
    found = likelihoods(POLICIES, long)
    assert found.of_agents().max() < -5000
    assert goal_posterior(found.of_agents()).probabilities.sum() == pytest.approx(1.0)


@pytest.mark.unit
def test_once_a_goal_is_reached_any_action_is_expected_alike():
    beyond = Episodes.of([Episode("a", "1", [1, 0, 0, 0], [LEFT, LEFT, 0])])
    found = likelihoods(POLICIES, beyond).episode[0, :, 0]
    assert found == pytest.approx(POLICIES.log_policies[0, :, 0, 1, LEFT] + 2 * np.log(0.25))


@pytest.mark.unit
def test_where_agents_stop_counts_where_it_is_known():
    world = grid_world(["AB..C"])
    planned = soft_policies(world, betas=[2.0])

    def said(ended, *states):
        moves = [LEFT] * (len(states) - 1)
        return likelihoods(planned, Episodes.of([Episode("a", "1", states, moves, ended)]))

    unknown, cut, done = (said(ended, 3, 2, 1).of_agents()[0] for ended in (None, False, True))
    assert cut == pytest.approx(unknown)  # cut off at B: no evidence
    assert done - unknown == pytest.approx([np.log(LAPSE), 0.0, np.log(LAPSE)])  # stopped at B: not for A or C
    on = said(False, 2, 1, 0).of_agents()[0] - said(None, 2, 1, 0).of_agents()[0]
    assert on == pytest.approx([0.0, np.log(LAPSE), 0.0])  # who passes B does not want it
    found = said(True, 3, 2, 1)
    assert found.of_actions(np.zeros(1, dtype=int)).of_agents()[0] == pytest.approx(unknown)
    path = posterior_path(planned, Episodes.of([Episode("a", "1", [3, 2, 1], [LEFT, LEFT], True)]), 0)
    assert path[-1] == pytest.approx(goal_posterior(found.of_agents()).probabilities[0])
    assert path[-1, 1] > 0.99 > 0.7 > path[-2, 1]


@pytest.mark.unit
def test_an_end_that_nobody_can_leave_says_nothing():
    stay, on = np.eye(3), np.array([[0.0, 1, 0], [0, 0, 1], [0, 0, 1]])
    world = reaching([stay, on], {"a": [0], "b": [1]})
    found = likelihoods(soft_policies(world, betas=[1.0]), Episodes.of([Episode("x", "1", [1, 2], [1], True)]))
    assert found.stops.tolist() == [[0.0, np.log(LAPSE)]]  # b was passed; the end in the trap is no choice


@pytest.mark.unit
def test_a_finite_horizon_uses_the_policy_of_each_step():
    short = soft_policies(WORLD, betas=[2.0], horizon=3)
    found = likelihoods(short, Episodes.of([episodes(RIGHT, RIGHT)])).episode[0, 0]
    assert found == pytest.approx(short.log_policies[0, 0, :, 2, 1] + short.log_policies[1, 0, :, 3, 1])
    with pytest.raises(InvalidInput, match="an episode has 4 steps and the policies end after 3"):
        likelihoods(short, Episodes.of([episodes(RIGHT, LEFT, RIGHT, LEFT)]))


@pytest.mark.unit
def test_priors_that_are_none_are_refused():
    with pytest.raises(InvalidInput, match=r"the prior of betas must sum to 1, got 1\.1"):
        likelihoods(POLICIES, Episodes.of([episodes(RIGHT)]), prior=[0.5, 0.6])
    with pytest.raises(InvalidInput, match="the prior of goals needs 2 probabilities"):
        goal_posterior([[0.0, 0.0]], prior=[1.0])


@pytest.mark.unit
def test_episodes_that_cannot_happen_are_named():
    def checked(states, actions):
        Episodes.of([Episode("robot", "7", states, actions)]).check(WORLD)

    with pytest.raises(
        FileFormatError, match=r"agent robot, episode 7, step 0: action right in state 0,0 never leads to 0,4"
    ):
        checked([0, 4], [RIGHT])
    with pytest.raises(FileFormatError, match="step 1: the world has no state 9, only 0 to 4"):
        checked([0, 9], [RIGHT])
    with pytest.raises(FileFormatError, match="the world has no action 4, only 0 to 3"):
        checked([0, 0], [4])
    with pytest.raises(InvalidInput, match="1 actions need as many states or one more, got 3"):
        checked([0, 1, 2], [RIGHT])
    with pytest.raises(NotEnoughData, match="no action to infer a goal from"):
        Episodes.of([Episode("robot", "7", [0], [])])


@pytest.mark.calibration
def test_agents_act_as_their_policy_says_and_stop_at_their_goal():
    rng = np.random.default_rng(0)
    n = 20_000
    seen = act(POLICIES, goals=np.ones(n, dtype=int), betas=1, starts=2, steps=30, rng=rng)
    seen.check(WORLD)
    share = np.exp(POLICIES.log_policies[0, 1, 1, 2])
    drawn = np.bincount(seen.actions[:, 0], minlength=4) / n
    assert np.abs(drawn - share).max() < 4 * np.sqrt(0.25 / n)
    slipped = (seen.states[:, 1] == 2)[seen.actions[:, 0] == RIGHT].mean()
    assert slipped == pytest.approx(0.1, abs=0.02)
    lengths = seen.lengths
    last = seen.states[np.arange(n), lengths]
    assert (last[lengths < 30] == 4).all()


@pytest.mark.law
@given(st.lists(st.sampled_from([RIGHT, LEFT]), min_size=1, max_size=12), st.floats(0.05, 0.95))
def test_the_posterior_is_a_distribution_and_evidence_adds_up(moves, share):
    seen = Episodes.of([episodes(*moves)])
    found = likelihoods(POLICIES, seen)
    posterior = goal_posterior(found.of_agents(), prior=[share, 1 - share])
    assert posterior.probabilities.sum() == pytest.approx(1.0)
    evidence = np.log(share * np.exp(found.of_agents()[0, 0]) + (1 - share) * np.exp(found.of_agents()[0, 1]))
    assert posterior.log_evidence[0] == pytest.approx(evidence)
