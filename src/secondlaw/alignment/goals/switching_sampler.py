r"""Gibbs sampling of agents that choose a goal anew for every episode.

.. math:: m \mid \alpha \sim \mathrm{Dir}(\alpha), \quad \theta_i \sim \mathrm{Dir}(c\,m), \quad
          g_{ij} \sim \theta_i, \quad \tau_{ij} \sim p(\tau \mid g_{ij}, \beta_i), \quad \beta_i \sim w

m is the population's goal distribution, :math:`\theta_i` an agent's own, c how alike agents are (large: all as m).
Given the goals of the episodes, :math:`\theta_i` is integrated out: c is drawn from the Dirichlet-multinomial on a
grid, m through the number of "tables" in a Chinese restaurant (Teh, Jordan, Beal & Blei 2006), then :math:`\theta_i`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.alignment.goals.choosing import chosen, chosen_by_logs
from secondlaw.alignment.goals.goal_prior import concentrations, log_assignment
from secondlaw.alignment.goals.inverse_planning import Likelihoods

__all__ = ["LIKENESS", "SwitchingDraws", "switching_draws"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LIKENESS = np.geomspace(0.1, 200.0, 24)
"""Values of c, equally probable beforehand: from agents with a goal each to agents that are all alike."""


@dataclass(frozen=True, slots=True, eq=False)
class SwitchingDraws:
    """Draws from the posterior of a population whose agents switch.

    Parameters
    ----------
    mean : ndarray, shape (chains, draws, goals)
        m.
    own : ndarray, shape (chains, draws, agents, goals)
        theta of the agents.
    likeness : ndarray, shape (chains, draws)
        c.
    heats : ndarray, shape (chains, draws, betas)
    assigned : ndarray, shape (episodes, goals)
        Posterior of each episode's goal.
    one_goal, one_each : float
        Posterior chance that all episodes share one goal, and that every agent keeps to one of its own.
    """

    mean: Floats
    own: Floats
    likeness: Floats
    heats: Floats
    assigned: Floats
    one_goal: float
    one_each: float


def switching_draws(
    found: Likelihoods, agent: Ints, *, rng: np.random.Generator, draws: int = 1000, burn_in: int = 300, chains: int = 4
) -> SwitchingDraws:
    """Draw from the posterior.

    Parameters
    ----------
    found : Likelihoods
    agent : ndarray of int, shape (episodes,)
        Whose each episode is.
    rng : numpy.random.Generator
    draws, burn_in, chains : int
    """
    from scipy.special import gammaln

    episodes, betas, goals = found.episode.shape
    agents = len(found.agent)
    fits = np.exp(found.episode - found.episode.max(axis=(1, 2), keepdims=True))
    log_fits = np.log(np.maximum(fits, 1e-300))
    belongs = (agent[:, None] == np.arange(agents)).astype(np.float64)  # (episode, agent)
    per_agent = belongs.sum(axis=0)
    whole = (gammaln(LIKENESS)[:, None] - gammaln(LIKENESS[:, None] + per_agent)).sum(axis=1)
    own = rng.dirichlet(np.ones(goals), size=(chains, agents))
    mean, heat = rng.dirichlet(np.ones(goals), size=chains), np.tile(found.prior, (chains, 1))
    hot = chosen(np.tile(found.prior, (chains, agents, 1)), rng)
    expected = found.prior * betas
    kept = (np.empty((draws, chains, goals)), np.empty((draws, chains, agents, goals)), np.empty((draws, chains)),
            np.empty((draws, chains, betas)))  # fmt: skip
    assigned, rows, single = np.zeros((episodes, goals)), np.arange(episodes), np.zeros(2)
    for step in range(-burn_in, draws):
        weights = fits[rows[None], hot[:, agent]] * own[:, agent]  # (chain, episode, goal)
        goal = chosen(weights, rng)
        if betas > 1:
            logs = belongs.T @ log_fits[rows[None], :, goal] + np.log(np.maximum(heat, 1e-300))[:, None]
            hot = chosen_by_logs(logs, rng)  # (chain, agent)
            heat = rng.standard_gamma(expected + (hot[..., None] == np.arange(betas)).sum(axis=1))
            heat = heat / heat.sum(axis=1, keepdims=True)
        count = belongs.T @ (goal[:, :, None] == np.arange(goals))  # (chain, agent, goal)
        likeness = _drawn_likeness(count, whole, mean, rng)
        mean = _drawn_mean(_tables(count, likeness, mean, rng), episodes, rng)
        own = rng.standard_gamma(likeness[:, None, None] * mean[:, None] + count)
        own = np.maximum(own / np.maximum(own.sum(axis=2, keepdims=True), 1e-300), 1e-300)
        if step >= 0:
            for where, what in zip(kept, (mean, own, likeness, heat), strict=True):
                where[step] = what
            assigned += (weights / weights.sum(axis=2, keepdims=True)).mean(axis=0)
            single[0] += (count.sum(axis=1).max(axis=1) == episodes).mean()
            single[1] += (count.max(axis=2) == per_agent).all(axis=1).mean()
    by_chain = [np.ascontiguousarray(np.moveaxis(one, 0, 1)) for one in kept]
    chances = single / draws
    return SwitchingDraws(
        by_chain[0], by_chain[1], by_chain[2], by_chain[3], assigned / draws, float(chances[0]), float(chances[1])
    )


def _drawn_likeness(count: Floats, whole: Floats, mean: Floats, rng: np.random.Generator) -> Floats:
    from scipy.special import gammaln

    c = LIKENESS[None, :, None, None]
    base = c * mean[:, None, None, :]
    seen = count[:, None]  # (chain, c, agent, goal)
    logs = np.where(seen > 0.0, gammaln(base + seen) - gammaln(np.maximum(base, 1e-300)), 0.0).sum(axis=(2, 3))
    return np.asarray(LIKENESS[chosen_by_logs(logs + whole, rng)])


def _tables(count: Floats, likeness: Floats, mean: Floats, rng: np.random.Generator) -> Ints:
    """Return how many tables serve each goal, summed over agents, shape (chains, goals)."""
    base = likeness[:, None, None] * mean[:, None, :]
    total = np.zeros(count.shape)
    for guest in range(int(count.max())):
        total += (guest < count) & (rng.random(count.shape) * (base + guest) < base)
    return np.asarray(total.sum(axis=1), dtype=np.int64)


def _drawn_mean(tables: Ints, most: int, rng: np.random.Generator) -> Floats:
    goals = tables.shape[1]
    alphas, (own, whole) = concentrations(goals), log_assignment(goals, most)
    logs = own[tables].sum(axis=1) + whole[tables.sum(axis=1)]
    alpha = alphas[chosen_by_logs(logs, rng)]
    drawn = rng.standard_gamma(alpha[:, None] + tables)
    return np.asarray(np.maximum(drawn / drawn.sum(axis=1, keepdims=True), 1e-12))
