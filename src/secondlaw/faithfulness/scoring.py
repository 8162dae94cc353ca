"""From a question, a context and an answer to every number: sentences, embeddings, topics, levels, grounding."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.faithfulness.divergence import SMOOTHING
from secondlaw.faithfulness.embedded import (
    ANSWER,
    CONTEXT,
    QUESTION,
    Embedded,
    Embedder,
    NamedEmbedder,
    embed_example,
)
from secondlaw.faithfulness.examples import Example
from secondlaw.faithfulness.grounding import Judge, ground
from secondlaw.faithfulness.levels import DRAWS, level_table
from secondlaw.faithfulness.production import production_levels
from secondlaw.faithfulness.scored import Scored
from secondlaw.faithfulness.spread import spread_of
from secondlaw.faithfulness.topic_model import TopicModel
from secondlaw.faithfulness.topics import Topics, udib
from secondlaw.faithfulness.words import foreign_letters
from secondlaw.language import MINILM_NAME
from secondlaw.statistics import LEVEL
from secondlaw.types import Insufficient, Measured

__all__ = ["Scoring", "score_embedded", "score_example", "score_examples"]

Ints = NDArray[np.int64]

FOREIGN = 0.3
"""Share of letters that are not Latin from which a note says that the embedding was trained on English."""


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
    embedding : str
        Name of the embedding that examples come with.
    second : NamedEmbedder, optional
        Another one, for the spread.
    """

    seed: int = 0
    draws: int = DRAWS
    smoothing: float = SMOOTHING
    level: float = LEVEL
    judge: Judge | None = None
    spread: bool = True
    embedding: str = MINILM_NAME
    second: NamedEmbedder | None = None

    def stream(self, *texts: str) -> np.random.Generator:
        """Return the generator of what these texts make: the same numbers whatever the other rows are."""
        content = "\x1e".join(texts).encode("utf-8", "replace")
        digest = hashlib.blake2b(content, digest_size=8).digest()
        return np.random.default_rng([self.seed, int.from_bytes(digest, "little")])


def score_example(embedded: Embedded, *, scoring: Scoring | None = None, topics: Topics | None = None) -> Scored:
    """Score one answer.

    Parameters
    ----------
    embedded : Embedded
        From :func:`embed_example`.
    scoring : Scoring, optional
        The defaults without it.
    topics : Topics, optional
        Topics of these sentences that were found elsewhere; else their own are found.

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
    example = embedded.example
    rng = wanted.stream(example.question, *example.contexts, example.answer)
    answer, context, is_answer = embedded.of(ANSWER), embedded.of(CONTEXT), embedded.parts == ANSWER
    grounded = ground(
        answer, context, embedded.vectors[is_answer], embedded.vectors[embedded.parts == CONTEXT], rng=rng,
        question=example.question, judge=wanted.judge, level=wanted.level,
    )  # fmt: skip
    notes = tuple(_notes(embedded, wanted.embedding))
    for part, name in ((ANSWER, "answer"), (QUESTION, "question")):
        if not (embedded.parts == part).any():
            missing = Insufficient(f"the {name} holds no sentence")
            production: dict[str, Measured] = {"relaxation": missing, "entropy_change": missing}
            return Scored(
                embedded, None, missing, missing, missing, None, None, production, None, grounded, notes,
                wanted.smoothing, embedding=wanted.embedding,
            )  # fmt: skip
    topics = udib(embedded.vectors, rng=rng) if topics is None else topics
    question_counts, context_counts, answer_counts = embedded.counts(topics.labels, topics.k)
    table = level_table(
        answer_counts, question_counts, rng=rng, draws=wanted.draws, smoothing=wanted.smoothing, level=wanted.level
    )
    level, divergence, off = table.semantic_faithfulness(0), table.topic_divergence(0), table.off_support_mass(0)
    if topics.k < 2:
        level = divergence = off = Insufficient("one topic holds all sentences: there is nothing to compare")
    produced = production_levels(
        answer_counts, context_counts, rng=rng, draws=wanted.draws, smoothing=wanted.smoothing, level=wanted.level
    )
    spread = None
    if wanted.spread and not isinstance(level, Insufficient):
        # Last of all draws, so that no other number depends on whether it was asked for.
        spread = spread_of(
            embedded.sentences, embedded.vectors, embedded.parts, topics, rng=rng, smoothing=wanted.smoothing,
            second=wanted.second,
        )  # fmt: skip
    has_topics = topics.k > 1
    return Scored(
        embedded=embedded,
        topics=topics,
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
        embedding=wanted.embedding,
    )


def _notes(embedded: Embedded, embedding: str) -> Iterator[str]:
    example = embedded.example
    if example.answer.strip() and example.answer.strip() in {one.strip() for one in example.contexts}:
        yield "the answer is the context, word for word"
    foreign = max(foreign_letters(example.answer), foreign_letters(" ".join(example.contexts)))
    if foreign >= FOREIGN and embedding == MINILM_NAME:
        yield (
            f"{100 * foreign:.0f} % of the letters of answer or context are not Latin: the embedding was trained on "
            "English, cosines of other languages are not comparable with it (--embedding universal knows 16)"
        )
    if embedded.of(ANSWER) and not any(character.isalpha() for character in example.answer):
        yield "the answer holds no letter: likeness of numbers and symbols says little, read novel_numbers"


def score_examples(
    examples: Iterable[Example], embedder: Embedder, *, scoring: Scoring | None = None,
    topics: TopicModel | None = None, progress: Callable[[int], None] | None = None,
) -> Iterator[Scored]:  # fmt: skip
    """Score answers one after the other.

    Parameters
    ----------
    examples : iterable of Example
    embedder : Embedder
    scoring : Scoring, optional
    topics : TopicModel, optional
        Topics that all examples share, so that they can be compared; see
        :func:`~secondlaw.faithfulness.topic_model.fit_topics`. Without them each example has its own.
    progress : callable, optional
        Called with the number of answers done.

    Returns
    -------
    iterator of Scored
        In order.
    """
    embedded = (embed_example(example, embedder) for example in examples)
    return score_embedded(embedded, scoring=scoring, topics=topics, progress=progress)


def score_embedded(
    examples: Iterable[Embedded], *, scoring: Scoring | None = None, topics: TopicModel | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Scored]:  # fmt: skip
    """Score examples that are embedded already; see :func:`score_examples`."""
    for number, one in enumerate(examples, 1):
        shared = topics.place(one.vectors) if topics is not None and len(one.sentences) else None
        yield score_example(one, scoring=scoring, topics=shared)
        if progress is not None:
            progress(number)
