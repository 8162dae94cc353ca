"""The transaction in which events arrive: ids, counts, queue and texts together or not at all.

Waiting batches are stored in one transaction. An event whose (stream, id) was stored before, or stands earlier in the
same transaction, is a duplicate. Rows are written table by table in one order, and within a table by key.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, bindparam, case, func, insert, select, update
from sqlalchemy.sql.dml import ReturningInsert

from secondlaw.behavior.taxonomy import OUTSIDE
from secondlaw.errors import InvalidInput, QueueFull
from secondlaw.storage.arriving import Arriving
from secondlaw.storage.backend import AnyInsert
from secondlaw.storage.counting import Tally
from secondlaw.storage.database import Database
from secondlaw.storage.instants import DAY, instant_of, window_of
from secondlaw.storage.names import KnownStream, Names
from secondlaw.storage.schema import event_ids, human_labels, meta, monitors, queue, streams
from secondlaw.storage.streams import checked_name
from secondlaw.storage.text_keeping import Offered, keep_texts

__all__ = ["Accepted", "Rejected", "category_code", "store_batches"]

LATEST_DAY = "latest_day"
MOST_STEPS = 1 << 53


@dataclass(frozen=True, slots=True, order=True)
class Rejected:
    """An event that was not stored: its place in the batch, and why."""

    index: int
    reason: str


@dataclass(slots=True)
class Accepted:
    """What became of a batch.

    Parameters
    ----------
    accepted : int
        Events that are stored now and were not before; those of the following three are among them.
    late, queued, no_text : int
        Counted in a window that a monitor has already decided on; waiting for their label; without text and label.
    duplicates : int
        Events that were stored before.
    rejected : tuple of Rejected
    """

    accepted: int = 0
    duplicates: int = 0
    late: int = 0
    queued: int = 0
    no_text: int = 0
    rejected: tuple[Rejected, ...] = ()


@dataclass(slots=True)
class _Placed:
    """An event with its stream, window and category."""

    batch: Accepted
    event: Arriving
    stream: KnownStream
    window: int
    category: int | None
    series: int | None


@dataclass(slots=True)
class _Moved:
    """How a stream moves on."""

    window: int
    at: int
    queued: int = 0
    queued_bytes: int = 0


@dataclass(slots=True)
class _Step:
    """A transaction under way."""

    connection: Connection
    database: Database
    names: Names
    now: int
    latest: int
    """The latest moment known: a clock that was set back does not move it."""
    tally: Tally = field(default_factory=Tally)


def store_batches(
    connection: Connection, batches: Sequence[Sequence[Arriving]], *, database: Database
) -> list[Accepted | QueueFull]:
    """Store batches; return what became of each.

    A batch that the queue has no room for is refused whole, and nothing of it is stored.
    """
    now = database.now(connection)
    day = _day(connection, now)
    step = _Step(connection, database, database.names(connection, merged=True), now, max(now, day * DAY))
    answers: list[Accepted | QueueFull] = []
    placed: list[_Placed] = []
    rows, volume = _queued(connection)
    for batch in batches:
        waiting = [len(event.event) for event in batch if event.event is not None]
        if waiting and (full := _full(database, rows + len(waiting), volume + sum(waiting))):
            answers.append(full)
            continue
        rows, volume = rows + len(waiting), volume + sum(waiting)
        accepted = Accepted()
        answers.append(accepted)
        placed += _place_all(step, batch, accepted)
    new = _only_new(step, placed, day)
    _store(step, new)
    return answers


def category_code(label: str, keys: Sequence[str]) -> int:
    """Return the number of a category; K is *outside*.

    Raises
    ------
    InvalidInput
        If there is no such category.
    """
    if label in keys:
        return keys.index(label)
    if label == OUTSIDE:
        return len(keys)
    raise InvalidInput(f"the stream's categories are {', '.join(keys)} and {OUTSIDE}, got {label!r}")


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


def _place_all(step: _Step, batch: Sequence[Arriving], accepted: Accepted) -> list[_Placed]:
    placed, rejected = [], []
    for index, event in enumerate(batch):
        try:
            placed.append(_place(step, event, accepted))
        except InvalidInput as error:
            rejected.append(Rejected(index, str(error)))
    accepted.rejected = tuple(rejected)
    return placed


def _place(step: _Step, event: Arriving, accepted: Accepted) -> _Placed:
    """Find stream, window, category and series of an event."""
    stream = _known(step, event.stream)
    keys = stream.settings.keys
    if stream.settings.every is None:
        if event.step is None:
            raise InvalidInput(f"events of the stream {stream.name!r} state their step, this one does not")
        if event.step > MOST_STEPS:
            raise InvalidInput(f"a step is {MOST_STEPS} at most, got {event.step}")
        window = event.step
    else:
        at = step.now if event.at is None else event.at
        if at > step.latest + step.database.settings.ahead_days * DAY:
            raise InvalidInput(f"the event is of {instant_of(at).isoformat()}, in the future: check the sender's clock")
        window = window_of(at, stream.settings.every)
    category = None if event.label is None else category_code(event.label, keys)
    if event.human_label is not None:
        category_code(event.human_label, keys)
    series = None
    if event.label is not None or event.human_label is not None:
        names = (stream.id, event.model, event.prompt_set, event.intent, event.classifier)
        series = step.names.series_number(step.connection, names, most=step.database.settings.max_series)
        if series is None:
            raise InvalidInput(
                f"the stream {stream.name!r} has {step.database.settings.max_series} combinations of model, prompt "
                f"set, intent and classifier; does a client put ids into one of these?"
            )
    return _Placed(accepted, event, stream, window, category, series)


def _known(step: _Step, name: str) -> KnownStream:
    found = step.names.stream(step.connection, name)
    if found is not None:
        return found
    settings = step.database.settings
    if settings.new_streams is None:
        raise InvalidInput(f"there is no stream {name[:80]!r}; make it first")
    checked_name(name)
    if step.names.count_streams(step.connection) >= settings.max_streams:
        raise InvalidInput(f"the store has {settings.max_streams} streams; does a client put ids into their names?")
    return step.names.new_stream(step.connection, name, settings.new_streams, at=step.now)


def _only_new(step: _Step, placed: list[_Placed], day: int) -> list[_Placed]:
    """Remember the ids; return the events whose ids were not known."""
    first: dict[tuple[int, bytes], _Placed] = {}
    for event in placed:
        key = (event.stream.id, event.event.hash)
        if key in first:
            event.batch.duplicates += 1
        else:
            first[key] = event
    if not first:
        return []
    remembered = step.connection.execute(
        _remembering(step.database.backend.insert),
        [{"stream_id": stream, "hash": found, "day": day} for stream, found in sorted(first)],
    )
    new = {(row[0], bytes(row[1])) for row in remembered}
    for key, event in first.items():
        if key not in new:
            event.batch.duplicates += 1
    return [event for key, event in first.items() if key in new]


@cache
def _remembering(insert: Callable[[Table], AnyInsert]) -> ReturningInsert[Any]:
    """Return the statement that remembers ids and returns those that are new."""
    return insert(event_ids).on_conflict_do_nothing().returning(event_ids.c.stream_id, event_ids.c.hash)


def _store(step: _Step, new: list[_Placed]) -> None:
    """Write what is new."""
    decided = _decided(step.connection, {event.stream.id for event in new})
    moved: dict[int, _Moved] = {}
    waiting, offered, said = [], [], []
    for placed in new:
        event, stream, window, batch = placed.event, placed.stream, placed.window, placed.batch
        late = int(window <= decided.get(stream.id, window - 1))
        no_text = int(event.label is None and event.human_label is None and event.event is None)
        queued = int(event.event is not None)
        batch.accepted += 1
        batch.late += late
        batch.no_text += no_text
        batch.queued += queued
        step.tally.arrived(stream.id, window, received=1, no_text=no_text, queued=queued, late=late)
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


def _waiting(placed: _Placed, text: str, now: int) -> dict[str, object]:
    return {
        "stream_id": placed.stream.id, "window": placed.window, "hash": placed.event.hash, "event": text,
        "bytes": len(text), "queued_at": now,
    }  # fmt: skip


def _offered(placed: _Placed, category: int, series: int, at: int) -> Offered:
    event = placed.event
    return Offered(
        placed.stream, placed.window, category, series, event.cluster, event.hash, event.event_id, at, event.prompt,
        event.response, event.label_probs, event.masked,
    )  # fmt: skip


def _said(placed: _Placed, now: int) -> dict[str, object]:
    event, keys = placed.event, placed.stream.settings.keys
    return {
        "stream_id": placed.stream.id, "window": placed.window, "hash": event.hash, "annotator": event.annotator,
        "label": None if event.human_label is None else category_code(event.human_label, keys),
        "machine_label": placed.category, "label_probs": event.label_probs, "series_id": placed.series,
        "cluster": event.cluster, "inclusion_probability": event.inclusion_probability, "at": now,
    }  # fmt: skip


def _move_on(step: _Step, moved: dict[int, _Moved]) -> None:
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
