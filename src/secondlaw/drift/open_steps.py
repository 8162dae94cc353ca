"""Steps that still take rows, by series: what a :class:`~secondlaw.drift.step_counts_builder.StepBuilder` holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from secondlaw.drift.step_counts import NO_CATEGORY, Cell, StepRow

__all__ = ["LEFT_OUT", "OpenSeries", "OpenStep"]

IDS_KEPT = 3
"""Responses named of each prompt, category and step."""
LEFT_OUT = ("duplicates", "contradictions", "late", "unlabelled")
"""Why a row is in no count."""


@dataclass(slots=True)
class OpenStep:
    """A step that still takes rows."""

    rows: int = 0
    cells: dict[Cell, list[int]] = field(default_factory=dict)
    values: dict[Cell, list[float]] = field(default_factory=dict)
    ids: dict[tuple[str, int], list[str]] = field(default_factory=dict)
    classifiers: list[str] = field(default_factory=list)
    begins: float | None = None
    ends: float | None = None

    def take(self, row: StepRow, *, width: int, scored: bool) -> None:
        """Count a row, of K = `width` categories; its score is kept where it is one of scores."""
        self.rows += 1
        cell = Cell(row.prompt_set, row.intent, row.cluster)
        if row.category != NO_CATEGORY:
            counts = self.cells.get(cell)
            if counts is None:
                counts = self.cells[cell] = [0] * (width + 1)
            counts[row.category] += 1
            if row.id is not None:
                ids = self.ids.setdefault((row.cluster, row.category), [])
                if len(ids) < IDS_KEPT:
                    ids.append(row.id)
        if scored and row.value is not None:
            self.values.setdefault(cell, []).append(row.value)
        if row.classifier is not None and row.classifier not in self.classifiers:
            self.classifiers.append(row.classifier)
        if row.time is not None:
            self.begins = row.time if self.begins is None else min(self.begins, row.time)
            self.ends = row.time if self.ends is None else max(self.ends, row.time)

    def to_state(self) -> dict[str, Any]:
        """Return the step as plain JSON values."""
        return {
            **{name: getattr(self, name) for name in ("rows", "classifiers", "begins", "ends")},
            **{name: [[*key, row] for key, row in getattr(self, name).items()] for name in ("cells", "values", "ids")},
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Go on from a state."""
        return cls(
            state["rows"],
            {Cell(*row[:3]): list(row[3]) for row in state["cells"]},
            {Cell(*row[:3]): list(row[3]) for row in state["values"]},
            {(row[0], row[1]): list(row[2]) for row in state["ids"]},
            list(state["classifiers"]),
            state["begins"],
            state["ends"],
        )


@dataclass(slots=True)
class OpenSeries:
    """One stream and model: its open steps, the next to be emitted, what was left out since the last."""

    open: dict[int, OpenStep] = field(default_factory=dict)
    next: int | None = None
    latest: int | None = None
    rows: int = 0
    left_out: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LEFT_OUT, 0))

    def told(self) -> dict[str, Any]:
        """Return what was left out since this was last asked."""
        told, self.left_out = self.left_out, dict.fromkeys(LEFT_OUT, 0)
        return told

    def to_state(self) -> dict[str, Any]:
        """Return the series as plain JSON values."""
        return {
            "open": [[number, one.to_state()] for number, one in self.open.items()],
            **{name: getattr(self, name) for name in ("next", "latest", "rows")},
            "left_out": dict(self.left_out),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Go on from a state."""
        steps = {number: OpenStep.from_state(held) for number, held in state["open"]}
        return cls(steps, state["next"], state["latest"], state["rows"], dict(state["left_out"]))
