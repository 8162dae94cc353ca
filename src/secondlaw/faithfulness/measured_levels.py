r"""Levels of many answers as a value: divergence, SF, null, p-value and interval of each, or why there is none."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.statistics import exact_interval
from secondlaw.types import NATS, SHARE, Estimate, Insufficient, Measured

__all__ = ["FEWEST_ANSWER", "FEWEST_QUESTION", "LevelTable", "Null"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST_QUESTION = 20
"""With fewer sentences of the question, SF under the null is about .75 to .8 whatever the answer: no level is given."""
FEWEST_ANSWER = 5
"""Fewer sentences of the answer carry no interval."""
UNITLESS = "SF"


@dataclass(frozen=True, slots=True)
class Null:
    """What a score is where the texts it compares have one law of topics.

    Parameters
    ----------
    mean, low, high : float
        Mean and central interval of the score over the deals.
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
            f"answer sentences; interval of the laws' with these pseudo-counts, {self.draws} resamples and draws"
        )
        return Estimate(value, low, high, self.level, q + a, unit, method, "sentences")
