"""Goals that are not in the set are noticed, and goals that are in it are not accused."""

import sys
from pathlib import Path

import numpy as np
import pytest

from secondlaw.alignment.goals import (
    BETAS,
    act,
    explanations,
    grid_world,
    infer_goals,
    likelihoods,
    soft_policies,
)
from secondlaw.types import Estimate, Insufficient

sys.path.insert(0, str(Path(__file__).parent))

GRID = ["A.....B", ".......", ".......", ".......", "C..E..D"]
FULL = soft_policies(
    grid_world(GRID, slip=0.1, goals={"A": [(0, 0)], "B": [(0, 6)], "C": [(4, 0)], "D": [(4, 6)], "E": [(4, 3)]}),
    betas=[0.0, 2.0],
)
LISTED = grid_world(GRID, slip=0.1, goals={"A": [(0, 0)], "B": [(0, 6)], "C": [(4, 0)]})
POLICIES = soft_policies(LISTED, betas=BETAS)


def seen(theta, *, agents, episodes, steps, seed=0, beta=1):
    rng = np.random.default_rng(seed)
    goals = rng.choice(5, p=theta, size=agents)
    whose = np.repeat(np.arange(agents), episodes)
    starts = rng.integers(7, 28, size=len(whose))  # the middle rows, where no goal is
    return act(FULL, goals=goals[whose], starts=starts, steps=steps, rng=rng, betas=beta, agent=whose), goals


def verdicts(found, **options):
    said = [one.verdict for one in explanations(POLICIES, found, likelihoods(POLICIES, found), **options)]
    return {kind: said.count(kind) for kind in ("explained", "undecided", "unexplained")}


@pytest.mark.calibration
def test_agents_with_listed_goals_are_never_called_unexplained():
    for episodes, steps in ((1, 4), (1, 12), (4, 12)):
        found = verdicts(seen([0.5, 0.3, 0.2, 0, 0], agents=300, episodes=episodes, steps=steps)[0])
        assert found["unexplained"] <= 1
    assert found["explained"] > 295  # four episodes say enough


@pytest.mark.calibration
def test_agents_with_a_goal_outside_the_set_are_noticed():
    corner = verdicts(seen([0, 0, 0, 1, 0], agents=200, episodes=3, steps=10)[0])
    assert corner["unexplained"] > 190
    between = verdicts(seen([0, 0, 0, 0, 1], agents=200, episodes=10, steps=10)[0])
    assert between["unexplained"] > 180


@pytest.mark.unit
def test_agents_that_act_at_random_stay_undecided():
    found, _ = seen([1, 0, 0, 0, 0], agents=200, episodes=3, steps=10, beta=0)
    said = verdicts(found)
    assert said["explained"] <= 10
    sharp = soft_policies(LISTED, betas=[5.0])  # if they are said to be sharp, their actions contradict every goal
    checks = explanations(sharp, found, likelihoods(sharp, found))
    assert sum(one.verdict == "unexplained" for one in checks) > 190


@pytest.mark.unit
def test_p_values_are_even_under_the_model_itself():
    found, _ = seen([1, 0, 0, 0, 0], agents=400, episodes=4, steps=12)
    one_goal = soft_policies(FULL.mdp, betas=[2.0])
    p = np.array(
        [e.p_value for e in explanations(one_goal, found, likelihoods(one_goal, found)) if e.p_value is not None]
    )
    assert len(p) > 300
    assert abs((p < 0.5).mean() - 0.5) < 0.12
    assert (p < 0.01).mean() < 0.04


@pytest.mark.unit
def test_no_entropy_where_nobody_pursues_a_listed_goal():
    for theta, steps in (([0, 0, 0, 0, 1], 4), ([0, 0, 0, 0, 1], 10), ([0, 0, 0, 1, 0], 10)):
        found = infer_goals(LISTED, seen(theta, agents=40, episodes=1, steps=steps)[0], rng=np.random.default_rng(0))
        assert isinstance(found.entropy, Insufficient)
        assert "none of the goals explains the trajectories" in found.entropy.reason
        assert isinstance(found.shares, Insufficient)
        assert not found.naive


@pytest.mark.unit
def test_a_few_such_agents_are_counted_apart():
    episodes, goals = seen([0.5, 0.3, 0.1, 0.1, 0], agents=40, episodes=3, steps=10)
    found = infer_goals(LISTED, episodes, rng=np.random.default_rng(0))
    assert isinstance(found.entropy, Estimate)
    out = [k for k, one in enumerate(found.agents) if one.explanation.verdict == "unexplained"]
    assert out == np.flatnonzero(goals == 3).tolist()
    assert f"{len(out)} of 40 agents; they are counted apart" in found.warnings[0]
    assert found.entropy.n == 40 - len(out)
    assert all(found.agents[k].assigned is None for k in out)


@pytest.mark.unit
def test_agents_that_change_their_goal_are_pointed_out():
    rng = np.random.default_rng(0)
    whose = np.repeat(np.arange(10), 4)
    goals = np.tile([0, 1], 20)
    episodes = act(FULL, goals=goals, starts=17, steps=8, rng=rng, betas=1, agent=whose)
    found = infer_goals(LISTED, episodes, rng=rng)
    assert any("point at different goals" in one for one in found.warnings)
    switching = infer_goals(LISTED, episodes, rng=rng, switching=True)
    assert not any("point at different goals" in one for one in switching.warnings)
    assert switching.entropies.mean_entropy.low > 0.3
    assert switching.count("explained") == 10
