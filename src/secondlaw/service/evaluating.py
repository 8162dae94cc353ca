"""Deciding on windows: what has closed is given to the stream's monitors, and all that follows is written at once.

One evaluator works on a stream at a time, under a lease whose token fences off one that was paused. The monitors'
state, the decisions, the alarms and their deliveries are one transaction: a crash loses none and doubles none. A window
is decided on once; what comes for it later is counted, shown as late, and changes no decision.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from secondlaw.drift.monitoring import MonitorSet, SeriesKey, StreamDecision
from secondlaw.drift.step_counts import StepCounts
from secondlaw.errors import LeaseLost, StorageError
from secondlaw.pipeline.stored_steps import steps_of_counts
from secondlaw.service.evaluation_alarms import AlarmWriter
from secondlaw.service.evaluation_settings import MONITOR, EvaluationSettings, taxonomy_of
from secondlaw.service.evaluation_windows import closed_windows, next_boundary
from secondlaw.storage import Alarm, DecisionRecord, Lease, MonitorRecord, MonitorStep, Store, Stream, stream_lease

__all__ = ["Evaluated", "Evaluator", "series_monitor"]

AT_ONCE = 200
"""Windows decided on in one transaction at most."""
LEASED = 60.0
WHO = "service"
_log = logging.getLogger(__name__)


def series_monitor(key: SeriesKey) -> str:
    """Return the name under which a series' decisions are stored.

    Examples
    --------
    >>> series_monitor(SeriesKey("chat", "gpt-x", "benign"))
    'drift:gpt-x/benign'
    """
    return f"{MONITOR}:{key.model}/{key.part}" if key.part else f"{MONITOR}:{key.model}"


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What an evaluation of one stream did: windows decided on, alarms raised."""

    windows: int = 0
    alarms: tuple[Alarm, ...] = ()


@dataclass(slots=True)
class _Standing:
    """Where the monitors of a stream stand."""

    monitors: MonitorSet
    first: int | None = None
    models: list[str] = field(default_factory=list)
    windows: dict[str, int | None] = field(default_factory=dict)  # of each series' monitor: the last decided on

    def to_state(self) -> dict[str, Any]:
        return {"monitors": self.monitors.to_state(), "first": self.first, "models": self.models}


class Evaluator:
    """Decides on the closed windows of all streams.

    Parameters
    ----------
    store : Store
    owner : str
        Who evaluates: one name a replica.
    clock : callable
        The time, with its zone.
    alarms : AlarmWriter
        Words alarms and their deliveries.
    default : EvaluationSettings
        For what a stream's settings leave out.
    stopped : callable
        Asked between transactions whether to end.
    leased : float
        Seconds for which a stream is taken; taken anew before every transaction. So long nobody decides on a stream
        whose evaluator was killed.
    """

    def __init__(
        self,
        store: Store,
        *,
        owner: str,
        clock: Callable[[], datetime],
        alarms: AlarmWriter,
        default: EvaluationSettings | None = None,
        stopped: Callable[[], bool] = lambda: False,
        leased: float = LEASED,
    ) -> None:
        self._leased = leased
        self._nothing: dict[str, tuple[object, ...]] = {}
        self._store, self._owner, self._clock, self._alarms = store, owner, clock, alarms
        self._default, self._stopped = default or EvaluationSettings(), stopped

    def run_once(self) -> dict[str, Evaluated]:
        """Decide on every window of every stream that has closed and that nobody else works on.

        Returns
        -------
        dict of stream to Evaluated
            Streams of which something was decided.
        """
        found = {}
        for stream in self._store.streams.list():
            if self._stopped():
                break
            try:
                done = self.evaluate(stream.name)
            except LeaseLost as lost:
                _log.info("stream %s: %s", stream.name, lost)
                continue
            except StorageError:
                raise
            except Exception:  # one stream that cannot be evaluated holds up no other
                _log.exception("stream %s could not be evaluated", stream.name)
                continue
            if done.windows:
                found[stream.name] = done
        return found

    def evaluate(self, name: str) -> Evaluated:
        """Decide on the closed windows of one stream.

        Raises
        ------
        LeaseLost
            If another evaluator took over; what was written before stays.
        InvalidInput
            If the stream's settings cannot be used.
        """
        stream = self._store.streams.get(name)
        settings = EvaluationSettings.of(stream.settings, self._default)
        if not settings.enabled or stream.latest_window is None:
            return Evaluated()
        stands = (stream.created_at, stream.settings, next_boundary(stream, settings, self._clock()))
        if not stream.queued and self._nothing.get(name) == stands:
            return Evaluated()  # nothing can have closed since, and a lease costs two transactions
        leases = self._store.leases.take([stream_lease(name)], owner=self._owner, seconds=self._leased)
        if not leases:
            return Evaluated()
        windows = 0
        raised: list[Alarm] = []
        try:
            while not self._stopped():
                stream = self._store.streams.get(name)
                done = self._some_windows(self._lease(name, leases[0]), stream, settings)
                windows += done.windows
                raised += done.alarms
                if not done.windows:
                    if not stream.queued:
                        self._nothing[name] = stands
                    break
        finally:
            self._store.leases.release(leases)
        return Evaluated(windows, tuple(raised))

    def _lease(self, name: str, lease: Lease) -> Lease:
        """Take the stream for some more time."""
        renewed = self._store.leases.take([stream_lease(name)], owner=self._owner, seconds=self._leased)
        if not renewed or renewed[0].token != lease.token:
            raise LeaseLost(f"{name!r} was taken over by another evaluator")
        return renewed[0]

    def _some_windows(self, lease: Lease, stream: Stream, settings: EvaluationSettings) -> Evaluated:
        record = self._record(stream, settings)
        standing = self._standing(stream, record, settings)
        windows = closed_windows(
            self._store, stream, settings, last=record.last_window, first=standing.first, now=self._clock()
        )
        windows = windows[:AT_ONCE]
        if not windows:
            return Evaluated()
        if standing.first is None:
            standing.first = windows[0]
        counts = self._store.counts.read(stream.name, range(windows[0], windows[-1] + 1))
        done = 0
        raised: list[Alarm] = []
        said: list[tuple[int, StepCounts, StreamDecision]] = []
        for window in windows:
            steps = steps_of_counts(
                counts, (window,), stream=stream.name, known=standing.models, first=standing.first,
                stride=settings.stride,
            )  # fmt: skip
            standing.models = list(dict.fromkeys([*standing.models, *(step.model for step in steps)]))
            here = [(window, step, one) for step in steps for one in standing.monitors.observe(step)]
            said += here
            done += 1
            if any(one.decision.alarm for _, _, one in here) or window == windows[-1]:
                # An alarm is written with its window, so that later windows of the batch can end it.
                raised += self._write(lease, stream, settings, record, standing, said, window)
                record = self._record(stream, settings)
                said = []
        return Evaluated(done, tuple(raised))

    def _record(self, stream: Stream, settings: EvaluationSettings) -> MonitorRecord:
        """Return the stream's monitor; other settings than those it was made with start it anew."""
        record = self._store.monitors.get(stream.name, MONITOR)
        wanted = settings.plan(taxonomy_of(stream.settings)).to_dict() | {"stride": settings.stride}
        if record is None or dict(record.settings) != _plain(wanted):
            reset = record is not None
            record = self._store.monitors.put(stream.name, MONITOR, settings=_plain(wanted), who=WHO, reset=reset)
        return record

    def _standing(self, stream: Stream, record: MonitorRecord, settings: EvaluationSettings) -> _Standing:
        if record.state is None:
            first = None if record.last_window is None else record.last_window + settings.stride
            standing = _Standing(MonitorSet(settings.plan(taxonomy_of(stream.settings))), first)
        else:
            monitors = MonitorSet.from_state(record.state["monitors"])
            standing = _Standing(monitors, record.state["first"], list(record.state["models"]))
        for one in self._store.monitors.list(stream.name):
            standing.windows[one.name] = one.last_window
        return standing

    def _write(
        self,
        lease: Lease,
        stream: Stream,
        settings: EvaluationSettings,
        record: MonitorRecord,
        standing: _Standing,
        said: Sequence[tuple[int, StepCounts, StreamDecision]],
        window: int,
    ) -> tuple[Alarm, ...]:
        """Write decisions up to a window, with what they open and end."""
        by_series: dict[SeriesKey, list[tuple[int, StepCounts, StreamDecision]]] = {}
        for one in said:
            by_series.setdefault(one[2].series, []).append(one)
        steps = [MonitorStep(MONITOR, standing.to_state(), window, expected=record.last_window)]
        still_open = self._store.alarms.list(stream=stream.name, status="open", limit=1000)
        for key, decided in by_series.items():
            name = series_monitor(key)
            if name not in standing.windows:
                self._store.monitors.put(stream.name, name, settings={"of": MONITOR}, who=WHO)
                standing.windows[name] = None
            mine = [alarm for alarm in still_open if alarm.monitor == name]
            opened, resolved = self._alarms.changes(
                stream, settings, standing.monitors, name, decided, mine, now=self._clock(), first=standing.first or 0
            )
            steps.append(
                MonitorStep(
                    name,
                    {},
                    decided[-1][0],
                    decisions=[DecisionRecord.of(one.decision.to_dict(), window=at) for at, _, one in decided],
                    opened=opened,
                    resolved=resolved,
                    expected=standing.windows[name],
                )
            )
            standing.windows[name] = decided[-1][0]
        return self._store.monitors.record(lease, stream.name, steps)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Return values as they come back from JSON."""
    import json

    found: dict[str, Any] = json.loads(json.dumps(values))
    return found
