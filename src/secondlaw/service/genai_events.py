"""From model calls to events: one transcript for every answer, under an id that is the same whoever reports it.

The id of an answer is ``<trace id>:<response id>:<index>``: the span and the log record of a call share it, and so do
two instrumentations around the same request, so nothing counts twice. A response id counts within its trace alone,
since caches and gateways give the same answer, with the same id, to many requests; and only if it is long enough to be
random (some servers number their answers ``chatcmpl-1`` to ``chatcmpl-999``). Otherwise the span's id takes its place.
An answer without text has the id that it would have with one: a text that comes late is the same event's.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from secondlaw.behavior.row_fields import intent_of, name_of, step_of
from secondlaw.behavior.transcripts import Transcript, content_id
from secondlaw.errors import InvalidInput
from secondlaw.service.genai_calls import Call
from secondlaw.service.genai_messages import Choice
from secondlaw.storage import COMPLETES

__all__ = ["TRACE_FIELDS", "answer_id", "events_of_call"]

TRACE_FIELDS = ("trace_id", "span_id", "response_id")
"""Fields of ``Transcript.extra`` that say which call an event is of, to write verdicts back."""
UNKNOWN_MODEL = "unknown"
_RANDOM_ID = 20
"""Characters of a response id from which it is taken for random: OpenAI's have 38, Anthropic's 28; Ollama's 12."""
_LONGEST_ID = 120
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def events_of_call(call: Call, *, received: datetime) -> list[Transcript]:
    """Return the events of a call.

    Answers that are tool calls, images or empty are no events: there is nothing to classify, unless the application
    labelled them itself.

    Parameters
    ----------
    call : Call
    received : datetime
        Stands in for a missing time; zone-aware.

    Raises
    ------
    InvalidInput
        If an attribute ``secondlaw.*`` has a wrong value.

    Examples
    --------
    >>> call = Call("shop", ("0a", "0b"), 0, "m", "Hi", (Choice(0, "Hello.", "text"), Choice(1, "Hey.", "text")))
    >>> [event.id for event in events_of_call(call, received=datetime.now(UTC))]
    ['0a:0b:0', '0a:0b:1']
    """
    labels = _labels(call)
    return [
        event
        for choice, label in zip(call.choices, labels, strict=True)
        if (event := _event(call, choice, label, received)) is not None
    ]


def answer_id(call: Call, choice: Choice) -> str:
    """Return the id of an answer; see the module."""
    trace, span = call.key
    name = call.response_id or ""
    if call.by_span or (trace and len(name) < _RANDOM_ID):
        name = span
    if not name:
        name = content_id(call.stream, str(call.time_ns), call.prompt or "", choice.text or "")
    elif len(name) > _LONGEST_ID:
        name = content_id(name)
    return f"{trace or call.stream}:{name}:{choice.index}"


def _event(call: Call, choice: Choice, label: str | None, received: datetime) -> Transcript | None:
    if choice.text is None and label is None and choice.why not in ("hidden", "unreadable"):
        return None
    has_text = choice.text is not None
    own, prompt = call.own, (call.prompt or "") if has_text else ""
    ids = zip(TRACE_FIELDS, (*call.key, call.response_id), strict=True)
    extra: dict[str, Any] = {name: value for name, value in ids if value}
    if "prompt_set" in own:
        extra["prompt_set"] = _name(own, "prompt_set")
    if call.by_span and call.response_id:  # its span may have been counted without a text, under the response's id
        extra[COMPLETES] = answer_id(replace(call, by_span=False), choice)
    return Transcript(
        prompt=prompt,
        response=choice.text or "",
        id=answer_id(call, choice),
        prompt_id=_name(own, "prompt_id") if "prompt_id" in own else _prompt_id(call),
        stream=call.stream,
        model=call.model or UNKNOWN_MODEL,
        conversation_id=call.conversation_id,
        step=step_of(own["step"]) if "step" in own else None,
        ts=_instant(call.time_ns) or received,
        intent=intent_of(own.get("intent")),
        label=label,
        classifier=_name(own, "classifier") if label is not None and "classifier" in own else None,
        extra=extra,
    )


def _prompt_id(call: Call) -> str:
    """Return the unit of resampling: the prompt; where it is not known, the conversation or the trace."""
    if call.prompt:
        return content_id(call.prompt)
    return call.conversation_id or call.key[0] or content_id(call.stream, str(call.time_ns))


def _labels(call: Call) -> list[str | None]:
    """Return a label for every answer: one text for a call with one answer, a list for one with several."""
    stated = call.own.get("label")
    if stated is None:
        return [None] * len(call.choices)
    labels = stated if isinstance(stated, list) else [stated]
    if len(labels) != len(call.choices):
        raise InvalidInput(
            f"secondlaw.label names {len(labels)} labels for {len(call.choices)} answers; give one for each, as a list"
        )
    return [name_of(label, "secondlaw.label") for label in labels]


def _name(own: Mapping[str, Any], field: str) -> str:
    return name_of(own[field], f"secondlaw.{field}")


def _instant(time_ns: int) -> datetime | None:
    """Return a time, None where it is unknown. The largest that OTLP can state lies in the year 2554."""
    return _EPOCH + timedelta(microseconds=time_ns // 1000) if time_ns > 0 else None
