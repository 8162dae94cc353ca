r"""Have Markov chains converged? Split R-hat on normalised ranks, and the effective number of draws.

Vehtari, Gelman, Simpson, Carpenter & Bürkner, Bayesian Analysis 16, 667 (2021): every chain is cut in two, draws are
replaced by normal scores of their ranks, R-hat compares between and within chains; the effective number divides by the
autocorrelation time, summed until pairs of lags turn negative (Geyer 1992).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import NotEnoughData

__all__ = ["effective_draws", "split_r_hat"]

Floats = NDArray[np.float64]

# Draws of half a chain below which neither number means anything.
_FEWEST = 8


def split_r_hat(draws: ArrayLike) -> float:
    """Return R-hat: 1 where the chains agree; above about 1.01 they have not converged.

    Parameters
    ----------
    draws : array_like, shape (chains, draws)

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> round(split_r_hat(rng.normal(size=(4, 500))), 2), round(split_r_hat(rng.normal(size=(2, 99)) + [[0], [2]]), 1)
    (1.0, 1.5)
    """
    halves = _halves(draws)
    if np.ptp(halves) == 0.0:
        return 1.0
    scores = _normal_scores(halves)
    within = scores.var(axis=1, ddof=1).mean()
    between = scores.mean(axis=1).var(ddof=1)
    if within == 0.0:
        return float("inf")
    n = halves.shape[1]
    return float(np.sqrt((n - 1) / n + between / within))


def effective_draws(draws: ArrayLike) -> float:
    """Return how many independent draws would tell the mean as well.

    Parameters
    ----------
    draws : array_like, shape (chains, draws)

    Examples
    --------
    >>> bool(1700 < effective_draws(np.random.default_rng(0).normal(size=(4, 500))) <= 2400)
    True
    """
    halves = _halves(draws)
    chains, n = halves.shape
    if np.ptp(halves) == 0.0:
        return float(chains * n)
    scores = _normal_scores(halves)
    centred = scores - scores.mean(axis=1, keepdims=True)
    spectrum = np.abs(np.fft.rfft(centred, n=2 * n, axis=1)) ** 2
    covariance = np.fft.irfft(spectrum, axis=1)[:, :n] / n  # (chain, lag)
    within = covariance[:, 0].mean() * n / (n - 1.0)
    total = within * (n - 1.0) / n + scores.mean(axis=1).var(ddof=1)
    correlation = 1.0 - (within - covariance.mean(axis=0) * n / (n - 1.0)) / total
    pairs = correlation[: n - n % 2].reshape(-1, 2).sum(axis=1)
    last = int(np.argmax(pairs < 0.0)) if (pairs < 0.0).any() else len(pairs)
    time = max(2.0 * np.minimum.accumulate(pairs[:last]).sum() - 1.0, 1.0 / np.log10(max(chains * n, 10)))
    return float(chains * n / time)


def _halves(draws: ArrayLike) -> Floats:
    given = np.asarray(draws, dtype=np.float64)
    half = given.shape[1] // 2 if given.ndim == 2 else 0
    if half < _FEWEST:
        raise NotEnoughData(f"chains need at least {2 * _FEWEST} draws each, got shape {given.shape}")
    return np.concatenate([given[:, :half], given[:, -half:]])


def _normal_scores(draws: Floats) -> Floats:
    from scipy.special import ndtri

    _, place, times = np.unique(draws, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(times) - (times - 1) / 2.0)[place].reshape(draws.shape)  # ties share their mean rank
    return np.asarray(ndtri((ranks - 0.375) / (draws.size + 0.25)))
