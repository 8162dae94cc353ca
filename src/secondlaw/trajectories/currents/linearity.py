"""Whether the drift is linear in the state, or squares, cubes and products foresee more of held-out steps.

The next state of linear dynamics is a linear function of the last on average, at any dt. For each fold, a linear and a
cubic drift are fitted by least squares to the other folds; the gain of the cubic one is by how much smaller its squared
errors are on the steps of the fold. Functions that are not needed cost more than they bring, so that the gain is
negative on average for linear dynamics.
"""

import math

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.currents.bases import PolynomialBasis
from secondlaw.trajectories.currents.moments import batches
from secondlaw.trajectories.currents.steps import Steps

__all__ = ["bent_drift"]

Floats = NDArray[np.float64]

_DEGREE = 3
_MOST_FUNCTIONS = 120  # beyond it products of different variables are left out
_RANK = 1e-8  # of the largest eigenvalue: functions below it are combinations of others
_SURE = 3.0  # standard errors: none of 9,600 linear recordings has reached them
_SHARE = 0.05  # of what is foreseen: less hardly changes a field


def bent_drift(steps: Steps) -> tuple[int, float] | None:
    """Return the variable whose drift is least linear, None if all seem linear.

    Parameters
    ----------
    steps : Steps

    Returns
    -------
    tuple of int and float, or None
        The variable, and the share that linear functions leave out of what cubic ones foresee of its held-out steps.
    """
    rows, fold = steps.rows[1], steps.fold_of_block()
    linear = 1 + steps.coordinates.features(steps.states[:1]).shape[1]
    gram, cross = _products(steps)
    fits = []  # constant, linear and cubic drift for each fold
    for k in range(len(gram)):
        own, moved = gram.sum(axis=0) - gram[k], cross.sum(axis=0) - cross[k]
        fits.append([np.linalg.pinv(own[:a, :a], rcond=_RANK, hermitian=True) @ moved[:a] for a in (1, linear, None)])
    missed = np.zeros((3, steps.layout.blocks, steps.dim))
    for part in batches(rows, gram.shape[1]):
        functions, moved = _functions(steps, part)
        block = rows.block[part]
        for k in np.unique(fold[block]):
            own = fold[block] == k
            edges = np.flatnonzero(np.diff(block[own], prepend=-1))
            for kind, fit in enumerate(fits[k]):
                off = (moved[own] - functions[own, : len(fit)] @ fit) ** 2
                missed[kind, block[own][edges]] += np.add.reduceat(off, edges, axis=0)
    still, straight, cubic = missed
    gained, foreseen = straight - cubic, (still - cubic).sum(axis=0)
    total = gained.sum(axis=0)
    off = gained - rows.counts[:, None] * (total / rows.counts.sum())
    error = np.sqrt((off**2).sum(axis=0) * len(off) / (len(off) - 1.0))
    sure = (total > _SURE * error) & (total > _SHARE * foreseen)
    if not sure.any():
        return None
    shares = np.where(sure, total / np.maximum(foreseen, total), 0.0)
    return int(np.argmax(shares)), float(shares.max())


def _products(steps: Steps) -> tuple[Floats, Floats]:
    """Return the sums over each fold of products of functions and of functions with steps, (F, K, K), (F, K, dim)."""
    rows, fold = steps.rows[1], steps.fold_of_block()
    width = _functions(steps, slice(0, 1))[0].shape[1]
    gram, cross = np.zeros((fold[-1] + 1, width, width)), np.zeros((fold[-1] + 1, width, steps.dim))
    for part in batches(rows, width):
        functions, moved = _functions(steps, part)
        of = fold[rows.block[part]]
        for k in np.unique(of):
            own = functions[of == k]
            gram[k] += own.T @ own
            cross[k] += own.T @ moved[of == k]
    return gram, cross


def _functions(steps: Steps, part: slice) -> tuple[Floats, Floats]:
    """Return constant and linear functions, then curved ones, shape (n, K), and the steps, shape (n, dim)."""
    z = steps.states[steps.rows[1].start[part]]
    moved = steps.states[steps.rows[1].stop[part]] - z
    features = steps.coordinates.features(z)
    if math.comb(features.shape[1] + _DEGREE, _DEGREE) <= _MOST_FUNCTIONS:
        return PolynomialBasis(_DEGREE).values(features), moved
    return np.column_stack([np.ones(len(z)), features, features**2, features**3]), moved
