"""Adding to the counts: by cell, cluster and category, and the same summed over clusters."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table

from secondlaw.storage.backend import AnyInsert, Backend
from secondlaw.storage.schema import arrivals, counts, totals

__all__ = ["ARRIVAL_FIELDS", "Tally", "add_rows"]

ARRIVAL_FIELDS = ("received", "no_text", "queued", "late", "poisoned")


class Tally:
    """What a transaction adds, summed before it is written, so that each row is written once."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[int, int, int, int]] = Counter()  # series, window, cluster, category
        self.arrivals: dict[tuple[int, int], Counter[str]] = {}  # stream, window

    def count(self, series: int, window: int, cluster: int, category: int, n: int = 1) -> None:
        """Count responses in a category."""
        self.counts[series, window, cluster, category] += n

    def arrived(self, stream: int, window: int, **fields: int) -> None:
        """Count what came to a stream."""
        self.arrivals.setdefault((stream, window), Counter()).update(fields)

    def write(self, connection: Connection, backend: Backend) -> None:
        """Add all to the store; rows in the order of their keys, so that two transactions never wait for each other."""
        summed: Counter[tuple[int, int, int]] = Counter()
        for (series, window, _, category), n in self.counts.items():
            summed[series, window, category] += n
        add_rows(connection, backend, counts, (
            {"series_id": s, "window": w, "cluster": c, "category": k, "n": n}
            for (s, w, c, k), n in sorted(self.counts.items())
        ))  # fmt: skip
        add_rows(connection, backend, totals, (
            {"series_id": s, "window": w, "category": k, "n": n} for (s, w, k), n in sorted(summed.items())
        ))  # fmt: skip
        add_rows(connection, backend, arrivals, (
            {"stream_id": s, "window": w} | {name: fields[name] for name in ARRIVAL_FIELDS}
            for (s, w), fields in sorted(self.arrivals.items())
        ))  # fmt: skip


def add_rows(connection: Connection, backend: Backend, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert rows; where the key is there already, add the numbers."""
    rows = list(rows)
    if not rows:
        return
    connection.execute(_adding(backend.insert, table), rows)


@cache
def _adding(insert: Callable[[Table], AnyInsert], table: Table) -> AnyInsert:
    """Return the statement that adds; building it costs more than running it."""
    statement = insert(table)
    key = [column.name for column in table.primary_key.columns]
    added = {c.name: c + statement.excluded[c.name] for c in table.columns if c.name not in key}
    return statement.on_conflict_do_update(index_elements=key, set_=added)
