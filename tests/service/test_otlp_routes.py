"""The routes: statuses that clients understand, partial success, back-pressure, and no crash whatever is sent."""

import asyncio
import gzip
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

pytest.importorskip("fastapi", reason="the server's packages are not installed")
pytest.importorskip("opentelemetry.proto", reason="opentelemetry-proto is not installed")

import httpx
from fastapi import Depends, FastAPI, HTTPException
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from secondlaw.errors import QueueFull, StorageFull, StorageUnavailable
from secondlaw.service import otlp_routes
from secondlaw.service.otlp_routes import OtlpOptions, otlp_router

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
BINARY, JSON = "application/x-protobuf", "application/json"
TRACE, SPAN = "0a" * 16, "0b" * 8


@dataclass
class Rejected:
    index: int
    reason: str


@dataclass
class Receipt:
    rejected: tuple = ()


class Shelf:
    def __init__(self):
        self.events, self.error, self.refused = [], None, {}

    def accept(self, events):
        if self.error is not None:
            raise self.error
        rejected = [Rejected(k, self.refused[e.stream]) for k, e in enumerate(events) if e.stream in self.refused]
        self.events += [event for event in events if event.stream not in self.refused]
        return Receipt(tuple(rejected))


def app_of(shelf, *, patience=0.0, **more):
    options = OtlpOptions(patience=patience, **more.pop("limits", {}))
    app = FastAPI()
    app.include_router(otlp_router(shelf.accept, options=options, clock=lambda: NOW, **more))
    return app


def post(app, path="/v1/traces", content=b"", kind=JSON, **headers):
    async def go():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.post(path, content=content, headers={"Content-Type": kind} | named)

    return asyncio.run(go())


def spans(*texts, services=("shop",), **own):
    """A request with one model call for every text and service."""
    request = ExportTraceServiceRequest()
    for service in services:
        group = request.resource_spans.add()
        group.resource.attributes.add(key="service.name").value.string_value = service
        scoped = group.scope_spans.add()
        for number, text in enumerate(texts):
            span = scoped.spans.add(trace_id=bytes([number + 1] * 16), span_id=b"\1" * 8, end_time_unix_nano=5)
            stated = {"gen_ai.operation.name": "chat", "gen_ai.completion.0.content": text} | own
            for name, value in ((name, value) for name, value in stated.items() if value is not None):
                span.attributes.add(key=name).value.string_value = value
    return request.SerializeToString()


@pytest.mark.unit
def test_protobuf_and_gzip_are_accepted_in_full():
    shelf = Shelf()
    answer = post(app_of(shelf), content=gzip.compress(spans("a", "b")), kind=BINARY, Content_Encoding="gzip")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"", BINARY)
    assert [event.response for event in shelf.events] == ["a", "b"]


@pytest.mark.unit
@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs"])
def test_empty_requests_succeed(path):
    assert post(app_of(Shelf()), path, b"", BINARY).content == b""
    assert post(app_of(Shelf()), path, b"{}").json() == {}


@pytest.mark.unit
def test_records_that_cannot_be_stored_are_rejected_with_the_reason():
    shelf = Shelf()
    shelf.refused = {"odd": "there is no stream 'odd'"}
    answer = post(app_of(shelf), content=spans("a", "b", services=("shop", "odd")), kind=BINARY)
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, partial.rejected_spans, partial.error_message) == (200, 2, "there is no stream 'odd'")
    assert len(shelf.events) == 2
    answer = post(app_of(shelf), content=spans("a", **{"secondlaw.step": "late"}), kind=BINARY)
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert partial.rejected_spans == 1
    assert "step is a whole number from 0, got 'late'" in partial.error_message


@pytest.mark.unit
def test_many_reasons_are_cut_short():
    shelf = Shelf()
    shelf.refused = {f"s{k}": f"no {k}" for k in range(9)}
    answer = post(app_of(shelf), content=spans("a", services=tuple(shelf.refused)), kind=BINARY)
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (partial.rejected_spans, partial.error_message) == (9, "no 0; no 1; no 2; and 6 more")


@pytest.mark.unit
def test_messages_that_were_cut_off_are_a_warning():
    attributes = [{"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
                  {"key": "gen_ai.output.messages", "value": {"stringValue": '[{"role": "assis'}}]  # fmt: skip
    body = {
        "resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": TRACE, "spanId": SPAN, "attributes": attributes}]}]}]
    }
    partial = post(app_of(Shelf()), content=json.dumps(body)).json()["partialSuccess"]
    assert "rejectedSpans" not in partial
    assert "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT" in partial["errorMessage"]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"content": b"{"}, 400),
        ({"content": b"\xff", "kind": BINARY}, 400),
        ({"content": b"plain", "Content_Encoding": "gzip"}, 400),
        ({"content": b"x" * 3000}, 413),
        ({"content": gzip.compress(b"0" * 30000), "Content_Encoding": "gzip"}, 413),
        ({"content": b"{}", "kind": "text/plain"}, 415),
        ({"content": b"{}", "Content_Encoding": "br"}, 415),
    ],
)
def test_requests_that_never_can_be_stored(request_, status):
    answer = post(app_of(Shelf(), limits={"body_bytes": 2000}), **request_)
    assert answer.status_code == status
    assert "Retry-After" not in answer.headers
    if request_.get("kind") == BINARY:
        assert answer.headers["content-type"] == BINARY
    else:
        assert answer.json()["message"]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("error", "status", "wait"),
    [(QueueFull("7 events wait"), 429, "5"), (StorageUnavailable("secret-host is down"), 503, "5"),
     (StorageFull("the disk is full"), 503, "60")],
)  # fmt: skip
def test_what_cannot_be_stored_now_is_sent_again(error, status, wait):
    shelf = Shelf()
    shelf.error = error
    answer = post(app_of(shelf), content=spans("a"), kind=BINARY)
    assert (answer.status_code, answer.headers["retry-after"]) == (status, wait)
    assert b"secret" not in answer.content


@pytest.mark.unit
def test_a_body_that_arrives_too_slowly_is_given_up():
    async def drip():
        yield b"{"
        await asyncio.sleep(30)

    answer = post(app_of(Shelf(), limits={"body_seconds": 0.05}), content=drip())
    assert answer.status_code == 408


@pytest.mark.unit
def test_a_client_that_goes_away_is_no_crash():
    sent = []

    async def go():
        messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])

        async def receive():
            return next(messages)

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "path": "/v1/logs",
        }
        scope |= {"query_string": b"", "headers": [(b"content-type", b"application/json")], "root_path": ""}
        await app_of(Shelf())(scope, receive, send)

    asyncio.run(go())
    assert sent[0]["status"] == 400


@pytest.mark.unit
def test_a_body_without_length_is_limited_too():
    async def flood():
        while True:
            yield b"x" * 1000

    assert post(app_of(Shelf(), limits={"body_bytes": 5000}), content=flood()).status_code == 413


@pytest.mark.unit
def test_the_application_decides_who_may_send_and_to_which_stream():
    def authorised():
        raise HTTPException(401)

    shelf = Shelf()
    assert post(app_of(shelf, dependencies=[Depends(authorised)]), content=spans("a"), kind=BINARY).status_code == 401
    app = app_of(shelf, permits=lambda request, stream: stream == request.headers.get("x-stream"))
    answer = post(app, content=spans("a", services=("shop", "other")), kind=BINARY, x_stream="shop")
    assert ExportTraceServiceResponse.FromString(answer.content).partial_success.rejected_spans == 1
    assert [event.stream for event in shelf.events] == ["shop"]


def hidden_span():
    return spans("", **{"gen_ai.completion.0.content": None, "gen_ai.request.model": "m"})


def choice_log():
    request = ExportLogsServiceRequest()
    log = (
        request.resource_logs.add()
        .scope_logs.add()
        .log_records.add(trace_id=b"\1" * 16, span_id=b"\1" * 8, event_name="gen_ai.choice", time_unix_nano=5)
    )
    message = log.body.kvlist_value.values.add(key="message").value.kvlist_value
    message.values.add(key="content").value.string_value = "Hello."
    return request.SerializeToString()


@asynccontextmanager
async def running(app):
    """Run the application with what it does at its start and end."""
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://here") as client,
    ):
        yield client


@pytest.mark.unit
def test_calls_without_text_are_counted_after_patience_and_at_the_end(monkeypatch):
    monkeypatch.setattr(otlp_routes, "_TICK", 0.01)

    async def go(passed, until):
        shelf, now = Shelf(), [0.0]
        async with running(app_of(shelf, patience=10.0, monotonic=lambda: now[0])) as client:
            await client.post("/v1/traces", content=hidden_span(), headers={"Content-Type": BINARY})
            await asyncio.sleep(0.05)  # some looks
            early, now[0] = len(shelf.events), passed
            async with asyncio.timeout(120):
                while len(shelf.events) < until:
                    await asyncio.sleep(0.01)
        return early, [(event.response, event.model) for event in shelf.events]

    assert asyncio.run(go(10.1, 1)) == (0, [("", "m")])
    assert asyncio.run(go(0.0, 0)) == (0, [("", "m")])


@pytest.mark.unit
def test_calls_without_text_wait_on_while_the_store_is_away(monkeypatch, caplog):
    monkeypatch.setattr(otlp_routes, "_TICK", 0.01)

    async def go():
        shelf = Shelf()
        shelf.error = RuntimeError("with a secret")
        async with running(app_of(shelf, patience=0.01)) as client, asyncio.timeout(120):
            await client.post("/v1/traces", content=hidden_span(), headers={"Content-Type": BINARY})
            while not caplog.records:
                await asyncio.sleep(0.01)
            shelf.error = None
        return len(shelf.events)

    assert asyncio.run(go()) == 1
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.unit
def test_a_message_is_acknowledged_when_its_span_has_come_and_it_is_stored():
    async def go():
        shelf, looks = Shelf(), []

        def monotonic():  # it is asked at each look for the span
            looks.append(len(shelf.events))
            return 0.0

        async with running(app_of(shelf, patience=20.0, monotonic=monotonic)) as client:
            log = asyncio.create_task(client.post("/v1/logs", content=choice_log(), headers={"Content-Type": BINARY}))
            async with asyncio.timeout(120):
                while len(looks) < 5:
                    await asyncio.sleep(0.01)
            assert not log.done()
            assert shelf.events == []
            await client.post("/v1/traces", content=hidden_span(), headers={"Content-Type": BINARY})
            assert (await log).status_code == 200
            stored = [(event.response, event.model, event.stream) for event in shelf.events]
        return stored, len(shelf.events)

    assert asyncio.run(go()) == ([("Hello.", "m", "shop")], 1)


@pytest.mark.unit
def test_a_message_whose_span_never_comes_is_stored_without_it():
    shelf = Shelf()
    assert post(app_of(shelf), "/v1/logs", choice_log(), BINARY).status_code == 200
    assert [(event.response, event.model) for event in shelf.events] == [("Hello.", "unknown")]


@pytest.mark.unit
def test_the_routes_are_described():
    document = app_of(Shelf()).openapi()
    assert set(document["paths"]) == {"/v1/traces", "/v1/logs"}
    for path in document["paths"].values():
        assert set(path["post"]["requestBody"]["content"]) == {JSON, BINARY}
        assert {"200", "400", "413", "415", "429", "503"} <= set(path["post"]["responses"])


FUZZED = app_of(Shelf())
SEEDS = [spans("a", "b"), hidden_span(), choice_log()]
KEYS = st.sampled_from(
    ["gen_ai.operation.name", "gen_ai.request.model", "gen_ai.output.messages", "gen_ai.input.messages",
     "gen_ai.completion.0.content", "gen_ai.prompt.0.role", "gen_ai.prompt.999999.content", "gen_ai.response.id",
     "gen_ai.response.finish_reasons", "gen_ai.request.choice.count", "openinference.span.kind", "output.value",
     "output.mime_type", "llm.output_messages.0.message.content", "llm.output_messages.0.message.contents.0.x",
     "secondlaw.label", "secondlaw.step", "secondlaw.stream", "secondlaw.intent", "secondlaw.prompt_id",
     "gen_ai.event.content", "event.name", "service.name", "session.id"]
)  # fmt: skip
WORDS = st.sampled_from(
    ["chat", "LLM", "m", "[]", "[{}]", '[{"parts": [{"type": "text", "content": 5}]}]', "[[1]]", '{"choices": [0]}',
     "application/json", "user", "null", "\0", "gen_ai.choice", "gen_ai.user.message", "x" * 300]
)  # fmt: skip
SCALARS = st.one_of(
    WORDS.map(lambda v: {"stringValue": v}),
    st.integers(-(2**63), 2**63 - 1).map(lambda v: {"intValue": str(v)}),
    st.floats().map(lambda v: {"doubleValue": repr(v).replace("inf", "Infinity").replace("nan", "NaN")}),
    st.booleans().map(lambda v: {"boolValue": v}),
    st.just({}),
)
INNER_KEYS = st.sampled_from(["role", "parts", "content", "type", "message", "index", "tool_calls"])


def _lists(inner):
    return st.lists(inner, max_size=2).map(lambda v: {"arrayValue": {"values": v}})


def _objects(inner):
    pairs = st.builds(lambda k, v: {"key": k, "value": v}, INNER_KEYS, inner)
    return st.lists(pairs, max_size=3).map(lambda v: {"kvlistValue": {"values": v}})


ANY = st.recursive(SCALARS, lambda inner: _lists(inner) | _objects(inner), max_leaves=8)
SOME = st.lists(st.builds(lambda k, v: {"key": k, "value": v}, KEYS, ANY), max_size=6)


@pytest.mark.law
@settings(max_examples=150, deadline=None)
@given(
    body=st.binary(max_size=200),
    path=st.sampled_from(["/v1/traces", "/v1/logs"]),
    kind=st.sampled_from([BINARY, JSON, "text/plain"]),
    packing=st.sampled_from(["gzip", "deflate", "identity"]),
)
def test_arbitrary_bytes_are_answered(body, path, kind, packing):
    assert post(FUZZED, path, body, kind, Content_Encoding=packing).status_code in (200, 400, 415)


@pytest.mark.law
@settings(max_examples=150, deadline=None)
@given(data=st.data(), seed=st.sampled_from(SEEDS), path=st.sampled_from(["/v1/traces", "/v1/logs"]))
def test_mutated_requests_are_answered(data, seed, path):
    body = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
        body = body or bytearray(b"\0")
    assert post(FUZZED, path, bytes(body), BINARY).status_code in (200, 400)


@pytest.mark.law
@settings(max_examples=120, deadline=None)
@given(attributes=SOME, resource=SOME, body=ANY, name=WORDS, time=st.integers(0, 2**64 - 1), ids=st.booleans())
def test_well_formed_requests_with_odd_values_are_accepted(attributes, resource, body, name, time, ids):
    about = {"traceId": TRACE, "spanId": SPAN} if ids else {}
    span = {"name": name, "attributes": attributes, "endTimeUnixNano": str(time), **about}
    log = {"eventName": name, "attributes": attributes, "body": body, "timeUnixNano": time, **about}
    note = span | {"attributes": [{"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}],
                   "events": [{"name": "gen_ai.choice", "attributes": attributes}]}  # fmt: skip
    about = {"attributes": resource}
    traces = {"resourceSpans": [{"resource": about, "scopeSpans": [{"spans": [span, note]}]}]}
    logs = {"resourceLogs": [{"resource": about, "scopeLogs": [{"logRecords": [log]}]}]}
    assert post(FUZZED, "/v1/traces", json.dumps(traces)).status_code == 200
    assert post(FUZZED, "/v1/logs", json.dumps(logs)).status_code == 200
