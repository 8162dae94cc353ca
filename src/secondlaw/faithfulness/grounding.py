r"""Grounding: how far each sentence of an answer is supported by its context, with the sentence that supports it.

- *support*: the largest cosine of the answer sentence with any context sentence;
- *bigram precision*: the share of the answer's neighbouring word pairs that occur in the context;
- *novel numbers and names*: those of the answer that are neither in the context nor in the question;
- *judged*: what a callable of the user's says (an NLI model, a judge) of (sentence, evidence), 0 to 1.

Means over sentences carry an interval over sentences (:mod:`secondlaw.faithfulness.mean_interval`). Cosine measures
likeness, not truth: a negated copy of a sentence has high support. The thresholds that colour reports are for the eye.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.faithfulness.grounded import GroundedSentence, Grounding
from secondlaw.faithfulness.mean_interval import mean_interval
from secondlaw.faithfulness.numbers_said import known_numbers, numbers
from secondlaw.faithfulness.words import bigrams, names, words
from secondlaw.statistics import LEVEL
from secondlaw.types import SHARE, Estimate, Insufficient, Measured

__all__ = ["FEWEST_SENTENCES", "Judge", "ground"]

Floats = NDArray[np.float64]
Judge = Callable[[str, str], float]
"""Of (sentence of the answer, evidence) the probability that the evidence supports it."""

FEWEST_SENTENCES = 3
"""Fewer sentences have values but no interval of their mean."""
EVIDENCE = 3
"""Best context sentences handed to a judge, in the order of the context."""


def ground(
    answer: Sequence[str],
    context: Sequence[str],
    answer_vectors: ArrayLike,
    context_vectors: ArrayLike,
    *,
    rng: np.random.Generator,
    question: str = "",
    judge: Judge | None = None,
    level: float = LEVEL,
) -> Grounding:
    """Ground the sentences of an answer in those of its context.

    Parameters
    ----------
    answer, context : sequence of str
        Sentences.
    answer_vectors, context_vectors : array_like, shape (n, d), (m, d)
        Their embeddings, of length 1.
    rng : numpy.random.Generator
        Source of the resamples.
    question : str
        Numbers and names in it are not novel.
    judge : callable, optional
        See :data:`Judge`; evidence is the three context sentences most like the answer's.
    level : float
        Coverage of intervals.

    Returns
    -------
    Grounding

    Raises
    ------
    InvalidInput
        If a judge returns what is no number from 0 to 1.

    Examples
    --------
    >>> from secondlaw.language import SentenceEmbedder
    >>> embed = SentenceEmbedder().embed
    >>> context, answer = ["The van was robbed at 21:45.", "It rained."], ["A van was robbed at 22:00."]
    >>> found = ground(answer, context, embed(answer), embed(context), rng=np.random.default_rng(0))
    >>> found.sentences[0].source, found.novel_numbers
    ('The van was robbed at 21:45.', ('22', '0'))
    """
    if not answer or not context:
        missing = Insufficient(f"the {'context' if answer else 'answer'} holds no sentence")
        return Grounding(missing, missing, None if judge is None else missing, ())
    x, y = np.asarray(answer_vectors, dtype=np.float64), np.asarray(context_vectors, dtype=np.float64)
    cosines = np.clip(x @ y.T, -1.0, 1.0)
    known_words = [words(one) for one in context]
    known_pairs = {pair for sentence in known_words for pair in bigrams(sentence)}
    known = {word for sentence in known_words for word in sentence} | set(words(question))
    known_parts = known | {part for word in known for part in word.replace("-", "'").split("'")}
    known_values = known_numbers((*context, question))
    found = []
    for row, text in enumerate(answer):
        best = int(cosines[row].argmax())
        pairs = bigrams(words(text))
        found.append(
            GroundedSentence(
                text,
                float(cosines[row, best]),
                context[best],
                best,
                len(pairs),
                sum(pair in known_pairs for pair in pairs),
                tuple(number.said for number in numbers(text) if number.value not in known_values),
                tuple(name for name in names([text]) if not _is_known(name, known_parts)),
                None if judge is None else _judged(judge, text, context, cosines[row]),
            )
        )
    return _summed(tuple(found), rng, level, judge is not None)


def _is_known(name: str, known: set[str]) -> bool:
    folded = name.casefold().replace("’", "'")
    return folded in known or folded.removesuffix("'s") in known or folded.removesuffix("s") in known


def _judged(judge: Judge, text: str, context: Sequence[str], cosines: Floats) -> float:
    best = np.sort(np.argsort(-cosines, kind="stable")[:EVIDENCE])
    value = judge(text, " ".join(context[place] for place in best))
    if not isinstance(value, int | float | np.floating) or not 0.0 <= float(value) <= 1.0:
        raise InvalidInput(f"a judge returns a number from 0 to 1 for a sentence and its evidence, got {value!r}")
    return float(value)


def _summed(found: tuple[GroundedSentence, ...], rng: np.random.Generator, level: float, is_judged: bool) -> Grounding:
    ones = np.ones(len(found))
    pairs = np.array([one.bigrams for one in found], dtype=np.float64)
    in_context = np.array([one.bigrams_found for one in found], dtype=np.float64)
    support = _mean(np.array([one.support for one in found]), ones, rng, level, "mean cosine", "cosine")
    precision = _mean(in_context, pairs, rng, level, "word pairs found in the context", SHARE)
    judged = None
    if is_judged:
        judged = _mean(np.array([one.judged or 0.0 for one in found]), ones, rng, level, "judge's mean", SHARE)
    return Grounding(support, precision, judged, found)


def _mean(top: Floats, bottom: Floats, rng: np.random.Generator, level: float, what: str, unit: str) -> Measured:
    """Return sum(top) / sum(bottom) with an interval over sentences."""
    n = len(top)
    if bottom.sum() <= 0:
        return Insufficient("no sentence of the answer has two words in a row")
    if n < FEWEST_SENTENCES:
        return Insufficient(f"an interval needs {FEWEST_SENTENCES} sentences of the answer, got {n}; see the sentences")
    # The largest of many cosines is hardly ever below 0: ends of the interval stop there unless a value does not.
    ends = mean_interval(top, bottom, rng=rng, level=level, bounds=(min(0.0, float(top.min())), 1.0))
    value = float(top.sum() / bottom.sum())
    low, high = ends or (value, value)
    method = f"{what}, wider of bootstrap and t over {n} sentences"
    return Estimate(value, min(low, value), max(high, value), level, n, unit, method, "sentences")
