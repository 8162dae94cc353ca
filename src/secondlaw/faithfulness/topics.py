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

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput, NotEnoughData

__all__ = ["Topics", "adjusted_rand", "k_means", "udib"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_TOPICS = 32
"""Topics at the beginning of the sweep; the sources find 10 to 30 in a document."""
RESTARTS = 8
ROUNDS = 30
"""Reassignments at one temperature at most; they settle in under 10."""
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
    points = _sweep(fitted, start, restarts, rng)
    points.append(_Point(0.0, whole, 1, whole, np.zeros(len(fitted), dtype=np.int64), -1))
    hull = _hull([_unbiased(one, len(fitted)) for one in points])
    best = _kink(hull, whole, start) if k is None else _nearest(points, k)
    rivals = [_nearest([one for one in points if one.restart == r], best.k) for r in range(restarts)]
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
    labels = _settle(x, _seeded(x, k, restarts, rng), k, None)
    _, within = _place(x, labels, k)
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


def _seeded(x: Floats, k: int, restarts: int, rng: np.random.Generator) -> Ints:
    """Return labels (restart, sentence) by the nearest of k-means++ seeds, all restarts at once."""
    squares = (x**2).sum(axis=1)
    centres = np.empty((restarts, k), dtype=np.int64)
    centres[:, 0] = rng.integers(len(x), size=restarts)
    nearest = np.full((restarts, len(x)), np.inf)
    labels = np.zeros((restarts, len(x)), dtype=np.int64)
    for c in range(k):
        if c:
            weights = nearest.cumsum(axis=1)
            drawn = rng.random((restarts, 1)) * weights[:, -1:]
            centres[:, c] = np.minimum((weights <= drawn).sum(axis=1), len(x) - 1)
        seeds = x[centres[:, c]]
        distance = np.maximum(squares - 2.0 * seeds @ x.T + (seeds**2).sum(axis=1)[:, None], 0.0)
        closer = distance < nearest
        labels[closer] = c
        nearest = np.minimum(nearest, distance)
    return labels


def _means(x: Floats, labels: Ints, k: int) -> tuple[Floats, Floats, Floats]:
    """Return the sizes (R, k), means (R, k, d) and mean squares (R, k) of topics."""
    restarts, n = labels.shape
    flat = labels + np.arange(restarts)[:, None] * k
    members = np.zeros((restarts * k, n))
    members[flat.ravel(), np.tile(np.arange(n), restarts)] = 1.0
    sizes = members.sum(axis=1)
    per = np.maximum(sizes, 1.0)
    means = (members @ x) / per[:, None]
    squares = (members @ (x**2).sum(axis=1)) / per
    return sizes.reshape(restarts, k), means.reshape(restarts, k, -1), squares.reshape(restarts, k)


def _rule(x: Floats, sizes: Floats, means: Floats, squares: Floats, tau: Floats | None) -> Floats:
    """Return the cost (restart, topic, sentence) without the sentence's own square; tau None is k-means."""
    restarts, k, d = means.shape
    dots = (means.reshape(-1, d) @ x.T).reshape(restarts, k, len(x))
    own = (means**2).sum(axis=2) if tau is None else squares
    cost = own[:, :, None] - 2.0 * dots
    with np.errstate(divide="ignore"):
        share = np.log(sizes / sizes.sum(axis=1, keepdims=True))
    favour = np.where(sizes > 0, share, 0.0) * (0.0 if tau is None else tau[:, None])
    cost -= np.where(sizes > 0, favour, -np.inf)[:, :, None]
    return np.asarray(cost)


def _settle(x: Floats, labels: Ints, k: int, tau: Floats | None) -> Ints:
    for _ in range(ROUNDS):
        new = _rule(x, *_means(x, labels, k), tau).argmin(axis=1)
        if (new == labels).all():
            break
        labels = new
    return labels


def _place(x: Floats, labels: Ints, k: int) -> tuple[Floats, Floats]:
    """Return the entropy of topics and the mean squared distance within them, of each restart."""
    sizes, means, squares = _means(x, labels, k)
    shares = sizes / sizes.sum(axis=1, keepdims=True)
    entropy = -(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(axis=1)
    within = 2.0 * (shares * (squares - (means**2).sum(axis=2))).sum(axis=1)
    return entropy, np.maximum(within, 0.0)


@dataclass(frozen=True, slots=True)
class _Point:
    """A solution: where it lies, at which temperature it was found, and in which restart."""

    entropy: float
    within: float
    k: int
    temperature: float
    labels: Ints
    restart: int


def _sweep(x: Floats, k: int, restarts: int, rng: np.random.Generator) -> list[_Point]:
    """Let the temperature grow until one topic is left: merge the pair that costs least, then settle."""
    labels = _settle(x, _seeded(x, k, restarts, rng), k, np.zeros(restarts))
    temperature = np.zeros(restarts)
    points: list[_Point] = []
    for _ in range(k):
        entropy, within = _place(x, labels, k)
        counted = [len(np.unique(row)) for row in labels]
        points += [
            _Point(float(entropy[r]), float(within[r]), counted[r], float(temperature[r]), labels[r], r)
            for r in range(restarts)
        ]
        if max(counted) == 1:
            break
        labels, temperature = _merged(x, labels, k, temperature)
        labels = _settle(x, labels, k, temperature)
    return points


def _merged(x: Floats, labels: Ints, k: int, temperature: Floats) -> tuple[Ints, Floats]:
    """Merge in each restart the two topics that raise the distance within least for the entropy they save."""
    sizes, means, _ = _means(x, labels, k)
    n = labels.shape[1]
    both = sizes[:, :, None] + sizes[:, None, :]
    squares = (means**2).sum(axis=2)
    apart = squares[:, :, None] + squares[:, None, :] - 2.0 * means @ np.swapaxes(means, 1, 2)
    rise = 2.0 * sizes[:, :, None] * sizes[:, None, :] / np.maximum(both, 1.0) * np.maximum(apart, 0.0) / n

    def surprise(counts: Floats) -> Floats:
        return np.asarray(counts / n * np.log(np.where(counts > 0, counts, n) / n))

    saved = surprise(both) - surprise(sizes)[:, :, None] - surprise(sizes)[:, None, :]
    present = (sizes[:, :, None] > 0) & (sizes[:, None, :] > 0) & ~np.eye(k, dtype=bool)
    price = np.where(present, rise / np.where(present, saved, 1.0), np.inf).reshape(len(labels), -1)
    at, least = price.argmin(axis=1), price.min(axis=1)
    gone, stays = at // k, at % k
    new = np.where((labels == gone[:, None]) & np.isfinite(least)[:, None], stays[:, None], labels)
    return new, np.where(np.isfinite(least), np.maximum(temperature, least), temperature)


def _unbiased(point: _Point, n: int) -> _Point:
    """Return the point with the distance that sentences drawn anew would have: k means were fitted to n of them."""
    return replace(point, within=point.within * (n - 1) / max(n - point.k, 1))


def _hull(points: list[_Point]) -> list[_Point]:
    """Return the points on the lower convex hull, from the coarsest on while the distance within falls."""
    hull: list[_Point] = []
    for point in sorted(points, key=lambda one: (one.entropy, one.within)):
        if hull and point.within >= hull[-1].within - 1e-12:
            continue
        while len(hull) > 1 and _steepness(hull[-2], hull[-1]) <= _steepness(hull[-1], point):
            hull.pop()
        hull.append(point)
    return hull


def _steepness(coarse: _Point, fine: _Point) -> float:
    return (coarse.within - fine.within) / max(fine.entropy - coarse.entropy, 1e-12)


def _kink(hull: list[_Point], whole: float, start: int) -> _Point:
    scale = math.log(start) / whole  # both axes from 0 to 1
    if len(hull) < 2:
        return hull[0]
    steep = [math.atan(scale * _steepness(*pair)) for pair in itertools.pairwise(hull)] + [0.0]
    return hull[1 + int(np.argmax(-np.diff(steep)))]


def _nearest(points: list[_Point], k: int) -> _Point:
    return min(points, key=lambda one: (abs(one.k - k), one.within))


def _spread_over(x: Floats, fitted: Floats, found: _Point, k: int) -> Ints:
    """Return labels of all sentences by the rule of the topics found in some."""
    parts = _means(fitted, found.labels[None], k)
    return np.asarray(_rule(x, *parts, np.array([found.temperature]))[0].argmin(axis=0))


def _renumbered(labels: Ints) -> Ints:
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)
