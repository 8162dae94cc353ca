"""Two answers to one question, or two systems over many: differences are better posed than levels.

The sentences of both answers are clustered together with their question and context, so that both are measured on the
same topics, and what few sentences of the question do to SF they do to both. Over many questions the mean difference
has a bootstrap interval over groups (questions) and a p-value that swaps the two systems within whole groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.faithfulness.divergence import SMOOTHING, semantic_faithfulness
from secondlaw.faithfulness.examples import Example
from secondlaw.faithfulness.grounding import ground
from secondlaw.faithfulness.levels import DRAWS, FEWEST_ANSWER, resampled_counts
from secondlaw.faithfulness.scoring import ANSWER, CONTEXT, QUESTION, Embedder, Scoring, embed_example
from secondlaw.faithfulness.topics import udib
from secondlaw.statistics import LEVEL, block_ids, interval_from_replicates, paired_test, resample_weights
from secondlaw.types import Estimate, Insufficient, Measured

__all__ = ["AnswerDifference", "SystemDifference", "compare_answers", "compare_systems", "mean_difference", "pair_rows"]

Floats = NDArray[np.float64]

FEWEST_GROUPS = 5
"""Fewer questions carry no interval of a mean difference."""
RESAMPLES = 1000
SCORES = {
    "semantic_faithfulness": "SF",
    "support": "cosine",
    "bigram_precision": "share",
    "novel_numbers": "a sentence",
    "novel_names": "a sentence",
}
"""What is compared, and its unit."""


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


@dataclass(frozen=True, slots=True)
class SystemDifference:
    """How one score differs between two systems, second less first.

    Parameters
    ----------
    name : str
    first, second : float or None
        Means over the questions where both have the score; None where there is none.
    difference : Estimate or Insufficient
    p_value : float or None
        Two-sided, by swapping within groups.
    """

    name: str
    first: float | None
    second: float | None
    difference: Measured
    p_value: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "name": self.name,
            "first": self.first,
            "second": self.second,
            "difference": self.difference.to_dict(),
            "p_value": self.p_value,
        }


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
    low, high = interval_from_replicates(value, drawn - drawn.mean() + value, level=level, bounds=(-1.0, 1.0))
    pool = a + b
    dealt = rng.multivariate_hypergeometric(pool, int(a.sum()), size=draws, method="count")
    extreme = np.count_nonzero(np.abs(apart(dealt, pool - dealt)) >= abs(value) - 1e-12)
    method = f"SF of the second less the first, +{smoothing:g} a topic, bootstrap of answer sentences ({draws})"
    estimate = Estimate(value, float(low), float(high), level, int(a.sum() + b.sum()), "SF", method, "sentences")
    return AnswerDifference(estimate, float((1 + extreme) / (1 + draws)))


def mean_difference(
    name: str,
    first: ArrayLike,
    second: ArrayLike,
    groups: ArrayLike,
    *,
    rng: np.random.Generator,
    level: float = LEVEL,
    unit: str = "SF",
) -> SystemDifference:
    """Compare two systems by a score of each answer, paired.

    Parameters
    ----------
    name : str
    first, second : array_like, shape (n,)
        Scores of both systems' answers to the same questions; a pair with a NaN is left out.
    groups : array_like, shape (n,)
        Question or document of each pair; whole groups are resampled and swapped.
    rng : numpy.random.Generator
    level : float
    unit : str

    Returns
    -------
    SystemDifference

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=40)
    >>> print(mean_difference("support", x, x + 0.5 + 0.1 * rng.normal(size=40), np.arange(40), rng=rng).difference)
    0.530 [0.493, 0.564] SF
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    keys = np.asarray(groups)
    if not a.shape == b.shape == keys.shape or a.ndim != 1:
        raise InvalidInput(f"both systems' scores and groups are of one length, got {a.shape}, {b.shape}, {keys.shape}")
    both = np.isfinite(a) & np.isfinite(b)
    a, b, keys = a[both], b[both], keys[both]
    if not len(a):
        return SystemDifference(name, None, None, Insufficient("no question has this score in both files"), None)
    means = float(a.mean()), float(b.mean())
    blocks = block_ids(keys)
    sizes = np.bincount(blocks).astype(np.float64)
    sums = np.bincount(blocks, weights=b - a)
    n = len(sizes)
    if n < FEWEST_GROUPS:
        reason = f"a mean difference needs {FEWEST_GROUPS} questions, got {n}; it is {means[1] - means[0]:+.3f}"
        return SystemDifference(name, *means, Insufficient(reason), None)
    value = float(sums.sum() / sizes.sum())
    weights = resample_weights(n, RESAMPLES, rng=rng)
    low, high = interval_from_replicates(value, (weights @ sums) / (weights @ sizes), level=level, groups=n)
    tested = paired_test(lambda signs: np.asarray(signs @ sums / sizes.sum()), n, rng=rng)
    method = f"mean of {len(a)} paired differences, bootstrap over {n} questions"
    estimate = Estimate(value, min(float(low), value), max(float(high), value), level, n, unit, method, "questions")
    return SystemDifference(name, *means, estimate, tested.p_value)


def pair_rows(first: Sequence[Example], second: Sequence[Example]) -> list[tuple[Example, Example]]:
    """Pair the answers of two files: by group (question and context) in the order of the rows.

    Examples
    --------
    >>> from secondlaw.faithfulness.examples import example_of
    >>> a, b = (example_of({"question": "Who?", "context": "Ada.", "answer": one}, number=1) for one in ("Ada", "Bob"))
    >>> [(one.answer, other.answer) for one, other in pair_rows([a], [b])]
    [('Ada', 'Bob')]
    """
    waiting: dict[str, list[Example]] = {}
    for example in reversed(second):
        waiting.setdefault(example.group, []).append(example)
    return [(one, waiting[one.group].pop()) for one in first if waiting.get(one.group)]


def compare_systems(
    pairs: Sequence[tuple[Example, Example]], embedder: Embedder, *, scoring: Scoring | None = None
) -> list[SystemDifference]:
    """Compare two systems over many questions, by every score.

    Parameters
    ----------
    pairs : sequence of (Example, Example)
        Answers of both to the same question and context; see :func:`pair_rows`.
    embedder : Embedder
    scoring : Scoring, optional

    Returns
    -------
    list of SystemDifference
        One a score.

    Raises
    ------
    InvalidInput
        If there is no pair.
    """
    if not pairs:
        raise InvalidInput("no question and context is in both files: name the same ones, or give rows a group")
    wanted = scoring or Scoring()
    rng = np.random.default_rng(wanted.seed)
    table = np.full((2, len(pairs), len(SCORES)), np.nan)
    for row, pair in enumerate(pairs):
        table[:, row] = _both(*pair, embedder, wanted, rng)
    groups = np.array([one.group for one, _ in pairs])
    return [
        mean_difference(name, table[0, :, at], table[1, :, at], groups, rng=rng, level=wanted.level, unit=unit)
        for at, (name, unit) in enumerate(SCORES.items())
    ]


def _both(first: Example, second: Example, embedder: Embedder, wanted: Scoring, rng: np.random.Generator) -> Floats:
    """Return the scores (system, score) of two answers, on topics of both together; NaN where there is none."""
    one = embed_example(first, embedder)
    other = embed_example(replace(second, question="", contexts=()), embedder)
    scores = np.full((2, len(SCORES)), np.nan)
    context, question = one.parts == CONTEXT, one.parts == QUESTION
    answers = one.of(ANSWER), other.of(ANSWER)
    vectors = one.vectors[one.parts == ANSWER], other.vectors
    for side in range(2):
        found = ground(
            answers[side], one.of(CONTEXT), vectors[side], one.vectors[context], rng=rng, question=first.question
        )
        if found.sentences:
            n = len(found.sentences)
            pairs = found.bigram_share
            novel = len(found.novel_numbers) / n, len(found.novel_names) / n
            scores[side, 1:] = found.mean_support, np.nan if pairs is None else pairs, *novel
    if question.any() and all(answers):
        topics = udib(np.concatenate((one.vectors, other.vectors)), rng=rng)
        if topics.k > 1:
            mine, theirs = topics.labels[: len(one.parts)], topics.labels[len(one.parts) :]
            asked = np.bincount(mine[question], minlength=topics.k)
            for side, labels in enumerate((mine[one.parts == ANSWER], theirs)):
                counts = np.bincount(labels, minlength=topics.k)
                scores[side, 0] = semantic_faithfulness(counts, asked, smoothing=wanted.smoothing)
    return scores
