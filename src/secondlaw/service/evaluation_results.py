"""Verdicts written back to OpenTelemetry: ``gen_ai.evaluation.result`` events, linked to the call they judge.

Each is a log record in the trace and span of the call, so that any backend shows it beside the call; where the span is
not known, ``gen_ai.response.id`` names the answer (OpenTelemetry GenAI semantic conventions, "Event:
gen_ai.evaluation.result"). Only categories and scores are sent, never the text.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from secondlaw.behavior.transcripts import Transcript
from secondlaw.errors import EndpointError, InvalidInput
from secondlaw.service.genai_events import TRACE_FIELDS

if TYPE_CHECKING:
    import httpx

__all__ = ["EVENT", "EvaluationResult", "evaluation_request", "result_of_label", "send_evaluations"]

EVENT = "gen_ai.evaluation.result"
NAME = "secondlaw.behavior"
"""``gen_ai.evaluation.name`` of the category of an answer."""
_TRACE_ID, _SPAN_ID = re.compile(r"[0-9a-fA-F]{32}"), re.compile(r"[0-9a-fA-F]{16}")
_RETRYABLE = (429, 502, 503, 504)
_SCOPE = "secondlaw"


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """One verdict on one answer.

    Parameters
    ----------
    name : str
        What was evaluated.
    at : datetime
        When, zone-aware.
    label : str or None
        The verdict as a word of few possible values: a category.
    value : float or None
        The verdict as a number.
    explanation : str or None
        Why; no text of prompt or answer.
    response_id, trace_id, span_id : str or None
        The answer that is judged.
    stream : str or None
        The stream it belongs to.

    Raises
    ------
    InvalidInput
        If there is neither label nor number, the number is not finite, or the time has no zone.

    Examples
    --------
    >>> EvaluationResult(NAME, datetime(2026, 1, 31, tzinfo=UTC), label="g1", response_id="chatcmpl-1").label
    'g1'
    """

    name: str
    at: datetime
    label: str | None = None
    value: float | None = None
    explanation: str | None = None
    response_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    stream: str | None = None

    def __post_init__(self) -> None:
        if self.label is None and self.value is None:
            raise InvalidInput("an evaluation has a label or a value; this has neither")
        if self.value is not None and not math.isfinite(self.value):
            raise InvalidInput(f"the value of an evaluation is finite, got {self.value}")
        if self.at.tzinfo is None:
            raise InvalidInput(f"the time of an evaluation needs a zone, got {self.at.isoformat()}")


def result_of_label(
    event: Transcript,
    label: str,
    *,
    classifier: str,
    at: datetime,
    probs: Mapping[str, float] | None = None,
    meanings: Mapping[str, str] | None = None,
) -> EvaluationResult | None:
    """Return the verdict of a classifier on an event that came by OTLP; None if nothing says which call it was.

    Parameters
    ----------
    event : Transcript
        With the fields of :data:`secondlaw.service.genai_events.TRACE_FIELDS` in its ``extra``.
    label, classifier : str
        The category, and who gave it.
    at : datetime
        When, zone-aware.
    probs : mapping, optional
        Probability by category; that of the label becomes the number.
    meanings : mapping, optional
        What each category means, for the explanation.

    Examples
    --------
    >>> event = Transcript("Hi", "Hello.", "e", "p", extra={"trace_id": "0a" * 16, "span_id": "0b" * 8})
    >>> at = datetime(2026, 1, 31, tzinfo=UTC)
    >>> result_of_label(event, "g1", classifier="embedded 1.1.0", at=at, probs={"g1": 0.9}).value
    0.9
    """
    trace, span, response = (_stated(event.extra.get(name)) for name in TRACE_FIELDS)
    if trace is None and response is None:
        return None
    probability = None if probs is None else probs.get(label)
    meaning = "" if meanings is None or label not in meanings else f" ({meanings[label]})"
    return EvaluationResult(
        name=NAME,
        at=at,
        label=label,
        value=probability,
        explanation=f"category {label}{meaning} by {classifier}"
        + ("" if probability is None else "; the value is its probability"),
        response_id=response,
        trace_id=trace,
        span_id=span,
        stream=event.stream,
    )


def evaluation_request(results: Iterable[EvaluationResult], *, service_name: str = "secondlaw") -> bytes:
    """Return the body of an OTLP export request for logs.

    Parameters
    ----------
    results : iterable of EvaluationResult
    service_name : str
        ``service.name`` of the resource that sends them.

    Returns
    -------
    bytes
        An ``ExportLogsServiceRequest`` in protobuf.

    Examples
    --------
    >>> result = EvaluationResult(NAME, datetime(2026, 1, 31, tzinfo=UTC), label="g1")
    >>> len(evaluation_request([result])) > 100
    True
    """
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    _add(group.resource.attributes, "service.name", service_name)
    scoped = group.scope_logs.add()
    scoped.scope.name = _SCOPE
    for result in results:
        _write(scoped.log_records.add(), result)
    return bytes(request.SerializeToString())


def send_evaluations(
    results: Sequence[EvaluationResult],
    *,
    client: "httpx.Client",
    endpoint: str,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Send verdicts to a collector once; the service's delivery tries again.

    Parameters
    ----------
    results : sequence of EvaluationResult
    client : httpx.Client
    endpoint : str
        Base URL of an OTLP/HTTP receiver, without ``/v1/logs``.
    headers : mapping, optional

    Raises
    ------
    EndpointError
        If the collector refuses or cannot be reached; the message says whether sending again may help.
    """
    import httpx

    url = f"{endpoint.rstrip('/')}/v1/logs"
    sent = {"Content-Type": "application/x-protobuf", **(headers or {})}
    try:
        answer = client.post(url, content=evaluation_request(results), headers=sent)
    except httpx.HTTPError as error:
        raise EndpointError(f"{url} cannot be reached ({type(error).__name__}); it is tried again") from error
    if answer.is_success:
        return
    again = "it is tried again" if answer.status_code in _RETRYABLE else "check the address and the headers"
    raise EndpointError(f"{url} answered {answer.status_code} to {len(results)} verdicts; {again}")


def _write(record: Any, result: EvaluationResult) -> None:  # noqa: ANN401 - a generated class
    since = result.at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    record.time_unix_nano = (since.days * 86400 + since.seconds) * 10**9 + since.microseconds * 1000
    record.observed_time_unix_nano = record.time_unix_nano
    record.severity_number = 9  # INFO
    record.event_name = EVENT
    if _TRACE_ID.fullmatch(result.trace_id or ""):
        record.trace_id = bytes.fromhex(result.trace_id or "")
        if _SPAN_ID.fullmatch(result.span_id or ""):
            record.span_id = bytes.fromhex(result.span_id or "")
    for name, value in (
        ("gen_ai.evaluation.name", result.name),
        ("gen_ai.evaluation.score.value", result.value),
        ("gen_ai.evaluation.score.label", result.label),
        ("gen_ai.evaluation.explanation", result.explanation),
        ("gen_ai.response.id", result.response_id),
        ("secondlaw.stream", result.stream),
    ):
        if value is not None:
            _add(record.attributes, name, value)


def _add(attributes: Any, name: str, value: str | float) -> None:  # noqa: ANN401
    pair = attributes.add(key=name)
    if isinstance(value, str):
        pair.value.string_value = value
    else:
        pair.value.double_value = value


def _stated(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
