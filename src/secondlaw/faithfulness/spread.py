"""How much a level owes to choices: seeds and number of topics, k-means, smoothing, another embedding, words alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.faithfulness.divergence import SMOOTHING, semantic_faithfulness
from secondlaw.faithfulness.embedded import NamedEmbedder
from secondlaw.faithfulness.lexical import lexical_vectors
from secondlaw.faithfulness.topics import Topics, k_means, udib

__all__ = ["Spread", "other_topics", "spread_of"]

Floats = NDArray[np.float64]

SEEDS = 3
OTHER_SMOOTHING = (0.1, 1.0)


@dataclass(frozen=True, slots=True)
class Spread:
    """SF under other choices than the ones made.

    Parameters
    ----------
    low, high : float
        Least and largest SF over all choices, the one made included.
    choices : mapping of str to float
        SF by choice.
    """

    low: float
    high: float
    choices: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"low": self.low, "high": self.high, "choices": dict(self.choices)}


def spread_of(
    sentences: Sequence[str],
    vectors: Floats,
    parts: NDArray[np.int64],
    topics: Topics,
    *,
    rng: np.random.Generator,
    smoothing: float = SMOOTHING,
    second: NamedEmbedder | None = None,
) -> Spread:
    """Measure SF again under other choices.

    Parameters
    ----------
    sentences : sequence of str, n of them
        Of question, context and answer.
    vectors : ndarray, shape (n, d)
        Their embeddings.
    parts : ndarray of int, shape (n,)
        0 for the question, 1 for the context, 2 for the answer.
    topics : Topics
        The choice made.
    rng : numpy.random.Generator
        Source of other seeds.
    smoothing : float
    second : NamedEmbedder, optional
        Another embedding of the sentences, whose topics are found anew.

    Returns
    -------
    Spread

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = np.repeat(np.eye(3), 4, axis=0)
    >>> parts = np.tile([0, 0, 2, 2], 3)
    >>> found = spread_of(["a b", "a", "b", "c"] * 3, x, parts, udib(x, rng=rng), rng=rng)
    >>> sorted(found.choices)[:2]
    ['UDIB, 3 topics, as reported', 'UDIB, other seed 1']
    """

    def faithful(found: Topics, alpha: float = smoothing) -> float:
        counts = [np.bincount(found.labels[parts == part], minlength=max(found.k, 2)) for part in (2, 0)]
        return float(semantic_faithfulness(*counts, smoothing=alpha))

    choices = {f"UDIB, {topics.k} topics, as reported": faithful(topics)}
    for alpha in OTHER_SMOOTHING:
        choices[f"smoothing {alpha:g}"] = faithful(topics, alpha)
    for name, found in other_topics(sentences, vectors, topics, rng=rng, second=second):
        choices[name] = faithful(found)
    return Spread(min(choices.values()), max(choices.values()), choices)


def other_topics(
    sentences: Sequence[str],
    vectors: Floats,
    topics: Topics,
    *,
    rng: np.random.Generator,
    second: NamedEmbedder | None = None,
) -> Iterator[tuple[str, Topics]]:
    """Yield topics under other choices than the ones made, each with its name; see :func:`spread_of`."""
    for seed in range(SEEDS - 1):
        yield f"UDIB, other seed {seed + 1}", udib(vectors, rng=rng)
    k = topics.k
    for other in sorted({max(2, k - max(1, k // 4)), max(2, k), k + max(1, k // 4)}):
        yield f"k-means, {other} topics", k_means(vectors, other, rng=rng)
    yield "UDIB, words alone", udib(lexical_vectors(sentences), rng=rng)
    if second is not None:
        yield f"UDIB, {second.name}", udib(second.embed(sentences), rng=rng)
