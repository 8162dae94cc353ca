"""How far a cell's distribution is from its baseline: Jensen-Shannon and total variation, free of their bias.

Both are positive for any two finite samples of one distribution. With the shares' joint replicates the part that noise
alone explains is known: ``b``, the mean over replicates less the value. The estimate is the value less b, not below 0;
the interval begins at 0 unless the value exceeds what replicates centred on *no change* reach.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from secondlaw.drift.cells import MeasuredCell
from secondlaw.statistics.cells import Replicated
from secondlaw.statistics.divergence import jensen_shannon, total_variation
from secondlaw.types import NATS, SHARE, Estimate, Measured

__all__ = ["divergence_estimates", "divergence_from_replicates"]

Floats = NDArray[np.float64]
Distance = Callable[[Floats, Floats], Floats]


def divergence_estimates(
    cell: MeasuredCell, baseline: MeasuredCell, baseline_step: int, *, level: float
) -> dict[str, Measured]:
    """Return the divergences of a cell from its baseline, both measured on one design."""
    words = f"from step {baseline_step}, bias removed, {cell.shares_method}"
    pairs: tuple[tuple[str, Distance, str], ...] = (
        ("jensen_shannon", jensen_shannon, NATS),
        ("total_variation", total_variation, SHARE),
    )
    return {
        name: divergence_from_replicates(
            cell.shares, baseline.shares, distance, n=cell.n, unit=unit, method=words, level=level
        )
        for name, distance, unit in pairs
    }


def divergence_from_replicates(
    now: Replicated,
    then: Replicated,
    distance: Distance,
    *,
    n: int,
    unit: str,
    method: str,
    level: float,
    n_unit: str = "responses",
) -> Estimate:
    """Estimate a divergence between two sets of shares with joint replicates.

    Parameters
    ----------
    now, then : Replicated, shape (K,)
        Shares; row r of both replicates comes from the same resample.
    distance : callable
        Takes two arrays (..., K) of shares, gives (...).
    n : int
        Responses that carry `now`.
    unit, method, n_unit : str
    level : float

    Returns
    -------
    Estimate
        At no change its interval excludes 0 in at most (1 - level) / 2 of the cases.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p, q = np.array([0.9, 0.1]), np.array([0.5, 0.5])
    >>> now, then = (Replicated(x, rng.multinomial(400, x, size=500) / 400) for x in (p, q))
    >>> print(divergence_from_replicates(now, then, jensen_shannon, n=400, unit="nats", method="", level=0.95))
    0.100 [0.075, 0.129] nats
    """
    value = float(distance(now.point, then.point))
    drawn = np.asarray(distance(now.replicates, then.replicates))
    bias = max(0.0, float(drawn.mean()) - value)
    tail = (1.0 - level) / 2.0
    middle = (now.point + then.point) / 2.0
    unchanged = [_on_simplex(middle + one.replicates - one.replicates.mean(axis=0)) for one in (now, then)]
    reach = float(np.quantile(distance(unchanged[0], unchanged[1]), 1.0 - tail))
    low, high = np.quantile(np.maximum(drawn - 2.0 * bias, 0.0), [tail, 1.0 - tail])
    point = max(0.0, value - bias)
    if value <= reach:
        low = 0.0
        high = max(float(high), reach)
    return Estimate(point, min(float(low), point), max(float(high), point), level, n, unit, method, n_unit)


def _on_simplex(shares: Floats) -> Floats:
    positive = np.maximum(shares, 0.0)
    return np.asarray(positive / positive.sum(axis=-1, keepdims=True))
