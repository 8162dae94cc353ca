"""Trajectories from pandas frames and from xarray, by the names that these give to columns and axes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from secondlaw.errors import InvalidInput
from secondlaw.trajectories.containers import Trajectories
from secondlaw.trajectories.reading.columns import ColumnRoles, Gaps, trajectories_of_columns

__all__ = ["from_dataframe", "from_xarray"]


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
) -> Trajectories:
    """Return the trajectories of an array with named axes.

    Parameters
    ----------
    array : xarray.DataArray or xarray.Dataset
        All axes but `time` and `trajectory` are variables, and so are those of a Dataset.
    time : str
        Axis of time; its coordinate gives `dt` where it has one with equal steps.
    trajectory : str, optional
        Axis of independent trajectories.
    dt : float, optional

    Raises
    ------
    InvalidInput
        If an axis is missing, or the times are not equally spaced.
    """
    if hasattr(array, "data_vars"):
        array = array.to_dataarray()
    for axis in filter(None, (time, trajectory)):
        if axis not in array.dims:
            raise InvalidInput(f"the array has no axis {axis!r}, but {', '.join(map(str, array.dims))}")
    others = [axis for axis in array.dims if axis not in (time, trajectory)]
    ordered = array.transpose(*([trajectory] if trajectory is not None else []), time, *others)
    values = np.asarray(ordered.values, dtype=np.float64)
    steps = values.shape[0 if trajectory is None else 1]
    shape = (-1, steps, int(np.prod([ordered.sizes[axis] for axis in others], dtype=np.int64)))
    return Trajectories.of(
        values.reshape(shape), variables=_names(ordered, others), dt=dt if dt is not None else _step(ordered, time)
    )


def _names(array: Any, others: Sequence[Any]) -> tuple[str, ...]:  # noqa: ANN401
    names = [""]
    for axis in others:
        labels = array.coords[axis].values if axis in array.coords else range(array.sizes[axis])
        prefix = "" if axis in array.coords and array.coords[axis].dtype.kind in "OUST" else f"{axis}"
        names = [f"{before} {prefix}{label}".strip() for before in names for label in labels]
    return tuple(names) if others else (str(array.name or "x"),)


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
    return step
