"""The Nemenman-Shafee-Bialek (NSB) estimator: posterior mean and sd of the entropy, for many count vectors at once.

A symmetric Dirichlet prior with pseudo-count ``beta`` fixes the entropy almost completely beforehand:
``xi(beta) = psi(K beta + 1) - psi(beta + 1)``. NSB therefore mixes these priors with weight ``d xi / d beta``, which
makes the entropy itself nearly uniform beforehand on [0, ln K]:

    ``E[S | n] = int E[S | n, beta] rho(n | beta) d xi / int rho(n | beta) d xi``,
    ``rho(n | beta) = Gamma(K beta) / Gamma(n + K beta) * prod_k Gamma(n_k + beta) / Gamma(beta)``.

The integrals run over ``ln beta`` by the trapezoidal rule, whose error for such a smooth peak is far below 1e-6 nats;
the entropy is symmetric in the categories, so vectors are sorted and each distinct one is integrated once. Counts may
be non-integer. Source: arXiv:physics/0108025; moments: Wolpert & Wolf, Phys. Rev. E 52, 6841 (1995).
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.statistics.counts import checked_counts

__all__ = ["nsb", "nsb_moments"]

Floats = NDArray[np.float64]

_LOG_BETA = (-18.0, 16.0)  # what lies outside carries less than 1e-6 of the weight
_STEP = 0.25
_CELLS = 1 << 20  # values of (vector, category, beta) held at once


def nsb(counts: ArrayLike) -> NDArray[np.float64]:
    """Estimate the entropy by its posterior mean under the NSB prior.

    Parameters
    ----------
    counts : array_like, shape (..., K)
        Non-negative counts, no vector all zero; K is the known number of categories.

    Returns
    -------
    ndarray of float64, shape (...)
        Entropies in nats, in (0, ln K).

    Raises
    ------
    NotEnoughData
        If a vector holds no count.

    Examples
    --------
    >>> round(float(nsb([9, 1, 0, 0, 0])), 3)
    0.483
    """
    return nsb_moments(counts)[0]


def nsb_moments(counts: ArrayLike) -> tuple[Floats, Floats]:
    """Return posterior mean and standard deviation of the entropy under the NSB prior.

    Parameters
    ----------
    counts : array_like, shape (..., K)
        Non-negative counts, no vector all zero.

    Returns
    -------
    mean, sd : ndarray of float64, shape (...)
        In nats.

    Examples
    --------
    >>> mean, sd = nsb_moments([[9, 1, 0, 0, 0], [90, 10, 0, 0, 0]])
    >>> sd.round(3)
    array([0.266, 0.071])
    """
    array = checked_counts(counts)
    shape = array.shape
    rows = np.sort(array.reshape(-1, shape[-1]).astype(np.float64), axis=1)
    distinct, inverse = _distinct(rows)
    mean, sd = np.empty(len(distinct)), np.empty(len(distinct))
    log_beta = np.arange(*_LOG_BETA, min(_STEP, 2.5 / math.sqrt(shape[-1])))
    size = max(1, _CELLS // (shape[-1] * len(log_beta)))
    for start in range(0, len(distinct), size):
        part = slice(start, start + size)
        mean[part], sd[part] = _integrate(distinct[part], np.exp(log_beta))
    return mean[inverse].reshape(shape[:-1]), sd[inverse].reshape(shape[:-1])


def _distinct(rows: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Return the distinct rows, and for each row which one it is."""
    order = np.lexsort(rows.T)
    ordered = rows[order]
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    inverse = np.empty(len(rows), dtype=np.intp)
    inverse[order] = np.cumsum(new) - 1
    return ordered[new], inverse


def _integrate(counts: Floats, beta: Floats) -> tuple[Floats, Floats]:
    """Integrate mean and second moment of the entropy over the concentration, for rows (vector, K)."""
    from scipy.special import digamma, gammaln, polygamma

    categories, n = counts.shape[1], counts.sum(axis=1)[:, None]
    # Every function of a count and a beta is tabulated once for the distinct counts: (value, beta).
    values, where = np.unique(counts, return_inverse=True)
    where = where.reshape(counts.shape)
    x = values[:, None] + beta
    psi1 = digamma(x + 1.0)

    def total(table: Floats) -> Floats:  # (vector, beta)
        return np.asarray(sum(table[where[:, k]] for k in range(categories)))

    whole = n + categories * beta
    prior = (categories * polygamma(1, categories * beta + 1.0) - polygamma(1, beta + 1.0)) * beta  # d xi / d ln beta
    log_weight = total(gammaln(x) - gammaln(beta)) + gammaln(categories * beta) - gammaln(whole) + np.log(prior)
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)

    top = digamma(whole + 2.0)
    mean = top - 1.0 / (whole + 1.0) - total(x * psi1) / whole
    # E[S**2] = (sum_{i != j} x_i x_j (a_i a_j - t) + sum_i x_i (x_i + 1) (b_i**2 + t_i)) / (A (A + 1)), with
    # a_i = psi(x_i + 1) - psi(A + 2), b_i = a_i + 1 / (x_i + 1), t = psi'(A + 2), t_i = psi'(x_i + 2) - t.
    curvature = polygamma(1, whole + 2.0)
    first = total(x * psi1) - whole * top  # sum_i x_i a_i
    square = total(x * x * psi1**2) - 2 * top * total(x * x * psi1) + top**2 * total(x * x)  # sum_i (x_i a_i)**2
    cross = first**2 - square - curvature * (whole**2 - total(x * x))
    psi2, pairs = psi1 + 1.0 / (x + 1.0), x * (x + 1.0)
    same = total(pairs * psi2**2) - 2 * top * total(pairs * psi2) + top**2 * total(pairs)
    same += total(pairs * polygamma(1, x + 2.0)) - curvature * total(pairs)
    second = (cross + same) / (whole * (whole + 1.0))
    point = (weight * mean).sum(axis=1)
    variance = (weight * second).sum(axis=1) - point**2
    return point, np.sqrt(np.maximum(variance, 0.0))
