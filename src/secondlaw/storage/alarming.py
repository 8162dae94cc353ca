"""Alarms: raised by monitors, acknowledged and resolved by people; every step of it is in the audit."""

import json
from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import Connection, Row, Select, case, func, select, update

from secondlaw.errors import NotFound
from secondlaw.storage.alarm_values import Alarm, NewAlarm, NewDelivery
from secondlaw.storage.audit import AuditEntry, entries_of_alarm, note_down
from secondlaw.storage.database import Database
from secondlaw.storage.delivering import send_later
from secondlaw.storage.instants import instant_of
from secondlaw.storage.names import KnownStream
from secondlaw.storage.schema import alarms, streams

__all__ = ["Alarms", "alarms_numbered", "raise_alarm", "resolve_alarm"]

OPEN, RESOLVED = "open", "resolved"


class Alarms:
    """The alarms of a store."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def list(
        self,
        *,
        stream: str | None = None,
        status: Literal["open", "resolved"] | None = None,
        kind: str | None = None,
        limit: int = 100,
        before: int | None = None,
    ) -> tuple[Alarm, ...]:
        """Return alarms, newest first.

        Parameters
        ----------
        stream : str, optional
        status : {"open", "resolved"}, optional
        kind : str, optional
        limit : int
        before : int, optional
            Only alarms with smaller numbers: the next page.
        """
        wanted = _alarms().order_by(alarms.c.id.desc()).limit(limit)
        if stream is not None:
            wanted = wanted.where(streams.c.name == stream)
        if status is not None:
            wanted = wanted.where(alarms.c.status == status)
        if kind is not None:
            wanted = wanted.where(alarms.c.kind == kind)
        if before is not None:
            wanted = wanted.where(alarms.c.id < before)
        with self._db.reading() as connection:
            return tuple(_alarm(row) for row in connection.execute(wanted))

    def get(self, number: int) -> Alarm:
        """Return an alarm.

        Raises
        ------
        NotFound
            If there is none of that number.
        """
        with self._db.reading() as connection:
            return _get(connection, number)

    def history(self, number: int) -> tuple[AuditEntry, ...]:
        """Return what happened to an alarm, oldest first."""
        with self._db.reading() as connection:
            _get(connection, number)
            return entries_of_alarm(connection, number)

    def counts(self) -> dict[tuple[str, str, str], tuple[int, int]]:
        """Return how many alarms were ever raised and how many are open, by stream, monitor and kind; newest first."""
        columns = (streams.c.name, alarms.c.monitor, alarms.c.kind)
        still = func.sum(case((alarms.c.status == OPEN, 1), else_=0))
        wanted = (
            select(*columns, func.count(), still)
            .join(alarms, alarms.c.stream_id == streams.c.id)
            .where(streams.c.deleted_at.is_(None))
            .group_by(*columns)
            .order_by(func.max(alarms.c.id).desc())
        )
        with self._db.reading() as connection:
            return {(row[0], row[1], row[2]): (int(row[3]), int(row[4])) for row in connection.execute(wanted)}

    def acknowledge(self, number: int, *, who: str, note: str = "") -> Alarm:
        """Say that somebody is looking after an alarm; the first to do so stands beside it."""

        def work(connection: Connection) -> Alarm:
            alarm = _get(connection, number)
            now = self._db.now(connection)
            first = (alarms.c.id == number) & alarms.c.acknowledged_at.is_(None)
            connection.execute(update(alarms).where(first).values(acknowledged_at=now, acknowledged_by=who))
            _note(connection, alarm, now, who, "acknowledged", {"note": note} if note else {})
            return _get(connection, number)

        return self._db.write(work)

    def note(self, number: int, *, who: str, text: str) -> Alarm:
        """Write a note beside an alarm."""

        def work(connection: Connection) -> Alarm:
            alarm = _get(connection, number)
            _note(connection, alarm, self._db.now(connection), who, "note", {"note": text})
            return alarm

        return self._db.write(work)

    def resolve(self, number: int, *, who: str, reason: str = "", deliveries: Sequence[NewDelivery] = ()) -> Alarm:
        """End an alarm by hand, and put into the outbox what is to be told of it; one that has ended stays as it is."""

        def work(connection: Connection) -> Alarm:
            resolve_alarm(connection, number, deliveries, now=self._db.now(connection), who=who, reason=reason)
            return _get(connection, number)

        return self._db.write(work)


def raise_alarm(
    connection: Connection, stream: KnownStream, monitor: str, new: NewAlarm, *, now: int, database: Database
) -> int:
    """Raise an alarm in the transaction of the decision, unless it was raised before; return its number."""
    values = {
        "stream_id": stream.id, "monitor": monitor, "kind": new.kind, "window": new.window, "summary": new.summary,
        "details": json.dumps(dict(new.details)), "status": OPEN, "opened_at": now,
    }  # fmt: skip
    made = database.backend.insert(alarms).values(**values).on_conflict_do_nothing().returning(alarms.c.id)
    number = connection.execute(made).scalar()
    if number is not None:
        note_down(connection, now, "monitor", "opened", stream=stream.name, alarm=number, data={"summary": new.summary})
        send_later(connection, new.deliveries, alarm=number, now=now)
        return int(number)
    once = [alarms.c[name] == values[name] for name in ("stream_id", "monitor", "kind", "window")]
    return int(connection.execute(select(alarms.c.id).where(*once)).scalar_one())


def resolve_alarm(
    connection: Connection, number: int, deliveries: Sequence[NewDelivery], *, now: int, who: str, reason: str = ""
) -> None:
    """End an alarm, if it is open, and put into the outbox what is to be told of it."""
    alarm = _get(connection, number)
    ended = update(alarms).where(alarms.c.id == number, alarms.c.status == OPEN)
    if connection.execute(ended.values(status=RESOLVED, resolved_at=now)).rowcount:
        _note(connection, alarm, now, who, "resolved", {"reason": reason} if reason else {})
        send_later(connection, deliveries, alarm=number, now=now)


def alarms_numbered(connection: Connection, numbers: Sequence[int]) -> tuple[Alarm, ...]:
    """Return alarms by their numbers, in the order given."""
    return tuple(_get(connection, number) for number in numbers)


def _note(connection: Connection, alarm: Alarm, now: int, who: str, action: str, data: dict[str, Any]) -> None:
    note_down(connection, now, who, action, stream=alarm.stream, alarm=alarm.id, data=data)


def _get(connection: Connection, number: int) -> Alarm:
    row = connection.execute(_alarms().where(alarms.c.id == number)).first()
    if row is None:
        raise NotFound(f"there is no alarm {number}")
    return _alarm(row)


def _alarms() -> Select[Any]:
    joined = select(alarms, streams.c.name.label("stream")).join(streams, streams.c.id == alarms.c.stream_id)
    return joined.where(streams.c.deleted_at.is_(None))


def _alarm(row: Row[Any]) -> Alarm:
    times = {
        name: None if row._mapping[name] is None else instant_of(row._mapping[name])
        for name in ("acknowledged_at", "resolved_at")
    }
    return Alarm(
        row.id, row.stream, row.monitor, row.kind, row.window, row.summary, json.loads(row.details), row.status,
        instant_of(row.opened_at), times["acknowledged_at"], row.acknowledged_by, times["resolved_at"],
    )  # fmt: skip
