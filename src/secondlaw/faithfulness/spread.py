"""How much a level owes to choices: seeds of the clustering, number of topics, k-means, words alone, smoothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.faithfulness.divergence import SMOOTHING, semantic_faithfulness
from secondlaw.faithfulness.lexical import lexical_vectors
from secondlaw.faithfulness.topics import Topics, k_means, udib

__all__ = ["Spread", "spread_of"]

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

    k = topics.k
    choices = {f"UDIB, {k} topics, as reported": faithful(topics)}
    for alpha in OTHER_SMOOTHING:
        choices[f"smoothing {alpha:g}"] = faithful(topics, alpha)
    for seed in range(SEEDS - 1):
        choices[f"UDIB, other seed {seed + 1}"] = faithful(udib(vectors, rng=rng))
    for other in sorted({max(2, k - max(1, k // 4)), max(2, k), k + max(1, k // 4)}):
        choices[f"k-means, {other} topics"] = faithful(k_means(vectors, other, rng=rng))
    choices["UDIB, words alone"] = faithful(udib(lexical_vectors(sentences), rng=rng))
    return Spread(min(choices.values()), max(choices.values()), choices)
