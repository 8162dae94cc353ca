"""Agents that act on goals: episodes drawn from the policies of a world, many at once."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.alignment.arguments import counted
from secondlaw.alignment.goals.choosing import chosen, chosen_by_sums
from secondlaw.alignment.goals.episodes import Episodes
from secondlaw.alignment.goals.soft_planning import SoftPolicies
from secondlaw.errors import InvalidInput

__all__ = ["act"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def act(
    policies: SoftPolicies,
    *,
    goals: ArrayLike,
    starts: ArrayLike,
    steps: int | ArrayLike,
    rng: np.random.Generator,
    betas: ArrayLike = 0,
    agent: ArrayLike | None = None,
) -> Episodes:
    """Draw one episode for every goal given.

    Parameters
    ----------
    policies : SoftPolicies
    goals : array_like of int, shape (episodes,)
        The goal that each pursues.
    starts : array_like of int, shape (episodes,)
        First states.
    steps : int or array_like of int, shape (episodes,)
        Longest episode; it is over before where the goal is reached.
    rng : numpy.random.Generator
    betas : int or array_like of int, shape (episodes,)
        Which of the policies' inverse temperatures each has.
    agent : array_like of int, shape (episodes,), optional
        Whose the episodes are; each its own agent without it.

    Returns
    -------
    Episodes
        With what is known of their ends. Those that start where their goal is fulfilled have no action.

    Examples
    --------
    >>> from secondlaw.alignment.goals import grid_world, soft_policies
    >>> policies = soft_policies(grid_world(["A..B"]), betas=[5.0])
    >>> act(policies, goals=[0, 1], starts=[2, 2], steps=9, rng=np.random.default_rng(0)).states[:, :3].tolist()
    [[2, 1, 0], [2, 3, -1]]
    """
    mdp = policies.mdp
    aims = np.atleast_1d(np.asarray(goals, dtype=np.int64))
    here = np.broadcast_to(np.asarray(starts, dtype=np.int64), aims.shape).copy()
    longest = np.broadcast_to(np.asarray(steps, dtype=np.int64), aims.shape)
    heat = np.broadcast_to(np.asarray(betas, dtype=np.int64), aims.shape)
    whose = np.arange(aims.size) if agent is None else np.asarray(agent, dtype=np.int64)
    most = counted(int(longest.max()), "steps")
    if policies.horizon is not None and most > policies.horizon:
        raise InvalidInput(f"the policies end after {policies.horizon} steps: ask for no more, got {most}")
    ends, shares = np.asarray(mdp.ends), np.exp(policies.log_policies)
    targets, sums = _outcomes(policies)
    states = np.full((aims.size, most + 1), -1, dtype=np.int64)
    actions = np.full((aims.size, most), -1, dtype=np.int64)
    states[:, 0] = here
    rows = np.arange(aims.size)
    for step in range(most):
        rows = rows[~ends[aims[rows], here[rows]] & (step < longest[rows])]
        if not rows.size:
            break
        now = shares[0 if policies.horizon is None else step]
        taken = chosen(now[heat[rows], aims[rows], here[rows]], rng)
        which = taken * mdp.size[1] + here[rows]
        here[rows] = targets[which, chosen_by_sums(sums[which], rng)]
        actions[rows, step], states[rows, step + 1] = taken, here[rows]
    number = int(whose.max()) + 1
    ended = ends[aims, here]
    names = tuple(str(k) for k in range(aims.size))
    return Episodes(tuple(str(k) for k in range(number)), whose, names, states, actions, ended)


def _outcomes(policies: SoftPolicies) -> tuple[Ints, Floats]:
    """Return the next states of every (action, state) and their cumulated probabilities, padded."""
    matrix = policies.mdp.transitions
    number = np.diff(matrix.indptr)
    place = np.arange(matrix.nnz) - np.repeat(matrix.indptr[:-1], number)
    row = np.repeat(np.arange(matrix.shape[0]), number)
    targets = np.zeros((matrix.shape[0], int(number.max())), dtype=np.int64)
    chances = np.zeros(targets.shape)
    targets[row, place], chances[row, place] = matrix.indices, matrix.data
    return targets, np.cumsum(chances, axis=1)
