r"""Sums over blocks of everything that closed-form fits of current fields need: one pass through the steps a lag.

For functions :math:`\varphi_a` and the increment :math:`\Delta x` over the lag,

.. math:: M_{ia} = \langle \varphi_a(\bar x)\,\Delta x_i \rangle / \Delta t, \quad
          \Phi_{ab} = \langle \varphi_a \varphi_b \rangle, \quad
          D_{ij} = \langle \Delta x_i \Delta x_j \rangle / 2\Delta t

with the midpoint :math:`\bar x` (Stratonovich), and the mean over recorded states (both ends of each step). With noise
that depends on the state, :math:`\langle \varphi_a \varphi_b \Delta x_i \Delta x_j\rangle / 2\Delta t` takes the place
of :math:`D \otimes \Phi`.

In a steady state gradients carry no current: the measured currents :math:`J_b` of gradients are pure noise, and what M
shares with them is subtracted (a control variate), which leaves far less noise in the fitted field.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import NotEnoughData
from secondlaw.trajectories.currents.fields import StateFunctions
from secondlaw.trajectories.currents.stencils import Stencil
from secondlaw.trajectories.currents.steps import LagRows, Steps

__all__ = ["Moments", "batches", "diffusion_of", "gram_of", "increments", "measure", "spread_of"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_HELD = 1 << 22  # numbers in a batch of products: 32 MiB
_GAUGE_STATES = 10_000  # states from which the part shared with gradients is computed
_RANK = 1e-9  # of the largest eigenvalue: gradients below it are combinations of others


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over blocks or folds, as rates times the rows of lag 1.

    Parameters
    ----------
    functions : StateFunctions
    rows : ndarray, shape (B,)
    raw, current : ndarray, shape (B, dim K)
        Currents, without and with the subtraction of what gradients share.
    spread : ndarray, shape (B, dim, dim)
        Diffusion.
    gram : ndarray, shape (F, K, K), or (F, dim K, dim K) if local
    fold : ndarray of int64, shape (B,)
    free : float
        Coefficients, less those that what is known of gradients leaves no freedom.
    local : bool
        Whether `gram` is the whole matrix of the cost, as with noise that depends on the state.
    """

    functions: StateFunctions
    rows: Floats
    raw: Floats
    current: Floats
    spread: Floats
    gram: Floats
    fold: NDArray[np.int64]
    free: float
    local: bool

    def system(self, folds: Bools) -> tuple[Floats, Floats]:
        """Return the currents, shape (dim K,), and the matrix of the cost, over the chosen folds."""
        blocks = folds[self.fold]
        n = self.rows[blocks].sum()
        gram = self.gram[folds].sum(axis=0) / n
        if not self.local:
            gram = np.kron(diffusion_of(self.spread[blocks], n), gram)
        return self.current[blocks].sum(axis=0) / n, gram


def diffusion_of(spread: Floats, rows: float) -> Floats:
    """Return the diffusion matrix from sums over blocks.

    Raises
    ------
    NotEnoughData
        If it is not positive definite.
    """
    matrix = spread.sum(axis=0) / rows
    matrix = np.asarray((matrix + matrix.T) / 2.0)
    values = np.linalg.eigvalsh(matrix)
    if values[0] <= 1e-12 * max(values[-1], 0.0) or values[-1] <= 0.0:
        raise NotEnoughData(
            f"the estimated diffusion matrix is not positive (eigenvalues {values[0]:.3g} to {values[-1]:.3g}): "
            "leave out variables without noise of their own, or, with corrections of noise or dt, record at longer dt"
        )
    return matrix


def measure(steps: Steps, functions: StateFunctions, stencil: Stencil, *, gauge: bool, state_noise: bool) -> Moments:
    """Make one pass through the steps for each lag of the stencil.

    Parameters
    ----------
    steps : Steps
    functions : StateFunctions
    stencil : Stencil
    gauge : bool
        Whether gradients are known to carry no current.
    state_noise : bool
        Whether the noise depends on the state.
    """
    blocks, q = steps.layout.blocks, steps.dim * functions.count
    rows = steps.rows[1].counts
    fold = steps.fold_of_block()
    spread = spread_of(steps, stencil)
    potentials = StateFunctions(functions.coordinates, functions.basis.potentials()) if gauge else None
    raw, gradient = np.zeros((blocks, q)), np.zeros((blocks, potentials.count if potentials else 0))
    for lag, factor in stencil.currents.items():
        scale = factor * (rows / steps.rows[lag].counts)[:, None] / (lag * steps.dt)
        raw += scale * _currents(steps, steps.rows[lag], functions)
        if potentials is not None:
            gradient += scale * _gradient_currents(steps, steps.rows[lag], potentials)
    gram = _local_gram(steps, functions, stencil) if state_noise else gram_of(steps, functions)
    current, free = raw, float(q)
    if potentials is not None:
        diffusion = spread.sum(axis=0) / rows.sum()
        regression, known = _shared(steps, functions, potentials, diffusion)
        current = raw - gradient @ regression.T
        whole = gram.sum(axis=0) / rows.sum()
        whole = whole if state_noise else np.kron(diffusion, whole)
        free -= float(np.sum(np.linalg.pinv(whole, rcond=_RANK, hermitian=True) * known))
    return Moments(functions, rows, raw, current, spread, gram, fold, free, state_noise)


def increments(steps: Steps, lag: int) -> Floats:
    """Return ``sum dx dx^T / 2 lag dt`` of each block, scaled to the rows of lag 1, shape (B, dim, dim)."""
    if lag in steps.squares:
        return steps.squares[lag]
    chosen = steps.rows[lag]
    moved = steps.states[chosen.stop] - steps.states[chosen.start]
    out = np.empty((len(chosen.counts), steps.dim, steps.dim))
    for i, j in itertools.combinations_with_replacement(range(steps.dim), 2):
        out[:, i, j] = np.bincount(chosen.block, weights=moved[:, i] * moved[:, j], minlength=len(out))
        out[:, j, i] = out[:, i, j]
    scale = steps.rows[1].counts / chosen.counts / (2.0 * lag * steps.dt)
    return steps.squares.setdefault(lag, np.asarray(out * scale[:, None, None]))


def spread_of(steps: Steps, stencil: Stencil) -> Floats:
    """Return the diffusion of each block by the lags of the stencil, times its rows, shape (B, dim, dim)."""
    return np.asarray(sum(factor * increments(steps, lag) for lag, factor in stencil.diffusion.items()))


def batches(rows: LagRows, width: int) -> Iterator[slice]:
    """Yield slices of rows such that a table of `width` columns stays small."""
    size = max(256, _HELD // max(width, 1))
    for a in range(0, len(rows.start), size):
        yield slice(a, a + size)


def _currents(steps: Steps, rows: LagRows, functions: StateFunctions) -> Floats:
    """Return ``sum f_a(midpoint) dx_i`` of each block, shape (B, dim K)."""
    out = np.zeros((len(rows.counts), steps.dim * functions.count))
    for part in batches(rows, out.shape[1]):
        start, stop = steps.states[rows.start[part]], steps.states[rows.stop[part]]
        middle, moved = (start + stop) / 2.0, stop - start
        times = (steps.times[rows.start[part]] + steps.times[rows.stop[part]]) / 2.0
        values = functions.values(middle, times)
        edges = np.flatnonzero(np.diff(rows.block[part], prepend=-1))
        table = (moved[:, :, None] * values[:, None, :]).reshape(len(moved), -1)
        out[rows.block[part][edges]] += np.add.reduceat(table, edges, axis=0)
    return out


def _gradient_currents(steps: Steps, rows: LagRows, potentials: StateFunctions) -> Floats:
    """Return the currents of gradients of each block, ``sum psi_b(stop) - psi_b(start)``, of which most cancel."""
    size = len(steps.states)
    key, place = np.unique(np.concatenate([rows.block * size + rows.stop, rows.block * size + rows.start]),
                           return_inverse=True)  # fmt: skip
    signs = np.repeat([1.0, -1.0], len(rows.start))
    weight = np.bincount(place, weights=signs, minlength=len(key))
    kept = np.flatnonzero(weight)
    block, state = np.divmod(key[kept], size)
    values = potentials.values(steps.states[state], steps.times[state]) * weight[kept, None]
    return np.stack([np.bincount(block, weights=column, minlength=len(rows.counts)) for column in values.T], axis=1)


def _shared(
    steps: Steps, functions: StateFunctions, potentials: StateFunctions, diffusion: Floats
) -> tuple[Floats, Floats]:
    """Return the regression of currents on those of gradients, (dim K, P), and the variance it explains, (dim K)^2."""
    some = np.linspace(0, len(steps.states) - 1, min(len(steps.states), _GAUGE_STATES)).astype(np.int64)
    own = np.zeros((potentials.count, potentials.count))
    cross = np.zeros((steps.dim, functions.count, potentials.count))
    for a in range(0, len(some), 2048):
        z, times = steps.states[some[a : a + 2048]], steps.times[some[a : a + 2048]]
        slopes = potentials.gradients(z, times)
        pushed = slopes @ diffusion
        own += np.einsum("nbi,nci->bc", slopes, pushed, optimize=True)
        cross += np.einsum("na,nbi->iab", functions.values(z, times), pushed, optimize=True)
    flat = cross.reshape(-1, potentials.count)
    regression = np.asarray(flat @ np.linalg.pinv(own, rcond=_RANK, hermitian=True))
    return regression, regression @ flat.T / len(some)


def gram_of(steps: Steps, functions: StateFunctions) -> Floats:
    """Return ``sum f_a f_b`` over the recorded states of each fold, both ends of a step counting half."""
    rows, fold = steps.rows[1], steps.fold_of_block()
    out = np.zeros((len(steps.layout.folds) - 1, functions.count, functions.count))
    for number in range(len(out)):
        own = fold[rows.block] == number
        weight = np.zeros(len(steps.states))
        for ends in (rows.start[own], rows.stop[own]):
            weight += 0.5 * np.bincount(ends, minlength=len(weight))
        used = np.flatnonzero(weight)
        size = max(256, _HELD // functions.count)
        for a in range(0, len(used), size):
            part = used[a : a + size]
            values = functions.values(steps.states[part], steps.times[part])
            out[number] += (values * weight[part, None]).T @ values
    return out


def _local_gram(steps: Steps, functions: StateFunctions, stencil: Stencil) -> Floats:
    """Return ``sum f_a f_b dx_i dx_j / 2 dt`` over each fold, both ends of a step counting half."""
    q = steps.dim * functions.count
    fold = steps.fold_of_block()
    out = np.zeros((len(steps.layout.folds) - 1, q, q))
    totals = np.bincount(fold, weights=steps.rows[1].counts)
    for lag, factor in stencil.diffusion.items():
        rows = steps.rows[lag]
        seen = np.bincount(fold, weights=rows.counts)
        for part in batches(rows, q):
            start, stop = rows.start[part], rows.stop[part]
            moved = steps.states[stop] - steps.states[start]
            of = fold[rows.block[part]]
            for ends in (start, stop):
                values = functions.values(steps.states[ends], steps.times[ends])
                table = (moved[:, :, None] * values[:, None, :]).reshape(len(moved), -1)
                for number in np.unique(of):
                    chosen = table[of == number]
                    scale = factor * totals[number] / seen[number] / (4.0 * lag * steps.dt)
                    out[number] += scale * (chosen.T @ chosen)
    return out
