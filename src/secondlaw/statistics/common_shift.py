r"""A shift of log odds that all responses of a source share.

Between two sides of the categories (harmful, harmless) a classifier may draw the line where a new source does not: its
log odds are all off by one unknown :math:`\delta \sim N(0, \sigma^2)`. A classifier that is asked about one response
integrates that out and says (MacKay 1992)

.. math:: \operatorname{logit} \int \operatorname{logit}^{-1}(\ell + \delta)\,dN(\delta)
   \approx \ell / \sqrt{1 + \pi \sigma^2 / 8}.

A correction that reads many responses of one source must not take that doubt for one of its own in each of them: given
:math:`\delta`, their likelihood ratios are those of :math:`\ell`. It reads them so (:func:`unshrunk`), with
:math:`\delta = 0` for the point estimate, and :math:`\delta` varies over the replicates (:func:`shift_effects`).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.statistics.calibration import likelihood_ratios
from secondlaw.statistics.mixture import mixture_weights

__all__ = ["log_odds", "log_odds_of_side", "shift_effects", "shrinkage", "tilted", "two_sided", "unshrunk"]

Array = NDArray[np.float64]

GRID = 33
"""Shifts at which shares are solved; between them they are interpolated."""
ROWS = 1000
"""Most responses, evenly spaced, from which the effect of a shift is read.

On 1,233 real ones this is off by .002 in the mean, by .04 where a share vanishes, and takes 10 ms.
"""
SMALLEST = 1e-12


def shrinkage(spread: float) -> float:
    """Return the factor by which log odds shrink when a normal shift of this spread is integrated out.

    Examples
    --------
    >>> round(shrinkage(2.0), 3)
    0.624
    """
    return float(1.0 / np.sqrt(1.0 + np.pi * spread**2 / 8.0))


def two_sided(prior: ArrayLike, sides: ArrayLike) -> bool:
    """Return whether a stratum with this prior can reach categories of both sides."""
    reached = np.asarray(sides)[np.asarray(prior) > 0.0]
    return bool((reached > 0).any() and (reached < 0).any())


def log_odds(share: float) -> float:
    """Return the log odds of a share between 0 and 1.

    Examples
    --------
    >>> log_odds(0.5), round(log_odds(0.75), 3)
    (0.0, 1.099)
    """
    return float(np.log(share) - np.log1p(-share))


def log_odds_of_side(probabilities: ArrayLike, sides: ArrayLike) -> Array:
    """Return the log odds of the positive side against the negative one, shape (n,); those of certainty are finite.

    Examples
    --------
    >>> log_odds_of_side([[0.2, 0.6, 0.2]], [-1, 1, 0]).round(3).tolist()
    [1.099]
    """
    p, side = np.asarray(probabilities, float), np.asarray(sides)
    up, down = (np.maximum(p[:, side == one].sum(axis=1), SMALLEST) for one in (1, -1))
    return np.asarray(np.log(up) - np.log(down))


def tilted(probabilities: ArrayLike, sides: ArrayLike, by: ArrayLike) -> Array:
    """Move the log odds of one side against the other.

    Parameters
    ----------
    probabilities : array (n, K)
    sides : array (K,)
        1 and -1 for the categories of the two sides, 0 for those of none.
    by : float or array (n,)
        What is added to the log odds of the positive side.

    Returns
    -------
    array (n, K)
        The mass of the two sides together, and of the rest, is as before, and so are proportions within a side.

    Examples
    --------
    >>> tilted([[0.4, 0.4, 0.2]], [-1, 1, 0], np.log(3.0)).round(2).tolist()
    [[0.2, 0.6, 0.2]]
    """
    p, side, move = np.asarray(probabilities, float), np.asarray(sides), np.asarray(by, float)
    up, down = p[:, side > 0].sum(axis=1), p[:, side < 0].sum(axis=1)
    grown, left = up * np.exp(move / 2.0), down * np.exp(-move / 2.0)
    scale = (up + down) / np.maximum(grown + left, SMALLEST)
    out = p.copy()
    out[:, side > 0] *= (scale * np.exp(move / 2.0))[:, None]
    out[:, side < 0] *= (scale * np.exp(-move / 2.0))[:, None]
    return out


def unshrunk(probabilities: ArrayLike, prior: ArrayLike, sides: ArrayLike, spread: float) -> Array:
    """Return probabilities given that the source draws the line where the classifier does.

    Parameters
    ----------
    probabilities : array (n, K)
        With a shift of `spread` integrated out.
    prior : array (K,)
        Under which they are calibrated; what says nothing stays at it.
    sides : array (K,)
        As in :func:`tilted`.
    spread : float
        Standard deviation of the shift, in log odds.

    Examples
    --------
    >>> unshrunk([[0.5, 0.5], [0.2, 0.8]], [0.5, 0.5], [-1, 1], 2.0).round(2).tolist()
    [[0.5, 0.5], [0.1, 0.9]]
    """
    p, side = np.asarray(probabilities, float), np.asarray(sides)
    evidence = log_odds_of_side(p, side) - log_odds_of_side(np.asarray(prior, float)[None], side)
    return tilted(p, side, (1.0 / shrinkage(spread) - 1.0) * evidence)


def shift_effects(probabilities: ArrayLike, prior: ArrayLike, sides: ArrayLike, shifts: ArrayLike) -> Array:
    """Return how far shifts of the log odds move the shares that EM finds.

    Parameters
    ----------
    probabilities : array (n, K)
        Given no shift; of one stratum.
    prior : array (K,)
        Under which they are calibrated; zero where unreachable.
    sides : array (K,)
        As in :func:`tilted`.
    shifts : array (B,)
        By how much each replicate moves the log odds of the positive side.

    Returns
    -------
    array (B, K)
        Shares at each shift minus those without; each row sums to zero.

    Examples
    --------
    >>> p = np.array([[0.9, 0.1]] * 6 + [[0.1, 0.9]] * 4)
    >>> shift_effects(p, [0.5, 0.5], [-1, 1], [0.0, 1.0]).round(2).tolist()
    [[0.0, 0.0], [-0.17, 0.17]]
    """
    p, rho, delta = np.asarray(probabilities, float), np.asarray(prior, float), np.asarray(shifts, float)
    rows = p[np.linspace(0, len(p) - 1, min(len(p), ROWS)).astype(np.intp)]
    grid = np.append(np.linspace(delta.min(), max(delta.max(), delta.min() + SMALLEST), GRID), 0.0)
    reachable = np.flatnonzero(rho > 0.0)
    ratios = np.stack([likelihood_ratios(tilted(rows, sides, by), rho)[:, reachable] for by in grid])
    found = mixture_weights(ratios, np.ones((len(grid), len(rows)))).shares
    moved = np.zeros((len(delta), len(rho)))
    moved[:, reachable] = np.stack([np.interp(delta, grid[:-1], of[:-1]) - of[-1] for of in found.T], axis=1)
    return moved
