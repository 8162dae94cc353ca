r"""Entropy production of goals: 0 at rest for a potential flow, positive where a force has no potential.

For :math:`dz = F(z)\,dt + \sqrt{2D}\,dW` in its steady state

.. math:: \dot\Sigma = \frac{E[|F|^2]}{D} + E[\nabla \cdot F]

nats per unit of time (from :math:`\int \rho\,|F - D \nabla \ln \rho|^2 / D` and stationarity; no density is needed).
Between two times the medium receives :math:`\Delta \Sigma_m = \frac1D \int F \circ dz`, which for the potential flow is
:math:`-\Delta U / D`, a difference of two states.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.alignment.goal_diffusion import GoalDiffusion
from secondlaw.alignment.goal_entropy import softmax
from secondlaw.alignment.goal_paths import antisymmetric, simulate_goals
from secondlaw.errors import NotEnoughData
from secondlaw.statistics.intervals import LEVEL
from secondlaw.statistics.student import student_reach
from secondlaw.types import Estimate

__all__ = ["goal_potential", "medium_production", "stationary_production"]

Floats = NDArray[np.float64]

NATS_PER_TIME = "nats/time"
# Agents whose time averages make an interval.
_FEWEST = 10


def goal_potential(model: GoalDiffusion, logits: ArrayLike) -> Floats:
    """Return U(z), whose negative gradient is the pull of gaming and work; logits over the last axis.

    Examples
    --------
    >>> model = GoalDiffusion([0.5, 0.5], [0.5, 0.5], gaming=1.0, work=0.0, diffusion=0.1)
    >>> goal_potential(model, [[0.0, 0.0]]).round(4)
    array([0.6931])
    """
    z = np.asarray(logits, dtype=np.float64)
    top = z.max(axis=-1)
    log_sum = top + np.log(np.exp(z - top[..., None]).sum(axis=-1))
    towards = model.gaming * model.proxy + model.work * model.intended
    return np.asarray((model.gaming + model.work) * log_sum - z @ towards)


def medium_production(model: GoalDiffusion, first: ArrayLike, last: ArrayLike) -> Floats:
    """Return the entropy given to the medium on the way from one state to another, nats.

    Parameters
    ----------
    model : GoalDiffusion
        The setting under which the agents moved.
    first, last : array_like, shape (..., goals)
        Logits at both ends.

    Returns
    -------
    numpy.ndarray, shape (...)
        -(U(last) - U(first)) / D.
    """
    return np.asarray((goal_potential(model, first) - goal_potential(model, last)) / model.diffusion)


def stationary_production(
    model: GoalDiffusion,
    *,
    force: ArrayLike | None = None,
    duration: float,
    dt: float,
    agents: int,
    rng: np.random.Generator,
    level: float = LEVEL,
) -> Estimate:
    """Return the entropy production rate in the steady state, by simulation.

    Parameters
    ----------
    model : GoalDiffusion
    force : array_like, shape (goals, goals), optional
        Antisymmetric matrix R of an added force ``R (p - E[p])``; without it the rate is exactly 0, and what is
        returned shows the size of the simulation's error.
    duration : float
        Time that is averaged over, after a burn-in as long.
    dt : float
        Time step; the Euler scheme leaves a bias of order dt.
    agents : int
    rng : numpy.random.Generator
    level : float

    Returns
    -------
    Estimate
        Nats per unit of time; the interval is Student's, over the agents' time averages.

    Examples
    --------
    >>> model = GoalDiffusion([0.4, 0.3, 0.3], [0.2, 0.4, 0.4], gaming=1.0, work=0.5, diffusion=0.2)
    >>> swirl = [[0, 1, -1], [-1, 0, 1], [1, -1, 0]]
    >>> rate = stationary_production(model, force=swirl, duration=20, dt=0.02, agents=50, rng=np.random.default_rng(0))
    >>> rate.low > 0.0
    True
    """
    if agents < _FEWEST:
        raise NotEnoughData(f"the interval needs at least {_FEWEST} agents, got {agents}")
    steps = max(1, round(duration / dt))
    started = model.draw(agents, rng=rng)
    logits = np.log(np.maximum(started, np.finfo(float).tiny))
    burnt = simulate_goals(model, steps=steps, dt=dt, agents=agents, rng=rng, start=logits, force=force)
    every = max(1, steps // 1000)
    paths = simulate_goals(
        model, steps=steps, dt=dt, agents=agents, rng=rng, start=burnt.logits[-1], force=force, every=every
    )
    local = _local_production(model, force, paths.logits[1:]).mean(axis=0)
    middle, error = float(local.mean()), float(local.std(ddof=1) / np.sqrt(agents))
    reach = student_reach(level, agents - 1) * error
    method = f"E|F|^2/D + E[div F], {agents} agents for {duration:g} units of time, dt {dt:g}"
    return Estimate(middle, middle - reach, middle + reach, level, agents, NATS_PER_TIME, method, "agents")


def _local_production(model: GoalDiffusion, force: ArrayLike | None, logits: Floats) -> Floats:
    """Return |F|^2 / D + div F at every state, shape (points, agents)."""
    p = softmax(logits)
    goals = model.goals
    matrix = -(model.gaming + model.work) * np.eye(goals)
    constant = model.gaming * model.proxy + model.work * model.intended
    if force is not None:
        centred = np.eye(goals) - 1.0 / goals
        swirl = centred @ antisymmetric(force, goals)
        matrix = matrix + swirl
        constant = constant - swirl @ model.mean_shares()
    pull = p @ matrix.T + constant
    # div F = tr[M (diag p - p p^T)]
    divergence = p @ np.diag(matrix) - np.einsum("...i,ij,...j->...", p, matrix, p)
    return np.asarray((pull**2).sum(axis=-1) / model.diffusion + divergence)
