"""Means over rows with intervals from resampled blocks; parts that are resampled together have paired intervals."""

import numpy as np
from numpy.typing import NDArray

from secondlaw.statistics import LEVEL, interval_from_replicates
from secondlaw.types import Estimate

__all__ = ["block_estimate"]

Floats = NDArray[np.float64]

_CUBED = 1e90  # size of sums whose cubes, which acceleration takes, are still numbers


def block_estimate(
    sums: Floats,
    sizes: Floats,
    weights: Floats,
    *,
    unit: str,
    unit_of_time: float,
    method: str,
    level: float = LEVEL,
) -> Estimate:
    """Return a mean over rows with its BCa interval from resampled blocks.

    Parameters
    ----------
    sums, sizes : ndarray, shape (B,)
        Sum of the rows, and number of rows, of each block.
    weights : ndarray, shape (resamples, B)
    unit : str
    unit_of_time : float
        Steps or units of time that a row spans.
    method : str
    level : float

    Examples
    --------
    >>> from secondlaw.statistics import resample_weights
    >>> sums, sizes = np.arange(30.0), np.full(30, 10.0)
    >>> weights = resample_weights(30, rng=np.random.default_rng(0))
    >>> print(block_estimate(sums, sizes, weights, unit="nats/step", unit_of_time=1.0, method="mean"))
    1.450 [1.110, 1.772] nats/step
    """
    factor = max(1.0, float(np.abs(sums).max()) / _CUBED)
    sums = sums / factor
    value = sums.sum() / sizes.sum()
    replicates = (weights @ sums) / (weights @ sizes)
    left_out = (sums.sum() - sums) / (sizes.sum() - sizes)
    if np.ptp(replicates) <= 0.0:
        low = high = value
    else:
        ends = interval_from_replicates(value, replicates, level=level, jackknife=left_out, groups=len(sums))
        low, high = float(ends[0]), float(ends[1])
    scale = factor / unit_of_time
    return Estimate(
        value * scale, low * scale, high * scale, level, int(sizes.sum()), unit, method, n_unit="transitions"
    )
