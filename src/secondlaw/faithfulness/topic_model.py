"""Topics that stay the same from one day to the next: found once, then every new sentence joins the nearest.

A sentence joins the topic that UDIB's rule gives it (:mod:`secondlaw.faithfulness.topic_settling`), with the sizes and
means of the sentences that the topics were found in. What is farther from the mean of its topic than any of those
(and than a squared distance of 1/2) is told apart as new: where that is much, find topics anew, under another version.
"""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import FileFormatError, InvalidInput
from secondlaw.faithfulness.embedded import Embedded
from secondlaw.faithfulness.topic_settling import cost_of, means_of
from secondlaw.faithfulness.topics import Topics, udib
from secondlaw.language import MINILM_NAME

__all__ = ["TopicModel", "fit_topics"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SCHEMA = "secondlaw/topics/1"
LONGEST_NAME = 80
LEAST_REACH = 0.5
"""Squared distance, of vectors of length 1, within which a sentence belongs to a topic however tight that was."""
FEWEST_FOR_EDGES = 20
"""Answers from which quintiles are taken."""
DIGITS = 5
"""Of means in a file; a cosine needs no more."""


@dataclass(frozen=True, slots=True)
class TopicModel:
    """Topics to which sentences can be given; see :func:`fit_topics`.

    Parameters
    ----------
    sizes : ndarray of float64, shape (K,)
        Sentences in each topic where they were found.
    means : ndarray of float64, shape (K, d)
    squares : ndarray of float64, shape (K,)
        Mean squared length.
    temperature : float
    reach : float
        Squared distance from the mean of its topic from which a sentence is new.
    stability : float
        See :class:`~secondlaw.faithfulness.topics.Topics`.
    names : tuple of str
        The most typical sentence of each topic, cut.
    embedding : str
        What the sentences were embedded with; topics of one embedding mean nothing in another.
    edges : tuple of float
        Least value and quintiles of semantic faithfulness of the answers that the topics were found in, rising; empty
        where those are too few. SF of short texts lies in a narrow range, whose fifths tell days apart where fifths of
        0 to 1 do not.
    """

    sizes: Floats
    means: Floats
    squares: Floats
    temperature: float
    reach: float
    stability: float
    names: tuple[str, ...]
    embedding: str = MINILM_NAME
    edges: tuple[float, ...] = ()

    @property
    def version(self) -> str:
        """Eight letters that change with the topics."""
        return hashlib.sha256(np.round(self.means, DIGITS).tobytes()).hexdigest()[:8]

    def assign(self, vectors: ArrayLike) -> Topics:
        """Give each sentence its topic.

        Parameters
        ----------
        vectors : array_like, shape (n, d)

        Raises
        ------
        InvalidInput
            If the vectors have another dimension: they are of another embedding.
        """
        return Topics(self._assigned(vectors)[0], len(self.sizes), self.stability, f"topics {self.version}")

    def is_new(self, vectors: ArrayLike) -> NDArray[np.bool_]:
        """Tell for each sentence whether it is farther from its topic than any that the topics were found in."""
        return self._assigned(vectors)[1]

    def place(self, vectors: ArrayLike) -> Topics:
        """Give each sentence its topic, or one more (numbered K) that holds all new ones.

        Without it a sentence about something else entirely would count to whichever topic is least far, and semantic
        faithfulness could rise as answers leave the subject.

        Parameters
        ----------
        vectors : array_like, shape (n, d)
        """
        k, (labels, is_new) = len(self.sizes), self._assigned(vectors)
        method = f"topics {self.version}, and one of sentences far from all"
        return Topics(np.where(is_new, k, labels), k + 1, self.stability, method)

    def _assigned(self, vectors: ArrayLike) -> tuple[Ints, NDArray[np.bool_]]:
        """Return the topic of each sentence, and whether it is farther from its mean than the reach."""
        x = np.asarray(vectors, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != self.means.shape[1]:
            raise InvalidInput(
                f"the topics are of an embedding with {self.means.shape[1]} dimensions, got vectors of shape {x.shape}"
            )
        parts = self.sizes[None], self.means[None], self.squares[None]
        labels = cost_of(x, *parts, np.array([self.temperature]))[0].argmin(axis=0).astype(np.int64)
        return labels, np.asarray(((x - self.means[labels]) ** 2).sum(axis=1) > self.reach)

    def with_edges(self, faithful: Sequence[float]) -> "TopicModel":
        """Return the topics with the least value and the quintiles of these values of SF, as far as they differ."""
        if len(faithful) < FEWEST_FOR_EDGES:
            return replace(self, edges=())
        found = np.quantile(faithful, (0.0, 0.2, 0.4, 0.6, 0.8))
        # Rounded down, so that no value lies below its own edge.
        return replace(self, edges=tuple(np.unique(np.floor(1e6 * found) / 1e6).tolist()))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "schema": SCHEMA,
            "version": self.version,
            "embedding": self.embedding,
            "names": list(self.names),
            "sizes": self.sizes.tolist(),
            "means": np.round(self.means, DIGITS).tolist(),
            "squares": self.squares.tolist(),
            "temperature": self.temperature,
            "reach": self.reach,
            "stability": self.stability,
            "edges": list(self.edges),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TopicModel":
        """Rebuild topics from :meth:`to_dict`.

        Raises
        ------
        FileFormatError
            If they are no topics.
        """
        try:
            if values["schema"] != SCHEMA:
                raise FileFormatError(f"topics have the schema {SCHEMA}, got {values['schema']!r}")
            sizes, means, squares = (np.array(values[name], dtype=float) for name in ("sizes", "means", "squares"))
            temperature, reach, stability = (float(values[name]) for name in ("temperature", "reach", "stability"))
            model = cls(
                sizes, means, squares, temperature, reach, stability, tuple(values["names"]),
                str(values.get("embedding", MINILM_NAME)),
                tuple(float(edge) for edge in values.get("edges", ())),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise FileFormatError(f"this is no file of topics: {error!r}") from error
        if any(not low < high for low, high in itertools.pairwise(model.edges)):
            raise FileFormatError(f"edges of topics rise, got {model.edges}")
        k = len(sizes)
        if means.ndim != 2 or not k == len(means) == len(squares) == len(model.names) or k < 2:
            raise FileFormatError(f"topics need two or more sizes, means, squares and names, got {k} and {means.shape}")
        return model


def fit_topics(examples: Sequence[Embedded], *, rng: np.random.Generator, embedding: str = MINILM_NAME) -> TopicModel:
    """Find topics of all sentences of several examples.

    Parameters
    ----------
    examples : sequence of Embedded
    rng : numpy.random.Generator
        Source of the starts.
    embedding : str
        Name of what embedded the sentences.

    Returns
    -------
    TopicModel

    Raises
    ------
    NotEnoughData
        If there is no sentence.
    """
    filled = [one for one in examples if len(one.sentences)]
    x = np.concatenate([one.vectors for one in filled]) if filled else np.zeros((0, 1))
    found = udib(x, rng=rng)
    sizes, means, squares = (part[0] for part in means_of(x, found.labels[None], max(found.k, 2)))
    sentences = [text for one in filled for text in one.sentences]
    names = [""] * len(sizes)
    for topic in range(found.k):
        members = np.flatnonzero(found.labels == topic)
        typical = sentences[int(members[(x[members] @ means[topic]).argmax()])]
        names[topic] = " ".join(typical.split())[:LONGEST_NAME]
    reach = max(LEAST_REACH, float(((x - means[found.labels]) ** 2).sum(axis=1).max()))
    return TopicModel(
        sizes, np.round(means, DIGITS), squares, found.temperature, reach, found.stability, tuple(names), embedding
    )
