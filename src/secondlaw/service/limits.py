"""How many requests may come, the headers of every answer, and answers that are headers alone."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["BasePath", "HeadersAlone", "RateLimit", "SafeHeaders"]

CLIENTS = 10_000
"""Callers whose rate is remembered."""
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        b"font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
)


class RateLimit:
    """A bucket of requests for each caller, filled at a steady rate.

    Examples
    --------
    >>> limit = RateLimit(1.0, burst=1, monotonic=iter([0.0, 0.25, 2.0]).__next__)
    >>> limit.wait("a"), limit.wait("a"), limit.wait("a")
    (0.0, 0.75, 0.0)
    """

    def __init__(self, rate: float, *, burst: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._monotonic = rate, float(burst), monotonic
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, caller: str) -> float:
        """Take one request of a caller; return 0, or the seconds after which it may come again."""
        if self._rate <= 0.0:
            return 0.0
        now = self._monotonic()
        with self._lock:
            left, since = self._buckets.pop(caller, (self._burst, now))
            left = min(self._burst, left + (now - since) * self._rate)
            taken = left >= 1.0
            self._buckets[caller] = (left - 1.0 if taken else left, now)
            while len(self._buckets) > CLIENTS:
                self._buckets.popitem(last=False)
        return 0.0 if taken else (1.0 - left) / self._rate


class BasePath:
    """Tells the application of the path before all others, whether the proxy takes it away or not.

    Parameters
    ----------
    app : ASGI application
    path : str
        Such as ``/drift``; empty for none.
    """

    def __init__(self, app: ASGIApp, *, path: str) -> None:
        self._app, self._path = app, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if self._path and scope["type"] == "http":
            scope = dict(scope) | {"root_path": self._path}
            if not f"{scope['path']}/".startswith(f"{self._path}/"):
                scope["path"] = self._path + scope["path"]
                scope["raw_path"] = self._path.encode() + (scope.get("raw_path") or b"")
        await self._app(scope, receive, send)


class SafeHeaders:
    """Adds the headers that keep browsers from harm to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and add headers to its answer."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in HEADERS if pair[0] not in present)]
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


class HeadersAlone:
    """Answers HEAD wherever GET is answered: with the same headers and no body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and of its answer the headers."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        told = False

        async def without_body(message: Message) -> None:
            nonlocal told
            if message["type"] == "http.response.start":
                await send(message)
            elif message["type"] == "http.response.body" and not told:
                told = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        async def heard() -> Message:
            # An answer without end (/live) ends with its client, who has all that was asked for.
            return {"type": "http.disconnect"} if told else await receive()

        await self._app(dict(scope) | {"method": "GET"}, heard, without_body)
