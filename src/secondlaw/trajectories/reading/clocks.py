"""Columns of time: clocks as seconds or steps, and where steps are missing."""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput

__all__ = ["clock_of", "missing_after", "rounded_step"]

Floats = NDArray[np.float64]

_UNEVEN = 1e-3  # share of a step by which clocks that were rounded when written may differ


def clock_of(column: NDArray[np.generic], name: str, source: str) -> Floats:
    """Return a column of time as numbers: seconds since the first where it holds dates.

    Parameters
    ----------
    column : ndarray, shape (rows,)
        Numbers, dates of NumPy, or text such as ``2026-01-31T12:00:00.5``.
    name, source : str
        Named in errors.

    Raises
    ------
    InvalidInput
        If a time is missing, or neither a number nor a date.

    Examples
    --------
    >>> clock_of(np.array(["2026-01-31 12:00:00", "2026-01-31 12:00:00.5"]), "t", "a table")
    array([0. , 0.5])
    """
    if column.dtype.kind == "M":
        return np.asarray((column - column.min()).astype("timedelta64[ns]").astype(np.float64) * 1e-9)
    if column.dtype.kind not in "iuf":
        try:
            moments = [datetime.fromisoformat(str(one)) for one in column.tolist()]
            return np.array([(one - moments[0]).total_seconds() for one in moments])
        except (ValueError, TypeError):
            raise InvalidInput(
                f"{source}: the column of time {name!r} holds {str(column[0])!r}; write seconds, numbers of steps, or "
                "times such as 2026-01-31T12:00:00.5"
            ) from None
    clock = column.astype(np.float64)
    if not np.isfinite(clock).all():
        raise InvalidInput(f"{source}: the column of time {name!r} has missing values; every row needs one")
    return clock


def rounded_step(step: float) -> float:
    """Return a difference of clocks without the digits that their subtraction has made up.

    Examples
    --------
    >>> rounded_step(0.3 - 0.2)
    0.1
    """
    return float(f"{step:.9g}")


def missing_after(time: Floats, step: float, name: str) -> NDArray[np.bool_]:
    """Return after which rows of a trajectory, in order of time, steps are missing, shape (rows - 1,).

    Raises
    ------
    InvalidInput
        If the times are no whole numbers of steps apart.
    """
    gaps = np.diff(time) / step
    whole = np.rint(gaps)
    if (np.abs(gaps - whole) > _UNEVEN * np.maximum(whole, 1.0)).any() or (whole < 1).any():
        raise InvalidInput(
            f"the steps of {name!r} are not equal: they go from {np.diff(time).min():.4g} to "
            f"{np.diff(time).max():.4g}, half of them below {step:.4g}; interpolate to equal steps first"
        )
    return np.asarray(whole > 1)
