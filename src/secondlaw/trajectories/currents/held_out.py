r"""Held-out value of force fields, divided among coordinates: ``2 <w o dx>/dt - <w D w>`` of blocks left out of fits.

Each fold brings its own diffusion matrix (or, with noise that depends on the state, the squares of its own steps), so
that the interval holds the uncertainty of D as well. Evaluated at several lags, the same fields show how much the value
depends on dt.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.currents.fields import Field
from secondlaw.trajectories.currents.moments import increments
from secondlaw.trajectories.currents.stencils import Stencil, stencil_of
from secondlaw.trajectories.currents.steps import LagRows, Steps

__all__ = ["HeldOut", "judge"]

Floats = NDArray[np.float64]

_LARGEST = 700.0  # exponent that does not overflow


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Held-out sums of blocks, as rates times the rows of lag 1.

    Parameters
    ----------
    parts : ndarray, shape (B, dim)
        By coordinate; they add up to the value.
    by_lag : dict
        Values of shape (B,) of the same fields, of order 1, at each lag for which every block has what it needs.
    work : ndarray, shape (B,)
        Sum of ``w o dx``, nats.
    normalisation : float
        Mean of ``exp(-w o dx)`` over steps.
    """

    parts: Floats
    by_lag: dict[int, Floats]
    work: Floats
    normalisation: float


def judge(steps: Steps, fields: tuple[Field, ...], stencil: Stencil, *, state_noise: bool, noisy: bool) -> HeldOut:
    """Evaluate each field on its held-out fold.

    Parameters
    ----------
    steps : Steps
    fields : tuple of Field
        One for each fold.
    stencil : Stencil
    state_noise, noisy : bool
        Noise that depends on the state; errors of measurement allowed for.
    """
    lags = sorted({*stencil.lags, *(lag for lag in (1, 2, 4) if steps.complete(lag))})
    flows = {lag: _flows(steps, steps.rows[lag], lag, fields) for lag in lags}
    second = _second_moments(steps, fields)
    plain = {lag: increments(steps, lag) for lag in lags}
    local = {lag: _local(steps, steps.rows[lag], lag, fields) for lag in lags} if state_noise else {}

    def cost_of(factors: dict[int, float]) -> Floats:
        if state_noise:
            return np.asarray(sum(factor * local[lag] for lag, factor in factors.items()))
        spread = np.asarray(sum(factor * plain[lag] for lag, factor in factors.items()))
        return _cost(spread, second, steps.rows[1].counts, steps.fold_of_block())

    def value_of(rule: Stencil) -> Floats:
        flow = np.asarray(sum(factor * flows[lag][0] for lag, factor in rule.currents.items()))
        return np.asarray(2.0 * flow - cost_of(rule.diffusion))

    by_lag = {}
    for lag in lags:
        needed = {lag * times: factor for times, factor in stencil_of(1, noisy=noisy).diffusion.items()}
        if set(needed) <= set(lags):
            by_lag[lag] = value_of(Stencil({lag: 1.0}, needed)).sum(axis=1)
    return HeldOut(value_of(stencil), by_lag, flows[1][0].sum(axis=1) * steps.dt, flows[1][1])


def _flows(steps: Steps, rows: LagRows, lag: int, fields: tuple[Field, ...]) -> tuple[Floats, float]:
    """Return ``w_i o dx_i / dt`` of each block, and the mean of ``exp(-w o dx)``."""
    out, total = np.zeros((len(rows.counts), steps.dim)), 0.0
    fold = steps.fold_of_block()[rows.block]
    for number, field in enumerate(fields):
        own = fold == number
        start, stop = rows.start[own], rows.stop[own]
        moved = steps.states[stop] - steps.states[start]
        middle = (steps.states[start] + steps.states[stop]) / 2.0
        flow = field(middle, (steps.times[start] + steps.times[stop]) / 2.0) * moved
        total += float(np.exp(np.minimum(-flow.sum(axis=1), _LARGEST)).sum())
        out += _sums(rows.block[own], flow, len(out))
    scale = steps.rows[1].counts / rows.counts / (lag * steps.dt)
    return out * scale[:, None], total / max(len(rows.start), 1)


def _cost(spread: Floats, second: Floats, rows: Floats, fold: NDArray[np.int64]) -> Floats:
    """Return ``w_i (D w)_i`` of each block; over a fold it is the mean D times the mean of ``w w^T``.

    A block's own share is linear in its deviations from both means: in short blocks the product of its own means would
    hold what its states and its drift have in common.
    """
    out = np.zeros(spread.shape[:2])
    for number in np.unique(fold):
        own = fold == number
        n = rows[own]
        diffusion, force = spread[own].sum(axis=0) / n.sum(), second[own].sum(axis=0) / n.sum()
        parts = diffusion * second[own] + (spread[own] - n[:, None, None] * diffusion) * force
        out[own] = parts.sum(axis=2)
    return out


def _second_moments(steps: Steps, fields: tuple[Field, ...]) -> Floats:
    """Return the sum of ``w w^T`` over the recorded states of each block, shape (B, dim, dim)."""
    rows, fold = steps.rows[1], steps.fold_of_block()
    out = np.zeros((len(rows.counts), steps.dim * steps.dim))
    for number, field in enumerate(fields):
        own = fold[rows.block] == number
        for ends in (rows.start[own], rows.stop[own]):
            force = field(steps.states[ends], steps.times[ends])
            out += 0.5 * _sums(
                rows.block[own], (force[:, :, None] * force[:, None, :]).reshape(len(force), -1), len(out)
            )
    return out.reshape(-1, steps.dim, steps.dim)


def _local(steps: Steps, rows: LagRows, lag: int, fields: tuple[Field, ...]) -> Floats:
    """Return ``(w . dx) w_i dx_i / 2 dt`` of each block, both ends of a step counting half."""
    out = np.zeros((len(rows.counts), steps.dim))
    fold = steps.fold_of_block()[rows.block]
    for number, field in enumerate(fields):
        own = fold == number
        start, stop = rows.start[own], rows.stop[own]
        moved = steps.states[stop] - steps.states[start]
        for ends in (start, stop):
            flow = field(steps.states[ends], steps.times[ends]) * moved
            out += 0.5 * _sums(rows.block[own], flow * flow.sum(axis=1, keepdims=True), len(out))
    scale = steps.rows[1].counts / rows.counts / (2.0 * lag * steps.dt)
    return np.asarray(out * scale[:, None])


def _sums(blocks: NDArray[np.int64], values: Floats, count: int) -> Floats:
    return np.stack([np.bincount(blocks, weights=column, minlength=count) for column in values.T], axis=1)
