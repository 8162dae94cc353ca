r"""Maximising the dual: ridge paths and early stopping by preconditioned Barzilai-Borwein steps, many problems at once.

The step is :math:`\theta \leftarrow \theta + \alpha P \nabla` with :math:`P = (M + \lambda)^{-1}`, M the second moments
of the scaled observables (up to 1,500 of them; beyond, P = 1). M is minus
the Hessian of both duals at theta = 0 to second
order, so that the first step (alpha = 1) is Newton's; later steps take alpha from the last change of the gradient
(Barzilai & Borwein, IMA J. Numer. Anal. 8, 141 (1988)). A step that lowers the objective is undone and tried shorter.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.dual import Form, evaluate
from secondlaw.trajectories.rows import DENSE, Rows

__all__ = ["CHECKPOINTS", "RIDGES", "SHORTEST", "SLACK", "Metric", "maximise", "metric_of", "path", "path_length"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

RIDGES = (10.0, 1.0, 0.3, 0.1, 0.01, 1e-4)
"""Ridges of the path, in units of the mean square of one observable."""

CHECKPOINTS = (1, 2, 3, 5, 8, 13, 21, 34)
"""Iterations at which a path by early stopping is kept."""

_FLOOR = 1e-8  # of an eigenvalue of M: directions below it are combinations of observables that vanish

SLACK = 0.05
"""The gain still expected at which a fit ends, times n: far below the noise of one parameter."""

SHORTEST = 1e-7
"""Step length at which a fit ends."""

_MOST_STEPS = 200


@dataclass(frozen=True, slots=True)
class Metric:
    """Eigenvectors and eigenvalues of the second moments; None and ones beyond the dense size."""

    vectors: Floats | None
    values: Floats

    def turn(self, theta: Floats) -> Floats:
        """Express vectors (d, P) in the eigenbasis."""
        return theta if self.vectors is None else self.vectors.T @ theta

    def back(self, theta: Floats) -> Floats:
        """Undo :meth:`turn`."""
        return theta if self.vectors is None else self.vectors @ theta

    def bend(self, ridges: Floats) -> Floats:
        """Return the diagonal of ``M + ridge`` in the eigenbasis, shape (d, P)."""
        return np.maximum(self.values[:, None] + ridges, _FLOOR)


def metric_of(rows: Rows) -> Metric:
    """Return the metric of the observables of `rows`."""
    if rows.size > DENSE:
        return Metric(None, np.ones(rows.size))
    values, vectors = np.linalg.eigh(rows.second_moments())
    return Metric(vectors, np.maximum(values, 0.0))


def path_length(rows: Rows) -> int:
    """Return how many fits :func:`path` returns for each problem."""
    return len(RIDGES) if rows.size <= DENSE else len(CHECKPOINTS)


def path(rows: Rows, metric: Metric, trains: Bools, form: Form) -> Floats:
    """Fit a path of ever weaker regularisation for each problem: ridges, or early stopping beyond the dense size.

    Parameters
    ----------
    rows : Rows
    metric : Metric
    trains : ndarray of bool, shape (P, F)
    form : {"exponential", "quadratic"}

    Returns
    -------
    ndarray, shape (L, d, P)
        Parameters of the scaled observables.
    """
    if metric.vectors is None:
        kept: list[Floats] = []
        maximise(rows, metric, trains, np.zeros(len(trains)), form, kept=kept)
        return np.stack(kept)
    ridges = np.repeat(RIDGES, len(trains))
    theta = maximise(rows, metric, np.tile(trains, (len(RIDGES), 1)), ridges, form)
    return theta.reshape(rows.size, len(RIDGES), len(trains)).transpose(1, 0, 2)


def maximise(
    rows: Rows,
    metric: Metric,
    trains: Bools,
    ridges: Floats,
    form: Form,
    *,
    steps: int = _MOST_STEPS,
    kept: list[Floats] | None = None,
) -> Floats:
    """Maximise ``dual - ridge |theta|^2 / 2`` of each problem; theta, shape (d, P), is in the scaled observables.

    Parameters
    ----------
    trains : ndarray of bool, shape (P, F)
    ridges : ndarray, shape (P,)
    steps : int
        Most passes through the rows.
    kept : list, optional
        Receives theta at each of `CHECKPOINTS`; the fit ends with the last.
    """
    problems = len(trains)
    theta = np.zeros((rows.size, problems))  # in the eigenbasis
    sizes = trains @ rows.layout.fold_sizes
    bend = metric.bend(ridges)
    value, gradient = _regularised(rows, metric, theta, trains, ridges, form)
    length = np.ones(problems)
    for step in range(1, (CHECKPOINTS[-1] if kept is not None else steps) + 1):
        gain = 0.5 * (gradient**2 / bend).sum(axis=0)
        live = np.flatnonzero((gain > SLACK / sizes) & (length > SHORTEST))
        if len(live):
            move = length[live] * gradient[:, live] / bend[:, live]
            trial = theta[:, live] + move
            new_value, new_gradient = _regularised(rows, metric, trial, trains[live], ridges[live], form)
            better = np.isfinite(new_value) & (new_value >= value[live])
            length[live] *= 0.25
            won = live[better]
            change = (gradient[:, won] - new_gradient[:, better]) * move[:, better]
            curved = change.sum(axis=0)
            stretch = (move[:, better] ** 2 * bend[:, won]).sum(axis=0)
            length[won] = np.clip(stretch / np.maximum(curved, 1e-12 * stretch), 0.02, 50.0)
            theta[:, won], value[won], gradient[:, won] = trial[:, better], new_value[better], new_gradient[:, better]
        elif kept is None:
            break
        if kept is not None and step in CHECKPOINTS:
            kept.append(metric.back(theta).copy())
    return metric.back(theta)


def _regularised(
    rows: Rows, metric: Metric, theta: Floats, trains: Bools, ridges: Floats, form: Form
) -> tuple[Floats, Floats]:
    value, gradient, _, _ = evaluate(rows, metric.back(theta), trains, form)
    return value - 0.5 * ridges * (theta**2).sum(axis=0), metric.turn(gradient) - ridges * theta
