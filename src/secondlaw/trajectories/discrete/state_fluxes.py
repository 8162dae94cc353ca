"""Antisymmetric observables of discrete states: net jumps, and net counts of words against their reversals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.trajectories.observables import Table

__all__ = ["StateFluxes"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class StateFluxes(Table):
    """Net jumps a -> b of one discrete variable with states 0 .. states - 1, for all a < b: complete for lag-1 pairs.

    Examples
    --------
    >>> StateFluxes(3).values(np.array([[0.0], [2.0]]), np.array([[1.0], [0.0]]))
    array([[ 1.,  0.,  0.],
           [ 0., -1.,  0.]])
    """

    states: int

    @property
    def names(self) -> tuple[str, ...]:
        """Names."""
        return tuple(f"{a} -> {b}" for a, b in zip(*np.triu_indices(self.states, 1), strict=True))

    @property
    def orders(self) -> NDArray[np.int64]:
        """1 each: one variable."""
        return np.ones(self.states * (self.states - 1) // 2, dtype=np.int64)

    def values(self, x0: Floats, x1: Floats) -> Floats:
        """Return the observables, shape (n, d)."""
        if x0.shape[1] != 1:
            raise InvalidInput(f"state fluxes need one discrete variable, got {x0.shape[1]}")
        a, b = (np.rint(x[:, 0]).astype(np.int64) for x in (x0, x1))
        if min(a.min(), b.min()) < 0 or max(a.max(), b.max()) >= self.states or (a != x0[:, 0]).any():
            raise InvalidInput(f"state fluxes need whole numbers from 0 to {self.states - 1}")
        low, high = np.minimum(a, b), np.maximum(a, b)
        column = low * self.states - low * (low + 1) // 2 + high - low - 1
        out, moved = np.zeros((len(a), len(self.orders))), np.flatnonzero(a != b)
        out[moved, column[moved]] = np.sign(b - a)[moved]
        return out


@dataclass(frozen=True)
class WordFluxes(Table):
    """How often each word of successive states occurs, less its reversal: complete for windows of one variable.

    Parameters
    ----------
    states : int
    points : int
        Symbols of a word, as in the windows that are fitted; at most 2**22 words.

    Examples
    --------
    >>> WordFluxes(2, 3).names
    ('0 0 1', '0 1 1')
    >>> len(WordFluxes(3, 3).orders)
    9
    """

    states: int
    points: int

    def __post_init__(self) -> None:
        if self.points < 2 or self.states < 2 or self.states**self.points > 1 << 22:
            raise InvalidInput(
                f"words need two symbols or more and {1 << 22} kinds at most, got {self.points} of {self.states} states"
            )

    @property
    def _words(self) -> NDArray[np.int64]:
        """Return the number of each word that is less than its reversal."""
        numbers = np.arange(self.states**self.points)
        return numbers[numbers < self._turned(numbers)]

    def _turned(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        out, rest = np.zeros_like(numbers), numbers.copy()
        for _ in range(self.points):
            out, rest = out * self.states + rest % self.states, rest // self.states
        return out

    @property
    def names(self) -> tuple[str, ...]:
        """Names."""
        places = self.states ** np.arange(self.points - 1, -1, -1)
        return tuple(" ".join(str(symbol) for symbol in (word // places) % self.states) for word in self._words)

    @property
    def orders(self) -> NDArray[np.int64]:
        """1 each: one variable."""
        return np.ones(len(self._words), dtype=np.int64)

    def columns(self, x0: Floats) -> tuple[NDArray[np.int64], Floats]:
        """Return the observable that each window touches and its sign, 0 for palindromes; shapes (n,)."""
        if x0.shape[1] != self.points:
            raise InvalidInput(
                f"words of {self.points} symbols need windows of one variable, got {x0.shape[1]} columns"
            )
        codes = np.rint(x0).astype(np.int64)
        if codes.min(initial=0) < 0 or codes.max(initial=0) >= self.states or (codes != x0).any():
            raise InvalidInput(f"words need whole numbers from 0 to {self.states - 1}")
        number = codes @ self.states ** np.arange(self.points - 1, -1, -1)
        turned = self._turned(number)
        place = np.searchsorted(self._words, np.minimum(number, turned))
        return np.minimum(place, len(self._words) - 1), np.sign(turned - number).astype(np.float64)

    def values(self, x0: Floats, x1: Floats) -> Floats:
        """Return the observables, shape (n, d)."""
        column, sign = self.columns(x0)
        out = np.zeros((len(x0), len(self.orders)))
        out[np.arange(len(x0)), column] = sign
        return out
