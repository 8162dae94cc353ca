"""Means over samples that count differently, with an interval from the spread of samples."""

import numpy as np
from numpy.typing import NDArray

from secondlaw.statistics.student import student_reach
from secondlaw.types import Estimate, Insufficient, Measured

__all__ = ["LEAST_SAMPLES", "mean_over_samples", "spread_over_samples"]

Floats = NDArray[np.float64]

LEAST_SAMPLES = 10
"""Samples below which the spread of samples says too little about what other samples would give."""


def spread_over_samples(sums: Floats, counts: Floats) -> float:
    """Return the standard error of sum(sums) / sum(counts) over samples (the ratio linearised).

    Parameters
    ----------
    sums, counts : numpy.ndarray, shape (samples,)

    Examples
    --------
    >>> round(spread_over_samples(np.array([1.0, 2.0, 3.0]), np.ones(3)), 4)
    0.5774
    """
    off = sums - sums.sum() / counts.sum() * counts
    number = len(sums)
    return float(np.sqrt(number / (number - 1) * (off**2).sum()) / counts.sum())


def mean_over_samples(
    sums: Floats, counts: Floats, *, level: float, unit: str, method: str, more: float = 0.0
) -> Measured:
    """Return sum(sums) / sum(counts) with an interval over samples.

    Parameters
    ----------
    sums, counts : numpy.ndarray, shape (samples,)
    level : float
    unit, method : str
    more : float
        Half the width of an interval for an error from elsewhere, added in quadrature.
    """
    number = len(sums)
    if number < LEAST_SAMPLES:
        return Insufficient(f"{number} samples; an interval over data needs at least {LEAST_SAMPLES}")
    value = float(sums.sum() / counts.sum())
    half = float(np.hypot(student_reach(level, number - 1) * spread_over_samples(sums, counts), more))
    words = f"{method}; spread over {number} samples"
    return Estimate(value, max(value - half, 0.0), value + half, level, number, unit, words, "samples")
