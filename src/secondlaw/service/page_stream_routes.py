"""A stream's page and the pictures that stand in for its charts where no script runs."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response

from secondlaw.reports.stream_charts import (
    draw_entropy,
    draw_evidence,
    draw_misaligned,
    draw_shares,
    share_order,
)
from secondlaw.reports.stream_theme import chart_theme, printed
from secondlaw.service.evaluation_settings import EvaluationSettings
from secondlaw.service.genai_content_switches import CONTENT_SWITCHES
from secondlaw.service.page_explained import explained_by
from secondlaw.service.page_frame import Pages, seen_stream
from secondlaw.service.page_stream import StreamView, category_names
from secondlaw.service.page_stream_reading import stream_view
from secondlaw.service.page_stretches import Stretches
from secondlaw.service.page_words import ago, moment, window_words
from secondlaw.service.remembering import Remembered
from secondlaw.storage import Store, StoredText

__all__ = ["CHARTS", "chart_of", "stream_pages"]

CHARTS = {"evidence": "Evidence", "entropy": "S", "misaligned": "Misaligned share", "shares": "Shares"}
EXAMPLES = 3
REMEMBERED = 64
"""Charts that are drawn anew only when what they show has changed: one takes .05 s, and open pages ask every minute."""
Series = Annotated[str | None, Query(max_length=400)]
Period = Annotated[str | None, Query(max_length=10)]


def chart_of(view: StreamView, name: str) -> dict[str, Any] | None:
    """Return a chart of a stream as a Vega-Lite specification; None where there is nothing to draw."""
    if name == "evidence":
        threshold = view.log_threshold
        if threshold is None:
            return None
        every = view.stream.settings.every
        unit = 1.0 if every is None else 1000.0 * every
        shift = 0 if every is None else 1  # a window is decided on when it is over
        points = [((one.window + shift) * unit, one.log_evidence, window_words(one.window, every))
                  for one in view.decisions]  # fmt: skip
        return draw_evidence(points, view.frame, log_threshold=threshold, log_scale=view.is_log_scale)
    if not view.stretches:
        return None
    if name == "entropy":
        return draw_entropy(view.stretches, view.frame, categories=len(view.taxonomy.keys))
    if name == "misaligned":
        return draw_misaligned(view.stretches, view.frame)
    names = {one.key: one.name for one in view.taxonomy.categories}
    return draw_shares(view.stretches, view.frame, names=names, misaligned=view.taxonomy.misaligned)


def stream_pages(
    store: Store, pages: Pages, stretches: Stretches, *, default: EvaluationSettings, clock: Callable[[], datetime]
) -> APIRouter:
    """Return a stream's page."""
    router = APIRouter(route_class=pages.route_class(), include_in_schema=False)
    charts = Remembered[dict[str, Any] | None](REMEMBERED)

    def drawn(view: StreamView, name: str) -> dict[str, Any] | None:
        shown: object = view.stretches
        if name == "evidence":  # a year of them takes more memory than it is worth to keep
            shown = hash(tuple((one.window, one.log_evidence, one.log_threshold) for one in view.decisions))
        made_from = (shown, view.frame, view.taxonomy, view.settings, view.stream.settings.every)
        place = (view.stream.name, view.series, view.choice, name)
        return charts.of(place, lambda: chart_of(view, name), made_from=made_from)

    def view_of(request: Request, series: str | None, period: str | None) -> tuple[Any, StreamView]:
        who, stream = seen_stream(store, pages, request)
        found = stream_view(store, stretches, stream, default=default, series=series, choice=period, now=clock())
        return who, found

    @router.get("/streams/{name:path}/chart", name="chart")
    def chart(
        request: Request, which: Annotated[str, Query(max_length=20)], series: Series = None, period: Period = None
    ) -> Response:
        from secondlaw.reports.svg import svg_of

        _, view = view_of(request, series, period)
        found = drawn(view, which) if which in CHARTS else None
        if found is None:
            raise HTTPException(404, "there is nothing to draw")
        plain = printed(found, misaligned=view.taxonomy.misaligned)
        return Response(
            svg_of(plain, prefix="c", title=CHARTS[which], description=view.period_words), media_type="image/svg+xml"
        )

    @router.get("/streams/{name:path}", name="stream")
    def show(request: Request, series: Series = None, period: Period = None) -> Response:
        who, view = view_of(request, series, period)
        now = clock()
        themes = {name: chart_theme(name, misaligned=view.taxonomy.misaligned) for name in ("light", "dark")}
        explained = view.explained
        stacked, top = share_order(view.stretches, view.taxonomy.keys, view.taxonomy.misaligned)
        return pages.page(
            request, "stream.html", who=who, title=view.stream.name, view=view, charts=CHARTS,
            specs={name: drawn(view, name) for name in CHARTS}, themes=themes, names=category_names(view.taxonomy),
            explained=None if explained is None else explained_by(explained, names=category_names(view.taxonomy)),
            examples=_examples(store, view), moment=moment, ago=lambda at: ago(at, now), switches=CONTENT_SWITCHES,
            window=lambda window: window_words(window, view.stream.settings.every), stacked=stacked, top=top,
            colors=[themes["light"]["style"][f"sl-category-{k}"]["color"] for k in range(len(view.taxonomy.keys))],
            may_change=who.may("admin", view.stream.name),
        )  # fmt: skip

    return router


def _examples(store: Store, view: StreamView) -> dict[str, tuple[StoredText, ...]]:
    """Return texts that were kept, by category; those of misaligned categories first."""
    if view.stream.settings.retention.texts == "none" or not len(view.period):
        return {}
    ordered = sorted(view.taxonomy.categories, key=lambda one: not one.misaligned)
    found = {
        one.key: store.texts.read(
            view.stream.name, view.period, category=one.key, model=view.model or None, limit=EXAMPLES
        )
        for one in ordered
    }
    return {key: texts for key, texts in found.items() if texts}
