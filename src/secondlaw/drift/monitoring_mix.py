"""The mix of prompts that a monitor sees: in its baseline, and lately. A changed mix is no drift of the model."""

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from secondlaw.drift.monitors import Decision
from secondlaw.drift.step_counts import StepCounts

__all__ = ["RECENT", "MixChange", "MixMemory"]

RECENT = 20
"""Steps whose mix of prompts is compared with that of the baseline."""


class MixChange(NamedTuple):
    """The mix of prompts in the baseline and lately, by (prompt set, intent): shares, and their total variation."""

    before: dict[tuple[str, str], float]
    after: dict[tuple[str, str], float]
    total_variation: float


@dataclass(slots=True)
class MixMemory:
    """Responses by (prompt set, intent) in the baseline, and in each of the last steps."""

    usual: dict[tuple[str, str], int] = field(default_factory=dict)
    recent: deque[dict[tuple[str, str], int]] = field(default_factory=lambda: deque(maxlen=RECENT))

    def take(self, step: StepCounts, decision: Decision) -> None:
        """Remember a step."""
        mix: dict[tuple[str, str], int] = {}
        for cell, row in step.cells.items():
            name = (cell.prompt_set, cell.intent)
            mix[name] = mix.get(name, 0) + sum(row)
        if decision.verdict in ("baseline", "changed"):
            _add(self.usual, mix)
        elif mix:
            self.recent.append(mix)

    def change_at(self, decision: Decision) -> MixChange | None:
        """Return how the mix changed, at a drift alarm; None elsewhere, and where nothing was seen."""
        if not decision.alarm or decision.verdict != "drifting":
            return None
        lately: dict[tuple[str, str], int] = {}
        for mix in self.recent:
            _add(lately, mix)
        if not self.usual or not lately:
            return None
        before, after = _shares(self.usual), _shares(lately)
        names = {*before, *after}
        return MixChange(before, after, 0.5 * math.fsum(abs(after.get(k, 0.0) - before.get(k, 0.0)) for k in names))

    def to_state(self) -> dict[str, Any]:
        """Return the memory as plain JSON values."""
        return {"usual": _plain(self.usual), "recent": [_plain(mix) for mix in self.recent]}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Go on from :meth:`to_state`."""
        found = cls(_mix(state["usual"]))
        found.recent.extend(_mix(mix) for mix in state["recent"])
        return found


def _add(counts: dict[tuple[str, str], int], more: Mapping[tuple[str, str], int]) -> None:
    for name, n in more.items():
        counts[name] = counts.get(name, 0) + n


def _shares(counts: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], float]:
    total = sum(counts.values())
    return {name: n / total for name, n in counts.items()}


def _plain(mix: Mapping[tuple[str, str], int]) -> list[list[Any]]:
    return [[*name, n] for name, n in mix.items()]


def _mix(rows: Iterable[Any]) -> dict[tuple[str, str], int]:
    return {(one, two): n for one, two, n in rows}
