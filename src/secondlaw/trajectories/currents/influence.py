"""How much each block moves the coefficients of a fitted force field: the spread of its values over fits."""

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.currents.fields import LinearField
from secondlaw.trajectories.currents.fitting import FieldFit
from secondlaw.trajectories.currents.moments import batches
from secondlaw.trajectories.currents.steps import Steps

__all__ = ["force_influence"]

Floats = NDArray[np.float64]

_RIDGE = 1e-4  # of the diagonal: the weakest of the path


def force_influence(steps: Steps, fit: FieldFit, *, state_noise: bool) -> Floats | None:
    r"""Return the influence of each block on the coefficients, shape (B, dim, K); None for networks.

    ``G^-1 (m_b - G_b theta) / n`` with the currents and costs of block b: the sandwich. The sum of their squares is the
    variance of a coefficient; bias by ridge and shrinkage is not in it.
    """
    moments = fit.moments
    if moments is None or not isinstance(fit.whole, LinearField):
        return None
    functions, theta = fit.whole.functions, fit.whole.weights
    _, gram = moments.system(np.ones(len(moments.gram), dtype=np.bool_))
    n, d, count = float(moments.rows.sum()), steps.dim, functions.count
    rows = steps.rows[1]
    pulled = np.zeros((len(moments.rows), d * count))
    diffusion = moments.spread.sum(axis=0) / n
    for part in batches(rows, d * count):
        edges = np.flatnonzero(np.diff(rows.block[part], prepend=-1))
        which = rows.block[part][edges]
        moved = steps.states[rows.stop[part]] - steps.states[rows.start[part]]
        for ends in (rows.start[part], rows.stop[part]):
            values = functions.values(steps.states[ends], steps.times[ends])
            force = values @ theta.T
            if state_noise:
                pushed = moved * (moved * force).sum(axis=1, keepdims=True) / (2.0 * steps.dt)
            else:
                pushed = force @ diffusion
            table = (pushed[:, :, None] * values[:, None, :]).reshape(len(values), -1)
            pulled[which] += 0.5 * np.add.reduceat(table, edges, axis=0)
    off = (moments.current - pulled) / n
    off -= off.mean(axis=0)
    stiff = gram + _RIDGE * np.diag(np.maximum(np.diag(gram), 1e-300))
    return np.asarray(np.linalg.solve(stiff, off.T).T.reshape(-1, d, count))
