"""How rows are cut: blocks that count as independent, and folds of whole blocks for cross-fitting.

A block is a trajectory where there are enough of them, else a stretch of one. Blocks must be longer than the memory of
the process; :func:`block_dependence` says whether neighbours still resemble each other.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics import block_ids
from secondlaw.trajectories.containers import Transitions

__all__ = ["Layout", "block_dependence", "lay_out"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST_BLOCKS = 20  # trajectories below which each is cut into stretches: Student's factor is then 1.07
MOST_BLOCKS = 1024


@dataclass(frozen=True, slots=True)
class Layout:
    """Transitions in the order of their blocks.

    Parameters
    ----------
    x0, x1 : ndarray, shape (n, dim)
    starts : ndarray of int64, shape (B + 1,)
        Row at which each block begins; the last entry is n.
    folds : ndarray of int64, shape (F + 1,)
        Block at which each fold begins; the last entry is B.
    stretches : bool
        Whether blocks are stretches of trajectories, which may still depend on each other.
    runs : ndarray of int64
        Row at which each trajectory begins.
    """

    x0: Floats
    x1: Floats
    starts: Ints
    folds: Ints
    stretches: bool
    runs: Ints

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.x0)

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return len(self.starts) - 1

    @property
    def fold_rows(self) -> Ints:
        """Row at which each fold begins, and n, shape (F + 1,)."""
        return self.starts[self.folds]

    @property
    def fold_sizes(self) -> Ints:
        """Rows of each fold, shape (F,)."""
        return np.diff(self.fold_rows)


def lay_out(data: Transitions, *, blocks: int, folds: int) -> Layout:
    """Cut transitions into about `blocks` blocks and `folds` folds.

    Parameters
    ----------
    data : Transitions
    blocks : int
        Wanted number of blocks where trajectories are fewer than 20; else each trajectory is one.
    folds : int

    Raises
    ------
    NotEnoughData
        If there are fewer than two rows for each of 20 blocks.

    Examples
    --------
    >>> data = Transitions.of(np.zeros(200), np.zeros(200), groups=np.zeros(200))
    >>> cut = lay_out(data, blocks=20, folds=4)
    >>> cut.blocks, cut.fold_sizes
    (20, array([50, 50, 50, 50]))
    """
    if blocks < FEWEST_BLOCKS or not 3 <= folds <= FEWEST_BLOCKS:
        raise InvalidInput(
            f"blocks must be {FEWEST_BLOCKS} or more and folds 3 to {FEWEST_BLOCKS}, got {blocks}, {folds}"
        )
    if len(data) < 2 * FEWEST_BLOCKS:
        raise NotEnoughData(f"{len(data)} transitions are too few: {2 * FEWEST_BLOCKS} or more are needed")
    sizes = np.bincount(data.groups)
    sizes = sizes[sizes > 0]
    if len(sizes) >= FEWEST_BLOCKS:
        ids = block_ids(data.groups, MOST_BLOCKS)
        order, stretches = np.argsort(ids, kind="stable"), False
        ends = np.cumsum(np.bincount(ids)[np.unique(ids)])
    else:
        blocks, stretches = min(blocks, len(data) // 2), True
        order = np.arange(len(data))
        pieces = np.maximum(1, np.rint(blocks * sizes / sizes.sum())).astype(np.int64)
        offsets = np.cumsum(sizes) - sizes
        ends = np.concatenate(
            [first + np.arange(1, k + 1) * size // k for first, size, k in zip(offsets, sizes, pieces, strict=True)]
        )
        ends = np.unique(ends)
    starts = np.concatenate([[0], ends]).astype(np.int64)
    wanted = np.arange(1, folds) * len(data) / folds
    inner = np.searchsorted(starts, wanted - 0.5 * np.diff(starts).mean())
    bounds = np.concatenate([[0], inner, [len(starts) - 1]]).astype(np.int64)
    if (np.diff(bounds) < 1).any():
        raise NotEnoughData(
            f"{len(starts) - 1} blocks of very unequal lengths cannot make {folds} folds: use fewer folds"
        )
    same = not (order[1:] < order[:-1]).any()
    x0, x1 = (data.x0, data.x1) if same else (data.x0[order], data.x1[order])
    runs = np.flatnonzero(np.append(True, np.diff(data.groups[order]) != 0))
    return Layout(x0, x1, starts, bounds, stretches, runs)


def block_dependence(block_values: Floats) -> float:
    """Return the correlation of neighbouring blocks, 0 where blocks do not vary.

    Examples
    --------
    >>> round(block_dependence(np.array([1.0, 1.0, 2.0, 2.0, 3.0, 3.0])), 2)
    0.5
    """
    centred = block_values - block_values.mean()
    spread = float(centred @ centred)
    if spread <= 0.0:
        return 0.0
    return float(centred[1:] @ centred[:-1]) / spread
