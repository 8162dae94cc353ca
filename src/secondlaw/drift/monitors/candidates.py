r"""Which mean the baseline leaves possible, and how much each is doubted: the baseline's uncertainty, weighed once.

A bound m at level delta is one way to carry the baseline's uncertainty. A better one keeps every mean mu as a
candidate. With :math:`B(\mu)` the capital won from the baseline by betting that its mean is *below* mu (expectation at
most 1 wherever it is mu or more) and :math:`M_t(\mu)` the capital won since by betting that the mean is *above* mu,

.. math:: E_t = \inf_\mu B(\mu) M_t(\mu) \le B(\mu_0) M_t(\mu_0),

whatever the true mean :math:`\mu_0`, and the right side keeps the promise: :math:`B(\mu_0)` is fixed before monitoring
begins and has expectation 1 at most, so that :math:`B(\mu_0) (M_t(\mu_0) - t)` is a supermartingale (e-SR; without t an
e-process), and so is any average over scores. No delta is risked on the baseline, and the alarm comes earlier: two
uncertainties add in squares, not one after the other. The promise is kept on average over baselines; a rare misleading
one alarms more often than alpha, and the more so the rarer it is.

The infimum is bounded below from a grid :math:`\mu_0 < \mu_1 < \ldots` of even steps. A tenth of B, K, is never staked;
the rest is :math:`G(\mu) = \prod (1 + \lambda_i (\mu - z_i))`, and :math:`\ln G` is concave. :math:`M_t` is a sum of
products of :math:`1 - \phi + \phi z / \mu`, whose logarithms are convex and fall, so that :math:`\ln M_t` is convex and
falls: left of :math:`\mu_c` it lies above the line through its values at :math:`\mu_c` and :math:`\mu_{c+1}`. Concave
plus a line is least at an end of the cell :math:`[\mu_{c-1}, \mu_c]`, hence there

.. math:: B M_t \ge M_t(\mu_c) \min\left(K + G(\mu_c), K + G(\mu_{c-1}) \frac{M_t(\mu_c)}{M_t(\mu_{c+1})}\right).

Twenty cells give what sixty gave with the plain bound :math:`B(\mu_{c-1}) M_t(\mu_c)`. Below the grid K alone
counts; above it, where B is beyond any threshold, M is not bet at all. The stakes of a cell are allowed anywhere in it.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["CELLS", "KEPT", "candidate_means"]

Array = NDArray[np.float64]

CELLS = 20
"""Cells of the grid; measured: 40 shorten the median delay of the slowest ramp by one step in a hundred."""
KEPT = 0.1
EXPONENT = 2.5  # log capital aimed at; 1.5 to 3, or several together, change no median delay by more than a step
MOST = 0.95  # largest stake, as a fraction of the largest bet allowed
BELOW = 0.5  # standard errors below the mean where the grid begins
BEYOND = 1000.0  # times the first threshold: later runs of an e-process need more than the first
HALVINGS = 24
LEAST = 1e-9


def candidate_means(z: Array, pilot: Array, *, alpha: float) -> tuple[Array, Array, Array]:
    """Return candidate means, the weight of each, and what was won against the mean below it.

    Parameters
    ----------
    z : array (steps, scores, streams)
        In [0, 1], in the order of time.
    pilot : array (p, scores, streams)
        Earlier steps, which set the first bets.
    alpha : float
        The grid ends where the baseline's capital exceeds 1000 / alpha.

    Returns
    -------
    means, weights, earlier : array (scores, CELLS + 2, streams)
        For cell c: its upper end, K + G there, and G at its lower end, with the same stakes. The first candidate covers
        all below the grid. The last is 1, and is not bet on; it and the one before hold what bounds B in their cells.

    Examples
    --------
    >>> z = np.random.default_rng(0).beta(10, 30, size=(100, 1, 1))
    >>> means, weights, earlier = candidate_means(z[10:], z[:10], alpha=1e-3)
    >>> round(float(means[0, 0, 0]), 2), round(float(means[0, -2, 0]), 2), bool(weights[0, -1, 0] > 9e5)
    (0.25, 0.37, True)
    """
    variance = _variances(z, pilot)
    n = len(z)
    middle = np.cumsum(z, axis=0)[-1] / n
    error = np.sqrt(variance[-1] / n)
    stakes = np.sqrt(2.0 * EXPONENT / (n * variance))  # (n, S, streams)
    start = np.maximum(np.maximum(middle - BELOW * error, 0.5 * middle), LEAST)[:, None]
    bottom, top = np.maximum(start, middle[:, None]), np.ones_like(start)
    for _ in range(HALVINGS):
        half = (bottom + top) / 2.0
        enough = _capital(z, stakes, half, half) >= BEYOND / alpha
        bottom, top = np.where(enough, bottom, half), np.where(enough, half, top)
    grid = start + (top - start) * (np.arange(CELLS + 1) / CELLS)[:, None]
    below, above = grid[:, :-1], grid[:, 1:]
    won = (1.0 - KEPT) * _capital(z, stakes, below, below)  # G at the lower end of each cell
    there = KEPT + (1.0 - KEPT) * _capital(z, stakes, above, below)
    last = KEPT + (1.0 - KEPT) * _capital(z, stakes, top, top)
    means = np.concatenate([grid, np.ones_like(top)], axis=1)
    kept = np.full_like(top, KEPT)
    weights = np.concatenate([kept, there[:, :-1], np.minimum(KEPT + won[:, -1:], there[:, -1:]), last], axis=1)
    earlier = np.concatenate([np.zeros_like(top), won, last], axis=1)
    return means, weights, earlier


def _variances(z: Array, pilot: Array) -> Array:
    """Return the variance of all that came before each step, the pilot's first: known before the bet."""
    everything = np.concatenate([pilot, z])
    counts = np.arange(1.0, len(everything) + 1.0).reshape(-1, *[1] * (z.ndim - 1))
    means = np.cumsum(everything, axis=0) / counts
    seen = np.cumsum((everything - means) ** 2, axis=0) / counts
    return np.asarray(np.maximum(seen[len(pilot) - 1 : -1], 1e-8))


def _capital(z: Array, stakes: Array, means: Array, ends: Array) -> Array:
    """Return the capital (scores, cells, streams) of betting that z lies below each mean, with the stakes of `ends`."""
    most = MOST / np.maximum(1.0 - ends, 1e-12)
    capital = np.ones_like(means)
    for staked, value in zip(stakes, z, strict=True):
        capital *= 1.0 + np.minimum(staked[:, None], most) * (means - value[:, None])
    return capital
