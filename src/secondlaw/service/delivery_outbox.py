"""The outbox as the delivery loop sees it: what is due for one receiver, in the order in which it was put there.

The storage leases due deliveries of all receivers at once. :class:`Outbox` keeps what was leased until its receiver
asks for it, or until the lease runs out: then the storage gives it out again, here or on another replica.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal, Protocol

from secondlaw.errors import InvalidInput, LeaseLost
from secondlaw.service.alerts import Alert
from secondlaw.service.receivers.base import Notice

__all__ = ["Deliveries", "Entry", "Outbox", "StoredDelivery"]

Status = Literal["pending", "delivered", "dead"]
MOST = 100_000
"""Deliveries looked at when the order of those of one alert is decided."""
AT_ONCE = 1000
"""Deliveries leased at once."""
KEPT = 15.0
"""Seconds that leased deliveries are kept for a receiver that is not ready for them."""
EVERY = 0.5
"""Seconds between two looks into the storage, at least."""
UNKNOWN = 600.0
"""Seconds after which a delivery to a receiver that is not configured is looked at again."""
_log = logging.getLogger(__name__)


class StoredDelivery(Protocol):
    """One delivery, as the storage keeps it."""

    @property
    def id(self) -> int:
        """Grows with every delivery put in."""
        ...

    @property
    def receiver(self) -> str:
        """Name of the receiver."""
        ...

    @property
    def payload(self) -> Mapping[str, Any]:
        """The alert as plain JSON values."""
        ...

    @property
    def attempts(self) -> int:
        """How often it was leased, this time included."""
        ...

    @property
    def created_at(self) -> datetime:
        """When it was put in."""
        ...


class Deliveries(Protocol):
    """What the loop needs of the storage (``store.deliveries``); every call is durable when it returns."""

    def due(self, *, owner: str, limit: int = 50, seconds: float = 60.0) -> Sequence[StoredDelivery]:
        """Lease deliveries whose time has come to `owner`; nobody else gets them for so long."""
        ...

    def done(self, delivery: Any) -> None:  # noqa: ANN401 - whatever `due` gave
        """Mark as delivered."""
        ...

    def failed(self, delivery: Any, *, error: str, retry_in: float | None) -> None:  # noqa: ANN401
        """Record a failed try; without a time to try again it becomes a dead letter."""
        ...

    def list(self, *, status: Status | None = None, limit: int = 100) -> Sequence[StoredDelivery]:
        """Return deliveries, leased or not."""
        ...

    def next_due_at(self) -> datetime | None:
        """Return when the next delivery is due; None if none waits."""
        ...

    def requeue(self, number: int, /) -> None:
        """Make a dead letter pending again."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A delivery with the alert that it carries."""

    delivery: StoredDelivery
    alert: Alert

    @property
    def id(self) -> int:
        """Number of the delivery; later ones are larger."""
        return self.delivery.id

    @property
    def notice(self) -> Notice:
        """What is sent: the key depends on what is stored alone, and is the same after a crash."""
        said = (
            f"{self.delivery.receiver}\n{self.id}\n{self.alert.fingerprint}\n{self.alert.starts_at}\n{self.alert.state}"
        )
        return Notice(self.alert, sha256(said.encode()).hexdigest()[:32])


class Outbox:
    """Due deliveries by receiver.

    Parameters
    ----------
    deliveries : Deliveries
        The storage.
    receivers : sequence of str
        Names of those configured; deliveries to others are put off, and in the end become dead letters.
    owner : str
        Names this process among the replicas.
    longest : float
        Seconds that a message may take; deliveries are leased for :data:`KEPT` seconds more, and messages are begun in
        these. After a kill it takes so long until what was leased is tried again.
    monotonic : callable
        Seconds that only grow.
    holds : callable
        Whether this process is the one that delivers; always, where there is one.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        receivers: Sequence[str],
        *,
        owner: str,
        longest: float,
        monotonic: Callable[[], float],
        holds: Callable[[], bool] = lambda: True,
    ) -> None:
        self._deliveries, self._owner, self._longest = deliveries, owner, longest
        self._monotonic, self.holds = monotonic, holds
        self._leased: dict[str, dict[int, tuple[Entry, float]]] = {name: {} for name in receivers}
        self._looked = float("-inf")

    def due(self, receiver: str) -> list[Entry]:
        """Return what is due for a receiver and leased to us, oldest first."""
        now = self._monotonic()
        mine = self._leased[receiver]
        for id_, (_, until) in list(mine.items()):
            if until <= now:
                del mine[id_]
        if now - self._looked >= EVERY:
            self._looked = now
            if self._deliveries.next_due_at() is not None:  # a look costs less than a lease
                self._lease(now)
        return [entry for _, (entry, _) in sorted(mine.items())]

    def pending(self, receiver: str) -> list[Entry]:
        """Return all that is not yet delivered to a receiver, due or not, oldest first."""
        return self._entries("pending", receiver)

    def dead(self, receiver: str) -> list[Entry]:
        """Return the dead letters of a receiver, oldest first."""
        return self._entries("dead", receiver)

    def done(self, entry: Entry) -> None:
        """Mark as delivered; if another process has taken it over meanwhile, it is told twice."""
        with suppress(LeaseLost):
            self._deliveries.done(entry.delivery)
        self._leased[entry.delivery.receiver].pop(entry.id, None)

    def failed(self, entry: Entry, *, error: str, retry_in: float | None) -> None:
        """Record a failed try."""
        with suppress(LeaseLost):
            self._deliveries.failed(entry.delivery, error=error, retry_in=retry_in)
        self._leased[entry.delivery.receiver].pop(entry.id, None)

    def give_back(self) -> None:
        """Let others, or this process after a restart, have what was leased and not sent."""
        for mine in self._leased.values():
            for entry, _ in list(mine.values()):
                self.failed(entry, error="the service was stopped before it was sent", retry_in=0.0)

    def _lease(self, now: float) -> None:
        until, seconds = now + KEPT, KEPT + self._longest
        for delivery in self._deliveries.due(owner=self._owner, limit=AT_ONCE, seconds=seconds):
            if delivery.receiver not in self._leased:
                self._put_off(delivery)
                continue
            try:
                entry = Entry(delivery, Alert.from_dict(delivery.payload))
            except InvalidInput as error:
                _log.error("delivery %d to %r cannot be read: %s", delivery.id, delivery.receiver, error)
                self._deliveries.failed(delivery, error=str(error), retry_in=None)
                continue
            self._leased[delivery.receiver][delivery.id] = entry, until

    def _put_off(self, delivery: StoredDelivery) -> None:
        error = f"no receiver is named {delivery.receiver!r}; configure it, or drop what is for it"
        gone = delivery.attempts * UNKNOWN > 86400.0
        self._deliveries.failed(delivery, error=error, retry_in=None if gone else UNKNOWN)

    def _entries(self, status: Status, receiver: str) -> list[Entry]:
        found = []
        for delivery in self._deliveries.list(status=status, limit=MOST):
            if delivery.receiver == receiver:
                try:
                    found.append(Entry(delivery, Alert.from_dict(delivery.payload)))
                except InvalidInput:
                    continue  # it becomes a dead letter when it is due
        return sorted(found, key=lambda entry: entry.id)
