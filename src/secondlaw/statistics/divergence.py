"""Divergences between two distributions over the same categories, in nats (total variation: a share).

``KL(p, q) = sum p ln(p / q)``; ``JS(p, q) = H(m) - (H(p) + H(q)) / 2`` with ``m = (p + q) / 2``, in [0, ln 2];
``TV(p, q) = sum |p - q| / 2``, in [0, 1]. Arguments are counts or shares with the categories on the last axis; all
other axes broadcast. Smoothing is explicit: a pseudo-count added to every category, which only means something for
counts.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.statistics.closed_form import plug_in
from secondlaw.statistics.counts import checked_counts

__all__ = ["jensen_shannon", "kullback_leibler", "total_variation"]

Floats = NDArray[np.float64]


def kullback_leibler(
    p: ArrayLike, q: ArrayLike, *, smoothing: float = 0.0, infinite: bool = False
) -> NDArray[np.float64]:
    """Return the Kullback-Leibler divergence of p from q, ``sum p ln(p / q)``.

    Parameters
    ----------
    p, q : array_like, shape (..., K)
        Counts or shares.
    smoothing : float
        Pseudo-count added to every category of both.
    infinite : bool
        Whether infinity may be returned where q is zero and p is not; otherwise that is an error.

    Returns
    -------
    ndarray of float64, shape (...)
        Divergences in nats.

    Raises
    ------
    InvalidInput
        If a divergence is infinite and `infinite` is false.

    Examples
    --------
    >>> round(float(kullback_leibler([0.5, 0.5], [0.9, 0.1])), 4)
    0.5108
    """
    a, b = _shares(p, smoothing), _shares(q, smoothing)
    a, b = np.broadcast_arrays(a, b)
    lost = ((a > 0) & (b <= 0)).any(axis=-1)
    if lost.any() and not infinite:
        raise InvalidInput(
            f"Kullback-Leibler is infinite for {int(lost.sum())} of {lost.size} pairs: a category occurs in p and "
            "never in q; name a smoothing such as 0.5, use Jensen-Shannon, or pass infinite=True"
        )
    ratio = np.log(np.where(a > 0, a, 1.0)) - np.log(np.where((a > 0) & (b > 0), b, 1.0))
    value = np.maximum((np.where(a > 0, a, 0.0) * ratio).sum(axis=-1), 0.0)
    return np.where(lost, np.inf, value)


def jensen_shannon(p: ArrayLike, q: ArrayLike, *, smoothing: float = 0.0) -> NDArray[np.float64]:
    """Return the Jensen-Shannon divergence (not its square root).

    Parameters
    ----------
    p, q : array_like, shape (..., K)
        Counts or shares.
    smoothing : float
        Pseudo-count added to every category of both.

    Returns
    -------
    ndarray of float64, shape (...)
        Divergences in nats, in [0, ln 2].

    Examples
    --------
    >>> round(float(jensen_shannon([1, 0], [0, 1])), 4)
    0.6931
    """
    a, b = np.broadcast_arrays(_shares(p, smoothing), _shares(q, smoothing))
    value = plug_in((a + b) / 2.0) - (plug_in(a) + plug_in(b)) / 2.0
    return np.clip(value, 0.0, np.log(2.0))


def total_variation(p: ArrayLike, q: ArrayLike, *, smoothing: float = 0.0) -> NDArray[np.float64]:
    """Return the total variation distance: the largest difference in the share of any set of categories.

    Parameters
    ----------
    p, q : array_like, shape (..., K)
        Counts or shares.
    smoothing : float
        Pseudo-count added to every category of both.

    Returns
    -------
    ndarray of float64, shape (...)
        In [0, 1].

    Examples
    --------
    >>> round(float(total_variation([0.5, 0.5], [0.9, 0.1])), 4)
    0.4
    """
    difference = np.abs(_shares(p, smoothing) - _shares(q, smoothing))
    return np.asarray(difference.sum(axis=-1) / 2.0)


def _shares(counts: ArrayLike, smoothing: float) -> Floats:
    if not (smoothing >= 0.0 and np.isfinite(smoothing)):
        raise InvalidInput(f"smoothing is a pseudo-count of 0 or more, got {smoothing}")
    values = checked_counts(np.asarray(counts, dtype=np.float64) + smoothing)
    return np.asarray(values / values.sum(axis=-1, keepdims=True))
