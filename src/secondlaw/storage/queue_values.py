"""What the queue hands out."""

from dataclasses import dataclass
from datetime import datetime

from secondlaw.behavior.transcripts import Transcript

__all__ = ["Batch", "Poisoned", "QueueDepth", "QueuedEvent"]


@dataclass(frozen=True, slots=True)
class QueuedEvent:
    """An event that waits for its label; `attempts` counts those begun, this one included."""

    id: int
    transcript: Transcript
    attempts: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Events leased to an owner until `until`; may be empty."""

    token: str
    owner: str
    items: tuple[QueuedEvent, ...]
    until: datetime


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """How much waits, how many events of it are leased, how many were put aside, since when the oldest waits."""

    rows: int
    bytes: int
    leased: int
    poisoned: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class Poisoned:
    """An event that could not be labelled, put aside."""

    id: int
    stream: str
    transcript: Transcript
    attempts: int
    reason: str
    at: datetime
