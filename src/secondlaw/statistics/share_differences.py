r"""Differences of shares between two stretches, with intervals that hold for rare categories and clustered responses.

*Interval.* Each share has Clopper and Pearson's exact limits (l, u) at an effective number of responses; the limits of
the difference d = q - p join their squares (Newcombe, Stat. Med. 17, 873 (1998); Zou & Donner, Stat. Med. 27, 1693
(2008)):

.. math:: d - \sqrt{(q - l_q)^2 + (u_p - p)^2}, \qquad d + \sqrt{(u_q - q)^2 + (p - l_p)^2}.

It is never of width zero, is longer on the side where a rare share may still lie, and needs no bootstrap, which shows
too little of a category that occurred in a handful of responses.

*Effective number.* Responses of one cluster resemble each other: with the intraclass correlation rho the difference
varies :math:`D = 1 - \rho + \rho \sum_g (n_{2g}/n_2 - n_{1g}/n_1)^2 / (1/n_1 + 1/n_2)` times as much as that of
independent responses. A cluster that answered alike often in both stretches (the same prompt, asked again) cancels; one
that is in one of them alone does not. D is never taken smaller than what the clusters' own changes show, nor than 1.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.statistics.shares import exact_interval

__all__ = ["difference_effect", "difference_limits"]

Floats = NDArray[np.float64]

CARRIED = 8
"""Clusters that must hold a category before its own variance is believed; below, all categories' together is used."""


def difference_limits(
    before: ArrayLike, after: ArrayLike, *, n: tuple[ArrayLike, ArrayLike], level: float
) -> tuple[Floats, Floats]:
    """Return the interval of the change of each share.

    Parameters
    ----------
    before, after : array_like, shape (K,)
        Shares.
    n : pair of array_like, shape () or (K,)
        Effective numbers of responses before and after; they need not be whole.
    level : float
        Nominal coverage of each interval on its own.

    Returns
    -------
    low, high : ndarray of float64, shape (K,)
        Within [-1, 1].

    Raises
    ------
    InvalidInput
        If a number of responses is not positive.

    Examples
    --------
    >>> low, high = difference_limits([0.01, 0.0], [0.05, 0.0], n=(1000, 100), level=0.95)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.005, -0.004], [0.103, 0.036])
    """
    p, q = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    first, second = (np.broadcast_to(np.asarray(one, dtype=np.float64), p.shape) for one in n)
    if not ((first > 0.0).all() and (second > 0.0).all()):
        raise InvalidInput(f"shares need responses on both sides, got {first.min()} and {second.min()}")
    low_p, high_p = exact_interval(p * first, first, level=level)
    low_q, high_q = exact_interval(q * second, second, level=level)
    down, up = np.hypot(q - low_q, high_p - p), np.hypot(high_q - q, p - low_p)
    return np.maximum(-1.0, q - p - down), np.minimum(1.0, q - p + up)


def difference_effect(before: Floats, after: Floats) -> Floats:
    """Return by how much the variance of each share's change exceeds that of independent responses.

    Parameters
    ----------
    before, after : ndarray, shape (G, K)
        Counts by cluster; row g is the same cluster in both, all zero where it has no response.

    Returns
    -------
    ndarray of float64, shape (K,)
        May be below 1, where clusters that recur cancel: whoever claims no more information than there are responses
        takes the larger of it and 1.

    Examples
    --------
    >>> always = np.array([[9.0, 0.0], [0.0, 9.0]] * 10)  # clusters all of a kind
    >>> nothing = np.zeros_like(always)
    >>> apart = np.concatenate([always, nothing]), np.concatenate([nothing, always])
    >>> difference_effect(*apart).round(1).tolist(), difference_effect(always, always).round(1).tolist()
    ([9.2, 9.2], [0.0, 0.0])
    """
    first, second = before.sum(axis=1), after.sum(axis=1)
    n1, n2 = first.sum(), second.sum()
    own, together = _correlations((before[first > 0], after[second > 0]))
    rho = np.maximum(own, together)
    apart = float(((second / n2 - first / n1) ** 2).sum() / (1.0 / n1 + 1.0 / n2))
    expected = 1.0 - rho + rho * apart
    p, q = before.sum(axis=0) / n1, after.sum(axis=0) / n2
    independent = p * (1.0 - p) / n1 + q * (1.0 - q) / n2
    if not independent.sum() > 0.0 or len(first) < 2:
        return np.asarray(expected)
    change = (after - second[:, None] * q) / n2 - (before - first[:, None] * p) / n1  # (G, K), sums to 0
    variance = len(first) / (len(first) - 1.0) * (change**2).sum(axis=0)
    carried = ((before + after > 0).sum(axis=0) >= CARRIED) & (independent > 0.0)
    seen = np.where(carried, variance / np.where(carried, independent, 1.0), 0.0)
    return np.asarray(np.maximum(np.maximum(expected, variance.sum() / independent.sum()), seen))


def _correlations(tables: Sequence[Floats]) -> tuple[Floats, float]:
    """Return the intraclass correlation of each category (K,) and of all together, from the moments of all tables."""
    width = tables[0].shape[1]
    excess, pairs = np.zeros(width), np.zeros(width)
    for table in tables:
        sizes = table.sum(axis=1)
        n, groups, twice = sizes.sum(), len(table), float((sizes * (sizes - 1.0)).sum())
        if groups < 2 or twice <= 0.0:
            continue
        p = table.sum(axis=0) / n
        squares = groups / (groups - 1.0) * ((table - sizes[:, None] * p) ** 2).sum(axis=0)
        excess += squares - n * p * (1.0 - p)
        pairs += p * (1.0 - p) * twice
    own = np.divide(excess, pairs, out=np.zeros(width), where=pairs > 0.0)
    together = float(excess.sum() / pairs.sum()) if pairs.sum() > 0.0 else 0.0
    return np.clip(own, 0.0, 1.0), min(1.0, max(0.0, together))
