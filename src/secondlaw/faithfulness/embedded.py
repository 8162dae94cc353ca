"""An example as sentences with their vectors: what topics and grounding are measured on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from secondlaw.faithfulness.examples import Example
from secondlaw.faithfulness.sentences import split_sentences

__all__ = ["ANSWER", "CONTEXT", "QUESTION", "Embedded", "Embedder", "NamedEmbedder", "embed_example"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

QUESTION, CONTEXT, ANSWER = 0, 1, 2


class Embedder(Protocol):
    """What embeds sentences; :class:`secondlaw.language.SentenceEmbedder` does."""

    def embed(self, texts: Sequence[str], /) -> NDArray[np.float32]:
        """Return vectors of length 1, shape (n, d)."""
        ...


class NamedEmbedder(Embedder, Protocol):
    """An embedder that says which it is; all of :mod:`secondlaw.language` do."""

    @property
    def name(self) -> str:
        """What results say they were embedded with."""
        ...


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


def embed_example(example: Example, embedder: Embedder) -> Embedded:
    """Split an example into sentences and embed them."""
    question = split_sentences(example.question)
    context = [sentence for passage in example.contexts for sentence in split_sentences(passage)]
    answer = split_sentences(example.answer)
    sentences = (*question, *context, *answer)
    parts = np.repeat(np.array([QUESTION, CONTEXT, ANSWER]), [len(question), len(context), len(answer)])
    vectors = embedder.embed(sentences) if sentences else np.zeros((0, 1), dtype=np.float32)
    return Embedded(example, sentences, parts, np.asarray(vectors, dtype=np.float64))
