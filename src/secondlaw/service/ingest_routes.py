"""``POST /v1/events``: events in JSON, or a stream of JSON lines that is stored while it comes."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from secondlaw.errors import InvalidInput, QueueFull, SecondLawError
from secondlaw.formats import BadRow
from secondlaw.service.access import Access, Caller
from secondlaw.service.event_schema import request_body
from secondlaw.service.ingest import Ingest, Taken, rows_of_body
from secondlaw.service.limits import RateLimit
from secondlaw.service.otlp_bodies import BodyTooLarge, UnsupportedMedia, joined, plain_body
from secondlaw.service.otlp_records import BadPayload
from secondlaw.service.problems import WRITE, failed, problems

__all__ = ["EVENTS", "ingest_router", "sender"]

EVENTS = "/v1/events"
LINES_AT_ONCE = 500
"""Lines of a stream that are stored in one transaction."""
LONGEST_LINE = 16 << 20
ENDLESS = 1 << 60
"""Bytes of a stream of lines, which is stored while it comes."""
PATIENCE = 30.0
"""Seconds that a stream waits for room in the queue before it ends with 429."""
JSON_KINDS = ("application/json", "text/json")
LINE_KINDS = ("application/x-ndjson", "application/jsonl", "application/x-jsonlines")


class Rejection(BaseModel):
    """A row that was rejected."""

    index: int = Field(description="Place of the row in the request, from 0.")
    reason: str


class Receipt(BaseModel):
    """What became of the rows of a request."""

    rows: int = Field(description="Rows read.")
    accepted: int = Field(description="Events stored now; durable.")
    duplicates: int = Field(description="Events whose id was stored before.")
    late: int = Field(description="Of those accepted: for a window that a monitor has decided on.")
    queued: int = Field(description="Of those accepted: waiting for their label.")
    no_text: int = Field(description="Of those accepted: without text and label, counted only.")
    without_id: int = Field(description="Events without an id: sent again, they are counted again.")
    rejected: int
    reasons: list[Rejection] = Field(description="The first that were rejected.")


def sender(access: Access, rates: RateLimit) -> Callable[[Request], Caller]:
    """Return a dependency that lets callers pass who may send events and do not come too fast."""
    allowed = access.require("ingest")

    def caller(request: Request) -> Caller:
        found = allowed(request)
        wait = rates.wait(found.key)
        if wait:
            raise HTTPException(429, "too many requests", {"Retry-After": f"{math.ceil(wait)}"})
        return found

    return caller


def ingest_router(ingest: Ingest, caller: Callable[[Request], Caller], *, most: int, body_bytes: int) -> APIRouter:
    """Return the routes that take events.

    Parameters
    ----------
    ingest : Ingest
    caller : callable
        A dependency: who sends a request; see :func:`sender`.
    most, body_bytes : int
        Events and bytes of a JSON body at most; JSON lines have no end.
    """
    router = APIRouter(tags=["events"])

    @router.post(
        EVENTS,
        response_model=Receipt,
        responses=problems(*WRITE, 408, 415),
        operation_id="add_events",
        max_body_size=ENDLESS,
        openapi_extra={"requestBody": request_body()},
    )
    async def add(
        request: Request,
        who: Annotated[Caller, Depends(caller)],
        stream: Annotated[str | None, Query(max_length=300, description="Stream of rows that name none.")] = None,
    ) -> dict[str, Any]:
        """Store events: one JSON object, an array, ``{"events": [...]}``, or JSON lines of any length.

        Events are durable when the answer comes. An event whose id was seen within the horizon is a duplicate and
        counted once, so a request may be sent again as often as needed.
        """
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()

        def permits(name: str) -> bool:
            return who.may("ingest", name)

        try:
            if kind in LINE_KINDS:
                taken = await _lines(await _pieces(request, body_bytes), ingest, permits, stream)
            elif kind in JSON_KINDS:
                rows = rows_of_body(await _plain(request, body_bytes))
                if len(rows) > most:
                    raise HTTPException(413, f"{len(rows)} events in one body, at most {most}; send JSON lines instead")
                taken = await asyncio.to_thread(ingest.take, rows, permits=permits, stream=stream)
            else:
                known = ", ".join((*JSON_KINDS[:1], *LINE_KINDS[:1]))
                raise HTTPException(415, f"events are sent as {known}, got {kind[:80]!r}")
        except SecondLawError as error:
            raise failed(error) from error
        if taken.rejected and not (taken.accepted or taken.duplicates):
            raise HTTPException(422, [{"loc": ["body", one["index"]], "msg": one["reason"], "type": "rejected"}
                                      for one in taken.reasons])  # fmt: skip
        return taken.to_dict()

    return router


async def _plain(request: Request, most: int) -> bytes:
    """Return a body of bounded length without its compression."""
    packing = request.headers.get("content-encoding")
    try:
        body = await joined(request.stream(), limit=most)
    except BodyTooLarge:  # what is still on its way is read past: a proxy passes the answer on
        said = f"the body is larger than {most:,} bytes; send smaller batches, or JSON lines"
        raise HTTPException(413, said) from None
    try:
        return await asyncio.to_thread(plain_body, body, packing, limit=most)
    except BodyTooLarge:
        raise HTTPException(413, f"the body is larger than {most:,} bytes unpacked; send smaller batches") from None
    except UnsupportedMedia as error:
        raise HTTPException(415, str(error)) from error
    except BadPayload as error:
        raise HTTPException(400, str(error)) from error


async def _pieces(request: Request, most: int) -> AsyncIterator[bytes]:
    """Return the pieces of a stream of lines: as they come, or, of one that is compressed, all that was sent."""
    if request.headers.get("content-encoding", "identity").strip().lower() == "identity":
        return request.stream()
    body = await _plain(request, most)  # a small one may unpack to any size: it is no endless stream

    async def whole() -> AsyncIterator[bytes]:
        yield body

    return whole()


async def _lines(pieces: AsyncIterator[bytes], ingest: Ingest, permits: Any, stream: str | None) -> Taken:  # noqa: ANN401
    """Store a stream of lines while it comes; what the store cannot take now holds the stream up."""
    taken = Taken()
    try:
        await _take_lines(pieces, ingest, permits, stream, taken)
    except HTTPException as slow:
        raise HTTPException(slow.status_code, f"{slow.detail}; {_stored(taken)}", slow.headers) from slow
    except SecondLawError as error:
        raise type(error)(f"{error}; {_stored(taken)}") from error
    return taken


def _stored(taken: Taken) -> str:
    return f"the first {taken.rows} rows were dealt with, send the others again"


async def _take_lines(
    pieces: AsyncIterator[bytes],
    ingest: Ingest,
    permits: Any,  # noqa: ANN401
    stream: str | None,
    taken: Taken,
) -> None:
    rows: list[Any] = []
    async for line in _split(pieces):
        try:
            rows.append(orjson.loads(line))
        except orjson.JSONDecodeError as error:
            rows.append(BadRow(0, f"the line is no JSON: {error}", ""))
        if len(rows) >= LINES_AT_ONCE:
            await _store(rows, ingest, permits, stream, taken)
            rows = []
    if rows:
        await _store(rows, ingest, permits, stream, taken)


async def _store(rows: list[Any], ingest: Ingest, permits: Any, stream: str | None, taken: Taken) -> None:  # noqa: ANN401
    waited = 0.0
    while True:
        try:
            await asyncio.to_thread(ingest.take, rows, permits=permits, taken=taken, stream=stream)
        except QueueFull:
            if waited >= PATIENCE:
                raise
            await asyncio.sleep(0.5)
            waited += 0.5
        else:
            return


async def _split(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    rest = b""
    try:
        async for piece in pieces:
            *lines, rest = (rest + piece).split(b"\n")
            if len(rest) > LONGEST_LINE:
                raise InvalidInput(f"a line is longer than {LONGEST_LINE >> 20} MiB")
            for line in lines:
                if line.strip():
                    yield line
    except ClientDisconnect:
        return
    if rest.strip():
        yield rest
