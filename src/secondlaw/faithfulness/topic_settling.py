r"""Sentences to topics at one temperature: k-means++ seeds, the rule of UDIB or k-means, all restarts at once.

As the mean squared distance of a sentence to the members of a topic is :math:`|x_i|^2 + \overline{|x_j|^2} - 2 x_i
\cdot \mu_c`, one matrix product gives the cost of every topic for every sentence in every restart (arXiv:2509.03533).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Parts", "cost_of", "means_of", "place", "seeded", "settle"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROUNDS = 30
"""Reassignments at one temperature at most; they settle in under 10."""


class Parts(NamedTuple):
    """Sizes (R, k), means (R, k, d) and mean squares (R, k) of the topics of each restart."""

    sizes: Floats
    means: Floats
    squares: Floats


def seeded(x: Floats, k: int, restarts: int, rng: np.random.Generator) -> Ints:
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


def means_of(x: Floats, labels: Ints, k: int) -> Parts:
    """Return what the rule needs to know of topics."""
    restarts, n = labels.shape
    flat = labels + np.arange(restarts)[:, None] * k
    members = np.zeros((restarts * k, n))
    members[flat.ravel(), np.tile(np.arange(n), restarts)] = 1.0
    sizes = members.sum(axis=1)
    per = np.maximum(sizes, 1.0)
    means = (members @ x) / per[:, None]
    squares = (members @ (x**2).sum(axis=1)) / per
    return Parts(sizes.reshape(restarts, k), means.reshape(restarts, k, -1), squares.reshape(restarts, k))


def cost_of(x: Floats, sizes: Floats, means: Floats, squares: Floats, tau: Floats | None) -> Floats:
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


def settle(x: Floats, labels: Ints, k: int, tau: Floats | None) -> tuple[Ints, Parts]:
    """Return labels that no sentence would leave: each goes to its cheapest topic until none moves; and their parts."""
    parts = means_of(x, labels, k)
    for _ in range(ROUNDS):
        new = cost_of(x, *parts, tau).argmin(axis=1)
        if (new == labels).all():
            break
        labels, parts = new, means_of(x, new, k)
    return labels, parts


def place(parts: Parts) -> tuple[Floats, Floats]:
    """Return the entropy of topics and the mean squared distance within them, of each restart."""
    sizes, means, squares = parts
    shares = sizes / sizes.sum(axis=1, keepdims=True)
    entropy = -(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(axis=1)
    within = 2.0 * (shares * (squares - (means**2).sum(axis=2))).sum(axis=1)
    return entropy, np.maximum(within, 0.0)
