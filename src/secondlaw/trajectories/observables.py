"""What antisymmetric observables of a transition are: named functions with ``g(x0, x1) = -g(x1, x0)`` that add up.

Sums of them over a trajectory are currents. Their *order* is the number of variables that one of them combines.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput

__all__ = ["CustomObservables", "Observables", "Table", "Together", "require_antisymmetry"]

Floats = NDArray[np.float64]


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


class Table:
    """Products by way of the table of values, for observables that only say their values."""

    def values(self, x0: Floats, x1: Floats) -> Floats:
        """Return the observables of each transition, shape (n, d)."""
        raise NotImplementedError

    def project(self, x0: Floats, x1: Floats, theta: Floats) -> Floats:
        """Return ``g . theta``, shape (n, P)."""
        return self.values(x0, x1) @ theta

    def pull(self, x0: Floats, x1: Floats, weights: Floats) -> Floats:
        """Return ``sum g weight``, shape (d, P)."""
        return self.values(x0, x1).T @ weights


@dataclass(frozen=True)
class CustomObservables(Table):
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
    >>> from secondlaw.trajectories import CrossCorrelations, StateChanges
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
