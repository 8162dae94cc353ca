"""Cross-fitting of the dual with separate reverse samples: held-out rows of both, ridge and shrinkage chosen inside."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.cross_fitting import SHRINKAGES
from secondlaw.trajectories.two_sample_dual import RIDGES, fit_path, log_mean_exp

__all__ = ["TwoSampleFit", "cross_fit_two_samples"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TwoSampleFit:
    """Outcome of cross-fitting with separate reverse samples; the value is ``mean(ahead) - mean(back)``.

    Parameters
    ----------
    ahead : ndarray, shape (n,)
        Held-out u of forward samples.
    back, weights : ndarray, shape (m,)
        Held-out ``w + b - 1`` and ``w = exp(u - b)`` of reverse samples.
    theta : ndarray, shape (d,)
        Shrunk parameters from all samples.
    log_norm : float
    shrinkage : tuple of float
        For each fold.
    claimed_ahead, claimed_back : ndarray, shape (n,), (m,)
        `ahead` and `back` at the hardly regularised maximum over all samples: what the fit claims for itself.
    """

    ahead: Floats
    back: Floats
    weights: Floats
    theta: Floats
    log_norm: float
    shrinkage: tuple[float, ...]
    claimed_ahead: Floats
    claimed_back: Floats


def cross_fit_two_samples(f: Floats, r: Floats, folds: int, rng: np.random.Generator) -> TwoSampleFit:
    """Fit without each fold; ridge and shrinkage are those that do best on one more fold in turn.

    Parameters
    ----------
    f, r : ndarray, shape (n, d), (m, d)
        Features of forward and reverse samples, of about unit variance; rows are independent.
    folds : int
    rng : numpy.random.Generator
        Deals rows into folds.
    """
    of_f, of_r = (rng.permutation(len(part)) % folds for part in (f, r))
    scores = np.zeros((folds + 1, len(RIDGES), len(SHRINKAGES)))
    for k in range(folds):
        for m in range(k + 1, folds):
            path = fit_path(f[(of_f != k) & (of_f != m)], r[(of_r != k) & (of_r != m)])
            train = r[(of_r != k) & (of_r != m)]
            for out, judge in ((k, m), (m, k)):
                gained = _judged(path, f[of_f == judge], r[of_r == judge], train)
                scores[out] += gained
                scores[folds] += gained
    picks = []
    for table in scores:
        level, factor = np.unravel_index(int(np.argmax(table)), table.shape)
        picks.append((int(level), float(SHRINKAGES[factor]) if table[level, factor] > 0.0 else 0.0))
    ahead, back, weights = np.empty(len(f)), np.empty(len(r)), np.empty(len(r))
    for k in range(folds):
        ridge, c = picks[k]
        theta = c * fit_path(f[of_f != k], r[of_r != k])[ridge]
        b = log_mean_exp(r[of_r != k] @ theta)
        ahead[of_f == k] = f[of_f == k] @ theta
        with np.errstate(over="ignore"):
            weights[of_r == k] = np.minimum(np.exp(r[of_r == k] @ theta - b), 1e300)
        back[of_r == k] = weights[of_r == k] + b - 1.0
    path = fit_path(f, r)
    whole = picks[folds][1] * path[picks[folds][0]]
    log_norm = log_mean_exp(r @ path[-1])
    return TwoSampleFit(
        ahead, back, weights, whole, log_mean_exp(r @ whole), tuple(c for _, c in picks[:folds]),
        f @ path[-1], np.exp(r @ path[-1] - log_norm) + log_norm - 1.0,
    )  # fmt: skip


def _judged(path: Floats, f: Floats, r: Floats, train: Floats) -> Floats:
    """Return the held-out bound at each ridge and shrinkage, shape (ridges, shrinkages)."""
    out = np.empty((len(RIDGES), len(SHRINKAGES)))
    for level, theta in enumerate(path):
        ahead, back, known = f @ theta, r @ theta, train @ theta
        for column, c in enumerate(SHRINKAGES):
            b = log_mean_exp(c * known)
            out[level, column] = c * ahead.mean() - np.exp(min(log_mean_exp(c * back) - b, 700.0)) - b + 1.0
    return out
