r"""Goals of agents that choose anew for every episode: each agent's own entropy, and the population's.

Three entropies, never one: :math:`E[S(\theta)]`, how undecided an agent is; :math:`S(E[\theta])`, how undecided the
population is; their gap, how much agents differ. All are of the population that the agents come from, under
:math:`\theta \sim \mathrm{Dir}(c\,m)`: :math:`E[S(\theta)] = \psi(c + 1) - \sum_g m_g \psi(c\,m_g + 1)`.

No credible interval reaches its ends. S(E) is extended to 0 where all episodes may share one goal, E[S] where every
agent may keep to one, the gap where agents may all be alike (c of 100 or more), each at a posterior chance of
(1 - level) / 2; S(E) to ln G where m is no farther from even shares than chi-squared allows at that level.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from secondlaw.alignment.goal_entropy import PopulationEntropy, enough_agents, shannon
from secondlaw.alignment.goals.inverse_planning import Likelihoods
from secondlaw.alignment.goals.population import Convergence, convergence_of, widened
from secondlaw.alignment.goals.switching_sampler import switching_draws
from secondlaw.errors import NotEnoughData
from secondlaw.statistics.intervals import LEVEL, percentile_interval
from secondlaw.types import NATS, SHARE, Estimate, Insufficient, Measured

__all__ = ["SwitchingGoals", "switching_goals"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DRAWS, LONGEST = 600, 4
_ALIKE = 100.0  # c from which agents are as good as alike: the gap is below (G - 1) / 200 nats
FEWEST_EPISODES = 3


@dataclass(frozen=True, slots=True, eq=False)
class SwitchingGoals:
    """Goals of agents that switch between episodes.

    Parameters
    ----------
    entropies : PopulationEntropy
        E[S(theta)], S(E[theta]) and their gap, nats.
    shares : tuple of Estimate
        The population's goal distribution m.
    own : tuple of Measured
        Entropy of each agent's own goal distribution, nats; insufficient below three episodes.
    own_shares : ndarray, shape (agents, goals)
        Posterior mean of each agent's goal distribution.
    assigned : ndarray, shape (episodes, goals)
    heats : ndarray, shape (betas,)
    convergence : Convergence
    """

    entropies: PopulationEntropy
    shares: tuple[Estimate, ...]
    own: tuple[Measured, ...]
    own_shares: Floats
    assigned: Floats
    heats: Floats
    convergence: Convergence


def switching_goals(
    found: Likelihoods, agent: Ints, *, rng: np.random.Generator, level: float = LEVEL
) -> SwitchingGoals:
    """Infer goal distributions of agents that choose a goal for every episode.

    Parameters
    ----------
    found : Likelihoods
    agent : ndarray of int, shape (episodes,)
        Whose each episode is.
    rng : numpy.random.Generator
    level : float

    Raises
    ------
    NotEnoughData
        With fewer than five agents, or no agent with two episodes.
    """
    from scipy.special import digamma

    agents, episodes = len(found.agent), np.bincount(agent, minlength=len(found.agent))
    enough_agents(agents)
    if episodes.max() < 2:
        raise NotEnoughData("agents that switch show it in several episodes; every agent has one")
    draws = DRAWS
    while True:
        one = switching_draws(found, agent, rng=rng, draws=draws, burn_in=max(300, draws // 4))
        reached = convergence_of(one.mean)
        if reached.reached or draws >= LONGEST * DRAWS:
            break
        draws *= 2
    c, m = one.likeness[:, :, None], one.mean
    single = (digamma(c + 1.0)[:, :, 0] - (m * digamma(c * m + 1.0)).sum(axis=2)).ravel()
    pooled = shannon(m).ravel()

    def estimate(values: Floats, units: int, kind: str, unit: str = NATS) -> Estimate:
        low, high = (float(end) for end in percentile_interval(values, widened(level), groups=units))
        value = float(np.clip(values.mean(), low, high))
        return Estimate(value, low, high, level, units, unit, "posterior mean and credible interval", kind)

    own = shannon(one.own)  # (chain, draw, agent)
    tail = (1.0 - level) / 2.0
    alike = float((one.likeness >= _ALIKE).mean()) >= tail
    of_mean = estimate(pooled, agents, "agents")
    if one.one_goal >= tail:
        of_mean = replace(of_mean, low=0.0)
    if _may_be_even(m, tail):
        of_mean = replace(of_mean, high=float(np.log(m.shape[2])))
    of_one = estimate(single, agents, "agents")
    of_one = replace(of_one, low=0.0) if one.one_each >= tail else of_one
    of_one = replace(of_one, high=max(of_one.high, of_mean.high)) if alike else of_one
    gap = estimate(np.maximum(pooled - single, 0.0), agents, "agents")
    return SwitchingGoals(
        PopulationEntropy(of_one, of_mean, replace(gap, low=0.0) if alike else gap),
        tuple(estimate(m[:, :, goal].ravel(), agents, "agents", SHARE) for goal in range(m.shape[2])),
        tuple(
            estimate(own[:, :, k].ravel(), int(number), "episodes")
            if number >= FEWEST_EPISODES
            else Insufficient(f"{number} episodes: an agent's own entropy needs at least {FEWEST_EPISODES}")
            for k, number in enumerate(episodes)
        ),
        np.asarray(one.own.mean(axis=(0, 1))),
        one.assigned,
        np.asarray(one.heats.mean(axis=(0, 1))),
        reached,
    )


def _may_be_even(mean: Floats, tail: float) -> bool:
    """Return whether even shares lie within the posterior of the population's goal distribution."""
    from scipy.special import chdtri

    flat = mean.reshape(-1, mean.shape[2])[:, :-1]
    away = flat.mean(axis=0) - 1.0 / mean.shape[2]
    spread = np.atleast_2d(np.cov(flat.T)) + 1e-12 * np.eye(flat.shape[1])
    return float(away @ np.linalg.solve(spread, away)) <= float(chdtri(flat.shape[1], tail))
