r"""Correlation and fluctuation currents of a weight field of your own (arXiv 2504.19007).

Correlation currents are :math:`E[h \circ dx] / dt = E[h \cdot \nu]` (Stratonovich) and
:math:`E[h \cdot dx] / dt = E[h \cdot F]` (Ito). The fluctuation current :math:`h \circ dx - E[h \circ dx]` has the
variance :math:`2 E[h^T D h]\,dt` at short times. Order 2 takes twice the value at dt less that at 2 dt, without the
term of first order in dt.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics import LEVEL, resample_weights
from secondlaw.trajectories.block_estimates import block_estimate
from secondlaw.trajectories.containers import Trajectories
from secondlaw.trajectories.currents.steps import Steps, coordinates_of, steps_of
from secondlaw.types import Estimate

__all__ = ["correlation_current", "fluctuation_current"]

Floats = NDArray[np.float64]
Weight = Callable[[Floats], ArrayLike]


def correlation_current(
    data: Trajectories,
    weight: Weight,
    *,
    rng: np.random.Generator,
    convention: Literal["stratonovich", "ito"] = "stratonovich",
    order: Literal[1, 2] = 1,
    blocks: int = 100,
    level: float = LEVEL,
) -> Estimate:
    """Return the mean of ``h . dx / dt`` with its block-bootstrap interval.

    Parameters
    ----------
    data : Trajectories
        With its dt.
    weight : callable
        h of states (n, dim), shape (n, dim).
    rng : numpy.random.Generator
    convention : {"stratonovich", "ito"}
        h at the midpoint of each step: the current along the mean local velocity; or at its beginning: along the drift.
    order : {1, 2}
    blocks : int
    level : float

    Examples
    --------
    >>> from secondlaw.systems import spinning_particle
    >>> rng = np.random.default_rng(0)
    >>> data = Trajectories.of(spinning_particle().simulate(points=800, dt=0.01, trajectories=50, rng=rng), dt=0.01)
    >>> turning = lambda x: np.stack([-x[:, 1], x[:, 0]], axis=1)
    >>> correlation_current(data, turning, rng=rng).covers(-4.0)  # E[h . nu] = -2 E|x|^2
    True
    """
    if convention not in ("stratonovich", "ito"):
        raise InvalidInput(f"a current is by stratonovich or ito, got {convention!r}")
    at = 0.5 if convention == "stratonovich" else 0.0
    return _estimate(data, weight, at, 1, order, rng, blocks, level, f"{convention} correlation current")


def fluctuation_current(
    data: Trajectories,
    weight: Weight,
    *,
    rng: np.random.Generator,
    order: Literal[1, 2] = 1,
    blocks: int = 100,
    level: float = LEVEL,
) -> Estimate:
    """Return half the variance of ``h o dx`` a unit of time, ``E[h D h]`` at short times, with its interval.

    Parameters are those of :func:`correlation_current`.

    Examples
    --------
    >>> from secondlaw.systems import spinning_particle
    >>> rng = np.random.default_rng(0)
    >>> data = Trajectories.of(spinning_particle().simulate(points=800, dt=0.01, trajectories=50, rng=rng), dt=0.01)
    >>> fluctuation_current(data, lambda x: np.eye(2)[0] + 0.0 * x, rng=rng, order=2).covers(1.0)  # D = 1
    True
    """
    return _estimate(data, weight, 0.5, 2, order, rng, blocks, level, "fluctuation current")


def _estimate(
    data: Trajectories, weight: Weight, at: float, power: int, order: int, rng: np.random.Generator, blocks: int,
    level: float, what: str,
) -> Estimate:  # fmt: skip
    if order not in (1, 2):
        raise InvalidInput(f"the order in dt is 1 or 2, got {order!r}")
    coordinates = coordinates_of(data, {})
    steps = steps_of(data, blocks=blocks, folds=5, lags=(1, 2), coordinates=coordinates, in_time=False)
    if order == 2 and not steps.complete(2):
        raise NotEnoughData("order 2 needs two steps in a row in every block: record longer trajectories")
    factors = {1: 1.0} if order == 1 else {1: 2.0, 2: -1.0}
    sums = np.zeros(steps.layout.blocks)
    for lag, factor in factors.items():
        sums += factor * _sums(steps, weight, lag, at, power)
    drawn = resample_weights(len(sums), rng=rng)
    unit = "1 per unit of time" if power == 1 else "1 per unit of time (variance / 2)"
    return block_estimate(
        sums, steps.rows[1].counts, drawn, unit=unit, unit_of_time=1.0, level=level,
        method=f"{what}, order {order} in dt, {len(sums)} blocks, BCa bootstrap",
    )  # fmt: skip


def _sums(steps: Steps, weight: Weight, lag: int, at: float, power: int) -> Floats:
    rows, c = steps.rows[lag], steps.coordinates
    start, stop = (steps.states[ends] * c.scale + c.centre for ends in (rows.start, rows.stop))
    h = np.asarray(weight(start + at * (stop - start)), dtype=np.float64)
    if h.shape != start.shape or not np.isfinite(h).all():
        raise InvalidInput(f"the weight must return finite numbers of shape {start.shape}, got {h.shape}")
    flow = (h * (stop - start)).sum(axis=1)
    if power == 2:
        flow = (flow - flow.mean()) ** 2 / 2.0
    sums = np.bincount(rows.block, weights=flow, minlength=len(rows.counts))
    return np.asarray(sums * steps.rows[1].counts / rows.counts / (lag * steps.dt))
