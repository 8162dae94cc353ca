"""Warnings in a result: each says what is doubtful and what to do about it."""

import numpy as np

from secondlaw.trajectories.containers import Transitions
from secondlaw.trajectories.layout import Layout
from secondlaw.trajectories.null import SignFlips
from secondlaw.trajectories.results import Diagnostics
from secondlaw.trajectories.rows import Rows
from secondlaw.trajectories.window_rows import Windows

__all__ = ["halves_z", "stationarity_z", "warnings_of"]

_ROWS_PER_OBSERVABLE = 100  # below it the optimum of a fit is dominated by noise
_FEWEST_EFFECTIVE = 100.0
_DEPENDENT = 0.3  # correlation of neighbouring blocks: 3 standard errors for the usual 100
_ODD = 4.0  # standard errors between halves, after the Bonferroni correction for about 100 variables


def warnings_of(
    pairs: Transitions, rows: Rows, diagnostics: Diagnostics, null: SignFlips, level: float
) -> tuple[str, ...]:
    """Return the warnings that the data and the fit call for."""
    out = []
    d, n = diagnostics.observables, diagnostics.transitions
    constant = [name for name, spread in zip(pairs.variables, np.ptp(pairs.x0, axis=0), strict=True) if spread == 0.0]
    if constant:
        shown = ", ".join(constant[:5]) + (" ..." if len(constant) > 5 else "")
        out.append(f"{len(constant)} variables never change ({shown}): they say nothing; leave them out")
    if n < _ROWS_PER_OBSERVABLE * d:
        out.append(
            f"{n} transitions for {d} observables are fewer than {_ROWS_PER_OBSERVABLE} each, so most of a true "
            "value may stay hidden: record longer, or take fewer observables or a lower order"
        )
    if diagnostics.effective_sample_size < _FEWEST_EFFECTIVE:
        out.append(
            f"the exponential weights rest on {diagnostics.effective_sample_size:.0f} transitions: the interval cannot "
            "be trusted; take a shorter lag, fewer observables, or UncertaintyRelation"
        )
    if diagnostics.block_dependence > _DEPENDENT:
        out.append(
            f"neighbouring blocks still resemble each other (correlation {diagnostics.block_dependence:.2f}), so the "
            "interval is too narrow: use fewer blocks, or thin the data"
        )
    if all(c == 0.0 for c in diagnostics.shrinkage):
        out.append(
            "no fold found irreversibility on its inner folds, so the bound is 0: this does not show reversibility; "
            "record longer, or try other observables"
        )
    elif null.p_value > (1.0 - level) / 2.0:
        out.append(
            f"sign flips show as much irreversibility with p = {null.p_value:.2g}: do not quote the value as "
            "different from 0"
        )
    name, z = stationarity_z(pairs, rows)
    if z > _ODD:
        out.append(
            f"{name} differs between the halves of the recording by {z:.1f} standard errors: the lag-1 divergence is "
            "entropy production only for a stationary Markov process; cut the data into stationary stretches"
        )
    if rows.layout.n and len(pairs.variables) == 1 and len(np.unique(pairs.x0[:1000])) > 20:
        out.append(
            "a single continuous variable in one dimension shows no current even out of equilibrium: hidden variables "
            "hide entropy production; observe more of the system"
        )
    if isinstance(pairs, Windows) and -1 in pairs.signs:
        out.append(
            "with odd variables a window also shows what tells its two ends apart, so the value is at most the "
            "divergence of a window and may exceed the entropy production: take LinearModel, or window_growth"
        )
    return tuple(out)


def stationarity_z(pairs: Transitions, rows: Rows) -> tuple[str, float]:
    """Return the variable whose mean differs most between the first and second half of trajectories, and by how much.

    With many trajectories the halves of each are compared; with few, the blocks of each half. In standard errors.
    """
    if (np.diff(pairs.groups) != 0).sum() + 1 == len(pairs):
        return pairs.variables[0], 0.0  # independent pairs have no order in time
    return halves_z(pairs.variables, rows.layout)


def halves_z(variables: tuple[str, ...], layout: Layout) -> tuple[str, float]:
    """Return the same of rows in the order of their blocks."""
    if layout.stretches:
        means = np.add.reduceat(layout.x0, layout.starts[:-1]) / np.diff(layout.starts)[:, None]
        middle = len(means) // 2
        first, second = means[:middle], means[middle:]
        gap = second.mean(axis=0) - first.mean(axis=0)
        error = np.sqrt(first.var(axis=0) / len(first) + second.var(axis=0) / len(second))
    else:
        starts = layout.starts
        halves = np.sort(np.concatenate([starts[:-1], (starts[:-1] + starts[1:]) // 2]))
        lengths = np.diff(np.append(halves, layout.n))
        if (lengths < 1).any():
            return variables[0], 0.0
        means = np.add.reduceat(layout.x0, halves) / lengths[:, None]
        change = means[1::2] - means[::2]
        gap, error = change.mean(axis=0), change.std(axis=0) / np.sqrt(len(change))
    z = np.abs(gap) / np.where(error > 0.0, error, np.inf)
    worst = int(np.argmax(z))
    return variables[worst], float(z[worst])
