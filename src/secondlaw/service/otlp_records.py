"""Spans and log records of OpenTelemetry as plain values, the same from protobuf and from JSON.

Only what a model call can say is kept: identity, time, attributes, the body of a log record and the events of a span.
Source of the fields: opentelemetry-proto, ``trace.proto``, ``logs.proto`` and ``common.proto``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from secondlaw.errors import SecondLawError

__all__ = ["STATUS_ERROR", "BadPayload", "Note", "Record", "Signal", "TooManyRecords", "few_enough"]

Signal = Literal["traces", "logs"]

STATUS_ERROR = 2
"""``STATUS_CODE_ERROR`` of a span."""


MOST_RECORDS = 50_000
"""Of one request: two bytes suffice for an empty span, and exporters send 512 at a time, collectors 8,192."""


class BadPayload(SecondLawError, ValueError):  # noqa: N818
    """The body of a request cannot be decoded; sending it again would not help."""

    exit_code = 2


class TooManyRecords(SecondLawError):  # noqa: N818
    """One request holds more records than are taken at once."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Note:
    """An event inside a span.

    Parameters
    ----------
    name : str
    attributes : mapping
    time_ns : int
        Nanoseconds since 1970 UTC, 0 where unknown.
    """

    name: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    time_ns: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """A span, or a log record.

    Parameters
    ----------
    signal : {"traces", "logs"}
        What the record is: a span or a log record.
    name : str
        Name of the span, or the event name of the log record ("" if it is no event).
    trace_id, span_id : str
        Lower-case hexadecimal digits, "" where there is none.
    time_ns : int
        End of the span, or time of the log record, in nanoseconds since 1970 UTC; 0 where unknown.
    attributes, resource : mapping
        Of the record, and of what sent it.
    scope : str
        Name of the instrumentation.
    body : object
        Of a log record.
    failed : bool
        Whether the span's status is an error.
    notes : tuple of Note
        Events inside the span.
    parent : str
        Id of the span that it lies in, "" where there is none.
    """

    signal: Signal
    name: str
    trace_id: str = ""
    span_id: str = ""
    time_ns: int = 0
    attributes: Mapping[str, Any] = field(default_factory=dict)
    resource: Mapping[str, Any] = field(default_factory=dict)
    scope: str = ""
    body: Any = None
    failed: bool = False
    notes: tuple[Note, ...] = ()
    parent: str = ""


def few_enough(records: Iterable[Record]) -> list[Record]:
    """Return the records of a request.

    Raises
    ------
    TooManyRecords
        If there are more than `MOST_RECORDS`.
    """
    taken = list(islice(records, MOST_RECORDS + 1))
    if len(taken) > MOST_RECORDS:
        raise TooManyRecords(f"the request holds more than {MOST_RECORDS} records; export smaller batches")
    return taken
