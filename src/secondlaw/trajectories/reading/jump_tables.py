"""Jumps in continuous time from tables: one row a visit, with the time at which the state is entered."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.trajectories.discrete.jump_records import JumpRecords
from secondlaw.trajectories.reading.columns import holds_nothing
from secondlaw.trajectories.reading.recordings import Recording

__all__ = ["jumps_of_columns"]

Columns = Mapping[str, NDArray[np.generic]]

TIMES = ("time", "times", "t")


def jumps_of_columns(
    columns: Columns, *, source: str, time: str | None = None, state: str | None = None, group: str | None = None
) -> Recording:
    """Return the jumps of a table.

    Rows of one trajectory stand in any order. A row that repeats the state before it is no jump: the last row of a
    trajectory ends the observation, and may repeat the state for that.

    Parameters
    ----------
    columns : mapping of str to ndarray, shape (rows,)
    source : str
        Named in errors.
    time : str, optional
        Column of the times; by default ``time``, ``times`` or ``t``.
    state : str, optional
        Column of the states, numbers or text; by default the only other column.
    group : str, optional
        Column that names the trajectory.

    Raises
    ------
    InvalidInput
        If a column is missing, a time is no finite number, or two rows of a trajectory have the same time.
    NotEnoughData
        If nothing ever jumps.

    Examples
    --------
    >>> table = {"t": np.array([0.0, 0.5, 2.0, 3.0]), "state": np.array(["a", "b", "a", "a"])}
    >>> found = jumps_of_columns(table, source="table")
    >>> found.states, found.jumps.waits[0]
    (('a', 'b'), array([0.5, 1.5, 1. ]))
    """
    when = _column(columns, time, [one for one in columns if one.lower() in TIMES], source, "the times")
    taken = {time, group, next((one for one in columns if columns[one] is when), None)}
    rest = [one for one in columns if one not in taken and not holds_nothing(columns[one])]
    what = _column(columns, state, rest if len(rest) == 1 else [], source, "the states")
    if when.dtype.kind not in "iuf" or not np.isfinite(clock := when.astype(np.float64)).all():
        raise InvalidInput(
            f"{source}: times of jumps are finite numbers, got {str(when[0])!r}; leave out what has none"
        )
    missing = what == "" if what.dtype.kind not in "iuf" else np.isnan(what.astype(np.float64))
    if missing.any():
        raise InvalidInput(f"{source}: {int(missing.sum())} rows have no state: leave them out, or name the state")
    names, codes = np.unique(what, return_inverse=True)
    if group is not None and group not in columns:
        raise InvalidInput(f"{source} has no column {group!r}, but {', '.join(list(columns)[:20])}")
    keys = np.zeros(len(clock)) if group is None else np.unique(columns[group], return_inverse=True)[1]
    records, ends = [], []
    for key in np.unique(keys):
        rows = np.flatnonzero(keys == key)
        rows = rows[np.argsort(clock[rows], kind="stable")]
        times, states = clock[rows], codes[rows]
        if (np.diff(times) <= 0.0).any():
            raise InvalidInput(
                f"{source}: two rows of one trajectory have the time {times[:-1][np.diff(times) <= 0.0][0]:.6g}; name "
                "the column that tells trajectories apart as group"
            )
        entered = np.append(True, states[1:] != states[:-1])
        records.append((times[entered], states[entered]))
        ends.append(times[-1])
    found = JumpRecords.from_times(records, end=ends)
    if not found.jumps:
        raise NotEnoughData(f"{source}: the state never changes, so there is no jump to count")
    return Recording(found, "jumps", tuple(_name(one) for one in names.tolist()))


def _column(columns: Columns, asked: str | None, usual: list[str], source: str, what: str) -> NDArray[np.generic]:
    chosen = [asked] if asked is not None else usual[:1]
    if not chosen or chosen[0] not in columns:
        raise InvalidInput(f"{source} does not say which column holds {what}: name it among {', '.join(columns)}")
    return columns[chosen[0]]


def _name(label: object) -> str:
    return f"{label:.0f}" if isinstance(label, float) and label.is_integer() else str(label)
