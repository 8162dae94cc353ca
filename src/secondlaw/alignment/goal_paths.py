r"""Trajectories of goals: the logits of many agents at once, with any proxy, noise and force.

The gaming and the work of :class:`~secondlaw.alignment.GoalDiffusion`, and beyond what has an exact law: a proxy that
moves, noise of any covariance, and a force that is no gradient. Integrated by Euler-Maruyama; the noise is additive, so
the strong order is 1.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.alignment.arguments import counted, distribution, positive
from secondlaw.alignment.goal_diffusion import GoalDiffusion
from secondlaw.alignment.goal_entropy import shannon, softmax
from secondlaw.errors import InvalidInput

__all__ = ["GoalPaths", "simulate_goals"]

Floats = NDArray[np.float64]
Proxy = Callable[[float], ArrayLike]

# Stiffness of the Euler scheme: dt (kappa + gamma) / 2 bounds its largest eigenvalue, a softmax has slope 1/2 at most.
_STIFFEST = 0.5
# Normal numbers drawn at a time.
_CHUNK = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class GoalPaths:
    """Logits of agents at recorded times.

    Parameters
    ----------
    times : numpy.ndarray, shape (points,)
    logits : numpy.ndarray, shape (points, agents, goals)
    """

    times: Floats
    logits: Floats

    @property
    def shares(self) -> Floats:
        """Goal distributions, shape (points, agents, goals)."""
        return softmax(self.logits)

    def mean_entropy(self) -> Floats:
        """Return E[S(p)] at every recorded time, nats."""
        return np.asarray(shannon(self.shares).mean(axis=1))

    def entropy_of_mean(self) -> Floats:
        """Return S(E[p]) at every recorded time, nats."""
        return shannon(self.shares.mean(axis=1))


def simulate_goals(
    model: GoalDiffusion,
    *,
    steps: int,
    dt: float,
    agents: int,
    rng: np.random.Generator,
    start: ArrayLike | None = None,
    every: int | None = None,
    proxy: Proxy | None = None,
    noise: ArrayLike | None = None,
    force: ArrayLike | None = None,
) -> GoalPaths:
    """Simulate the logits of `agents` independent agents.

    Parameters
    ----------
    model : GoalDiffusion
    steps : int
    dt : float
        Time of one step; ``dt (gaming + work)`` must stay below 1.
    agents : int
    rng : numpy.random.Generator
    start : array_like, shape (goals,) or (agents, goals), optional
        First logits; 0 (all goals alike) without it.
    every : int, optional
        Steps between recorded points; only start and end without it.
    proxy : callable, optional
        From the time to the proxy's distribution, where it moves; `model.proxy` otherwise.
    noise : array_like, shape (goals, goals), optional
        Covariance of the logits' noise per unit of time, in place of ``2 D`` on every logit; projected on sum zero.
    force : array_like, shape (goals, goals), optional
        Antisymmetric matrix R of an added force ``R (p - E[p])``, no gradient: it drives a current around the goals.

    Returns
    -------
    GoalPaths

    Examples
    --------
    >>> model = GoalDiffusion([0.6, 0.4], [0.1, 0.9], gaming=0.5, work=1.0, diffusion=0.05)
    >>> paths = simulate_goals(model, steps=2000, dt=0.02, agents=200, rng=np.random.default_rng(0))
    >>> bool(abs(paths.mean_entropy()[-1] - model.mean_entropy()) < 0.05)
    True
    """
    positive(dt, "dt")
    pull = model.gaming + model.work
    if dt * pull / 2.0 > _STIFFEST:
        raise InvalidInput(f"dt must be at most {2.0 * _STIFFEST / pull:.3g} for these rates, got {dt}")
    goals, total = model.goals, counted(steps, "steps")
    spacing = total if every is None else counted(every, "every")
    centred = np.eye(goals) - 1.0 / goals
    spread = np.sqrt(dt) * _root(model, noise, centred)
    z = np.broadcast_to(
        0.0 if start is None else np.asarray(start, dtype=np.float64), (counted(agents, "agents"), goals)
    )
    z = np.ascontiguousarray(
        (z - z.mean(axis=1, keepdims=True)).T
    )  # (goals, agents): every operation runs along agents
    towards = dt * (model.gaming * model.proxy + model.work * model.intended)
    back, constant = _linear(model, force, dt, centred, towards)

    kept, times = [z.T.copy()], [0.0]
    weights, moved = np.empty_like(z), np.empty_like(z)
    block = max(1, _CHUNK // z.size)
    for first in range(0, total, block):
        count = min(block, total - first)
        # (steps, goals, agents)
        kicks = np.matmul(spread, rng.standard_normal((count, goals, agents))) + constant[:, None]
        for offset in range(count):
            step = first + offset + 1
            np.subtract(z, z.max(axis=0), out=weights)
            np.exp(weights, out=weights)
            weights /= weights.sum(axis=0)
            np.matmul(back, weights, out=moved)
            z += moved
            z += kicks[offset]
            if proxy is not None:
                shares = distribution(proxy((step - 1) * dt), "the moving proxy")
                z += (dt * model.gaming * (shares - model.proxy))[:, None]
            if step % spacing == 0 or step == total:
                kept.append(z.T.copy())
                times.append(step * dt)
    return GoalPaths(np.array(times), np.stack(kept))


def _root(model: GoalDiffusion, noise: ArrayLike | None, centred: Floats) -> Floats:
    """Return a matrix whose product with its transpose is the projected covariance per unit of time."""
    if noise is None:
        return np.asarray(np.sqrt(2.0 * model.diffusion) * centred)
    given = np.asarray(noise, dtype=np.float64)
    if given.shape != centred.shape or not np.isfinite(given).all() or not np.allclose(given, given.T):
        raise InvalidInput(
            f"noise must be a symmetric {model.goals} x {model.goals} covariance, got shape {given.shape}"
        )
    values, vectors = np.linalg.eigh(centred @ given @ centred)
    if values[0] < -1e-9 * max(values[-1], 1e-300):
        raise InvalidInput(f"noise must have no negative eigenvalue, got {values[0]:.3g}")
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def _linear(
    model: GoalDiffusion, force: ArrayLike | None, dt: float, centred: Floats, towards: Floats
) -> tuple[Floats, Floats]:
    """Return the matrix on p and the constant of a step: the force is linear in p."""
    # The pull sums to zero over the goals as a whole, though its two parts do not.
    back = -dt * (model.gaming + model.work) * np.eye(model.goals)
    if force is None:
        return back, towards
    swirl = antisymmetric(force, model.goals)
    return back + dt * centred @ swirl, towards - dt * centred @ swirl @ model.mean_shares()


def antisymmetric(force: ArrayLike, goals: int) -> Floats:
    """Return `force` as an antisymmetric matrix."""
    given = np.asarray(force, dtype=np.float64)
    if given.shape != (goals, goals) or not np.isfinite(given).all() or not np.allclose(given, -given.T):
        raise InvalidInput(f"force must be an antisymmetric {goals} x {goals} matrix, got shape {given.shape}")
    return given
