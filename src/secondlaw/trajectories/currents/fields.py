"""Functions of state and time, and the vector fields that are combinations of them."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.currents.bases import Basis
from secondlaw.trajectories.currents.steps import Coordinates

__all__ = ["BATCH", "Field", "LinearField", "StateFunctions"]

Floats = NDArray[np.float64]

BATCH = 8192
"""Rows of a batch."""


class Field(Protocol):
    """A vector field in standardised coordinates."""

    def __call__(self, z: Floats, times: Floats) -> Floats:
        """Return the field, shape (n, dim), at states (n, dim) and times (n,)."""


@dataclass(frozen=True, slots=True)
class StateFunctions:
    """The functions of a basis, each times Legendre polynomials of time where fields depend on time.

    Parameters
    ----------
    coordinates : Coordinates
    basis : Basis
        Fitted.
    time_degree : int or None
        Highest degree of the polynomials of time; None without.
    """

    coordinates: Coordinates
    basis: Basis
    time_degree: int | None = None

    @property
    def count(self) -> int:
        """Number of functions K."""
        return int(self.values(np.zeros((1, self.coordinates.dim)), np.zeros(1)).shape[1])

    def values(self, z: Floats, times: Floats) -> Floats:
        """Return the functions, shape (n, K)."""
        return self._in_time(self.basis.values(self.coordinates.features(z)), times)

    def gradients(self, z: Floats, times: Floats) -> Floats:
        """Return their gradients by the standardised state, shape (n, K, dim)."""
        slopes = self.coordinates.chain(z, self.basis.slopes(self.coordinates.features(z)))
        return np.stack([self._in_time(slopes[:, :, axis], times) for axis in range(slopes.shape[2])], axis=2)

    def _in_time(self, values: Floats, times: Floats) -> Floats:
        if self.time_degree is None:
            return values
        legendre = np.polynomial.legendre.legvander(self.coordinates.clock(times), self.time_degree)
        legendre = legendre * np.sqrt(2.0 * np.arange(self.time_degree + 1) + 1.0)
        return np.asarray((values[:, :, None] * legendre[:, None, :]).reshape(len(values), -1))


@dataclass(frozen=True, slots=True)
class LinearField:
    """A combination of functions: component i is ``sum_a weights[i, a] f_a``.

    Parameters
    ----------
    functions : StateFunctions
    weights : ndarray, shape (dim, K)
    """

    functions: StateFunctions
    weights: Floats

    def __call__(self, z: Floats, times: Floats) -> Floats:
        """Return the field, shape (n, dim)."""
        out = np.empty(z.shape)
        for a in range(0, len(z), BATCH):
            out[a : a + BATCH] = self.functions.values(z[a : a + BATCH], times[a : a + BATCH]) @ self.weights.T
        return out
