r"""The upper end of a bound over all parameters: what a fit claims for itself, less what noise alone would show.

Held-out rows judge the parameters that were found, and these are never the best: intervals from them end too low, more
so the more parameters there are, or the heavier the tails of :math:`e^{-\\theta g}`. The largest value of the objective
over all rows, in turn, is on average not below the largest value in the population,

.. math:: E[\\max_\\theta J_n(\\theta)] \\ge \\max_\\theta E[J_n(\\theta)],

by about :math:`\\mathrm{tr}(H^{-1} V) / 2 n`, H being the curvature and V the variance of the gradient there. Without
irreversibility that is :math:`2\\,\\mathrm{tr}(M^{-1} S) / n`, with M the second moments of the observables and S the
covariance of their sums over blocks; with it, where the observables are complete, more (by Jensen's inequality for
:math:`e^{-\\theta g}`). So this much is taken off, and an upper end for what remains is one for the bound.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.layout import Layout
from secondlaw.types import Estimate

__all__ = ["chance_claim", "reaching", "spanning"]

Floats = NDArray[np.float64]


def chance_claim(white: Floats, layout: Layout) -> float:
    """Return what fits claim on average without irreversibility, nats a lag.

    Parameters
    ----------
    white : ndarray, shape (d, B)
        From :func:`~secondlaw.trajectories.null.white_blocks`.
    layout : Layout
        Neighbouring stretches of one trajectory are taken to depend on each other.
    """
    centred = white - np.outer(white.sum(axis=1) / layout.n, np.diff(layout.starts))
    spread = float((centred**2).sum())
    if layout.stretches:
        spread += 2.0 * float((centred[:, 1:] * centred[:, :-1]).sum())
    return 2.0 * max(0.0, spread) / layout.n**2


def reaching(held: Estimate, claimed: Estimate) -> Estimate:
    """Return a held-out value whose interval ends where that of the claim does, if it is higher.

    Parameters
    ----------
    held, claimed : Estimate
        Of a bound, from held-out rows and from the rows of the fit.
    """
    return replace(held, high=max(held.high, claimed.high))


def spanning(held: Estimate, claimed: Estimate) -> Estimate:
    """Return a held-out value with the least interval that holds both: for differences and parts, which have no side.

    Examples
    --------
    >>> held, claimed = (Estimate(v, v - 1.0, v + 1.0, 0.95, 9, "nats", "mean") for v in (2.0, 2.5))
    >>> print(spanning(held, claimed))
    2.000 [1.000, 3.500] nats
    """
    return replace(held, low=min(held.low, claimed.low), high=max(held.high, claimed.high))
