"""What is said of a stream at one look: stable, watching, drifting, not enough data, no data."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from secondlaw.service.evaluation_settings import MONITOR
from secondlaw.storage import Alarm, MonitorRecord, Stream

__all__ = ["ORDER", "State", "StreamState", "state_of"]

State = Literal["drifting", "no data", "not enough data", "watching", "stable"]
ORDER: tuple[State, ...] = ("drifting", "no data", "watching", "not enough data", "stable")
"""Worst first."""
NEAR = 0.5
"""Part of the log threshold from which evidence is worth watching."""
SILENT_WINDOWS = 3
"""Windows without an event after which a stream that nothing has been decided on is silent."""


@dataclass(frozen=True, slots=True)
class StreamState:
    """How a stream stands.

    Parameters
    ----------
    stream : str
    state : str
    since : int or None
        Window since which it drifts or is silent.
    reason : str
        In one sentence.
    evidence, threshold : float or None
        Of the series that stands worst.
    series : str
        Which that is.
    open_alarms : int
    """

    stream: str
    state: State
    since: int | None
    reason: str
    evidence: float | None
    threshold: float | None
    series: str
    open_alarms: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


def state_of(
    stream: Stream, monitors: Sequence[MonitorRecord], alarms: Sequence[Alarm], *, now: datetime
) -> StreamState:
    """Return how a stream stands, by its series that stands worst.

    Parameters
    ----------
    stream : Stream
    monitors : sequence of MonitorRecord
        Of this stream.
    alarms : sequence of Alarm
        Open ones of this stream.
    now : datetime
    """
    series = [one for one in monitors if one.name.startswith(f"{MONITOR}:") and one.decision is not None]
    if stream.last_event_at is None:
        return StreamState(stream.name, "no data", None, "nothing has come yet", None, None, "", len(alarms))
    found = []
    for one in series:
        decision = one.decision
        assert decision is not None  # noqa: S101 - chosen so
        name = one.name.removeprefix(f"{MONITOR}:")
        near = (
            decision.log_evidence is not None
            and decision.log_threshold is not None
            and decision.log_evidence >= NEAR * decision.log_threshold
        )
        state: State = "stable"
        if decision.verdict == "drifting":
            state = "drifting"
        elif decision.verdict == "missing":
            state = "no data"
        elif decision.verdict in ("baseline", "changed"):
            state = "not enough data"
        elif near:
            state = "watching"
        since = _window_of(one, alarms, state)
        found.append(
            StreamState(
                stream.name, state, since, decision.reason, decision.log_evidence, decision.log_threshold, name,
                len(alarms),
            )
        )  # fmt: skip
    if found:
        return min(found, key=lambda one: (ORDER.index(one.state), -(one.evidence or 0.0)))
    every = stream.settings.every
    silent = every is not None and now - stream.last_event_at > timedelta(seconds=(SILENT_WINDOWS + 1) * every)
    if silent:
        reason = f"nothing since {stream.last_event_at:%Y-%m-%d %H:%M} UTC"
        return StreamState(stream.name, "no data", stream.latest_window, reason, None, None, "", len(alarms))
    return StreamState(
        stream.name, "not enough data", None, "no window has been decided on yet", None, None, "", len(alarms)
    )


def _window_of(monitor: MonitorRecord, alarms: Sequence[Alarm], state: State) -> int | None:
    """Return the window since which a series drifts or is silent: that of its open alarm."""
    kind = {"drifting": "drift", "no data": "missing"}.get(state)
    own = [alarm.window for alarm in alarms if alarm.monitor == monitor.name and alarm.kind == kind]
    return min(own) if own else None
