"""Alarms: their history, each with what moved and what was told of it, and what people do about it."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import Response

from secondlaw.service.access import Caller
from secondlaw.service.alarm_routes import rebaseline, seen_alarms
from secondlaw.service.evaluation_alarms import AlarmWriter
from secondlaw.service.evaluation_settings import taxonomy_of
from secondlaw.service.page_board import began_of
from secondlaw.service.page_explained import explained_by, measured_of
from secondlaw.service.page_frame import Pages, link
from secondlaw.service.page_stream import category_names
from secondlaw.service.page_words import ago, moment, reason_words, window_words
from secondlaw.storage import Alarm, Store

__all__ = ["KINDS", "alarm_pages"]

SHOWN = 50
DELIVERIES = 5000
"""Latest deliveries of an alarm that are looked at."""
KINDS = {"drift": "drift", "missing": "no data", "changed": "other classifier", "queue": "queue"}
Number = Annotated[int, Path(ge=1, le=2**53)]
Said = Annotated[str, Form(max_length=4000)]


def alarm_pages(
    store: Store, pages: Pages, writer: AlarmWriter, *, owner: str, clock: Callable[[], datetime]
) -> APIRouter:
    """Return the pages of alarms, and what is done from them."""
    router = APIRouter(route_class=pages.route_class(), include_in_schema=False)

    def known(request: Request, number: int, *, change: bool = False) -> tuple[Caller, Alarm]:
        who, alarm = pages.caller(request), store.alarms.get(number)
        if not who.sees(alarm.stream):
            raise HTTPException(404, f"there is no alarm {number}")
        if change and not who.may("admin", alarm.stream):
            raise HTTPException(403, "this token may read, not change")
        return who, alarm

    @router.get("/alarms", name="alarms")
    def history(
        request: Request,
        status: Annotated[Literal["open", "resolved"] | None, Query()] = None,
        stream: Annotated[str | None, Query(max_length=300)] = None,
        before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    ) -> Response:
        who, now = pages.caller(request), clock()
        found = seen_alarms(store, who.sees, limit=SHOWN + 1, stream=stream or None, status=status, before=before)
        words = _Words(store)
        return pages.page(
            request, "alarms.html", who=who, title="Alarms", alarms=found[:SHOWN],
            older=found[SHOWN - 1].id if len(found) > SHOWN else None, status=status, stream=stream, kinds=KINDS,
            ago=lambda at: ago(at, now), moment=moment, summary=words.summary, window=words.window,
            open=sum(one.status == "open" for one in found[:SHOWN]),
        )  # fmt: skip

    @router.get("/alarms/{number}", name="alarm")
    def one(request: Request, number: Number) -> Response:
        who, alarm = known(request, number)
        now, stream = clock(), store.streams.get(alarm.stream)
        began = began_of(alarm, stream.settings.every)
        told = store.deliveries.list(alarm=number, limit=DELIVERIES)
        stated = alarm.details.get("alert") or {}
        return pages.page(
            request, "alarm.html", who=who, title=f"Alarm {number}: {alarm.stream}", alarm=alarm, kinds=KINDS,
            window=window_words(alarm.window, stream.settings.every), began=began,
            explained=explained_by(alarm, names=category_names(taxonomy_of(stream.settings))),
            entropy=measured_of(stated.get("entropy")), misaligned=measured_of(stated.get("misaligned")),
            alert=stated, history=store.alarms.history(number), told=told, ago=lambda at: ago(at, now), moment=moment,
            may_change=who.may("admin", alarm.stream), summary=reason_words(alarm.summary, has_began=bool(began)),
        )  # fmt: skip

    @router.post("/alarms/{number}/acknowledge")
    def acknowledge(request: Request, number: Number, text: Said = "") -> Response:
        who, _ = known(request, number, change=True)
        store.alarms.acknowledge(number, who=who.name, note=text.strip())
        return pages.see_other(link(request, f"/alarms/{number}"))

    @router.post("/alarms/{number}/note")
    def note(request: Request, number: Number, text: Said = "") -> Response:
        who, _ = known(request, number, change=True)
        if text.strip():
            store.alarms.note(number, who=who.name, text=text.strip())
        return pages.see_other(link(request, f"/alarms/{number}"))

    @router.post("/alarms/{number}/resolve")
    def resolve(request: Request, number: Number, text: Said = "") -> Response:
        who, alarm = known(request, number, change=True)
        reason = text.strip()
        told = writer.closing(alarm, reason=reason or "resolved by a person", now=clock())
        store.alarms.resolve(number, who=who.name, reason=reason, deliveries=told)
        return pages.see_other(link(request, f"/alarms/{number}"))

    @router.post("/alarms/{number}/rebaseline")
    def learn_anew(request: Request, number: Number, text: Said = "") -> Response:
        who, alarm = known(request, number, change=True)
        if not text.strip():
            raise HTTPException(422, "say why the monitors shall learn anew: it is recorded")
        rebaseline(store, alarm.stream, who=who.name, reason=text.strip(), owner=owner, writer=writer)
        return pages.see_other(link(request, f"/alarms/{number}"))

    return router


class _Words:
    """Says of alarms what they are and when they were."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._every: dict[str, int | None] = {}

    def summary(self, alarm: Alarm) -> str:
        """Return an alarm's sentence."""
        return reason_words(alarm.summary, has_began=bool(began_of(alarm, self._of(alarm.stream))))

    def window(self, alarm: Alarm) -> str:
        """Return an alarm's window."""
        return window_words(alarm.window, self._of(alarm.stream))

    def _of(self, stream: str) -> int | None:
        if stream not in self._every:
            self._every[stream] = self._store.streams.get(stream).settings.every
        return self._every[stream]
