"""Arrays at the border of trajectories: the shape (time, variable), finite, and of a size whose products are finite."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput

__all__ = ["as_columns", "require_numbers"]

Floats = NDArray[np.float64]

MOST = 1e60
"""Size of a number beyond which products of a few overflow."""
LEAST = 1e-60
"""Range of a variable below which products of a few vanish."""


def as_columns(values: ArrayLike, name: str) -> Floats:
    """Return an array of shape (time, variable), or (time,) as one variable.

    Raises
    ------
    InvalidInput
        If it holds no numbers, or has other axes.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{name} must hold numbers in the shape (time, variable): {error}") from error
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] == 0:
        raise InvalidInput(f"{name} must have the axes (time, variable), got shape {array.shape}")
    return array


def require_numbers(values: Floats, name: str) -> None:
    """Raise InvalidInput where a number is not finite, or so large or small that its products are no numbers.

    Examples
    --------
    >>> require_numbers(np.array([[1e300]]), "trajectory 0")
    Traceback (most recent call last):
    ...
    secondlaw.errors.InvalidInput: trajectory 0 holds values up to 1e+300, whose products overflow: take another unit...
    """
    bad = ~np.isfinite(values)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise InvalidInput(
            f"{name} holds {int(bad.sum())} values that are not finite, first at row {row}, variable {column}: cut the "
            "trajectory there into two"
        )
    if not len(values):
        return
    largest = float(np.abs(values).max())
    if largest > MOST:
        raise InvalidInput(
            f"{name} holds values up to {largest:.3g}, whose products overflow: take another unit, or mend or cut what "
            "is no measurement"
        )
    span = np.ptp(values, axis=0)
    if ((span > 0.0) & (span < LEAST)).any():
        column = int(np.argmax((span > 0.0) & (span < LEAST)))
        raise InvalidInput(
            f"variable {column} of {name} ranges over {span[column]:.3g} only, whose products vanish: take another unit"
        )
