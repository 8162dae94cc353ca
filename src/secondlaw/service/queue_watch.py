"""An alarm when labelling cannot keep up: the queue fills, waits too long, or events had to be put aside.

A queue that is full refuses events, and a window waits for the labels of its events, so this is told before either
hurts. One replica watches at a time. Each of the three has an alarm of its own, which ends by itself.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from secondlaw.errors import NotFound
from secondlaw.service.alerts import Alert
from secondlaw.service.delivery_requests import deliveries_for
from secondlaw.service.evaluation_alarms import stream_link
from secondlaw.service.receiver_settings import ReceiverSettings
from secondlaw.storage import Alarm, Lease, MonitorStep, NewAlarm, NewDelivery, QueueDepth, Store

__all__ = ["KIND", "QueueWatch"]

KIND = "queue"
FULL, EMPTIER = 0.9, 0.8
"""Parts of the queue's room from which an alarm is raised, and below which it ends."""
LOOKED_AT = 1000
"""Events put aside that are counted by stream."""
LEASED = 60.0


class _Trouble(NamedTuple):
    """What is wrong: which of the three, where most of it is, and in words."""

    monitor: str
    stream: str
    reason: str


class QueueWatch:
    """Watches the queue of a store.

    Parameters
    ----------
    store : Store
    owner : str
        Who watches: one name a replica.
    clock : callable
        The time, with its zone.
    rows, volume : int
        Events, and bytes, for which the queue has room.
    oldest : float
        Seconds that an event may wait before it is told; half of it ends the alarm.
    receivers : sequence of ReceiverSettings
        Who is told.
    external_url : str
    """

    def __init__(
        self,
        store: Store,
        *,
        owner: str,
        clock: Callable[[], datetime],
        rows: int,
        volume: int,
        oldest: float,
        receivers: Sequence[ReceiverSettings] = (),
        external_url: str = "",
    ) -> None:
        self._store, self._owner, self._clock = store, owner, clock
        self._rows, self._volume, self._oldest = rows, volume, oldest
        self._receivers, self._url = receivers, external_url

    def look(self) -> int:
        """Raise and end alarms as the queue stands now; return how many changed."""
        leases = self._store.leases.take(["queue"], owner=self._owner, seconds=LEASED)
        if not leases:
            return 0
        still_open = self._store.alarms.list(status="open", kind=KIND, limit=10_000)
        depth = self._store.queue.depth()
        changed = 0
        for alarm in still_open:
            if self._is_over(alarm, depth):
                self._store.alarms.resolve(
                    alarm.id, who="service", reason="over", deliveries=self._told(self._ended(alarm))
                )
                changed += 1
        known = {_told_once_for(one) for one in still_open}
        for trouble in self._troubles(depth):
            if _told_once_for(trouble) not in known:
                changed += self._raise(leases[0], trouble)
        return changed

    def _troubles(self, depth: QueueDepth) -> list[_Trouble]:
        found = []
        if depth.poisoned:
            for stream, n in self._poisoned().items():
                reason = (
                    f"{n}{'+' if n >= LOOKED_AT else ''} events could not be labelled and were put aside; "
                    "see secondlaw store poisoned"
                )
                found.append(_Trouble("queue:poisoned", stream, reason))
        full, age = self._fullness(depth), self._age(depth)
        if full >= FULL or age >= self._oldest:
            stream = max(self._store.streams.list(), key=lambda one: one.queued).name
            if full >= FULL:
                reason = f"the queue of events that wait for their label is {full:.0%} full: {depth.rows} events"
                found.append(_Trouble("queue:full", stream, reason))
            if age >= self._oldest:
                reason = f"events wait for their label since {age / 60:.0f} minutes: {depth.rows} events"
                found.append(_Trouble("queue:waiting", stream, reason))
        return found

    def _is_over(self, alarm: Alarm, depth: QueueDepth) -> bool:
        if alarm.monitor == "queue:poisoned":
            return not depth.poisoned or not self._store.queue.poisoned(stream=alarm.stream, limit=1)
        if alarm.monitor == "queue:full":
            return self._fullness(depth) < EMPTIER
        return self._age(depth) < self._oldest / 2

    def _poisoned(self) -> Counter[str]:
        return Counter(one.stream for one in self._store.queue.poisoned(limit=LOOKED_AT))

    def _fullness(self, depth: QueueDepth) -> float:
        return max(depth.rows / self._rows, depth.bytes / self._volume)

    def _age(self, depth: QueueDepth) -> float:
        return 0.0 if depth.oldest_at is None else (self._clock() - depth.oldest_at).total_seconds()

    def _raise(self, lease: Lease, trouble: _Trouble) -> int:
        alert = Alert(
            stream=trouble.stream, model="", monitor=trouble.monitor, kind="queue", state="firing",
            starts_at=self._clock(), reason=trouble.reason, link=stream_link(self._url, trouble.stream),
        )  # fmt: skip
        try:
            stream = self._store.streams.get(trouble.stream)
            record = self._store.monitors.get(trouble.stream, trouble.monitor)
            if record is None:
                record = self._store.monitors.put(trouble.stream, trouble.monitor, settings={}, who="service")
            # One alarm for each window: a later one needs another.
            last = (record.state or {}).get("window", -1)
            window = max(stream.latest_window or 0, last + 1)
            new = NewAlarm(KIND, window, trouble.reason, {"alert": alert.to_dict()}, self._told(alert))
            step = MonitorStep(trouble.monitor, {"window": window}, None, opened=[new], expected=record.last_window)
            return len(self._store.monitors.record(lease, trouble.stream, [step]))
        except NotFound:  # deleted meanwhile
            return 0

    def _ended(self, alarm: Alarm) -> Alert:
        now = self._clock()
        return Alert.from_dict(alarm.details["alert"]).resolved(now, reason="the queue is as it should be again")

    def _told(self, alert: Alert) -> list[NewDelivery]:
        return [NewDelivery(receiver, payload) for receiver, payload in deliveries_for(alert, self._receivers)]


def _told_once_for(trouble: _Trouble | Alarm) -> tuple[str, str]:
    """Return what has one alarm at a time: each stream with poisoned events, or the queue as a whole."""
    return trouble.monitor, trouble.stream if trouble.monitor == "queue:poisoned" else ""
