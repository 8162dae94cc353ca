"""One receiver as the delivery loop drives it: its pauses, its rate, how many alerts fit into one message.

Failures that are about the receiver (no answer, busy, token) pause it as a whole, so that a thousand alerts do not mean
a thousand tries. A group that was refused for good is sent again one by one, so that one bad alert does not take others
along; a group on which the receiver failed is halved.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from secondlaw.service.delivery_outbox import Entry
from secondlaw.service.delivery_repeats import Repeats
from secondlaw.service.receivers.base import Receiver

__all__ = ["Channel", "Health"]

REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Health:
    """How deliveries to one receiver are going, for status pages and metrics.

    Parameters
    ----------
    receiver, address : str
        Name, and where it is; no secret.
    delivered, failed, dead : int
        Alerts taken, failed tries and dead letters since the start of this process.
    failures : int
        Failed tries since the last success.
    last_error : str
        Of these; empty where there are none.
    last_delivered_at : datetime or None
    """

    receiver: str
    address: str
    delivered: int
    failed: int
    dead: int
    failures: int
    last_error: str
    last_delivered_at: datetime | None


@dataclass(slots=True)
class Channel:
    """A receiver and what is remembered about it while the process lives."""

    receiver: Receiver
    repeats: Repeats = field(init=False)
    not_before: float = float("-inf")
    """Time of the monotonic clock before which nothing is sent."""
    failures: int = 0
    delivered: int = 0
    failed: int = 0
    dead: int = 0
    last_error: str = ""
    last_delivered_at: datetime | None = None
    sent: set[int] = field(default_factory=set)
    """Deliveries that were taken, but could not be marked so yet."""
    _most: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.repeats = Repeats(self.receiver.settings)

    @property
    def name(self) -> str:
        """Of the receiver."""
        return self.receiver.settings.name

    @property
    def spacing(self) -> float:
        """Seconds between two messages, at least."""
        return 60.0 / self.receiver.settings.per_minute

    def group(self, ready: Sequence[Entry]) -> list[Entry]:
        """Return those that go into the next message, the oldest first, all of one state."""
        chosen: list[Entry] = []
        most = self.receiver.settings.max_alerts
        for entry in ready:
            limit = self._most.get(entry.id, most)
            if entry.alert.state != ready[0].alert.state or (chosen and limit <= len(chosen)):
                continue
            most = min(most, limit)
            chosen.append(entry)
            if len(chosen) >= most:
                break
        return chosen

    def shrink(self, entries: Sequence[Entry], most: int) -> None:
        """Send these in groups of at most so many from now on."""
        while len(self._most) + len(entries) > REMEMBERED and self._most:
            del self._most[next(iter(self._most))]
        self._most.update({entry.id: max(1, most) for entry in entries})

    def settled(self, entry: Entry) -> None:
        """Forget a delivery that has left the outbox, or that is told."""
        self._most.pop(entry.id, None)
        self.sent.discard(entry.id)

    def health(self) -> Health:
        """Return how deliveries are going."""
        return Health(
            self.name,
            self.receiver.settings.address,
            self.delivered,
            self.failed,
            self.dead,
            self.failures,
            self.last_error,
            self.last_delivered_at,
        )
