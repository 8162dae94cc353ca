"""From a question, a context and an answer to every number: sentences, embeddings, topics, levels, grounding."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from secondlaw.faithfulness.divergence import SMOOTHING
from secondlaw.faithfulness.examples import Example
from secondlaw.faithfulness.grounding import Grounding, Judge, ground
from secondlaw.faithfulness.levels import DRAWS, Null, level_table
from secondlaw.faithfulness.production import production_levels
from secondlaw.faithfulness.sentences import split_sentences
from secondlaw.faithfulness.spread import Spread, spread_of
from secondlaw.faithfulness.topics import Topics, udib
from secondlaw.faithfulness.words import foreign_letters
from secondlaw.statistics import LEVEL
from secondlaw.types import Insufficient, Measured

__all__ = [
    "ANSWER",
    "CONTEXT",
    "QUESTION",
    "Embedded",
    "Embedder",
    "Scored",
    "Scoring",
    "embed_example",
    "score_example",
    "score_examples",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

QUESTION, CONTEXT, ANSWER = 0, 1, 2
FOREIGN = 0.3
"""Share of letters that are not Latin from which a note says that the embedding was trained on English."""


class Embedder(Protocol):
    """What embeds sentences; :class:`secondlaw.language.SentenceEmbedder` does."""

    def embed(self, texts: Sequence[str], /) -> NDArray[np.float32]:
        """Return vectors of length 1, shape (n, d)."""
        ...


@dataclass(frozen=True, slots=True)
class Scoring:
    """Settings of a scoring.

    Parameters
    ----------
    seed : int
        Of every draw; each answer draws from its own stream, so that its numbers do not depend on the other rows.
    draws : int
        Bootstrap replicates, and deals of the null.
    smoothing : float
        Pseudo-count of every topic.
    level : float
        Coverage of intervals.
    judge : callable, optional
        See :data:`secondlaw.faithfulness.grounding.Judge`.
    spread : bool
        Whether levels are measured again under other choices.
    """

    seed: int = 0
    draws: int = DRAWS
    smoothing: float = SMOOTHING
    level: float = LEVEL
    judge: Judge | None = None
    spread: bool = True


@dataclass(frozen=True, slots=True)
class Embedded:
    """Sentences of an example with their vectors.

    Parameters
    ----------
    example : Example
    sentences : tuple of str, n of them
        Of the question, then the context, then the answer.
    parts : ndarray of int64, shape (n,)
        :data:`QUESTION`, :data:`CONTEXT` or :data:`ANSWER`.
    vectors : ndarray of float64, shape (n, d)
    """

    example: Example
    sentences: tuple[str, ...]
    parts: Ints
    vectors: Floats

    def of(self, part: int) -> list[str]:
        """Return the sentences of one part."""
        return [text for text, one in zip(self.sentences, self.parts, strict=True) if one == part]

    def counts(self, labels: Ints, k: int) -> tuple[Ints, Ints, Ints]:
        """Return the sentences of question, context and answer in each of at least 2 topics."""
        question, context, answer = (np.bincount(labels[self.parts == p], minlength=max(k, 2)) for p in range(3))
        return question, context, answer


@dataclass(frozen=True, slots=True)
class Scored:
    """Every number of one answer.

    Parameters
    ----------
    embedded : Embedded
    topics : Topics or None
        None where there are no sentences to cluster.
    semantic_faithfulness, topic_divergence, off_support_mass : Estimate or Insufficient
    null : Null or None
    p_value : float or None
        Of topics that differ from the question's by more than chance.
    production : mapping of str to Estimate or Insufficient
        Relaxation and entropy change, our definitions.
    spread : Spread or None
        None where no level is given.
    grounding : Grounding
    notes : tuple of str
    smoothing : float
    plain : float or None
        SF without interval, for ranking and for streams, whose drift needs no level; None without topics.
    """

    embedded: Embedded
    topics: Topics | None
    semantic_faithfulness: Measured
    topic_divergence: Measured
    off_support_mass: Measured
    null: Null | None
    p_value: float | None
    production: dict[str, Measured]
    spread: Spread | None
    grounding: Grounding
    notes: tuple[str, ...] = ()
    smoothing: float = SMOOTHING
    plain: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        parts = self.embedded.parts
        topics = None
        if self.topics is not None:
            topics = {"k": self.topics.k, "stability": self.topics.stability, "method": self.topics.method}
        return {
            "id": self.embedded.example.id,
            "sentences": {
                "question": int((parts == QUESTION).sum()),
                "context": int((parts == CONTEXT).sum()),
                "answer": int((parts == ANSWER).sum()),
            },
            "topics": topics,
            "smoothing": self.smoothing,
            "semantic_faithfulness": self.semantic_faithfulness.to_dict(),
            "topic_divergence": self.topic_divergence.to_dict(),
            "off_support_mass": self.off_support_mass.to_dict(),
            "null": None if self.null is None else self.null.to_dict(),
            "p_value": self.p_value,
            "spread": None if self.spread is None else self.spread.to_dict(),
            "entropy_production": {name: one.to_dict() for name, one in self.production.items()},
            "grounding": self.grounding.to_dict(),
            "notes": list(self.notes),
        }


def embed_example(example: Example, embedder: Embedder) -> Embedded:
    """Split an example into sentences and embed them."""
    question = split_sentences(example.question)
    context = [sentence for passage in example.contexts for sentence in split_sentences(passage)]
    answer = split_sentences(example.answer)
    sentences = (*question, *context, *answer)
    parts = np.repeat(np.array([QUESTION, CONTEXT, ANSWER]), [len(question), len(context), len(answer)])
    vectors = embedder.embed(sentences) if sentences else np.zeros((0, 1), dtype=np.float32)
    return Embedded(example, sentences, parts, np.asarray(vectors, dtype=np.float64))


def score_example(
    embedded: Embedded, *, scoring: Scoring | None = None, shared: tuple[Ints, Topics] | None = None
) -> Scored:
    """Score one answer.

    Parameters
    ----------
    embedded : Embedded
        From :func:`embed_example`.
    scoring : Scoring, optional
        The defaults without it.
    shared : (ndarray of int64, Topics), optional
        Topics of these sentences in a clustering of several examples; else its own are found.

    Returns
    -------
    Scored
        Never fails for what a text holds: what cannot be measured is Insufficient with its reason.

    Examples
    --------
    >>> from secondlaw.faithfulness.examples import example_of
    >>> from secondlaw.language import SentenceEmbedder
    >>> row = {"question": "Who wrote it?", "context": "Ada wrote it. It rained.", "answer": "Ada did."}
    >>> found = score_example(embed_example(example_of(row, number=1), SentenceEmbedder()))
    >>> print(found.semantic_faithfulness)
    insufficient (a level needs 20 sentences of the question, got 1: compare two answers or many questions instead)
    >>> found.grounding.sentences[0].source
    'Ada wrote it.'
    """
    wanted = scoring or Scoring()
    rng = _stream(embedded.example, wanted.seed)
    answer, context, is_answer = embedded.of(ANSWER), embedded.of(CONTEXT), embedded.parts == ANSWER
    grounded = ground(
        answer, context, embedded.vectors[is_answer], embedded.vectors[embedded.parts == CONTEXT], rng=rng,
        question=embedded.example.question, judge=wanted.judge, level=wanted.level,
    )  # fmt: skip
    notes = tuple(_notes(embedded))
    for part, name in ((ANSWER, "answer"), (QUESTION, "question")):
        if not (embedded.parts == part).any():
            missing = Insufficient(f"the {name} holds no sentence")
            production: dict[str, Measured] = {"relaxation": missing, "entropy_change": missing}
            return Scored(
                embedded,
                None,
                missing,
                missing,
                missing,
                None,
                None,
                production,
                None,
                grounded,
                notes,
                wanted.smoothing,
            )
    labels, topics = shared or (None, udib(embedded.vectors, rng=rng))
    labels = topics.labels if labels is None else labels
    question_counts, context_counts, answer_counts = embedded.counts(labels, topics.k)
    table = level_table(
        answer_counts, question_counts, rng=rng, draws=wanted.draws, smoothing=wanted.smoothing, level=wanted.level
    )
    level, divergence, off = table.semantic_faithfulness(0), table.topic_divergence(0), table.off_support_mass(0)
    if topics.k < 2:
        level = divergence = off = Insufficient("one topic holds all sentences: there is nothing to compare")
    spread = None
    if wanted.spread and not isinstance(level, Insufficient):
        spread = spread_of(
            embedded.sentences, embedded.vectors, embedded.parts, topics, rng=rng, smoothing=wanted.smoothing
        )
    produced = production_levels(
        answer_counts, context_counts, rng=rng, draws=wanted.draws, smoothing=wanted.smoothing, level=wanted.level
    )
    has_topics = topics.k > 1
    return Scored(
        embedded=embedded,
        topics=replace(topics, labels=labels),
        semantic_faithfulness=level,
        topic_divergence=divergence,
        off_support_mass=off,
        null=table.null(0) if has_topics else None,
        p_value=float(table.p_value[0]) if has_topics else None,
        production=produced,
        spread=spread,
        grounding=grounded,
        notes=notes,
        smoothing=wanted.smoothing,
        plain=float(table.faithfulness[0]) if has_topics else None,
    )


def _stream(example: Example, seed: int) -> np.random.Generator:
    content = "\x1e".join((example.question, *example.contexts, example.answer)).encode("utf-8", "replace")
    return np.random.default_rng([seed, int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")])


def _notes(embedded: Embedded) -> Iterator[str]:
    example = embedded.example
    if example.answer.strip() and example.answer.strip() in {one.strip() for one in example.contexts}:
        yield "the answer is the context, word for word"
    foreign = max(foreign_letters(example.answer), foreign_letters(" ".join(example.contexts)))
    if foreign >= FOREIGN:
        yield (
            f"{100 * foreign:.0f} % of the letters of answer or context are not Latin: the embedding was trained on "
            "English, cosines of other languages are not comparable with it"
        )
    if embedded.of(ANSWER) and not any(character.isalpha() for character in example.answer):
        yield "the answer holds no letter: likeness of numbers and symbols says little, read novel_numbers"


def score_examples(
    examples: Iterable[Example], embedder: Embedder, *, scoring: Scoring | None = None, shared: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Scored]:  # fmt: skip
    """Score answers one after the other.

    Parameters
    ----------
    examples : iterable of Example
    embedder : Embedder
    scoring : Scoring, optional
    shared : bool
        Whether all examples share one clustering, so that their topics can be compared; they are then held in memory.
    progress : callable, optional
        Called with the number of answers done.

    Returns
    -------
    iterator of Scored
        In order.
    """
    wanted = scoring or Scoring()
    if not shared:
        for number, example in enumerate(examples, 1):
            yield score_example(embed_example(example, embedder), scoring=wanted)
            if progress is not None:
                progress(number)
        return
    held = [embed_example(example, embedder) for example in examples]
    filled = [one for one in held if len(one.sentences)]
    if not filled:
        yield from (score_example(one, scoring=wanted) for one in held)
        return
    topics = udib(np.concatenate([one.vectors for one in filled]), rng=np.random.default_rng(wanted.seed))
    ends = np.cumsum([len(one.sentences) for one in held])
    for number, (one, end) in enumerate(zip(held, ends, strict=True), 1):
        mine = topics.labels[end - len(one.sentences) : end]
        yield score_example(one, scoring=wanted, shared=(mine, topics))
        if progress is not None:
            progress(number)
