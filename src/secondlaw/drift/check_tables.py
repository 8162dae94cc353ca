"""Two runs as counts by prompt: which prompts are matched, which may be dealt, and equal numbers of responses."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput

__all__ = ["LEAST_DEALT", "PromptTable"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_DEALT = 2
"""A stratum with fewer unmatched prompts of a run shows nothing of the spread between prompts and takes no part."""


@dataclass(frozen=True, slots=True, init=False)
class PromptTable:
    """Counts of two runs by prompt.

    Parameters
    ----------
    first, second : array_like, shape (P, K)
        Labels as counted; a row of zeros where a run did not answer the prompt.
    stratum : array_like of int, shape (P,), optional
        Within which unmatched prompts may be dealt; one for all by default.

    Raises
    ------
    InvalidInput
        If shapes do not fit, or counts are negative or not whole.
    """

    first: Floats
    second: Floats
    stratum: Ints

    def __init__(self, first: ArrayLike, second: ArrayLike, stratum: ArrayLike | None = None) -> None:
        a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
        s = np.zeros(len(a), dtype=np.int64) if stratum is None else np.asarray(stratum, dtype=np.int64)
        if a.ndim != 2 or a.shape != b.shape or s.shape != (len(a),):
            raise InvalidInput(f"counts (P, K) of two runs and strata (P,) do not fit: {a.shape}, {b.shape}, {s.shape}")
        for table in (a, b):
            if table.size and not (
                table.min() >= 0.0 and np.isfinite(table.max()) and (table == np.floor(table)).all()
            ):
                raise InvalidInput(f"counts are whole numbers, 0 or more; got from {table.min()} to {table.max()}")
        object.__setattr__(self, "first", a)
        object.__setattr__(self, "second", b)
        object.__setattr__(self, "stratum", s)

    @property
    def sizes(self) -> tuple[Floats, Floats]:
        """Responses of each run by prompt."""
        return self.first.sum(axis=1), self.second.sum(axis=1)

    @property
    def matched(self) -> NDArray[np.bool_]:
        """Which prompts both runs answered."""
        n, m = self.sizes
        return np.asarray((n > 0) & (m > 0))

    def dealt(self) -> list[tuple[int, Ints, Ints]]:
        """Return the strata whose unmatched prompts take part, with the places of each run's prompts."""
        matched, sizes = self.matched, self.sizes
        found = []
        for name in np.unique(self.stratum).tolist():
            here = (self.stratum == name) & ~matched
            one, two = (np.flatnonzero(here & (size > 0)) for size in sizes)
            if min(len(one), len(two)) >= LEAST_DEALT:
                found.append((name, one, two))
        return found

    def taking_part(self) -> Self:
        """Return the prompts that are matched or dealt."""
        keep = self.matched
        for _, one, two in self.dealt():
            keep[one] = keep[two] = True
        return type(self)(self.first[keep], self.second[keep], self.stratum[keep])

    def goals(self) -> tuple[Floats, Floats]:
        """Return the numbers of responses (P,) of each run that leave both alike.

        A matched prompt keeps the smaller of its two numbers. Unmatched ones keep the smaller of their own and of the
        other run's at the same quantile.

        Examples
        --------
        >>> table = PromptTable([[3, 1], [4, 1], [6, 0], [0, 0]], [[0, 2], [0, 0], [0, 0], [1, 4]])
        >>> [goal.tolist() for goal in table.goals()]
        [[2.0, 5.0, 5.0, 0.0], [2.0, 0.0, 0.0, 5.0]]
        """
        n, m = self.sizes
        matched = self.matched
        goals = np.where(matched, np.minimum(n, m), n), np.where(matched, np.minimum(n, m), m)
        for name in np.unique(self.stratum).tolist():
            here = (self.stratum == name) & ~matched
            places = [np.flatnonzero(here & (size > 0)) for size in (n, m)]
            if not all(map(len, places)):
                continue
            ordered = [
                place[np.argsort(size[place], kind="stable")] for place, size in zip(places, (n, m), strict=True)
            ]
            sorted_sizes = n[ordered[0]], m[ordered[1]]
            for i in (0, 1):
                own, other = sorted_sizes[i], sorted_sizes[1 - i]
                at = ((np.arange(len(own)) + 0.5) / len(own) * len(other)).astype(np.int64)
                goals[i][ordered[i]] = np.minimum(own, other[at])
        return goals

    @property
    def balanced(self) -> bool:
        """Whether the numbers of responses are alike already."""
        return all(np.array_equal(size, goal) for size, goal in zip(self.sizes, self.goals(), strict=True))

    def thinned(self, rng: np.random.Generator) -> Self:
        """Return the table with responses left out at random until both runs have as many; see :meth:`goals`."""
        tables = []
        for table, size, goal in zip((self.first, self.second), self.sizes, self.goals(), strict=True):
            out = table.copy()
            for place in np.flatnonzero(goal < size).tolist():
                out[place] = rng.multivariate_hypergeometric(table[place].astype(np.int64), int(goal[place]))
            tables.append(out)
        return type(self)(tables[0], tables[1], self.stratum)

    def least_p(self) -> float:
        """Return the smallest p-value that any data on these prompts could have.

        Examples
        --------
        >>> PromptTable([[1, 0]] * 5, [[0, 1]] * 5).least_p()
        0.0625
        """
        patterns = float(self.matched.sum()) * math.log(2.0)
        mirrored = True  # the pattern with the runs exchanged is as extreme, where it exists
        for _, one, two in self.dealt():
            n, m = len(one), len(two)
            patterns += math.lgamma(n + m + 1) - math.lgamma(n + 1) - math.lgamma(m + 1)
            mirrored &= n == m
        return min(1.0, (2.0 if mirrored else 1.0) * math.exp(-patterns))
