"""How unequally variables act on each other: the parameters of correlations in time, as an antisymmetric matrix."""

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.correlations import CrossCorrelations
from secondlaw.trajectories.observables import Observables, Together
from secondlaw.trajectories.standardized import Standardized

__all__ = ["coupling_asymmetry"]

Floats = NDArray[np.float64]


def coupling_asymmetry(observables: Observables, theta: Floats) -> Floats | None:
    """Return the parameters of ``x_i' x_j - x_i x_j'``, shape (N, N), or None where there are no such observables.

    For spins of -1 and 1 that are all updated at once by Glauber's rule they are ``beta (J_ij - J_ji)``.

    Parameters
    ----------
    observables : Observables
    theta : ndarray, shape (d,)

    Examples
    --------
    >>> coupling_asymmetry(CrossCorrelations(("a", "b")), np.array([0.5]))
    array([[ 0. ,  0.5],
           [-0.5,  0. ]])
    """
    if isinstance(observables, Standardized):  # in the units in which the variables were given
        found = coupling_asymmetry(observables.observables, theta)
        return None if found is None else found / np.outer(observables.scale, observables.scale)
    parts = observables.parts if isinstance(observables, Together) else (observables,)
    start = 0
    for part in parts:
        stop = start + len(part.orders)
        if isinstance(part, CrossCorrelations):
            size = len(part.variables)
            out = np.zeros((size, size))
            out[np.triu_indices(size, 1)] = theta[start:stop]
            return np.asarray(out - out.T)
        start = stop
    return None
