r"""How fast the density changes, :math:`\partial_t \ln p`, learnt from currents: the system's entropy production.

Far from a steady state a trajectory produces :math:`\int D^{-1}\nu \circ dx - \int \partial_t \ln p\,dt`
(arXiv 2504.19007). Since :math:`\langle h\,\partial_t \ln p\rangle = d_t\langle h\rangle - \langle\partial_t h\rangle
= \langle \nabla h \circ dx \rangle / dt` for any function h of state and time, least squares of
:math:`a = \partial_t \ln p` on functions :math:`h_a` need the currents of their gradients alone.
"""

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.currents.bases import Basis, PolynomialBasis
from secondlaw.trajectories.currents.fields import StateFunctions
from secondlaw.trajectories.currents.fitting import best_of_path
from secondlaw.trajectories.currents.moments import Moments, batches, gram_of
from secondlaw.trajectories.currents.steps import Steps

__all__ = ["density_functions", "fit_density_rate"]

Floats = NDArray[np.float64]


def density_functions(steps: Steps, basis: Basis, time_degree: int) -> StateFunctions:
    """Return functions whose gradients are like the fields of the basis, the constant among them."""
    chosen = basis.potentials()
    if isinstance(chosen, PolynomialBasis):
        chosen = PolynomialBasis(chosen.degree)
    return StateFunctions(steps.coordinates, chosen, time_degree)


def fit_density_rate(steps: Steps, functions: StateFunctions) -> Floats:
    """Return the coefficients of ``d ln p / dt``, shape (K,); the ridge is chosen on folds.

    Parameters
    ----------
    steps : Steps
    functions : StateFunctions
        Of state and time, with the constant.
    """
    rows = steps.rows[1]
    currents = np.zeros((steps.layout.blocks, functions.count))
    for part in batches(rows, steps.dim * functions.count):
        start, stop = rows.start[part], rows.stop[part]
        moved = steps.states[stop] - steps.states[start]
        middle = (steps.states[stop] + steps.states[start]) / 2.0
        times = (steps.times[start] + steps.times[stop]) / 2.0
        flow = np.einsum("nai,ni->na", functions.gradients(middle, times), moved)
        edges = np.flatnonzero(np.diff(rows.block[part], prepend=-1))
        currents[rows.block[part][edges]] += np.add.reduceat(flow, edges, axis=0)
    currents /= steps.dt
    spread = np.ones((steps.layout.blocks, 1, 1))
    moments = Moments(
        functions, rows.counts, currents, currents, spread, gram_of(steps, functions), steps.fold_of_block(),
        float(functions.count), True,
    )  # fmt: skip
    return best_of_path(moments)
