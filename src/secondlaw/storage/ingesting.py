"""The transaction in which events arrive: ids, counts, queue and texts together or not at all.

Waiting batches are stored in one transaction. An event whose (stream, id) was stored before, or stands earlier in the
same transaction, is a duplicate. Rows are written table by table in one order, and within a table by key.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, bindparam, case, func, insert, select, update
from sqlalchemy.sql.dml import ReturningInsert

from secondlaw.errors import QueueFull
from secondlaw.storage.arriving import Arriving
from secondlaw.storage.backend import AnyInsert
from secondlaw.storage.completing import completed, note_bare, take_back
from secondlaw.storage.database import Database
from secondlaw.storage.instants import DAY
from secondlaw.storage.placing import Accepted, Placed, Step, category_code, place_all
from secondlaw.storage.schema import event_ids, human_labels, meta, monitors, queue, streams
from secondlaw.storage.text_keeping import Offered, keep_texts

__all__ = ["store_batches"]

LATEST_DAY = "latest_day"


@dataclass(slots=True)
class _Moved:
    """How a stream moves on."""

    window: int
    at: int
    queued: int = 0
    queued_bytes: int = 0


def store_batches(
    connection: Connection, batches: Sequence[Sequence[Arriving]], *, database: Database
) -> list[Accepted | QueueFull]:
    """Store batches; return what became of each.

    A batch that the queue has no room for is refused whole, and nothing of it is stored.
    """
    now = database.now(connection)
    day = _day(connection, now)
    step = Step(connection, database, database.names(connection, merged=True), now, max(now, day * DAY))
    answers: list[Accepted | QueueFull] = []
    placed: list[Placed] = []
    rows, volume = _queued(connection)
    for batch in batches:
        waiting = [len(event.event) for event in batch if event.event is not None]
        if waiting and (full := _full(database, rows + len(waiting), volume + sum(waiting))):
            answers.append(full)
            continue
        rows, volume = rows + len(waiting), volume + sum(waiting)
        accepted = Accepted()
        answers.append(accepted)
        placed += place_all(step, batch, accepted)
    new = _only_new(step, placed, day)
    _store(step, new, day)
    return answers


def _day(connection: Connection, now: int) -> int:
    """Return today's number, or the latest ever seen if the clock was set back."""
    today = now // DAY
    latest = int(connection.execute(select(meta.c.value).where(meta.c.name == LATEST_DAY)).scalar_one())
    if today > latest:
        moved = update(meta).where(meta.c.name == LATEST_DAY, meta.c.value == str(latest))
        connection.execute(moved.values(value=str(today)))
    return max(today, latest)


def _queued(connection: Connection) -> tuple[int, int]:
    wanted = select(func.coalesce(func.sum(streams.c.queued), 0), func.coalesce(func.sum(streams.c.queued_bytes), 0))
    rows, volume = connection.execute(wanted).one()
    return int(rows), int(volume)


def _full(database: Database, rows: int, volume: int) -> QueueFull | None:
    most = database.settings
    if rows <= most.queue_rows and volume <= most.queue_bytes:
        return None
    return QueueFull(
        f"{rows} events of {volume} bytes would wait for their label, more than {most.queue_rows} or "
        f"{most.queue_bytes} bytes: send again later, or add workers that classify"
    )


def _only_new(step: Step, placed: list[Placed], day: int) -> list[Placed]:
    """Remember the ids; return the events whose ids were not known."""
    first: dict[tuple[int, bytes], Placed] = {}
    for event in placed:
        key = (event.stream.id, event.event.hash)
        known = first.get(key)
        if known is None:
            first[key] = event
        elif known.event.is_bare and not event.event.is_bare:
            first[key] = event  # the text of what stands before it without
            known.batch.duplicates += 1
        else:
            event.batch.duplicates += 1
    if not first:
        return []
    remembered = step.connection.execute(
        _remembering(step.database.backend.insert),
        [{"stream_id": stream, "hash": found, "day": day} for stream, found in sorted(first)],
    )
    new = {(row[0], bytes(row[1])) for row in remembered}
    fresh = [event for key, event in first.items() if key in new]
    known_ids = [event for key, event in first.items() if key not in new]
    fresh += (upgraded := completed(step, known_ids, fresh))
    taken = {id(event) for event in upgraded}
    for event in known_ids:
        event.batch.duplicates += id(event) not in taken
    return fresh


@cache
def _remembering(insert: Callable[[Table], AnyInsert]) -> ReturningInsert[Any]:
    """Return the statement that remembers ids and returns those that are new."""
    return insert(event_ids).on_conflict_do_nothing().returning(event_ids.c.stream_id, event_ids.c.hash)


def _store(step: Step, new: list[Placed], day: int) -> None:
    """Write what is new."""
    decided = _decided(step.connection, {event.stream.id for event in new})
    moved: dict[int, _Moved] = {}
    waiting, offered, said, bare = [], [], [], []
    for placed in new:
        event, stream, window, batch = placed.event, placed.stream, placed.window, placed.batch
        late = int(window <= decided.get(stream.id, window - 1))
        no_text = int(event.is_bare)
        queued = int(event.event is not None)
        batch.accepted += 1
        batch.late += late
        batch.no_text += no_text
        batch.queued += queued
        step.tally.arrived(stream.id, window, received=1, no_text=no_text, queued=queued, late=late)
        take_back(step, placed)
        if no_text:
            bare.append((placed, late))
        at = step.now if event.at is None else event.at
        move = moved.setdefault(stream.id, _Moved(window, at))
        move.window, move.at = max(move.window, window), max(move.at, at)
        if event.event is not None:
            move.queued += 1
            move.queued_bytes += len(event.event)
            waiting.append(_waiting(placed, event.event, step.now))
        if placed.category is not None and placed.series is not None:
            step.tally.count(placed.series, window, event.cluster, placed.category)
            if event.has_text and stream.settings.retention.texts != "none":
                offered.append(_offered(placed, placed.category, placed.series, at))
        if event.human_label is not None:
            said.append(_said(placed, step.now))
    step.tally.write(step.connection, step.database.backend)
    note_bare(step, bare, day=day)
    if waiting:
        step.connection.execute(insert(queue), waiting)
    keep_texts(step.connection, step.database, offered, now=step.now)
    if said:
        step.connection.execute(step.database.backend.insert(human_labels).on_conflict_do_nothing(), said)
    _move_on(step, moved)


def _decided(connection: Connection, of: set[int]) -> dict[int, int]:
    """Return the last window that a monitor of a stream has decided on."""
    latest = func.max(monitors.c.last_window)
    wanted = select(monitors.c.stream_id, latest).where(monitors.c.stream_id.in_(sorted(of)))
    rows = connection.execute(wanted.group_by(monitors.c.stream_id).having(latest.is_not(None)))
    return {row[0]: int(row[1]) for row in rows}


def _waiting(placed: Placed, text: str, now: int) -> dict[str, object]:
    return {
        "stream_id": placed.stream.id, "window": placed.window, "hash": placed.event.hash, "event": text,
        "bytes": len(text), "queued_at": now,
    }  # fmt: skip


def _offered(placed: Placed, category: int, series: int, at: int) -> Offered:
    event = placed.event
    return Offered(
        placed.stream, placed.window, category, series, event.cluster, event.hash, event.event_id, at, event.prompt,
        event.response, event.label_probs, event.masked,
    )  # fmt: skip


def _said(placed: Placed, now: int) -> dict[str, object]:
    event, keys = placed.event, placed.stream.settings.keys
    return {
        "stream_id": placed.stream.id, "window": placed.window, "hash": event.hash, "annotator": event.annotator,
        "label": None if event.human_label is None else category_code(event.human_label, keys),
        "machine_label": placed.category, "label_probs": event.label_probs, "series_id": placed.series,
        "cluster": event.cluster, "inclusion_probability": event.inclusion_probability, "at": now,
    }  # fmt: skip


def _move_on(step: Step, moved: dict[int, _Moved]) -> None:
    if moved:
        step.connection.execute(_MOVE, [
            {"of": stream, "w": m.window, "t": m.at, "r": step.now, "q": m.queued, "b": m.queued_bytes}
            for stream, m in sorted(moved.items())
        ])  # fmt: skip


def _later(column: str, name: str) -> object:
    old = streams.c[column]
    new = bindparam(name, type_=old.type)
    return case((old.is_(None) | (old < new), new), else_=old)


_MOVE = (
    update(streams)
    .where(streams.c.id == bindparam("of"))
    .values(
        latest_window=_later("latest_window", "w"),
        last_event_at=_later("last_event_at", "t"),
        last_received_at=_later("last_received_at", "r"),
        queued=streams.c.queued + bindparam("q"),
        queued_bytes=streams.c.queued_bytes + bindparam("b"),
    )
)
