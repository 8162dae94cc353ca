"""What is said of a stream at one look: stable, watching, drifting, not enough data, no data."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from secondlaw.errors import SecondLawError
from secondlaw.service.evaluation_settings import MONITOR, EvaluationSettings
from secondlaw.storage import Alarm, MonitorRecord, Store, Stream

__all__ = ["ORDER", "State", "StreamState", "monitors_and_alarms", "state_of"]

State = Literal["drifting", "no data", "not enough data", "watching", "stable"]
ORDER: tuple[State, ...] = ("drifting", "no data", "watching", "not enough data", "stable")
"""Worst first."""
NEAR = 0.5
"""Part of the log threshold from which evidence is worth watching."""
SILENT_WINDOWS = 3
"""Windows without an event after which a stream that nothing has been decided on is silent."""
BEHIND = timedelta(minutes=10)
"""Time that deciding may lag behind, besides two windows, grace and patience, until what it said is out of date."""
MOST_ALARMS = 10_000
"""Open alarms that are read; the newest."""
ANEW = "its monitor learns anew what is normal, from the next windows"


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


def monitors_and_alarms(store: Store) -> tuple[dict[str, list[MonitorRecord]], dict[str, list[Alarm]]]:
    """Return the monitors of every stream, without their states, and its open alarms, newest first."""
    monitors: dict[str, list[MonitorRecord]] = {}
    for record in store.monitors.list(states=False):
        monitors.setdefault(record.stream, []).append(record)
    alarms: dict[str, list[Alarm]] = {}
    for alarm in store.alarms.list(status="open", limit=MOST_ALARMS):
        alarms.setdefault(alarm.stream, []).append(alarm)
    return monitors, alarms


def state_of(
    stream: Stream,
    monitors: Sequence[MonitorRecord],
    alarms: Sequence[Alarm],
    *,
    now: datetime,
    default: EvaluationSettings | None = None,
) -> StreamState:
    """Return how a stream stands, by its series that stands worst.

    What is out of date, because the stream is not decided on any more, is not called stable.

    Parameters
    ----------
    stream : Stream
    monitors : sequence of MonitorRecord
        Of this stream.
    alarms : sequence of Alarm
        Open ones of this stream.
    now : datetime
    default : EvaluationSettings, optional
        What the stream is monitored by, unless it says.
    """
    series = [one for one in monitors if one.name.startswith(f"{MONITOR}:") and one.decision is not None]
    if stream.last_event_at is None:
        return StreamState(stream.name, "no data", None, "nothing has come yet", None, None, "", len(alarms))
    stale = _not_decided(stream, monitors, default, now)
    anew = any(one.name == MONITOR and not one.has_state and one.last_window is not None for one in monitors)
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
        reason = decision.reason
        if anew:
            state, reason = "not enough data", ANEW
        elif stale and state != "drifting":
            state, reason = "not enough data", stale
        elif state == "watching":
            part = (decision.log_evidence or 0.0) / (decision.log_threshold or 1.0)
            reason = f"no drift found yet; the evidence is {100 * min(part, 1.0):.0f} % of the way to an alarm"
        since = _window_of(one, alarms, state)
        found.append(
            StreamState(
                stream.name, state, since, reason, decision.log_evidence, decision.log_threshold, name,
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
    reason = stale or f"no window has been decided on yet{_first_decision(stream, now)}"
    return StreamState(stream.name, "not enough data", None, reason, None, None, "", len(alarms))


def _not_decided(
    stream: Stream, monitors: Sequence[MonitorRecord], default: EvaluationSettings | None, now: datetime
) -> str:
    """Return why what the monitors said last holds no longer; empty if it does."""
    try:
        settings = EvaluationSettings.of(stream.settings, default)
    except SecondLawError:
        return "not decided on: the settings of its monitor are wrong"
    if not settings.enabled:
        return "not decided on: its monitor is switched off (enabled = false)"
    every, decided = stream.settings.every, [one.last_window for one in monitors if one.last_window is not None]
    if every is None or not decided:
        return ""
    end = datetime.fromtimestamp((max(decided) + 1) * every, UTC)
    if now - end <= BEHIND + timedelta(seconds=2 * every + settings.grace + settings.patience):
        return ""
    return f"nothing has been decided on since {end:%Y-%m-%d %H:%M} UTC, though windows ended: see the status page"


def _first_decision(stream: Stream, now: datetime) -> str:
    """Return in words when something will be decided on."""
    every, latest = stream.settings.every, stream.latest_window
    if latest is None:
        return ""
    if every is None:
        return ": a step is, when a later one has come"
    end = datetime.fromtimestamp((latest + 1) * every, UTC)
    return f": the latest ends at {end:%Y-%m-%d %H:%M} UTC" if end > now else ": it takes a moment after its end"


def _window_of(monitor: MonitorRecord, alarms: Sequence[Alarm], state: State) -> int | None:
    """Return the window since which a series drifts or is silent: that of its open alarm."""
    kind = {"drifting": "drift", "no data": "missing"}.get(state)
    own = [alarm.window for alarm in alarms if alarm.monitor == monitor.name and alarm.kind == kind]
    return min(own) if own else None
