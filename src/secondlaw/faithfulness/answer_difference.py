"""Two answers to one question: the difference of their SF on the same topics, with interval and p-value.

What few sentences of the question do to SF they do to both answers; the difference is better posed than either level.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.faithfulness.divergence import SMOOTHING, semantic_faithfulness
from secondlaw.faithfulness.divergence_interval import posterior_shares, widest_interval
from secondlaw.faithfulness.levels import DRAWS, resampled_counts
from secondlaw.faithfulness.measured_levels import FEWEST_ANSWER
from secondlaw.statistics import LEVEL
from secondlaw.types import Estimate, Insufficient, Measured

__all__ = ["AnswerDifference", "compare_answers"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AnswerDifference:
    """How the second answer to a question differs from the first in SF.

    Parameters
    ----------
    difference : Estimate or Insufficient
        SF of the second less SF of the first.
    p_value : float or None
        Of two answers whose sentences are dealt from one law.
    """

    difference: Measured
    p_value: float | None


def compare_answers(
    question: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    *,
    rng: np.random.Generator,
    draws: int = DRAWS,
    smoothing: float = SMOOTHING,
    level: float = LEVEL,
) -> AnswerDifference:
    """Compare two answers to one question.

    Parameters
    ----------
    question, first, second : array_like of int, shape (K,)
        Sentences in each topic of one clustering.
    rng : numpy.random.Generator
        Source of resamples and deals.
    draws : int
        Of each.
    smoothing : float
        Pseudo-count of every topic.
    level : float
        Coverage of the interval.

    Returns
    -------
    AnswerDifference
        The question's sentences are the same for both and held; those of the answers are resampled.

    Examples
    --------
    >>> found = compare_answers([9, 9, 0], [9, 9, 0], [0, 2, 16], rng=np.random.default_rng(0))
    >>> found.difference.high < 0, found.p_value
    (True, 0.004975124378109453)
    """
    q, a, b = (np.asarray(one, dtype=np.int64) for one in (question, first, second))
    if not q.shape == a.shape == b.shape or q.ndim != 1:
        raise InvalidInput(f"three vectors of one number of topics, got {q.shape}, {a.shape} and {b.shape}")
    n = min(int(a.sum()), int(b.sum()))
    if n < FEWEST_ANSWER:
        reason = f"a difference needs {FEWEST_ANSWER} sentences of each answer, got {a.sum()} and {b.sum()}"
        return AnswerDifference(Insufficient(reason), None)

    def apart(x: ArrayLike, y: ArrayLike) -> Floats:
        faithful = [semantic_faithfulness(one, q, smoothing=smoothing) for one in (y, x)]
        return np.asarray(faithful[0] - faithful[1])

    value = float(apart(a, b))
    drawn = apart(resampled_counts(a, draws, rng), resampled_counts(b, draws, rng))
    asked = (q + smoothing) / (q + smoothing).sum()
    faithful = []
    for counts in (a, b):
        p = posterior_shares(counts, draws, smoothing=smoothing, rng=rng)
        faithful.append(1.0 / (1.0 + (p * np.log(p / asked)).sum(axis=1)))
    low, high = widest_interval(value, drawn, faithful[1] - faithful[0], level=level, bounds=(-1.0, 1.0))
    pool = a + b
    dealt = rng.multivariate_hypergeometric(pool, int(a.sum()), size=draws, method="count")
    extreme = np.count_nonzero(np.abs(apart(dealt, pool - dealt)) >= abs(value) - 1e-12)
    method = f"SF of the second less the first, +{smoothing:g} a topic, interval of the laws' ({draws})"
    estimate = Estimate(value, float(low), float(high), level, int(a.sum() + b.sum()), "SF", method, "sentences")
    return AnswerDifference(estimate, float((1 + extreme) / (1 + draws)))
