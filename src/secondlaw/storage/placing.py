"""Where an arriving event belongs: its stream, window, category and series; or why it is rejected."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from secondlaw.behavior.taxonomy import OUTSIDE
from secondlaw.errors import InvalidInput
from secondlaw.storage.arriving import Arriving
from secondlaw.storage.counting import Tally
from secondlaw.storage.database import Database
from secondlaw.storage.instants import DAY, instant_of, window_of
from secondlaw.storage.names import KnownStream, Names
from secondlaw.storage.streams import checked_name

__all__ = ["Accepted", "Placed", "Rejected", "Step", "category_code", "place", "place_all"]

MOST_STEPS = 1 << 53


@dataclass(frozen=True, slots=True, order=True)
class Rejected:
    """An event that was not stored: its place in the batch, and why."""

    index: int
    reason: str


@dataclass(slots=True)
class Accepted:
    """What became of a batch.

    Parameters
    ----------
    accepted : int
        Events that are stored now and were not before; those of the following three are among them.
    late, queued, no_text : int
        Counted in a window that a monitor has already decided on; waiting for their label; without text and label.
    duplicates : int
        Events that were stored before.
    rejected : tuple of Rejected
    """

    accepted: int = 0
    duplicates: int = 0
    late: int = 0
    queued: int = 0
    no_text: int = 0
    rejected: tuple[Rejected, ...] = ()


@dataclass(slots=True)
class Placed:
    """An event with its stream, window and category."""

    batch: Accepted
    event: Arriving
    stream: KnownStream
    window: int
    category: int | None
    series: int | None
    bare_window: int | None = None
    """Window in which it was counted when it had no text yet."""
    bare_late: int = 0


@dataclass(slots=True)
class Step:
    """A transaction under way."""

    connection: Connection
    database: Database
    names: Names
    now: int
    latest: int
    """The latest moment known: a clock that was set back does not move it."""
    tally: Tally = field(default_factory=Tally)


def place_all(step: Step, batch: Sequence[Arriving], accepted: Accepted) -> list[Placed]:
    """Place the events of a batch; note down those that are rejected."""
    placed, rejected = [], []
    for index, event in enumerate(batch):
        try:
            placed.append(place(step, event, accepted))
        except InvalidInput as error:
            rejected.append(Rejected(index, str(error)))
    accepted.rejected = tuple(rejected)
    return placed


def place(step: Step, event: Arriving, accepted: Accepted) -> Placed:
    """Find stream, window, category and series of an event."""
    stream = _known(step, event)
    keys = stream.settings.keys
    if stream.settings.every is None:
        if event.step is None:
            raise InvalidInput(f"events of the stream {stream.name!r} state their step, this one does not")
        if event.step > MOST_STEPS:
            raise InvalidInput(f"a step is {MOST_STEPS} at most, got {event.step}")
        window = event.step
    else:
        at = step.now if event.at is None else event.at
        if at > step.latest + step.database.settings.ahead_days * DAY:
            raise InvalidInput(f"the event is of {instant_of(at).isoformat()}, in the future: check the sender's clock")
        window = window_of(at, stream.settings.every)
    category = None if event.label is None else category_code(event.label, keys)
    if event.human_label is not None:
        category_code(event.human_label, keys)
    series = None
    if event.label is not None or event.human_label is not None:
        names = (stream.id, event.model, event.prompt_set, event.intent, event.classifier)
        series = step.names.series_number(step.connection, names, most=step.database.settings.max_series)
        if series is None:
            raise InvalidInput(
                f"the stream {stream.name!r} has {step.database.settings.max_series} combinations of model, prompt "
                f"set, intent and classifier; does a client put ids into one of these?"
            )
    return Placed(accepted, event, stream, window, category, series)


def _known(step: Step, event: Arriving) -> KnownStream:
    """Return an event's stream; made where it is new: of steps if the event states a step and no time."""
    name = event.stream
    found = step.names.stream(step.connection, name)
    if found is not None:
        return found
    settings = step.database.settings
    if settings.new_streams is None:
        raise InvalidInput(f"there is no stream {name[:80]!r}; make it first")
    checked_name(name)
    if step.names.count_streams(step.connection) >= settings.max_streams:
        raise InvalidInput(f"the store has {settings.max_streams} streams; does a client put ids into their names?")
    made = settings.new_streams
    if event.step is not None and event.at is None:
        made = replace(made, every=None)
    return step.names.new_stream(step.connection, name, made, at=step.now)


def category_code(label: str, keys: Sequence[str]) -> int:
    """Return the number of a category; K is *outside*.

    Raises
    ------
    InvalidInput
        If there is no such category.
    """
    if label in keys:
        return keys.index(label)
    if label == OUTSIDE:
        return len(keys)
    raise InvalidInput(f"the stream's categories are {', '.join(keys)} and {OUTSIDE}, got {label!r}")
