"""Streams: what is watched, with its settings."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, delete, exists, select, update

from secondlaw.errors import InvalidInput, NotFound
from secondlaw.storage.audit import note_down
from secondlaw.storage.database import Database
from secondlaw.storage.instants import instant_of
from secondlaw.storage.names import move_names, stream_of
from secondlaw.storage.pieces import delete_in_pieces
from secondlaw.storage.schema import (
    alarms,
    arrivals,
    audit,
    counts,
    decisions,
    deliveries,
    event_ids,
    human_labels,
    leases,
    monitors,
    poison,
    queue,
    series,
    streams,
    text_strata,
    textless,
    texts,
    totals,
)
from secondlaw.storage.settings import StreamSettings

__all__ = ["Stream", "Streams", "checked_name", "delete_rest", "stream_lease", "unfinished_deletions"]

NAME_CHARACTERS = 200
DELETED = "\x01deleted "
"""Begins the name of a stream that is being deleted; no stream can be called so."""
OF_STREAM = (event_ids, textless, arrivals, queue, poison, texts, text_strata, human_labels)


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream and where it stands.

    Parameters
    ----------
    name : str
    settings : StreamSettings
    created_at : datetime
    number : int
        From 1, in the order in which streams were made; never given again.
    latest_window : int or None
        The latest window that holds an event.
    last_event_at, last_received_at : datetime or None
        The latest time of an event, and of a receipt.
    queued, queued_bytes : int
        Events that wait for their label.
    compacted_before : int or None
        Windows before this one have totals only: their counts by cluster were added up.
    """

    name: str
    settings: StreamSettings
    created_at: datetime
    number: int
    latest_window: int | None = None
    last_event_at: datetime | None = None
    last_received_at: datetime | None = None
    queued: int = 0
    queued_bytes: int = 0
    compacted_before: int | None = None


def stream_lease(name: str) -> str:
    """Return the name of the lease under which a stream is evaluated."""
    return f"stream:{name}"


def checked_name(name: str, what: str = "a stream") -> str:
    """Return a name if it can be one.

    Raises
    ------
    InvalidInput
        If it is empty, long, or holds control characters.
    """
    if not name or len(name) > NAME_CHARACTERS or not name.isprintable() or name != name.strip():
        raise InvalidInput(
            f"{what} is named by 1 to {NAME_CHARACTERS} printable characters without spaces around, got {name[:80]!r}"
        )
    return name


class Streams:
    """The streams of a store."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def create(self, name: str, settings: StreamSettings | None = None) -> Stream:
        """Make a stream; one that exists with the same settings is returned.

        Raises
        ------
        InvalidInput
            If it exists with other settings, or the name is none.
        """
        checked_name(name)
        wanted = settings or StreamSettings()

        def work(connection: Connection) -> Stream:
            made = self._db.names(connection).new_stream(connection, name, wanted, at=self._db.now(connection))
            if made.settings != wanted and settings is not None:
                raise InvalidInput(f"the stream {name!r} exists with other settings; change them, or take another name")
            return _get(connection, name)

        return self._db.write(work)

    def get(self, name: str) -> Stream:
        """Return a stream.

        Raises
        ------
        NotFound
            If there is none of that name.
        """
        with self._db.reading() as connection:
            return _get(connection, name)

    def list(self) -> tuple[Stream, ...]:
        """Return all streams, by name."""
        with self._db.reading() as connection:
            wanted = select(streams).where(streams.c.deleted_at.is_(None)).order_by(streams.c.name)
            return tuple(_stream(row) for row in connection.execute(wanted))

    def change(self, name: str, settings: StreamSettings, *, who: str) -> Stream:
        """Give a stream other settings.

        Raises
        ------
        InvalidInput
            If categories or windows would change although something was counted.
        """

        def work(connection: Connection) -> Stream:
            move_names(connection)
            known = stream_of(connection, name)
            old = known.settings
            if (old.keys, old.every) != (settings.keys, settings.every) and _has_begun(connection, known.id):
                raise InvalidInput(
                    f"the stream {name!r} has counts by {old.keys} in windows of {old.every} s, which cannot be "
                    f"re-cut; make a new stream for {settings.keys} and {settings.every} s"
                )
            values = json.dumps(settings.to_dict())
            connection.execute(update(streams).where(streams.c.id == known.id).values(settings=values))
            data = {"before": old.to_dict(), "after": settings.to_dict()}
            note_down(connection, self._db.now(connection), who, "stream changed", stream=name, data=data)
            return _get(connection, name)

        return self._db.write(work)

    def delete(self, name: str, *, who: str) -> None:
        """Delete a stream and all that belongs to it; that it was deleted, by whom and when, stays in the audit.

        It is gone when the first transaction ends; its rows go in pieces, and :meth:`.Administration.purge` finishes
        what a crash interrupts.
        """

        def work(connection: Connection) -> int:
            move_names(connection)
            known = stream_of(connection, name)
            now = self._db.now(connection)
            hidden = {"name": f"{DELETED}{known.id}", "deleted_at": now}
            connection.execute(update(streams).where(streams.c.id == known.id).values(**hidden))
            of_alarms = select(alarms.c.id).where(alarms.c.stream_id == known.id)
            connection.execute(delete(deliveries).where(deliveries.c.alarm_id.in_(of_alarms)))
            connection.execute(delete(audit).where(audit.c.stream == name))
            connection.execute(delete(leases).where(leases.c.name == stream_lease(name)))
            note_down(connection, now, who, "stream deleted", stream=name)
            return known.id

        delete_rest(self._db, self._db.write(work))


def delete_rest(database: Database, stream: int) -> None:
    """Delete what belongs to a stream that is marked as deleted, in pieces, and at last the stream."""
    delete_in_pieces(database, queue, queue.c.stream_id == stream)  # first: what waits cannot be counted any more
    of_series = select(series.c.id).where(series.c.stream_id == stream)
    for table in (counts, totals):
        delete_in_pieces(database, table, table.c.series_id.in_(of_series))
    of_monitors = select(monitors.c.id).where(monitors.c.stream_id == stream)
    delete_in_pieces(database, decisions, decisions.c.monitor_id.in_(of_monitors))
    for table in (*OF_STREAM, alarms, monitors, series):
        delete_in_pieces(database, table, table.c.stream_id == stream)
    delete_in_pieces(database, streams, streams.c.id == stream)


def unfinished_deletions(connection: Connection) -> tuple[int, ...]:
    """Return the numbers of streams whose deletion has begun."""
    return tuple(connection.execute(select(streams.c.id).where(streams.c.deleted_at.is_not(None))).scalars())


def _has_begun(connection: Connection, stream: int) -> bool:
    begun = exists().where(arrivals.c.stream_id == stream) | exists().where(series.c.stream_id == stream)
    return bool(connection.execute(select(begun)).scalar())


def _get(connection: Connection, name: str) -> Stream:
    row = connection.execute(select(streams).where(streams.c.name == name)).first()
    if row is None:
        raise NotFound(f"there is no stream {name!r}")
    return _stream(row)


def _stream(row: Row[tuple[object, ...]]) -> Stream:
    return Stream(
        name=row.name,
        settings=StreamSettings.from_dict(json.loads(row.settings)),
        created_at=instant_of(row.created_at),
        number=row.id,
        latest_window=row.latest_window,
        last_event_at=None if row.last_event_at is None else instant_of(row.last_event_at),
        last_received_at=None if row.last_received_at is None else instant_of(row.last_received_at),
        queued=row.queued,
        queued_bytes=row.queued_bytes,
        compacted_before=row.compacted_before,
    )
