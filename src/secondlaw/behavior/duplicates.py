"""Rows that state the same id: the same response twice, or a contradiction."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["settle"]


def settle(
    ids: NDArray[np.int64], contents: NDArray[np.int64], lines: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], int, list[tuple[int, int]]]:
    """Tell which rows stay.

    Parameters
    ----------
    ids, contents : int64 arrays, shape (rows,)
        Hashes of the stated id (0 where none is stated) and of all that the row says. Sixteen bytes a row; a million
        different ids collide with probability below 3e-8.
    lines : int64 array, shape (rows,)
        Places of the rows.

    Returns
    -------
    keep : bool array, shape (rows,)
        The first row of every id, and every row without one.
    repeated : int
        Rows that repeat the first with their id.
    contradictions : list of (line, line of the first)
        Rows that have its id and say something else.

    Examples
    --------
    >>> keep, repeated, contradictions = settle(np.array([7, 7, 0, 7]), np.array([1, 1, 1, 2]), np.arange(1, 5))
    >>> keep.tolist(), repeated, contradictions
    ([True, False, True, False], 1, [(4, 1)])
    """
    keep = np.ones(len(ids), dtype=bool)
    stated = np.nonzero(ids)[0]
    order = stated[np.argsort(ids[stated], kind="stable")]
    if len(order) < 2:
        return keep, 0, []
    sorted_ids = ids[order]
    opens = np.concatenate([[True], sorted_ids[1:] != sorted_ids[:-1]])
    first = order[np.maximum.accumulate(np.where(opens, np.arange(len(order)), 0))]
    keep[order[~opens]] = False
    again, origin = order[~opens], first[~opens]
    differs = contents[again] != contents[origin]
    contradictions = sorted(zip(lines[again[differs]].tolist(), lines[origin[differs]].tolist(), strict=True))
    return keep, int((~differs).sum()), contradictions
