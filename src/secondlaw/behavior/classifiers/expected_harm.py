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

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from secondlaw.behavior.classifiers.leaning import log_odds_of_harm
from secondlaw.errors import InvalidInput
from secondlaw.statistics.common_shift import log_odds, shrinkage
from secondlaw.statistics.side_share import likeliest_share, side_share
from secondlaw.types import Estimate, Insufficient

if TYPE_CHECKING:
    from secondlaw.behavior.classifiers.embedded import EmbeddedClassifier
    from secondlaw.behavior.classifiers.protocol import Progress

__all__ = ["SHARE_MARK", "HarmRead", "harmful_share_of", "move_to", "rounded_share"]

Floats = npt.NDArray[np.float64]
SHARE_MARK = "+harmful-"
"""Between a classifier's version and the share that it was told."""


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
    classifier: "EmbeddedClassifier",
    prompts: Sequence[str],
    responses: Sequence[str],
    *,
    progress: "Progress | None" = None,
    rng: np.random.Generator,
) -> HarmRead | Insufficient:
    """Estimate what share of requests is harmful, from the requests and one answer to each.

    Parameters
    ----------
    classifier : EmbeddedClassifier
        A share that it was told before does not matter.
    prompts, responses : sequences of str, of one length
        Different requests, each with an answer.
    progress : callable, optional
        As in :meth:`EmbeddedClassifier.judge`.
    rng : Generator

    Returns
    -------
    HarmRead or Insufficient
        Of six sources never seen the share was off by .01 to .2, mostly where a source draws the line elsewhere, which
        is not in the interval.
    """
    plain = classifier.expecting(None)
    judged = plain.judge(prompts, responses, ["unknown"] * len(prompts), progress=progress)
    expected = plain.expected_share
    says = log_odds_of_harm(judged.intent) - log_odds(expected)
    share = side_share(says / shrinkage(plain.line_spread), expected=expected, rng=rng)
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
