"""Two systems' answers to the same questions, by every score.

The sentences of both answers are clustered together with their question and context, so that both are measured on the
same topics.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.faithfulness.divergence import semantic_faithfulness
from secondlaw.faithfulness.embedded import ANSWER, CONTEXT, QUESTION, Embedder, embed_example
from secondlaw.faithfulness.examples import Example
from secondlaw.faithfulness.grounding import ground
from secondlaw.faithfulness.scoring import Scoring
from secondlaw.faithfulness.system_difference import SystemDifference, mean_difference
from secondlaw.faithfulness.topics import udib

__all__ = ["compare_systems", "pair_rows"]

Floats = NDArray[np.float64]

SCORES = {
    "semantic_faithfulness": ("SF", (-1.0, 1.0)),
    "support": ("cosine", (-2.0, 2.0)),
    "bigram_precision": ("share", (-1.0, 1.0)),
    "novel_numbers": ("a sentence", (-math.inf, math.inf)),
    "novel_names": ("a sentence", (-math.inf, math.inf)),
}
"""What is compared, its unit, and what a difference can be at all."""


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
        mean_difference(
            name, table[0, :, at], table[1, :, at], groups, rng=rng, level=wanted.level, unit=unit, limits=limits
        )
        for at, (name, (unit, limits)) in enumerate(SCORES.items())
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
