"""Intervals from replicates: percentile and bias-corrected accelerated (BCa), widened for few groups.

Replicates carry the resamples on axis 0; every other axis is worked on at once. With G groups the bootstrap is too
narrow twice: its spread misses a factor ``sqrt(G / (G - 1))`` and its normal tails should be Student's. Both are mended
by asking for the more extreme quantiles ``Phi(sqrt(G / (G - 1)) t_{G-1})`` (Hesterberg, arXiv:1411.5279, sec. 5.3).
BCa: Efron, J. Am. Stat. Assoc. 82, 171 (1987).
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput, NotEnoughData

__all__ = [
    "LEVEL",
    "bca_interval",
    "centred_interval",
    "interval_from_replicates",
    "percentile_interval",
    "small_sample_factor",
]

Floats = NDArray[np.float64]

LEVEL = 0.95
"""Default nominal coverage, the convention of the field."""

_FEWEST = 20  # finite replicates below which the ends of an interval are noise


def percentile_interval(
    replicates: ArrayLike, level: float = LEVEL, *, groups: int | None = None
) -> tuple[Floats, Floats]:
    """Return the central interval of the replicates.

    Parameters
    ----------
    replicates : array_like, shape (resamples, ...)
        Bootstrap replicates or posterior draws; NaN marks resamples in which the quantity does not exist.
    level : float
        Nominal coverage, in (0, 1).
    groups : int, optional
        Number of resampled groups; when given, the interval is widened for few groups.

    Returns
    -------
    low, high : ndarray of float64, shape (...)
        Ends of the interval.

    Raises
    ------
    NotEnoughData
        If fewer than 20 replicates are finite.

    Examples
    --------
    >>> low, high = percentile_interval(np.arange(1001.0), 0.9)
    >>> round(float(low), 6), round(float(high), 6)
    (50.0, 950.0)
    """
    values = _checked(replicates, level)
    tail = (1.0 - level) / 2.0
    if groups is not None:
        from scipy.special import ndtr, ndtri

        tail = float(ndtr(small_sample_factor(groups, level) * ndtri(tail)))
    ends = np.nanquantile(values, [tail, 1.0 - tail], axis=0)
    return ends[0], ends[1]


def bca_interval(
    point: ArrayLike, replicates: ArrayLike, jackknife: ArrayLike, level: float = LEVEL, *, groups: int | None = None
) -> tuple[Floats, Floats]:
    """Return the bias-corrected accelerated interval.

    Parameters
    ----------
    point : array_like, shape (...)
        Value of the same statistic on the data themselves.
    replicates : array_like, shape (resamples, ...)
        Bootstrap replicates.
    jackknife : array_like, shape (groups, ...)
        Values with one group left out.
    level : float
        Nominal coverage.
    groups : int, optional
        As in :func:`percentile_interval`.

    Returns
    -------
    low, high : ndarray of float64, shape (...)
        Ends of the interval.

    Examples
    --------
    >>> x = np.random.default_rng(0).exponential(size=(4000, 30)).mean(axis=1)
    >>> low, high = bca_interval(1.0, x, np.linspace(0.9, 1.1, 30))
    >>> bool(low < 1.0 < high)
    True
    """
    from scipy.special import ndtr, ndtri

    values, centre, left_out = _checked(replicates, level), np.asarray(point), np.asarray(jackknife, dtype=np.float64)
    below = (values < centre).mean(axis=0) + 0.5 * (values == centre).mean(axis=0)
    edge = 0.5 / len(values)
    bias = ndtri(np.clip(below, edge, 1.0 - edge))
    deviation = left_out.mean(axis=0) - left_out
    squares = (deviation**2).sum(axis=0)
    scale = np.where(squares > 0, squares, 1.0)
    acceleration = np.where(squares > 0, (deviation**3).sum(axis=0) / (6.0 * scale**1.5), 0.0)
    reach = -float(ndtri((1.0 - level) / 2.0)) * (1.0 if groups is None else small_sample_factor(groups, level))
    ends = []
    for side in (-reach, reach):
        shifted = bias + side
        tail = ndtr(bias + shifted / np.maximum(1.0 - acceleration * shifted, 1e-3))
        ends.append(_quantile_each(values, np.asarray(tail)))
    return ends[0], ends[1]


def interval_from_replicates(
    point: ArrayLike,
    replicates: ArrayLike,
    *,
    level: float = LEVEL,
    jackknife: ArrayLike | None = None,
    groups: int | None = None,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> tuple[Floats, Floats]:
    """Return the BCa interval if jackknife values are given, else the percentile interval, within bounds.

    Parameters
    ----------
    point : array_like, shape (...)
        Value of the statistic on the data.
    replicates : array_like, shape (resamples, ...)
        Bootstrap replicates.
    level : float
        Nominal coverage.
    jackknife : array_like, optional, shape (groups, ...)
        Values with one group left out.
    groups : int, optional
        Number of resampled groups, to widen the interval when they are few.
    bounds : (float, float)
        What the quantity can be at all, for example (0, ln K).

    Returns
    -------
    low, high : ndarray of float64, shape (...)
        Ends of the interval.

    Examples
    --------
    >>> low, high = interval_from_replicates(0.1, np.linspace(-0.1, 0.3, 401), bounds=(0.0, 1.0))
    >>> round(float(low), 3), round(float(high), 3)
    (0.0, 0.29)
    """
    if jackknife is None:
        low, high = percentile_interval(replicates, level, groups=groups)
    else:
        low, high = bca_interval(point, replicates, jackknife, level, groups=groups)
    return np.clip(low, *bounds), np.clip(high, *bounds)


def centred_interval(point: float, replicates: ArrayLike, level: float = LEVEL, *, groups: int) -> tuple[float, float]:
    """Return the percentile interval of replicates moved so that their mean is the point, widened for few groups.

    For a statistic whose replicates are biased as the statistic is: agreement, calibration error, correlation.

    Parameters
    ----------
    point : float
    replicates : array_like, shape (resamples,)
        NaN where a resample lost what is measured.
    level : float
    groups : int
        Number of resampled groups, at least 2.

    Examples
    --------
    >>> low, high = centred_interval(0.5, np.linspace(0.0, 0.8, 401), groups=1000)
    >>> round(low, 2), round(high, 2)
    (0.12, 0.88)
    """
    drawn = np.asarray(replicates, dtype=np.float64)
    spread = point + small_sample_factor(groups, level) * (drawn - np.nanmean(drawn))
    low, high = np.nanquantile(spread, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return float(low), float(high)


def small_sample_factor(groups: int, level: float = LEVEL) -> float:
    """Return by how much an interval from G groups must be wider than the bootstrap's: ``sqrt(G/(G-1)) t / z``.

    Parameters
    ----------
    groups : int
        Number of groups, at least 2.
    level : float
        Nominal coverage.

    Returns
    -------
    float
        At least 1.

    Examples
    --------
    >>> round(small_sample_factor(10), 3)
    1.217
    """
    from scipy.special import ndtri, stdtrit

    if groups < 2:
        raise NotEnoughData(f"an interval over groups needs 2 groups or more, got {groups}: add prompts")
    tail = (1.0 - level) / 2.0
    return float(math.sqrt(groups / (groups - 1)) * stdtrit(groups - 1, tail) / ndtri(tail))


def _checked(replicates: ArrayLike, level: float) -> Floats:
    values = np.asarray(replicates, dtype=np.float64)
    if not 0.0 < level < 1.0:
        raise InvalidInput(f"a confidence level lies between 0 and 1, got {level}")
    finite = np.isfinite(values).sum(axis=0).min() if values.size else 0
    if finite < _FEWEST:
        raise NotEnoughData(f"an interval needs {_FEWEST} finite replicates or more, got {finite}: draw more resamples")
    return values


def _quantile_each(values: Floats, tails: Floats) -> Floats:
    """Return for each column of values (resamples, ...) its own quantile."""
    flat, wanted = values.reshape(len(values), -1), tails.reshape(-1)
    ends = [np.nanquantile(flat[:, column], wanted[column]) for column in range(flat.shape[1])]
    return np.asarray(ends).reshape(values.shape[1:])
