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
from numpy.typing import ArrayLike, NDArray

from secondlaw.trajectories.rows import Rows

__all__ = ["Form", "evaluate", "fold_scores", "kept_share", "most_shown", "row_values"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Form = Literal["exponential", "quadratic"]

_ROWS = 10.0  # of mean weight, for which one row may stand; 3: low ends exceed exact values; 30: more stays hidden


def evaluate(
    rows: Rows, theta: Floats, trains: Bools, form: Form, most: Floats | None = None
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return objective, gradient, logarithm of the normalisation and tilted means of each problem.

    Parameters
    ----------
    rows : Rows
    theta : ndarray, shape (d, P)
        Parameters of the scaled observables.
    trains : ndarray of bool, shape (P, F)
        Folds on which each problem trains.
    form : {"exponential", "quadratic"}
    most : ndarray, shape (P,), optional
        Where given, observables of rows with a larger ``|theta . g|`` are scaled down to it (exponential form).

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
    linear = (theta * mean).sum(axis=0) if most is None else np.zeros(problems)
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
            kept: Floats | float = 1.0
            if most is not None:
                kept = kept_share(work, most[uses])
                work = work * kept
                linear[uses] += work.sum(axis=0) / sizes[uses]
            peak = np.maximum(top[uses], -work.min(axis=0))
            shrink = np.exp(top[uses] - peak)
            weights = np.exp(-work - peak)
            total[uses] = total[uses] * shrink + weights.sum(axis=0)
            weights = weights * kept
            tilted[:, uses] = tilted[:, uses] * shrink + rows.pull(a, b, weights)
            top[uses] = peak
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
        Of ``theta . g`` within what the training rows can show.
    """
    layout, sizes = rows.layout, rows.layout.fold_sizes
    trained = trains @ sizes
    most = most_shown(trained) if form == "exponential" else np.inf
    first, second = np.zeros((2, len(sizes), theta.shape[1], len(shrink)))
    for fold, (start, stop) in enumerate(zip(layout.fold_rows[:-1], layout.fold_rows[1:], strict=True)):
        for a, b in rows.batches(int(start), int(stop)):
            work = rows.project(a, b, theta)
            for number, factor in enumerate(shrink):
                shown = np.clip(factor * work, -most, most)
                first[fold, :, number] += shown.sum(axis=0)
                second[fold, :, number] += (np.exp(-shown) if form == "exponential" else shown**2).sum(axis=0)
    mean, spread = first / sizes[:, None, None], second / sizes[:, None, None]
    if form == "quadratic":
        return np.asarray(2.0 * mean - 0.5 * spread)
    norm = np.log(np.einsum("pf,fpc->pc", trains, second) / trained[:, None])
    return np.asarray(mean - spread * np.exp(-norm) - norm + 1.0)


def most_shown(rows: ArrayLike) -> Floats:
    """Return the largest entropy production of a transition that so many rows can show, nats: ``ln(rows / 10)``.

    The reverse of a transition that no row shows may yet have a probability of some 1/n, so that a larger
    ``theta . g``, at which one row has more than a tenth of all the weight, rests on nothing. Cut at this limit it
    remains antisymmetric, and its bound stays one.

    Examples
    --------
    >>> round(float(most_shown(10_000)), 2)
    6.91
    """
    return np.asarray(np.log(np.maximum(np.asarray(rows, dtype=np.float64) / _ROWS, 2.0)))


def kept_share(work: Floats, most: Floats) -> Floats:
    """Return the share of each ``theta . g`` that is at most so large."""
    return np.asarray(most / np.maximum(np.abs(work), most))


def row_values(work: Floats, log_norm: float | Floats, form: Form) -> Floats:
    r"""Return rows whose mean is a lower bound of the objective: ``u - exp(-u - b) - b + 1``, or ``2 u - u**2 / 2``.

    Since :math:`\ln Z \le Z e^{-b} + b - 1` for any b, and the logarithm of the normalisation on the *training* rows is
    taken for b, the mean over other rows has no upward bias (the logarithm of their own normalisation would have one of
    ``Var / (2 n Z**2)``), and its uncertainty is that of a mean.

    Parameters
    ----------
    work : ndarray, shape (n,)
        ``u = theta . g`` of each row.
    log_norm : float, or ndarray of shape (n,)
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
