r"""The two concave objectives whose maximum over theta is a lower bound on entropy production, for many fits at once.

With antisymmetric observables g of a transition and the forward law p:

* exponential (nonequilibrium MaxEnt, arXiv 2505.10444):
  :math:`\theta \langle g\rangle - \ln\langle e^{-\theta g}\rangle`;
  gradient :math:`\langle g\rangle + \langle g\rangle_\theta` with the tilted mean of weights :math:`e^{-\theta g}`;
* quadratic (thermodynamic uncertainty relation): :math:`2\theta\langle g\rangle - \langle(\theta g)^2\rangle/2`, with
  maximum :math:`2 m^T \langle g g^T\rangle^{-1} m`.

At any theta both are at most the Kullback-Leibler divergence of a transition from its reverse. P problems, which differ
in the folds that they train on and in their ridge, share each pass through the rows: their products are one GEMM. The
exponent is never clipped: the normalisation is a running log-sum-exp.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.rows import Rows

__all__ = ["Form", "evaluate", "fold_scores", "row_values"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Form = Literal["exponential", "quadratic"]


def evaluate(rows: Rows, theta: Floats, trains: Bools, form: Form) -> tuple[Floats, Floats, Floats, Floats]:
    """Return objective, gradient, logarithm of the normalisation and tilted means of each problem.

    Parameters
    ----------
    rows : Rows
    theta : ndarray, shape (d, P)
        Parameters of the scaled observables.
    trains : ndarray of bool, shape (P, F)
        Folds on which each problem trains.
    form : {"exponential", "quadratic"}

    Returns
    -------
    value : ndarray, shape (P,)
    gradient : ndarray, shape (d, P)
    log_norm : ndarray, shape (P,)
        ``ln <exp(-theta g)>``; 0 for the quadratic form.
    tilted : ndarray, shape (d, P)
        Mean of g under weights ``exp(-theta g)``; ``<g (theta g)>`` for the quadratic form.
    """
    layout, problems = rows.layout, theta.shape[1]
    sizes = trains @ layout.fold_sizes  # (P,)
    mean = (trains @ rows.fold_sums).T / sizes
    total, top = np.zeros(problems), np.full(problems, -np.inf)
    tilted = np.zeros_like(theta)
    for fold, (start, stop) in enumerate(zip(layout.fold_rows[:-1], layout.fold_rows[1:], strict=True)):
        uses = np.flatnonzero(trains[:, fold])
        if not len(uses):
            continue
        parameters = np.ascontiguousarray(theta[:, uses])
        for a, b in rows.batches(int(start), int(stop)):
            work = rows.project(a, b, parameters)
            if form == "quadratic":
                total[uses] += (work**2).sum(axis=0)
                tilted[:, uses] += rows.pull(a, b, work)
                continue
            peak = np.maximum(top[uses], -work.min(axis=0))
            shrink = np.exp(top[uses] - peak)
            weights = np.exp(-work - peak)
            total[uses] = total[uses] * shrink + weights.sum(axis=0)
            tilted[:, uses] = tilted[:, uses] * shrink + rows.pull(a, b, weights)
            top[uses] = peak
    linear = (theta * mean).sum(axis=0)
    if form == "quadratic":
        tilted /= sizes
        return 2.0 * linear - 0.5 * total / sizes, 2.0 * mean - tilted, np.zeros(problems), tilted
    tilted /= total
    log_norm = top + np.log(total / sizes)
    return linear - log_norm, mean + tilted, log_norm, tilted


def fold_scores(rows: Rows, theta: Floats, shrink: Floats, trains: Bools, form: Form) -> Floats:
    """Return the mean of :func:`row_values` over each fold, at each shrinkage of each problem's parameters.

    Parameters
    ----------
    theta : ndarray, shape (d, P)
    shrink : ndarray, shape (C,)
        Factors on theta.
    trains : ndarray of bool, shape (P, F)
        Folds over which the normalisation is taken.

    Returns
    -------
    ndarray, shape (F, P, C)
        ``-inf`` where the exponential overflows.
    """
    layout, sizes = rows.layout, rows.layout.fold_sizes
    folds, problems = len(sizes), theta.shape[1]
    sums = (rows.fold_sums @ theta)[:, :, None] * shrink  # (F, P, C)
    second = np.zeros((folds, problems, len(shrink)))
    if form == "exponential":
        second -= np.inf
    for fold, (start, stop) in enumerate(zip(layout.fold_rows[:-1], layout.fold_rows[1:], strict=True)):
        for a, b in rows.batches(int(start), int(stop)):
            work = rows.project(a, b, theta)
            least, squares = work.min(axis=0), (work**2).sum(axis=0) if form == "quadratic" else None
            for number, factor in enumerate(shrink):
                if squares is not None:
                    second[fold, :, number] += factor**2 * squares
                    continue
                logs = np.full(problems, np.log(b - a))
                if factor != 0.0:
                    logs = np.log(np.exp(factor * (least - work)).sum(axis=0)) - factor * least
                second[fold, :, number] = np.logaddexp(second[fold, :, number], logs)
    mean = sums / sizes[:, None, None]
    if form == "quadratic":
        return np.asarray(2.0 * mean - 0.5 * second / sizes[:, None, None])
    own = np.where(trains.T[:, :, None], second, -np.inf)
    norm = np.logaddexp.reduce(own, axis=0) - np.log(trains @ sizes)[:, None]  # (P, C)
    with np.errstate(over="ignore"):
        return np.asarray(mean - np.exp(second - np.log(sizes)[:, None, None] - norm) - norm + 1.0)


def row_values(work: Floats, log_norm: float, form: Form) -> Floats:
    r"""Return rows whose mean is a lower bound of the objective: ``u - exp(-u - b) - b + 1``, or ``2 u - u**2 / 2``.

    Since :math:`\ln Z \le Z e^{-b} + b - 1` for any b, and the logarithm of the normalisation on the *training* rows is
    taken for b, the mean over other rows has no upward bias (the logarithm of their own normalisation would have one of
    ``Var / (2 n Z**2)``), and its uncertainty is that of a mean.

    Parameters
    ----------
    work : ndarray, shape (n,)
        ``u = theta . g`` of each row.
    log_norm : float
        b.
    form : {"exponential", "quadratic"}

    Examples
    --------
    >>> row_values(np.array([0.0, 1.0]), 0.0, "exponential").round(3)
    array([0.   , 1.632])
    """
    if form == "quadratic":
        return 2.0 * work - 0.5 * work**2
    with np.errstate(over="ignore"):
        return np.asarray(work - np.exp(-work - log_norm) - log_norm + 1.0)
