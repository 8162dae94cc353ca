"""Antisymmetric observables of variables with values: changes and correlations in time, by order.

* 1: ``x_i(t+1) - x_i(t)``;
* 2: ``x_i(t+1) x_j(t) - x_i(t) x_j(t+1)`` (correlations in time) and the changes of ``x_i x_j``;
* 3: ``x_i(t+1) x_j(t+1) x_k(t) - x_i(t) x_j(t) x_k(t+1)``.

Changes of a function of the state have mean zero in a stationary state and yet raise the bound: they enter the
normalisation (for the bead-spring chain of two beads from .99 to the exact 1.99, arXiv 2505.10444).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.trajectories.observables import Observables, Table, Together

__all__ = ["CrossCorrelations", "StateChanges", "TripleCorrelations", "up_to_order"]

Floats = NDArray[np.float64]

_MIXED = 64  # variables from which the matrix products over all pairs beat a table of the observables


@dataclass(frozen=True)
class StateChanges(Table):
    """Changes of the variables (order 1) or of their products and squares (order 2).

    Parameters
    ----------
    variables : tuple of str
    order : {1, 2}
    squares : bool
        Whether order 2 holds the squares; for binary variables they are the variables again (or constant).

    Examples
    --------
    >>> StateChanges(("a", "b"), order=2).names
    ('change of a a', 'change of a b', 'change of b b')
    """

    variables: tuple[str, ...]
    order: int = 1
    squares: bool = True

    def __post_init__(self) -> None:
        if self.order not in (1, 2):
            raise InvalidInput(f"changes of the state are of order 1 or 2, got {self.order}")

    @property
    def _pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        first, second = np.triu_indices(len(self.variables), 0 if self.squares else 1)
        return first.astype(np.int64), second.astype(np.int64)

    @property
    def names(self) -> tuple[str, ...]:
        """Names."""
        v = self.variables
        if self.order == 1:
            return tuple(f"change of {name}" for name in v)
        return tuple(f"change of {v[i]} {v[j]}" for i, j in zip(*self._pairs, strict=True))

    @property
    def orders(self) -> NDArray[np.int64]:
        """All of the same order."""
        return np.full(len(self.variables) if self.order == 1 else len(self._pairs[0]), self.order, dtype=np.int64)

    def values(self, x0: Floats, x1: Floats) -> Floats:
        """Return the changes, shape (n, d)."""
        if self.order == 1:
            return x1 - x0
        i, j = self._pairs
        return x1[:, i] * x1[:, j] - x0[:, i] * x0[:, j]


@dataclass(frozen=True)
class CrossCorrelations(Table):
    """``x_i(t+1) x_j(t) - x_i(t) x_j(t+1)`` for all i < j.

    With many variables the products with parameters are matrix products over all pairs at once, ``theta . g`` being
    ``x1^T A x0`` with the antisymmetric matrix A of the parameters, and no table of observables is held.

    Examples
    --------
    >>> g = CrossCorrelations(("a", "b"))
    >>> g.names, g.values(np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]]))
    (("a' b - a b'",), array([[1.]]))
    """

    variables: tuple[str, ...]

    @property
    def _pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        first, second = np.triu_indices(len(self.variables), 1)
        return first.astype(np.int64), second.astype(np.int64)

    @property
    def names(self) -> tuple[str, ...]:
        """Names; the prime marks the later state."""
        v = self.variables
        return tuple(f"{v[i]}' {v[j]} - {v[i]} {v[j]}'" for i, j in zip(*self._pairs, strict=True))

    @property
    def orders(self) -> NDArray[np.int64]:
        """2 each."""
        return np.full(len(self._pairs[0]), 2, dtype=np.int64)

    def values(self, x0: Floats, x1: Floats) -> Floats:
        """Return the observables, shape (n, d)."""
        i, j = self._pairs
        return x1[:, i] * x0[:, j] - x0[:, i] * x1[:, j]

    def project(self, x0: Floats, x1: Floats, theta: Floats) -> Floats:
        """Return ``g . theta``, shape (n, P)."""
        if len(self.variables) < _MIXED:
            return self.values(x0, x1) @ theta
        size, out = len(self.variables), np.empty((len(x0), theta.shape[1]))
        matrix = np.zeros((size, size))
        for column in range(theta.shape[1]):
            matrix[self._pairs] = theta[:, column]
            out[:, column] = np.einsum("ni,ni->n", x1 @ (matrix - matrix.T), x0)
        return out

    def pull(self, x0: Floats, x1: Floats, weights: Floats) -> Floats:
        """Return ``sum g weight``, shape (d, P)."""
        if len(self.variables) < _MIXED:
            return self.values(x0, x1).T @ weights
        columns = []
        for weight in weights.T:
            product = (x1 * weight[:, None]).T @ x0
            columns.append((product - product.T)[self._pairs])
        return np.stack(columns, axis=1)


@dataclass(frozen=True)
class TripleCorrelations(Table):
    """``x_i(t+1) x_j(t+1) x_k(t) - x_i(t) x_j(t) x_k(t+1)`` for all i < j (and i = j with `squares`) and all k.

    Examples
    --------
    >>> TripleCorrelations(("a", "b")).names
    ("a' b' a - a b a'", "a' b' b - a b b'")
    """

    variables: tuple[str, ...]
    squares: bool = False

    @property
    def _triples(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        i, j = np.triu_indices(len(self.variables), 0 if self.squares else 1)
        size = len(self.variables)
        return np.repeat(i, size), np.repeat(j, size), np.tile(np.arange(size), len(i))

    @property
    def names(self) -> tuple[str, ...]:
        """Names; the prime marks the later state."""
        v = self.variables
        return tuple(f"{v[i]}' {v[j]}' {v[k]} - {v[i]} {v[j]} {v[k]}'" for i, j, k in zip(*self._triples, strict=True))

    @property
    def orders(self) -> NDArray[np.int64]:
        """3 each."""
        return np.full(len(self._triples[0]), 3, dtype=np.int64)

    def values(self, x0: Floats, x1: Floats) -> Floats:
        """Return the observables, shape (n, d)."""
        i, j, k = self._triples
        return x1[:, i] * x1[:, j] * x0[:, k] - x0[:, i] * x0[:, j] * x1[:, k]


def up_to_order(variables: Sequence[str], order: int = 2, *, binary: bool = False) -> Observables:
    """Return all observables of orders 1 to `order`.

    Parameters
    ----------
    variables : sequence of str
    order : {1, 2, 3}
    binary : bool
        Whether variables take two values, so that squares say nothing new.

    Examples
    --------
    >>> len(up_to_order(["a", "b"], 2).names), len(up_to_order(["a", "b"], 3, binary=True).names)
    (6, 6)
    """
    names = tuple(variables)
    if order not in (1, 2, 3):
        raise InvalidInput(f"the order of observables is 1, 2 or 3, got {order}")
    parts: list[Observables] = [StateChanges(names)]
    if order >= 2:
        if not binary or len(names) > 1:
            parts.append(StateChanges(names, order=2, squares=not binary))
        parts.append(CrossCorrelations(names))
    if order == 3:
        parts.append(TripleCorrelations(names, squares=not binary))
    return Together(tuple(part for part in parts if len(part.orders)))
