"""The dashboard: all its pages as one router, to be plugged into the application."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from fastapi import APIRouter, Request

from secondlaw.service.access import Access
from secondlaw.service.evaluation_alarms import AlarmWriter
from secondlaw.service.evaluation_settings import EvaluationSettings
from secondlaw.service.live import Live
from secondlaw.service.numbers import Numbers
from secondlaw.service.page_alarm_routes import alarm_pages
from secondlaw.service.page_assets import asset_router, assets_version, vega_bundle
from secondlaw.service.page_board import Board
from secondlaw.service.page_frame import Pages
from secondlaw.service.page_label_routes import label_pages
from secondlaw.service.page_overview import overview_pages
from secondlaw.service.page_sign_in import sign_in_pages
from secondlaw.service.page_status import status_pages
from secondlaw.service.page_stream_routes import stream_pages
from secondlaw.service.page_stretches import Stretches
from secondlaw.service.running import Parts
from secondlaw.storage import Store

__all__ = ["page_router"]


def page_router(
    store: Store,
    numbers: Numbers,
    access: Access | None = None,
    *,
    writer: AlarmWriter | None = None,
    owner: str = "pages",
    default: EvaluationSettings | None = None,
    parts: Parts | None = None,
    live: Live | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    warm: bool = True,
) -> APIRouter:
    """Return the routes of the dashboard.

    Parameters
    ----------
    store : Store
    numbers : Numbers
    access : Access, optional
        By default the one that the application keeps as ``app.state.access``.
    writer : AlarmWriter, optional
        Words what is told when a person ends an alarm.
    owner : str
        Names this replica when it takes a stream.
    default : EvaluationSettings, optional
        What streams are monitored by, unless they say.
    parts : Parts, optional
        What works beside the application, for the status page.
    live : Live, optional
        Tells open pages of changes.
    clock : callable
        The time, with its zone.
    warm : bool
        Whether to make the charts' script now, in the background, and not when a page first asks for it.

    Returns
    -------
    fastapi.APIRouter
        ``/``, ``/streams/...``, ``/alarms``, ``/status``, ``/signin``, ``/live`` and ``/assets/...``; in no schema.
    """

    def access_of(request: Request) -> Access:
        if access is not None:
            return access
        found: Access = request.app.state.access
        return found

    pages = Pages(access_of, version=assets_version())
    settings = default or EvaluationSettings()
    board = Board(store, numbers, clock=clock, default=settings)
    stretches = Stretches(store, numbers)
    heard = live or Live()
    router = APIRouter(include_in_schema=False)
    router.include_router(asset_router())
    router.include_router(sign_in_pages(store, pages))
    router.include_router(overview_pages(store, pages, board, heard, clock=clock))
    router.include_router(alarm_pages(store, pages, writer or AlarmWriter(), owner=owner, clock=clock))
    router.include_router(status_pages(store, pages, parts, clock=clock))
    router.include_router(label_pages(store, pages, numbers))
    router.include_router(stream_pages(store, pages, stretches, default=settings, clock=clock))
    if warm:
        threading.Thread(target=vega_bundle, name="secondlaw-charts", daemon=True).start()
    return router
