r"""A known drift put into resampled history: would it have been found, how soon, and at what price in false alarms.

The history without drift is drawn anew in blocks of consecutive steps (circular block bootstrap, Politis & Romano
1992), which keeps together what ties responses of one step, and steps next to each other. Such runs are stationary by
construction: every alarm in them is false. Into others a drift is put: from a step on, a share of all responses is
moved from one category to another, at once or growing evenly over some steps; each response of the source category is
moved by itself with probability share / (share of the source).
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput

__all__ = ["Injection", "block_length", "inject", "parse_injection", "resample_steps"]

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

_SPEC = re.compile(r"\s*(\d*\.?\d+)\s*(%?)\s*(.*?)\s*->\s*(.*?)\s*")
_SHIFT = re.compile(r"\s*([+-])\s*(\d*\.?\d+)\s*")


@dataclass(frozen=True, slots=True)
class Injection:
    """A known drift.

    Parameters
    ----------
    share : float
        Part of all responses that is moved when the drift is full; of a score, by how much its mean moves (in its unit,
        negative for a fall).
    source, target : str or None
        Categories; None where a score is moved.
    ramp : int
        Steps over which it grows; 1 is a jump.

    Examples
    --------
    >>> Injection(0.05, "g1", "g2", ramp=4).part_at(np.arange(-1, 5)).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """

    share: float
    source: str | None = None
    target: str | None = None
    ramp: int = 1

    def __post_init__(self) -> None:
        if self.ramp < 1:
            raise InvalidInput(f"a drift grows over 1 step or more, got {self.ramp}")
        if self.source is not None and not 0.0 < self.share <= 1.0:
            raise InvalidInput(f"a share of the responses lies between 0 and 1, got {self.share:g}")

    def __str__(self) -> str:
        shape = "at once" if self.ramp == 1 else f"growing over {self.ramp} steps"
        if self.source is None:
            return f"{self.share:+g} of the score's mean, {shape}"
        return f"{100 * self.share:g} points {self.source} -> {self.target}, {shape}"

    def part_at(self, after: NDArray[np.int64]) -> Floats:
        """Return which part of the drift is there, so many steps after its first (0 is the first, below is before)."""
        return np.clip((after + 1.0) / self.ramp, 0.0, 1.0)

    def scaled(self, factor: float) -> "Injection":
        """Return a drift so many times as large."""
        return replace(self, share=self.share * factor)


def parse_injection(spec: str, categories: Sequence[str], *, ramp: int = 1) -> Injection:
    """Read a drift as a user writes it: ``"0.05 g1->g2"``, ``"5% g1->g2"``; for a score ``"+0.05"``.

    Raises
    ------
    InvalidInput
        If it is none, or names no category.

    Examples
    --------
    >>> parse_injection("0.05 g1->g2", ("g1", "g2"))
    Injection(share=0.05, source='g1', target='g2', ramp=1)
    """
    shift = _SHIFT.fullmatch(spec)
    if shift is not None:
        size = float(shift[1] + shift[2])
        if size == 0.0:
            raise InvalidInput(f"a drift of 0 is none, got {spec!r}")
        return Injection(size, ramp=ramp)
    found = _SPEC.fullmatch(spec)
    if found is None:
        raise InvalidInput(f"a drift is written '0.05 g1->g2' (for a score '+0.05'), got {spec!r}")
    for name in (found[3], found[4]):
        if name not in categories:
            raise InvalidInput(f"a drift is between categories ({', '.join(categories)}), got {name!r} in {spec!r}")
    if found[3] == found[4]:
        raise InvalidInput(f"a drift is between two different categories, got {spec!r}")
    return Injection(float(found[1]) / (100.0 if found[2] else 1.0), found[3], found[4], ramp)


def block_length(steps: int) -> int:
    """Return how many consecutive steps are drawn together: the cube root, the usual order for a mean.

    Examples
    --------
    >>> block_length(100), block_length(1000)
    (5, 10)
    """
    return max(1, math.ceil(math.cbrt(steps) - 1e-9))


def resample_steps(pool: NDArray[np.generic], *, runs: int, steps: int, block: int, rng: np.random.Generator) -> Floats:
    """Draw runs (runs, steps, K) from the steps of a history (T, K), in blocks that wrap around its end.

    Examples
    --------
    >>> pool = np.arange(6)[:, None]
    >>> resample_steps(pool, runs=1, steps=6, block=3, rng=np.random.default_rng(0))[0, :, 0].astype(int).tolist()
    [5, 0, 1, 3, 4, 5]
    """
    if not 1 <= block <= len(pool):
        raise InvalidInput(f"a block has 1 to {len(pool)} steps, as many as the history, got {block}")
    starts = rng.integers(len(pool), size=(runs, math.ceil(steps / block)))
    places = (starts[:, :, None] + np.arange(block)) % len(pool)
    drawn: Floats = np.asarray(pool, dtype=np.float64)[places.reshape(runs, -1)[:, :steps]]
    return drawn


def inject(
    runs: Floats,
    injection: Injection,
    *,
    begin: NDArray[np.int64],
    categories: Sequence[str],
    bounds: tuple[float, float] | None = None,
    usual: float | None = None,
    rng: np.random.Generator,
) -> Floats:
    """Return runs with the drift in them.

    Parameters
    ----------
    runs : array (runs, steps, K)
        Counts; of a score within bounds (runs, steps, 2), see :func:`~secondlaw.drift.monitors.steps.step_counts`.
    injection : Injection
    begin : array of int (runs,)
        First step of the drift in each run.
    categories : sequence of str (K,)
    bounds : (float, float), optional
        Where a score is moved.
    usual : float, optional
        Share of the source category in the history; by default in these runs.
    rng : numpy.random.Generator

    Raises
    ------
    InvalidInput
        If the source category holds less than is to be moved, or the drift is of another kind than the runs.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> runs = np.tile([90.0, 10.0], (1, 1000, 1))
    >>> moved = inject(runs, Injection(0.05, "a", "b"), begin=np.array([500]), categories=("a", "b"), rng=rng)
    >>> moved[0, :500, 1].mean(), round(moved[0, 500:, 1].mean(), 1)
    (np.float64(10.0), np.float64(15.2))
    """
    part = injection.part_at(np.arange(runs.shape[1])[None, :] - begin[:, None])  # (runs, steps)
    moved = runs.copy()
    if bounds is not None:
        if injection.source is not None:
            raise InvalidInput("a score is watched: write the drift of its mean, such as '+0.05'")
        size = runs.sum(axis=2)
        up = injection.share / (bounds[1] - bounds[0]) * part * size
        moved[:, :, 0] = np.clip(runs[:, :, 0] + up, 0.0, size)
        moved[:, :, 1] = size - moved[:, :, 0]
        return moved
    if injection.source is None or injection.target is None:
        raise InvalidInput("categories are watched: write the drift as '0.05 g1->g2'")
    source, target = list(categories).index(injection.source), list(categories).index(injection.target)
    held = float(runs[:, :, source].sum() / runs.sum()) if usual is None else usual
    if held < injection.share:
        raise InvalidInput(
            f"{injection.source} holds {100 * held:.2g} % of the responses: {100 * injection.share:g} points cannot be "
            f"moved from it"
        )
    gone = rng.binomial(runs[:, :, source].astype(np.int64), np.minimum(injection.share / held * part, 1.0))
    moved[:, :, source] -= gone
    moved[:, :, target] += gone
    return moved
