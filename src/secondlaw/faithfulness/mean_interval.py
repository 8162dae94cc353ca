"""Interval of a mean of few values: over sentences of an answer, over questions of two systems.

The percentile bootstrap of five values is at most their range, and covers .6 to .9. The interval is therefore, at each
end, the wider of the bootstrap's (itself widened for few) and Student's t of the linearised mean. Values that are all
equal have no spread to learn from: with n of them, a share of up to ``1 - tail^(1/n)`` of others may lie anywhere
within the bounds (Clopper & Pearson, Biometrika 26, 404 (1934)); where there are no bounds there is no interval.

Measured at nominal 95 % with 3 to 30 values: .91 to .98 for cosines, shares and word pairs of sentences.
"""

import math

import numpy as np
from numpy.typing import NDArray

from secondlaw.statistics import interval_from_replicates, resample_weights
from secondlaw.statistics.student import student_reach

__all__ = ["mean_interval"]

Floats = NDArray[np.float64]

RESAMPLES = 1000
_EQUAL = 1e-6
"""Differences below are rounding of embeddings."""


def mean_interval(
    top: Floats, bottom: Floats, *, rng: np.random.Generator, level: float, bounds: tuple[float, float]
) -> tuple[float, float] | None:
    """Return the interval of ``sum(top) / sum(bottom)`` over groups, or None where equal values have no bounds.

    Parameters
    ----------
    top, bottom : ndarray of float64, shape (groups,)
        Sums and weights of at least 2 groups; the weights sum to more than 0.
    rng : numpy.random.Generator
        Source of the resamples.
    level : float
        Coverage.
    bounds : (float, float)
        What a group's mean can be at all; may be infinite.

    Examples
    --------
    >>> ones, rng = np.ones(5), np.random.default_rng(0)
    >>> [round(end, 2) for end in mean_interval(np.arange(5.0), ones, rng=rng, level=0.95, bounds=(0.0, np.inf))]
    [0.04, 3.96]
    >>> [round(end, 2) for end in mean_interval(ones, ones, rng=rng, level=0.95, bounds=(0.0, 1.0))]
    [0.48, 1.0]
    """
    n, whole = len(top), float(bottom.sum())
    value = float(top.sum()) / whole
    rest = top - value * bottom
    if np.abs(rest).max() <= _EQUAL * max(1.0, abs(value)):
        if not all(map(math.isfinite, bounds)):
            return None
        surely = ((1.0 - level) / 2.0) ** (1.0 / n)
        return surely * value + (1.0 - surely) * bounds[0], surely * value + (1.0 - surely) * bounds[1]
    weights = resample_weights(n, RESAMPLES, rng=rng)
    totals = weights @ bottom
    low, high = interval_from_replicates(
        value, (weights @ top)[totals > 0] / totals[totals > 0], level=level, groups=n, bounds=bounds
    )
    error = math.sqrt(n / (n - 1.0) * float((rest**2).sum())) / whole
    reach = student_reach(level, n - 1.0) * error
    return max(min(float(low), value - reach), bounds[0]), min(max(float(high), value + reach), bounds[1])
