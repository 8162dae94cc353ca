r"""Grounding: how far each sentence of an answer is supported by its context, with the sentence that supports it.

- *support*: the largest cosine of the answer sentence with any context sentence;
- *bigram precision*: the share of the answer's neighbouring word pairs that occur in the context;
- *novel numbers and names*: those of the answer that are neither in the context nor in the question;
- *judged*: what a callable of the user's says (an NLI model, a judge) of (sentence, evidence), 0 to 1.

Means over sentences carry an interval that resamples sentences, widened for few. Cosine measures likeness, not truth:
a negated copy of a sentence has high support. The thresholds that colour reports are for the eye.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.faithfulness.words import bigrams, names, numbers, words
from secondlaw.statistics import LEVEL, interval_from_replicates, resample_weights
from secondlaw.types import SHARE, Estimate, Insufficient, Measured

__all__ = ["FEWEST_SENTENCES", "GroundedSentence", "Grounding", "Judge", "ground"]

Floats = NDArray[np.float64]
Judge = Callable[[str, str], float]
"""Of (sentence of the answer, evidence) the probability that the evidence supports it."""

FEWEST_SENTENCES = 3
"""Fewer sentences have values but no interval of their mean."""
RESAMPLES = 1000
EVIDENCE = 3
"""Best context sentences handed to a judge, in the order of the context."""


@dataclass(frozen=True, slots=True)
class GroundedSentence:
    """A sentence of an answer and what supports it.

    Parameters
    ----------
    text : str
    support : float
        Cosine with `source`, -1 to 1.
    source : str
        The context sentence most like it.
    source_index : int
        Its place among the context's sentences.
    bigrams, bigrams_found : int
        Word pairs, and how many of them the context has.
    novel_numbers, novel_names : tuple of str
    judged : float or None
        The judge's value, where there is one.
    """

    text: str
    support: float
    source: str
    source_index: int
    bigrams: int
    bigrams_found: int
    novel_numbers: tuple[str, ...]
    novel_names: tuple[str, ...]
    judged: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "text": self.text,
            "support": self.support,
            "source": self.source,
            "source_index": self.source_index,
            "bigrams": self.bigrams,
            "bigrams_found": self.bigrams_found,
            "novel_numbers": list(self.novel_numbers),
            "novel_names": list(self.novel_names),
            "judged": self.judged,
        }


@dataclass(frozen=True, slots=True)
class Grounding:
    """How an answer is supported by its context.

    Parameters
    ----------
    support, bigram_precision : Estimate or Insufficient
    judged : Estimate, Insufficient or None
        Mean of the judge's values; None without a judge.
    sentences : tuple of GroundedSentence
        Empty where answer or context holds none.
    """

    support: Measured
    bigram_precision: Measured
    judged: Measured | None
    sentences: tuple[GroundedSentence, ...]

    @property
    def mean_support(self) -> float | None:
        """Mean support of the sentences, None without any: a number for ranking, without interval."""
        return float(np.mean([one.support for one in self.sentences])) if self.sentences else None

    @property
    def least_support(self) -> float | None:
        """Least support of any sentence, None without any."""
        return min((one.support for one in self.sentences), default=None)

    @property
    def bigram_share(self) -> float | None:
        """Share of word pairs found in the context, None without any: a number for ranking, without interval."""
        pairs = sum(one.bigrams for one in self.sentences)
        return sum(one.bigrams_found for one in self.sentences) / pairs if pairs else None

    @property
    def novel_numbers(self) -> tuple[str, ...]:
        """Numbers of the answer that neither context nor question has."""
        return tuple(dict.fromkeys(number for one in self.sentences for number in one.novel_numbers))

    @property
    def novel_names(self) -> tuple[str, ...]:
        """Names of the answer that neither context nor question has."""
        return tuple(dict.fromkeys(name for one in self.sentences for name in one.novel_names))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "support": self.support.to_dict(),
            "bigram_precision": self.bigram_precision.to_dict(),
            "judged": None if self.judged is None else self.judged.to_dict(),
            "novel_numbers": list(self.novel_numbers),
            "novel_names": list(self.novel_names),
            "sentences": [one.to_dict() for one in self.sentences],
        }


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
    known_numbers = Counter(number for one in (*context, question) for number in numbers(one))
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
                tuple(number for number in numbers(text) if number not in known_numbers),
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
    n = len(found)
    ones = np.ones(n)
    weights = resample_weights(n, RESAMPLES, rng=rng)
    pairs = np.array([one.bigrams for one in found], dtype=np.float64)
    in_context = np.array([one.bigrams_found for one in found], dtype=np.float64)
    support = _mean(np.array([one.support for one in found]), ones, weights, level, "mean cosine, -1 to 1", "cosine")
    precision = _mean(in_context, pairs, weights, level, "word pairs found in the context", SHARE)
    judged = None
    if is_judged:
        judged = _mean(np.array([one.judged or 0.0 for one in found]), ones, weights, level, "judge's mean", SHARE)
    return Grounding(support, precision, judged, found)


def _mean(top: Floats, bottom: Floats, weights: Floats, level: float, what: str, unit: str) -> Measured:
    """Return sum(top) / sum(bottom) with an interval over sentences."""
    n = len(top)
    if bottom.sum() <= 0:
        return Insufficient("no sentence of the answer has two words in a row")
    value = float(top.sum() / bottom.sum())
    if n < FEWEST_SENTENCES:
        return Insufficient(f"an interval needs {FEWEST_SENTENCES} sentences of the answer, got {n}; see the sentences")
    totals = weights @ bottom
    replicates = (weights @ top)[totals > 0] / totals[totals > 0]
    low, high = interval_from_replicates(
        value, replicates, level=level, groups=n, bounds=(0.0 if unit == SHARE else -1.0, 1.0)
    )
    return Estimate(
        value, min(float(low), value), max(float(high), value), level, n, unit,
        f"{what}, bootstrap over {n} sentences", "sentences",
    )  # fmt: skip
