r"""Held-out rows: regularisation and shrinkage chosen on inner folds, parameters from the other folds.

For each fold k, parameters are fitted without k and one more fold l, for all l; the ridge (or stopping time, or L1
penalty) and the shrinkage c of :math:`\theta \to c\,\theta` that do best on the folds l are taken, theta is fitted anew
on all folds but k, and fold k is evaluated. Without shrinkage the held-out value of noise is :math:`-2 d / n`, so that
intervals for reversible data would lie below 0, and true values below about :math:`2 d / n` would be hidden; c = 0
gives exactly 0.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.dual import Form, evaluate, fold_scores, kept_share, most_shown, row_values
from secondlaw.trajectories.rows import Rows
from secondlaw.trajectories.solver import RIDGES, Metric, maximise, path
from secondlaw.trajectories.sparse_solver import sparse_path

__all__ = ["SHRINKAGES", "CrossFit", "Penalty", "cross_fit"]

Floats = NDArray[np.float64]
Penalty = Literal["ridge", "l1"]

SHRINKAGES = np.array([0.0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0])
"""Factors on theta among which inner folds choose; the value is flat around its maximum, so steps of .1 suffice."""


@dataclass(frozen=True, slots=True)
class CrossFit:
    """Outcome of cross-fitting.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Held-out rows, whose mean is the value.
    work, kept : ndarray, shape (n,)
        Held-out ``theta . g`` within what the training rows can show, and which share of it that is.
    theta : ndarray, shape (d, F)
        Shrunk parameters of the scaled observables, one column for each held-out fold.
    log_norm : ndarray, shape (F,)
    shrinkage : ndarray, shape (F,)
    full_theta : ndarray, shape (d,)
        Shrunk parameters from all rows.
    full_log_norm : float
    loosest_theta : ndarray, shape (d,)
        The hardly regularised maximum over all rows.
    loosest_work, loosest_kept, claims : ndarray, shape (n,)
        ``theta . g`` there, the share that all rows can show, and rows whose mean is the largest value of the
        objective: what a fit claims for itself.
    most : ndarray, shape (F + 2,)
        The largest ``theta . g`` that the rows of each fit can show; for the last, ln n.
    """

    values: Floats
    work: Floats
    kept: Floats
    theta: Floats
    log_norm: Floats
    shrinkage: Floats
    full_theta: Floats
    full_log_norm: float
    loosest_theta: Floats
    loosest_work: Floats
    loosest_kept: Floats
    claims: Floats
    most: Floats


def cross_fit(rows: Rows, metric: Metric, form: Form, penalty: Penalty = "ridge") -> CrossFit:
    """Cross-fit the parameters of `form`.

    Parameters
    ----------
    rows : Rows
    metric : Metric
    form : {"exponential", "quadratic"}
    penalty : {"ridge", "l1"}
    """
    layout, folds = rows.layout, len(rows.layout.folds) - 1

    def fit_path(trains: NDArray[np.bool_]) -> Floats:
        return sparse_path(rows, trains, form) if penalty == "l1" else path(rows, metric, trains, form)

    level, shrinkage = _choose(rows, fit_path, form)
    trains = np.concatenate([~np.eye(folds, dtype=np.bool_), np.ones((1, folds), dtype=np.bool_)])
    if metric.vectors is None or penalty == "l1":
        whole_path = fit_path(trains)
        theta = whole_path[level, :, np.arange(folds + 1)].T
        loosest = whole_path[-1, :, -1]
        if metric.vectors is not None:
            loosest = maximise(rows, metric, trains[-1:], np.array(RIDGES[-1:]), form)[:, 0]
    else:
        ridges = np.append(np.asarray(RIDGES)[level], RIDGES[-1])
        fitted = maximise(rows, metric, np.concatenate([trains, trains[-1:]]), ridges, form)
        theta, loosest = fitted[:, :-1], fitted[:, -1]
    theta = np.ascontiguousarray(theta * shrinkage)
    both, used = np.column_stack([theta, loosest]), np.concatenate([trains, trains[-1:]])
    most = np.append(most_shown(trains @ layout.fold_sizes), np.log(layout.n)) if form == "exponential" else None
    _, _, log_norm, _ = evaluate(rows, both, used, form, most)
    work, kept = np.empty((2, layout.n)), np.ones((2, layout.n))
    for fold, (start, stop) in enumerate(zip(layout.fold_rows[:-1], layout.fold_rows[1:], strict=True)):
        for a, b in rows.batches(int(start), int(stop)):
            work[:, a:b] = rows.project(a, b, both[:, [fold, -1]]).T
        if most is not None:
            kept[:, start:stop] = kept_share(work[:, start:stop], most[[fold, -1], None])
    work *= kept
    values = row_values(work[0], np.repeat(log_norm[:folds], layout.fold_sizes), form)
    return CrossFit(
        values, work[0], kept[0], theta[:, :folds], log_norm[:folds], shrinkage[:folds], theta[:, folds],
        float(log_norm[folds]), loosest, work[1], kept[1], row_values(work[1], log_norm[-1], form),
        np.full(folds + 2, np.inf) if most is None else most,
    )  # fmt: skip


def _choose(
    rows: Rows, fit_path: Callable[[NDArray[np.bool_]], Floats], form: Form
) -> tuple[NDArray[np.int64], Floats]:
    """Return place on the path and shrinkage for each held-out fold and, last, for all rows; shapes (F + 1,)."""
    folds, sizes = len(rows.layout.folds) - 1, rows.layout.fold_sizes
    pairs = [(k, m) for k in range(folds) for m in range(k + 1, folds)]
    trains = np.ones((len(pairs), folds), dtype=np.bool_)
    for row, pair in enumerate(pairs):
        trains[row, list(pair)] = False
    fits = fit_path(trains)  # (L, d, pairs)
    levels = len(fits)
    together = np.ascontiguousarray(fits.transpose(1, 0, 2).reshape(rows.size, -1))  # (d, L x pairs)
    scores = fold_scores(rows, together, SHRINKAGES, np.tile(trains, (levels, 1)), form)
    scores = scores.reshape(folds, levels, len(pairs), -1).swapaxes(0, 1)  # (L, F, pairs, C)
    total = np.zeros((folds + 1, len(fits), len(SHRINKAGES)))
    for row, (k, m) in enumerate(pairs):
        for out, judge in ((k, m), (m, k)):
            gained = sizes[judge] * scores[:, judge, row]
            total[out] += gained
            total[folds] += gained
    flat = np.where(np.isnan(total), -np.inf, total).reshape(folds + 1, -1)
    best = flat.argmax(axis=1)
    level, factor = np.unravel_index(best, total.shape[1:])
    found = flat[np.arange(folds + 1), best] > 0.0
    return level.astype(np.int64), np.where(found, SHRINKAGES[factor], 0.0)
