"""One series under its monitor: what it has spent, what was said of it last, and the prompts that it saw."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from secondlaw.drift.monitoring_mix import MixMemory
from secondlaw.drift.monitoring_plan import MonitorPlan, StreamMonitor
from secondlaw.drift.monitors import BettingMonitor, Decision, UniversalMonitor

__all__ = ["MonitoredSeries"]


@dataclass(slots=True)
class MonitoredSeries:
    """One series as a :class:`~secondlaw.drift.monitoring.MonitorSet` holds it.

    Parameters
    ----------
    monitor : StreamMonitor
    place : int
        From 0, in the order in which series come up.
    spent : float
        e-SR: false alarms allowed by now.
    label : str
        Of its last step.
    evidence : float
    last : Decision or None
    since, began : int or None
        Step at which e-Benjamini-Hochberg chose it, and where the change began.
    mix : MixMemory
    """

    monitor: StreamMonitor
    place: int
    spent: float = 0.0
    label: str = ""
    evidence: float = -math.inf
    last: Decision | None = None
    since: int | None = None
    began: int | None = None
    mix: MixMemory = field(default_factory=MixMemory)

    def budget(self, plan: MonitorPlan) -> dict[str, float | None] | None:
        """Return what it may spend now; None without a budget."""
        if isinstance(self.monitor, BettingMonitor):
            return self.monitor.spent | {"allowed": self.spent if plan.shares_by_step else None}
        if isinstance(self.monitor, UniversalMonitor):
            return {"alpha": self.monitor.alpha, "alpha_so_far": self.monitor.spent, "delta": self.monitor.delta}
        return None

    def restart(self) -> None:
        """Begin a new run on the same baseline."""
        self._forget()
        self.monitor.restart()

    def relearn(self) -> None:
        """Forget the baseline and learn it anew."""
        self._forget()
        self.mix = MixMemory()
        self.monitor.relearn()

    def to_state(self) -> dict[str, Any]:
        """Return the series as plain JSON values."""
        return {
            "monitor": self.monitor.to_state(),
            "spent": self.spent,
            "label": self.label,
            "evidence": self.evidence if self.evidence > -math.inf else None,
            "last": None if self.last is None else self.last.to_dict(),
            "since": self.since,
            "began": self.began,
            "mix": self.mix.to_state(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], plan: MonitorPlan, place: int) -> Self:
        """Go on from a state."""
        return cls(
            plan.load_monitor(state["monitor"]),
            place,
            state["spent"],
            state["label"],
            -math.inf if state["evidence"] is None else state["evidence"],
            None if state["last"] is None else Decision.from_dict(state["last"]),
            state["since"],
            state["began"],
            MixMemory.from_state(state["mix"]),
        )

    def _forget(self) -> None:
        self.since = self.began = None
        self.evidence = -math.inf
