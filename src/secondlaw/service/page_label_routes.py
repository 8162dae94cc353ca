"""The labelling page, and what it sends."""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import Response

from secondlaw.service.access import Caller
from secondlaw.service.numbers import Numbers
from secondlaw.service.page_frame import Pages, seen_stream, stream_link
from secondlaw.service.page_label import CANNOT_SAY, labelling, progress_of
from secondlaw.service.page_stretches import chosen_period
from secondlaw.storage import Store

__all__ = ["label_pages"]

LONGEST = 86_400.0
Period = Annotated[str | None, Query(max_length=10)]


def label_pages(store: Store, pages: Pages, numbers: Numbers) -> APIRouter:
    """Return the labelling page."""
    router = APIRouter(route_class=pages.route_class(), include_in_schema=False)

    @router.get("/streams/{name:path}/label", name="label")
    def show(
        request: Request,
        annotator: Annotated[str, Query(max_length=200)] = "",
        period: Period = None,
        text: Annotated[int | None, Query(ge=1, le=2**53)] = None,
        last: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    ) -> Response:
        who, stream = seen_stream(store, pages, request)
        by = annotator_of(who, annotator)
        view = labelling(store, stream, annotator=by, choice=period, text=text)
        return pages.page(
            request, "label.html", who=who, title=f"Label {stream.name}", stream=stream, view=view, annotator=by,
            last=last, fixed=who.token is not None,
        )  # fmt: skip

    @router.post("/streams/{name:path}/label")
    def take(
        request: Request,
        text: Annotated[int, Form(ge=1, le=2**53)],
        label: Annotated[str, Form(max_length=100)],
        annotator: Annotated[str, Form(max_length=200)] = "",
        period: Annotated[str, Form(max_length=10)] = "",
        seconds: Annotated[str, Form(max_length=20)] = "",
    ) -> Response:
        who, stream = seen_stream(store, pages, request)
        by = annotator_of(who, annotator)
        if not by:
            raise HTTPException(422, "say who labels: labels of different people are compared")
        given = None if label == CANNOT_SAY else label
        store.labels.add(stream.name, text, label=given, annotator=by, seconds=_seconds(seconds))
        return pages.see_other(
            stream_link(request, stream.name, "label", annotator=None if who.token else by, period=period, last=text)
        )

    @router.get("/streams/{name:path}/interval", name="interval")
    def interval(request: Request, period: Period = None) -> Response:
        who, stream = seen_stream(store, pages, request)
        _, _, windows = chosen_period(store, stream, period)
        return pages.page(
            request, "interval.html", who=who, title=f"Labels of {stream.name}", stream=stream,
            progress=progress_of(store, numbers, stream, windows),
        )  # fmt: skip

    return router


def annotator_of(who: Caller, stated: str) -> str:
    """Return who labels: the token's name, or on this machine without tokens the name that was given."""
    return who.name if who.token is not None else " ".join(stated.split())


def _seconds(stated: str) -> float | None:
    try:
        found = float(stated)
    except ValueError:
        return None
    return found if 0.0 <= found <= LONGEST else None
