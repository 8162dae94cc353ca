"""Observables of standardised variables: a shift or another unit of a variable must not change a value.

Products of a variable that lies far from 0, such as a temperature in kelvin, are all but multiples of the variable
itself, and penalties then hide what tells them apart.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.containers import Transitions
from secondlaw.trajectories.observables import Observables

__all__ = ["Standardized", "standardized"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Standardized:
    """Observables of ``(x - centre) / scale``, named by the variables as they were given.

    Parameters
    ----------
    observables : Observables
    centre, scale : ndarray, shape (dim,)

    Examples
    --------
    >>> from secondlaw.trajectories import StateChanges
    >>> found = Standardized(StateChanges(("a",)), np.array([300.0]), np.array([2.0]))
    >>> found.values(np.array([[300.0]]), np.array([[304.0]]))
    array([[2.]])
    """

    observables: Observables
    centre: Floats
    scale: Floats

    @property
    def names(self) -> tuple[str, ...]:
        """Names."""
        return self.observables.names

    @property
    def orders(self) -> NDArray[np.int64]:
        """Number of variables that each combines, shape (d,)."""
        return self.observables.orders

    def values(self, x0: Floats, x1: Floats) -> Floats:
        """Return the observables of each transition, shape (n, d)."""
        return self.observables.values(self._turned(x0), self._turned(x1))

    def project(self, x0: Floats, x1: Floats, theta: Floats) -> Floats:
        """Return ``g . theta``, shape (n, P)."""
        return self.observables.project(self._turned(x0), self._turned(x1), theta)

    def pull(self, x0: Floats, x1: Floats, weights: Floats) -> Floats:
        """Return ``sum g weight``, shape (d, P)."""
        return self.observables.pull(self._turned(x0), self._turned(x1), weights)

    def _turned(self, x: Floats) -> Floats:
        return np.asarray((x - self.centre) / self.scale)


def standardized(observables: Observables, pairs: Transitions) -> Standardized:
    """Return observables of the variables less their mean, over their standard deviation.

    Both are over `x0` and `x1` together: in windows, variables that are odd under time reversal keep their 0.
    """
    centre = (pairs.x0.mean(axis=0) + pairs.x1.mean(axis=0)) / 2.0
    spread = np.sqrt((((pairs.x0 - centre) ** 2).mean(axis=0) + ((pairs.x1 - centre) ** 2).mean(axis=0)) / 2.0)
    return Standardized(observables, centre, np.where(spread > 0.0, spread, 1.0))
