r"""Levels of topic divergence and semantic faithfulness with what makes them readable: null, p-value, interval.

Two short texts drawn from *one* law of topics differ by chance, and SF then is well below 1. Every level therefore
stands beside its null: the sentences of question and answer are pooled and dealt anew to the two sides. The p-value is
the share of deals whose divergence is at least the observed one, ``(1 + b) / (1 + B)`` (Phipson & Smyth,
arXiv:1603.05766): small where the answer's topics differ from the question's by more than chance. The interval
(:mod:`secondlaw.faithfulness.divergence_interval`) is of the laws that the sentences were drawn from, given the topics.
It does not hold the choice of topics, for which the spread over seeds, numbers of topics and embeddings stands beside
it.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.faithfulness.divergence import SMOOTHING, off_support_mass, topic_divergence
from secondlaw.faithfulness.divergence_interval import Deals, divergence_interval
from secondlaw.faithfulness.measured_levels import LevelTable
from secondlaw.statistics import LEVEL
from secondlaw.statistics.counts import checked_counts

__all__ = ["DRAWS", "level_table", "resampled_counts"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DRAWS = 200
"""Bootstrap replicates, deals of the null, draws of the posterior."""


def level_table(
    answers: ArrayLike,
    questions: ArrayLike,
    *,
    rng: np.random.Generator,
    draws: int = DRAWS,
    smoothing: float = SMOOTHING,
    level: float = LEVEL,
) -> LevelTable:
    """Measure the topic divergence of many answers, each with interval, null and p-value.

    Parameters
    ----------
    answers, questions : array_like of int, shape (n, K)
        Sentences in each topic.
    rng : numpy.random.Generator
        Source of the resamples and deals.
    draws : int
        Of each, at least 20.
    smoothing : float
        Pseudo-count of every topic, above 0.
    level : float
        Coverage of intervals.

    Returns
    -------
    LevelTable

    Raises
    ------
    InvalidInput
        If counts are not whole, or a setting is out of range.
    NotEnoughData
        If a question or an answer has no sentence.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = level_table([[10, 10, 5]], [[12, 9, 1]], rng=rng)
    >>> print(found.semantic_faithfulness(0), round(float(found.null_mean[0]), 2), found.p_value[0] > 0.05)
    0.893 [0.611, 1.000] SF 0.92 True
    """
    a, q = _whole(answers), _whole(questions)
    if a.shape != q.shape:
        raise InvalidInput(f"answers and questions have one shape (answers, topics), got {a.shape} and {q.shape}")
    if draws < 20 or not smoothing > 0:
        raise InvalidInput(f"levels need 20 draws or more and smoothing above 0, got {draws} and {smoothing}")
    if not 0.0 < level < 1.0:
        raise InvalidInput(f"a level lies between 0 and 1, got {level}")
    n, k = a.shape
    divergence = topic_divergence(a, q, smoothing=smoothing)
    table = np.log(np.arange(int(max(a.sum(axis=1) + q.sum(axis=1))) + 1) + smoothing)
    tails = np.array([(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    ends, nulls = np.empty((n, 2)), np.empty((n, 3))
    p_values = np.empty(n)
    for row in range(n):
        drawn = _kl(resampled_counts(a[row], draws, rng), resampled_counts(q[row], draws, rng), table, smoothing)
        pool = a[row] + q[row]
        dealt = rng.multivariate_hypergeometric(pool, int(q[row].sum()), size=draws, method="count")
        chance = _kl(pool - dealt, dealt, table, smoothing)
        faithful = 1.0 / (1.0 + chance)
        nulls[row] = faithful.mean(), *np.quantile(faithful, tails)
        p_values[row] = (1 + np.count_nonzero(chance >= divergence[row] - 1e-12)) / (1 + draws)
        ends[row] = divergence_interval(
            float(divergence[row]), drawn, Deals(chance, float(p_values[row])), (a[row], q[row]),
            smoothing=smoothing, level=level, rng=rng,
        )  # fmt: skip
    return LevelTable(
        divergence, ends[:, 0], ends[:, 1], off_support_mass(a, q), nulls[:, 0], nulls[:, 1], nulls[:, 2], p_values,
        q.sum(axis=1), a.sum(axis=1), k, draws, smoothing, level,
    )  # fmt: skip


def _whole(counts: ArrayLike) -> Ints:
    values = np.atleast_2d(checked_counts(counts))
    whole = values.astype(np.int64)
    if (whole != values).any():
        raise InvalidInput("levels need whole numbers of sentences in each topic; for shares use topic_divergence")
    return whole


def resampled_counts(counts: Ints, draws: int, rng: np.random.Generator) -> Ints:
    """Return the counts of sentences drawn with replacement.

    Parameters
    ----------
    counts : ndarray of int64, shape (K,)
    draws : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int64, shape (draws, K)
    """
    k = len(counts)
    labels = np.repeat(np.arange(k), counts)
    drawn = labels[rng.integers(0, len(labels), size=(draws, len(labels)))]
    drawn += (np.arange(draws) * k)[:, None]
    return np.bincount(drawn.ravel(), minlength=draws * k).reshape(draws, k)


def _kl(a: Ints, q: Ints, log: Floats, smoothing: float) -> Floats:
    """Return the smoothed divergence of each row; logarithms of whole numbers are looked up."""
    k = a.shape[1]
    total_a = float(a[0].sum()) + smoothing * k
    total_q = float(q[0].sum()) + smoothing * k
    ratio = np.einsum("ij,ij->i", a + smoothing, log[a] - log[q]) / total_a
    return np.asarray(np.maximum(ratio + math.log(total_q / total_a), 0.0))
