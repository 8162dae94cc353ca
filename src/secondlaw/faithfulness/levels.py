r"""Levels of topic divergence and semantic faithfulness with what makes them readable: null, p-value, interval.

Two short texts drawn from *one* law of topics differ by chance, and SF then is well below 1. Every level therefore
stands beside its null: the sentences of question and answer are pooled and dealt anew to the two sides. The p-value is
the share of deals whose divergence is at least the observed one, ``(1 + b) / (1 + B)`` (Phipson & Smyth,
arXiv:1603.05766): small where the answer's topics differ from the question's by more than chance. The interval
resamples the sentences of both sides (bootstrap, replicates moved so that their mean is the value): it holds the chance
of sentences, given the topics. It does not hold the choice of topics, for which the spread over seeds, numbers of
topics and embeddings stands beside it, nor the bias of few sentences, which the null's mean shows.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.faithfulness.divergence import SMOOTHING, off_support_mass, topic_divergence
from secondlaw.statistics import LEVEL, exact_interval
from secondlaw.statistics.counts import checked_counts
from secondlaw.types import NATS, SHARE, Estimate, Insufficient, Measured

__all__ = ["DRAWS", "FEWEST_QUESTION", "LevelTable", "Null", "level_table", "resampled_counts"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DRAWS = 200
"""Bootstrap replicates and deals of the null."""
FEWEST_QUESTION = 20
"""With fewer sentences of the question, SF under the null is about .75 to .8 whatever the answer: no level is given."""
FEWEST_ANSWER = 5
"""Fewer sentences of the answer carry no interval."""
UNITLESS = "SF"


@dataclass(frozen=True, slots=True)
class Null:
    """What semantic faithfulness is where question and answer have one law of topics.

    Parameters
    ----------
    mean, low, high : float
        Mean and central interval of SF over the deals.
    draws : int
        Deals made.
    """

    mean: float
    low: float
    high: float
    draws: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"mean": self.mean, "low": self.low, "high": self.high, "draws": self.draws}


@dataclass(frozen=True, slots=True)
class LevelTable:
    """Levels of many answers, one a row.

    Parameters
    ----------
    divergence, low, high : ndarray of float64, shape (n,)
        Topic divergence in nats and its interval.
    off_support : ndarray of float64, shape (n,)
        Share of the answer on topics that the question has not.
    null_mean, null_low, null_high : ndarray of float64, shape (n,)
        SF under the null.
    p_value : ndarray of float64, shape (n,)
    questions, answers : ndarray of int64, shape (n,)
        Sentences of each.
    topics, draws : int
    smoothing, level : float
    """

    divergence: Floats
    low: Floats
    high: Floats
    off_support: Floats
    null_mean: Floats
    null_low: Floats
    null_high: Floats
    p_value: Floats
    questions: Ints
    answers: Ints
    topics: int
    draws: int
    smoothing: float
    level: float

    @property
    def faithfulness(self) -> Floats:
        """SF of each answer, unitless."""
        return np.asarray(1.0 / (1.0 + self.divergence))

    def null(self, row: int) -> Null:
        """Return the null of one answer."""
        return Null(float(self.null_mean[row]), float(self.null_low[row]), float(self.null_high[row]), self.draws)

    def reason(self, row: int) -> str | None:
        """Return why one answer has no level, or None where it has."""
        if self.topics < 2:
            return "one topic holds all sentences: there is nothing to compare"
        if self.questions[row] < FEWEST_QUESTION:
            return (
                f"a level needs {FEWEST_QUESTION} sentences of the question, got {self.questions[row]}: compare two "
                "answers or many questions instead"
            )
        if self.answers[row] < FEWEST_ANSWER:
            return f"a level needs {FEWEST_ANSWER} sentences of the answer, got {self.answers[row]}"
        return None

    def topic_divergence(self, row: int) -> Measured:
        """Return the divergence of one answer in nats, or why it has none."""
        reason = self.reason(row)
        if reason is not None:
            return Insufficient(reason)
        low, value, high = float(self.low[row]), float(self.divergence[row]), float(self.high[row])
        return self._estimate(row, value, low, high, NATS)

    def semantic_faithfulness(self, row: int) -> Measured:
        """Return SF of one answer, or why it has none."""
        reason = self.reason(row)
        if reason is not None:
            return Insufficient(reason)
        low, value, high = (1.0 / (1.0 + float(one[row])) for one in (self.high, self.divergence, self.low))
        return self._estimate(row, value, low, high, UNITLESS)

    def off_support_mass(self, row: int) -> Measured:
        """Return the share of the answer off the question's topics; the interval takes these topics as given."""
        n = int(self.answers[row])
        mass = float(self.off_support[row])
        low, high = exact_interval(mass * n, n, level=self.level)
        method = f"share of {n} answer sentences, Clopper-Pearson, topics of the question as found"
        return Estimate(mass, float(low), float(high), self.level, n, SHARE, method, "sentences")

    def _estimate(self, row: int, value: float, low: float, high: float, unit: str) -> Estimate:
        q, a = int(self.questions[row]), int(self.answers[row])
        method = (
            f"KL(answer || question) over {self.topics} topics, +{self.smoothing:g} a topic, {q} question and {a} "
            f"answer sentences, bootstrap of sentences ({self.draws})"
        )
        return Estimate(value, low, high, self.level, q + a, unit, method, "sentences")


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
        ends[row] = np.quantile(drawn, tails) - drawn.mean() + divergence[row]
        pool = a[row] + q[row]
        dealt = rng.multivariate_hypergeometric(pool, int(q[row].sum()), size=draws, method="count")
        chance = _kl(pool - dealt, dealt, table, smoothing)
        faithful = 1.0 / (1.0 + chance)
        nulls[row] = faithful.mean(), *np.quantile(faithful, tails)
        p_values[row] = (1 + np.count_nonzero(chance >= divergence[row] - 1e-12)) / (1 + draws)
    low, high = np.clip(ends, 0.0, None).T
    return LevelTable(
        divergence, np.minimum(low, divergence), np.maximum(high, divergence), off_support_mass(a, q), nulls[:, 0],
        nulls[:, 1], nulls[:, 2], p_values, q.sum(axis=1), a.sum(axis=1), k, draws, smoothing, level,
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
