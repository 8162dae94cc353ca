"""Antisymmetric observables of a transition: they change sign when the transition is reversed, and they add up in time.

``g(x0, x1) = -g(x1, x0)``. Sums of them over a trajectory are currents. Their *order* is the number of variables that
one of them combines:

* 1: ``x_i(t+1) - x_i(t)``;
* 2: ``x_i(t+1) x_j(t) - x_i(t) x_j(t+1)`` (correlations in time) and the changes of ``x_i x_j``;
* 3: ``x_i(t+1) x_j(t+1) x_k(t) - x_i(t) x_j(t) x_k(t+1)``.

Changes of a function of the state have mean zero in a stationary state and yet raise the bound: they enter the
normalisation (for the bead-spring chain of two beads from .99 to the exact 1.99, arXiv 2505.10444).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput

__all__ = [
    "CrossCorrelations",
    "CustomObservables",
    "Observables",
    "StateChanges",
    "StateFluxes",
    "Together",
    "TripleCorrelations",
    "require_antisymmetry",
    "up_to_order",
]

Floats = NDArray[np.float64]

_MIXED = 64  # variables from which the matrix products over all pairs beat a table of the observables


class Observables(Protocol):
    """Named antisymmetric functions of a transition."""

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each observable that can be shown."""

    @property
    def orders(self) -> NDArray[np.int64]:
        """Number of variables that each combines, shape (d,)."""

    def values(self, x0: Floats, x1: Floats) -> Floats:
        """Return the observables of each transition, shape (n, d)."""

    def project(self, x0: Floats, x1: Floats, theta: Floats) -> Floats:
        """Return ``g . theta`` for parameters of shape (d, P), shape (n, P)."""

    def pull(self, x0: Floats, x1: Floats, weights: Floats) -> Floats:
        """Return ``sum over rows of g weight`` for weights of shape (n, P), shape (d, P)."""


class _Table:
    """Products by way of the table of values."""

    def values(self, x0: Floats, x1: Floats) -> Floats:
        raise NotImplementedError

    def project(self, x0: Floats, x1: Floats, theta: Floats) -> Floats:
        return self.values(x0, x1) @ theta

    def pull(self, x0: Floats, x1: Floats, weights: Floats) -> Floats:
        return self.values(x0, x1).T @ weights


@dataclass(frozen=True)
class StateChanges(_Table):
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
class CrossCorrelations(_Table):
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
class TripleCorrelations(_Table):
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


@dataclass(frozen=True)
class StateFluxes(_Table):
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
class CustomObservables(_Table):
    """Any function of (x0, x1) with values (n, d); its antisymmetry is checked on the data.

    Parameters
    ----------
    function : callable
    labels : tuple of str
        A name for each of its d columns.
    order : int
        Shown in the decomposition by order.
    """

    function: Callable[[Floats, Floats], Floats]
    labels: tuple[str, ...]
    order: int = 1

    @property
    def names(self) -> tuple[str, ...]:
        """Names."""
        return self.labels

    @property
    def orders(self) -> NDArray[np.int64]:
        """As given."""
        return np.full(len(self.labels), self.order, dtype=np.int64)

    def values(self, x0: Floats, x1: Floats) -> Floats:
        """Return the observables, shape (n, d)."""
        out = np.asarray(self.function(x0, x1), dtype=np.float64)
        if out.shape != (len(x0), len(self.labels)):
            raise InvalidInput(f"the function returned shape {out.shape}, not ({len(x0)}, {len(self.labels)})")
        return out


@dataclass(frozen=True)
class Together:
    """Several sets of observables as one.

    Parameters
    ----------
    parts : tuple of Observables

    Examples
    --------
    >>> both = Together((StateChanges(("a", "b")), CrossCorrelations(("a", "b"))))
    >>> both.orders
    array([1, 1, 2])
    """

    parts: tuple[Observables, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all parts."""
        return tuple(name for part in self.parts for name in part.names)

    @property
    def orders(self) -> NDArray[np.int64]:
        """Orders of all parts."""
        return np.concatenate([part.orders for part in self.parts])

    def values(self, x0: Floats, x1: Floats) -> Floats:
        """Return the observables, shape (n, d)."""
        return np.concatenate([part.values(x0, x1) for part in self.parts], axis=1)

    def project(self, x0: Floats, x1: Floats, theta: Floats) -> Floats:
        """Return ``g . theta``, shape (n, P)."""
        out, start = np.zeros((len(x0), theta.shape[1])), 0
        for part in self.parts:
            stop = start + len(part.orders)
            out += part.project(x0, x1, theta[start:stop])
            start = stop
        return out

    def pull(self, x0: Floats, x1: Floats, weights: Floats) -> Floats:
        """Return ``sum g weight``, shape (d, P)."""
        return np.concatenate([part.pull(x0, x1, weights) for part in self.parts])


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


def require_antisymmetry(observables: Observables, x0: Floats, x1: Floats) -> None:
    """Raise InvalidInput if an observable does not change sign when the transitions are reversed.

    Raises
    ------
    InvalidInput
        With the name of the worst observable; reverse samples would be needed for it.
    """
    forward, backward = observables.values(x0, x1), observables.values(x1, x0)
    if not np.isfinite(forward).all():
        raise InvalidInput("an observable is not finite on the data: check divisions and logarithms")
    scale = np.abs(forward).max(initial=0.0, axis=0) + np.abs(backward).max(initial=0.0, axis=0)
    gap = np.abs(forward + backward).max(initial=0.0, axis=0)
    if (gap > 1e-9 * scale + 1e-300).any():
        worst = int(np.argmax(gap / np.maximum(scale, 1e-300)))
        raise InvalidInput(
            f"the observable {observables.names[worst]!r} is not antisymmetric: reversed, it changes by "
            f"{gap[worst]:.3g} beside its sign; use g(x0, x1) - g(x1, x0)"
        )
