r"""When to leave a response to a person: the threshold of confidence above which labels reach a wanted accuracy.

Fixed-sequence testing (Learn then Test: Angelopoulos et al., arXiv:2110.01052; Bauer, Stat. Med. 10, 871 (1991)).
Thresholds are placed at shares of the rows by confidence alone, never by correctness, from strict to lax. At each one
the hypothesis "accuracy above the threshold < target" is tested by the lower end of the exact one-sided interval of
that accuracy; the sequence ends at the first that is not rejected, and the last rejected one is returned. Whatever the
number of thresholds, a threshold whose true accuracy is below the target is returned with probability `risk` at most:
exactly so for independent rows (one a group), and with groups as far as their effective number of rows (Korn-Graubard)
tells the truth. The guarantee holds for rows like those given, not for a new source or model.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.intervals import LEVEL
from secondlaw.statistics.label_agreement import checked_units
from secondlaw.statistics.shares import subset_share
from secondlaw.types import Estimate

__all__ = ["Abstention", "CoveragePoint", "abstention_threshold"]

Floats = NDArray[np.float64]

_POINTS = 20
"""Thresholds tried: steps of 5 % of the rows."""

_START = 3.0
"""The sequence starts with this many times the rows that prove the target without an error, so that a few errors do
not end it at once."""


@dataclass(frozen=True, slots=True)
class CoveragePoint:
    """One point of the accuracy-coverage curve.

    Parameters
    ----------
    threshold : float
        Confidence from which a label is kept.
    coverage : float
        Share of rows kept.
    accuracy : Estimate
        Of the labels kept; its interval is of this point alone.
    """

    threshold: float
    coverage: float
    accuracy: Estimate


@dataclass(frozen=True, slots=True)
class Abstention:
    """The threshold that reaches the target, and the curve it was taken from.

    Parameters
    ----------
    threshold : float or None
        Keep labels of this confidence or more; None if no threshold can be shown to reach the target.
    coverage : Estimate or None
        Share of rows kept at the threshold.
    accuracy : Estimate or None
        Of the labels kept at the threshold, interval of this point alone.
    target, risk : float
        Accuracy wanted, and the probability that the threshold does not reach it.
    guarantee : str
        What may be claimed, in words.
    curve : tuple of CoveragePoint
        From strict to lax.
    """

    threshold: float | None
    coverage: Estimate | None
    accuracy: Estimate | None
    target: float
    risk: float
    guarantee: str
    curve: tuple[CoveragePoint, ...]


def abstention_threshold(
    confidence: ArrayLike,
    correct: ArrayLike,
    groups: ArrayLike,
    *,
    target: float,
    risk: float = 0.05,
    level: float = LEVEL,
) -> Abstention:
    """Find the lowest confidence from which labels have the wanted accuracy, with a stated risk of being wrong.

    Parameters
    ----------
    confidence : array_like, shape (n,)
        Confidence of each label, for example its probability.
    correct : array_like of bool, shape (n,)
        Whether the label is the truth.
    groups : array_like, shape (n,)
        The unit that was sampled independently: the prompt of each row.
    target : float
        Accuracy wanted, in (0, 1).
    risk : float
        Probability with which the threshold may miss the target.
    level : float
        Coverage of the intervals that are shown.

    Returns
    -------
    Abstention

    Raises
    ------
    NotEnoughData
        If there is no row.
    InvalidInput
        If columns differ in length, confidence is not finite, or target or risk lie outside (0, 1).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> confidence = rng.uniform(0.5, 1.0, size=3000)
    >>> found = abstention_threshold(confidence, rng.uniform(size=3000) < confidence, np.arange(3000), target=0.85)
    >>> round(found.threshold, 2), round(found.coverage.value, 2)
    (0.75, 0.5)
    """
    score, right = np.asarray(confidence, dtype=np.float64), np.asarray(correct).astype(np.float64)
    if score.ndim != 1 or right.shape != score.shape or not np.isfinite(score).all():
        raise InvalidInput(f"confidence and correct are finite columns of one length, got {score.shape}, {right.shape}")
    if not len(score):
        raise NotEnoughData("there is no label whose truth is known: abstention needs rows with both")
    if not (0.0 < target < 1.0 and 0.0 < risk < 0.5):
        raise InvalidInput(f"target lies between 0 and 1 and risk between 0 and .5, got {target} and {risk}")
    units = checked_units(groups, len(score))
    first = _START * np.log(risk) / np.log(target)
    curve, found, going = [], None, True
    for threshold in _thresholds(score):
        kept = score >= threshold
        table = _table(right[kept], units[kept])
        accuracy = subset_share(table, [True, False], level=level)
        curve.append(CoveragePoint(float(threshold), float(kept.mean()), accuracy))
        if going and (kept.sum() >= first or kept.all()):
            going = subset_share(table, [True, False], level=1.0 - 2.0 * risk).low >= target
            found = curve[-1] if going else found
    n_units = np.unique(groups).size
    assumed = "independent rows" if n_units == len(score) else f"{n_units} groups, by their effective number of rows"
    if found is None:
        words = f"no threshold can be shown to reach accuracy {target:g} (risk {risk:g}, {len(score)} rows, {assumed})"
        return Abstention(None, None, None, target, risk, words, tuple(curve))
    share = subset_share(_table((score >= found.threshold).astype(np.float64), units), [True, False], level=level)
    words = (
        f"accuracy >= {target:g} with probability {1 - risk:g} (fixed-sequence test, {assumed}), for rows like these"
    )
    return Abstention(found.threshold, share, found.accuracy, target, risk, words, tuple(curve))


def _thresholds(score: Floats) -> Floats:
    """Return distinct confidences at equal steps of the share of rows above them, from strict to lax."""
    steps = np.quantile(score, 1.0 - np.arange(1, _POINTS + 1) / _POINTS, method="inverted_cdf")
    return np.asarray(np.unique(steps)[::-1])


def _table(hit: Floats, units: NDArray[np.int64]) -> Floats:
    of = np.unique(units, return_inverse=True)[1]
    return np.asarray(np.stack([np.bincount(of, weights=hit), np.bincount(of, weights=1.0 - hit)], axis=1))
