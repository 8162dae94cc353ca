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


def block_contributions(rows: Rows, fit: CrossFit, form: Form) -> tuple[Floats, Floats]:
    """Return the sum of each observable's contribution over each block, shape (B, d): to held-out rows, and to claims.

    Parameters
    ----------
    rows : Rows
    fit : CrossFit
    form : {"exponential", "quadratic"}
    """
    folds = fit.theta.shape[1]
    fold_of_block = np.repeat(np.arange(folds), np.diff(rows.layout.folds))
    others, everything = ~np.eye(folds, dtype=np.bool_), np.ones((1, folds), dtype=np.bool_)
    return (
        _contributions(rows, fit.theta, fold_of_block, fit.work, fit.kept, fit.most[:folds], others, form),
        _contributions(
            rows,
            fit.loosest_theta[:, None],
            0 * fold_of_block,
            fit.loosest_work,
            fit.loosest_kept,
            fit.most[-1:],
            everything,
            form,
        ),
    )


def _contributions(
    rows: Rows,
    thetas: Floats,
    fit_of_block: NDArray[np.int64],
    work: Floats,
    kept: Floats,
    most: Floats,
    trains: NDArray[np.bool_],
    form: Form,
) -> Floats:
    """Return contributions, shape (B, d), of fits (d, P) that trained on folds (P, F); each block is judged by one."""
    layout, fits = rows.layout, thetas.shape[1]
    theta = thetas[:, fit_of_block].T  # (B, d)
    if form == "quadratic":
        return theta * rows.block_sums(2.0 - 0.5 * work)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    times, weights = (nodes + 1.0) / 2.0, weights / 2.0
    along = np.concatenate([t * thetas for t in times], axis=1)
    _, _, log_norm, tilted = evaluate(rows, along, np.tile(trains, (_NODES, 1)), form, np.outer(times, most).ravel())
    log_norm, tilted = log_norm.reshape(_NODES, fits), tilted.reshape(-1, _NODES, fits)
    fit_of_row = np.repeat(fit_of_block, np.diff(layout.starts))
    factor, shift = np.zeros(layout.n), np.zeros((layout.blocks, rows.size))
    for node, (t, weight) in enumerate(zip(times, weights, strict=True)):
        tilt = np.exp(-t * work - log_norm[node, fit_of_row])
        factor += weight * (1.0 + tilt)
        excess = np.add.reduceat(tilt - 1.0, layout.starts[:-1])
        shift += weight * excess[:, None] * tilted[:, node, fit_of_block].T
    return theta * (rows.block_sums(factor * kept) - shift)
