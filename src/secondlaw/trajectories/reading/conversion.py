"""Trajectories from pandas frames and from xarray, by the names that these give to columns and axes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from secondlaw.errors import InvalidInput
from secondlaw.trajectories.containers import Trajectories
from secondlaw.trajectories.reading.clocks import rounded_step
from secondlaw.trajectories.reading.columns import ColumnRoles, Gaps, cut_at_gaps, trajectories_of_columns

__all__ = ["from_dataframe", "from_xarray", "trajectories_of_axes"]


def from_dataframe(
    frame: Any,  # noqa: ANN401 - a pandas.DataFrame, or any mapping of columns
    *,
    variables: Sequence[str] = (),
    group: str | None = None,
    time: str | None = None,
    dt: float | None = None,
    gaps: Gaps = "refuse",
) -> Trajectories:
    """Return the trajectories of a table with one row a step.

    Parameters
    ----------
    frame : pandas.DataFrame
        Or another table whose columns ``frame[name]`` become arrays.
    variables : sequence of str
        Columns with the variables; by default all but those of group and time. A single column of text is a state, the
        states numbered in the order of their names.
    group, time : str, optional
        Columns that name the trajectory, and the clock or step, of a row.
    dt : float, optional
        Time between steps; found from the column of time if None.
    gaps : {"refuse", "cut"}
        What is done where values or steps are missing.

    Raises
    ------
    InvalidInput
        If a column is missing or does not fit its part.
    NotEnoughData
        If values or steps are missing and gaps are refused.

    Examples
    --------
    >>> table = {"run": [1, 1, 2, 2], "t": [0.0, 0.1, 0.0, 0.1], "x": [3, 4, 5, 6]}
    >>> data = from_dataframe(table, group="run", time="t")
    >>> len(data), data.variables, data.dt
    (2, ('x',), 0.1)
    """
    names = list(frame.columns) if hasattr(frame, "columns") else list(frame)
    columns = {str(name): np.asarray(frame[name]) for name in names}
    roles = ColumnRoles(variables, group, time, dt, gaps)
    return trajectories_of_columns(columns, roles, source="the table")[0]


def from_xarray(
    array: Any,  # noqa: ANN401 - an xarray.DataArray or xarray.Dataset
    *,
    time: str = "time",
    trajectory: str | None = None,
    dt: float | None = None,
    gaps: Gaps = "refuse",
) -> Trajectories:
    """Return the trajectories of an array with named axes.

    Parameters
    ----------
    array : xarray.DataArray or xarray.Dataset
        All axes but `time` and `trajectory` are variables, and so are the arrays of a Dataset.
    time : str
        Axis of time; its coordinate gives `dt` where it has one with equal steps.
    trajectory : str, optional
        Axis of independent trajectories; where they are padded with NaN to one length, cut gaps.
    dt : float, optional
    gaps : {"refuse", "cut"}
        What is done where values are missing.

    Raises
    ------
    InvalidInput
        If an axis is missing, or the times are not equally spaced.
    NotEnoughData
        If values are missing and gaps are refused.
    """
    return trajectories_of_axes(array, time=time, trajectory=trajectory, dt=dt, gaps=gaps, source="the array")[0]


def trajectories_of_axes(
    array: Any,  # noqa: ANN401 - an xarray.DataArray or xarray.Dataset
    *,
    time: str,
    trajectory: str | None,
    dt: float | None,
    gaps: Gaps,
    source: str,
) -> tuple[Trajectories, int]:
    """Return the trajectories of :func:`from_xarray`, and the number of steps that were left out."""
    whole = hasattr(array, "data_vars")
    parts = {str(name): array[name] for name in array.data_vars} if whole else {"": array}
    if not parts:
        raise InvalidInput(f"{source} holds no array")
    values, names = [], []
    for name, part in parts.items():
        for axis in filter(None, (time, trajectory)):
            if axis not in part.dims:
                said = f"{name!r} of {source}" if whole else source
                raise InvalidInput(f"{said} has no axis {axis!r}, but {', '.join(map(str, part.dims)) or 'none'}")
        others = [axis for axis in part.dims if axis not in (time, trajectory)]
        ordered = part.transpose(*([trajectory] if trajectory is not None else []), time, *others)
        if ordered.dtype.kind not in "biuf":
            raise InvalidInput(f"{name or source} must hold numbers, got {ordered.dtype}: choose the variables")
        count = 1 if trajectory is None else part.sizes[trajectory]
        values.append(np.asarray(ordered.values, dtype=np.float64).reshape(count, part.sizes[time], -1))
        names += [f"{name} {one}".strip() for one in _names(ordered, others, name)]
    together = np.concatenate(values, axis=2)
    series, holes = cut_at_gaps(list(together), gaps=gaps, source=source)
    step = dt if dt is not None else _step(array, time)
    return Trajectories.of(series, variables=names, dt=step), holes


def _names(array: Any, others: Sequence[Any], name: str) -> tuple[str, ...]:  # noqa: ANN401
    names = [""]
    for axis in others:
        labels = array.coords[axis].values if axis in array.coords else range(array.sizes[axis])
        prefix = "" if axis in array.coords and array.coords[axis].dtype.kind in "OUST" else f"{axis}"
        names = [f"{before} {prefix}{label}".strip() for before in names for label in labels]
    return tuple(names) if others or name else (str(array.name or "x"),)


def _step(array: Any, time: str) -> float | None:  # noqa: ANN401
    if time not in array.coords or array.sizes[time] < 2:
        return None
    clock = np.asarray(array.coords[time].values)
    if clock.dtype.kind == "M":
        clock = (clock - clock[0]).astype("timedelta64[ns]").astype(np.float64) * 1e-9
    elif clock.dtype.kind not in "iuf":
        raise InvalidInput(f"the axis {time!r} holds {clock[0]!r}; seconds or times are needed, or give dt and drop it")
    steps = np.diff(clock.astype(np.float64))
    step = float(np.median(steps))
    if not step > 0.0 or np.abs(steps / step - 1.0).max() > 1e-3:
        raise InvalidInput(
            f"the steps of {time!r} go from {steps.min():.4g} to {steps.max():.4g}: interpolate to equal steps first"
        )
    return rounded_step(step)
