"""What a count vector must be: K >= 2 categories on the last axis, finite, not negative, not all zero."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput, NotEnoughData

__all__ = ["checked_counts", "checked_groups"]


def checked_counts(counts: ArrayLike) -> NDArray[Any]:
    """Return counts as an array, or say what is wrong with them.

    Parameters
    ----------
    counts : array_like, shape (..., K)
        Counts of K >= 2 categories on the last axis.

    Returns
    -------
    ndarray, shape (..., K)
        The counts, integer or float64.

    Raises
    ------
    InvalidInput
        If there are fewer than two categories, or a count is negative or not finite.
    NotEnoughData
        If a vector holds no count.
    """
    array = np.asarray(counts)
    if array.ndim == 0 or array.shape[-1] < 2:
        raise InvalidInput(f"counts need two or more categories on the last axis, got shape {array.shape}")
    if array.dtype.kind not in "iuf":
        array = array.astype(np.float64)
    if array.size and not (array.min() >= 0 and np.isfinite(array.max())):
        raise InvalidInput(f"counts must be finite and not negative, got values from {array.min()} to {array.max()}")
    empty = ~(array @ np.ones(array.shape[-1]) > 0)
    if empty.any():
        where = tuple(int(i) for i in np.argwhere(empty)[0])
        at = f" (the first at index {where})" if where else ""
        raise NotEnoughData(f"{int(empty.sum())} of {empty.size} count vectors hold no response{at}: leave them out")
    return array


def checked_groups(counts: ArrayLike) -> NDArray[np.float64]:
    """Return counts by group without the groups that hold no response, or say what is wrong with them.

    Parameters
    ----------
    counts : array_like, shape (groups, K)
        Counts of each group (prompt, conversation); rows may be all zero.

    Returns
    -------
    ndarray of float64, shape (present groups, K)
        The rows that hold a response.

    Raises
    ------
    InvalidInput
        If the array is not two-dimensional, or a count is negative or not finite.
    NotEnoughData
        If no group holds a response.
    """
    array = np.asarray(counts, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] < 2:
        raise InvalidInput(f"counts by group have the shape (groups, K >= 2), got {array.shape}")
    if array.size and not (array.min() >= 0 and np.isfinite(array.max())):
        raise InvalidInput(f"counts must be finite and not negative, got values from {array.min()} to {array.max()}")
    present = array[array.sum(axis=1) > 0]
    if not len(present):
        raise NotEnoughData("the cell holds no response: nothing can be measured in it")
    return np.asarray(present)
