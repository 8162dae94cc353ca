"""Draws of one of several kinds, many at once, from weights of any shape."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["chosen", "chosen_by_logs", "chosen_by_sums"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def chosen(weights: Floats, rng: np.random.Generator) -> Ints:
    """Return draws over the last axis in proportion to the weights."""
    return chosen_by_sums(np.cumsum(weights, axis=-1), rng)


def chosen_by_logs(logs: Floats, rng: np.random.Generator) -> Ints:
    """Return draws over the last axis in proportion to weights given by their logarithms, up to a constant."""
    return chosen(np.exp(logs - logs.max(axis=-1, keepdims=True)), rng)


def chosen_by_sums(sums: Floats, rng: np.random.Generator) -> Ints:
    """Return draws over the last axis in proportion to weights given by their cumulated sums."""
    drawn = rng.random((*sums.shape[:-1], 1)) * sums[..., -1:]
    return np.asarray(np.minimum((sums <= drawn).sum(axis=-1), sums.shape[-1] - 1), dtype=np.int64)
