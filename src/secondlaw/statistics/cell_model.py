"""What one cell's counts say: sums on the resampling design, the corrected pooled entropy, and posterior draws.

Everything that a resample needs is linear in its weights: category counts, the log-likelihood of each group at every
intraclass correlation, and each group's posterior mean entropy there. One matrix product each gives all replicates.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.closed_form import plug_in
from secondlaw.statistics.clustering import RHO, Intraclass, cluster_variance, design_effect, intraclass
from secondlaw.statistics.entropy_methods import MILLER_MADOW_FROM, Method, entropy
from secondlaw.statistics.nsb_posterior import nsb

__all__ = ["CellSums", "Draws", "pooled_point", "posterior_draws"]

Floats = NDArray[np.float64]

_EXTRA = 0.5
"""Pseudo-count per category that the upper ends are given beyond 1/K: with it pooled covers 94 % or more of the time in
all designs measured (without: 90 % where few groups carry the rare categories)."""


def pooled_point(present: Floats, *, method: Method = "auto") -> tuple[float, float]:
    """Return the pooled entropy, corrected for clustering, and the effective number of responses.

    Parameters
    ----------
    present : ndarray, shape (groups, K)
        Counts of groups that hold a response.
    method : str
        ``"auto"``, or an estimator that is applied to the counts scaled to the effective number of responses (the
        plug-in needs no scale).

    Returns
    -------
    entropy, effective : float
        In nats, and in responses. One observed category among 50 effective responses or more has the entropy 0:
        correcting for the categories that were not seen would call the most uniform cell varied (by .04 nats at 50).

    Examples
    --------
    >>> entropy, effective = pooled_point(np.array([[9.0, 1.0], [8.0, 2.0], [10.0, 0.0]] * 4))
    >>> round(entropy, 3), round(effective, 1)
    (0.328, 120.0)
    """
    x = present.sum(axis=0)
    n = float(x.sum())
    effective = n / design_effect(present)
    if method == "plug-in":
        return float(plug_in(x)), effective
    if method != "auto":
        return float(entropy(x * (effective / n), method=method)), effective
    if effective < MILLER_MADOW_FROM:
        return float(nsb(x * (effective / n))), effective
    seen = x > 0
    if seen.sum() == 1:
        return 0.0, effective
    bias = 0.5 * float((cluster_variance(present)[seen] * n / x[seen]).sum()) + 0.5 * float((~seen).sum()) / effective
    return float(np.clip(plug_in(x) + bias, 0.0, np.log(len(x)))), effective


@dataclass(frozen=True, slots=True)
class CellSums:
    """Sums of one cell over the resampled units: groups, or blocks of them."""

    """Sums per resampled unit: everything that a resample needs is linear in its weights."""

    present: Floats  # (present groups, K)
    fit: Intraclass
    counts: Floats  # (units, K)
    log_likelihood: Floats  # (units, rho)
    entropy: Floats  # (units, rho): sum of n_g times the group's posterior mean entropy
    groups: int  # units that hold a response

    @classmethod
    def of(
        cls, counts: Floats, units: int, *, blocks: NDArray[np.int64] | None = None, method: Method = "auto"
    ) -> "CellSums":
        """Sum counts by group over resampled units; `method` other than auto replaces the learned prior within."""
        if counts.ndim != 2 or counts.shape[1] < 2:
            raise InvalidInput(f"counts by group have the shape (groups, K >= 2), got {counts.shape}")
        where = np.arange(len(counts)) if blocks is None else np.asarray(blocks)
        if len(where) != len(counts) or (len(where) and where.max() >= units):
            raise InvalidInput(f"{len(counts)} groups do not fit the design of {units} resampled units")
        if counts.size and not (counts.min() >= 0 and np.isfinite(counts.max())):
            raise InvalidInput(f"counts must be finite and not negative, got {counts.min()} to {counts.max()}")
        sizes = counts.sum(axis=1)
        kept = sizes > 0
        if not kept.any():
            raise NotEnoughData("the cell holds no response: nothing can be measured in it")
        present, where = counts[kept], where[kept]
        fit = intraclass(present)

        def per_unit(values: Floats) -> Floats:
            out = np.zeros((units, values.shape[1]))
            if blocks is None:
                out[where] = values
            else:
                order = np.argsort(where, kind="stable")
                first = np.flatnonzero(np.diff(where[order], prepend=-1))
                out[where[order][first]] = np.add.reduceat(values[order], first, axis=0)
            return out

        by_group = fit.entropy
        if method != "auto":
            by_group = np.repeat(entropy(present, method=method)[:, None], by_group.shape[1], axis=1)
        return cls(
            present,
            fit,
            per_unit(present),
            per_unit(fit.log_likelihood),
            per_unit(by_group * sizes[kept, None]),
            int(np.unique(where).size),
        )

    def values(self, weights: Floats) -> tuple[Floats, Floats, Floats]:
        """Return shares (resamples, K), plug-in pooled and within entropy (resamples,); the data's own if empty."""
        x = weights @ self.counts
        n = x.sum(axis=1, keepdims=True)
        whole = self.counts.sum(axis=0)
        x = np.where(n > 0, x, whole)
        n = np.where(n > 0, n, whole.sum())
        posterior = self.fit.posterior(weights @ self.log_likelihood)
        within = (posterior * (weights @ self.entropy)).sum(axis=1) / n[:, 0]
        return x / n, plug_in(x), within


@dataclass(frozen=True, slots=True)
class Draws:
    """Posterior draws of shares (draws, K), pooled and within entropy (draws,)."""

    shares: Floats
    pooled: Floats
    within: Floats

    @property
    def between(self) -> Floats:
        """Pooled less within, not below 0."""
        return np.maximum(self.pooled - self.within, 0.0)

    def lifted(self, by: float) -> "Draws":
        """Raise the pooled entropy, to undo the bias of the plug-in."""
        return Draws(self.shares, self.pooled + by, self.within)


def posterior_draws(sums: CellSums, draws: int, rng: np.random.Generator) -> tuple[Draws, Draws]:
    """Draw from the Dirichlet-multinomial model under two priors: 1/K and one more half per category.

    As in Clopper and Pearson's interval the lower end is taken under the prior that favours nothing unseen, the upper
    end under the one that does.
    """
    from scipy.special import stdtrit

    x, sizes = sums.present.sum(axis=0), sums.present.sum(axis=1)
    n, categories, groups = float(x.sum()), len(x), sums.groups
    posterior = sums.fit.posterior(sums.fit.log_likelihood.sum(axis=0))
    effects = 1.0 + (float((sizes**2).sum()) / n - 1.0) * RHO
    correction = 1.0
    if groups > 1:
        correction = float((stdtrit(max(n - 1.0, 1.0), 0.025) / stdtrit(groups - 1, 0.025)) ** 2)
        effects = effects * max(1.0, design_effect(sums.present) / float(posterior @ effects))
    else:
        effects = np.ones_like(effects)
    which = rng.choice(len(RHO), size=draws, p=posterior)
    effective = min(correction, 1.0) * n / np.maximum(effects[which], 1.0)
    alpha = (x / n) * effective[:, None] + 1.0 / categories
    gamma = rng.standard_gamma(alpha) + np.finfo(float).tiny
    concentration = ((1.0 - RHO) / RHO)[which]
    more = gamma + rng.standard_gamma(_EXTRA, size=gamma.shape)
    return _drawn(gamma, concentration), _drawn(more, concentration)


def _drawn(gamma: Floats, concentration: Floats) -> Draws:
    from scipy.special import digamma

    shares = gamma / gamma.sum(axis=1, keepdims=True)
    after = concentration[:, None] * shares
    within = digamma(concentration + 1.0) - (shares * digamma(after + 1.0)).sum(axis=1)
    return Draws(shares, plug_in(shares), within)
