"""Entropy of categorical counts, in nats: seven closed-form estimators over many count vectors at once.

The entropy of shares ``p`` is ``S = -sum_k p_k ln p_k``. The plug-in estimate replaces ``p_k`` by ``n_k / n`` and is
low by about ``(K - 1) / (2 n)``; the other estimators correct that in different ways. Counts carry the categories on
the last axis, all other axes are free, and counts may be non-integer (expected counts of a soft classifier, counts
scaled to an effective sample size). The NSB estimator lives in :mod:`secondlaw.statistics.nsb_posterior`; choosing
among all in :mod:`secondlaw.statistics.entropy_methods`.

Sources: Miller, in Information Theory in Psychology (1955); Grassberger, arXiv:physics/0307138; Chao & Shen,
Environ. Ecol. Stat. 10, 429 (2003); Hausser & Strimmer, JMLR 10, 1469 (2009), arXiv:0811.3579; Zahl, Ecology 58, 907
(1977) for the jackknife; Wolpert & Wolf, Phys. Rev. E 52, 6841 (1995) for the Dirichlet posterior.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.statistics.counts import checked_counts

__all__ = [
    "chao_shen",
    "dirichlet",
    "grassberger",
    "jackknife",
    "james_stein",
    "miller_madow",
    "plug_in",
]

Floats = NDArray[np.float64]
Counts = NDArray[Any]

_ROWS = 1 << 14  # rows worked on at once: five categories of float64 stay in a core's cache
_TABLE = 1 << 16  # counts up to here are looked up instead of computed


def plug_in(counts: ArrayLike) -> Floats:
    """Estimate the entropy by the entropy of the observed shares (biased low; kept to reproduce papers).

    Parameters
    ----------
    counts : array_like, shape (..., K)
        Non-negative counts, no vector all zero.

    Returns
    -------
    ndarray of float64, shape (...)
        Entropies in nats, in [0, ln K].

    Raises
    ------
    NotEnoughData
        If a vector holds no count.

    Examples
    --------
    >>> round(float(plug_in([5, 5])), 4)
    0.6931
    """
    return _by_rows(counts, _plug_in)


def miller_madow(counts: ArrayLike, *, known: bool = True) -> Floats:
    """Estimate the entropy by the plug-in plus ``(K - 1) / (2 n)``, clipped to [0, ln K].

    Parameters
    ----------
    counts : array_like, shape (..., K)
        Non-negative counts, no vector all zero.
    known : bool
        Whether all K categories count (the taxonomy is closed); otherwise only those observed do.

    Returns
    -------
    ndarray of float64, shape (...)
        Entropies in nats.

    Examples
    --------
    >>> round(float(miller_madow([90, 6, 4, 0, 0])), 4)
    0.4124
    """

    def rows(c: Floats, n: Floats) -> Floats:
        seen: Any = c.shape[-1] if known else (c > 0).sum(axis=-1)
        return np.asarray(np.clip(_plug_in(c, n) + (seen - 1) / (2.0 * n), 0.0, math.log(c.shape[-1])))

    return _by_rows(counts, rows)


def grassberger(counts: ArrayLike) -> Floats:
    """Estimate the entropy by Grassberger's 2003 estimator: ``ln n - sum_k n_k G(n_k) / n``.

    ``G(m) = psi(m) + (-1)**m (psi((m + 1) / 2) - psi(m / 2)) / 2``; between integers the sign is ``cos(pi m)``.

    Parameters
    ----------
    counts : array_like, shape (..., K)
        Non-negative counts, no vector all zero.

    Returns
    -------
    ndarray of float64, shape (...)
        Entropies in nats, not clipped.

    Examples
    --------
    >>> round(float(grassberger([90, 6, 4, 0, 0])), 4)
    0.3917
    """
    return _by_rows(counts, lambda c, n: np.log(n) - _total(c, _grassberger_term) / n)


def chao_shen(counts: ArrayLike) -> Floats:
    """Estimate the entropy by coverage-adjusted Horvitz-Thompson weights (Chao & Shen 2003).

    Good's coverage ``C = 1 - f1 / n`` (f1: categories seen once; C = 1/n if all were) scales the shares to
    ``q = C n_k / n``, and ``S = -sum_k q ln q / (1 - (1 - q)**n)``.

    Parameters
    ----------
    counts : array_like, shape (..., K)
        Non-negative counts, no vector all zero.

    Returns
    -------
    ndarray of float64, shape (...)
        Entropies in nats, not clipped.

    Examples
    --------
    >>> round(float(chao_shen([90, 6, 3, 1, 0])), 4)
    0.4532
    """
    return _by_rows(counts, _chao_shen)


def james_stein(counts: ArrayLike) -> Floats:
    """Estimate the entropy of shares shrunk towards the uniform ones (Hausser & Strimmer 2009).

    The shrinkage ``(1 - sum p**2) / ((n - 1) sum (1/K - p)**2)``, clipped to [0, 1], minimises the mean squared error.

    Parameters
    ----------
    counts : array_like, shape (..., K)
        Non-negative counts, no vector all zero.

    Returns
    -------
    ndarray of float64, shape (...)
        Entropies in nats, in [0, ln K].

    Examples
    --------
    >>> round(float(james_stein([90, 6, 4, 0, 0])), 4)
    0.4051
    """
    return _by_rows(counts, _james_stein)


def jackknife(counts: ArrayLike) -> Floats:
    """Estimate the entropy by the jackknife over responses: ``n S - (n - 1) mean(S without one response)``.

    Parameters
    ----------
    counts : array_like, shape (..., K)
        Non-negative counts, no vector all zero. A vector of one response or less keeps its plug-in value.

    Returns
    -------
    ndarray of float64, shape (...)
        Entropies in nats, not clipped.

    Examples
    --------
    >>> round(float(jackknife([90, 6, 4, 0, 0])), 4)
    0.4032
    """
    return _by_rows(counts, _jackknife)


def dirichlet(counts: ArrayLike, *, prior: float = 0.5) -> Floats:
    """Estimate the entropy by its posterior mean under a symmetric Dirichlet prior (Wolpert & Wolf 1995).

    ``S = psi(A + 1) - sum_k a_k psi(a_k + 1) / A`` with ``a_k = n_k + prior`` and ``A = sum_k a_k``.

    Parameters
    ----------
    counts : array_like, shape (..., K)
        Non-negative counts, no vector all zero.
    prior : float
        Pseudo-count of every category; 1/2 is Jeffreys' choice, 1 Laplace's.

    Returns
    -------
    ndarray of float64, shape (...)
        Entropies in nats, in (0, ln K).

    Examples
    --------
    >>> round(float(dirichlet([90, 6, 4, 0, 0])), 4)
    0.4574
    """
    if not prior > 0:
        raise InvalidInput(f"a Dirichlet prior is a positive pseudo-count, got {prior}")
    from scipy.special import digamma

    def term(c: Floats) -> Floats:
        return np.asarray((c + prior) * digamma(c + prior + 1.0))

    def rows(c: Floats, n: Floats) -> Floats:
        whole = n + prior * c.shape[-1]
        return np.asarray(digamma(whole + 1.0) - _total(c, term) / whole)

    return _by_rows(counts, rows)


def _by_rows(counts: ArrayLike, estimator: Callable[[Counts, Floats], Floats]) -> Floats:
    """Apply an estimator of (rows, K) counts and (rows,) totals to blocks of rows that fit in a core's cache."""
    array = checked_counts(counts)
    shape = array.shape
    rows = array.reshape(-1, shape[-1])
    whole = rows.dtype.kind in "iu"
    out = np.empty(len(rows))
    for start in range(0, len(rows), _ROWS):
        block = rows[start : start + _ROWS]
        block = block if whole else _as_integers(block)
        out[start : start + _ROWS] = estimator(block, block @ np.ones(shape[-1]))
    return out.reshape(shape[:-1])


def _as_integers(block: NDArray[Any]) -> NDArray[Any]:
    """Return whole counts as integers, so that they can be looked up; others as they are."""
    rounded = block.astype(np.int64)
    return rounded if np.array_equal(rounded, block) else block


def _total(counts: NDArray[Any], term: Callable[[Floats], Floats]) -> Floats:
    """Return the sum over categories of ``term(count)``, looking whole counts up in a table."""
    ones = np.ones(counts.shape[-1])
    if counts.dtype.kind in "iu":
        largest = int(counts.max())
        if largest < min(counts.size, _TABLE):
            return np.asarray(term(np.arange(largest + 1.0))[counts] @ ones)
    return np.asarray(term(counts.astype(np.float64)) @ ones)


def _n_log_n(counts: Floats) -> Floats:
    return counts * np.log(np.maximum(counts, np.finfo(float).tiny))


def _plug_in(counts: Counts, n: Floats) -> Floats:
    return np.maximum(np.log(n) - _total(counts, _n_log_n) / n, 0.0)


def _grassberger_term(counts: Floats) -> Floats:
    from scipy.special import digamma

    seen = np.maximum(counts, np.finfo(float).tiny)
    sign = np.cos(np.pi * counts)
    g = digamma(seen) + 0.5 * sign * (digamma((seen + 1) / 2) - digamma(seen / 2))
    return np.where(counts > 0, counts * g, 0.0)


def _chao_shen(counts: Counts, n: Floats) -> Floats:
    once = ((counts > 0) & (counts <= 1)) @ np.ones(counts.shape[-1])
    coverage = 1.0 - np.minimum(once, n - 1.0) / n
    q = counts * (coverage / n)[:, None]
    log_q = np.log(np.maximum(q, np.finfo(float).tiny))
    seen = -np.expm1(n[:, None] * np.log1p(-np.minimum(q, 1.0 - 1e-16)))
    terms = -q * log_q / np.where(q > 0, seen, 1.0)
    return np.asarray(terms @ np.ones(counts.shape[-1]))


def _james_stein(counts: Counts, n: Floats) -> Floats:
    categories = counts.shape[-1]
    ones = np.ones(categories)
    p = counts / n[:, None]
    squares = (p * p) @ ones
    spread = np.maximum(squares - 1.0 / categories, 0.0) * (n - 1.0)  # (n - 1) sum (1/K - p)**2
    # Uniform observed shares (spread 0) and single responses are shrunk all the way.
    shrinkage = np.minimum((1.0 - squares) / np.maximum(spread, 1e-300), 1.0)
    shrinkage = np.where(spread > 0, np.maximum(shrinkage, 0.0), 1.0)[:, None]
    p = p * (1.0 - shrinkage) + shrinkage / categories
    return np.asarray(-(p * np.log(np.maximum(p, np.finfo(float).tiny))) @ ones)


def _jackknife(counts: Counts, n: Floats) -> Floats:
    def change(c: Floats) -> Floats:  # weight of what leaves sum n ln n when one response of the category leaves
        return c * (_n_log_n(c) - _n_log_n(np.maximum(c - 1.0, 0.0)))

    total = _total(counts, _n_log_n)
    fewer = np.maximum(n - 1.0, 1.0)
    without = np.log(fewer) - (total - _total(counts, change) / n) / fewer
    entropy = np.log(n) - total / n
    return np.where(n > 1, n * entropy - (n - 1.0) * without, entropy)
