"""Events that wait on the disk for their label: leased, labelled exactly once, or put aside as poisonous.

A lease is a token on the row. Whoever completes must still hold it: an event whose lease ran out may have been given to
another, and the one who completes removes it from the queue in the transaction that counts it. A lease begun "in the
future" has ended too: the clock was set back. An attempt is counted when it begins, so that an event that kills its
worker is put aside in the end as well.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace

from sqlalchemy import ColumnElement, Connection, func, or_, select, update

from secondlaw.errors import InvalidInput, LeaseLost
from secondlaw.storage.arriving import kept_event
from secondlaw.storage.database import Database
from secondlaw.storage.instants import MICROSECONDS, instant_of
from secondlaw.storage.plain_text import plain_text
from secondlaw.storage.poisoning import put_aside, put_back
from secondlaw.storage.queue_labels import Label, count_labelled
from secondlaw.storage.queue_values import Batch, Poisoned, QueueDepth, QueuedEvent
from secondlaw.storage.schema import poison, queue, streams

__all__ = ["Queue"]


class Queue:
    """The queue of a store."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def lease(self, *, owner: str, limit: int = 256, seconds: float = 60.0) -> Batch:
        """Take the events that have waited longest, for a time; nobody else gets them within it.

        Parameters
        ----------
        owner : str
            Who works on them, for people to read.
        limit : int
            Events at most.
        seconds : float
            How long; :meth:`extend` gives more.

        Returns
        -------
        Batch
            Empty if nothing waits. Events with all attempts used up are put aside rather than handed out.
        """
        if limit < 1 or seconds <= 0:
            raise InvalidInput(f"a lease is of 1 event or more and takes time, got {limit} for {seconds} s")
        token = f"{owner}/{secrets.token_hex(8)}"

        def work(connection: Connection) -> Batch:
            now = self._db.now(connection)
            until = now + int(seconds * MICROSECONDS)
            free = select(queue).where(_free(now)).order_by(queue.c.id).limit(limit)
            rows = connection.execute(self._db.backend.locked(free, skip=True)).all()
            spent = [row for row in rows if row.attempts >= self._db.settings.attempts]
            put_aside(connection, self._db.backend, spent, now=now)
            rows = [row for row in rows if row.attempts < self._db.settings.attempts]
            if rows:
                taken = update(queue).where(queue.c.id.in_([row.id for row in rows]))
                values = {"token": token, "free_at": until, "taken_at": now, "attempts": queue.c.attempts + 1}
                connection.execute(taken.values(**values))
            items = tuple(QueuedEvent(row.id, kept_event(row.event), row.attempts + 1) for row in rows)
            return Batch(token, owner, items, instant_of(until))

        return self._db.write(work)

    def complete(
        self,
        batch: Batch,
        labels: Mapping[int, str],
        *,
        classifier: str,
        probs: Mapping[int, Mapping[str, float]] | None = None,
    ) -> int:
        """Count events by their labels and take them off the queue, in one transaction.

        Parameters
        ----------
        batch : Batch
            As leased.
        labels : mapping of item id to category
            Of some or all items; the others stay leased.
        classifier : str
            Name and version of what labelled them.
        probs : mapping of item id to probabilities by category, optional
            Kept beside the texts that are kept.

        Returns
        -------
        int
            How many were counted; those that another owner has taken over are not.

        Raises
        ------
        LeaseLost
            If none of them is leased to this batch any more.
        InvalidInput
            If a label is no category of its stream; nothing is counted.
        """
        if not labels:
            return 0
        given = {key: Label(label, (probs or {}).get(key)) for key, label in labels.items()}

        def work(connection: Connection) -> int:
            held = select(queue).where(queue.c.token == batch.token, queue.c.id.in_(list(given)))
            rows = connection.execute(self._db.backend.locked(held.order_by(queue.c.id))).all()
            if not rows:
                raise LeaseLost(
                    f"the lease of {len(given)} events has run out and others have them now; take less, or longer"
                )
            count_labelled(connection, self._db, rows, given, classifier=plain_text(classifier))
            return len(rows)

        return self._db.write(work)

    def fail(self, batch: Batch, ids: Iterable[int], *, reason: str, wait: float = 0.0) -> int:
        """Give events back that could not be labelled; after all attempts they are put aside.

        Parameters
        ----------
        batch : Batch
        ids : iterable of int
            Items of the batch.
        reason : str
            Why, for people to read; without any text of the event.
        wait : float
            Seconds before the next attempt.

        Returns
        -------
        int
            How many were put aside.
        """
        wanted = list(ids)
        said = plain_text(reason)

        def work(connection: Connection) -> int:
            now = self._db.now(connection)
            held = select(queue).where(queue.c.token == batch.token, queue.c.id.in_(wanted)).order_by(queue.c.id)
            rows = connection.execute(self._db.backend.locked(held)).all()
            spent = [row for row in rows if row.attempts >= self._db.settings.attempts]
            put_aside(connection, self._db.backend, spent, now=now, reason=said)
            again = [row.id for row in rows if row.attempts < self._db.settings.attempts]
            values = {"token": None, "free_at": now + int(wait * MICROSECONDS), "taken_at": now, "reason": said}
            connection.execute(update(queue).where(queue.c.id.in_(again)).values(**values))
            return len(spent)

        return self._db.write(work)

    def release(self, batch: Batch) -> None:
        """Give back what is unfinished, as if it had not been taken: for a worker that stops."""
        values = {"token": None, "free_at": 0, "taken_at": 0, "attempts": queue.c.attempts - 1}
        self._db.write(lambda c: c.execute(update(queue).where(queue.c.token == batch.token).values(**values)) and None)

    def extend(self, batch: Batch, *, seconds: float) -> Batch:
        """Hold what is unfinished for longer, from now on.

        Raises
        ------
        LeaseLost
            If nothing of it is held any more.
        """

        def work(connection: Connection) -> Batch:
            now = self._db.now(connection)
            until = now + int(seconds * MICROSECONDS)
            held = update(queue).where(queue.c.token == batch.token).values(free_at=until, taken_at=now)
            if not connection.execute(held).rowcount:
                raise LeaseLost(f"the lease {batch.token} has run out and others have its events now")
            return replace(batch, until=instant_of(until))

        return self._db.write(work)

    def depth(self) -> QueueDepth:
        """Return how much waits."""
        with self._db.reading() as connection:
            now = self._db.now(connection)
            total = select(
                func.coalesce(func.sum(streams.c.queued), 0), func.coalesce(func.sum(streams.c.queued_bytes), 0)
            )
            rows, volume = connection.execute(total).one()
            leased = select(func.count()).select_from(queue).where(queue.c.token.is_not(None), ~_free(now))
            aside = connection.execute(select(func.count()).select_from(poison)).scalar_one()
            oldest = connection.execute(select(func.min(queue.c.queued_at))).scalar()
            return QueueDepth(
                int(rows), int(volume), int(connection.execute(leased).scalar_one()), int(aside),
                None if oldest is None else instant_of(oldest),
            )  # fmt: skip

    def poisoned(self, *, stream: str | None = None, limit: int = 100) -> tuple[Poisoned, ...]:
        """Return the events that were put aside, newest first."""
        wanted = select(poison, streams.c.name).join(streams, streams.c.id == poison.c.stream_id)
        if stream is not None:
            wanted = wanted.where(streams.c.name == stream)
        with self._db.reading() as connection:
            return tuple(
                Poisoned(row.id, row.name, kept_event(row.event), row.attempts, row.reason, instant_of(row.at))
                for row in connection.execute(wanted.order_by(poison.c.id.desc()).limit(limit))
            )

    def requeue(self, ids: Iterable[int]) -> int:
        """Let events that were put aside wait again, with all attempts; return how many."""
        wanted = list(ids)
        return self._db.write(lambda connection: put_back(connection, wanted, now=self._db.now(connection)))

    def drop(self, ids: Iterable[int]) -> int:
        """Delete events that were put aside; return how many. They stay counted as poisoned."""
        wanted = list(ids)
        return self._db.write(lambda c: c.execute(poison.delete().where(poison.c.id.in_(wanted))).rowcount)


def _free(now: int) -> ColumnElement[bool]:
    """Whether nobody holds a row: its time has run out, or it was taken at a time that has not come."""
    return or_(queue.c.free_at <= now, queue.c.taken_at > now + MICROSECONDS)
