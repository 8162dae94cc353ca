"""OTLP into the real store: texts wait for a label, silence is counted, nothing is doubled, verdicts find the call."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("fastapi", reason="the server's packages are not installed")
pytest.importorskip("sqlalchemy", reason="the store's packages are not installed")
pytest.importorskip("opentelemetry.proto", reason="opentelemetry-proto is not installed")

import httpx
from fastapi import FastAPI
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from secondlaw.service.evaluation_results import result_of_label
from secondlaw.service.otlp_routes import OtlpOptions, otlp_router
from secondlaw.storage import open_store

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
LONG = "chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012"


def request_of(*calls):
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = "shop"
    scoped = group.scope_spans.add()
    for number, own in enumerate(calls, start=1):
        span = scoped.spans.add(trace_id=bytes([number] * 16), span_id=b"\1" * 8)
        span.end_time_unix_nano = int(NOW.timestamp()) * 10**9
        for name, value in ({"gen_ai.operation.name": "chat", "gen_ai.response.id": LONG} | own).items():
            span.attributes.add(key=name).value.string_value = value
    return request.SerializeToString()


def send(store, *bodies):
    async def go():
        app = FastAPI()
        app.include_router(otlp_router(store.events.add, options=OtlpOptions(patience=60.0), clock=lambda: NOW))
        transport = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://x") as client,
        ):
            headers = {"Content-Type": "application/x-protobuf"}
            return [await client.post("/v1/traces", content=body, headers=headers) for body in bodies]

    return asyncio.run(go())


def test_events_are_stored_once_and_queued_with_what_links_a_verdict_to_its_call(tmp_path):
    calls = ({"gen_ai.completion.0.content": "Hello."}, {}, {"secondlaw.label": "g4"}, {"secondlaw.label": "odd"})
    body = request_of(*calls)
    with open_store(f"sqlite:///{tmp_path}/store.db", clock=lambda: NOW + timedelta(minutes=1)) as store:
        answers = send(store, body, body)
        for answer in answers:
            partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
            assert partial.rejected_spans == 1
            assert "'odd'" in partial.error_message
        arrivals = store.events.arrivals("shop")
        assert (arrivals.received.sum(), arrivals.no_text.sum(), arrivals.queued.sum()) == (3, 1, 1)
        assert store.counts.totals("shop").table.sum() == 1
        batch = store.queue.lease(owner="here")
        (waiting,) = [item.transcript for item in batch.items]
    assert waiting.response == "Hello."
    verdict = result_of_label(waiting, "g1", classifier="c", at=NOW)
    assert (verdict.trace_id, verdict.span_id, verdict.response_id) == ("01" * 16, "01" * 8, LONG)
