"""Agents that choose a goal for every episode: three entropies that add up, and intervals that cover."""

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.special import digamma
from scipy.stats import binom

from secondlaw.alignment import shannon
from secondlaw.alignment.goals import act, likelihoods, switching_goals
from secondlaw.alignment.goals.inverse_planning import Likelihoods
from secondlaw.errors import NotEnoughData
from secondlaw.types import Estimate, Insufficient

sys.path.insert(0, str(Path(__file__).parent))
from goal_populations import CORNERS, policies


def population(mean, likeness, *, agents, episodes, steps, rng):
    planned = policies(CORNERS)
    own = rng.dirichlet(likeness * np.asarray(mean), size=agents)
    whose = np.repeat(np.arange(agents), episodes)
    goals = np.array([rng.choice(4, p=own[k]) for k in whose])
    seen = act(planned, goals=goals, starts=planned.mdp.states.index("2,3"), steps=steps, rng=rng, betas=3, agent=whose)
    return likelihoods(planned, seen), whose, own


def sure(own, episodes, rng):
    """Likelihoods of agents whose goals are seen without doubt, one beta."""
    whose = np.repeat(np.arange(len(own)), episodes)
    goals = np.array([rng.choice(own.shape[1], p=own[k]) for k in whose])
    logs = np.where(np.eye(own.shape[1])[goals] > 0, 0.0, -60.0)[:, None]
    return Likelihoods(logs, np.zeros((len(own), 1, own.shape[1])), np.ones(1), np.ones(1)), whose


@pytest.mark.unit
def test_the_three_entropies_are_those_of_the_population():
    rng = np.random.default_rng(0)
    mean, likeness = np.array([0.5, 0.3, 0.15, 0.05]), 2.0
    found, whose, own = population(mean, likeness, agents=30, episodes=8, steps=6, rng=rng)
    result = switching_goals(found, whose, rng=rng)
    single = float(digamma(likeness + 1) - (mean * digamma(likeness * mean + 1)).sum())
    assert result.entropies.mean_entropy.covers(single)
    assert result.entropies.entropy_of_mean.covers(float(shannon(mean)))
    assert result.entropies.gap.covers(float(shannon(mean)) - single)
    covered = [one.covers(float(shannon(p))) for one, p in zip(result.own, own, strict=True)]
    assert sum(covered) >= binom.ppf(1e-3, 30, 0.95)
    assert result.convergence.r_hat < 1.05
    assert result.assigned.sum(axis=1) == pytest.approx(1.0)


@pytest.mark.unit
def test_agents_with_a_goal_each_and_agents_that_are_alike_are_told_apart():
    rng = np.random.default_rng(1)
    found, whose = sure(np.eye(4)[np.arange(24) % 4], 6, rng)
    apart = switching_goals(found, whose, rng=rng).entropies
    found, whose = sure(np.full((24, 4), 0.25), 6, rng)
    alike = switching_goals(found, whose, rng=rng).entropies
    assert apart.mean_entropy.high < 0.3 < 1.0 < apart.gap.value
    assert alike.gap.high < 0.4
    assert alike.mean_entropy.low > 0.9


@pytest.mark.unit
def test_too_few_episodes_are_said():
    rng = np.random.default_rng(0)
    found, whose = sure(np.full((8, 3), 1 / 3), 1, rng)
    with pytest.raises(NotEnoughData, match="every agent has one"):
        switching_goals(found, whose, rng=rng)
    found, whose = sure(np.full((8, 3), 1 / 3), 2, rng)
    own = switching_goals(found, whose, rng=rng).own
    assert all(isinstance(one, Insufficient) for one in own)
    assert "2 episodes" in str(own[0])
    with pytest.raises(NotEnoughData, match="at least 5 agents"):
        switching_goals(*sure(np.full((4, 3), 1 / 3), 3, rng), rng=rng)


@pytest.mark.calibration
def test_the_ends_can_be_covered():
    rng = np.random.default_rng(0)
    alike = switching_goals(*sure(np.full((12, 3), 1 / 3), 5, rng), rng=rng).entropies
    assert alike.entropy_of_mean.high == pytest.approx(np.log(3))
    assert alike.mean_entropy.high == pytest.approx(np.log(3))
    assert alike.gap.low == 0.0
    one = switching_goals(*sure(np.eye(3)[np.zeros(12, dtype=int)], 5, rng), rng=rng).entropies
    assert (one.entropy_of_mean.low, one.mean_entropy.low, one.gap.low) == (0.0, 0.0, 0.0)
    each = switching_goals(*sure(np.eye(3)[np.arange(12) % 3], 5, rng), rng=rng).entropies
    assert each.mean_entropy.low == 0.0
    assert each.gap.low > 0.3


@pytest.mark.calibration
def test_intervals_cover_over_populations():
    runs, hits = 14, np.zeros(3, dtype=int)
    mean, likeness = np.array([0.6, 0.3, 0.1]), 3.0
    single = float(digamma(likeness + 1) - (mean * digamma(likeness * mean + 1)).sum())
    truths = single, float(shannon(mean)), float(shannon(mean)) - single
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        found, whose = sure(rng.dirichlet(likeness * mean, size=12), 5, rng)
        said = switching_goals(found, whose, rng=rng).entropies
        for place, (one, truth) in enumerate(
            zip((said.mean_entropy, said.entropy_of_mean, said.gap), truths, strict=True)
        ):
            assert isinstance(one, Estimate)
            hits[place] += one.covers(truth)
    assert hits.min() >= binom.ppf(1e-3, runs, 0.93)
