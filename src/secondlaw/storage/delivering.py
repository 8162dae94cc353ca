"""The outbox: what is to be told to receivers, written with the alarm it tells of, and kept until it was told.

A delivery is leased while it is tried. A sender that dies leaves it to the next one, so that a receiver may hear of an
alarm twice but never not at all; receivers know repetitions by the alarm's fingerprint.
"""

import json
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, and_, func, insert, or_, select, update

from secondlaw.errors import InvalidInput, LeaseLost, NotFound
from secondlaw.storage.alarm_values import Delivery, NewDelivery
from secondlaw.storage.database import Database
from secondlaw.storage.instants import MICROSECONDS, instant_of
from secondlaw.storage.schema import deliveries

__all__ = ["Deliveries", "send_later"]

PENDING, DELIVERED, DEAD = "pending", "delivered", "dead"
ERROR_CHARACTERS = 500


class Deliveries:
    """The outbox of a store."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, new: Sequence[NewDelivery], *, alarm: int | None = None) -> tuple[int, ...]:
        """Put deliveries into the outbox, due at once; return their numbers."""
        return self._db.write(lambda c: send_later(c, new, alarm=alarm, now=self._db.now(c)))

    def due(self, *, owner: str, limit: int = 50, seconds: float = 60.0) -> tuple[Delivery, ...]:
        """Take deliveries that are due, for a time; nobody else gets them within it.

        Parameters
        ----------
        owner : str
            Who sends them.
        limit : int
        seconds : float
            Longer than an attempt takes.
        """
        if limit < 1 or seconds <= 0:
            raise InvalidInput(f"deliveries are taken 1 or more at once for some time, got {limit} for {seconds} s")
        token = f"{owner}/{secrets.token_hex(8)}"

        def work(connection: Connection) -> tuple[Delivery, ...]:
            now = self._db.now(connection)
            stuck = and_(deliveries.c.token.is_not(None), deliveries.c.taken_at > now + MICROSECONDS)
            ready = and_(deliveries.c.status == PENDING, or_(deliveries.c.next_at <= now, stuck))
            wanted = select(deliveries).where(ready).order_by(deliveries.c.next_at, deliveries.c.id).limit(limit)
            rows = connection.execute(self._db.backend.locked(wanted, skip=True)).all()
            values = {
                "token": token, "taken_at": now, "next_at": now + int(seconds * MICROSECONDS),
                "attempts": deliveries.c.attempts + 1,
            }  # fmt: skip
            numbers = [row.id for row in rows]
            if numbers:
                connection.execute(update(deliveries).where(deliveries.c.id.in_(numbers)).values(**values))
            again = select(deliveries).where(deliveries.c.id.in_(numbers)).order_by(deliveries.c.id)
            return tuple(_delivery(row) for row in connection.execute(again))

        return self._db.write(work)

    def done(self, delivery: Delivery) -> None:
        """Say that a delivery has arrived.

        Raises
        ------
        LeaseLost
            If another sender has taken it over; it may be told twice.
        """
        self._finish(delivery, lambda now: {"status": DELIVERED, "finished_at": now, "last_error": None})

    def failed(self, delivery: Delivery, *, error: str, retry_in: float | None) -> None:
        """Say that a delivery has failed.

        Parameters
        ----------
        delivery : Delivery
            As taken.
        error : str
            What the receiver said, without secrets.
        retry_in : float or None
            Seconds until the next attempt; None: it is given up, and kept as a dead letter.

        Raises
        ------
        LeaseLost
            If another sender has taken it over.
        """
        said = error[:ERROR_CHARACTERS]
        if retry_in is None:
            self._finish(delivery, lambda now: {"status": DEAD, "finished_at": now, "last_error": said})
        else:
            self._finish(delivery, lambda now: {"next_at": now + int(retry_in * MICROSECONDS), "last_error": said})

    def list(
        self,
        *,
        status: Literal["pending", "delivered", "dead"] | None = None,
        alarm: int | None = None,
        limit: int = 100,
    ) -> tuple[Delivery, ...]:
        """Return deliveries, newest first; those of one status, or of one alarm."""
        wanted = select(deliveries).order_by(deliveries.c.id.desc()).limit(limit)
        if alarm is not None:
            wanted = wanted.where(deliveries.c.alarm_id == alarm)
        if status is not None:
            wanted = wanted.where(deliveries.c.status == status)
        with self._db.reading() as connection:
            return tuple(_delivery(row) for row in connection.execute(wanted))

    def requeue(self, number: int) -> None:
        """Try a dead letter again, at once.

        Raises
        ------
        NotFound
            If there is no such dead letter.
        """

        def work(connection: Connection) -> None:
            dead = (deliveries.c.id == number) & (deliveries.c.status == DEAD)
            values = {"status": PENDING, "attempts": 0, "next_at": self._db.now(connection), "finished_at": None}
            if not connection.execute(update(deliveries).where(dead).values(**values)).rowcount:
                raise NotFound(f"there is no dead letter {number}")

        self._db.write(work)

    def next_due_at(self) -> datetime | None:
        """Return when the next delivery is due; None if none waits."""
        with self._db.reading() as connection:
            wanted = select(func.min(deliveries.c.next_at)).where(deliveries.c.status == PENDING)
            found = connection.execute(wanted).scalar()
            return None if found is None else instant_of(found)

    def _finish(self, delivery: Delivery, values: Any) -> None:  # noqa: ANN401 - a function of the time
        def work(connection: Connection) -> None:
            same = (deliveries.c.id == delivery.id) & (deliveries.c.token == delivery.token)
            changed = values(self._db.now(connection)) | {"token": None}
            if not connection.execute(update(deliveries).where(same).values(**changed)).rowcount:
                raise LeaseLost(f"delivery {delivery.id} to {delivery.receiver} was taken over by another sender")

        self._db.write(work)


def send_later(connection: Connection, new: Sequence[NewDelivery], *, alarm: int | None, now: int) -> tuple[int, ...]:
    """Put deliveries into the outbox in the transaction of what they tell of."""
    if not new:
        return ()
    rows = [
        {
            "alarm_id": alarm, "receiver": one.receiver, "payload": json.dumps(dict(one.payload)), "status": PENDING,
            "created_at": now, "next_at": now,
        }
        for one in new
    ]  # fmt: skip
    made = connection.execute(insert(deliveries).returning(deliveries.c.id, sort_by_parameter_order=True), rows)
    return tuple(row[0] for row in made)


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        row.id, row.receiver, row.alarm_id, json.loads(row.payload), row.status, row.attempts,
        instant_of(row.created_at), instant_of(row.next_at), row.last_error, row.token,
    )  # fmt: skip
