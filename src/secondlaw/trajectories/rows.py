"""Observables of all rows, scaled to unit mean square, as products with parameters and with weights.

A table is held where it fits; otherwise the products run through the rows in batches and hold nothing.
"""

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import NotEnoughData
from secondlaw.trajectories.layout import Layout
from secondlaw.trajectories.observables import Observables

__all__ = ["Rows"]

Floats = NDArray[np.float64]

BATCH = 8192
MOST_HELD = 1 << 26  # numbers in a table that is held: 512 MiB
DENSE = 1500  # observables up to which their second moments are held: 18 MiB


class Rows:
    """Products of the scaled observables ``g / scale`` with parameters and weights.

    Parameters
    ----------
    layout : Layout
    observables : Observables
    hold : bool
        Whether a table may be held.

    Attributes
    ----------
    scale : ndarray, shape (d,)
        Root mean square of each observable; 1 for those that never differ from 0.
    silent : ndarray of bool, shape (d,)
        Those that never differ from 0.
    fold_sums : ndarray, shape (F, d)
        Sums of the scaled observables over each fold.
    """

    def __init__(self, layout: Layout, observables: Observables, *, hold: bool = True) -> None:
        self.layout, self.observables = layout, observables
        self.size = len(observables.orders)
        self._table = observables.values(layout.x0, layout.x1) if hold and layout.n * self.size <= MOST_HELD else None
        self.scale, self.silent = np.ones(self.size), np.zeros(self.size, dtype=np.bool_)
        squares = np.zeros(self.size)
        for a, b in self.batches(0, layout.n):
            squares += (self._values(a, b) ** 2).sum(axis=0)
        self.silent = squares <= 0.0
        if self.silent.all():
            raise NotEnoughData(
                "no observable ever differs from 0: the data never move, or the observables do not fit them"
            )
        self.scale = np.where(self.silent, 1.0, np.sqrt(squares / layout.n))
        if self._table is not None:
            self._table = self._table / self.scale
        bounds = layout.fold_rows
        self.fold_sums = np.stack([self.weighted_sum(a, b, None)[:, 0] for a, b in itertools.pairwise(bounds)])

    def batches(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Yield the bounds of batches of rows between `start` and `stop`."""
        for a in range(start, stop, BATCH):
            yield a, min(stop, a + BATCH)

    def project(self, start: int, stop: int, theta: Floats) -> Floats:
        """Return ``g . theta`` of rows, shape (rows, P)."""
        if self._table is not None:
            return self._table[start:stop] @ theta
        x0, x1 = self.layout.x0[start:stop], self.layout.x1[start:stop]
        return self.observables.project(x0, x1, theta / self.scale[:, None])

    def pull(self, start: int, stop: int, weights: Floats) -> Floats:
        """Return ``sum g weight`` over rows, shape (d, P)."""
        if self._table is not None:
            return self._table[start:stop].T @ weights
        x0, x1 = self.layout.x0[start:stop], self.layout.x1[start:stop]
        return self.observables.pull(x0, x1, weights) / self.scale[:, None]

    def weighted_sum(self, start: int, stop: int, weights: Floats | None) -> Floats:
        """Return ``sum g weight`` in batches; all weights are 1 if None."""
        total = np.zeros((self.size, 1 if weights is None else weights.shape[1]))
        for a, b in self.batches(start, stop):
            total += self.pull(a, b, np.ones((b - a, 1)) if weights is None else weights[a - start : b - start])
        return total

    def block_sums(self, weights: Floats | None = None) -> Floats:
        """Return ``sum g weight`` over each block for weights of shape (n,), shape (B, d)."""
        starts = self.layout.starts
        out = np.empty((len(starts) - 1, self.size))
        for number, (a, b) in enumerate(itertools.pairwise(starts)):
            chosen = None if weights is None else weights[a:b, None]
            out[number] = self.weighted_sum(int(a), int(b), chosen)[:, 0]
        return out

    def second_moments(self) -> Floats:
        """Return the mean of ``g g^T`` over all rows, shape (d, d)."""
        total = np.zeros((self.size, self.size))
        for a, b in self.batches(0, self.layout.n):
            values = self._values(a, b) if self._table is not None else self._values(a, b) / self.scale
            total += values.T @ values
        return total / self.layout.n

    def _values(self, start: int, stop: int) -> Floats:
        if self._table is not None:
            return self._table[start:stop]
        return self.observables.values(self.layout.x0[start:stop], self.layout.x1[start:stop])
