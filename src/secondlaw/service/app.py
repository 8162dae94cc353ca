"""The web application: routes, access, limits, and the parts that work beside it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

import secondlaw
from secondlaw.behavior import Transcript
from secondlaw.errors import SecondLawError
from secondlaw.pipeline.engines import stated_share
from secondlaw.service.access import Access, Caller
from secondlaw.service.alarm_routes import alarm_router
from secondlaw.service.ingest import Ingest
from secondlaw.service.ingest_routes import ingest_router, sender
from secondlaw.service.limits import BasePath, HeadersAlone, RateLimit, SafeHeaders
from secondlaw.service.metrics import StoreCollector
from secondlaw.service.otlp_routes import OtlpOptions, otlp_router
from secondlaw.service.page_assets import assets_version
from secondlaw.service.page_frame import Pages, base_of
from secondlaw.service.problems import problems, status_of, words_of
from secondlaw.service.query_routes import query_router
from secondlaw.service.running import Parts
from secondlaw.service.settings import ServiceSettings
from secondlaw.service.slow_clients import BodyPatience
from secondlaw.storage import Accepted, Store

__all__ = ["create_app"]

SLACK = 1 << 16
"""Bytes beyond the limit that is stated, so that routes with an answer of their own to large bodies give it."""
DESCRIPTION = (
    "Receives what language models answer, keeps S(t) and shares, and raises alarms whose error rate is stated."
)


def create_app(
    store: Store, settings: ServiceSettings, parts: Parts, *, pages: Sequence[APIRouter] = (), run_parts: bool = True
) -> FastAPI:
    """Return the application.

    Parameters
    ----------
    store : Store
    settings : ServiceSettings
    parts : Parts
        Started and stopped with the application.
    pages : sequence of APIRouter
        Routes of the dashboard.
    run_parts : bool
        Whether the parts are started; tests of routes alone need none.

    Returns
    -------
    FastAPI
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if run_parts:
            await asyncio.to_thread(parts.start)
        try:
            yield
        finally:
            if run_parts:
                await asyncio.to_thread(parts.stop)

    app = FastAPI(
        title="secondlaw",
        version=secondlaw.__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        max_body_size=settings.body_bytes + SLACK,
    )
    access = Access(store, host=settings.host)
    rates = RateLimit(settings.rate, burst=settings.burst)
    app.state.access, app.state.parts = access, parts

    caller = sender(access, rates)

    def accept(events: Sequence[Transcript]) -> Accepted:
        found = store.events.add(events)
        if found.queued:
            parts.arrived.set()
        return found

    app.include_router(
        ingest_router(
            Ingest(store, arrived=parts.arrived.set, share=stated_share(parts.settings)), caller,
            most=settings.batch_events, body_bytes=settings.body_bytes,
        )
    )  # fmt: skip
    app.include_router(
        otlp_router(
            accept,
            options=OtlpOptions(body_bytes=settings.body_bytes, body_seconds=settings.body_seconds),
            permits=lambda request, stream: access.caller(request).may("ingest", stream),
            dependencies=[Depends(caller)],
        ),
        responses=problems(401, 403),
    )
    app.include_router(alarm_router(store, access, parts.writer, owner=parts.owner))
    app.include_router(
        query_router(store, parts.numbers, access, default=settings.evaluation, new=settings.new_streams)
    )
    app.include_router(_watch_router(store, access, parts))
    for router in pages:
        app.include_router(router)

    @app.exception_handler(SecondLawError)
    async def say(_: Request, error: SecondLawError) -> JSONResponse:
        status, wait = status_of(error)
        headers = None if wait is None else {"Retry-After": f"{wait:.0f}"}
        return JSONResponse({"detail": words_of(error)}, status, headers)

    frame = Pages(lambda _: access, version=assets_version())

    @app.exception_handler(404)
    async def missing(request: Request, error: Exception) -> Response:
        """Show a browser that asks for an unknown address a page; clients get JSON."""
        local = request.url.path.removeprefix(base_of(request))
        if "text/html" in request.headers.get("accept", "") and not local.startswith("/v1/"):
            said = "There is no page at this address."
            return frame.page(request, "error.html", code=404, title="Not found", said=said)
        assert isinstance(error, HTTPException)  # noqa: S101 - that is what the handler is for
        return await http_exception_handler(request, error)

    app.add_middleware(BodyPatience, seconds=settings.body_seconds + 1.0)
    app.add_middleware(SafeHeaders)
    app.add_middleware(BasePath, path=settings.base_path)
    app.add_middleware(HeadersAlone)
    return app


def _watch_router(store: Store, access: Access, parts: Parts) -> APIRouter:
    """Return the routes by which the service itself is watched."""
    router = APIRouter(tags=["service"])

    @router.get("/healthz", operation_id="healthz")
    async def healthz() -> dict[str, str]:
        """Say that the process answers."""
        return {"status": "ok"}

    @router.get(
        "/readyz", operation_id="readyz", response_model=None,
        responses={503: {"description": "The store does not answer."}},
    )  # fmt: skip
    def readyz() -> JSONResponse:
        """Say whether this replica can serve: whether the store answers. How its parts stand is told beside it."""
        found: dict[str, Any] = {"store": "ok"}
        well = True
        try:
            store.admin.ping()
        except SecondLawError as error:
            well, found["store"] = False, type(error).__name__
        found["parts"] = parts.standing()
        return JSONResponse(found | {"status": "ok" if well else "not ready"}, 200 if well else 503)

    @router.get(
        "/metrics", operation_id="metrics", response_class=PlainTextResponse, responses=problems(401, 403, 503),
    )  # fmt: skip
    def metrics(who: Annotated[Caller, Depends(access.require("read"))]) -> Response:
        """Return the metrics for Prometheus, of the streams that the caller may read."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.exposition import CONTENT_TYPE_LATEST

        registry = CollectorRegistry(auto_describe=False)
        registry.register(StoreCollector(store, parts.numbers, parts, sees=who.sees))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router
