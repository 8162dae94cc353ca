"""Which records are model calls, and what each says of its call.

A span or a ``gen_ai.client.inference.operation.details`` event is a whole call. The per-message events of the
conventions up to 1.36 (``gen_ai.user.message``, ``gen_ai.choice``) are parts of one: they carry text, while model and
ids are on the span. Everything else (embeddings, tools, agents, workflows, other spans) is no model call.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from secondlaw.service.genai_messages import Choice, said
from secondlaw.service.genai_streams import StreamNaming
from secondlaw.service.genai_texts import CHOICE, OUTPUT, USER, choice_of_event, event_body, texts_of_record
from secondlaw.service.openinference import KIND
from secondlaw.service.otlp_records import Record

__all__ = ["Call", "CallKey", "Part", "Seen", "read_record"]

DETAILS = "gen_ai.client.inference.operation.details"
OWN = "secondlaw."
"""Prefix of the attributes that applications may set for us."""
CallKey = tuple[str, str]
"""Trace id and span id; both empty where the record belongs to no span."""

_MODEL_OPERATIONS = ("chat", "text_completion", "generate_content", "completion", "responses", "message", "messages")
_OTHER_OPERATIONS = (
    "embeddings", "embedding", "execute_tool", "create_agent", "invoke_agent", "invoke_workflow", "retrieval", "rerank",
    "search_memory", "plan", "transcription", "speech", "image_generation",
)  # fmt: skip
_MODEL_REQUESTS = ("chat", "completion")
_MODEL_NAMES = ("gen_ai.response.model", "gen_ai.request.model", "llm.model_name")
_CONVERSATIONS = ("gen_ai.conversation.id", "session.id", "traceloop.association.properties.session_id")
_HELD_CHOICES = 128
"""At most so many answers are believed of a call that shows none of them."""


@dataclass(frozen=True, slots=True)
class Call:
    """A model call as one record tells it.

    Parameters
    ----------
    stream : str
    key : tuple of str
        Trace id and span id.
    time_ns : int
        When it ended, nanoseconds since 1970 UTC; 0 where unknown.
    model, prompt, response_id, conversation_id : str or None
        As far as the record knows.
    choices : tuple of Choice
        Its answers, at least one.
    own : mapping
        Attributes of the application for us, without their prefix.
    scope : str
        Name of the instrumentation.
    by_span : bool
        Whether an answer is known by its span alone, whatever the response id (per-message events lack one).
    parent : str
        Id of the span around the call's, "" where there is none or it is not known.
    """

    stream: str
    key: CallKey
    time_ns: int
    model: str | None
    prompt: str | None
    choices: tuple[Choice, ...]
    response_id: str | None = None
    conversation_id: str | None = None
    own: Mapping[str, Any] = field(default_factory=dict)
    scope: str = ""
    by_span: bool = False
    parent: str = ""

    @property
    def speaks(self) -> bool:
        """Whether any answer has its text here."""
        return any(choice.text is not None for choice in self.choices)

    @property
    def is_hidden(self) -> bool:
        """Whether content is not captured here; another record of the same call may have it."""
        return not self.speaks and any(choice.why in ("hidden", "unreadable") for choice in self.choices)


@dataclass(frozen=True, slots=True)
class Part:
    """A per-message event: the prompt, or the answer as a call that knows neither model nor ids."""

    key: CallKey
    time_ns: int
    stream: str
    prompt: str | None = None
    answer: Call | None = None


Seen = Call | Part | Literal["other", "failed", "context"]
"""What a record is; ``"context"`` is a message of the history, of which nothing is needed."""


def read_record(record: Record, naming: StreamNaming) -> Seen:
    """Return what a record says of a model call.

    Examples
    --------
    >>> span = Record("traces", "chat m", attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"})
    >>> call = read_record(span, StreamNaming())
    >>> call.model, call.is_hidden
    ('m', True)
    """
    if record.signal == "traces":
        if not _is_model_span(record.attributes):
            return "other"
    else:
        name = record.name or record.attributes.get("event.name")
        if name in (USER, CHOICE):
            return _part(record, naming, str(name))
        if name != DETAILS:
            return "context" if isinstance(name, str) and name.startswith("gen_ai.") else "other"
    if record.failed or record.attributes.get("error.type") is not None:
        return "failed"
    return _call(record, naming)


def _is_model_span(attributes: Mapping[str, Any]) -> bool:
    kind = attributes.get(KIND)
    if isinstance(kind, str):
        return kind.upper() == "LLM"
    operation = attributes.get("gen_ai.operation.name")
    if operation in _MODEL_OPERATIONS or operation in _OTHER_OPERATIONS:
        return operation in _MODEL_OPERATIONS
    request = attributes.get("llm.request.type")
    if request is not None:
        return request in _MODEL_REQUESTS
    if "traceloop.span.kind" in attributes:
        return False
    return any(name in attributes for name in (*_MODEL_NAMES, OUTPUT, "gen_ai.completion.0.content"))


def _call(record: Record, naming: StreamNaming) -> Call:
    texts = texts_of_record(record)
    own = _own(record)
    return Call(
        stream=naming.name(record.resource, own.get("stream")),
        key=_key(record),
        time_ns=record.time_ns,
        model=_first(record.attributes, _MODEL_NAMES),
        prompt=texts.prompt,
        choices=texts.choices or _hidden(record.attributes),
        response_id=_first(record.attributes, ("gen_ai.response.id",)),
        conversation_id=_first(record.attributes, _CONVERSATIONS),
        own=own,
        scope=record.scope,
        parent=record.parent if record.parent.strip("0") else "",
    )


def _hidden(attributes: Mapping[str, Any]) -> tuple[Choice, ...]:
    """Return as many answers without text as the call says it had."""
    reasons = attributes.get("gen_ai.response.finish_reasons")
    asked = attributes.get("gen_ai.request.choice.count")
    count = len(reasons) if isinstance(reasons, list) and reasons else asked if type(asked) is int else 1
    return tuple(Choice(index, None, "hidden") for index in range(min(max(count, 1), _HELD_CHOICES)))


def _part(record: Record, naming: StreamNaming, name: str) -> Part:
    body = event_body(record.attributes, record.body)
    own = _own(record)
    key, stream = _key(record), naming.name(record.resource, own.get("stream"))
    if name == USER:
        return Part(key, record.time_ns, stream, prompt=said(body)[0])
    answer = Call(
        stream=stream,
        key=key,
        time_ns=record.time_ns,
        model=_first(record.attributes, _MODEL_NAMES),
        prompt=None,
        choices=(choice_of_event(body, 0),),
        conversation_id=_first(record.attributes, _CONVERSATIONS),
        own=own,
        scope=record.scope,
        by_span=True,
    )
    return Part(key, record.time_ns, stream, answer=answer)


def _key(record: Record) -> CallKey:
    """Return trace id and span id; ids of zeros alone mean that there are none (W3C Trace Context)."""
    return record.trace_id if record.trace_id.strip("0") else "", record.span_id if record.span_id.strip("0") else ""


def _own(record: Record) -> dict[str, Any]:
    """Return what the application says for us: on the resource, and on the record, which wins."""
    return {
        name.removeprefix(OWN): value
        for attributes in (record.resource, record.attributes)
        for name, value in attributes.items()
        if name.startswith(OWN)
    }


def _first(attributes: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((value for name in names if isinstance(value := attributes.get(name), str) and value), None)
