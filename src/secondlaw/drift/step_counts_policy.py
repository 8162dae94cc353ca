"""How a log is cut into steps, and what became of its rows."""

import math
from dataclasses import dataclass
from typing import Literal, Self

from secondlaw.errors import InvalidInput

__all__ = ["HORIZON", "StepPolicy", "StepTallies"]

Kind = Literal["step", "time", "rows"]

HORIZON = 20_000
"""Ids remembered, to find duplicates: some hours of a busy log, half a megabyte of state."""


@dataclass(frozen=True, slots=True)
class StepPolicy:
    """How rows are cut into steps.

    Parameters
    ----------
    kind : {"step", "time", "rows"}
    every : int
        Seconds of a window.
    rows : int
        Rows of a step.
    lateness : float
        How long a step stays open for late rows: steps, or seconds of the rows' clock.
    stride, offset : int
        By how much stated steps grow, and where they begin: runs that record every 100th step have a stride of 100.
    horizon : int or None
        Ids remembered to find duplicates; None remembers all.

    Examples
    --------
    >>> StepPolicy.of(has_step=True, every=3600).kind, StepPolicy.of(rows_per_step=15).kind
    ('step', 'rows')
    """

    kind: Kind
    every: int = 0
    rows: int = 0
    lateness: float = 0.0
    stride: int = 1
    offset: int = 0
    horizon: int | None = HORIZON

    def __post_init__(self) -> None:
        if self.kind not in ("step", "time", "rows"):
            raise InvalidInput(f"a log is cut by step, time or rows, got {self.kind!r}")
        if self.kind == "time" and self.every < 1:
            raise InvalidInput(f"a window lasts 1 second or more, got {self.every}")
        if self.kind == "rows" and self.rows < 1:
            raise InvalidInput(f"a step holds 1 row or more, got {self.rows}")
        if not 0.0 <= self.lateness < math.inf:
            raise InvalidInput(f"lateness is 0 or more, got {self.lateness}")
        if self.stride < 1:
            raise InvalidInput(f"a stride is 1 or more, got {self.stride}")
        if self.horizon is not None and self.horizon < 0:
            raise InvalidInput(f"a horizon counts ids, from 0, got {self.horizon}")

    @classmethod
    def of(
        cls,
        *,
        has_step: bool = False,
        every: int | None = None,
        rows_per_step: int | None = None,
        lateness: float = 0.0,
        stride: int = 1,
        offset: int = 0,
        horizon: int | None = HORIZON,
    ) -> Self:
        """Return the policy for what was asked and what the first row has: rows per step, else its step, else time.

        Raises
        ------
        InvalidInput
            If nothing says what a step is.
        """
        if rows_per_step is not None:
            return cls("rows", rows=rows_per_step, horizon=horizon)
        if has_step:
            return cls("step", lateness=lateness, stride=stride, offset=offset, horizon=horizon)
        if every is not None:
            return cls("time", every=every, lateness=lateness, horizon=horizon)
        raise InvalidInput(
            "the rows state no step: cut their ts into windows with --every 1h, or take --rows-per-step 100"
        )


@dataclass(slots=True)
class StepTallies:
    """What became of the rows, all streams together.

    Parameters
    ----------
    rows : int
        All that came.
    counted : int
        Those in some step's counts, outside included.
    duplicates, contradictions, late, unlabelled : int
        As in :class:`~secondlaw.drift.step_counts.StepCounts`.
    unfinished : int
        Rows at the end that did not fill a step of `rows`.
    """

    rows: int = 0
    counted: int = 0
    duplicates: int = 0
    contradictions: int = 0
    late: int = 0
    unlabelled: int = 0
    unfinished: int = 0

    def words(self, *, scored: bool = False, rows_per_step: int = 0) -> list[str]:
        """Say which rows are in no count, and why.

        Examples
        --------
        >>> StepTallies(rows=5, counted=3, late=2).words()
        ['2 rows came after their step was closed (late) and are in no count']
        """
        said = {
            "late": "rows came after their step was closed (late) and are in no count",
            "duplicates": "rows repeat another row's id and content and are counted once",
            "contradictions": "rows have the id of another row and say something else: the first is counted",
            "unlabelled": f"rows have no {'score' if scored else 'label'} and are in no count",
            "unfinished": f"rows at the end do not fill a step of {rows_per_step} and are left out",
        }
        return [f"{getattr(self, name):,} {words}" for name, words in said.items() if getattr(self, name)]
