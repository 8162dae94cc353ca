"""Events that came without their text, and whose text comes now: each is counted once.

What an application's instrumentation sends of a call may hold no text; the text follows in another record, perhaps
much later or to another replica. Ids of events without text and label are remembered for the horizon. An event with a
text or a label under the same id (or under one that it says it completes) is stored then, and what was counted of its
empty forerunner is taken back.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, select

from secondlaw.storage.placing import Placed, Step
from secondlaw.storage.schema import textless

__all__ = ["completed", "note_bare", "take_back"]

Key = tuple[int, bytes]
"""Stream's number, hash of an id."""
AT_ONCE = 500


def completed(step: Step, known: Sequence[Placed], new: Iterable[Placed]) -> list[Placed]:
    """Return the events with a text or label whose ids came without before; they know then where that was counted.

    Parameters
    ----------
    step : Step
    known : sequence of Placed
        Events whose ids are known.
    new : iterable of Placed
        Events whose ids are new, of which some complete one of another id.
    """
    wanted = {(one.stream.id, one.event.hash): one for one in known if not one.event.is_bare}
    beside = {
        (one.stream.id, one.event.completes): one
        for one in new
        if one.event.completes is not None and not one.event.is_bare
    }
    found = _taken(step, [*wanted, *beside])
    for key, (window, late) in found.items():
        one = wanted.get(key) or beside[key]
        one.bare_window, one.bare_late = window, late
    return [one for key, one in wanted.items() if key in found]


def note_bare(step: Step, bare: Sequence[tuple[Placed, int]], *, day: int) -> None:
    """Remember events without text, each with whether it came late."""
    if bare:
        step.connection.execute(
            step.database.backend.insert(textless).on_conflict_do_nothing(),
            [
                {
                    "stream_id": one.stream.id, "hash": one.event.hash, "window": one.window, "late": late, "day": day,
                }
                for one, late in bare
            ],
        )  # fmt: skip


def take_back(step: Step, one: Placed) -> None:
    """Take back what was counted of an event's empty forerunner."""
    if one.bare_window is not None:
        step.tally.arrived(one.stream.id, one.bare_window, received=-1, no_text=-1, late=-one.bare_late)


def _taken(step: Step, keys: Sequence[Key]) -> dict[Key, tuple[int, int]]:
    """Return window and lateness of events without text, and forget them."""
    found: dict[Key, tuple[int, int]] = {}
    for stream in sorted({stream for stream, _ in keys}):
        some = select(textless.c.stream_id).where(textless.c.stream_id == stream).limit(1)
        if step.connection.execute(some).first() is None:
            continue
        mine = sorted({name for of, name in keys if of == stream})
        for begin in range(0, len(mine), AT_ONCE):
            chosen = (textless.c.stream_id == stream, textless.c.hash.in_(mine[begin : begin + AT_ONCE]))
            wanted = step.database.backend.locked(
                select(textless.c.hash, textless.c.window, textless.c.late).where(*chosen).order_by(textless.c.hash)
            )
            here = {(stream, bytes(row[0])): (int(row[1]), int(row[2])) for row in step.connection.execute(wanted)}
            if here:
                gone = [name for _, name in here]
                step.connection.execute(delete(textless).where(chosen[0], textless.c.hash.in_(gone)))
            found |= here
    return found
