r"""Topics of sentences: geometric deterministic information bottleneck (UDIB), and k-means as a control.

UDIB gives sentence i to the topic :math:`c^*(i) = \arg\min_c [\, \overline{|x_i - x_j|^2}_{j \in c} - \tau
\ln(n_c/N)]`: near its members on average, with large topics preferred the more, the larger :math:`\tau` is. As the mean
squared distance is :math:`|x_i|^2 + \overline{|x_j|^2} - 2 x_i \cdot \mu_c`, one matrix product assigns all sentences
in all restarts. The sweep starts from many small topics (k-means++ seeds) and raises :math:`\tau` to where the next
pair of topics is worth merging, so that every number of topics is passed. Every solution is a point (entropy of topics
H, mean squared distance within D); those on the lower convex hull are optimal for a range of trade-offs :math:`D + \tau
H`. The number of topics is that of the hull's sharpest *kink*, the solution that stays optimal over the widest range of
angles. For this choice D is divided by ``(n - k) / (n - 1)``, since k means fitted to n sentences lie too near to them
(ours: without it the finest partition of a short text always wins).

Sources: Strouse & Schwab, arXiv:1712.09657 (geometric clustering by DIB, kinks); arXiv:2509.03533 (UDIB).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.faithfulness.topic_settling import cost_of, means_of, place, seeded, settle
from secondlaw.faithfulness.topic_sweep import Solution, hull_of, kink_of, nearest_in_number, sweep, unbiased

__all__ = ["Topics", "adjusted_rand", "k_means", "udib"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_TOPICS = 32
"""Topics at the beginning of the sweep; the sources find 10 to 30 in a document."""
RESTARTS = 8
MOST_FITTED = 1000
"""Of more sentences, as many drawn at random make the topics; the others join the topic that the rule gives them."""


@dataclass(frozen=True, slots=True)
class Topics:
    r"""Sentences in topics.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
        Topic of each sentence, 0 to k - 1, numbered by first appearance.
    k : int
        Number of topics.
    stability : float
        Mean adjusted Rand index of the other restarts' partitions with this one: 1 if all agree, about 0 by chance.
    method : str
        How the topics were found.
    temperature : float
        :math:`\tau` of the solution, in squared distance; 0 for k-means.
    curve : tuple of (float, float, int)
        The hull: (entropy of topics in nats, mean squared distance within, topics), coarsest first; empty for k-means.
    """

    labels: Ints
    k: int
    stability: float
    method: str
    temperature: float = 0.0
    curve: tuple[tuple[float, float, int], ...] = ()


def udib(
    vectors: ArrayLike,
    *,
    rng: np.random.Generator,
    restarts: int = RESTARTS,
    most: int = MOST_TOPICS,
    k: int | None = None,
) -> Topics:
    """Find topics and their number.

    Parameters
    ----------
    vectors : array_like, shape (n, d)
        Embeddings of sentences.
    rng : numpy.random.Generator
        Source of the starts.
    restarts : int
        Independent sweeps, at least 2.
    most : int
        Topics at the beginning of each sweep, at most half of the sentences.
    k : int, optional
        The number of topics, where it shall not be chosen by the kink; the nearest one found is taken.

    Returns
    -------
    Topics

    Raises
    ------
    NotEnoughData
        If there is no sentence.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = np.repeat(np.eye(3), 10, axis=0) + 0.05 * rng.normal(size=(30, 3))
    >>> found = udib(x, rng=rng)
    >>> found.k, round(found.stability, 2)
    (3, 1.0)
    """
    x = _checked(vectors)
    if restarts < 2 or most < 2:
        raise InvalidInput(f"topics need 2 restarts and 2 topics or more, got restarts={restarts}, most={most}")
    n = len(x)
    chosen = np.arange(n) if n <= MOST_FITTED else np.sort(rng.choice(n, MOST_FITTED, replace=False))
    fitted = x[chosen]
    start = min(most, max(2, len(fitted) // 2))
    whole = 2.0 * float(((fitted - fitted.mean(axis=0)) ** 2).sum(axis=1).mean())
    if n < 3 or whole <= 1e-12:
        return Topics(np.zeros(n, dtype=np.int64), 1, 1.0, "one topic: under 3 different sentences")
    points = sweep(fitted, start, restarts, rng)
    points.append(Solution(0.0, whole, 1, whole, np.zeros(len(fitted), dtype=np.int64), -1))
    hull = hull_of([unbiased(one, len(fitted)) for one in points])
    best = kink_of(hull, whole, start) if k is None else nearest_in_number(points, k)
    rivals = [nearest_in_number([one for one in points if one.restart == r], best.k) for r in range(restarts)]
    stability = float(np.mean([adjusted_rand(best.labels, one.labels) for one in rivals]))
    every = best.labels if n == len(fitted) else _spread_over(x, fitted, best, start)
    numbered = _renumbered(every)
    method = f"UDIB, {restarts} restarts, " + ("sharpest kink" if k is None else f"nearest to {k} topics")
    curve = tuple((one.entropy, one.within, one.k) for one in hull)
    return Topics(numbered, int(numbered.max()) + 1, stability, method, best.temperature, curve)


def k_means(vectors: ArrayLike, k: int, *, rng: np.random.Generator, restarts: int = RESTARTS) -> Topics:
    """Find `k` topics by Lloyd's algorithm with k-means++ starts: the control beside :func:`udib`.

    Parameters
    ----------
    vectors : array_like, shape (n, d)
        Embeddings of sentences.
    k : int
        Topics asked for, cut to the number of sentences; fewer where one empties.
    rng : numpy.random.Generator
        Source of the starts.
    restarts : int
        Independent starts; the one with the least distance within is taken.

    Returns
    -------
    Topics
    """
    x = _checked(vectors)
    if k < 1 or restarts < 1:
        raise InvalidInput(f"k-means needs one topic and one start or more, got k={k}, restarts={restarts}")
    k = min(k, len(x))
    labels, parts = settle(x, seeded(x, k, restarts, rng), k, None)
    _, within = place(parts)
    best = int(within.argmin())
    stability = float(np.mean([adjusted_rand(labels[best], row) for row in labels]))
    numbered = _renumbered(labels[best])
    return Topics(numbered, int(numbered.max()) + 1, stability, f"k-means, {restarts} restarts")


def adjusted_rand(first: ArrayLike, second: ArrayLike) -> float:
    """Return the adjusted Rand index of two partitions (Hubert & Arabie, J. Classif. 2, 193 (1985)).

    Examples
    --------
    >>> adjusted_rand([0, 0, 1, 1], [1, 1, 0, 0])
    1.0
    """
    a, b = (np.unique(np.asarray(one), return_inverse=True)[1] for one in (first, second))
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1.0)

    def pairs(counts: Floats) -> float:
        return float((counts * (counts - 1.0)).sum() / 2.0)

    both, rows, columns = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    n = len(a)
    expected = rows * columns / max(n * (n - 1) / 2.0, 1.0)
    largest = (rows + columns) / 2.0
    return 1.0 if largest - expected <= 1e-12 else (both - expected) / (largest - expected)


def _checked(vectors: ArrayLike) -> Floats:
    x = np.asarray(vectors, dtype=np.float64)
    if x.ndim != 2 or not np.isfinite(x).all():
        raise InvalidInput(f"embeddings are a finite matrix (sentences, dimensions), got shape {x.shape}")
    if not len(x):
        raise NotEnoughData("topics need sentences, got none: check that the texts hold words")
    # Fewer sentences than dimensions span fewer: distances are the same in a basis of their span.
    return np.asarray(np.linalg.qr(x.T, mode="r")).T if len(x) < x.shape[1] else x


def _spread_over(x: Floats, fitted: Floats, found: Solution, k: int) -> Ints:
    """Return labels of all sentences by the rule of the topics found in some."""
    parts = means_of(fitted, found.labels[None], k)
    return np.asarray(cost_of(x, *parts, np.array([found.temperature]))[0].argmin(axis=0))


def _renumbered(labels: Ints) -> Ints:
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)
