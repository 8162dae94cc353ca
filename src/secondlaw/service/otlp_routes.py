"""Routes that receive OTLP/HTTP: ``POST /v1/traces`` and ``POST /v1/logs``, to be plugged into an application.

A request is acknowledged after its events are stored. What cannot be stored now is answered with a status that clients
send again (429, 503) and ``Retry-After``; what never can be, with one that they do not (400, 413, 415).
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from secondlaw.behavior.transcripts import Transcript
from secondlaw.errors import QueueFull, StorageError, StorageFull
from secondlaw.service.genai_streams import StreamNaming
from secondlaw.service.otlp_answers import Answer, failure, success
from secondlaw.service.otlp_bodies import BodyTooLarge, Encoding, UnsupportedMedia, encoding_of, joined, too_large
from secondlaw.service.otlp_payload import read_records
from secondlaw.service.otlp_receiver import Intake, Receiver
from secondlaw.service.otlp_records import BadPayload, Signal, TooManyRecords

if TYPE_CHECKING:
    from fastapi import APIRouter, Request

__all__ = ["Accept", "OtlpOptions", "Receipt", "otlp_router"]

_log = logging.getLogger(__name__)
RETRY_LATER = 60.0
"""Seconds after which a client may try again if the disk is full, which needs a person."""
_TICK = 1.0
_LOOK = 0.05
"""Seconds between looks whether the span of an answer has come."""
_SHOWN = 3
DECODED_AT_ONCE = 2
"""Decoding holds the interpreter, so more would not be faster; and 20 MiB made for it may need 2 GB while decoded."""


class Rejection(Protocol):
    """An event that was not accepted: its position, and why."""

    @property
    def index(self) -> int: ...

    @property
    def reason(self) -> str: ...


class Receipt(Protocol):
    """What became of events; :class:`secondlaw.storage.Accepted` is one."""

    @property
    def rejected(self) -> Sequence[Rejection]:
        """Events that were not accepted."""
        ...


Accept = Callable[[Sequence[Transcript]], Receipt]
"""Stores events durably before it returns, or raises a :class:`~secondlaw.errors.StorageError` and stores none."""


@dataclass(frozen=True, slots=True)
class OtlpOptions:
    """Limits and names of the receiver.

    Parameters
    ----------
    body_bytes : int
        Largest body, as sent and after decompression; OTLP recommends 20 MiB.
    body_seconds : float
        Longest time for a body to arrive.
    patience : float
        Seconds that a call without text waits for one, and a text for its span. Exporters send spans every 5 s, logs
        every second, and give up after 10 s.
    retry_seconds : float
        After which a client may send again what could not be taken: a full queue drains.
    naming : StreamNaming
    """

    body_bytes: int = 20 << 20
    body_seconds: float = 30.0
    patience: float = 7.0
    retry_seconds: float = 5.0
    naming: StreamNaming = field(default_factory=StreamNaming)


class _Slow(Exception):  # noqa: N818
    """The body did not arrive in time."""


class _Parts(NamedTuple):
    """What a request needs to be answered."""

    accept: Accept
    receiver: Receiver
    options: OtlpOptions
    permits: "Callable[[Request, str], bool]"
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    decoding: asyncio.Semaphore


def otlp_router(
    accept: Accept,
    *,
    options: OtlpOptions | None = None,
    receiver: Receiver | None = None,
    permits: "Callable[[Request, str], bool]" = lambda _request, _stream: True,
    dependencies: Sequence[Any] = (),
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    monotonic: Callable[[], float] = time.monotonic,
) -> "APIRouter":
    """Return the routes that receive OTLP/HTTP.

    Parameters
    ----------
    accept : callable
        Stores events; called in worker threads, several at once.
    options : OtlpOptions, optional
    receiver : Receiver, optional
        Give one to read its tally elsewhere.
    permits : callable
        Whether a request may write to a stream; records of other streams are rejected in a partial success.
    dependencies : sequence
        FastAPI dependencies of both routes: authentication, rate limits.
    clock, monotonic : callable
        The time, zone-aware, and seconds that never go back.

    Examples
    --------
    >>> [route.path for route in otlp_router(lambda events: None).routes]
    ['/v1/traces', '/v1/logs']
    """
    from fastapi import APIRouter, Request, Response

    from secondlaw.service.otlp_openapi import request_body, responses

    chosen = options or OtlpOptions()
    ears = receiver or Receiver(naming=chosen.naming, patience=chosen.patience)
    parts = _Parts(accept, ears, chosen, permits, clock, monotonic, asyncio.Semaphore(DECODED_AT_ONCE))
    router = APIRouter(dependencies=list(dependencies), lifespan=lambda _: _counting_silence(parts), tags=["OTLP"])

    def add(signal: Signal, summary: str) -> None:
        async def receive(request: Request) -> Response:
            answer = await _answer(request, signal, parts)
            return Response(answer.body, answer.status, answer.headers)

        router.add_api_route(
            f"/v1/{signal}",
            receive,
            methods=["POST"],
            summary=summary,
            operation_id=f"otlp_{signal}",
            response_class=Response,
            responses=responses(),
            openapi_extra=request_body(signal),
        )

    add("traces", "Receive spans of OpenTelemetry (OTLP/HTTP)")
    add("logs", "Receive log records of OpenTelemetry (OTLP/HTTP)")
    return router


async def _answer(request: "Request", signal: Signal, parts: _Parts) -> Answer:
    from starlette.requests import ClientDisconnect

    encoding: Encoding = "json"
    try:
        encoding = encoding_of(request.headers.get("content-type"))
        body = await _body(request, parts.options)
        return await _receive(request, body, signal, encoding, parts)
    except UnsupportedMedia as error:
        return failure(415, str(error), encoding)
    except BadPayload as error:
        return failure(400, str(error), encoding)
    except (BodyTooLarge, TooManyRecords) as error:
        return failure(413, str(error), encoding)
    except _Slow as error:
        return failure(408, str(error), encoding)
    except ClientDisconnect:
        return failure(400, "the client went away before its body had arrived", encoding)
    except QueueFull as error:
        return failure(429, str(error), encoding, retry_after=parts.options.retry_seconds)
    except StorageError as error:
        wait = RETRY_LATER if isinstance(error, StorageFull) else parts.options.retry_seconds
        return failure(503, "the store cannot take events now; send them again", encoding, retry_after=wait)


async def _body(request: "Request", options: OtlpOptions) -> bytes:
    """Return the body as sent, never more of it than the limit."""
    stated = request.headers.get("content-length", "")
    if stated.isascii() and stated.isdigit() and int(stated) > options.body_bytes:
        raise too_large(options.body_bytes)
    try:
        async with asyncio.timeout(options.body_seconds):
            return await joined(request.stream(), limit=options.body_bytes)
    except TimeoutError as error:
        raise _Slow(f"the body did not arrive within {options.body_seconds:g} s; send smaller batches") from error


async def _receive(request: "Request", body: bytes, signal: Signal, encoding: Encoding, parts: _Parts) -> Answer:
    receiver = parts.receiver
    packing = request.headers.get("content-encoding")

    def read() -> Any:  # noqa: ANN401 - what Receiver.take takes
        records = read_records(
            body, signal=signal, encoding=encoding, content_encoding=packing, limit=parts.options.body_bytes
        )
        return receiver.read(records)

    async with parts.decoding:
        found = await asyncio.to_thread(read)
    permits = cache(partial(parts.permits, request))  # a request holds many records of few streams
    intake = receiver.take(found, now=parts.monotonic(), permits=permits)
    if intake.waiting:
        await _until_known(intake, parts)
        receiver.finish(intake)
    await _store(intake, parts)
    return success(signal, encoding, rejected=len(intake.rejected), message=_message(intake))


async def _until_known(intake: Intake, parts: _Parts) -> None:
    """Wait until the spans of all answers are known, or patience is at an end."""
    until = parts.monotonic() + parts.options.patience
    missing = intake.keys
    while (missing := {key for key in missing if not parts.receiver.memory.knows(key)}) and parts.monotonic() < until:
        await asyncio.sleep(_LOOK)


async def _store(intake: Intake, parts: _Parts) -> None:
    """Store the events of a request; events that the store rejects reject their record."""
    events = parts.receiver.events(intake, received=parts.clock())
    if events:
        receipt = await asyncio.to_thread(parts.accept, [event for _, event in events])
        for rejection in receipt.rejected if receipt is not None else ():
            intake.rejected.setdefault(events[rejection.index][0], rejection.reason)
    parts.receiver.count(intake)


def _message(intake: Intake) -> str:
    reasons = list(dict.fromkeys(intake.rejected.values()))
    shown = "; ".join(reasons[:_SHOWN]) + (f"; and {len(reasons) - _SHOWN} more" if len(reasons) > _SHOWN else "")
    if shown or not intake.unreadable:
        return shown
    return (
        f"the messages of {intake.unreadable} calls cannot be read; are they cut off by "
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT or OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT?"
    )


@asynccontextmanager
async def _counting_silence(parts: _Parts) -> AsyncIterator[None]:
    """While the application runs, count the calls whose text never came; at its end, all that wait."""
    task = asyncio.create_task(_keep_counting(parts))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        with suppress(StorageError):
            await _store(Intake(calls=list(enumerate(parts.receiver.memory.everything()))), parts)


async def _keep_counting(parts: _Parts) -> None:
    while True:
        await asyncio.sleep(_TICK)
        calls = parts.receiver.memory.due(now=parts.monotonic())
        if not calls:
            continue
        try:
            await _store(Intake(calls=list(enumerate(calls))), parts)
        except Exception as error:  # whatever it is, this goes on counting
            _log.warning("calls without text wait longer, they cannot be counted now (%s)", type(error).__name__)
            for call in calls:
                parts.receiver.memory.hold(call, now=parts.monotonic())
