r"""Closed-form fields that maximise ``2 w.m - w.G w``, with ridge and shrinkage chosen on inner folds.

The loss of the velocity, :math:`L_\nu[v] = E[v^T D^{-1} v\,dt - 2 (D^{-1} v) \circ dx]` (arXiv 2504.19007), is with the
force field :math:`w = D^{-1} v` a parabola in the coefficients, and -L/dt at any w is at most the rate of entropy
production. For each fold k the basis is fitted without k; ridge and the factor on w are chosen by fits that leave out k
and one fold more; k judges a fit on all folds but k.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.trajectories.cross_fitting import SHRINKAGES
from secondlaw.trajectories.currents.bases import Basis
from secondlaw.trajectories.currents.fields import Field, LinearField, StateFunctions
from secondlaw.trajectories.currents.moments import Moments, measure
from secondlaw.trajectories.currents.stencils import Stencil
from secondlaw.trajectories.currents.steps import Steps
from secondlaw.trajectories.null import RIDGE
from secondlaw.trajectories.solver import RIDGES

__all__ = ["MOST_PARAMETERS", "FieldFit", "best_of_path", "fit_fields", "whitened_blocks"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MOST_PARAMETERS = 1500
"""Coefficients of a field up to which the closed form is used: its eigenvectors take seconds."""

_FLOOR = 1e-9  # of an eigenvalue of the scaled matrix: directions below it are combinations of functions that vanish


@dataclass(frozen=True, slots=True)
class FieldFit:
    """Force fields, one for each held-out fold and one from all folds.

    Parameters
    ----------
    fields : tuple of Field
        Standardised, shrunk.
    whole : Field
    shrinkage : tuple of float
    train_value : float
        The objective that a fit without regularisation claims on its own rows, nats per unit of time.
    parameters : int
    moments : Moments or None
        Of the basis fitted to all rows; None for networks.
    """

    fields: tuple[Field, ...]
    whole: Field
    shrinkage: tuple[float, ...]
    train_value: float
    parameters: int
    moments: Moments | None


def fit_fields(
    steps: Steps,
    basis: Basis,
    stencil: Stencil,
    *,
    time_degree: int | None,
    gauge: bool,
    state_noise: bool,
    rng: np.random.Generator,
) -> FieldFit:
    """Cross-fit force fields in closed form.

    Raises
    ------
    InvalidInput
        If there are too many coefficients.
    """
    folds = len(steps.layout.folds) - 1
    moments_of = _measurer(steps, basis, stencil, time_degree, gauge, state_noise, rng)
    total = np.zeros((folds + 1, len(RIDGES), len(SHRINKAGES)))
    sets = []
    for k in range(folds):
        moments = moments_of(_all_but(folds, k))
        sets.append(moments)
        for m in range(folds):
            if m != k:
                gained = _scores(moments, _all_but(folds, k, m), m)
                total[k] += gained
                total[folds] += gained
    sets.append(moments_of(_all_but(folds)))
    flat = total.reshape(folds + 1, -1)
    best = flat.argmax(axis=1)
    level, factor = np.unravel_index(best, total.shape[1:])
    shrinkage = np.where(flat[np.arange(folds + 1), best] > 0.0, SHRINKAGES[factor], 0.0)
    fields = []
    for k, moments in enumerate(sets):
        current, gram = moments.system(_all_but(folds, k) if k < folds else _all_but(folds))
        theta = _path(current, gram)[int(level[k])] * shrinkage[k]
        fields.append(LinearField(moments.functions, theta.reshape(steps.dim, -1)))
    whole = sets[-1]
    current, gram = whole.system(_all_but(folds))
    loosest = _path(current, gram)[-1]
    claimed = 2.0 * loosest @ (whole.raw.sum(axis=0) / whole.rows.sum()) - loosest @ gram @ loosest
    chosen = tuple(float(c) for c in shrinkage[:folds])
    return FieldFit(tuple(fields[:folds]), fields[folds], chosen, float(claimed), len(loosest), whole)


def _measurer(
    steps: Steps, basis: Basis, stencil: Stencil, time_degree: int | None, gauge: bool, state_noise: bool,
    rng: np.random.Generator,
) -> Callable[[Bools], Moments]:  # fmt: skip
    """Return a function that fits the basis to chosen folds and measures it; once only where nothing is fitted."""
    seed = int(rng.integers(2**63))
    fold = steps.fold_of_block()[steps.rows[1].block]
    features = steps.coordinates.features
    known: list[tuple[Basis, Moments]] = []

    def moments_of(train: Bools) -> Moments:
        chosen = steps.states[steps.rows[1].start[train[fold]]]
        fitted = basis.fitted(features(chosen), np.random.default_rng(seed))
        for old, moments in known:
            if old is fitted:
                return moments
        functions = StateFunctions(steps.coordinates, fitted, time_degree)
        if steps.dim * functions.count > MOST_PARAMETERS:
            raise InvalidInput(
                f"{functions.count} functions of {steps.dim} variables are {steps.dim * functions.count} coefficients, "
                f"more than {MOST_PARAMETERS}: take a lower degree, fewer bumps, or Network"
            )
        moments = measure(steps, functions, stencil, gauge=gauge, state_noise=state_noise)
        known.append((fitted, moments))
        return moments

    return moments_of


def best_of_path(moments: Moments) -> Floats:
    """Return coefficients, shape (q,), with the ridge and the factor that do best on folds left out one at a time."""
    folds = len(moments.gram)
    total = np.sum([_scores(moments, _all_but(folds, k), k) for k in range(folds)], axis=0)
    level, factor = np.unravel_index(int(total.argmax()), total.shape)
    shrinkage = SHRINKAGES[factor] if total.max() > 0.0 else 0.0
    return np.asarray(_path(*moments.system(_all_but(folds)))[level] * shrinkage)


def _all_but(folds: int, *left_out: int) -> Bools:
    mask = np.ones(folds, dtype=np.bool_)
    mask[list(left_out)] = False
    return mask


def _scores(moments: Moments, train: Bools, judge: int) -> Floats:
    """Return what each ridge and factor gain on the judging fold, times its rows, shape (L, C)."""
    folds = len(train)
    own = np.zeros(folds, dtype=np.bool_)
    own[judge] = True
    current, gram = moments.system(own)
    thetas = _path(*moments.system(train))
    linear = thetas @ current
    square = np.einsum("li,ij,lj->l", thetas, gram, thetas)
    gained = 2.0 * np.outer(linear, SHRINKAGES) - np.outer(square, SHRINKAGES**2)
    return np.asarray(gained * moments.rows[moments.fold == judge].sum())


def _path(current: Floats, gram: Floats) -> Floats:
    """Return the maximum for each ridge, in units of the diagonal, shape (L, q)."""
    scale = np.sqrt(np.maximum(np.diag(gram), 1e-300))
    values, vectors = np.linalg.eigh(gram / np.outer(scale, scale))
    turned = vectors.T @ (current / scale)
    seen = values > _FLOOR * values[-1]
    bend = np.where(seen, values, 1.0)[None, :] + np.array(RIDGES)[:, None]
    return np.asarray(np.where(seen, turned / bend, 0.0) @ vectors.T / scale)


def whitened_blocks(moments: Moments) -> Floats:
    """Return the current of each block in coordinates in which the cost is a square, shape (q, B).

    Directions that hardly cost anything are kept from filling the sign-flip statistic with noise.
    """
    _, gram = moments.system(_all_but(len(moments.gram)))
    scale = np.sqrt(np.maximum(np.diag(gram), 1e-300))
    values, vectors = np.linalg.eigh(gram / np.outer(scale, scale))
    turned = vectors.T @ (moments.current / scale).T
    return np.asarray(turned / np.sqrt(np.maximum(values, 0.0) + RIDGE)[:, None])
