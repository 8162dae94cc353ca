"""What the overview knows: every stream and model, how it stands, its latest numbers; read with a few cheap queries."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from secondlaw.service.alert_parts import Began
from secondlaw.service.evaluation_settings import MONITOR, EvaluationSettings
from secondlaw.service.numbers import Numbers, WindowNumbers, basis_of
from secondlaw.service.page_latest_numbers import LatestNumbers, Wanted
from secondlaw.service.page_words import reason_words, spark_points, window_words
from secondlaw.service.remembering import Remembered
from secondlaw.service.states import ORDER, StreamState, monitors_and_alarms, state_of
from secondlaw.statistics.entropy_methods import entropy
from secondlaw.storage import Alarm, MonitorRecord, Store, Stream, Totals

__all__ = ["Board", "Line", "began_of", "model_of"]

SHOWN_WINDOWS = 24
REMEMBERED = 4096
"""Streams whose lines are drawn anew only when something was counted."""
FRESH = 1.0
"""Seconds for which what was read is shown again."""


@dataclass(frozen=True, slots=True)
class Line:
    """One stream and model on the overview.

    Parameters
    ----------
    stream, model, series : str
        `series` names the monitor that stands worst.
    state : StreamState
    since, reason, began : str
        In words.
    numbers : WindowNumbers or None
        Of the latest window that is over and has responses.
    pending : bool
        Whether they are being measured.
    when : str
        That window.
    evidence : float or None
        Part of the log threshold, in [0, 1].
    spark : tuple of str
        S of the last windows, as lines.
    last_event : datetime or None
    queued, no_text, received : int
        Of the whole stream; the last two in the windows shown.
    alarm : Alarm or None
        The newest that is open.
    """

    stream: str
    model: str
    series: str
    state: StreamState
    since: str
    reason: str
    began: str
    numbers: WindowNumbers | None
    pending: bool
    when: str
    evidence: float | None
    spark: tuple[str, ...]
    last_event: datetime | None
    queued: int
    no_text: int
    received: int
    alarm: Alarm | None


@dataclass(frozen=True, slots=True)
class _Read:
    """What one look into the store found."""

    at: float
    streams: tuple[Stream, ...]
    monitors: dict[str, list[MonitorRecord]]
    alarms: dict[str, list[Alarm]]
    totals: dict[str, Totals]
    arrived: dict[str, tuple[int, int]]
    """Events of the windows shown, and those of them without text."""


class Board:
    """The overview's memory.

    Parameters
    ----------
    store : Store
    numbers : Numbers
    clock : callable
        The time, with its zone.
    default : EvaluationSettings, optional
        What streams are monitored by, unless they say.
    monotonic : callable
        Seconds that never go back.
    """

    def __init__(
        self,
        store: Store,
        numbers: Numbers,
        *,
        clock: Callable[[], datetime],
        default: EvaluationSettings | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._clock, self._monotonic = store, clock, monotonic
        self._default = default
        self._read: _Read | None = None
        self._reading = threading.Lock()
        self._latest = LatestNumbers(numbers)
        self._sparks = Remembered[dict[str, tuple[str, ...]]](REMEMBERED)

    def lines(self, sees: Callable[[str], bool]) -> tuple[Line, ...]:
        """Return all that a caller may see, worst first."""
        read, now = self._look(), self._clock()
        mine = [stream for stream in read.streams if sees(stream.name)]
        self._latest.ask(one for one in (_latest_closed(stream, read) for stream in mine) if one is not None)
        found = [line for stream in mine for line in self._lines(stream, read, now)]
        found.sort(key=lambda one: (ORDER.index(one.state.state), -(one.evidence or 0.0), one.stream, one.model))
        return tuple(found)

    def fingerprint(self, sees: Callable[[str], bool]) -> int:
        """Return a number that changes when the overview does."""
        read = self._look()
        parts = [
            (one.name, one.last_received_at, one.latest_window, one.queued,
             tuple(record.updated_at for record in read.monitors.get(one.name, ())),
             tuple((alarm.id, alarm.acknowledged_at) for alarm in read.alarms.get(one.name, ())))
            for one in read.streams if sees(one.name)
        ]  # fmt: skip
        return hash((self._latest.revision, tuple(parts)))

    def settle(self, seconds: float = 30.0) -> None:
        """Wait until everything that was asked for is measured."""
        self._latest.settle(seconds)

    def _look(self) -> _Read:
        with self._reading:
            if self._read is None or self._monotonic() - self._read.at > FRESH:
                monitors, alarms = monitors_and_alarms(self._store)
                totals = self._store.counts.latest(SHOWN_WINDOWS)
                streams = tuple(one for one in self._store.streams.list() if one.name in totals)
                arrived = self._store.events.latest_arrivals(SHOWN_WINDOWS)
                self._latest.keep({one.name for one in streams})
                self._read = _Read(self._monotonic(), streams, monitors, alarms, totals, arrived)
            return self._read

    def _lines(self, stream: Stream, read: _Read, now: datetime) -> list[Line]:
        totals, records = read.totals[stream.name], read.monitors.get(stream.name, [])
        alarms, every = read.alarms.get(stream.name, []), stream.settings.every
        series = [one for one in records if one.name.startswith(f"{MONITOR}:") and one.decision is not None]
        models = sorted({one.model for one in totals.series} | {model_of(one.name, totals) for one in series})
        received, no_text = read.arrived.get(stream.name, (0, 0))
        known = self._latest.of(stream)
        made_from = (models, totals.fingerprint)
        sparks = self._sparks.of(
            stream.name, lambda: {model: _spark(totals, model) for model in models}, made_from=made_from
        )
        found = []
        for model in models or [""]:
            own = [one for one in series if model_of(one.name, totals) == model]
            mine = [one for one in alarms if one.monitor in {record.name for record in own}]
            state = state_of(
                stream, [*own, *(one for one in records if one.name == MONITOR)], mine, now=now, default=self._default
            )
            numbers = next((one for one in known[1] if one.model == model), None) if known is not None else None
            part = None
            if state.evidence is not None and state.threshold:
                part = min(max(state.evidence / state.threshold, 0.0), 1.0)
            newest = mine[0] if mine else None
            began = began_of(newest, every) if newest is not None and state.state == "drifting" else ""
            found.append(
                Line(
                    stream.name, model, state.series, state, window_words(state.since, every, now=now),
                    reason_words(state.reason, has_began=bool(began), now=now),
                    began,
                    numbers, numbers is None and self._latest.is_pending(stream.name),
                    "" if known is None else window_words(known[0], every, now=now), part,
                    sparks.get(model, ()), stream.last_event_at, stream.queued, no_text, received, newest,
                )
            )  # fmt: skip
        return found


def model_of(monitor: str, totals: Totals) -> str:
    """Return the model of a series' monitor; names of models and of parts may hold slashes."""
    series = monitor.removeprefix(f"{MONITOR}:")
    known = [one.model for one in totals.series if series == one.model or series.startswith(f"{one.model}/")]
    return max(known, key=len, default=series)


def began_of(alarm: Alarm, every: int | None) -> str:
    """Return in words when the change behind an alarm began, with its interval; empty if that is not known."""
    stated = (alarm.details.get("explanation") or {}).get("began") or {}
    if "first" not in stated:
        return ""
    began = Began.from_dict(stated)
    if every is None:
        return f"step {began.first} [{began.earliest} to {began.latest}]"
    return str(began)


def _latest_closed(stream: Stream, read: _Read) -> Wanted | None:
    """Return the latest window with responses that was decided on, or else the latest with responses."""
    totals = read.totals[stream.name]
    if not len(totals):
        return None
    decided = [one.last_window for one in read.monitors.get(stream.name, ()) if one.last_window is not None]
    over = totals.windows[totals.windows <= max(decided)] if decided else totals.windows
    window = int((over if len(over) else totals.windows).max())
    windows = range(window, window + 1)
    return Wanted(stream, window, basis_of(stream, windows, totals.of_windows(windows)))


def _spark(totals: Totals, model: str) -> tuple[str, ...]:
    windows, table = totals.where(lambda one: one.model == model).by_window()
    if len(windows) < 2:
        return ()
    inside = table[:, :-1]
    values: list[float | None] = [None] * int(windows[-1] - windows[0] + 1)
    held = inside.sum(axis=1) > 0
    if not held.any():
        return ()
    measured = entropy(inside[held].astype(np.float64), method="miller-madow")
    for window, value in zip(windows[held].tolist(), measured.tolist(), strict=True):
        values[window - int(windows[0])] = value
    return tuple(spark_points(values))
