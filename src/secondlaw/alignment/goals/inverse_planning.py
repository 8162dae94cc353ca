r"""Bayesian inverse planning: which goal explains a trajectory.

.. math:: p(g \mid \tau) \propto p(g) \sum_\beta p(\beta) \prod_t \pi_{g,\beta}(a_t \mid s_t)

in log space (Baker, Saxe & Tenenbaum 2009). The world's own transition probabilities are the same for all goals and
cancel. Once a goal is reached, the model expects any action alike. Where it is known whether agents stopped because
they were done, that counts too: who stops elsewhere than at its goal, or passes its goal without stopping, does what
happens in one of a thousand episodes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.alignment.goals.episodes import Episodes
from secondlaw.alignment.goals.soft_planning import SoftPolicies
from secondlaw.errors import InvalidInput

__all__ = ["GoalPosterior", "Likelihoods", "goal_posterior", "likelihoods", "log_prior", "posterior_path"]

Floats = NDArray[np.float64]

LAPSE = 1e-3
"""Chance of an episode in which an agent stops elsewhere than at its goal, or goes on after it."""
# Gathered log-probabilities held at once.
_CELLS = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Likelihoods:
    """Log-likelihoods of episodes under every goal and inverse temperature.

    Parameters
    ----------
    episode : ndarray, shape (episodes, betas, goals)
    agent : ndarray, shape (agents, betas, goals)
        Sums over the agent's episodes, which share one goal there.
    betas : ndarray, shape (betas,)
    prior : ndarray, shape (betas,)
        Of the inverse temperature of an agent.
    stops : ndarray, shape (episodes, goals), or None
        The part of `episode` that comes from where agents stopped.
    """

    episode: Floats
    agent: Floats
    betas: Floats
    prior: Floats
    stops: Floats | None = None

    def of_actions(self, agent: NDArray[np.int64]) -> "Likelihoods":
        """Return the log-likelihoods of the actions alone, without where agents stopped."""
        if self.stops is None:
            return self
        left = self.episode - self.stops[:, None, :]
        return Likelihoods(left, _summed(left, agent, len(self.agent)), self.betas, self.prior)

    def of_agents(self) -> Floats:
        """Return ln p(episodes of the agent | goal), the inverse temperature integrated out, shape (agents, goals)."""
        return over_betas(self.agent, self.prior)

    def of_episodes(self) -> Floats:
        """Return ln p(episode | goal), the inverse temperature integrated out, shape (episodes, goals)."""
        return over_betas(self.episode, self.prior)


@dataclass(frozen=True, slots=True, eq=False)
class GoalPosterior:
    """Posterior of the goal of each agent, or of each episode.

    Parameters
    ----------
    probabilities : ndarray, shape (n, goals)
    log_evidence : ndarray, shape (n,)
        ln p(actions), the goal integrated out.
    """

    probabilities: Floats
    log_evidence: Floats


def likelihoods(policies: SoftPolicies, episodes: Episodes, *, prior: ArrayLike | None = None) -> Likelihoods:
    """Return the log-likelihoods of episodes.

    Parameters
    ----------
    policies : SoftPolicies
    episodes : Episodes
        Checked against the world.
    prior : array_like, shape (betas,), optional
        Of the inverse temperatures; the same for all without it.

    Raises
    ------
    FileFormatError
        If the episodes cannot happen in the policies' world.
    InvalidInput
        If an episode is longer than the policies' horizon, or the prior is none.
    """
    episodes.check(policies.mdp)
    found = np.empty((len(episodes.agent), policies.betas.size, len(policies.mdp.goals)))
    cells = max(1, int(episodes.actions.shape[1] * found[0].size))
    for first in range(0, len(found), max(1, _CELLS // cells)):
        part = slice(first, first + max(1, _CELLS // cells))
        found[part] = step_log_likelihoods(policies, episodes, part).sum(axis=1)
    stops = _stop_log_likelihoods(policies, episodes, slice(None))
    if stops is not None:
        found += stops[:, None, :]
    summed = _summed(found, episodes.agent, len(episodes.agents))
    heat = log_prior(prior, policies.betas.size, "betas", exponent=True)
    return Likelihoods(found, summed, policies.betas, heat, stops)


def _summed(found: Floats, agent: NDArray[np.int64], agents: int) -> Floats:
    summed = np.zeros((agents, *found.shape[1:]))
    np.add.at(summed, agent, found)
    return summed


def _stop_log_likelihoods(policies: SoftPolicies, episodes: Episodes, part: slice) -> Floats | None:
    """Return ln p of where episodes stopped under every goal, shape (episodes, goals); None where not known."""
    if episodes.ended is None:
        return None
    ends = np.asarray(policies.mdp.ends)
    last, states = episodes.last_states()[part], episodes.states[part, :-1]
    # A state that nobody leaves ends episodes by itself, which says nothing.
    informative = episodes.ended[part] & ~_absorbing(policies)[last]
    wrong = informative[:, None] & ~ends[:, last].T
    acted = episodes.actions[part] >= 0
    passed = (ends[:, np.maximum(states, 0)] & acted[None]).any(axis=2).T
    return np.asarray(np.log(LAPSE) * (wrong | passed))


def _absorbing(policies: SoftPolicies) -> NDArray[np.bool_]:
    _, states, actions = policies.mdp.size
    here = np.tile(np.arange(states), actions)
    stays = policies.mdp.probability(here, np.repeat(np.arange(actions), states), here)
    return np.asarray((stays >= 1.0).reshape(actions, states).all(axis=0))


def step_log_likelihoods(policies: SoftPolicies, episodes: Episodes, part: slice) -> Floats:
    """Return ln pi of every action, 0 beyond the end, shape (episodes, steps, betas, goals)."""
    states, actions = episodes.states[part, :-1], episodes.actions[part]
    steps = actions.shape[1]
    if policies.horizon is not None and steps > policies.horizon:
        raise InvalidInput(
            f"an episode has {steps} steps and the policies end after {policies.horizon}: lengthen the horizon"
        )
    when = np.zeros(steps, dtype=np.int64) if policies.horizon is None else np.arange(steps)
    # Advanced indices on both sides of slices come first: (episodes, steps, betas, goals).
    taken = policies.log_policies[when[None, :], :, :, np.maximum(states, 0), np.maximum(actions, 0)]
    return np.asarray(np.where((actions >= 0)[:, :, None, None], taken, 0.0))


def goal_posterior(log_likelihood: ArrayLike, *, prior: ArrayLike | None = None) -> GoalPosterior:
    """Return the posterior of goals.

    Parameters
    ----------
    log_likelihood : array_like, shape (n, goals)
        From :meth:`Likelihoods.of_agents` or :meth:`Likelihoods.of_episodes`.
    prior : array_like, shape (goals,), optional
        The same for all goals without it.

    Examples
    --------
    >>> goal_posterior([[-1000.0, -1000.0 + np.log(3.0)]]).probabilities.round(3).tolist()
    [[0.25, 0.75]]
    """
    logs = np.atleast_2d(np.asarray(log_likelihood, dtype=np.float64))
    joint = logs + log_prior(prior, logs.shape[1], "goals")
    top = joint.max(axis=1, keepdims=True)
    weights = np.exp(joint - top)
    total = weights.sum(axis=1, keepdims=True)
    return GoalPosterior(weights / total, (top + np.log(total))[:, 0])


def posterior_path(
    policies: SoftPolicies, episodes: Episodes, number: int, *, prior: ArrayLike | None = None,
    beta_prior: ArrayLike | None = None,
) -> Floats:  # fmt: skip
    """Return the posterior along one episode: after 0, 1, ... of its actions, shape (steps + 1, goals).

    Where the agent stopped, if that is known, counts after the last action.

    Examples
    --------
    >>> from secondlaw.alignment.goals import Episode, grid_world, soft_policies
    >>> policies = soft_policies(grid_world(["A..B"]), betas=[1.0])
    >>> posterior_path(policies, Episodes.of([Episode("x", "1", [1, 2, 3], [1, 1])]), 0)[:, 1].round(2).tolist()
    [0.5, 0.98, 1.0]
    """
    steps = int(episodes.lengths[number])
    one = slice(number, number + 1)
    logs = step_log_likelihoods(policies, episodes, one)[0, :steps]
    summed = np.concatenate([np.zeros((1, *logs.shape[1:])), np.cumsum(logs, axis=0)])
    stops = _stop_log_likelihoods(policies, episodes, one)
    if stops is not None:
        summed[-1] += stops[0]
    heat = log_prior(beta_prior, policies.betas.size, "betas", exponent=True)
    return goal_posterior(over_betas(summed, heat), prior=prior).probabilities


def over_betas(logs: Floats, prior: Floats) -> Floats:
    """Return log-likelihoods with the inverse temperature integrated out; shape (n, betas, goals) to (n, goals)."""
    weighted = logs + np.log(np.maximum(prior, np.finfo(float).tiny))[None, :, None]
    top = weighted.max(axis=1)
    return np.asarray(top + np.log(np.exp(weighted - top[:, None]).sum(axis=1)))


def log_prior(prior: ArrayLike | None, number: int, name: str, *, exponent: bool = False) -> Floats:
    """Return a checked prior in logarithms, or as it is where `exponent`."""
    given = np.full(number, 1.0 / number) if prior is None else np.asarray(prior, dtype=np.float64)
    if given.shape != (number,) or not np.isfinite(given).all() or (given < 0.0).any():
        raise InvalidInput(f"the prior of {name} needs {number} probabilities, got {given.tolist()}")
    if abs(given.sum() - 1.0) > 1e-6:
        raise InvalidInput(f"the prior of {name} must sum to 1, got {given.sum():.6g}")
    given = given / given.sum()
    return given if exponent else np.asarray(np.log(np.maximum(given, np.finfo(float).tiny)))
