r"""Every number of topics from many to one, and the choice among them: the sweep over temperatures, hull and kink.

The sweep starts from many small topics and raises :math:`\tau` to where the next pair of topics is worth merging, so
that every number of topics is passed. Every solution is a point (entropy of topics H, mean squared distance within D);
those on the lower convex hull are optimal for a range of trade-offs :math:`D + \tau H`, and the sharpest *kink* is the
one that stays optimal over the widest range of angles (arXiv:1712.09657).
"""

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from secondlaw.faithfulness.topic_settling import Parts, place, seeded, settle

__all__ = ["Solution", "hull_of", "kink_of", "nearest_in_number", "sweep", "unbiased"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Solution:
    """A solution: where it lies, at which temperature it was found, and in which restart."""

    entropy: float
    within: float
    k: int
    temperature: float
    labels: Ints
    restart: int


def sweep(x: Floats, k: int, restarts: int, rng: np.random.Generator) -> list[Solution]:
    """Let the temperature grow until one topic is left: merge the pair that costs least, then settle."""
    labels, parts = settle(x, seeded(x, k, restarts, rng), k, np.zeros(restarts))
    temperature = np.zeros(restarts)
    points: list[Solution] = []
    for _ in range(k):
        entropy, within = place(parts)
        counted = (parts.sizes > 0).sum(axis=1).tolist()
        points += [
            Solution(float(entropy[r]), float(within[r]), counted[r], float(temperature[r]), labels[r], r)
            for r in range(restarts)
        ]
        if max(counted) == 1:
            break
        labels, temperature = _merged(labels, parts, temperature)
        labels, parts = settle(x, labels, k, temperature)
    return points


def _merged(labels: Ints, parts: Parts, temperature: Floats) -> tuple[Ints, Floats]:
    """Merge in each restart the two topics that raise the distance within least for the entropy they save."""
    sizes, means, _ = parts
    n, k = labels.shape[1], sizes.shape[1]
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


def unbiased(point: Solution, n: int) -> Solution:
    """Return the point with the distance that sentences drawn anew would have: k means were fitted to n of them."""
    return replace(point, within=point.within * (n - 1) / max(n - point.k, 1))


def hull_of(points: list[Solution]) -> list[Solution]:
    """Return the points on the lower convex hull, from the coarsest on while the distance within falls."""
    hull: list[Solution] = []
    for point in sorted(points, key=lambda one: (one.entropy, one.within)):
        if hull and point.within >= hull[-1].within - 1e-12:
            continue
        while len(hull) > 1 and _steepness(hull[-2], hull[-1]) <= _steepness(hull[-1], point):
            hull.pop()
        hull.append(point)
    return hull


def _steepness(coarse: Solution, fine: Solution) -> float:
    return (coarse.within - fine.within) / max(fine.entropy - coarse.entropy, 1e-12)


def kink_of(hull: list[Solution], whole: float, start: int) -> Solution:
    """Return the solution at the sharpest corner of the hull, both axes scaled to 0 to 1."""
    scale = math.log(start) / whole
    if len(hull) < 2:
        return hull[0]
    steep = [math.atan(scale * _steepness(*pair)) for pair in itertools.pairwise(hull)] + [0.0]
    return hull[1 + int(np.argmax(-np.diff(steep)))]


def nearest_in_number(points: list[Solution], k: int) -> Solution:
    """Return the solution whose number of topics is nearest to `k`, of equals the tightest."""
    return min(points, key=lambda one: (abs(one.k - k), one.within))
