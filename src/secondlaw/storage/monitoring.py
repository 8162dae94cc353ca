"""Monitors as they are stored: settings, state, decisions. A step is written whole: no alarm is lost or doubled.

The state after a step, its decisions, the alarms that it raises or ends and what is to be told of them are one
transaction, under the stream's lease. A crash before it leaves the old state, and the step is done again; a crash after
it leaves all.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, null, select, update

from secondlaw.errors import InvalidInput, LeaseLost, NotFound
from secondlaw.storage.alarm_values import Alarm, DecisionRecord, MonitorRecord, MonitorStep
from secondlaw.storage.alarming import alarms_numbered, raise_alarm, resolve_alarm
from secondlaw.storage.audit import note_down
from secondlaw.storage.database import Database
from secondlaw.storage.events import within
from secondlaw.storage.instants import instant_of
from secondlaw.storage.leases import Lease, held
from secondlaw.storage.names import KnownStream, stream_of
from secondlaw.storage.schema import decisions, monitors, streams
from secondlaw.storage.streams import checked_name

__all__ = ["Monitors"]

FIELDS = tuple(DecisionRecord.__slots__)


class Monitors:
    """The monitors of a store."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def put(
        self, stream: str, name: str, *, settings: Mapping[str, Any], who: str, reset: bool = False
    ) -> MonitorRecord:
        """Make a monitor, or give it other settings.

        Parameters
        ----------
        stream, name : str
        settings : mapping
            Plain JSON.
        who : str
            For the audit.
        reset : bool
            Whether to forget its state, so that it starts anew; its decisions stay.
        """
        checked_name(name, "a monitor")

        def work(connection: Connection) -> MonitorRecord:
            known = stream_of(connection, stream)
            now = self._db.now(connection)
            values: dict[str, Any] = {"settings": json.dumps(dict(settings)), "updated_at": now}
            if reset:
                values |= {"state": None}
            made = self._db.backend.insert(monitors).values(stream_id=known.id, name=name, **values)
            connection.execute(made.on_conflict_do_update(index_elements=["stream_id", "name"], set_=values))
            data = {"monitor": name, "settings": dict(settings), "reset": reset}
            note_down(connection, now, who, "monitor set", stream=stream, data=data)
            return _one(connection, known, name)

        return self._db.write(work)

    def get(self, stream: str, name: str) -> MonitorRecord | None:
        """Return a monitor with its state and latest decision, None if there is none of that name."""
        with self._db.reading() as connection:
            known = stream_of(connection, stream)
            found = _records(connection, monitors.c.stream_id == known.id, monitors.c.name == name)
            return found[0] if found else None

    def list(self, stream: str | None = None, *, states: bool = True) -> tuple[MonitorRecord, ...]:
        """Return the monitors of a stream, or of all, with their latest decisions; sorted by stream and name.

        Parameters
        ----------
        stream : str, optional
        states : bool
            Whether their states are read; those of many streams are megabytes that an overview needs nothing of. The
            `state` of every record is None without.
        """
        with self._db.reading() as connection:
            if stream is None:
                return _records(connection, states=states)
            return _records(connection, monitors.c.stream_id == stream_of(connection, stream).id, states=states)

    def record(self, lease: Lease, stream: str, steps: Sequence[MonitorStep]) -> tuple[Alarm, ...]:
        """Write what an evaluation of a stream's monitors leaves, all of it or nothing.

        Parameters
        ----------
        lease : Lease
            Of the stream, see :func:`~secondlaw.storage.stream_lease`.
        stream : str
        steps : sequence of MonitorStep

        Returns
        -------
        tuple of Alarm
            Those raised, with their numbers.

        Raises
        ------
        LeaseLost
            If another evaluator has the stream now, or a state was written since it was read; nothing is written.
        """

        def work(connection: Connection) -> tuple[Alarm, ...]:
            held(connection, self._db.backend, lease)
            known = stream_of(connection, stream)
            now = self._db.now(connection)
            raised = [number for step in steps for number in self._step(connection, known, step, now)]
            return alarms_numbered(connection, raised)

        return self._db.write(work)

    def decisions(self, stream: str, name: str, windows: range | None = None) -> tuple[DecisionRecord, ...]:
        """Return what a monitor said, by window, ascending."""
        with self._db.reading() as connection:
            number = _number(connection, stream_of(connection, stream), name)
            wanted = select(decisions).where(decisions.c.monitor_id == number, *within(decisions.c.window, windows))
            return tuple(_decision(row) for row in connection.execute(wanted.order_by(decisions.c.window)))

    def rebaseline(
        self, lease: Lease, stream: str, name: str, *, who: str, reason: str, state: Mapping[str, Any] | None = None
    ) -> MonitorRecord:
        """Let a monitor learn anew what is normal: a decision of people, recorded.

        Parameters
        ----------
        lease : Lease
            Of the stream.
        stream, name : str
        who, reason : str
            For the audit.
        state : mapping or None
            The new state; None: it starts anew. The last window decided on stays.
        """

        def work(connection: Connection) -> MonitorRecord:
            held(connection, self._db.backend, lease)
            known = stream_of(connection, stream)
            number, now = _number(connection, known, name), self._db.now(connection)
            values = {"state": None if state is None else json.dumps(dict(state)), "updated_at": now}
            connection.execute(update(monitors).where(monitors.c.id == number).values(**values))
            record = _one(connection, known, name)
            data = {"monitor": name, "reason": reason, "last_window": record.last_window}
            note_down(connection, now, who, "re-baselined", stream=stream, data=data)
            return record

        return self._db.write(work)

    def remove(self, stream: str, name: str, *, who: str) -> None:
        """Delete a monitor and its decisions; its alarms stay."""

        def work(connection: Connection) -> None:
            number = _number(connection, stream_of(connection, stream), name)
            connection.execute(delete(decisions).where(decisions.c.monitor_id == number))
            connection.execute(delete(monitors).where(monitors.c.id == number))
            note_down(
                connection, self._db.now(connection), who, "monitor removed", stream=stream, data={"monitor": name}
            )

        self._db.write(work)

    def _step(self, connection: Connection, stream: KnownStream, step: MonitorStep, now: int) -> Sequence[int]:
        mine = (monitors.c.stream_id == stream.id) & (monitors.c.name == step.monitor)
        row = connection.execute(self._db.backend.locked(select(monitors).where(mine))).first()
        if row is None:
            raise NotFound(f"the stream {stream.name!r} has no monitor {step.monitor!r}; put it there first")
        if row.last_window != step.expected:
            raise LeaseLost(
                f"{step.monitor!r} of {stream.name!r} stands at window {row.last_window}, not at {step.expected}: "
                f"another evaluation came between; read its state again"
            )
        if step.last_window is not None and row.last_window is not None and step.last_window < row.last_window:
            raise InvalidInput(f"a monitor does not go back, got window {step.last_window} after {row.last_window}")
        values = {"state": json.dumps(dict(step.state)), "last_window": step.last_window, "updated_at": now}
        connection.execute(update(monitors).where(monitors.c.id == row.id).values(**values))
        if step.decisions:
            insertion = self._db.backend.insert(decisions)
            changed = {name: insertion.excluded[name] for name in FIELDS if name != "window"}
            connection.execute(
                insertion.on_conflict_do_update(index_elements=["monitor_id", "window"], set_=changed),
                [
                    {"monitor_id": row.id} | {name: _finite(getattr(one, name)) for name in FIELDS}
                    for one in step.decisions
                ],
            )
        for alarm, deliveries in step.resolved:
            resolve_alarm(connection, alarm, deliveries, now=now, who="monitor")
        return [raise_alarm(connection, stream, step.monitor, new, now=now, database=self._db) for new in step.opened]


def _number(connection: Connection, stream: KnownStream, name: str) -> int:
    mine = (monitors.c.stream_id == stream.id) & (monitors.c.name == name)
    found = connection.execute(select(monitors.c.id).where(mine)).scalar()
    if found is None:
        raise NotFound(f"the stream {stream.name!r} has no monitor {name!r}")
    return int(found)


def _one(connection: Connection, stream: KnownStream, name: str) -> MonitorRecord:
    return _records(connection, monitors.c.stream_id == stream.id, monitors.c.name == name)[0]


def _records(connection: Connection, *conditions: Any, states: bool = True) -> tuple[MonitorRecord, ...]:  # noqa: ANN401 - SQL conditions
    latest = (decisions.c.monitor_id == monitors.c.id) & (decisions.c.window == monitors.c.last_window)
    said = [decisions.c[name].label(f"d_{name}") for name in FIELDS]
    columns: list[Any] = [one for one in monitors.c if states or one.name != "state"]
    if not states:
        columns.append(null().label("state"))
    wanted: Select[Any] = (
        select(*columns, monitors.c.state.is_not(None).label("has_state"), streams.c.name.label("stream"), *said)
        .join(streams, streams.c.id == monitors.c.stream_id)
        .outerjoin(decisions, latest)
        .where(streams.c.deleted_at.is_(None), *conditions)
        .order_by(streams.c.name, monitors.c.name)
    )
    return tuple(_record(row) for row in connection.execute(wanted))


def _record(row: Row[Any]) -> MonitorRecord:
    decision = None
    if row.d_window is not None:
        decision = DecisionRecord(**{name: row._mapping[f"d_{name}"] for name in FIELDS})
    return MonitorRecord(
        row.stream, row.name, json.loads(row.settings), None if row.state is None else json.loads(row.state),
        row.last_window, decision, instant_of(row.updated_at), bool(row.has_state),
    )  # fmt: skip


def _decision(row: Row[Any]) -> DecisionRecord:
    return DecisionRecord(**{name: row._mapping[name] for name in FIELDS})


def _finite(value: Any) -> Any:  # noqa: ANN401 - a field of a decision
    """Return a value, None for infinite evidence: databases and JSON agree on nothing else."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
