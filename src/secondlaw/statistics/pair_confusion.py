"""Which two categories a classifier takes for one another too often.

The paper (arXiv:2512.03047) asks for a second look where more than 5 % of helpful and aligned responses (g1) and
helpful but misaligned ones (g2) are taken for one another.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from secondlaw.errors import InvalidInput
from secondlaw.statistics.intervals import LEVEL
from secondlaw.statistics.shares import exact_interval

__all__ = ["TOO_OFTEN", "ConfusedPair", "confused_pairs"]

TOO_OFTEN = 0.05
"""Part of the responses of two categories that may be taken for the other (the paper's 5 %)."""


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """Two categories that are taken for one another.

    Parameters
    ----------
    first, second : int
        The categories.
    rate, low, high : float
        Part of the responses of either category that got the other's label, with its exact interval.
    n : float
        Responses of the two categories.
    first_as_second, second_as_first : float
        The rate in each direction.
    """

    first: int
    second: int
    rate: float
    low: float
    high: float
    n: float
    first_as_second: float
    second_as_first: float

    @property
    def is_sure(self) -> bool:
        """Whether the interval as a whole lies above what is allowed."""
        return self.low > TOO_OFTEN


def confused_pairs(
    confusion: ArrayLike,
    *,
    pairs: Sequence[tuple[int, int]] = ((0, 1),),
    above: float = TOO_OFTEN,
    level: float = LEVEL,
) -> list[ConfusedPair]:
    """Return the pairs of categories that are confused more often than allowed.

    Parameters
    ----------
    confusion : array (K, K)
        Counts, true category by row, label by column.
    pairs : sequence of (int, int)
        Which pairs to look at; g1 and g2 by default.
    above : float
        Allowed rate.
    level : float
        Coverage of the intervals, which take responses as independent.

    Returns
    -------
    list of ConfusedPair
        Those above, most confused first; pairs without any response are left out.

    Raises
    ------
    InvalidInput
        If the table is not square, or a pair is not in it.

    Examples
    --------
    >>> [found] = confused_pairs([[90, 10], [4, 96]])
    >>> found.rate, found.is_sure
    (0.07, False)
    """
    table = np.asarray(confusion, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or not np.all(np.isfinite(table)) or np.any(table < 0.0):
        raise InvalidInput(f"a confusion table is square with nonnegative counts, got shape {table.shape}")
    found = []
    for i, j in pairs:
        if not (0 <= i < len(table) and 0 <= j < len(table) and i != j):
            raise InvalidInput(f"a pair names two of the {len(table)} categories, got {(i, j)}")
        rows = table[[i, j]].sum(axis=1)
        n, wrong = float(rows.sum()), float(table[i, j] + table[j, i])
        if n > 0.0 and wrong / n > above:
            low, high = exact_interval(wrong, n, level=level)
            ways = [
                float(off / of) if of > 0.0 else 0.0 for off, of in zip((table[i, j], table[j, i]), rows, strict=True)
            ]
            found.append(ConfusedPair(i, j, wrong / n, float(low), float(high), n, ways[0], ways[1]))
    return sorted(found, key=lambda pair: -pair.rate)
