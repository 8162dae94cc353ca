"""Where events come in."""

import threading
from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select

from secondlaw.behavior.hashing import GroupHashes
from secondlaw.behavior.transcripts import Transcript
from secondlaw.errors import InvalidInput
from secondlaw.storage.arriving import Arriving, arriving_event
from secondlaw.storage.counting import ARRIVAL_FIELDS
from secondlaw.storage.database import Database
from secondlaw.storage.ingesting import store_batches
from secondlaw.storage.names import stream_of
from secondlaw.storage.placing import Accepted, Rejected
from secondlaw.storage.schema import arrivals, streams

__all__ = ["Arrivals", "Events", "within"]

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What came to a stream, one entry a window; int64 arrays of one length.

    Parameters
    ----------
    windows, received, no_text, queued, late, poisoned : int64 array, shape (w,)
        The window; events received in it; of these: without text and label; that had to wait for their label; that came
        after a monitor had decided on the window; that could not be labelled.
    """

    windows: NDArray[np.int64]
    received: NDArray[np.int64]
    no_text: NDArray[np.int64]
    queued: NDArray[np.int64]
    late: NDArray[np.int64]
    poisoned: NDArray[np.int64]


class Events:
    """The events of a store."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._hashes = threading.local()
        self._store = partial(store_batches, database=database)

    def add(self, events: Sequence[Transcript]) -> Accepted:
        """Store events: each once, however often it is sent within the horizon.

        An event with a label is counted; one with a text and no label waits in the queue for its label; one with
        neither is counted as received without text. A human label is kept beside. An event without a time has the time
        of its receipt. Its prompt set is ``extra["prompt_set"]``. When this returns, all is durable; when it raises,
        nothing of the batch was stored and it can be sent again.

        Parameters
        ----------
        events : sequence of Transcript
            Identified by (stream, id). An id that :func:`~secondlaw.behavior.to_transcript` derived from content makes
            two equal answers of one instant the same event.

        Raises
        ------
        QueueFull
            If too many events wait for their label.
        StorageFull, StorageUnavailable
            If the disk is full; if the database cannot be reached.
        """
        hashes = getattr(self._hashes, "of", None)
        if hashes is None:
            hashes = self._hashes.of = GroupHashes()
        ready: list[Arriving] = []
        places: list[int] = []
        refused: list[Rejected] = []
        for index, transcript in enumerate(events):
            try:
                ready.append(
                    arriving_event(
                        transcript, mask=self._db.mask, hashes=hashes, texts=self._db.texts_of(transcript.stream)
                    )
                )
                places.append(index)
            except InvalidInput as error:
                refused.append(Rejected(index, str(error)))
        if not ready:
            return Accepted(rejected=tuple(refused))
        accepted: Accepted = self._db.write_merged(self._store, ready)
        if refused or accepted.rejected:
            found = [Rejected(places[one.index], one.reason) for one in accepted.rejected]
            accepted.rejected = tuple(sorted(found + refused))
        return accepted

    def without_text(self) -> dict[str, int]:
        """Return how many events ever came without text and label, by stream; streams without any are left out."""
        wanted = (
            select(streams.c.name, func.sum(arrivals.c.no_text))
            .join(arrivals, arrivals.c.stream_id == streams.c.id)
            .where(streams.c.deleted_at.is_(None), arrivals.c.no_text > 0)
            .group_by(streams.c.name)
        )
        with self._db.reading() as connection:
            return {row[0]: int(row[1]) for row in connection.execute(wanted)}

    def latest_arrivals(self, last: int) -> dict[str, tuple[int, int]]:
        """Return how many events came in the last windows of every stream, and how many of them without text."""

        def recent(name: str) -> ColumnElement[Any]:
            # A subquery for each stream is answered from the key; a join would read what ever came.
            wanted = select(func.coalesce(func.sum(arrivals.c[name]), 0)).where(
                arrivals.c.stream_id == streams.c.id, arrivals.c.window > streams.c.latest_window - last
            )
            return wanted.correlate(streams).scalar_subquery()

        found = select(streams.c.name, recent("received"), recent("no_text")).where(streams.c.deleted_at.is_(None))
        with self._db.reading() as connection:
            return {row[0]: (int(row[1]), int(row[2])) for row in connection.execute(found)}

    def first_window(self, stream: str) -> int | None:
        """Return the first window in which something came to a stream; None before."""
        with self._db.reading() as connection:
            mine = arrivals.c.stream_id == stream_of(connection, stream).id
            found: int | None = connection.execute(select(func.min(arrivals.c.window)).where(mine)).scalar()
            return found

    def arrivals(self, stream: str, windows: range | None = None) -> Arrivals:
        """Return what came to a stream, by window, ascending; windows in which nothing came are left out."""
        with self._db.reading() as connection:
            rows = _arrivals(connection, stream_of(connection, stream).id, windows)
        table = np.array(rows, dtype=np.int64).reshape(len(rows), 1 + len(ARRIVAL_FIELDS))
        return Arrivals(*table.T)


def within(column: Column[Any], windows: range | None) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that a window lies in a range; none without a range.

    Raises
    ------
    InvalidInput
        If the range has steps other than 1.
    """
    if windows is None:
        return ()
    if windows.step != 1:
        raise InvalidInput(f"windows are a range without steps, got {windows}")
    return (column >= windows.start, column < windows.stop)


def _arrivals(connection: Connection, stream: int, windows: range | None) -> list[tuple[int, ...]]:
    columns = [arrivals.c.window, *(arrivals.c[name] for name in ARRIVAL_FIELDS)]
    wanted = select(*columns).where(arrivals.c.stream_id == stream, *within(arrivals.c.window, windows))
    return [tuple(row) for row in connection.execute(wanted.order_by(arrivals.c.window))]
