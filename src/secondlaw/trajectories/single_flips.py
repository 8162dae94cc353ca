"""Trajectories of binary variables of which at most one changes a step, as flips of single spins."""

import numpy as np

from secondlaw.errors import InvalidInput
from secondlaw.trajectories.containers import Trajectories
from secondlaw.trajectories.flips import Flips

__all__ = ["flips_of"]


def flips_of(data: Trajectories) -> Flips:
    """Return each state with the variable that changes in the next step.

    Raises
    ------
    InvalidInput
        If two variables change in one step: the dynamics then are no flips of single spins.

    Examples
    --------
    >>> flips = flips_of(Trajectories.of([np.array([[0, 1], [1, 1], [1, 1], [1, 0]])]))
    >>> flips.spins.tolist(), flips.flipped.tolist()
    ([[-1, 1], [1, 1], [1, 1]], [[True, False], [False, False], [False, True]])
    """
    low = np.min([one.min(axis=0) for one in data.series], axis=0)
    pairs = data.transitions(1)
    flipped = pairs.x0 != pairs.x1
    most = int(flipped.sum(axis=1).max(initial=0))
    if most > 1:
        raise InvalidInput(f"up to {most} variables change in one step: flips of single spins change one; use maxent")
    return Flips.of(np.where(pairs.x0 > low, 1, -1), flipped)
