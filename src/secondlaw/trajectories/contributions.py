r"""How the held-out value divides among observables: an attribution that adds up, with paired intervals.

Along the path :math:`t\,\theta`, t from 0 to 1, each held-out row value grows at a rate that is a sum over
observables, :math:`\theta_a [g_a (1 + w_t) - \langle g_a\rangle_t (w_t - 1)]`, with the weights
:math:`w_t = e^{-t\theta g - b_t}` and training values of :math:`b_t, \langle g\rangle_t`. Its integral (Aumann &
Shapley, 1974; here by five Gauss-Legendre nodes) is the
contribution of a. Contributions of correlated observables may be negative. They say where the fitted bound comes
from, not what each observable would show alone: for that, fit nested sets.
"""

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.cross_fitting import CrossFit
from secondlaw.trajectories.dual import Form, evaluate
from secondlaw.trajectories.rows import Rows

__all__ = ["MOST_ATTRIBUTED", "block_contributions"]

Floats = NDArray[np.float64]

MOST_ATTRIBUTED = 1 << 22  # blocks x observables up to which contributions are computed: 32 MiB
_NODES = 5


def block_contributions(rows: Rows, fit: CrossFit, form: Form) -> Floats:
    """Return the sum of each observable's contribution over each block, shape (B, d).

    Parameters
    ----------
    rows : Rows
    fit : CrossFit
    form : {"exponential", "quadratic"}
    """
    layout = rows.layout
    folds = fit.theta.shape[1]
    fold_of = np.repeat(np.arange(folds), layout.fold_sizes)
    block_fold = np.repeat(np.arange(folds), np.diff(layout.folds))
    theta = fit.theta[:, block_fold].T  # (B, d)
    if form == "quadratic":
        return theta * rows.block_sums(2.0 - 0.5 * fit.work)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    times, weights = (nodes + 1.0) / 2.0, weights / 2.0
    trains = np.tile(~np.eye(folds, dtype=np.bool_), (_NODES, 1))
    along = np.concatenate([t * fit.theta for t in times], axis=1)
    _, _, log_norm, tilted = evaluate(rows, along, trains, form)
    log_norm, tilted = log_norm.reshape(_NODES, folds), tilted.reshape(-1, _NODES, folds)
    factor, shift = np.zeros(layout.n), np.zeros((layout.blocks, rows.size))
    for node, (t, weight) in enumerate(zip(times, weights, strict=True)):
        with np.errstate(over="ignore"):
            tilt = np.exp(-t * fit.work - log_norm[node, fold_of])
        factor += weight * (1.0 + tilt)
        excess = np.add.reduceat(tilt - 1.0, layout.starts[:-1])
        shift += weight * excess[:, None] * tilted[:, node, block_fold].T
    return theta * (rows.block_sums(factor) - shift)
