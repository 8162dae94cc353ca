"""Whether the store agrees with itself: totals are sums, what waits is what is said to wait, nothing is orphaned."""

from typing import Any

from sqlalchemy import Connection, Select, func, select, union_all

from secondlaw.storage.schema import (
    arrivals,
    counts,
    decisions,
    event_ids,
    human_labels,
    monitors,
    queue,
    series,
    streams,
    textless,
    texts,
    totals,
)

__all__ = ["problems"]

SHOWN = 5


def problems(connection: Connection) -> tuple[str, ...]:
    """Return what does not agree, in sentences."""
    return (*_totals(connection), *_queue(connection), *_orphans(connection))


def _totals(connection: Connection) -> list[str]:
    """Compare totals with the sums of counts, in windows that were not compacted."""
    key = ("series_id", "window", "category")
    sides: list[Select[Any]] = []
    for table, n in ((totals, totals.c.n), (counts, -counts.c.n)):
        young = streams.c.compacted_before.is_(None) | (table.c.window >= streams.c.compacted_before)
        columns = [*(table.c[name] for name in key), n.label("n")]
        joined = select(*columns).join(series, series.c.id == table.c.series_id)
        sides.append(joined.join(streams, streams.c.id == series.c.stream_id).where(young))
    both = union_all(*sides).subquery()
    names = [both.c[name] for name in key]
    wrong = select(*names, func.sum(both.c.n)).group_by(*names).having(func.sum(both.c.n) != 0).limit(SHOWN)
    return [
        f"series {row[0]}, window {row[1]}, category {row[2]}: the total differs from its counts by {row[3]}"
        for row in connection.execute(wrong)
    ]


def _queue(connection: Connection) -> list[str]:
    """Compare what is said to wait with what waits."""
    rows = func.count(queue.c.id)
    volume = func.coalesce(func.sum(queue.c.bytes), 0)
    wanted = (
        select(streams.c.name, streams.c.queued, streams.c.queued_bytes, rows, volume)
        .outerjoin(queue, queue.c.stream_id == streams.c.id)
        .group_by(streams.c.id, streams.c.name, streams.c.queued, streams.c.queued_bytes)
        .having((streams.c.queued != rows) | (streams.c.queued_bytes != volume))
        .limit(SHOWN)
    )
    return [
        f"stream {row[0]!r}: {row[1]} events of {row[2]} bytes are said to wait, there are {row[3]} of {row[4]}"
        for row in connection.execute(wanted)
    ]


def _orphans(connection: Connection) -> list[str]:
    """Count rows whose stream, series or monitor is gone."""
    found = []
    for table in (event_ids, textless, arrivals, queue, texts, human_labels, series, monitors):
        orphaned = table.c.stream_id.not_in(select(streams.c.id))
        found.append((table.name, select(func.count()).select_from(table).where(orphaned)))
    for table in (counts, totals):
        orphaned = table.c.series_id.not_in(select(series.c.id))
        found.append((table.name, select(func.count()).select_from(table).where(orphaned)))
    orphaned = decisions.c.monitor_id.not_in(select(monitors.c.id))
    found.append((decisions.name, select(func.count()).select_from(decisions).where(orphaned)))
    counted = [(name, int(connection.execute(wanted).scalar_one())) for name, wanted in found]
    return [f"{n} rows of {name} belong to nothing" for name, n in counted if n]
