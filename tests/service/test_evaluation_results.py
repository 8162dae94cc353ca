"""Verdicts written back as events that OpenTelemetry's own messages read."""

from datetime import UTC, datetime

import pytest

pytest.importorskip("opentelemetry.proto", reason="opentelemetry-proto is not installed")

import httpx
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from secondlaw.behavior.transcripts import Transcript
from secondlaw.errors import EndpointError, InvalidInput
from secondlaw.service.evaluation_results import (
    EVENT,
    EvaluationResult,
    evaluation_request,
    result_of_label,
    send_evaluations,
)
from secondlaw.service.genai_calls import read_record
from secondlaw.service.genai_events import events_of_call
from secondlaw.service.genai_streams import StreamNaming
from secondlaw.service.otlp_protobuf import records_from_protobuf
from secondlaw.service.otlp_records import Record

pytestmark = pytest.mark.unit

AT = datetime(2026, 1, 31, 12, 0, 0, 5, tzinfo=UTC)
TRACE, SPAN = "0a" * 16, "0b" * 8


def event():
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.completion.0.content": "No.",
    }
    call = read_record(Record("traces", "chat", TRACE, SPAN, 5, attributes, {"service.name": "shop"}), StreamNaming())
    (made,) = events_of_call(call, received=AT)
    return made


def test_a_verdict_is_linked_to_the_call_it_judges():
    result = result_of_label(
        event(), "g2", classifier="embedded 1.1.0", at=AT, probs={"g1": 0.25, "g2": 0.75}, meanings={"g2": "harmful"}
    )
    (record,) = records_from_protobuf(evaluation_request([result]), "logs")
    assert (record.name, record.trace_id, record.span_id) == (EVENT, TRACE, SPAN)
    assert record.time_ns == 1769860800 * 10**9 + 5000
    assert record.resource == {"service.name": "secondlaw"}
    assert record.attributes == {
        "gen_ai.evaluation.name": "secondlaw.behavior",
        "gen_ai.evaluation.score.value": 0.75,
        "gen_ai.evaluation.score.label": "g2",
        "gen_ai.evaluation.explanation": "category g2 (harmful) by embedded 1.1.0; the value is its probability",
        "gen_ai.response.id": "chatcmpl-1",
        "secondlaw.stream": "shop",
    }
    assert read_record(record, StreamNaming()) == "context"  # our own verdicts are no calls to us


def test_without_probabilities_there_is_no_number():
    result = result_of_label(event(), "outside", classifier="c", at=AT)
    (record,) = records_from_protobuf(evaluation_request([result]), "logs")
    assert "gen_ai.evaluation.score.value" not in record.attributes


def test_events_that_came_otherwise_have_nothing_to_link_to():
    assert result_of_label(Transcript("Hi", "No.", "e", "p"), "g1", classifier="c", at=AT) is None
    odd = Transcript("Hi", "No.", "e", "p", extra={"trace_id": "[card]" + "x" * 26, "span_id": 7})
    (record,) = records_from_protobuf(evaluation_request([result_of_label(odd, "g1", classifier="c", at=AT)]), "logs")
    assert (record.trace_id, record.span_id) == ("", "")
    by_id = Transcript("Hi", "No.", "e", "p", extra={"response_id": "r1"})
    (record,) = records_from_protobuf(evaluation_request([result_of_label(by_id, "g1", classifier="c", at=AT)]), "logs")
    assert record.attributes["gen_ai.response.id"] == "r1"


@pytest.mark.parametrize(
    ("fields", "message"),
    [({}, "neither"), ({"value": float("nan")}, "finite"), ({"label": "g1", "at": AT.replace(tzinfo=None)}, "zone")],
)
def test_verdicts_that_say_nothing_are_refused(fields, message):
    with pytest.raises(InvalidInput, match=message):
        EvaluationResult(**({"name": "n", "at": AT} | fields))


def test_a_collector_gets_them():
    seen = []

    def collector(request):
        seen.append(request)
        return httpx.Response(200)

    results = [EvaluationResult("n", AT, label="g1"), EvaluationResult("n", AT, value=1.0)]
    with httpx.Client(transport=httpx.MockTransport(collector)) as client:
        send_evaluations(results, client=client, endpoint="http://collector:4318/", headers={"x-token": "t"})
    (request,) = seen
    assert (request.url.path, request.headers["content-type"]) == ("/v1/logs", "application/x-protobuf")
    assert request.headers["x-token"] == "t"
    sent = ExportLogsServiceRequest.FromString(request.content)
    assert len(sent.resource_logs[0].scope_logs[0].log_records) == 2


@pytest.mark.parametrize(("status", "again"), [(503, "tried again"), (429, "tried again"), (401, "check the address")])
def test_a_collector_that_refuses_is_an_error(status, again):
    transport = httpx.MockTransport(lambda _: httpx.Response(status))
    with httpx.Client(transport=transport) as client, pytest.raises(EndpointError, match=f"{status}.*{again}"):
        send_evaluations([EvaluationResult("n", AT, label="g1")], client=client, endpoint="http://collector")


def test_a_collector_that_is_away_is_an_error():
    def away(request):
        raise httpx.ConnectError("refused", request=request)

    with httpx.Client(transport=httpx.MockTransport(away)) as client, pytest.raises(EndpointError, match="tried again"):
        send_evaluations([EvaluationResult("n", AT, label="g1")], client=client, endpoint="http://collector")
