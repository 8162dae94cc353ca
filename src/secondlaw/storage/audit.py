"""The record of who did what and when: acknowledged, noted, re-baselined, changed, deleted."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from secondlaw.storage.database import Database
from secondlaw.storage.instants import instant_of
from secondlaw.storage.schema import audit

__all__ = ["Audit", "AuditEntry", "entries_of_alarm", "note_down"]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the record."""

    id: int
    at: datetime
    who: str
    action: str
    stream: str | None
    alarm: int | None
    data: Mapping[str, Any]


class Audit:
    """The record; it is only ever added to."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, action: str, *, who: str, stream: str | None = None, data: Mapping[str, Any] | None = None) -> None:
        """Write a line."""
        self._db.write(lambda c: note_down(c, self._db.now(c), who, action, stream=stream, data=data))

    def list(self, *, stream: str | None = None, limit: int = 100) -> tuple[AuditEntry, ...]:
        """Return the latest lines, newest first."""
        wanted = select(audit).order_by(audit.c.id.desc()).limit(limit)
        if stream is not None:
            wanted = wanted.where(audit.c.stream == stream)
        with self._db.reading() as connection:
            return tuple(_entry(row) for row in connection.execute(wanted))


def note_down(
    connection: Connection,
    at: int,
    who: str,
    action: str,
    *,
    stream: str | None = None,
    alarm: int | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Write a line in the transaction of what it tells of."""
    values = {"at": at, "who": who, "action": action, "stream": stream, "alarm_id": alarm}
    connection.execute(insert(audit).values(**values, data=json.dumps(dict(data or {}))))


def entries_of_alarm(connection: Connection, alarm: int) -> tuple[AuditEntry, ...]:
    """Return what happened to an alarm, oldest first."""
    wanted = select(audit).where(audit.c.alarm_id == alarm).order_by(audit.c.id)
    return tuple(_entry(row) for row in connection.execute(wanted))


def _entry(row: Row[tuple[object, ...]]) -> AuditEntry:
    return AuditEntry(row.id, instant_of(row.at), row.who, row.action, row.stream, row.alarm_id, json.loads(row.data))
