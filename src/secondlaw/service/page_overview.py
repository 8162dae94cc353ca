"""The overview: is any of my models drifting? And the connection that tells open pages of changes."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from secondlaw.reports.words import count
from secondlaw.service.access import Caller
from secondlaw.service.genai_content_switches import OPENTELEMETRY_SWITCHES
from secondlaw.service.live import Live
from secondlaw.service.page_board import Board, Line
from secondlaw.service.page_frame import Pages
from secondlaw.service.page_words import ago, moment
from secondlaw.service.states import ORDER, State
from secondlaw.storage import Store

__all__ = ["headline", "overview_pages"]

MOST_LINES = 400
"""Streams and models shown; the worst come first."""
SECONDS = 15
"""How exactly the time of the last event counts as a change of a stream's page."""


def headline(lines: Sequence[Line]) -> str:
    """Return how all streams stand in one sentence: the answer to "is any of my models drifting?".

    Parameters
    ----------
    lines : sequence of Line
        Worst first; a stream counts by its worst model.
    """
    worst: dict[str, Line] = {}
    for line in lines:
        worst.setdefault(line.stream, line)
    n = len(worst)
    by: dict[State, list[Line]] = {state: [one for one in worst.values() if one.state.state == state]
                                   for state in ORDER}  # fmt: skip
    drifting = by["drifting"]
    if not n:
        return "Nothing has come yet"
    if drifting:
        which = "The stream" if n == 1 else f"{len(drifting)} of {n} streams"
        k, since = len(by["no data"]), drifting[0].since
        silent = f"; {k} {'sends' if k == 1 else 'send'} nothing" if k else ""
        if len(drifting) > 1:
            return f"{which} are drifting{silent}"
        return f"{which} has been drifting since {since}{silent}" if since else f"{which} is drifting{silent}"
    rest = []
    if by["no data"]:
        k = len(by["no data"])
        rest.append(f"{k} {'sends' if k == 1 else 'send'} nothing")
    if by["watching"]:
        rest.append(f"{len(by['watching'])} to watch")
    if by["not enough data"]:
        rest.append(f"{len(by['not enough data'])} too young to say")
    if len(by["not enough data"]) == n:
        return f"Too little data yet to say whether {'it drifts' if n == 1 else f'any of {n} streams drifts'}"
    if not rest:
        return "The stream is stable" if n == 1 else f"All {n} streams are stable"
    if len(by["stable"]) + len(by["watching"]) == 0:
        return f"No drift is known: of {count(n, 'streams')} {', '.join(rest)}"
    return f"No stream is drifting; of {n}, {', '.join(rest)}"


def overview_pages(store: Store, pages: Pages, board: Board, live: Live, *, clock: Callable[[], datetime]) -> APIRouter:
    """Return the overview, and the events that tell pages of changes."""
    router = APIRouter(route_class=pages.route_class(), include_in_schema=False)

    @router.get("/", name="overview")
    def overview(request: Request) -> Response:
        who, now = pages.caller(request), clock()
        shown, lines = board.fingerprint(who.sees), board.lines(who.sees)
        said = headline(lines)
        return pages.page(
            request, "overview.html", who=who, title=said, headline=said, lines=lines[:MOST_LINES],
            hidden=max(len(lines) - MOST_LINES, 0), shown=shown, address=str(request.base_url).rstrip("/"),
            switch=OPENTELEMETRY_SWITCHES,
            ago=lambda at: ago(at, now), at=moment(now), worst=lines[0].state.state if lines else None,
        )  # fmt: skip

    def listener(request: Request, stream: Annotated[str | None, Query(max_length=300)] = None) -> Caller:
        who = pages.caller(request)
        if stream is not None:
            if not who.sees(stream):
                raise HTTPException(404, f"there is no stream {stream!r}")
            store.streams.get(stream)
        return who

    @router.get("/live", response_class=EventSourceResponse, name="live")
    async def changes(
        request: Request,
        who: Annotated[Caller, Depends(listener)],
        stream: str | None = None,
        shown: int | None = None,
    ) -> AsyncIterator[ServerSentEvent]:
        def allowed() -> bool:
            try:
                return pages.caller(request).key == who.key
            except HTTPException:
                return False

        if stream is None:
            streams = None if who.token is None or who.token.streams is None else frozenset(who.token.streams)
            topic, seen = ("overview", streams), lambda: board.fingerprint(who.sees)
        else:
            topic, seen = ("stream", stream), lambda: _stream_fingerprint(store, stream)  # type: ignore[assignment]
        async for event in live.events(request, topic, seen, allowed=allowed, shown=shown):
            yield event

    return router


def _stream_fingerprint(store: Store, name: str) -> int:
    stream = store.streams.get(name)
    last = 0 if stream.last_received_at is None else int(stream.last_received_at.timestamp()) // SECONDS
    decided = tuple(one.updated_at for one in store.monitors.list(name, states=False))
    alarms = tuple((one.id, one.status, one.acknowledged_at) for one in store.alarms.list(stream=name, limit=20))
    return hash((last, stream.latest_window, stream.queued > 0, decided, alarms))
