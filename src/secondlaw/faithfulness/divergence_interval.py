r"""The interval of a topic divergence: what it covers, and how (ours).

What is covered is the divergence of the two *laws* of topics with the pseudo-counts of texts of this length, given the
topics,

.. math:: D_s = KL(s_a \| s_q), \qquad s = (n p + \alpha) / (n + \alpha K).

 (The divergence without pseudo-counts is out of reach: it is infinite for a topic that the question's
law lacks, which no sample can tell from a rare one.) Few sentences raise the value above D_s, by much where the laws
agree, so that an interval around the value misses. Therefore

- the lower end is 0 (SF 1) unless the permutation test rejects equal laws at 1 - level; else the lower of the
  bootstrap's, moved down by its own bias and by the larger of that and the null's mean, and the Dirichlet posterior's;
- the upper end is the larger of the bootstrap's, moved by its bias, and the posterior's, which knows that a topic
  without a sentence may have a share.

Measured at nominal 95 % (K 2 to 23; 5 to 50 sentences of the answer, 20 and 50 of the question; equal, random, sparse,
moderately and far different laws): .94 to 1.00. A percentile interval around the value covered .06 to .95 there.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Deals", "divergence_interval", "posterior_shares", "widest_interval"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PRIOR = 0.5
"""Of each topic's share: Jeffreys'."""


class Deals(NamedTuple):
    """Divergences of the null's deals in nats, and the p-value that they give."""

    divergences: Floats
    p_value: float


def divergence_interval(
    value: float,
    resampled: Floats,
    deals: Deals,
    counts: tuple[Ints, Ints],
    *,
    smoothing: float,
    level: float,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Return the interval of one divergence KL(first || second), in nats.

    Parameters
    ----------
    value : float
        Of the smoothed counts.
    resampled : ndarray, shape (draws,)
        Of bootstrap replicates of both.
    deals : Deals
        Under the null.
    counts : (ndarray, ndarray) of int, shape (K,)
        Sentences of first and second in each topic.
    smoothing : float
        Pseudo-count of every topic.
    level : float
        Coverage.
    rng : numpy.random.Generator
        Draws the posterior.
    """
    tails = np.array([(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    first, second = (
        posterior_shares(one, len(resampled), smoothing=smoothing, rng=rng)
        for one in counts
    )  # fmt: skip
    posterior = np.quantile(np.einsum("ij,ij->i", first, np.log(first) - np.log(second)), tails)
    drawn = np.quantile(resampled, tails)
    bias = float(resampled.mean()) - value
    high = max(value, float(drawn[1]) - bias, float(posterior[1]))
    if deals.p_value > 1.0 - level:
        return 0.0, high
    low = float(drawn[0]) - bias - max(bias, float(deals.divergences.mean()))
    return min(value, max(0.0, min(low, float(posterior[0])))), high


def widest_interval(
    value: float, resampled: Floats, posterior: Floats, *, level: float, bounds: tuple[float, float]
) -> tuple[float, float]:
    """Return the interval that holds the bootstrap's, moved by its bias once and twice, and the posterior's.

    For quantities that chance does not push one way only: differences of SF, of entropies.

    Parameters
    ----------
    value : float
    resampled, posterior : ndarray, shape (draws,)
        The quantity of bootstrap replicates and of draws from the posterior.
    level : float
        Coverage.
    bounds : (float, float)
        What the quantity can be at all.

    Examples
    --------
    >>> x = np.linspace(0.0, 1.0, 101)
    >>> [round(end, 3) for end in widest_interval(0.4, x, x - 0.05, level=0.9, bounds=(0.0, 1.0))]
    [0.0, 0.9]
    """
    tails = np.array([(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    drawn, other = np.quantile(resampled, tails), np.quantile(posterior, tails)
    bias = float(resampled.mean()) - value
    low = min(value, float(other[0]), float(drawn[0]) - bias, float(drawn[0]) - 2.0 * bias)
    high = max(value, float(other[1]), float(drawn[1]) - bias, float(drawn[1]) - 2.0 * bias)
    return max(low, bounds[0]), min(high, bounds[1])


def posterior_shares(
    counts: Ints, draws: int, *, smoothing: float, rng: np.random.Generator
) -> NDArray[np.float32]:  # fmt: skip
    """Return shares drawn from the Dirichlet posterior, with the pseudo-counts of a text of this length.

    Parameters
    ----------
    counts : ndarray of int64, shape (K,)
    draws : int
    smoothing : float
        Pseudo-count of every topic.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float32, shape (draws, K)
        ``(n p + smoothing) / (n + smoothing K)``: draws need no more digits.
    """
    n, k = float(counts.sum()), len(counts)
    p = rng.standard_gamma(np.float32(PRIOR) + counts.astype(np.float32), size=(draws, k), dtype=np.float32)
    p *= np.float32(n) / p.sum(axis=1, keepdims=True)
    p += np.float32(smoothing)
    p /= np.float32(n + smoothing * k)
    return p
