"""From the records of one request to events, with what became of every record.

Reading is pure and runs in a worker thread; the memory of recent calls is touched in one thread alone.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from secondlaw.behavior.transcripts import Transcript
from secondlaw.errors import InvalidInput
from secondlaw.service.genai_calls import Call, CallKey, Part, read_record
from secondlaw.service.genai_content_switches import content_switch
from secondlaw.service.genai_events import events_of_call
from secondlaw.service.genai_joining import CallMemory
from secondlaw.service.genai_streams import StreamNaming
from secondlaw.service.otlp_records import Record

__all__ = ["Intake", "Receiver", "Tally"]

MOST_STREAMS = 1000
"""Streams of which the tally keeps apart; further ones are counted under ``"(others)"``."""
OTHERS = "(others)"
Item = tuple[int, Call | Part]
"""A record's position in its request, and what it says."""


@dataclass(slots=True)
class Tally:
    """What was received since the start, by stream and kind, and by which instrumentations without text.

    Kinds are ``text``, ``no text``, ``tool call``, ``media``, ``empty`` and ``unreadable``; under the stream ``""``
    ``failed`` (calls that ended in an error), ``retold`` (by a second instrumentation), ``context`` (messages of the
    history) and ``other`` (no model calls).
    """

    kinds: dict[str, Counter[str]] = field(default_factory=dict)
    switches: dict[str, str] = field(default_factory=dict)

    def add(self, stream: str, kind: str, count: int = 1) -> None:
        """Count."""
        name = stream if stream in self.kinds or len(self.kinds) < MOST_STREAMS else OTHERS
        self.kinds.setdefault(name, Counter())[kind] += count

    def add_call(self, call: Call) -> None:
        """Count the answers of a call."""
        for choice in call.choices:
            self.add(call.stream, _KINDS.get(choice.why, choice.why))
            if choice.why == "hidden" and (call.stream in self.switches or len(self.switches) < MOST_STREAMS):
                self.switches[call.stream] = content_switch(call.scope)


_KINDS = {"hidden": "no text", "tool": "tool call"}


@dataclass(slots=True)
class Intake:
    """What a request holds: calls to store at once, answers that wait for their span, and records that are refused."""

    calls: list[tuple[int, Call]] = field(default_factory=list)
    waiting: list[tuple[int, Call]] = field(default_factory=list)
    rejected: dict[int, str] = field(default_factory=dict)
    unreadable: int = 0

    @property
    def keys(self) -> set[CallKey]:
        """The calls whose spans are waited for."""
        return {call.key for _, call in self.waiting}


class Receiver:
    """Turns records into events.

    Parameters
    ----------
    naming : StreamNaming
    patience : float
        Seconds; see :mod:`secondlaw.service.genai_joining`.

    Examples
    --------
    >>> receiver = Receiver(naming=StreamNaming(), patience=10)
    >>> span = Record("traces", "chat", "0a", "0b", attributes={
    ...     "gen_ai.operation.name": "chat", "gen_ai.completion.0.content": "Hello."})
    >>> intake = receiver.take(receiver.read([span]), now=0.0)
    >>> [call.choices[0].text for _, call in intake.calls]
    ['Hello.']
    """

    def __init__(self, *, naming: StreamNaming, patience: float) -> None:
        self.naming = naming
        self.memory = CallMemory(patience=patience)
        self.tally = Tally()

    def read(self, records: Iterable[Record]) -> tuple[list[Item], Counter[str]]:
        """Return the calls and parts of calls among records, and how many records are something else. Pure."""
        items: list[Item] = []
        others: Counter[str] = Counter()
        for index, record in enumerate(records):
            seen = read_record(record, self.naming)
            if isinstance(seen, str):
                others[seen] += 1
            else:
                items.append((index, seen))
        return items, others

    def take(
        self,
        read: tuple[Sequence[Item], Counter[str]],
        *,
        now: float,
        permits: Callable[[str], bool] = lambda _: True,
    ) -> Intake:
        """Remember what the items say and return what is to be stored.

        Parameters
        ----------
        read : tuple
            From :meth:`read`.
        now : float
            Seconds of a monotonic clock.
        permits : callable
            Whether the sender may write to a stream.
        """
        intake = Intake()
        for kind, count in read[1].items():
            self.tally.add("", kind, count)
        for index, item in read[0]:
            if not permits(item.stream):
                intake.rejected[index] = f"this token may not write to the stream {item.stream!r}"
            elif isinstance(item, Call):
                self._take_call(index, item, intake, now)
            else:
                self._take_part(index, item, intake, now)
        return intake

    def finish(self, intake: Intake) -> None:
        """Give the answers that waited for their span what is known by now."""
        intake.calls += [(index, self.memory.completed(call)) for index, call in intake.waiting]
        intake.waiting = []

    def events(self, intake: Intake, *, received: datetime) -> list[tuple[int, Transcript]]:
        """Return the events of a request with the position of their record; wrong attributes reject the record."""
        events: list[tuple[int, Transcript]] = []
        for index, call in intake.calls:
            try:
                events += [(index, event) for event in events_of_call(call, received=received)]
            except InvalidInput as error:
                intake.rejected[index] = str(error)
        return events

    def count(self, intake: Intake) -> None:
        """Count the answers of a request that was stored."""
        for index, call in intake.calls:
            if index not in intake.rejected:
                self.tally.add_call(call)

    def _take_call(self, index: int, call: Call, intake: Intake, now: float) -> None:
        intake.unreadable += any(choice.why == "unreadable" for choice in call.choices)
        self.memory.learn(call, now=now)
        if call.is_hidden and "label" not in call.own and all(call.key):
            self.memory.hold(call, now=now)
        elif call.speaks and self.memory.is_retold(call, now=now):
            self.tally.add("", "retold")
        elif not call.speaks or self.memory.spoke(call.key, by="call", now=now):
            intake.calls.append((index, call))

    def _take_part(self, index: int, part: Part, intake: Intake, now: float) -> None:
        if part.answer is None:
            self.memory.learn_prompt(part, now=now)
        elif part.answer.is_hidden and all(part.key):
            self.memory.hold(part.answer, now=now)
        elif not part.answer.speaks or self.memory.spoke(part.key, by="part", now=now):
            (intake.waiting if all(part.key) else intake.calls).append((index, part.answer))
