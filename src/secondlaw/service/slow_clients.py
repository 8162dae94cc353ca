"""Clients that are slow, by mistake or on purpose: how long the head and the body of a request may take to arrive."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["BodyPatience", "PatientProtocol"]

HEAD_SECONDS = 15.0
"""Seconds within which the head of a request arrives, from its first byte or from the connection on."""
ENDLESS = ("application/x-ndjson", "application/jsonl", "application/x-jsonlines")
"""Bodies that may take as long as they like, if something of them keeps coming."""


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which by itself waits for ever for the end of a request's head."""

    _waits: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """End waiting."""
        self._done()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin to wait for the rest of the head."""
        super().on_message_begin()
        self._done()
        self._wait()

    def on_headers_complete(self) -> None:
        """End waiting: the body is waited for elsewhere."""
        self._done()
        super().on_headers_complete()

    def _wait(self) -> None:
        self._waits = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _done(self) -> None:
        if self._waits is not None:
            self._waits.cancel()
            self._waits = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


class BodyPatience:
    """Ends requests whose body does not arrive in time, with 408.

    Parameters
    ----------
    app : ASGI application
    seconds : float
        For a whole body; for one piece of a stream of lines.
    monotonic : callable
    """

    def __init__(self, app: ASGIApp, *, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._app, self._seconds, self._monotonic = app, seconds, monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        await self._app(scope, self._patient(scope, receive) if scope["type"] == "http" else receive, send)

    def _patient(self, scope: Scope, receive: Receive) -> Receive:
        endless = _kind(scope) in ENDLESS
        until = self._monotonic() + self._seconds
        arrived = False

        async def patient() -> Message:
            nonlocal arrived
            if arrived:  # from here on it is waited for the client to go away
                return await receive()
            wait = self._seconds if endless else max(until - self._monotonic(), 0.0)
            try:
                async with asyncio.timeout(wait):
                    message = await receive()
            except TimeoutError:
                said = f"the body did not arrive within {self._seconds:g} s; send smaller batches"
                raise HTTPException(408, said, {"Connection": "close"}) from None
            arrived = message["type"] != "http.request" or not message.get("more_body", False)
            return message

        return patient


def _kind(scope: Scope) -> str:
    headers: list[tuple[bytes, Any]] = scope["headers"]
    found = next((value for name, value in headers if name == b"content-type"), b"")
    return str(found.decode("latin-1")).partition(";")[0].strip().lower()
