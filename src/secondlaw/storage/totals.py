"""Counts summed over clusters, as arrays: what an overview reads of many windows at once."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["Series", "Totals"]


@dataclass(frozen=True, slots=True)
class Series:
    """What the responses of one series of counts have in common."""

    stream: str
    model: str
    prompt_set: str
    intent: str
    classifier: str


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """Counts of categories by series and window, clusters summed up.

    Parameters
    ----------
    keys : tuple of str
        The K categories.
    every : int or None
        Length of a window in seconds; None: windows are steps.
    series : tuple of Series
    code : int32 array, shape (rows,)
        Into `series`; rows are sorted by series and window.
    windows : int64 array, shape (rows,)
    table : int64 array, shape (rows, K + 1)
        Counts; last, of responses outside.
    """

    keys: tuple[str, ...]
    every: int | None
    series: tuple[Series, ...]
    code: NDArray[np.int32]
    windows: NDArray[np.int64]
    table: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.windows)

    def where(self, wanted: Callable[[Series], bool]) -> "Totals":
        """Return the rows of the series that fulfil a condition."""
        hit = np.array([wanted(one) for one in self.series], dtype=bool)
        rows = hit[self.code] if len(hit) else np.zeros(0, dtype=bool)
        place = np.cumsum(hit, dtype=np.int32) - 1
        return replace(
            self,
            series=tuple(one for one, chosen in zip(self.series, hit.tolist(), strict=True) if chosen),
            code=place[self.code[rows]].astype(np.int32),
            windows=self.windows[rows],
            table=self.table[rows],
        )

    def of_windows(self, windows: range) -> "Totals":
        """Return the rows of some windows."""
        inside = (self.windows >= windows.start) & (self.windows < windows.stop)
        return replace(self, code=self.code[inside], windows=self.windows[inside], table=self.table[inside])

    @property
    def fingerprint(self) -> int:
        """A number that other counts, or counts of other names, do not have; in this process alone.

        Series without a row take no part in it.
        """
        used, code = np.unique(self.code, return_inverse=True)
        names = tuple(self.series[number] for number in used.tolist())
        return hash((self.keys, self.every, names, *(part.tobytes() for part in (code, self.windows, self.table))))

    def by_window(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return windows (w,), ascending, and counts (w, K + 1) summed over series.

        Counts of different classifiers are not alike: choose one with :meth:`where` first.
        """
        windows, place = np.unique(self.windows, return_inverse=True)
        table = np.zeros((len(windows), len(self.keys) + 1), dtype=np.int64)
        np.add.at(table, place, self.table)
        return windows, table
