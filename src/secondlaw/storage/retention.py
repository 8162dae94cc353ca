"""What goes with time: ids beyond the horizon, old texts, counts by cluster; and streams under deletion.

All of it in small transactions, so that ingest goes on. Ids are stamped with the day of their receipt, never an earlier
one than the latest day seen, so that a clock that is set back forgets nothing; and the day up to which ids are deleted
moves on by one day a run at most, so that a clock that is set forward for an hour costs a day of horizon and not all.
"""

import json
import math
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from secondlaw.storage.database import Database
from secondlaw.storage.instants import DAY, MICROSECONDS
from secondlaw.storage.names import KnownStream
from secondlaw.storage.pieces import delete_in_pieces, delete_rows
from secondlaw.storage.schema import (
    counts,
    event_ids,
    human_labels,
    meta,
    poison,
    series,
    streams,
    text_strata,
    textless,
    texts,
)
from secondlaw.storage.settings import StreamSettings
from secondlaw.storage.streams import delete_rest, unfinished_deletions
from secondlaw.storage.text_keeping import WHOLE

__all__ = ["Purged", "purge"]

PURGED_DAY = "purged_day"
IDS_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Purged:
    """How much a purge deleted: ids, texts (poisoned events included), rows of counts by cluster."""

    ids: int = 0
    texts: int = 0
    clusters: int = 0


def purge(database: Database) -> Purged:
    """Delete what is older than it is to be kept."""
    with database.reading() as connection:
        now = database.now(connection)
        known = [
            KnownStream(row.id, row.name, StreamSettings.from_dict(json.loads(row.settings)))
            for row in connection.execute(select(streams).where(streams.c.deleted_at.is_(None)))
        ]
        deleted = unfinished_deletions(connection)
    for number in deleted:
        delete_rest(database, number)
    ids = _purge_ids(database, known, now)
    gone = sum(_purge_texts(database, stream, now) for stream in known)
    clusters = sum(_compact(database, stream, now) for stream in known)
    return Purged(ids, gone, clusters)


def _purge_ids(database: Database, known: list[KnownStream], now: int) -> int:
    """Delete the ids of days beyond the horizon."""

    def day_of(connection: Connection) -> int:
        old = int(connection.execute(select(meta.c.value).where(meta.c.name == PURGED_DAY)).scalar_one())
        if not old:  # the first time: nothing was deleted before the oldest id
            old = connection.execute(select(func.min(event_ids.c.day))).scalar() or 0
        day = min(now // DAY - database.settings.horizon_days, old + 1)
        connection.execute(update(meta).where(meta.c.name == PURGED_DAY).values(value=str(max(day, 0))))
        return day

    day = database.write(day_of)
    delete_in_pieces(database, textless, textless.c.day < day)
    return sum(_purge_ids_of(database, stream.id, day) for stream in known)


def _purge_ids_of(database: Database, stream: int, day: int) -> int:
    """Delete a stream's ids of before a day, one range of hashes after the other."""
    mine = event_ids.c.stream_id == stream
    with database.reading() as connection:
        n = int(connection.execute(select(func.count()).select_from(event_ids).where(mine)).scalar_one())
    ranges = min(1 << 16, max(1, math.ceil(n / IDS_AT_ONCE)))
    edges = [round(k * (1 << 16) / ranges) for k in range(ranges + 1)]
    gone = 0
    for low, high in pairwise(edges):
        conditions: list[ColumnElement[bool]] = [
            mine,
            event_ids.c.day < day,
            event_ids.c.hash >= low.to_bytes(2, "big"),
        ]
        if high < 1 << 16:
            conditions.append(event_ids.c.hash < high.to_bytes(2, "big"))
        gone += database.write(partial(delete_rows, table=event_ids, conditions=tuple(conditions)))
    return gone


def _purge_texts(database: Database, stream: KnownStream, now: int) -> int:
    """Delete a stream's texts that are too old; what was never labelled bounds the sample of its window."""
    before = now - stream.settings.retention.text_days * DAY
    old = and_(texts.c.stream_id == stream.id, texts.c.received_at < before)
    done = select(human_labels.c.hash).where(human_labels.c.stream_id == stream.id)

    def bound(connection: Connection) -> None:
        wanted = select(texts.c.window, func.min(texts.c.priority)).where(old, texts.c.hash.not_in(done))
        for window, priority in connection.execute(wanted.group_by(texts.c.window)).all():
            lower = and_(
                text_strata.c.stream_id == stream.id, text_strata.c.window == window,
                text_strata.c.category == WHOLE, text_strata.c.threshold > priority,
            )  # fmt: skip
            connection.execute(update(text_strata).where(lower).values(threshold=priority))

    database.write(bound)
    gone = delete_in_pieces(database, texts, old)
    aside = and_(poison.c.stream_id == stream.id, poison.c.at < before)
    return gone + delete_in_pieces(database, poison, aside)


def _compact(database: Database, stream: KnownStream, now: int) -> int:
    """Delete a stream's counts by cluster that are old; their windows keep the totals."""
    days, every = stream.settings.retention.cluster_days, stream.settings.every
    if days is None or every is None:
        return 0
    before = (now - days * DAY) // (every * MICROSECONDS)
    with database.reading() as connection:
        numbers = list(connection.execute(select(series.c.id).where(series.c.stream_id == stream.id)).scalars())
    old = (counts.c.window < before, counts.c.series_id.in_(numbers))
    with database.reading() as connection:
        if connection.execute(select(counts.c.window).where(*old).limit(1)).first() is None:
            return 0
    older = or_(streams.c.compacted_before.is_(None), streams.c.compacted_before < before)
    moved = update(streams).where(streams.c.id == stream.id, older).values(compacted_before=before)
    database.write(lambda connection: connection.execute(moved) and None)  # said before it is done
    return sum(
        delete_in_pieces(database, counts, counts.c.series_id == number, counts.c.window < before) for number in numbers
    )
