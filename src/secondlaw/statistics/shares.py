"""The share of responses in a category, or in any set of categories, with an interval that never has width zero.

Korn-Graubard interval (Survey Methodology 24, 193 (1998)): Clopper-Pearson's exact binomial interval at the effective
number of responses ``n / deff``, with deff the design effect of that very share, divided further by
``(t_{G-1} / t_{n-1})**2`` because the variance is estimated from G groups only. Where a share is 0 or 1 (or its own
design effect cannot be seen) the design effect of the whole cell stands in.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.statistics.clustering import RHO, intraclass
from secondlaw.statistics.counts import checked_groups
from secondlaw.statistics.intervals import LEVEL
from secondlaw.types import SHARE, Estimate

__all__ = ["exact_interval", "share_estimates", "subset_share"]

Floats = NDArray[np.float64]


def share_estimates(counts: ArrayLike, *, level: float = LEVEL) -> list[Estimate]:
    """Estimate the share of every category.

    Parameters
    ----------
    counts : array_like, shape (groups, K)
        Counts by group (prompt, conversation).
    level : float
        Nominal coverage of each interval on its own.

    Returns
    -------
    list of Estimate
        One per category.

    Examples
    --------
    >>> print(share_estimates([[5, 0], [5, 0], [4, 1]])[1])
    0.067 [0.000, 0.910]
    """
    present = checked_groups(counts)
    return [_estimate(present, np.eye(present.shape[1])[k], level) for k in range(present.shape[1])]


def subset_share(counts: ArrayLike, members: Sequence[bool] | NDArray[np.bool_], *, level: float = LEVEL) -> Estimate:
    """Estimate the share of responses in a set of categories, for example the misaligned ones.

    Parameters
    ----------
    counts : array_like, shape (groups, K)
        Counts by group.
    members : sequence of bool, shape (K,)
        Which categories belong to the set.
    level : float
        Nominal coverage.

    Returns
    -------
    Estimate
        The share, with a Korn-Graubard interval.

    Examples
    --------
    >>> subset_share([[9, 1, 0], [8, 2, 0], [10, 0, 0]], [False, True, True]).value
    0.1
    """
    present = checked_groups(counts)
    chosen = np.asarray(members, dtype=bool)
    if chosen.shape != (present.shape[1],):
        raise InvalidInput(f"members name each of the {present.shape[1]} categories, got shape {chosen.shape}")
    return _estimate(present, chosen.astype(np.float64), level)


def exact_interval(successes: ArrayLike, n: ArrayLike, *, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Return Clopper-Pearson's interval of a share; the numbers need not be whole.

    Parameters
    ----------
    successes, n : array_like, shape (...)
        Effective number of successes and of trials.
    level : float
        Nominal coverage.

    Returns
    -------
    low, high : ndarray of float64, shape (...)
        In [0, 1], ``low < high``.

    Examples
    --------
    >>> low, high = exact_interval(0, 10)
    >>> float(low), round(float(high), 3)
    (0.0, 0.308)
    """
    from scipy.special import betaincinv

    x, trials = np.broadcast_arrays(np.asarray(successes, dtype=np.float64), np.asarray(n, dtype=np.float64))
    tail = (1.0 - level) / 2.0
    fails = np.maximum(trials - x, 0.0)
    low = np.where(x > 0, betaincinv(np.maximum(x, 1e-300), fails + 1.0, tail), 0.0)
    high = np.where(fails > 0, betaincinv(x + 1.0, np.maximum(fails, 1e-300), 1.0 - tail), 1.0)
    return low, high


def _estimate(present: Floats, members: Floats, level: float) -> Estimate:
    from scipy.special import stdtrit

    inside = present @ members
    sizes = present.sum(axis=1)
    n, groups = float(sizes.sum()), len(present)
    share = float(inside.sum()) / n
    table = np.stack([inside, sizes - inside], axis=1)
    effect, source = _design_effect(table)
    tail = (1.0 - level) / 2.0
    correction = (stdtrit(groups - 1, tail) / stdtrit(max(n - 1, 1), tail)) ** 2 if groups > 1 else 1.0
    effective = min(n, n / (effect * correction))
    low, high = exact_interval(share * effective, effective, level=level)
    method = f"Korn-Graubard (exact, {groups} group{'s' * (groups != 1)}, design effect {effect:.2f}{source})"
    if groups == 1:
        method += "; one group: sampling error within it only"
    return Estimate(share, float(low), float(high), level, round(n), SHARE, method)


def _design_effect(table: Floats) -> tuple[float, str]:
    """Return the larger of the observed design effect and what the intraclass correlation makes plausible."""
    sizes = table.sum(axis=1)
    n, groups = sizes.sum(), len(table)
    if groups == 1:
        return 1.0, ""
    p = table.sum(axis=0) / n
    observed = 1.0
    if 0.0 < p[0] < 1.0:
        residual = table[:, 0] - p[0] * sizes
        observed = float(groups / (groups - 1) * (residual**2).sum() / n / (p[0] * (1 - p[0])))
    fit = intraclass(table)
    rho = float(fit.posterior(fit.log_likelihood.sum(axis=0)) @ RHO)
    plausible = 1.0 + (float((sizes**2).sum() / n) - 1.0) * rho
    return (observed, "") if observed >= plausible else (max(1.0, plausible), " from the intraclass correlation")
