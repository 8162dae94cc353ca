"""Reading counts: with their clusters as :class:`Counts`, without as :class:`Totals`."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Select, func, select, true

from secondlaw.behavior.counts import Counts
from secondlaw.storage.events import within
from secondlaw.storage.names import KnownStream
from secondlaw.storage.schema import counts, series, streams, totals
from secondlaw.storage.settings import StreamSettings
from secondlaw.storage.totals import Series, Totals

__all__ = ["latest_totals", "read_counts", "read_totals", "series_of", "summed_counts"]


def read_counts(
    connection: Connection, stream: KnownStream, windows: range | None, chosen: Mapping[str, str | None]
) -> Counts:
    """Return counts with their clusters."""
    keys = stream.settings.keys
    of = series_of(connection, stream, chosen)
    columns = (counts.c.series_id, counts.c.window, counts.c.cluster, counts.c.category, counts.c.n)
    wanted = select(*columns).where(counts.c.series_id.in_(list(of)), *within(counts.c.window, windows))
    rows = _array(connection, wanted, len(columns))
    table = np.zeros((len(rows), len(keys) + 1), dtype=np.int64)
    table[np.arange(len(rows)), rows[:, 3]] = rows[:, 4]
    numbers, code = np.unique(rows[:, 0], return_inverse=True)
    return Counts.from_columns(
        keys,
        every=stream.settings.every,
        series=[astuple(of[number]) for number in numbers.tolist()],
        code=code,
        windows=rows[:, 1],
        clusters=np.ascontiguousarray(rows[:, 2]).view(np.uint64),
        table=table,
    )


def read_totals(
    connection: Connection, stream: KnownStream, windows: range | None, chosen: Mapping[str, str | None]
) -> Totals:
    """Return counts summed over clusters."""
    of = series_of(connection, stream, chosen)
    columns = (totals.c.series_id, totals.c.window, totals.c.category, totals.c.n)
    wanted = select(*columns).where(totals.c.series_id.in_(list(of)), *within(totals.c.window, windows))
    return _totals(stream.settings, of, _array(connection, wanted, len(columns)))


def latest_totals(connection: Connection, last: int) -> dict[str, Totals]:
    """Return the totals of the last windows of every stream."""
    columns = (streams.c.id, streams.c.name, streams.c.settings)
    every = connection.execute(select(*columns).where(streams.c.deleted_at.is_(None)))
    known = {row.id: KnownStream.of(row) for row in every}
    parts: dict[int, dict[int, Series]] = {number: {} for number in known}
    owner: dict[int, int] = {}
    for row in connection.execute(select(series)):
        if row.stream_id in known:
            parts[row.stream_id][row.id] = _series(known[row.stream_id].name, row)
            owner[row.id] = row.stream_id
    recent = _recent(connection.dialect.name, last)
    rows = _array(connection, recent, 4)
    owners = np.array([owner.get(number, -1) for number in rows[:, 0].tolist()], dtype=np.int64)
    order = np.argsort(owners, kind="stable")
    rows, owners = rows[order], owners[order]
    found = {}
    for number, stream in known.items():
        low, high = np.searchsorted(owners, [number, number + 1])
        found[stream.name] = _totals(stream.settings, parts[number], rows[low:high])
    return dict(sorted(found.items()))


def _recent(dialect: str, last: int) -> Select[Any]:
    """Return the query for the totals of every stream's last windows, one range of the key a series.

    PostgreSQL takes the bound, which is another for each stream, for a weak one and would read all totals that ever
    were; a subquery of its own for each series (``OFFSET 0`` keeps it one) is answered from the key.
    """
    columns = (totals.c.series_id, totals.c.window, totals.c.category, totals.c.n)
    of_series = (totals.c.series_id == series.c.id, totals.c.window > streams.c.latest_window - last)
    joined = streams.join(series, series.c.stream_id == streams.c.id)
    if dialect != "postgresql":
        return select(*columns).select_from(joined.join(totals, of_series[0])).where(of_series[1])
    one = select(*columns).where(*of_series).correlate(streams, series).offset(0).lateral("recent")
    return select(*one.c).select_from(joined.join(one, true()))


def summed_counts(connection: Connection) -> dict[str, dict[str, dict[int, int]]]:
    """Return how many responses were ever counted, by stream, model and number of the category."""
    wanted = (
        select(streams.c.name, series.c.model, totals.c.category, func.sum(totals.c.n))
        .select_from(totals)
        .join(series, series.c.id == totals.c.series_id)
        .join(streams, streams.c.id == series.c.stream_id)
        .where(streams.c.deleted_at.is_(None))
        .group_by(streams.c.name, series.c.model, totals.c.category)
        .order_by(streams.c.name, series.c.model, totals.c.category)
    )
    found: dict[str, dict[str, dict[int, int]]] = {}
    for stream, model, category, n in connection.execute(wanted):
        found.setdefault(stream, {}).setdefault(model, {})[category] = int(n)
    return found


def series_of(
    connection: Connection, stream: KnownStream, chosen: Mapping[str, str | None] | None = None
) -> dict[int, Series]:
    """Return the series of a stream by number; those whose names are as chosen."""
    conditions: list[ColumnElement[bool]] = [series.c.stream_id == stream.id]
    conditions += [series.c[name] == value for name, value in (chosen or {}).items() if value is not None]
    rows = connection.execute(select(series).where(*conditions).order_by(series.c.id))
    return {row.id: _series(stream.name, row) for row in rows}


def _series(stream: str, row: Any) -> Series:  # noqa: ANN401 - a row
    return Series(stream, row.model, row.prompt_set, row.intent, row.classifier)


def _totals(settings: StreamSettings, of: Mapping[int, Series], rows: NDArray[np.int64]) -> Totals:
    """Put narrow rows (series, window, category, n) into one row a series and window."""
    numbers = np.array(sorted(of), dtype=np.int64)
    code = np.searchsorted(numbers, rows[:, 0])
    place, inverse = _unique_pairs(code, rows[:, 1])
    table = np.zeros((len(place), len(settings.keys) + 1), dtype=np.int64)
    table[inverse, rows[:, 2]] = rows[:, 3]
    return Totals(
        settings.keys,
        settings.every,
        tuple(of[number] for number in numbers.tolist()),
        place[:, 0].astype(np.int32),
        place[:, 1],
        table,
    )


def _unique_pairs(first: NDArray[np.int64], second: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the different pairs, sorted, and the place of each row's pair among them."""
    order = np.lexsort((second, first))
    a, b = first[order], second[order]
    new = np.ones(len(a), dtype=bool)
    new[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    inverse = np.empty(len(a), dtype=np.int64)
    inverse[order] = np.cumsum(new) - 1
    return np.column_stack([a[new], b[new]]), inverse


def _array(connection: Connection, wanted: Select[Any], width: int) -> NDArray[np.int64]:
    rows: Sequence[Any] = connection.execute(wanted).all()
    return np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=len(rows) * width).reshape(len(rows), width)
