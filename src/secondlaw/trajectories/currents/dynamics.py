r"""Drift and diffusion of :math:`dx = F dt + \sqrt{2 D} dW` (Ito), by least squares on functions of the state.

.. math:: F(x) = E[dx \mid x] / dt, \qquad D(x) = E[dx\,dx^T \mid x] / 2 dt

The least squares for F minimise :math:`L_F[f] = E[f^T D^{-1} f\,dt - 2 f^T D^{-1} dx]` (arXiv 2504.19007) for any
constant D. Two-step stencils are one-sided differences, without the term of first order in dt; under measurement noise
functions are taken one state earlier, since the error of a state enters both the function and the increment.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.trajectories.currents.bases import PolynomialBasis
from secondlaw.trajectories.currents.fields import BATCH, LinearField, StateFunctions
from secondlaw.trajectories.currents.moments import batches, diffusion_of, increments, spread_of
from secondlaw.trajectories.currents.stencils import Stencil
from secondlaw.trajectories.currents.steps import LagRows, Steps

__all__ = ["Diffusion", "fit_diffusion", "fit_drift", "measurement_errors", "noise_covariance", "noise_variation"]

Floats = NDArray[np.float64]

_LEAST = 1e-3  # share of the mean diffusion below which a fitted D(x) is not followed
_RIDGE = 1e-6  # of the diagonal: keeps functions that are combinations of others from filling with noise


@dataclass(frozen=True, slots=True)
class Diffusion:
    """The diffusion matrix as a function of the standardised state.

    Parameters
    ----------
    mean : ndarray, shape (dim, dim)
    functions : StateFunctions or None
        None for constant noise.
    coefficients : ndarray, shape (dim, dim, K)
    """

    mean: Floats
    functions: StateFunctions | None = None
    coefficients: Floats | None = None

    def __call__(self, z: Floats) -> Floats:
        """Return D, shape (n, dim, dim); eigenvalues below .001 of the mean are raised to it."""
        if self.functions is None or self.coefficients is None:
            return np.broadcast_to(self.mean, (len(z), *self.mean.shape))
        values = np.einsum("nk,ijk->nij", self.functions.values(z, np.zeros(len(z))), self.coefficients, optimize=True)
        roots, vectors = np.linalg.eigh(values)
        raised = np.maximum(roots, _LEAST * np.trace(self.mean) / len(self.mean))
        return np.asarray((vectors * raised[:, None, :]) @ vectors.transpose(0, 2, 1))

    def divergence(self, z: Floats) -> Floats:
        """Return ``sum_j d D_ij / d z_j``, shape (n, dim)."""
        if self.functions is None or self.coefficients is None:
            return np.zeros_like(z)
        slopes = self.functions.gradients(z, np.zeros(len(z)))
        return np.asarray(np.einsum("nkj,ijk->ni", slopes, self.coefficients, optimize=True))

    def diagonal_slopes(self, z: Floats) -> Floats:
        """Return ``d D_ii / d z_i``, shape (n, dim)."""
        if self.functions is None or self.coefficients is None:
            return np.zeros_like(z)
        slopes = self.functions.gradients(z, np.zeros(len(z)))
        return np.asarray(np.einsum("nki,iik->ni", slopes, self.coefficients, optimize=True))


def fit_diffusion(steps: Steps, stencil: Stencil, *, degree: int | None) -> Diffusion:
    """Return the diffusion matrix, constant if `degree` is None, else polynomials of the state.

    Parameters
    ----------
    steps : Steps
    stencil : Stencil
    degree : int or None
    """
    mean = diffusion_of(spread_of(steps, stencil), float(steps.rows[1].counts.sum()))
    if degree is None:
        return Diffusion(mean)
    functions = StateFunctions(steps.coordinates, PolynomialBasis(degree))
    d, count = steps.dim, functions.count
    moments = np.zeros((d * d, count))
    for lag, factor in stencil.diffusion.items():
        rows = steps.rows[lag]
        for part in batches(rows, count):
            z = steps.states[rows.start[part]]
            moved = steps.states[rows.stop[part]] - z
            squares = (moved[:, :, None] * moved[:, None, :]).reshape(len(z), -1)
            scale = factor / (2.0 * lag * steps.dt * len(rows.start))
            moments += scale * (squares.T @ functions.values(z, np.zeros(len(z))))
    gram = _gram(steps, functions, steps.rows[1])
    return Diffusion(mean, functions, _solve(gram, moments).reshape(d, d, count))


def fit_drift(steps: Steps, functions: StateFunctions, stencil: Stencil, *, noisy: bool) -> tuple[LinearField, Floats]:
    """Return the Ito drift and the influence of each block on its coefficients, shape (B, dim, K).

    Raises
    ------
    InvalidInput
        If trajectories are too short for the stencil.
    """
    back = 1 if noisy else 0
    if not all(steps.complete(lag + back) for lag in stencil.currents):
        raise InvalidInput("trajectories are too short for the drift of this order: take order=1")
    count, blocks = functions.count, steps.layout.blocks
    found = np.zeros((blocks, steps.dim, count))
    n = float(steps.rows[1].counts.sum())
    for lag, factor in stencil.currents.items():
        rows = steps.rows[lag + back]
        scale = factor * n / (lag * steps.dt * len(rows.start))
        for part in batches(rows, steps.dim * count):
            first = rows.start[part]
            moved = steps.states[rows.stop[part]] - steps.states[first + back]
            values = functions.values(steps.states[first], steps.times[first])
            found += scale * _block_sums(rows.block[part], moved, values, blocks)
    gram = _gram(steps, functions, steps.rows[1])
    weights = _solve(gram, found.sum(axis=0) / n)
    field = LinearField(functions, weights)
    fitted = np.zeros_like(found)
    rows = steps.rows[1]
    for part in batches(rows, steps.dim * count):
        z, times = steps.states[rows.start[part]], steps.times[rows.start[part]]
        values = functions.values(z, times)
        fitted += _block_sums(rows.block[part], values @ weights.T, values, blocks)
    off = (found - fitted) / n
    influence = _solve(gram, off.reshape(-1, count)).reshape(off.shape)
    return field, influence


def measurement_errors(steps: Steps) -> tuple[Floats, Floats] | None:
    """Return :func:`noise_covariance`, or None where some block has no steps at lags 1, 2 and 4."""
    if not all(steps.complete(lag) for lag in (1, 2, 4)):
        return None
    return noise_covariance(steps, {lag: increments(steps, lag) for lag in (1, 2, 4)})


def noise_covariance(steps: Steps, plain: dict[int, Floats]) -> tuple[Floats, Floats]:
    r"""Return the variance of independent errors of measurement in each coordinate, and its standard errors.

    With :math:`D_l = D + a\,l\,dt + \Lambda / (l\,dt)` at lags 1, 2 and 4, where a is due to the drift,
    :math:`\Lambda = \tfrac{4}{3} dt\,(2 D_1 - 3 D_2 + D_4)`.

    Parameters
    ----------
    steps : Steps
    plain : dict
        Sums of increments of each block at lags 1, 2 and 4, see
        :func:`~secondlaw.trajectories.currents.moments.increments`.
    """
    n = steps.rows[1].counts
    blocks = np.einsum("bii->bi", 2.0 * plain[1] - 3.0 * plain[2] + plain[4]) * (4.0 / 3.0 * steps.dt)
    value = blocks.sum(axis=0) / n.sum()
    off = blocks - value * n[:, None]
    error = np.sqrt((off**2).sum(axis=0) * len(n) / (len(n) - 1.0)) / n.sum()
    return value, error


def noise_variation(steps: Steps) -> Floats:
    """Return how much the diffusion of each variable varies with the state, shape (dim,), see the diagnostics."""
    rows = steps.rows[1]
    n = len(rows.start)
    squares = (steps.states[rows.stop] - steps.states[rows.start]) ** 2
    features = steps.coordinates.features(steps.states[rows.start])
    table = np.column_stack([features, features**2])
    table -= table.mean(axis=0)
    off = squares - squares.mean(axis=0)
    gram, cross = table.T @ table, table.T @ off
    explained = (cross * (np.linalg.pinv(gram, rcond=1e-10, hermitian=True) @ cross)).sum(axis=0) / n
    chance = table.shape[1] * (off**2).mean(axis=0) / n
    return np.asarray(np.sqrt(np.maximum(explained - chance, 0.0)) / squares.mean(axis=0))


def _gram(steps: Steps, functions: StateFunctions, rows: LagRows) -> Floats:
    out = np.zeros((functions.count, functions.count))
    for a in range(0, len(rows.start), BATCH):
        first = rows.start[a : a + BATCH]
        values = functions.values(steps.states[first], steps.times[first])
        out += values.T @ values
    return out / len(rows.start)


def _solve(gram: Floats, moments: Floats) -> Floats:
    """Return ``moments gram^-1`` with a slight ridge, shape (rows, K)."""
    ridge = _RIDGE * np.diag(np.maximum(np.diag(gram), 1e-300))
    return np.asarray(np.linalg.solve(gram + ridge, moments.T).T)


def _block_sums(blocks: NDArray[np.int64], left: Floats, right: Floats, count: int) -> Floats:
    """Return ``sum left_i right_a`` of each block, shape (count, dim, K); rows of a block stand together."""
    edges = np.flatnonzero(np.diff(blocks, prepend=-1))
    table = (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)
    out = np.zeros((count, table.shape[1]))
    out[blocks[edges]] = np.add.reduceat(table, edges, axis=0)
    return out.reshape(count, left.shape[1], right.shape[1])
