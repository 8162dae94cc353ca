"""The observables that are taken where none are named."""

import numpy as np

from secondlaw.trajectories.containers import Transitions
from secondlaw.trajectories.correlations import up_to_order
from secondlaw.trajectories.observables import Observables
from secondlaw.trajectories.standardized import standardized
from secondlaw.trajectories.window_rows import WindowProducts, Windows

__all__ = ["default_observables"]


def default_observables(pairs: Transitions, order: int = 2, *, binary: bool | None = None) -> Observables:
    """Return all observables up to `order`; variables that only take two values are found.

    For windows, products of variables at all times within the window. Variables of more than two values are
    standardised, so that neither their unit nor where their 0 lies changes what is found.
    """
    if binary is None:
        binary = all(len(np.unique(column)) <= 2 for column in pairs.x0.T)
    if isinstance(pairs, Windows):
        found: Observables = WindowProducts.of(pairs, order, squares=not binary)
    else:
        found = up_to_order(pairs.variables, order, binary=binary)
    return found if binary else standardized(found, pairs)
