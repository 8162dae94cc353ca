"""Shapes that instrumentations send, written by hand from their published conventions."""

import json

import pytest

from secondlaw.service.genai_calls import Call, Part, read_record
from secondlaw.service.genai_content_switches import content_switch
from secondlaw.service.genai_messages import said
from secondlaw.service.genai_streams import StreamNaming
from secondlaw.service.otlp_records import Note, Record

pytestmark = pytest.mark.unit

NAMING = StreamNaming()
SHOP = {"service.name": "shop", "deployment.environment": "production"}


def span(attributes, **more):
    return Record("traces", "span", "0a" * 16, "0b" * 8, 10**18, attributes, SHOP, **more)


def call_of(attributes, **more):
    call = read_record(span(attributes, **more), NAMING)
    assert isinstance(call, Call), call
    return call


def answers(call):
    return [choice.text or choice.why for choice in call.choices]


CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.response.id": "chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012",
    "gen_ai.conversation.id": "conv_5j66",
}
ASKED = [
    {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
    {"role": "user", "parts": [{"type": "text", "content": "Weather in Paris?"}]},
    {"role": "assistant", "parts": [{"type": "tool_call", "id": "c", "name": "get", "arguments": {"at": "Paris"}}]},
    {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c", "response": "rainy"}]},
]
ANSWERED = [
    {"role": "assistant", "finish_reason": "stop", "parts": [{"type": "text", "content": "It rains."}]},
    {"role": "assistant", "finish_reason": "tool_call", "parts": [{"type": "tool_call", "id": "d", "name": "get"}]},
]


@pytest.mark.parametrize("write", [lambda value: value, json.dumps])
def test_opentelemetry_of_today_structured_and_as_json(write):
    call = call_of(CHAT | {"gen_ai.input.messages": write(ASKED), "gen_ai.output.messages": write(ANSWERED)})
    assert (call.stream, call.model, call.conversation_id) == ("shop@production", "gpt-4o-2024-08-06", "conv_5j66")
    assert (call.prompt, answers(call)) == ("Weather in Paris?", ["It rains.", "tool"])
    assert call.key == ("0a" * 16, "0b" * 8)
    assert call.speaks
    assert not call.is_hidden


def test_the_details_event_is_a_call_as_its_span_is():
    attributes = CHAT | {"gen_ai.input.messages": ASKED, "gen_ai.output.messages": ANSWERED}
    for name, extra in (
        ("gen_ai.client.inference.operation.details", {}),
        ("", {"event.name": "gen_ai.client.inference.operation.details"}),
    ):
        log = Record("logs", name, "0a" * 16, "0b" * 8, 10**18, attributes | extra, SHOP)
        assert read_record(log, NAMING) == call_of(attributes)


def test_without_content_as_many_answers_are_hidden_as_the_call_had():
    assert answers(call_of(CHAT)) == ["hidden"]
    assert answers(call_of(CHAT | {"gen_ai.response.finish_reasons": ["stop", "length"]})) == ["hidden"] * 2
    assert answers(call_of(CHAT | {"gen_ai.request.choice.count": 3})) == ["hidden"] * 3
    assert len(answers(call_of(CHAT | {"gen_ai.request.choice.count": 10**9}))) == 128
    assert call_of(CHAT).is_hidden


def test_messages_cut_off_by_a_length_limit_are_unreadable_not_answers():
    call = call_of(CHAT | {"gen_ai.output.messages": json.dumps(ANSWERED)[:60]})
    assert answers(call) == ["unreadable"]
    assert call.is_hidden


@pytest.mark.parametrize("prefix", [("gen_ai.prompt", "gen_ai.completion"), ("llm.prompts", "llm.completions")])
def test_openllmetry_flattened(prefix):
    asked, answered = prefix
    call = call_of(
        {
            "gen_ai.system": "OpenAI",
            "llm.request.type": "chat",
            "gen_ai.request.model": "gpt-4o",
            "traceloop.association.properties.session_id": "s1",
            f"{asked}.0.role": "system",
            f"{asked}.0.content": "Be brief.",
            f"{asked}.10.role": "user",
            f"{asked}.10.content": "Last?",
            f"{asked}.2.role": "user",
            f"{asked}.2.content": "First?",
            f"{answered}.0.role": "assistant",
            f"{answered}.0.finish_reason": "stop",
            f"{answered}.0.content": "Yes.",
            f"{answered}.1.finish_reason": "tool_calls",
            f"{answered}.1.tool_calls.0.name": "get",
        }
    )
    assert (call.prompt, answers(call), call.conversation_id) == ("Last?", ["Yes.", "tool"], "s1")


def test_openllmetry_without_content_multimodal_and_text_completion():
    silent = {"llm.request.type": "chat", "gen_ai.request.model": "m", "gen_ai.completion.0.finish_reason": "stop"}
    assert answers(call_of(silent)) == ["hidden"]
    parts = json.dumps([{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": "x"}}])
    seen = {"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": parts, "gen_ai.completion.0.content": "A cat."}
    call = call_of(silent | seen)
    assert (call.prompt, answers(call)) == ("What is it?", ["A cat."])
    completion = {
        "llm.request.type": "completion",
        "gen_ai.prompt.0.user": "Once",
        "gen_ai.completion.0.content": " upon",
    }
    assert (call_of(completion).prompt, answers(call_of(completion))) == ("Once", [" upon"])


OPENINFERENCE = {
    "openinference.span.kind": "LLM",
    "llm.model_name": "gpt-4o",
    "llm.system": "openai",
    "session.id": "s2",
}


def test_openinference_messages():
    call = call_of(
        OPENINFERENCE
        | {
            "llm.input_messages.0.message.role": "system",
            "llm.input_messages.0.message.content": "Be brief.",
            "llm.input_messages.1.message.role": "user",
            "llm.input_messages.1.message.contents.0.message_content.type": "text",
            "llm.input_messages.1.message.contents.0.message_content.text": "What is it?",
            "llm.input_messages.1.message.contents.1.message_content.type": "image",
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.content": "A cat.",
            "llm.output_messages.1.message.role": "assistant",
            "llm.output_messages.1.message.tool_calls.0.tool_call.function.name": "multiply",
            "output.value": "{}",
            "output.mime_type": "application/json",
        }
    )
    assert (call.model, call.conversation_id, call.prompt) == ("gpt-4o", "s2", "What is it?")
    assert answers(call) == ["A cat.", "tool"]


def test_openinference_values_alone():
    plain = call_of(OPENINFERENCE | {"input.value": "Hi", "output.value": "Hello."})
    assert (plain.prompt, answers(plain)) == ("Hi", ["Hello."])
    asked = json.dumps({"messages": [{"role": "user", "content": "Hi"}]})
    answered = json.dumps({"choices": [{"message": {"content": "Hello."}}, {"message": {"content": "Hey."}}]})
    kind = "application/json"
    call = call_of(
        OPENINFERENCE
        | {"input.value": asked, "input.mime_type": kind, "output.value": answered, "output.mime_type": kind}
    )
    assert (call.prompt, answers(call)) == ("Hi", ["Hello.", "Hey."])
    assert answers(call_of(OPENINFERENCE | {"output.value": "__REDACTED__"})) == ["hidden"]
    hidden = {"llm.output_messages.0.message.content": "__REDACTED__", "llm.input_messages.0.message.role": "user"}
    assert answers(call_of(OPENINFERENCE | hidden)) == ["hidden"]
    assert answers(call_of(OPENINFERENCE | {"output.value": '{"a":', "output.mime_type": kind})) == ["unreadable"]


def test_messages_as_events_of_the_span():
    notes = (
        Note("gen_ai.user.message", {"gen_ai.event.content": '{"role": "user", "content": "Hi"}'}),
        Note("gen_ai.choice", {"gen_ai.event.content": '{"index": 0, "message": {"content": "Hello."}}'}),
    )
    call = call_of(CHAT, notes=notes)
    assert (call.prompt, answers(call)) == ("Hi", ["Hello."])
    older = (
        Note("gen_ai.content.prompt", {"gen_ai.prompt": '[{"role": "user", "content": "Hi"}]'}),
        Note("gen_ai.content.completion", {"gen_ai.completion": '[{"role": "assistant", "content": "Hello."}]'}),
    )
    call = call_of(CHAT, notes=older)
    assert (call.prompt, answers(call)) == ("Hi", ["Hello."])
    assert answers(call_of(CHAT | {"gen_ai.prompt": "Once", "gen_ai.completion": "upon a time"})) == ["upon a time"]


def test_two_conventions_on_one_span_are_one_call():
    both = CHAT | {"openinference.span.kind": "LLM", "gen_ai.output.messages": json.dumps(ANSWERED[:1])}
    both |= {"llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": "Hi"}
    call = call_of(both | {"llm.output_messages.0.message.content": "It rains."})
    assert (call.prompt, answers(call)) == ("Hi", ["It rains."])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"index": 1, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello."}}, (1, "Hello.")),
        ('{"index": 0, "message": {"content": "Hello."}}', (0, "Hello.")),
        ({"index": 0, "message": "Hello."}, (0, "Hello.")),
        ({"index": 0, "finish_reason": "stop", "message": {"role": "assistant"}}, (0, "hidden")),
        ({"index": 0, "message": {"tool_calls": [{"id": "c"}]}}, (0, "tool")),
        ({"index": 0, "message": {}, "tool_calls": [{"id": "c"}]}, (0, "tool")),
        ({"index": True, "message": {"content": [{"type": "text", "text": "Hello."}]}}, (0, "Hello.")),
    ],
)
def test_per_message_events(body, expected):
    part = read_record(
        Record("logs", "gen_ai.choice", "0a", "0b", 1, {"gen_ai.system": "openai"}, SHOP, body=body), NAMING
    )
    assert isinstance(part, Part)
    (choice,) = part.answer.choices
    assert (choice.index, choice.text or choice.why) == expected
    asked = Record("logs", "gen_ai.user.message", "0a", "0b", 1, {}, SHOP, body={"content": "Hi"})
    assert read_record(asked, NAMING).prompt == "Hi"


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"http.request.method": "GET"},
        {"gen_ai.operation.name": "embeddings", "gen_ai.request.model": "m"},
        {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get"},
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "m", "gen_ai.output.messages": "[]"},
        {"openinference.span.kind": "CHAIN", "output.value": "Hello."},
        {"openinference.span.kind": "AGENT", "gen_ai.request.model": "m"},
        {"llm.request.type": "embedding", "gen_ai.request.model": "m"},
        {"traceloop.span.kind": "workflow", "gen_ai.request.model": "m"},
        {"gen_ai.operation.name": ["chat"]},
        {"gen_ai.operation.name": 5, "openinference.span.kind": 7},
    ],
)
def test_other_spans_are_no_calls(attributes):
    assert read_record(span(attributes), NAMING) == "other"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("", "other"), ("user.signup", "other"), ("gen_ai.system.message", "context"), ("gen_ai.tool.message", "context"),
     ("gen_ai.evaluation.result", "context")],
)  # fmt: skip
def test_other_log_records_are_no_calls(name, expected):
    assert read_record(Record("logs", name, body={"content": "x"}), NAMING) == expected


def test_failed_calls_are_counted_apart():
    assert read_record(span(CHAT, failed=True), NAMING) == "failed"
    assert read_record(span(CHAT | {"error.type": "timeout"}), NAMING) == "failed"
    assert read_record(span({"http.request.method": "GET"}, failed=True), NAMING) == "other"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"content": ""}, (None, "empty")),
        ({"parts": []}, (None, "empty")),
        ({"parts": [{"type": "reasoning", "content": "Let me think."}]}, (None, "empty")),
        ({"parts": [{"type": "reasoning", "content": "No."}, {"type": "text", "content": "Yes."}]}, ("Yes.", "text")),
        ({"parts": [{"type": "text", "content": "a"}, {"type": "text", "content": "b"}]}, ("a\nb", "text")),
        ({"parts": [{"type": "blob", "modality": "image", "content": "aGk="}]}, (None, "media")),
        ({"content": None, "refusal": "I cannot."}, ("I cannot.", "text")),
        ({"content": [{"type": "output_text", "text": "Yes."}]}, ("Yes.", "text")),
        ({"parts": "text"}, (None, "empty")),
        ({"parts": [None, 5, "bare"]}, ("bare", "text")),
        ({"content": 5}, (None, "empty")),
    ],
)
def test_what_a_message_says(message, expected):
    assert said(message) == expected


def test_streams_are_named_by_service_and_environment_unless_told():
    assert NAMING.name({"service.name": "shop"}) == "shop"
    assert NAMING.name(SHOP | {"deployment.environment.name": "staging"}) == "shop@staging"
    assert NAMING.name({}) == "default"
    assert NAMING.name({"service.name": 7}, None) == "7"
    assert NAMING.name(SHOP, "mine") == "mine"
    assert NAMING.name(SHOP, "  ") == "default"
    assert NAMING.name({"service.name": "a\n\u200bb" + "c" * 500}).startswith("a  bccc")
    assert len(NAMING.name({"service.name": "c" * 500})) == 200
    by_region = StreamNaming(("service.namespace", "cloud.region"), "/", "unnamed")
    assert by_region.name({"service.namespace": "eu", "cloud.region": "x"}) == "eu/x"
    resource = SHOP | {"secondlaw.stream": "of resource"}
    own = Record("traces", "s", attributes=CHAT | {"secondlaw.stream": "of span"}, resource=resource)
    assert read_record(own, NAMING).stream == "of span"
    assert read_record(Record("traces", "s", attributes=CHAT, resource=resource), NAMING).stream == "of resource"


def test_every_instrumentation_has_its_switch():
    assert "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT" in content_switch("opentelemetry.util.genai.handler")
    assert content_switch("opentelemetry.instrumentation.openai.v1") == "TRACELOOP_TRACE_CONTENT=true"
    assert "OPENINFERENCE_HIDE" in content_switch("openinference.instrumentation.openai")
    assert "OTEL_INSTRUMENTATION_GENAI" in content_switch("something.new")
