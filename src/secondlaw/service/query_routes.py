"""What a store holds, as JSON: streams and how they stand, windows with their numbers, decisions, counts, texts."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, HTTPException, Path, Query

from secondlaw.errors import NotFound, SecondLawError
from secondlaw.service.access import Access, Caller
from secondlaw.service.evaluation_settings import EvaluationSettings
from secondlaw.service.numbers import Numbers
from secondlaw.service.problems import READ, WRITE, failed, problems
from secondlaw.service.states import monitors_and_alarms, state_of
from secondlaw.service.stream_changes import changed_settings
from secondlaw.storage import DecisionRecord, Store, StoredText, Stream, StreamSettings

__all__ = ["query_router", "stream_dict"]

StreamName = Annotated[str, Path(min_length=1, max_length=300, description="Name of the stream.")]
First = Annotated[int | None, Query(alias="from", ge=-(2**53), le=2**53, description="First window or step.")]
Last = Annotated[int | None, Query(alias="to", ge=-(2**53), le=2**53, description="Last window or step, included.")]
MOST_WINDOWS = 2000
DEFAULT_WINDOWS = 48


def stream_dict(stream: Stream) -> dict[str, Any]:
    """Return a stream as plain JSON values."""
    return {
        "name": stream.name,
        "settings": stream.settings.to_dict(),
        "created_at": stream.created_at.isoformat(),
        "latest_window": stream.latest_window,
        "last_event_at": None if stream.last_event_at is None else stream.last_event_at.isoformat(),
        "last_received_at": None if stream.last_received_at is None else stream.last_received_at.isoformat(),
        "queued": stream.queued,
    }


def query_router(
    store: Store, numbers: Numbers, access: Access, *, default: EvaluationSettings, new: StreamSettings
) -> APIRouter:
    """Return the routes that read streams, and those that set them.

    Parameters
    ----------
    store : Store
    numbers : Numbers
    access : Access
    default : EvaluationSettings
        What streams are monitored by, unless they say.
    new : StreamSettings
        What the service makes a new stream with.
    """
    router = APIRouter(prefix="/v1", tags=["streams"], responses=problems(*READ))
    reader, admin = access.require("read"), access.require("admin")

    def readable(name: str, who: Caller) -> Stream:
        if not who.sees(name):
            raise HTTPException(403, "this token may not read this stream")
        return _get(store, name)

    @router.get("/streams", operation_id="list_streams")
    def list_streams(who: Annotated[Caller, Depends(reader)]) -> dict[str, Any]:
        """Return every stream with its state: drifting, no data, watching, not enough data, stable."""
        stands = partial(state_of, now=datetime.now(UTC), default=default)
        monitors, alarms = monitors_and_alarms(store)
        found = [
            stream_dict(one) | stands(one, monitors.get(one.name, []), alarms.get(one.name, [])).to_dict()
            for one in store.streams.list()
            if who.sees(one.name)
        ]
        return {"streams": found}

    @router.put("/streams/{name:path}", operation_id="put_stream", responses=problems(*WRITE))
    def put_stream(
        name: StreamName, settings: Annotated[dict[str, Any], Body()], who: Annotated[Caller, Depends(admin)]
    ) -> dict[str, Any]:
        """Make a stream, or change its settings: window length, retention, monitors; audited.

        ``every`` is a number of seconds, or ``"1h"``; 0 or null where events state their step. What is left out stays
        as it is; of a new stream it is as the service makes it.
        """
        _allowed(who.may("admin", name))
        try:
            try:
                known = store.streams.get(name).settings
            except NotFound:
                return stream_dict(store.streams.create(name, changed_settings(settings, new, default=default)))
            wanted = changed_settings(settings, known, default=default)
            return stream_dict(store.streams.change(name, wanted, who=who.name))
        except SecondLawError as error:
            raise failed(error) from error

    @router.delete("/streams/{name:path}", operation_id="delete_stream", responses=problems(*WRITE))
    def delete_stream(name: StreamName, who: Annotated[Caller, Depends(admin)]) -> dict[str, Any]:
        """Delete a stream with everything of it; audited."""
        _allowed(who.may("admin", name))
        _get(store, name)
        store.streams.delete(name, who=who.name)
        return {"deleted": name}

    @router.get("/streams/{name:path}/windows", operation_id="get_windows")
    def get_windows(
        name: StreamName, who: Annotated[Caller, Depends(reader)], first: First = None, last: Last = None
    ) -> dict[str, Any]:
        """Return S, shares and misaligned share of every window and model, with intervals, and what came in."""
        stream = readable(name, who)
        span = _span(stream, first, last)
        found = numbers.windows(stream, span) if len(span) else ()
        arrived = store.events.arrivals(name, span) if len(span) else None
        return {
            "stream": name,
            "every": stream.settings.every,
            "windows": [one.to_dict() for one in found],
            "arrivals": [] if arrived is None else _rows(arrived),
        }

    @router.get("/streams/{name:path}/period", operation_id="get_period")
    def get_period(
        name: StreamName, who: Annotated[Caller, Depends(reader)], first: First = None, last: Last = None
    ) -> dict[str, Any]:
        """Return the numbers of all windows together, corrected by the labels that people gave in them."""
        stream = readable(name, who)
        span = _span(stream, first, last)
        return {"stream": name, "models": [one.to_dict() for one in numbers.period(stream, span)] if len(span) else []}

    @router.get("/streams/{name:path}/decisions", operation_id="get_decisions")
    def get_decisions(
        name: StreamName,
        who: Annotated[Caller, Depends(reader)],
        monitor: Annotated[str | None, Query(max_length=400)] = None,
        first: First = None,
        last: Last = None,
    ) -> dict[str, Any]:
        """Return what the monitors said of every window: evidence, threshold, verdict."""
        stream = readable(name, who)
        span = _span(stream, first, last, most=20_000)
        names = [one.name for one in store.monitors.list(name, states=False) if one.decision is not None]
        if monitor is not None and monitor not in names:
            raise HTTPException(404, f"the stream has no monitor {monitor[:100]!r}")
        wanted = names if monitor is None else [monitor]
        return {"monitors": {one: [_decision(d) for d in store.monitors.decisions(name, one, span)] for one in wanted}}

    @router.get("/streams/{name:path}/texts", operation_id="get_texts")
    def get_texts(
        name: StreamName,
        who: Annotated[Caller, Depends(reader)],
        category: Annotated[str | None, Query(max_length=100)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 20,
        first: First = None,
        last: Last = None,
    ) -> dict[str, Any]:
        """Return texts that the stream's retention kept, in random order."""
        stream = readable(name, who)
        span = _span(stream, first, last, most=10**9)
        return {"texts": [_text(one) for one in store.texts.read(name, span, category=category, limit=limit)]}

    @router.get("/streams/{name:path}/counts", operation_id="get_counts")
    def get_counts(
        name: StreamName, who: Annotated[Caller, Depends(reader)], first: First = None, last: Last = None
    ) -> dict[str, Any]:
        """Return the counts by model, prompt set, intent, classifier, window and cluster: they add up anywhere."""
        stream = readable(name, who)
        span = _span(stream, first, last)
        return (
            store.counts.read(name, span).to_dict() if len(span) else {"keys": list(stream.settings.keys), "rows": []}
        )

    @router.get("/streams/{name:path}", operation_id="get_stream")
    def get_stream(name: StreamName, who: Annotated[Caller, Depends(reader)]) -> dict[str, Any]:
        """Return a stream, how it stands, and the settings it is monitored by."""
        stream = readable(name, who)
        records = store.monitors.list(name, states=False)
        open_alarms = store.alarms.list(stream=name, status="open", limit=1000)
        state = state_of(stream, records, open_alarms, now=datetime.now(UTC), default=default)
        return stream_dict(stream) | state.to_dict() | {
            "monitor": EvaluationSettings.of(stream.settings, default).to_dict(),
            "series": [one.name for one in records if one.decision is not None],
        }  # fmt: skip

    return router


def _get(store: Store, name: str) -> Stream:
    try:
        return store.streams.get(name)
    except SecondLawError as error:
        raise failed(error) from error


def _allowed(yes: bool) -> None:
    if not yes:
        raise HTTPException(403, "this token may not change this stream")


def _span(stream: Stream, first: int | None, last: int | None, *, most: int = MOST_WINDOWS) -> range:
    """Return the windows that are asked for: the latest ones by default, and never more than may be."""
    latest = stream.latest_window
    if latest is None:
        return range(0)
    end = latest if last is None else min(last, latest)
    begin = end - DEFAULT_WINDOWS + 1 if first is None else first
    return range(max(begin, end - most + 1), end + 1)


def _rows(arrived: Any) -> list[dict[str, int]]:  # noqa: ANN401 - Arrivals
    names = ("windows", "received", "no_text", "queued", "late", "poisoned")
    table = zip(*(getattr(arrived, name).tolist() for name in names), strict=True)
    return [dict(zip(("window", *names[1:]), row, strict=True)) for row in table]


def _decision(one: DecisionRecord) -> dict[str, Any]:
    return {name: getattr(one, name) for name in DecisionRecord.__slots__}


def _text(one: StoredText) -> dict[str, Any]:
    return {
        "id": one.id,
        "window": one.window,
        "at": one.at.isoformat(),
        "model": one.model,
        "prompt_set": one.prompt_set,
        "intent": one.intent,
        "classifier": one.classifier,
        "category": one.category,
        "prompt": one.prompt,
        "response": one.response,
    }
