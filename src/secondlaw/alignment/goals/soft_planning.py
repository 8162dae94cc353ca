r"""Maximum-entropy policies by soft value iteration, for all goals and inverse temperatures at once.

.. math:: Q(s, a) = r(s, a) + \delta \sum_{s'} P(s' \mid s, a) V(s'), \qquad
          V(s) = \frac1\beta \ln \frac1A \sum_a e^{\beta Q(s, a)}, \qquad
          \pi(a \mid s) = \frac{e^{\beta Q(s, a)}}{\sum_b e^{\beta Q(s, b)}}

(Ziebart 2010; Todorov 2009). The entropy is counted relative to the policy that takes all A actions alike. Counted
absolutely (``entropy="absolute"``: no 1/A) every step is worth ln(A)/beta by itself, which changes nothing in a world
without ends, but makes agents put off reaching their goal, for ever where that exceeds the cost of a step.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from secondlaw.alignment.arguments import counted, positive
from secondlaw.alignment.goals.tabular import TabularMDP
from secondlaw.errors import InvalidInput

__all__ = ["SoftPolicies", "soft_policies"]

Floats = NDArray[np.float64]
Sweep = Callable[[Floats], tuple[Floats, Floats]]

TOLERANCE = 1e-6
MOST_SWEEPS = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class SoftPolicies:
    """Policies of every goal at every inverse temperature.

    Parameters
    ----------
    mdp : TabularMDP
    betas : ndarray, shape (betas,)
    log_policies : ndarray, shape (steps, betas, goals, states, actions)
        ``ln pi(a | s)``; one step where there is no horizon, else one for each step from the first.
    values : ndarray, shape (betas, goals, states)
        Soft values at the first step, in units of reward.
    error : float
        Bound on the error of ``beta V``, and half of that of ``ln pi``.
    sweeps : int
    horizon : int or None
        Steps of an episode.
    """

    mdp: TabularMDP
    betas: Floats
    log_policies: Floats
    values: Floats
    error: float
    sweeps: int
    horizon: int | None = None


def soft_policies(
    mdp: TabularMDP,
    *,
    betas: Sequence[float] | Floats,
    horizon: int | None = None,
    tolerance: float = TOLERANCE,
    entropy: Literal["relative", "absolute"] = "relative",
) -> SoftPolicies:
    """Solve for the policies of all goals.

    Parameters
    ----------
    mdp : TabularMDP
    betas : sequence of float
        Inverse temperatures, per unit of reward: 0 acts at random, infinity without fault.
    horizon : int, optional
        Steps of an episode; without it the policy is stationary.
    tolerance : float
        Largest error of ``beta V``: sup-norm change of a sweep times discount / (1 - discount), or the change itself
        at discount 1.
    entropy : {"relative", "absolute"}

    Returns
    -------
    SoftPolicies

    Raises
    ------
    InvalidInput
        If a beta is negative, or the values do not converge: at discount 1 some goal cannot be reached for certain.

    Examples
    --------
    >>> from secondlaw.alignment.goals import grid_world
    >>> found = soft_policies(grid_world(["A..B"]), betas=[2.0])
    >>> np.exp(found.log_policies[0, 0, 0, 1]).round(3)  # next to A: up, right, down, left
    array([0.036, 0.002, 0.036, 0.926])
    """
    temperatures = np.atleast_1d(np.asarray(betas, dtype=np.float64))
    if temperatures.ndim != 1 or not temperatures.size or not np.isfinite(temperatures).all():
        raise InvalidInput("betas must be finite numbers, at least one")
    if (temperatures < 0.0).any():
        raise InvalidInput(f"beta is an inverse temperature, 0 or more, got {temperatures.min()}")
    positive(tolerance, "tolerance")
    goals, states, actions = mdp.size
    # Columns run over (beta, goal); values are kept as beta V, so that beta 0 is no exception.
    gains = temperatures[:, None, None, None] * mdp.rewards[None]
    gains = np.ascontiguousarray(gains.transpose(3, 2, 0, 1)).reshape(actions * states, -1)
    ended = np.tile(mdp.ends.T, (1, temperatures.size))  # type: ignore[union-attr]
    offset = np.log(actions) if entropy == "relative" else 0.0

    def sweep(worth: Floats) -> tuple[Floats, Floats]:
        q = (gains + mdp.discount * (mdp.transitions @ worth)).reshape(actions, states, -1)
        top = q.max(axis=0)
        logs = q - top
        total = top + np.log(np.exp(logs).sum(axis=0))
        return np.asarray(np.where(ended, 0.0, total - offset)), q - total

    worth = np.zeros((states, gains.shape[1]))
    if horizon is not None:
        steps, error = counted(horizon, "horizon"), 0.0
        logs = []
        for _ in range(steps):
            worth, log_policy = sweep(worth)
            logs.append(log_policy)
        sweeps, stacked = steps, np.stack(logs[::-1])
    else:
        worth, error, sweeps = _iterated(sweep, worth, mdp.discount, tolerance)
        stacked = sweep(worth)[1][None]
    # (step, action, state, beta and goal) to (step, beta, goal, state, action)
    shaped = stacked.reshape(len(stacked), actions, states, temperatures.size, goals).transpose(0, 3, 4, 2, 1)
    shaped = np.where(mdp.ends[None, None, :, :, None], -np.log(actions), shaped)  # type: ignore[index]
    own = worth.reshape(states, temperatures.size, goals).transpose(1, 2, 0)
    scale = np.where(temperatures > 0.0, temperatures, 1.0)[:, None, None]
    values = np.where(temperatures[:, None, None] > 0.0, own / scale, np.nan)
    return SoftPolicies(mdp, temperatures, np.ascontiguousarray(shaped), np.asarray(values), error, sweeps, horizon)


def _iterated(sweep: Sweep, worth: Floats, discount: float, tolerance: float) -> tuple[Floats, float, int]:
    factor = discount / (1.0 - discount) if discount < 1.0 else 1.0
    for number in range(1, MOST_SWEEPS + 1):
        later, _ = sweep(worth)
        change = float(np.abs(later - worth).max())
        worth = later
        if change * factor <= tolerance:
            return worth, change * factor, number
    raise InvalidInput(
        f"the soft values still change by {change:.3g} after {MOST_SWEEPS:,} sweeps at discount {discount:g}: "
        "lower the discount below 1, or give a horizon"
    )
