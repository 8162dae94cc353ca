"""Columns of a table as trajectories: which column names the trajectory, which is time, and which are variables.

Rows of one trajectory stand in the order of time, or in that of the table without a time column. Time must proceed in
equal steps; where steps are missing, or values are, the trajectory is cut in two or the data are refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.trajectories.containers import Trajectories
from secondlaw.trajectories.reading.clocks import clock_of, missing_after, rounded_step

__all__ = [
    "CLOCKS",
    "RUNS",
    "ColumnRoles",
    "Columns",
    "Gaps",
    "cut_at_gaps",
    "holds_nothing",
    "trajectories_of_columns",
]

Floats = NDArray[np.float64]
Columns = Mapping[str, NDArray[np.generic]]
Gaps = Literal["refuse", "cut"]

CLOCKS = ("t", "time", "times", "clock", "frame", "step")
RUNS = ("run", "trajectory", "traj", "trial", "group", "replicate", "particle", "episode")
_RISING = 0.9  # of the steps of a clock; it falls where another trajectory begins


@dataclass(frozen=True, slots=True)
class ColumnRoles:
    """Which column is what.

    Parameters
    ----------
    variables : sequence of str
        Columns with the variables; all but the next two if empty.
    group : str or None
        Column that names the trajectory of a row.
    time : str or None
        Column of clock or step.
    dt : float or None
        Time between steps; found from the column of time if None.
    gaps : {"refuse", "cut"}
        What is done with missing values and missing steps.
    """

    variables: Sequence[str] = ()
    group: str | None = None
    time: str | None = None
    dt: float | None = None
    gaps: Gaps = "refuse"


def trajectories_of_columns(
    columns: Columns, roles: ColumnRoles, *, source: str
) -> tuple[Trajectories, tuple[str, ...], tuple[str, ...]]:
    """Return the trajectories of a table.

    Parameters
    ----------
    columns : mapping of str to ndarray, shape (rows,)
        Numbers, or text; a missing number is NaN, a missing text "".
    roles : ColumnRoles
    source : str
        Named in errors.

    Returns
    -------
    Trajectories, tuple of str, tuple of str
        The data; the names of the states where the only variable is text, whose states are then numbered in the order
        of their names; and notes.

    Raises
    ------
    InvalidInput
        If a column is missing, holds text among several variables, or time does not proceed in equal steps.
    NotEnoughData
        If values or steps are missing and gaps are refused, or a column that was asked for holds no value.

    Examples
    --------
    >>> table = {"run": np.array(["a", "a", "b", "b"]), "state": np.array(["up", "down", "up", "up"])}
    >>> data, states, _ = trajectories_of_columns(table, ColumnRoles(group="run"), source="table")
    >>> [one[:, 0].tolist() for one in data.series], states
    ([[1.0, 0.0], [1.0, 1.0]], ('down', 'up'))
    """
    names, empty = _variables(columns, roles, source)
    if not roles.variables:
        _refuse_roles(columns, names, roles, source)
    text = [name for name in names if columns[name].dtype.kind not in "biuf"]
    if text and len(names) > 1:
        raise InvalidInput(
            f"{source}: column {text[0]!r} holds text such as {str(columns[text[0]][0])!r} beside other variables; "
            "choose the variables with columns, or name it as group"
        )
    states: tuple[str, ...] = ()
    if text:
        values, states = _coded(columns[text[0]])
    else:
        values = np.column_stack([columns[name].astype(np.float64) for name in names])
    series, notes = [], [f"the column {name!r} holds no value and was left out" for name in empty]
    time = None if roles.time is None else clock_of(columns[roles.time], roles.time, source)
    step = _step(time, columns, roles, source)
    broken = disorder = 0
    for rows in _groups(columns, roles.group):
        if time is not None:
            disorder += int((np.diff(time[rows]) < 0.0).sum())
            rows = rows[np.argsort(time[rows], kind="stable")]
        breaks = (
            np.zeros(max(0, len(rows) - 1), dtype=np.bool_)
            if time is None
            else missing_after(time[rows], step, str(roles.time))
        )
        pieces = np.split(rows, np.flatnonzero(breaks) + 1)
        broken += len(pieces) - 1
        series += [values[piece] for piece in pieces]
    if disorder:
        notes.append(f"{disorder} rows did not stand in the order of {roles.time!r} and were sorted by it")
    if broken:
        _refuse(roles.gaps, f"{source}: {broken} times one or more steps of {roles.time!r} are missing")
        notes.append(f"{broken} gaps in {roles.time!r}: trajectories are cut there")
    series, holes = cut_at_gaps(series, gaps=roles.gaps, source=source)
    if holes:
        notes.append(f"{holes} steps without a value were left out: trajectories are cut there")
    dt = roles.dt if roles.dt is not None else (step if roles.time is not None else None)
    return Trajectories.of(series, variables=names, dt=dt), states, tuple(notes)


def cut_at_gaps(series: Sequence[Floats], *, gaps: Gaps, source: str) -> tuple[list[Floats], int]:
    """Return trajectories cut where values are not finite, and the number of steps left out.

    Raises
    ------
    NotEnoughData
        If there are such values and gaps are refused, or nothing is left.
    """
    out, holes = [], 0
    for one in series:
        good = np.isfinite(one).all(axis=1)
        if good.all():
            out.append(one)
            continue
        holes += int((~good).sum())
        edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(np.int8)))
        out += [one[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]
    if holes:
        _refuse(gaps, f"{source}: {holes} steps hold a missing or infinite value")
    if not out:
        raise NotEnoughData(f"{source} holds no step with values for all variables")
    return out, holes


def _refuse(gaps: Gaps, said: str) -> None:
    if gaps == "refuse":
        raise NotEnoughData(f"{said}; cut the trajectories there (gaps: cut), or mend the data")


def _variables(columns: Columns, roles: ColumnRoles, source: str) -> tuple[list[str], list[str]]:
    """Return the columns with the variables, and those that are left out because they hold no value."""
    for name in (*roles.variables, *filter(None, (roles.group, roles.time))):
        if name not in columns:
            raise InvalidInput(f"{source} has no column {name!r}, but {', '.join(list(columns)[:20])}")
    names = list(dict.fromkeys(roles.variables)) or [name for name in columns if name not in (roles.group, roles.time)]
    if not names:
        raise InvalidInput(f"{source} has no column beside those of group and time: name the variables")
    empty = [name for name in names if holds_nothing(columns[name])]
    if empty and (roles.variables or roles.gaps == "refuse" or len(empty) == len(names)):
        raise NotEnoughData(
            f"{source}: the column {empty[0]!r} holds no value; choose the variables with columns, or leave it out "
            "(gaps: cut)"
        )
    return [name for name in names if name not in empty], empty


def holds_nothing(column: NDArray[np.generic]) -> bool:
    """Return whether every number of a column is missing."""
    return column.dtype.kind == "f" and bool(np.isnan(column).all())


def _refuse_roles(columns: Columns, names: Sequence[str], roles: ColumnRoles, source: str) -> None:
    """Refuse columns that nobody has named and that look like a clock, or like the number of a trajectory."""
    for name in names:
        column = columns[name]
        if column.dtype.kind not in "biuf" or len(names) < 2:
            continue
        moves = [np.diff(column[rows].astype(np.float64)) for rows in _groups(columns, roles.group)]
        steps = np.concatenate(moves)
        if roles.time is None and name.lower() in CLOCKS and len(steps) and (steps > 0.0).mean() > _RISING:
            raise InvalidInput(
                f"{source}: the column {name!r} looks like a clock: name it as time (--time {name}), or choose the "
                "variables with columns"
            )
        if roles.group is None and name.lower() in RUNS and (steps >= 0.0).mean() > _RISING:
            raise InvalidInput(
                f"{source}: the column {name!r} looks like the number of a trajectory: name it as group (--group "
                f"{name}), or choose the variables with columns"
            )


def _coded(column: NDArray[np.generic]) -> tuple[Floats, tuple[str, ...]]:
    text = np.array(["" if one is None else str(one) for one in column.tolist()])
    names, codes = np.unique(text[text != ""], return_inverse=True)
    values = np.full((len(text), 1), np.nan)
    values[text != "", 0] = codes
    return values, tuple(names.tolist())


def _groups(columns: Columns, group: str | None) -> list[NDArray[np.int64]]:
    count = len(next(iter(columns.values())))
    if group is None:
        return [np.arange(count)]
    keys = columns[group]
    if keys.dtype.kind not in "biuf":
        keys = np.array([str(one) for one in keys.tolist()])
    _, first, codes = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    pieces = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    return [pieces[k] for k in np.argsort(first)]


def _step(time: Floats | None, columns: Columns, roles: ColumnRoles, source: str) -> float:
    if time is None:
        return 1.0
    gaps = np.concatenate([np.diff(np.sort(time[rows])) for rows in _groups(columns, roles.group)])
    if not len(gaps):
        asked = "record more" if roles.group is None else f"is {roles.group!r} the right group?"
        raise NotEnoughData(f"{source}: no trajectory has two rows; {asked}")
    if (gaps <= 0).any():
        raise InvalidInput(
            f"{source}: {int((gaps <= 0).sum())} rows have the same {roles.time!r} as another of their trajectory; "
            "leave out duplicates, or name the column that tells trajectories apart as group"
        )
    return rounded_step(float(np.median(gaps)))
