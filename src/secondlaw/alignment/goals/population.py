r"""The goal distribution of a population and its entropy, from trajectories that leave goals uncertain.

The posterior of :mod:`~secondlaw.alignment.goals.population_sampler` keeps two things apart: how sure one is of an
agent's goal, and how much goals differ between agents. A credible interval alone cannot cover the ends: it never
reaches an entropy of 0 or of ln G, and between them it covers a little too seldom. Its tails are therefore cut to .6 of
their mass and widened for few agents like those of a bootstrap, and it is extended

- to 0 where the posterior chance that all agents share one goal is at least (1 - level) / 2; and, likewise, a goal's
  share to 0 or 1 where nobody or everybody may have it;
- to ln G where a likelihood-ratio test (chi-squared, G - 1 degrees) does not reject at (1 - level) / 2 that all goals
  are alike.

Measured coverage: `docs/goals.md`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.alignment.goal_entropy import enough_agents, shannon
from secondlaw.alignment.goals.chain_convergence import effective_draws, split_r_hat
from secondlaw.alignment.goals.inverse_planning import Likelihoods
from secondlaw.alignment.goals.population_sampler import PopulationDraws, population_draws
from secondlaw.statistics.intervals import LEVEL, percentile_interval
from secondlaw.statistics.mixture import mixture_weights
from secondlaw.types import NATS, SHARE, Estimate

__all__ = [
    "Convergence",
    "PopulationGoals",
    "convergence_of",
    "population_goals",
    "summarised",
    "widened",
]

Floats = NDArray[np.float64]

DRAWS = 1000
# Chains have converged below this R-hat and from this number of effective draws on.
R_HAT, EFFECTIVE = 1.01, 400
# Part of the tails' mass that is left outside, found by measuring coverage (scripts/calibrate_goals.py).
TAIL = 0.6
LONGEST = 16  # times the first number of draws, after which what was reached is reported


@dataclass(frozen=True, slots=True)
class Convergence:
    """Whether the draws represent the posterior.

    Parameters
    ----------
    r_hat : float
        Of the entropy and of every share, the largest.
    effective : float
        Effective draws of them, the smallest.
    draws : int
        Of all chains together.
    """

    r_hat: float
    effective: float
    draws: int

    @property
    def reached(self) -> bool:
        """Whether both are as they should be."""
        return self.r_hat <= R_HAT and self.effective >= EFFECTIVE


@dataclass(frozen=True, slots=True, eq=False)
class PopulationGoals:
    """Goals of a population.

    Parameters
    ----------
    entropy : Estimate
        S of the population's goal distribution, nats.
    shares : tuple of Estimate
        Of the goals.
    assigned : ndarray, shape (agents, goals)
        Posterior of each agent's goal, given all agents.
    heats : ndarray, shape (betas,)
        Posterior mean of the distribution of inverse temperatures.
    convergence : Convergence
    """

    entropy: Estimate
    shares: tuple[Estimate, ...]
    assigned: Floats
    heats: Floats
    convergence: Convergence


def population_goals(found: Likelihoods, *, rng: np.random.Generator, level: float = LEVEL) -> PopulationGoals:
    """Infer the goal distribution of a population of agents that pursue one goal each.

    Parameters
    ----------
    found : Likelihoods
    rng : numpy.random.Generator
    level : float

    Returns
    -------
    PopulationGoals
        Chains are lengthened until R-hat is at most 1.01 with 400 effective draws, at most sixteenfold.

    Raises
    ------
    NotEnoughData
        With fewer than five agents.

    Examples
    --------
    >>> from secondlaw.alignment.goals import act, grid_world, likelihoods, soft_policies
    >>> policies = soft_policies(grid_world(["A...B"]), betas=[1.0, 3.0])
    >>> seen = act(policies, goals=[0] * 15 + [1] * 5, starts=2, steps=3, betas=1, rng=np.random.default_rng(0))
    >>> print(population_goals(likelihoods(policies, seen), rng=np.random.default_rng(1)).entropy)
    0.571 [0.290, 0.693] nats
    """
    agents = len(found.agent)
    enough_agents(agents)
    draws = DRAWS
    while True:
        (one,) = population_draws(found.agent, rng=rng, prior=found.prior, draws=draws, burn_in=max(300, draws // 4))
        reached = convergence_of(one.shares)
        if reached.reached or draws >= LONGEST * DRAWS:
            return summarised(one, found.agent, level=level, convergence=reached)
        draws *= 4


def summarised(
    draws: PopulationDraws, log_likelihood: Floats, *, level: float, convergence: Convergence
) -> PopulationGoals:
    """Return estimates from draws.

    Parameters
    ----------
    draws : PopulationDraws
    log_likelihood : ndarray, shape (agents, betas, goals)
    level : float
    convergence : Convergence
    """
    agents, _, goals = log_likelihood.shape
    tail = (1.0 - level) / 2.0
    entropies = shannon(draws.shares).ravel()
    low, high = (float(end) for end in percentile_interval(entropies, widened(level), groups=agents))
    heats = np.asarray(draws.heats.mean(axis=(0, 1)))
    one_goal = float((draws.counts.max(axis=2) == agents).mean())
    low = 0.0 if one_goal >= tail else low
    high = float(np.log(goals)) if not _rejects_alike(log_likelihood, heats, level) else high
    method = "posterior mean under a Dirichlet prior of unknown concentration; credible interval, extended to its ends"
    value = float(np.clip(entropies.mean(), low, high))
    return PopulationGoals(
        Estimate(value, low, high, level, agents, NATS, method, "agents"),
        _shares(draws, agents, level),
        draws.assigned,
        heats,
        convergence,
    )


def widened(level: float) -> float:
    """Return the level at which a credible interval covers `level` of the truths."""
    return 1.0 - TAIL * (1.0 - level)


def _shares(draws: PopulationDraws, agents: int, level: float) -> tuple[Estimate, ...]:
    flat = draws.shares.reshape(-1, draws.shares.shape[2])
    counts = draws.counts.reshape(-1, draws.shares.shape[2])
    low, high = percentile_interval(flat, widened(level), groups=agents)
    tail = (1.0 - level) / 2.0
    low = np.where((counts == 0).mean(axis=0) >= tail, 0.0, low)
    high = np.where((counts == agents).mean(axis=0) >= tail, 1.0, high)
    mean = np.clip(flat.mean(axis=0), low, high)
    return tuple(
        Estimate(v, a, b, level, agents, SHARE, "posterior mean and credible interval", "agents")
        for v, a, b in zip(mean, low, high, strict=True)
    )


def _rejects_alike(log_likelihood: Floats, heats: Floats, level: float) -> bool:
    """Return whether a likelihood-ratio test rejects that all goals have the same share."""
    from scipy.special import chdtri

    fits = np.exp(log_likelihood - log_likelihood.max(axis=(1, 2), keepdims=True))
    rows = np.einsum("abg,b->ag", fits, heats)
    best = mixture_weights(rows, np.ones((1, len(rows)))).shares[0]
    ratio = 2.0 * float(np.log(rows @ best).sum() - np.log(rows.mean(axis=1)).sum())
    return ratio > float(chdtri(rows.shape[1] - 1, (1.0 - level) / 2.0))


def convergence_of(shares: Floats) -> Convergence:
    """Return whether draws of shares, shape (chains, draws, goals), and of their entropy have converged."""
    followed = [shannon(shares), *np.moveaxis(shares, 2, 0)]
    return Convergence(
        max(split_r_hat(one) for one in followed),
        min(effective_draws(one) for one in followed),
        int(shares.shape[0] * shares.shape[1]),
    )
