r"""Gibbs sampling of the goals of a population in which every agent pursues one goal.

.. math:: \theta \mid \alpha \sim \mathrm{Dir}(\alpha), \quad g_i \sim \theta, \quad
          w \sim \mathrm{Dir}, \quad \beta_i \sim w, \quad \tau_i \sim p(\tau \mid g_i, \beta_i)

How rational agents are is learnt together with what they want: a wrong fixed mixture of inverse temperatures makes
goals look more or less sure than they are, and no number of agents mends that. Draws alternate between the goals of all
agents (inverse temperatures summed out), their inverse temperatures, w, and :math:`(\alpha, \theta)` given how many
agents have each goal. Several data sets are sampled at once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.alignment.goals.choosing import chosen, chosen_by_logs
from secondlaw.alignment.goals.goal_prior import concentrations, log_assignment
from secondlaw.errors import InvalidInput

__all__ = ["PopulationDraws", "population_draws"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class PopulationDraws:
    """Draws from the posterior of one population.

    Parameters
    ----------
    shares : ndarray, shape (chains, draws, goals)
        theta.
    counts : ndarray of int, shape (chains, draws, goals)
        Agents with each goal.
    heats : ndarray, shape (chains, draws, betas)
        w, the distribution of inverse temperatures.
    assigned : ndarray, shape (agents, goals)
        Posterior of every agent's goal, given all agents.
    """

    shares: Floats
    counts: Ints
    heats: Floats
    assigned: Floats


def population_draws(
    log_likelihood: ArrayLike,
    *,
    rng: np.random.Generator,
    prior: ArrayLike | None = None,
    draws: int = 1000,
    burn_in: int = 300,
    chains: int = 4,
) -> list[PopulationDraws]:
    """Draw from the posterior of populations.

    Parameters
    ----------
    log_likelihood : array_like, shape (agents, betas, goals) or (populations, agents, betas, goals)
        ln p(trajectories of an agent | goal, beta).
    rng : numpy.random.Generator
    prior : array_like, shape (betas,), optional
        Expected distribution of inverse temperatures, worth as many agents as there are values.
    draws, burn_in, chains : int

    Returns
    -------
    list of PopulationDraws
        One for each population.

    Examples
    --------
    >>> sure = np.log(np.eye(3)[[0] * 9 + [1]] + 1e-12)[:, None, :]
    >>> (found,) = population_draws(sure, rng=np.random.default_rng(0))
    >>> found.shares.mean(axis=(0, 1)).round(1)
    array([0.8, 0.1, 0. ])
    """
    given = np.asarray(log_likelihood, dtype=np.float64)
    given = given[None] if given.ndim == 3 else given
    if given.ndim != 4 or not given.shape[1] or given.shape[3] < 2 or np.isnan(given).any():
        raise InvalidInput(f"log-likelihoods need shape (agents, betas, goals), two goals or more, got {given.shape}")
    sets, agents, betas, goals = given.shape
    fits = np.exp(given - given.max(axis=(2, 3), keepdims=True)).transpose(0, 1, 3, 2)  # (set, agent, goal, beta)
    fits = np.ascontiguousarray(fits).reshape(sets, agents * goals, betas)
    expected = np.full(betas, 1.0) if prior is None else np.asarray(prior, dtype=np.float64) * betas
    # Chains begin apart: at sure and at undecided populations, at cold and at hot agents.
    theta = rng.dirichlet(np.ones(goals), size=(sets, chains))
    heat = rng.dirichlet(np.ones(betas), size=(sets, chains))
    alphas, (own, whole) = concentrations(goals), log_assignment(goals, agents)
    kept = np.empty((draws, sets, chains, goals)), np.empty((draws, sets, chains, betas))
    counts, assigned = np.empty((draws, sets, chains, goals), dtype=np.int64), np.zeros((sets, agents, goals))
    which = np.arange(sets)[:, None, None], np.arange(agents)[None, None, :]
    apart = fits.reshape(sets, agents, goals, betas)
    for step in range(-burn_in, draws):
        summed = (fits @ heat.transpose(0, 2, 1)).reshape(sets, agents, goals, chains)
        weights = summed.transpose(0, 3, 1, 2) * theta[:, :, None, :]  # (set, chain, agent, goal)
        goal = chosen(weights, rng)
        if betas > 1:
            hot = chosen(apart[*which, goal] * heat[:, :, None, :], rng)
            heat = rng.standard_gamma(expected + _tally(hot, betas))
            heat = heat / heat.sum(axis=2, keepdims=True)
        count = _tally(goal, goals)
        logs = own[count].sum(axis=2) + whole[agents]  # (set, chain, alpha)
        alpha = alphas[chosen_by_logs(logs, rng)]
        theta = rng.standard_gamma(alpha[:, :, None] + count)
        theta = np.maximum(theta / theta.sum(axis=2, keepdims=True), np.finfo(float).tiny)
        if step >= 0:
            kept[0][step], kept[1][step], counts[step] = theta, heat, count
            assigned += (weights / weights.sum(axis=3, keepdims=True)).mean(axis=1)
    first = (one.transpose(1, 2, 0, 3) for one in (kept[0], counts, kept[1]))
    return [PopulationDraws(*one) for one in zip(*first, assigned / draws, strict=True)]


def _tally(kinds: Ints, number: int) -> Ints:
    """Return how often each kind occurs over the last axis."""
    return np.asarray((kinds[..., None] == np.arange(number)).sum(axis=-2), dtype=np.int64)
