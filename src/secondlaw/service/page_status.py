"""How the service itself stands: queue, parts, deliveries, dead letters, the store."""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import Response

from secondlaw.service.page_frame import Pages, link
from secondlaw.service.page_words import ago, moment
from secondlaw.service.running import Parts
from secondlaw.storage import Sizes, Store

__all__ = ["status_pages"]

SHOWN = 100


def status_pages(store: Store, pages: Pages, parts: Parts | None, *, clock: Callable[[], datetime]) -> APIRouter:
    """Return the status page, and what is done from it."""
    router = APIRouter(route_class=pages.route_class(), include_in_schema=False)
    counted: dict[str, Any] = {}
    counting = threading.Lock()

    def sizes(*, again: bool) -> tuple[Sizes, datetime] | None:
        """Return the sizes that were counted last; counting every row of a big store takes seconds."""
        if again:
            with counting:
                counted["sizes"] = store.admin.sizes(), clock()
        return counted.get("sizes")

    @router.get("/status", name="status")
    def status(request: Request, rows: Annotated[bool, Query()] = False) -> Response:
        who, now = pages.caller(request), clock()
        everything = who.token is None or who.token.streams is None
        dead = [one for one in store.deliveries.list(status="dead", limit=SHOWN) if _seen(one.payload, who.sees)]
        waiting = [one for one in store.deliveries.list(status="pending", limit=SHOWN) if _seen(one.payload, who.sees)]
        poisoned = [one for one in store.queue.poisoned(limit=SHOWN) if who.sees(one.stream)]
        return pages.page(
            request, "status.html", who=who, title="Status", depth=store.queue.depth(), poisoned=poisoned, dead=dead,
            waiting=waiting, parts_here=[] if parts is None else list(parts.health.values()),
            workers=None if parts is None else parts.service.workers,
            receivers=[] if parts is None else parts.receivers, sizes=sizes(again=rows and everything),
            everything=everything, schema=store.admin.version(), ago=lambda at: ago(at, now), moment=moment,
            may_change=who.may("admin"),
        )  # fmt: skip

    @router.post("/status/requeue")
    def requeue(request: Request, delivery: Annotated[int, Form(ge=1, le=2**53)]) -> Response:
        who = pages.caller(request)
        if not who.may("admin"):
            raise HTTPException(403, "this token may not change deliveries")
        store.deliveries.requeue(delivery)
        store.audit.add("delivery sent again", who=who.name, data={"delivery": delivery})
        return pages.see_other(link(request, "/status"))

    return router


def _seen(payload: Any, sees: Callable[[str], bool]) -> bool:  # noqa: ANN401 - JSON
    stream = payload.get("stream") if isinstance(payload, dict) else None
    return sees(stream) if isinstance(stream, str) else sees("")
