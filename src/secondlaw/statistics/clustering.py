"""How much responses to one prompt resemble each other: design effect, effective sample size, intraclass correlation.

Responses to one prompt (a *group*) are not independent. Their shares ``p_k = x_k / n`` have the cluster-robust variance
``V_k = G / (G - 1) sum_g (c_gk - p_k n_g)**2 / n**2``; the *design effect* is its ratio to that of independent
responses, ``sum_k V_k / sum_k p_k (1 - p_k) / n``, and ``n / deff`` responses would be worth as much if independent
(Kish, Survey Sampling, 1965; Rao & Scott, J. Am. Stat. Assoc. 76, 221 (1981)).

Few groups estimate a variance badly. The Dirichlet-multinomial model therefore stands beside: each group has its own
shares ``q_g ~ Dirichlet(a p)`` with intraclass correlation ``rho = 1 / (1 + a)``, and the likelihood of the counts
gives a posterior of rho (uniform prior), which says how far the design effect ``1 + (m - 1) rho`` may reach.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.statistics.counts import checked_groups

__all__ = ["Intraclass", "cluster_variance", "design_effect", "effective_sample_size", "intraclass"]

Floats = NDArray[np.float64]

_GRID = (np.arange(40) + 0.5) / 40  # square roots of rho, dense near 0 where large groups decide
RHO: Floats = _GRID**2
"""Intraclass correlations at which the likelihood is evaluated."""

_CELLS = 1 << 21  # values of (group, rho, category) held at once


@dataclass(frozen=True, slots=True)
class Intraclass:
    """What the counts of each group say about the intraclass correlation.

    Parameters
    ----------
    log_likelihood : ndarray, shape (groups, rho)
        Of each group's counts under the Dirichlet-multinomial model at :data:`RHO`, up to terms without rho.
    entropy : ndarray, shape (groups, rho)
        Posterior mean entropy of each group, in nats, given its counts and rho.
    independent : float
        Total log-likelihood at rho = 0, where all groups share one distribution.
    """

    log_likelihood: Floats
    entropy: Floats
    independent: float

    def posterior(self, total: Floats) -> Floats:
        """Return the posterior weights of :data:`RHO` from total log-likelihoods (..., rho), uniform prior in rho."""
        log = total + np.log(_GRID)
        weight = np.exp(log - log.max(axis=-1, keepdims=True))
        return np.asarray(weight / weight.sum(axis=-1, keepdims=True))


def cluster_variance(counts: ArrayLike) -> Floats:
    """Return the cluster-robust variance of each category's share.

    Parameters
    ----------
    counts : array_like, shape (groups, K)
        Counts by group; groups without responses are left out.

    Returns
    -------
    ndarray of float64, shape (K,)
        Variances; those of independent responses if there is only one group, which cannot show more.

    Examples
    --------
    >>> cluster_variance([[2, 0], [0, 2]]).round(3)
    array([0.25, 0.25])
    """
    present = checked_groups(counts)
    sizes, x = present.sum(axis=1), present.sum(axis=0)
    n, groups = sizes.sum(), len(present)
    p = x / n
    if groups == 1:
        return np.asarray(p * (1.0 - p) / n)
    residual = present - sizes[:, None] * p
    return np.asarray(groups / (groups - 1) * (residual**2).sum(axis=0) / n**2)


def design_effect(counts: ArrayLike) -> float:
    """Return the design effect of the shares, at least 1.

    The floor is a choice: an estimate below 1 from positive dependence can only be luck, and a number below 1 would
    claim more information than there are responses. One observed category shows no spread at all: 1.

    Parameters
    ----------
    counts : array_like, shape (groups, K)
        Counts by group.

    Returns
    -------
    float
        Ratio of the variance of the shares to that of independent responses.

    Examples
    --------
    >>> round(design_effect([[10, 0], [0, 10], [10, 0], [0, 10]]), 2)
    13.33
    """
    present = checked_groups(counts)
    n = present.sum()
    p = present.sum(axis=0) / n
    independent = float((p * (1.0 - p)).sum() / n)
    if independent <= 0.0:
        return 1.0
    return max(1.0, float(cluster_variance(present).sum()) / independent)


def effective_sample_size(counts: ArrayLike) -> float:
    """Return how many independent responses would determine the shares as well: ``n / deff``.

    Parameters
    ----------
    counts : array_like, shape (groups, K)
        Counts by group.

    Returns
    -------
    float
        Between 0 and the number of responses.

    Examples
    --------
    >>> round(effective_sample_size([[10, 0], [0, 10], [10, 0], [0, 10]]), 3)
    3.0
    """
    return float(np.asarray(counts, dtype=np.float64).sum()) / design_effect(counts)


def intraclass(counts: Floats) -> Intraclass:
    """Evaluate each group's likelihood and posterior mean entropy at every intraclass correlation of the grid.

    Parameters
    ----------
    counts : ndarray, shape (groups, K)
        Counts of groups that hold a response.

    Returns
    -------
    Intraclass
        Likelihoods, entropies and the likelihood of independence.
    """
    x = counts.sum(axis=0)
    seen = x > 0
    # With one observed category the shares are Jeffreys-like, else every rho would explain the counts equally well.
    p = x[seen] / x.sum() if seen.sum() > 1 else (x + 1.0 / len(x)) / (x.sum() + 1.0)
    kept = counts[:, seen] if seen.sum() > 1 else counts
    rows, inverse = np.unique(kept, axis=0, return_inverse=True)
    log_likelihood, entropy = np.empty((len(rows), len(RHO))), np.empty((len(rows), len(RHO)))
    size = max(1, _CELLS // (len(RHO) * len(p)))
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        log_likelihood[part], entropy[part] = _by_group(rows[part], p)
    inverse = inverse.reshape(-1)
    independent = float((kept.sum(axis=0) * np.log(p)).sum())
    return Intraclass(log_likelihood[inverse], entropy[inverse], independent)


def _by_group(rows: Floats, p: Floats) -> tuple[Floats, Floats]:
    from scipy.special import digamma, gammaln

    concentration = (1.0 - RHO) / RHO
    prior = concentration[:, None] * p  # (rho, K)
    after = rows[:, None, :] + prior  # (group, rho, K)
    total = rows.sum(axis=1)[:, None] + concentration  # (group, rho)
    log_likelihood = gammaln(concentration) - gammaln(total) + (gammaln(after) - gammaln(prior)).sum(axis=2)
    entropy = digamma(total + 1.0) - (after * digamma(after + 1.0)).sum(axis=2) / total
    return log_likelihood, entropy
