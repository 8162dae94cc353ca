"""Events that break whatever labels them: put aside, and put back."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from secondlaw.storage.backend import Backend
from secondlaw.storage.counting import Tally
from secondlaw.storage.schema import poison, queue, streams

__all__ = ["leave_queue", "put_aside", "put_back"]

KEPT = ("stream_id", "window", "hash", "event", "bytes", "attempts")


def put_aside(
    connection: Connection, backend: Backend, rows: Sequence[Row[Any]], *, now: int, reason: str | None = None
) -> None:
    """Move rows of the queue to the poisoned."""
    if not rows:
        return
    unknown = "whatever labelled it did not come back"
    moved = [
        {name: row._mapping[name] for name in KEPT} | {"reason": reason or row.reason or unknown, "at": now}
        for row in rows
    ]
    connection.execute(insert(poison), moved)
    tally = Tally()
    for row in rows:
        tally.arrived(row.stream_id, row.window, poisoned=1)
    tally.write(connection, backend)
    leave_queue(connection, rows)


def put_back(connection: Connection, ids: Sequence[int], *, now: int) -> int:
    """Move poisoned events to the queue; return how many."""
    rows = connection.execute(select(poison).where(poison.c.id.in_(ids)).order_by(poison.c.id)).all()
    if not rows:
        return 0
    back = [
        {name: row._mapping[name] for name in KEPT} | {"attempts": 0, "reason": row.reason, "queued_at": now}
        for row in rows
    ]
    connection.execute(insert(queue), back)
    connection.execute(delete(poison).where(poison.c.id.in_(ids)))
    _shift(connection, rows, 1)
    return len(rows)


def leave_queue(connection: Connection, rows: Sequence[Row[Any]]) -> None:
    """Take rows off the queue."""
    connection.execute(delete(queue).where(queue.c.id.in_([row.id for row in rows])))
    _shift(connection, rows, -1)


def _shift(connection: Connection, rows: Sequence[Row[Any]], sign: int) -> None:
    """Change what is known of the length of the queue."""
    number, volume = Counter[int](), Counter[int]()
    for row in rows:
        number[row.stream_id] += sign
        volume[row.stream_id] += sign * row.bytes
    for stream in sorted(number):
        moved = {"queued": streams.c.queued + number[stream], "queued_bytes": streams.c.queued_bytes + volume[stream]}
        connection.execute(update(streams).where(streams.c.id == stream).values(**moved))
