"""Which texts stay: all, or a uniform random sample of each window and a few of each category, or none.

Every event has a *priority*, uniform on [0, 1) and independent of what it says (:mod:`.identities`). Of a window the
m texts with the smallest priorities stay, and the *threshold* is the smallest priority that was ever turned away. Given
the threshold t, each text had its priority below t with probability t, independently of the others (bottom-k sampling
with rank conditioning, Cohen and Kaplan, PODC 2007), so that 1/t is its weight. The same is done within each category,
for examples of rare ones; these have no part in the uniform sample unless they are below its threshold too.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, and_, delete, select, update
from sqlalchemy.sql.dml import ReturningInsert

from secondlaw.storage.backend import AnyInsert
from secondlaw.storage.database import Database
from secondlaw.storage.identities import priority_of
from secondlaw.storage.masking import Mask
from secondlaw.storage.names import KnownStream
from secondlaw.storage.schema import text_strata, texts

__all__ = ["WHOLE", "Offered", "keep_texts"]

WHOLE = -1
"""Category of the stratum that is the whole window."""
SLACK = 16
"""Texts by which a stratum may exceed its size before it is cut, so that not every text costs a deletion."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A text with its label, offered to be kept."""

    stream: KnownStream
    window: int
    category: int
    series: int
    cluster: int
    hash: bytes
    event_id: str
    at: int
    prompt: str
    response: str
    label_probs: str | None
    masked: bool = True


class _Stratum(NamedTuple):
    stream: int
    window: int
    category: int


def keep_texts(connection: Connection, database: Database, offered: Sequence[Offered], *, now: int) -> None:
    """Keep of the texts offered what the retention of their streams says."""
    offered = [text for text in offered if text.stream.settings.retention.texts != "none"]
    if not offered:
        return
    sizes: dict[_Stratum, int | None] = {}  # None: unbounded
    seen: Counter[_Stratum] = Counter()
    for text in offered:
        retention = text.stream.settings.retention
        everything = retention.texts == "all"
        for stratum, size in zip(
            _strata_of(text), (retention.texts_per_window, retention.examples_per_category), strict=True
        ):
            sizes[stratum] = None if everything else size
            seen[stratum] += 1
    thresholds = _seen(connection, database, seen, sizes)
    kept, added = [], Counter[_Stratum]()
    for text in offered:
        priority = priority_of(text.hash, secret=database.secret)
        inside = [stratum for stratum in _strata_of(text) if priority < thresholds[stratum]]
        if inside:
            added.update(inside)
            kept.append(_row(text, priority, now, database.mask))
    if kept:
        connection.execute(database.backend.insert(texts).on_conflict_do_nothing(), kept)
    _cut(connection, added, sizes)


def _strata_of(text: Offered) -> tuple[_Stratum, _Stratum]:
    whole = _Stratum(text.stream.id, text.window, WHOLE)
    return whole, whole._replace(category=text.category)


def _row(text: Offered, priority: float, now: int, mask: Mask | None) -> dict[str, Any]:
    hidden = (lambda said: said) if mask is None or text.masked else mask
    return {
        "stream_id": text.stream.id, "window": text.window, "priority": priority, "category": text.category,
        "series_id": text.series, "cluster": text.cluster, "hash": text.hash, "event_id": text.event_id,
        "at": text.at, "received_at": now, "prompt": hidden(text.prompt), "response": hidden(text.response),
        "label_probs": text.label_probs,
    }  # fmt: skip


def _seen(
    connection: Connection, database: Database, seen: Counter[_Stratum], sizes: dict[_Stratum, int | None]
) -> dict[_Stratum, float]:
    """Count the texts that each stratum saw; return its threshold. The rows stay locked until the transaction ends."""
    rows = [
        {**_key(stratum), "seen": n, "kept": 0, "threshold": 0.0 if sizes[stratum] == 0 else 1.0}
        for stratum, n in sorted(seen.items())
    ]
    return {
        _Stratum(row[0], row[1], row[2]): float(row[3])
        for row in connection.execute(_seeing(database.backend.insert), rows)
    }


@cache
def _seeing(insert: Callable[[Table], AnyInsert]) -> ReturningInsert[Any]:
    """Return the statement that counts what was seen and returns thresholds."""
    statement = insert(text_strata)
    key = ("stream_id", "window", "category")
    added = statement.on_conflict_do_update(
        index_elements=key, set_={"seen": text_strata.c.seen + statement.excluded.seen}
    )
    return added.returning(*(text_strata.c[name] for name in (*key, "threshold")))


def _key(stratum: _Stratum) -> dict[str, int]:
    """Return a stratum's key as columns."""
    return {"stream_id": stratum.stream, "window": stratum.window, "category": stratum.category}


def _cut(connection: Connection, added: Counter[_Stratum], sizes: dict[_Stratum, int | None]) -> None:
    """Cut the strata that have grown beyond their size."""
    shrunk: set[tuple[int, int]] = set()
    for stratum, n in sorted(added.items()):
        where = _is(stratum)
        connection.execute(update(text_strata).where(where).values(kept=text_strata.c.kept + n))
        size = sizes[stratum]
        kept = connection.execute(select(text_strata.c.kept).where(where)).scalar_one()
        if size is not None and kept > size + SLACK:
            _lower(connection, stratum, size)
            shrunk.add((stratum.stream, stratum.window))
    for stream, window in sorted(shrunk):
        _turn_away(connection, stream, window)


def _lower(connection: Connection, stratum: _Stratum, size: int) -> None:
    """Lower a stratum's threshold to the priority of the first text that it has no room for."""
    old = connection.execute(select(text_strata.c.threshold).where(_is(stratum))).scalar_one()
    wanted = select(texts.c.priority).where(
        texts.c.stream_id == stratum.stream, texts.c.window == stratum.window, texts.c.priority < old
    )
    if stratum.category != WHOLE:
        wanted = wanted.where(texts.c.category == stratum.category)
    first_out = connection.execute(wanted.order_by(texts.c.priority).offset(size).limit(1)).scalar()
    if first_out is not None:
        connection.execute(update(text_strata).where(_is(stratum)).values(threshold=first_out, kept=size))


def _turn_away(connection: Connection, stream: int, window: int) -> None:
    """Delete the texts of a window that are below no threshold."""
    wanted = select(text_strata.c.category, text_strata.c.threshold)
    rows = connection.execute(wanted.where(text_strata.c.stream_id == stream, text_strata.c.window == window))
    thresholds = {row[0]: float(row[1]) for row in rows}
    whole = thresholds.pop(WHOLE, 1.0)
    for category, threshold in thresholds.items():
        connection.execute(
            delete(texts).where(
                texts.c.stream_id == stream,
                texts.c.window == window,
                texts.c.category == category,
                texts.c.priority >= max(whole, threshold),
            )
        )


def _is(stratum: _Stratum) -> Any:  # noqa: ANN401 - an SQL condition
    c = text_strata.c
    return and_(c.stream_id == stratum.stream, c.window == stratum.window, c.category == stratum.category)
