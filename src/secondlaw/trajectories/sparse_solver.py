r"""Maximising the dual with an L1 penalty: a path from all parameters 0 to hardly a penalty, many problems at once.

Proximal gradient steps :math:`\theta \leftarrow S_{\alpha\lambda}(\theta + \alpha \nabla)`, S the soft threshold, with
step lengths from the last change of the gradient (SpaRSA; Wright, Nowak & Figueiredo, IEEE Trans. Signal Process. 57,
2479 (2009)); a step that lowers the penalised objective is undone and tried shorter. Penalties are shares of the one at
which the first parameter leaves 0, and each fit begins at that of the penalty before.
"""

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.dual import Form, evaluate
from secondlaw.trajectories.rows import Rows
from secondlaw.trajectories.solver import SHORTEST, SLACK

__all__ = ["SHARES", "sparse_path"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SHARES = (0.7, 0.5, 0.35, 0.25, 0.17, 0.12, 0.08, 0.05, 0.03, 0.01)
"""Penalties of the path, as shares of the least at which all parameters are 0."""

_MOST_STEPS = 300


def sparse_path(
    rows: Rows, trains: Bools, form: Form, shares: tuple[float, ...] = SHARES, *, slack: float = SLACK
) -> Floats:
    """Fit a path of ever smaller L1 penalties for each problem.

    Parameters
    ----------
    rows : Rows
    trains : ndarray of bool, shape (P, F)
        Folds on which each problem trains.
    form : {"exponential", "quadratic"}
    shares : tuple of float
        As `SHARES`.
    slack : float
        Times 1/n: the gain still expected at which a fit ends.

    Returns
    -------
    ndarray, shape (L, d, P)
        Parameters of the scaled observables.
    """
    theta = np.zeros((rows.size, len(trains)))
    _, gradient, _, _ = evaluate(rows, theta, trains, form)
    largest = np.abs(gradient).max(axis=0)
    out = []
    for share in shares:
        theta = _maximised(rows, theta, trains, share * largest, form, slack)
        out.append(theta)
    return np.stack(out)


def _maximised(rows: Rows, start: Floats, trains: Bools, penalties: Floats, form: Form, slack: float) -> Floats:
    """Maximise ``dual - penalty |theta|_1`` of each problem from `start`, shape (d, P)."""
    theta, sizes = start.copy(), trains @ rows.layout.fold_sizes
    value, gradient = _penalised(rows, theta, trains, penalties, form)
    length = np.full(len(trains), 0.5)  # observables have unit mean square
    for _ in range(_MOST_STEPS):
        trial = _thresholded(theta + length * gradient, length * penalties)
        gain = ((trial - theta) ** 2).sum(axis=0) / (2.0 * length)
        live = np.flatnonzero((gain > slack / sizes) & (length > SHORTEST))
        if not len(live):
            break
        new_value, new_gradient = _penalised(rows, trial[:, live], trains[live], penalties[live], form)
        better = np.isfinite(new_value) & (new_value >= value[live])
        length[live] *= 0.25
        won = live[better]
        move = trial[:, won] - theta[:, won]
        curved = ((gradient[:, won] - new_gradient[:, better]) * move).sum(axis=0)
        stretch = (move**2).sum(axis=0)
        length[won] = np.clip(stretch / np.maximum(curved, 1e-12 * stretch), 1e-3, 1e3)
        theta[:, won], value[won], gradient[:, won] = trial[:, won], new_value[better], new_gradient[:, better]
    return theta


def _thresholded(theta: Floats, by: Floats) -> Floats:
    return np.asarray(np.sign(theta) * np.maximum(np.abs(theta) - by, 0.0))


def _penalised(rows: Rows, theta: Floats, trains: Bools, penalties: Floats, form: Form) -> tuple[Floats, Floats]:
    value, gradient, _, _ = evaluate(rows, theta, trains, form)
    return value - penalties * np.abs(theta).sum(axis=0), gradient
