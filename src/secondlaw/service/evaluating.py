"""Deciding on windows: what has closed is given to the stream's monitors, and all that follows is written at once.

One evaluator works on a stream at a time, under a lease whose token fences off one that was paused. The monitors'
state, the decisions, the alarms and their deliveries are one transaction: a crash loses none and doubles none. A window
is decided on once; what comes for it later is counted, shown as late, and changes no decision.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from secondlaw.drift.monitoring import SeriesKey, StreamDecision
from secondlaw.drift.monitoring_plan import MonitorPlan
from secondlaw.drift.step_counts import StepCounts
from secondlaw.errors import LeaseLost, StorageError
from secondlaw.pipeline.stored_steps import steps_of_counts
from secondlaw.service.evaluation_alarms import AlarmWriter
from secondlaw.service.evaluation_budget import of_one_run, series_of_service, shared_plan
from secondlaw.service.evaluation_rest import Resting
from secondlaw.service.evaluation_settings import MONITOR, EvaluationSettings, taxonomy_of
from secondlaw.service.evaluation_standing import Standing, is_planned_so, series_monitor, standing_of
from secondlaw.service.evaluation_windows import closed_windows
from secondlaw.service.window_words import decision_in_windows
from secondlaw.storage import Alarm, DecisionRecord, Lease, MonitorRecord, MonitorStep, Store, Stream, stream_lease

__all__ = ["Evaluated", "Evaluator"]

AT_ONCE = 200
"""Windows decided on in one transaction at most."""
ROUNDS = 50
"""Such transactions for one stream until it is the next stream's turn."""
LEASED = 60.0
WHO = "service"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What an evaluation of one stream did: windows decided on, alarms raised, whether more windows have closed."""

    windows: int = 0
    alarms: tuple[Alarm, ...] = ()
    has_more: bool = False


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
        self._series: int | None = None
        self._store, self._owner, self._clock, self._alarms = store, owner, clock, alarms
        self._default, self._stopped = default or EvaluationSettings(), stopped
        self._resting = Resting(clock, self._default)

    def run_once(self) -> dict[str, Evaluated]:
        """Decide on every window of every stream that has closed and that nobody else works on.

        Returns
        -------
        dict of stream to Evaluated
            Streams of which something was decided.
        """
        found = {}
        self._series = None
        streams = self._store.streams.list()
        self._resting.keep({stream.name for stream in streams})
        for stream in streams:
            if self._stopped():
                break
            try:
                if self._resting.stands(stream) is None:
                    continue
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
        stands = self._resting.stands(stream)
        if stands is None:
            return Evaluated()
        settings = EvaluationSettings.of(stream.settings, self._default)
        leases = self._store.leases.take([stream_lease(name)], owner=self._owner, seconds=self._leased)
        if not leases:
            return Evaluated()
        windows, has_more = 0, False
        raised: list[Alarm] = []
        try:
            for _ in range(ROUNDS):
                if self._stopped():
                    break
                stream = self._store.streams.get(name)
                done = self._some_windows(self._lease(name, leases[0]), stream, settings)
                windows += done.windows
                raised += done.alarms
                has_more = bool(done.windows)
                if not has_more:
                    monitors = self._store.monitors.list(name, states=False)
                    begun = any(one.last_window is not None for one in monitors)
                    self._resting.rest(stream, stands, begun=begun)
                    break
        finally:
            self._store.leases.release(leases)
        return Evaluated(windows, tuple(raised), has_more)

    def _lease(self, name: str, lease: Lease) -> Lease:
        """Take the stream for some more time."""
        renewed = self._store.leases.take([stream_lease(name)], owner=self._owner, seconds=self._leased)
        if not renewed or renewed[0].token != lease.token:
            raise LeaseLost(f"{name!r} was taken over by another evaluator")
        return renewed[0]

    def _some_windows(self, lease: Lease, stream: Stream, settings: EvaluationSettings) -> Evaluated:
        plan = self._plan(stream, settings)
        record = self._record(stream, settings, plan)
        standing = self._standing(stream, record, settings, plan, lease)
        windows = closed_windows(
            self._store, stream, settings, last=record.last_window, first=standing.first, now=self._clock()
        )
        windows = windows[:AT_ONCE]
        if not windows:
            return Evaluated()
        if standing.first is None:
            standing.first = windows[0]
        first, stride = standing.first, settings.stride
        counts = self._store.counts.read(stream.name, range(windows[0], windows[-1] + 1))
        cut: dict[int, list[StepCounts]] = {}
        for step in steps_of_counts(
            counts, windows, stream=stream.name, known=standing.models, first=first, stride=stride
        ):
            cut.setdefault(step.step, []).append(step)
        done = 0
        raised: list[Alarm] = []
        said: list[tuple[int, StepCounts, StreamDecision]] = []
        for window in windows:
            steps = cut.get((window - first) // stride, [])
            standing.models = list(dict.fromkeys([*standing.models, *(step.model for step in steps)]))
            here = [(window, step, one) for step in steps for one in standing.monitors.observe(step)]
            said += here
            done += 1
            if any(one.decision.alarm for _, _, one in here) or window == windows[-1]:
                # An alarm is written with its window, so that later windows of the batch can end it.
                raised += self._write(lease, stream, settings, record, standing, said, window)
                record = replace(record, last_window=window)
                said = []
        return Evaluated(done, tuple(raised))

    def _plan(self, stream: Stream, settings: EvaluationSettings) -> MonitorPlan:
        """Return what a stream is monitored by, with its part of the budget."""
        alone = settings.plan(taxonomy_of(stream.settings))
        if settings.budget == "stream":
            return alone
        if self._series is None:  # once a round
            self._series = series_of_service(self._store)
        return shared_plan(alone, settings, number=stream.number, series=self._series)

    def _record(self, stream: Stream, settings: EvaluationSettings, plan: MonitorPlan) -> MonitorRecord:
        """Return the stream's monitor; other settings than those it was made with start it anew."""
        record = self._store.monitors.get(stream.name, MONITOR)
        wanted = of_one_run(plan, settings)
        if record is None or not is_planned_so(record.settings, wanted, stride=settings.stride, budget=settings.budget):
            stated = _plain(wanted.to_dict() | {"stride": settings.stride, "budget": settings.budget})
            reset = record is not None
            record = self._store.monitors.put(stream.name, MONITOR, settings=stated, who=WHO, reset=reset)
        return record

    def _standing(
        self, stream: Stream, record: MonitorRecord, settings: EvaluationSettings, plan: MonitorPlan, lease: Lease
    ) -> Standing:
        renew = partial(self._lease, stream.name, lease)
        found = standing_of(self._store, stream, record, plan, stride=settings.stride, renew=renew)
        if settings.budget == "service" and plan.shares_by_step:  # a part of alpha never grows
            found.monitors.plan = plan.with_(streams=max(plan.streams, found.monitors.plan.streams))
        return found

    def _write(
        self,
        lease: Lease,
        stream: Stream,
        settings: EvaluationSettings,
        record: MonitorRecord,
        standing: Standing,
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
            first = standing.first or 0
            opened, resolved = self._alarms.changes(
                stream, settings, standing.monitors, name, decided, mine, now=self._clock(), first=first
            )
            in_windows = partial(decision_in_windows, first=first, stride=settings.stride, every=stream.settings.every)
            steps.append(
                MonitorStep(
                    name,
                    {},
                    decided[-1][0],
                    decisions=[
                        DecisionRecord.of(in_windows(one.decision).to_dict(), window=at) for at, _, one in decided
                    ],
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
