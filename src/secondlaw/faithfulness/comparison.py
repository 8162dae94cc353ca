"""Two systems' answers to the same questions, by every score.

The sentences of both answers are clustered together with their question and contexts, so that both are measured on the
same topics. Each answer is grounded in its own context, where the systems retrieved different ones.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.faithfulness.answer_difference import AnswerDifference, compare_answers
from secondlaw.faithfulness.divergence import semantic_faithfulness
from secondlaw.faithfulness.embedded import ANSWER, CONTEXT, QUESTION, Embedder, embed_example
from secondlaw.faithfulness.examples import Example
from secondlaw.faithfulness.grounding import ground
from secondlaw.faithfulness.scoring import Scoring
from secondlaw.faithfulness.system_difference import SystemDifference, mean_difference
from secondlaw.faithfulness.topics import udib
from secondlaw.types import Insufficient

__all__ = ["Comparison", "compare_systems", "pair_rows"]

Floats = NDArray[np.float64]

SCORES = {
    "semantic_faithfulness": ("SF", (-1.0, 1.0)),
    "support": ("cosine", (-2.0, 2.0)),
    "bigram_precision": ("share", (-1.0, 1.0)),
    "novel_numbers": ("a sentence", (-math.inf, math.inf)),
    "novel_names": ("a sentence", (-math.inf, math.inf)),
}
"""What is compared, its unit, and what a difference can be at all."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two systems over many questions, and answer by answer.

    Parameters
    ----------
    differences : tuple of SystemDifference
        One a score.
    answers : tuple of AnswerDifference
        SF of the second answer less the first's, one a pair.
    """

    differences: tuple[SystemDifference, ...]
    answers: tuple[AnswerDifference, ...]


def pair_rows(first: Sequence[Example], second: Sequence[Example]) -> list[tuple[Example, Example]]:
    """Pair the answers of two files to the same question, in the order of the first file.

    First those of one group with the same question and contexts (of several the first with the first); then those of
    one group with the same question, whatever was retrieved for it; then those whose question is asked once in what
    is left of either file. Answers to different questions are never paired.

    Examples
    --------
    >>> from secondlaw.faithfulness.examples import example_of
    >>> a, b = (example_of({"question": "Who?", "context": "Ada.", "answer": one}, number=1) for one in ("Ada", "Bob"))
    >>> [(one.answer, other.answer) for one, other in pair_rows([a], [b])]
    [('Ada', 'Bob')]
    """
    partners: dict[int, int] = {}
    keys: tuple[Callable[[Example], object], ...] = (
        lambda one: (one.group, one.question, one.contexts),
        lambda one: (one.group, one.question),
        lambda one: one.question.strip(),
    )
    for number, key in enumerate(keys):
        taken = set(partners.values())
        ours = [(place, key(one)) for place, one in enumerate(first) if place not in partners]
        theirs = [(place, key(one)) for place, one in enumerate(second) if place not in taken]
        if number == 2:
            once = [
                {each for each, n in Counter(each for _, each in side).items() if n == 1} for side in (ours, theirs)
            ]
            both = (once[0] & once[1]) - {""}
            ours, theirs = ([one for one in side if one[1] in both] for side in (ours, theirs))
        waiting: dict[object, list[int]] = {}
        for place, each in reversed(theirs):
            waiting.setdefault(each, []).append(place)
        for place, each in ours:
            if waiting.get(each):
                partners[place] = waiting[each].pop()
    return [(first[place], second[partners[place]]) for place in sorted(partners)]


def compare_systems(
    pairs: Sequence[tuple[Example, Example]], embedder: Embedder, *, scoring: Scoring | None = None
) -> Comparison:
    """Compare two systems over many questions, by every score, and the answers to each question.

    Parameters
    ----------
    pairs : sequence of (Example, Example)
        Answers of both to the same question; see :func:`pair_rows`.
    embedder : Embedder
    scoring : Scoring, optional

    Returns
    -------
    Comparison

    Raises
    ------
    InvalidInput
        If there is no pair.
    """
    if not pairs:
        raise InvalidInput(
            "no question is in both files: answers are compared where the text of the question is the same"
        )
    wanted = scoring or Scoring()
    rng = np.random.default_rng(wanted.seed)
    table = np.full((2, len(pairs), len(SCORES)), np.nan)
    answers = []
    for row, pair in enumerate(pairs):
        table[:, row], apart = _both(*pair, embedder, wanted, rng)
        answers.append(apart)
    groups = np.array([one.group for one, _ in pairs])
    differences = tuple(
        mean_difference(
            name, table[0, :, at], table[1, :, at], groups, rng=rng, level=wanted.level, unit=unit, limits=limits
        )
        for at, (name, (unit, limits)) in enumerate(SCORES.items())
    )
    return Comparison(differences, tuple(answers))


def _both(
    first: Example, second: Example, embedder: Embedder, wanted: Scoring, rng: np.random.Generator
) -> tuple[Floats, AnswerDifference]:
    """Return the scores (system, score) of two answers on topics of both (NaN: none), and how SF differs."""
    apart_contexts = first.contexts and second.contexts and first.contexts != second.contexts
    one = embed_example(replace(first, contexts=first.contexts or second.contexts), embedder)
    other = embed_example(replace(second, question="", contexts=second.contexts if apart_contexts else ()), embedder)
    scores = np.full((2, len(SCORES)), np.nan)
    for side, said in enumerate((one, other)):
        told = said if apart_contexts else one
        found = ground(
            said.of(ANSWER), told.of(CONTEXT), said.vectors[said.parts == ANSWER], told.vectors[told.parts == CONTEXT],
            rng=rng, question=first.question,
        )  # fmt: skip
        if found.sentences:
            n = len(found.sentences)
            pairs = found.bigram_share
            novel = len(found.novel_numbers) / n, len(found.novel_names) / n
            scores[side, 1:] = found.mean_support, np.nan if pairs is None else pairs, *novel
    is_answer = one.parts == ANSWER, other.parts == ANSWER
    if not (one.parts == QUESTION).any() or not all(part.any() for part in is_answer):
        return scores, AnswerDifference(Insufficient("question or an answer holds no sentence"), None)
    topics = udib(np.concatenate((one.vectors, other.vectors)), rng=rng)
    if topics.k < 2:
        return scores, AnswerDifference(
            Insufficient("one topic holds all sentences: there is nothing to compare"), None
        )
    ours, theirs = topics.labels[: len(one.parts)], topics.labels[len(one.parts) :]
    chosen = ours[one.parts == QUESTION], ours[is_answer[0]], theirs[is_answer[1]]
    question, *answers = (np.bincount(labels, minlength=topics.k) for labels in chosen)
    scores[:, 0] = [semantic_faithfulness(counts, question, smoothing=wanted.smoothing) for counts in answers]
    apart = compare_answers(
        question, *answers, rng=rng, draws=wanted.draws, smoothing=wanted.smoothing, level=wanted.level
    )
    return scores, apart
