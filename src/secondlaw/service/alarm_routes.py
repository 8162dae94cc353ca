"""Alarms and labels as JSON: read, acknowledge, note, resolve, re-baseline, label."""

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from secondlaw.errors import LeaseLost, SecondLawError
from secondlaw.service.access import Access, Caller
from secondlaw.service.evaluation_alarms import AlarmWriter
from secondlaw.service.evaluation_settings import MONITOR
from secondlaw.service.problems import READ, WRITE, failed, problems
from secondlaw.service.query_routes import StreamName
from secondlaw.storage import Alarm, HumanLabel, Store, stream_lease

__all__ = ["alarm_dict", "alarm_router", "rebaseline", "seen_alarms"]

AT_ONCE = 200
"""Alarms that are read at a time."""
PATIENCE, AGAIN = 5.0, 0.2
"""Seconds that a re-baselining waits for an evaluation that is under way, and between its tries."""

AlarmNumber = Annotated[int, Path(ge=1, le=2**53)]
Who = Annotated[str, Field(max_length=200, description="Said by whom, beside the token's name.")]


class Note(BaseModel):
    """What a person says of an alarm."""

    model_config = ConfigDict(extra="forbid")
    text: str = Field("", max_length=4000)


class Rebaseline(BaseModel):
    """Why a stream's monitors shall learn anew."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=1, max_length=4000)


class GivenLabel(BaseModel):
    """A person's label of a stored text."""

    model_config = ConfigDict(extra="forbid")
    text: int = Field(ge=1, le=2**53, description="Number of the text, as /v1/streams/{name}/to-label gives it.")
    label: str | None = Field(None, max_length=100, description="Category, outside, or null: cannot say.")
    annotator: str = Field(min_length=1, max_length=200)
    seconds: float | None = Field(None, ge=0, le=86_400, allow_inf_nan=False)


def alarm_dict(alarm: Alarm) -> dict[str, Any]:
    """Return an alarm as plain JSON values."""
    moments = ("opened_at", "acknowledged_at", "resolved_at")
    found: dict[str, Any] = {name: getattr(alarm, name) for name in Alarm.__slots__}
    for name in moments:
        found[name] = None if found[name] is None else found[name].isoformat()
    return found | {"details": dict(alarm.details)}


def seen_alarms(
    store: Store,
    sees: Callable[[str], bool],
    *,
    limit: int,
    stream: str | None = None,
    status: Literal["open", "resolved"] | None = None,
    before: int | None = None,
) -> list[Alarm]:
    """Return the newest alarms that a caller may see; those of other streams take no place among them."""
    found: list[Alarm] = []
    while len(found) < limit:
        some = store.alarms.list(stream=stream, status=status, limit=AT_ONCE, before=before)
        found += [one for one in some if sees(one.stream)]
        if len(some) < AT_ONCE:
            break
        before = some[-1].id
    return found[:limit]


def rebaseline(store: Store, stream: str, *, who: str, reason: str, owner: str, writer: AlarmWriter) -> int:
    """Let the monitors of a stream learn anew what is normal, and end its drift alarms.

    The stream is taken under a name of this call's own: under the replica's it would share the lease of the evaluator
    in this process, which gives it back while this is at work. An evaluation under way is waited for.

    Returns
    -------
    int
        How many alarms ended.

    Raises
    ------
    LeaseLost
        If the stream is still being evaluated after some seconds; try again.
    NotFound
        If there is no such stream, or it has no monitor yet.
    """
    store.streams.get(stream)
    until, mine = time.monotonic() + PATIENCE, f"{owner}:{secrets.token_hex(4)}"
    while not (leases := store.leases.take([stream_lease(stream)], owner=mine, seconds=30.0)):
        if time.monotonic() > until:
            raise LeaseLost(f"{stream!r} is being evaluated at this moment; try again")
        time.sleep(AGAIN)
    try:
        store.monitors.rebaseline(leases[0], stream, MONITOR, who=who, reason=reason)
        still_open = store.alarms.list(stream=stream, status="open", kind="drift", limit=1000)
        for alarm in still_open:
            told = writer.closing(alarm, reason=f"re-baselined: {reason}", now=datetime.now(UTC))
            store.alarms.resolve(alarm.id, who=who, reason=f"re-baselined: {reason}", deliveries=told)
    finally:
        store.leases.release(leases)
    return len(still_open)


def alarm_router(store: Store, access: Access, writer: AlarmWriter, *, owner: str) -> APIRouter:
    """Return the routes of alarms and labels.

    Parameters
    ----------
    store : Store
    access : Access
    writer : AlarmWriter
        Words what is told when a person ends an alarm.
    owner : str
        Names this replica when it takes a stream.
    """
    router = APIRouter(prefix="/v1", tags=["alarms"], responses=problems(*READ))
    reader, admin = access.require("read"), access.require("admin")

    def known(number: int, who: Caller, *, change: bool) -> Alarm:
        try:
            alarm = store.alarms.get(number)
        except SecondLawError as error:
            raise failed(error) from error
        if not who.may("admin" if change else "read", alarm.stream):
            raise HTTPException(403, "this token does not allow it for this stream")
        return alarm

    @router.get("/alarms", operation_id="list_alarms")
    def list_alarms(
        who: Annotated[Caller, Depends(reader)],
        stream: Annotated[str | None, Query(max_length=300)] = None,
        status: Annotated[Literal["open", "resolved"] | None, Query()] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        before: Annotated[int | None, Query(ge=1, le=2**53, description="Only alarms with smaller numbers.")] = None,
    ) -> dict[str, Any]:
        """Return alarms, the newest first."""
        if stream is not None and not who.sees(stream):
            raise HTTPException(403, "this token may not read this stream")
        try:
            found = seen_alarms(store, who.sees, limit=limit, stream=stream, status=status, before=before)
        except SecondLawError as error:
            raise failed(error) from error
        return {"alarms": [alarm_dict(one) for one in found]}

    @router.get("/alarms/{number}", operation_id="get_alarm")
    def get_alarm(number: AlarmNumber, who: Annotated[Caller, Depends(reader)]) -> dict[str, Any]:
        """Return an alarm with all that was done about it."""
        alarm = known(number, who, change=False)
        history = [
            {"at": one.at.isoformat(), "who": one.who, "action": one.action, "data": one.data}
            for one in store.alarms.history(number)
        ]
        return alarm_dict(alarm) | {"history": history}

    @router.post("/alarms/{number}/acknowledge", operation_id="acknowledge_alarm", responses=problems(*WRITE))
    def acknowledge(number: AlarmNumber, note: Note, who: Annotated[Caller, Depends(admin)]) -> dict[str, Any]:
        """Say that somebody looks at it."""
        known(number, who, change=True)
        return alarm_dict(store.alarms.acknowledge(number, who=who.name, note=note.text))

    @router.post("/alarms/{number}/note", operation_id="note_alarm", responses=problems(*WRITE))
    def add_note(number: AlarmNumber, note: Note, who: Annotated[Caller, Depends(admin)]) -> dict[str, Any]:
        """Add a note."""
        known(number, who, change=True)
        return alarm_dict(store.alarms.note(number, who=who.name, text=note.text))

    @router.post("/alarms/{number}/resolve", operation_id="resolve_alarm", responses=problems(*WRITE))
    def resolve(number: AlarmNumber, note: Note, who: Annotated[Caller, Depends(admin)]) -> dict[str, Any]:
        """End an alarm; who was told that it fires is told that it is over."""
        alarm = known(number, who, change=True)
        told = writer.closing(alarm, reason=note.text or "resolved by a person", now=datetime.now(UTC))
        return alarm_dict(store.alarms.resolve(number, who=who.name, reason=note.text, deliveries=told))

    @router.post("/streams/{name:path}/rebaseline", operation_id="rebaseline_stream", responses=problems(*WRITE))
    def learn_anew(name: StreamName, why: Rebaseline, who: Annotated[Caller, Depends(admin)]) -> dict[str, Any]:
        """Let the stream's monitors learn anew from the next windows, and end its drift alarms; recorded."""
        if not who.may("admin", name):
            raise HTTPException(403, "this token may not change this stream")
        try:
            return {"resolved": rebaseline(store, name, who=who.name, reason=why.reason, owner=owner, writer=writer)}
        except SecondLawError as error:
            raise failed(error) from error

    @router.get("/streams/{name:path}/to-label", operation_id="get_to_label")
    def to_label(
        name: StreamName,
        who: Annotated[Caller, Depends(reader)],
        annotator: Annotated[str, Query(min_length=1, max_length=200)],
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> dict[str, Any]:
        """Return texts for an annotator to label, in a random order that may be stopped at any time; blind."""
        if not who.sees(name):
            raise HTTPException(403, "this token may not read this stream")
        try:
            found = store.labels.to_label(name, annotator=annotator, limit=limit)
        except SecondLawError as error:
            raise failed(error) from error
        return {"texts": [{"text": one.id, "window": one.window, "intent": one.intent, "prompt": one.prompt,
                           "response": one.response} for one in found]}  # fmt: skip

    @router.post("/streams/{name:path}/labels", operation_id="add_label", responses=problems(*WRITE))
    def add_label(name: StreamName, given: GivenLabel, who: Annotated[Caller, Depends(reader)]) -> dict[str, Any]:
        """Keep a person's label; it corrects the numbers of its period at once."""
        if not who.sees(name):
            raise HTTPException(403, "this token may not label this stream")
        try:
            one = store.labels.add(
                name, given.text, label=given.label, annotator=given.annotator, seconds=given.seconds
            )
        except SecondLawError as error:
            raise failed(error) from error
        return _label(one)

    return router


def _label(one: HumanLabel) -> dict[str, Any]:
    return {"id": one.id, "stream": one.stream, "window": one.window, "label": one.label, "annotator": one.annotator}
