"""Warnings in a result: each says what is doubtful and what to do about it."""

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.containers import Transitions
from secondlaw.trajectories.discrete.state_cautions import jump_table, state_cautions
from secondlaw.trajectories.discrete.state_fluxes import StateFluxes, WordFluxes
from secondlaw.trajectories.honesty import rejects
from secondlaw.trajectories.layout import Layout
from secondlaw.trajectories.null import SignFlips
from secondlaw.trajectories.results import Diagnostics
from secondlaw.trajectories.rows import Rows
from secondlaw.trajectories.window_rows import Windows

__all__ = [
    "DIFFERS",
    "changing_means",
    "constant_variables",
    "dependent_blocks",
    "halves_z",
    "noiseless",
    "not_rejected",
    "outliers",
    "warnings_of",
]

DIFFERS = "differs between the halves"
"""By these words a warning about stationarity is known."""

_LOOKED_AT, _FEW_VALUES = 1000, 20  # rows, and values in them up to which a variable is discrete
_FAR = 1e4  # ranges of the middle half from the median beyond which a value is an outlier
_NO_NOISE = 1e-6  # share of the steps that must be left unforeseen
_ROWS_PER_OBSERVABLE = 100  # below it the optimum of a fit is dominated by noise
_FEWEST_EFFECTIVE = 100.0
_DEPENDENT = 0.3  # correlation of neighbouring blocks: 3 standard errors for the usual 100
_ODD = 4.0  # standard errors between halves, after the Bonferroni correction for about 100 variables


def warnings_of(
    pairs: Transitions, rows: Rows, diagnostics: Diagnostics, null: SignFlips, level: float
) -> tuple[str, ...]:
    """Return the warnings that the data and the fit call for."""
    out = _of_states(pairs, rows)
    d, n = diagnostics.observables, diagnostics.transitions
    out += [*constant_variables(pairs), *noiseless(pairs), *outliers(pairs)]
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
    out += dependent_blocks(diagnostics.block_dependence)
    if all(c == 0.0 for c in diagnostics.shrinkage):
        out.append(
            "no fold found irreversibility on its inner folds, so the bound is 0: this does not show reversibility; "
            "record longer, or try other observables"
        )
    else:
        out += not_rejected(null, level)
    out += changing_means(pairs, rows.layout)
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


def _of_states(pairs: Transitions, rows: Rows) -> list[str]:
    if isinstance(rows.observables, StateFluxes):
        before, after = pairs.x0[:, 0], pairs.x1[:, 0]
    elif isinstance(rows.observables, WordFluxes):
        before, after = pairs.x0[:, 0], pairs.x0[:, 1]
    else:
        return []
    return state_cautions(jump_table(before, after, rows.observables.states))


def dependent_blocks(correlation: float) -> list[str]:
    """Return a warning of neighbouring blocks that still resemble each other."""
    if correlation <= _DEPENDENT:
        return []
    return [
        f"neighbouring blocks still resemble each other (correlation {correlation:.2f}), so the interval is too "
        "narrow: use fewer blocks, or thin the data"
    ]


def not_rejected(null: SignFlips, level: float) -> list[str]:
    """Return a warning of a value that sign flips do not tell from 0."""
    if rejects(null, level):
        return []
    return [
        f"sign flips show as much irreversibility with p = {null.p_value:.2g}: do not quote the value as different "
        "from 0"
    ]


def constant_variables(pairs: Transitions) -> list[str]:
    """Return a warning of variables that never change."""
    constant = [name for name, spread in zip(pairs.variables, np.ptp(pairs.x0, axis=0), strict=True) if spread == 0.0]
    if not constant:
        return []
    shown = ", ".join(constant[:5]) + (" ..." if len(constant) > 5 else "")
    return [f"{len(constant)} variables never change ({shown}): they say nothing; leave them out"]


def outliers(pairs: Transitions) -> list[str]:
    """Return a warning of values so far out that they alone decide what is found."""
    columns = _quantities(pairs)
    if not len(columns):
        return []
    x = pairs.x0[:, columns]
    low, middle, high = np.quantile(x, [0.25, 0.5, 0.75], axis=0)
    far = np.abs(x - middle).max(axis=0)
    many = (high > low) & (far > _FAR * (high - low))
    if not many.any():
        return []
    k = int(np.argmax(many))
    worst = float(x[int(np.argmax(np.abs(x[:, k] - middle[k]))), k])
    return [
        f"{pairs.variables[int(columns[k])]} reaches {worst:.4g}, {far[k] / (high - low)[k]:.2g} times the range of "
        "its middle half: such values decide what is found; mend or cut them if they are errors"
    ]


def _quantities(pairs: Transitions) -> NDArray[np.int64]:
    """Return the columns that hold quantities, not states."""
    counts = [len(np.unique(x)) for x in pairs.x0[:_LOOKED_AT].T]
    return np.flatnonzero(np.array(counts) > _FEW_VALUES)


def noiseless(pairs: Transitions) -> list[str]:
    """Return a warning of variables whose next value the state foresees without error: their steps have no reverse.

    Judged by a linear prediction; windows and discrete variables are left out.
    """
    if isinstance(pairs, Windows):
        return []
    columns = _quantities(pairs)
    if not len(columns) or len(pairs) <= 2 * pairs.x0.shape[1]:
        return []
    moves = pairs.x1[:, columns] - pairs.x0[:, columns]
    spread = np.sqrt((moves**2).mean(axis=0))
    centred = pairs.x0 - pairs.x0.mean(axis=0)
    scale = np.where(centred.std(axis=0) > 0.0, centred.std(axis=0), 1.0)
    table = np.column_stack([np.ones(len(pairs)), centred / scale])
    gram = table.T @ table + 1e-12 * len(table) * np.eye(table.shape[1])
    rest = (moves - table @ np.linalg.solve(gram, table.T @ moves)).std(axis=0)
    exact = (rest <= _NO_NOISE * spread) & (spread > 0.0)
    if not exact.any():
        return []
    name = pairs.variables[int(columns[int(np.argmax(exact))])]
    return [
        f"the next value of {name} is foreseen without error, so steps have no reverse and the entropy production is "
        "infinite: the value means nothing; a velocity belongs to `odd`, other variables that follow from the rest "
        "are to be left out"
    ]


def changing_means(pairs: Transitions, layout: Layout) -> list[str]:
    """Return a warning where the mean of a variable differs between the halves of the recording."""
    if (np.diff(pairs.groups) != 0).sum() + 1 == len(pairs):
        return []  # independent pairs have no order in time
    name, z = halves_z(pairs.variables, layout)
    if z <= _ODD:
        return []
    return [
        f"{name} {DIFFERS} of the recording by {z:.1f} standard errors: a divergence is entropy production only for a "
        "stationary process; cut the data into stationary stretches"
    ]


def halves_z(variables: tuple[str, ...], layout: Layout) -> tuple[str, float]:
    """Return the variable whose mean differs most between the first and second half of trajectories, and by how much.

    With many trajectories the halves of each are compared; with few, the blocks of each half. In standard errors.
    """
    if layout.stretches:
        means = np.add.reduceat(layout.x0, layout.starts[:-1]) / np.diff(layout.starts)[:, None]
        middle = len(means) // 2
        first, second = means[:middle], means[middle:]
        gap = second.mean(axis=0) - first.mean(axis=0)
        error = np.sqrt(first.var(axis=0) / len(first) + second.var(axis=0) / len(second))
    else:
        ends = np.append(layout.runs[1:], layout.n)
        long = ends - layout.runs > 1
        if long.sum() < 2:
            return variables[0], 0.0
        edges = np.stack([layout.runs, (layout.runs + ends) // 2, ends], axis=1)[long]
        sums = np.add.reduceat(layout.x0, edges.ravel()[edges.ravel() < layout.n])
        change = sums[1::3] / (edges[:, 2] - edges[:, 1])[:, None] - sums[::3] / (edges[:, 1] - edges[:, 0])[:, None]
        gap, error = change.mean(axis=0), change.std(axis=0) / np.sqrt(len(change))
    z = np.abs(gap) / np.where(error > 0.0, error, np.inf)
    worst = int(np.argmax(z))
    return variables[worst], float(z[worst])
