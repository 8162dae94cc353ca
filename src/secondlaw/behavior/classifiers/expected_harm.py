r"""What share of the requests of unknown intent is harmful, where somebody knows it.

Where a source draws the line between harmful and harmless requests is what a classifier cannot read off one of them.
Whoever runs the model mostly knows the share that is harmful: few in a chat for customers, nearly all in an attack. Log
odds calibrated under a prior :math:`\pi` are moved to another,

.. math:: \operatorname{logit} p \leftarrow \operatorname{logit} p
   + \operatorname{logit} \pi' - \operatorname{logit} \pi.

Labels move with them; a correction for prior shift takes the move back, so that it finds what it would have found
without (:mod:`~secondlaw.drift.line_of_harm`).

Where nobody knows it, many requests together tell (:func:`harmful_share_of`): a request that says little of itself is
judged in the light of the others.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from secondlaw.errors import InvalidInput
from secondlaw.statistics.common_shift import log_odds, shrinkage
from secondlaw.statistics.side_share import likeliest_share, side_share
from secondlaw.types import Estimate, Insufficient

__all__ = ["HarmRead", "harmful_share_of", "move_to", "rounded_share"]

Floats = npt.NDArray[np.float64]


def move_to(share: float, prior: Floats) -> float:
    """Return by how much log odds of harm move from a prior of benign and harmful to a share of harmful requests.

    Raises
    ------
    InvalidInput
        If the share is not between 0 and 1.

    Examples
    --------
    >>> round(move_to(0.1, np.array([0.5, 0.5])), 2)
    -2.2
    """
    if not 0.0 < share < 1.0:
        raise InvalidInput(f"the share of harmful requests lies between 0 and 1, got {share:g}")
    return log_odds(share) - float(np.log(prior[1]) - np.log(prior[0]))


class HarmRead(NamedTuple):
    """What requests say together: their share of harmful ones, and the share that labels best expect."""

    share: Estimate
    """Where the set draws the line between harmful and harmless as the classifier does; the requests drawn anew."""
    told: float
    """Rounded; the mean of what labels then say. Single requests are doubted for the line, so it lies further out."""


def harmful_share_of(
    says: Floats, *, expected: float, line_spread: float, rng: np.random.Generator
) -> HarmRead | Insufficient:
    """Estimate what share of requests is harmful, from what the classifier says of each.

    Parameters
    ----------
    says : ndarray, shape (requests,)
        Log odds of harm of different requests, less those of the share that is expected.
    expected : float
        That share.
    line_spread : float
        Log odds by which a new source's line of harm is off, integrated out of `says`.
    rng : Generator

    Returns
    -------
    HarmRead or Insufficient
        Of six sources never seen the share was off by .01 to .2, mostly where a source draws the line elsewhere, which
        is not in the interval.

    Examples
    --------
    >>> says = np.repeat([-3.0, 2.0], [90, 10])
    >>> harmful_share_of(says, expected=0.65, line_spread=2.0, rng=np.random.default_rng(0)).told
    0.05
    """
    share = side_share(says / shrinkage(line_spread), expected=expected, rng=rng)
    if isinstance(share, Insufficient):
        return share
    return HarmRead(share, rounded_share(likeliest_share(says, expected=expected)))


def rounded_share(share: float) -> float:
    """Return the nearest of .02, .05, .1, .15 up to .95, .98, so that sets that are alike are labelled alike.

    Examples
    --------
    >>> [rounded_share(share) for share in (0.004, 0.06, 0.478, 0.99)]
    [0.02, 0.05, 0.5, 0.98]
    """
    steps = np.array([0.02, *np.arange(1, 20) / 20, 0.98])
    return float(steps[np.abs(steps - share).argmin()])
