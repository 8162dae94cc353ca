"""Alarms, decisions and deliveries as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

__all__ = [
    "Alarm", "DecisionRecord", "Delivery", "MonitorRecord", "MonitorStep", "NewAlarm", "NewDelivery",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """What a monitor said of one window; the fields of a monitor's decision, its step being the window.

    Examples
    --------
    >>> DecisionRecord.of({"step": 5, "alarm": False, "log_evidence": None, "verdict": "quiet"}).window
    5
    """

    window: int
    verdict: str
    alarm: bool = False
    log_evidence: float | None = None
    log_threshold: float | None = None
    n: int | None = None
    score: str | None = None
    since: int | None = None
    change_point: int | None = None
    reason: str = ""

    @classmethod
    def of(cls, values: Mapping[str, Any], *, window: int | None = None) -> "DecisionRecord":
        """Build a record from a decision as plain values; its step is the window unless told otherwise."""
        known = {name: values[name] for name in cls.__slots__ if name != "window" and name in values}
        return cls(window=int(values["step"]) if window is None else window, **known)


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """Something to be told to a receiver; the payload is plain JSON."""

    receiver: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewAlarm:
    """An alarm to be raised, with what is to be told of it."""

    kind: str
    window: int
    summary: str
    details: Mapping[str, Any] = field(default_factory=dict)
    deliveries: Sequence[NewDelivery] = ()


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm; there is one of a kind for each window of a monitor."""

    id: int
    stream: str
    monitor: str
    kind: str
    window: int
    summary: str
    details: Mapping[str, Any]
    status: Literal["open", "resolved"]
    opened_at: datetime
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    resolved_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MonitorStep:
    """What one evaluation of a monitor leaves: written together or not at all.

    Parameters
    ----------
    monitor : str
        Its name.
    state : mapping
        Its state after the step.
    last_window : int or None
        The last window that it has decided on.
    decisions : sequence of DecisionRecord
    opened : sequence of NewAlarm
    resolved : sequence of (alarm id, deliveries)
        Alarms that are over, and what is to be told of it.
    expected : int or None
        `last_window` as it was when the state was read: if another evaluation came between, nothing is written.
    """

    monitor: str
    state: Mapping[str, Any]
    last_window: int | None
    decisions: Sequence[DecisionRecord] = ()
    opened: Sequence[NewAlarm] = ()
    resolved: Sequence[tuple[int, Sequence[NewDelivery]]] = ()
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class MonitorRecord:
    """A monitor as it is stored; `state` is None before its first step, and where it was not asked for.

    `has_state` says which; a monitor that was re-baselined has none until its next step, though a last window.
    """

    stream: str
    name: str
    settings: Mapping[str, Any]
    state: Mapping[str, Any] | None
    last_window: int | None
    decision: DecisionRecord | None
    updated_at: datetime
    has_state: bool


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something that is to be told, was told, or could not be told."""

    id: int
    receiver: str
    alarm: int | None
    payload: Mapping[str, Any]
    status: Literal["pending", "delivered", "dead"]
    attempts: int
    created_at: datetime
    next_at: datetime
    last_error: str | None
    token: str | None
