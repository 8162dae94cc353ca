"""Telling open pages that something changed: server-sent events, one look into the store for all who wait.

A page that hears ``changed`` asks for itself again and shows what is new. Nothing but a version number is sent, so that
what a person may see is decided in one place.
"""

import asyncio
import itertools
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from fastapi import Request
from fastapi.sse import ServerSentEvent

from secondlaw.errors import SecondLawError

__all__ = ["Live"]

EVERY = 2.0
"""Seconds between two looks."""
LASTS = 600.0
"""Seconds after which a browser has to ask again, so that no token is believed for ever."""
AGAIN = 3000
"""Milliseconds until a browser that lost the connection asks again."""


@dataclass(slots=True)
class _Topic:
    """What was last seen of something that pages show."""

    seen: int
    version: int
    at: float


class Live:
    """Versions of what pages show.

    Parameters
    ----------
    every : float
        Seconds between two looks.
    stopping : callable
        Whether the service ends: connections end then, too.
    monotonic : callable
    """

    def __init__(
        self,
        *,
        every: float = EVERY,
        stopping: Callable[[], bool] = lambda: False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._every, self._stopping, self._monotonic = every, stopping, monotonic
        self._topics: dict[object, _Topic] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def version(self, topic: object, fingerprint: Callable[[], int]) -> int:
        """Return a number that grows with every change of a topic; looks at most once in `every` seconds.

        Parameters
        ----------
        topic : hashable
        fingerprint : callable
            Returns a number that changes when what pages show does.
        """
        now = self._monotonic()
        with self._lock:
            known = self._topics.get(topic)
            if known is not None and now - known.at < self._every:
                return known.version
        seen = fingerprint()
        with self._lock:
            known = self._topics.get(topic)
            if known is None or known.seen != seen:
                known = self._topics[topic] = _Topic(seen, next(self._numbers), now)
            known.at = now
            if len(self._topics) > 10_000:
                self._topics.clear()
            return known.version

    async def events(
        self,
        request: Request,
        topic: object,
        fingerprint: Callable[[], int],
        *,
        allowed: Callable[[], bool],
        shown: int | None = None,
    ) -> AsyncIterator[ServerSentEvent]:
        """Yield an event whenever a topic changes, until the browser leaves, its token ends or the service stops.

        Parameters
        ----------
        request : Request
        topic : hashable
        fingerprint, allowed : callable
        shown : int, optional
            Fingerprint of what the page shows: another is a change that came before the page listened.
        """

        def look() -> int | None:
            return self.version(topic, fingerprint) if allowed() else None

        until = self._monotonic() + LASTS
        try:
            last = await asyncio.to_thread(self.version, topic, fingerprint)
        except SecondLawError:
            last = 0  # of no topic: when the store is back, the page is told
        yield ServerSentEvent(data={"version": last}, event="hello", retry=AGAIN)
        known = self._topics.get(topic)
        if shown is not None and known is not None and known.seen != shown:
            yield ServerSentEvent(data={"version": last}, event="changed")
        while not self._stopping() and self._monotonic() < until and not await request.is_disconnected():
            await asyncio.sleep(min(self._every, 0.5))
            try:
                found = await asyncio.to_thread(look)
            except SecondLawError:  # the store is away: the page stays as it is
                continue
            if found is None:
                return
            if found != last:
                last = found
                yield ServerSentEvent(data={"version": last}, event="changed")
