"""Jump data: the states visited and the times of the jumps, in continuous time."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput, NotEnoughData

__all__ = ["JumpRecords", "VisibleTransitions"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MOST_STATES = 4096


@dataclass(frozen=True, slots=True)
class JumpRecords:
    """Trajectories of a jump process that is seen in full.

    Parameters
    ----------
    states : tuple of ndarray of int64, shape (visits,)
        States 0 .. K-1 in the order of their visits.
    waits : tuple of ndarray, shape (visits,)
        Time spent at each visit; the last may be cut off by the end of the observation.

    Examples
    --------
    >>> data = JumpRecords.of([([0, 1, 0], [0.5, 1.0, 0.25])])
    >>> data.jumps, data.duration
    (2, 1.75)
    """

    states: tuple[Ints, ...]
    waits: tuple[Floats, ...]

    def __post_init__(self) -> None:
        if not self.states:
            raise NotEnoughData("no jump trajectory was given: pass pairs of states and waits")
        for number, (path, held) in enumerate(zip(self.states, self.waits, strict=True)):
            if path.ndim != 1 or path.shape != held.shape or not len(path):
                raise InvalidInput(
                    f"jump trajectory {number} needs one wait for each state, got {path.shape} and {held.shape}"
                )
            if not np.isfinite(held).all() or held.min() < 0.0:
                raise InvalidInput(f"waits of jump trajectory {number} must be numbers from 0 on, got {held.min()}")
            if path.min() < 0 or path.max() >= _MOST_STATES:
                raise InvalidInput(
                    f"states are whole numbers from 0 to {_MOST_STATES - 1}, got {path.min()}..{path.max()}"
                )
            if (path[1:] == path[:-1]).any():
                raise InvalidInput(f"jump trajectory {number} jumps from a state to itself: join the two visits")

    @classmethod
    def of(cls, records: Sequence[tuple[ArrayLike, ArrayLike]]) -> "JumpRecords":
        """Make records from pairs of (states, waits)."""
        paths = tuple(_whole(states) for states, _ in records)
        return cls(paths, tuple(np.asarray(waits, dtype=np.float64) for _, waits in records))

    @classmethod
    def from_times(cls, records: Sequence[tuple[ArrayLike, ArrayLike]], *, end: ArrayLike) -> "JumpRecords":
        """Make records from pairs of (times at which states are entered, states) and the end of each observation."""
        ends = np.broadcast_to(np.asarray(end, dtype=np.float64), len(records))
        pieces = []
        for number, ((times, states), last) in enumerate(zip(records, ends, strict=True)):
            when = np.asarray(times, dtype=np.float64)
            if when.ndim != 1 or not np.isfinite(when).all() or (np.diff(np.append(when, last)) < 0.0).any():
                raise InvalidInput(f"times of jump trajectory {number} must be finite and rise up to its end {last}")
            pieces.append((states, np.diff(np.append(when, last))))
        return cls.of(pieces)

    @property
    def jumps(self) -> int:
        """Number of jumps."""
        return sum(len(path) - 1 for path in self.states)

    @property
    def duration(self) -> float:
        """Time observed."""
        return float(sum(held.sum() for held in self.waits))

    def visible(self, edges: Sequence[tuple[int, int]]) -> "VisibleTransitions":
        """Return what is seen if only jumps along the edges are, in both directions.

        Parameters
        ----------
        edges : sequence of (int, int)
            Edge number e is seen as label e + 1 in this direction and -(e + 1) in the other.
        """
        label = {}
        for number, (a, b) in enumerate(edges, start=1):
            label[a, b], label[b, a] = number, -number
        labels, times, ends = [], [], []
        for path, held in zip(self.states, self.waits, strict=True):
            when = np.cumsum(held)
            seen = np.array([label.get((int(a), int(b)), 0) for a, b in itertools.pairwise(path)], dtype=np.int64)
            labels.append(seen[seen != 0])
            times.append(when[:-1][seen != 0])
            ends.append(float(when[-1]))
        return VisibleTransitions(tuple(labels), tuple(times), tuple(ends))


@dataclass(frozen=True, slots=True)
class VisibleTransitions:
    """Times at which a few transitions of a hidden network are seen, with their direction.

    Parameters
    ----------
    labels : tuple of ndarray of int64, shape (events,)
        Number of the transition, 1, 2, ...; negative in the reverse direction.
    times : tuple of ndarray, shape (events,)
        Rising.
    ends : tuple of float
        Duration of each observation.
    """

    labels: tuple[Ints, ...]
    times: tuple[Floats, ...]
    ends: tuple[float, ...]

    def __post_init__(self) -> None:
        for number, (label, when, end) in enumerate(zip(self.labels, self.times, self.ends, strict=True)):
            if label.shape != when.shape or label.ndim != 1 or (label == 0).any():
                raise InvalidInput(f"record {number} needs one label other than 0 for each time")
            if len(when) and not (np.isfinite(when).all() and (np.diff(when) >= 0.0).all() and when[-1] <= end):
                raise InvalidInput(f"times of record {number} must be finite and rise up to its end {end}")

    @classmethod
    def of(cls, records: Sequence[tuple[ArrayLike, ArrayLike]], *, end: ArrayLike) -> "VisibleTransitions":
        """Make records from pairs of (times, labels) and the end of each observation."""
        ends = np.broadcast_to(np.asarray(end, dtype=np.float64), len(records))
        return cls(
            tuple(_whole(labels) for _, labels in records),
            tuple(np.asarray(times, dtype=np.float64) for times, _ in records),
            tuple(float(last) for last in ends),
        )


def _whole(values: ArrayLike) -> Ints:
    array = np.asarray(values)
    if array.dtype.kind not in "iub" and not (array.dtype.kind == "f" and (array == np.rint(array)).all()):
        raise InvalidInput(f"states and labels are whole numbers, got {array.dtype}")
    return array.astype(np.int64)
