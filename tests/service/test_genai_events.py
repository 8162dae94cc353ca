"""Events of calls: their ids, what applications may set, and records of one call that arrive apart."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secondlaw.behavior.transcripts import content_id
from secondlaw.errors import InvalidInput
from secondlaw.service.genai_calls import Call, Part
from secondlaw.service.genai_events import events_of_call
from secondlaw.service.genai_joining import MOST_CHARACTERS, CallMemory
from secondlaw.service.genai_messages import Choice
from secondlaw.service.genai_streams import StreamNaming
from secondlaw.service.otlp_receiver import OTHERS, Receiver, Tally
from secondlaw.service.otlp_records import Record

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
LONG = "chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012"
TRACE, SPAN = "0a" * 16, "0b" * 8


def call(*texts, **more):
    choices = tuple(Choice(k, text, "text" if text else "hidden") for k, text in enumerate(texts or ("Hello.",)))
    return Call(**({"stream": "shop", "key": (TRACE, SPAN), "time_ns": 1769860800 * 10**9 + 1500, "model": "m",
                    "prompt": "Hi", "choices": choices, "response_id": LONG} | more))  # fmt: skip


def ids(*calls):
    return [event.id for one in calls for event in events_of_call(one, received=NOW)]


@pytest.mark.unit
def test_an_event_says_what_the_call_says():
    own = {"intent": "harmful", "prompt_set": "night", "step": 4, "stream": "shop"}
    (event,) = events_of_call(call(own=own, conversation_id="c"), received=NOW)
    assert (event.prompt, event.response, event.stream, event.model) == ("Hi", "Hello.", "shop", "m")
    assert event.ts == datetime(2026, 1, 31, 12, 0, 0, 1, tzinfo=UTC)
    assert (event.intent, event.step, event.extra["prompt_set"], event.conversation_id) == ("harmful", 4, "night", "c")
    assert event.prompt_id == content_id("Hi")
    assert (event.extra["trace_id"], event.extra["span_id"], event.extra["response_id"]) == (TRACE, SPAN, LONG)
    (event,) = events_of_call(call(own={"prompt_id": "p7"}, time_ns=0, model=None), received=NOW)
    assert (event.prompt_id, event.ts, event.model) == ("p7", NOW, "unknown")
    assert events_of_call(call(time_ns=2**64 - 1), received=NOW)[0].ts.year == 2554


@pytest.mark.unit
def test_span_and_log_record_and_a_second_instrumentation_give_one_id():
    around = call(key=(TRACE, "0c" * 8))
    assert ids(call()) == ids(call(time_ns=5)) == ids(around) == [f"{TRACE}:{LONG}:0"]


@pytest.mark.unit
def test_several_answers_are_several_events():
    assert ids(call("a", "b", "a")) == [f"{TRACE}:{LONG}:{k}" for k in range(3)]


@pytest.mark.unit
def test_a_cached_answer_in_another_trace_counts_again():
    assert ids(call()) != ids(call(key=("0d" * 16, SPAN)))


@pytest.mark.unit
def test_numbered_response_ids_are_not_trusted():
    first, second = (call(response_id="chatcmpl-77", key=(TRACE, span)) for span in ("01" * 8, "02" * 8))
    assert ids(first) != ids(second)
    assert ids(first) == [f"{TRACE}:{'01' * 8}:0"]


@pytest.mark.unit
def test_records_without_a_trace_have_ids_all_the_same():
    assert ids(call(key=("", ""))) == [f"shop:{LONG}:0"]
    lone = call(key=("", ""), response_id=None)
    assert ids(lone) == ids(lone)
    assert ids(lone) != ids(replace(lone, time_ns=6))
    assert len(ids(call(response_id="x" * 5000))[0]) < 100


@pytest.mark.unit
def test_answers_without_text_keep_no_prompt_and_have_the_id_of_the_text_to_come():
    (event,) = events_of_call(call(None), received=NOW)
    assert (event.prompt, event.response, event.id) == ("", "", f"{TRACE}:{LONG}:0")


@pytest.mark.unit
def test_a_per_message_answer_names_the_event_that_its_span_would_be_without_text():
    (event,) = events_of_call(call(by_span=True), received=NOW)
    (silent,) = events_of_call(call(None), received=NOW)
    assert event.id != silent.id
    assert event.extra["completes"] == silent.id
    (whole,) = events_of_call(call(), received=NOW)
    assert "completes" not in whole.extra


@pytest.mark.unit
def test_tool_calls_pictures_and_empty_answers_are_no_events_unless_labelled():
    choices = tuple(Choice(k, None, why) for k, why in enumerate(("tool", "media", "empty")))
    assert ids(call(choices=choices)) == []
    (event,) = events_of_call(call(choices=choices[:1], own={"label": "g1", "classifier": "ours 2"}), received=NOW)
    assert (event.label, event.classifier, event.response, event.id) == ("g1", "ours 2", "", f"{TRACE}:{LONG}:0")


@pytest.mark.unit
def test_labels_for_every_answer():
    labelled = events_of_call(call("a", "b", own={"label": ["g1", "g4"]}), received=NOW)
    assert [event.label for event in labelled] == ["g1", "g4"]
    with pytest.raises(InvalidInput, match=r"secondlaw\.label names 1 labels for 2 answers"):
        events_of_call(call("a", "b", own={"label": "g1"}), received=NOW)


@pytest.mark.unit
@pytest.mark.parametrize(
    "own", [{"step": "late"}, {"step": -1}, {"intent": "odd"}, {"prompt_id": ""}, {"prompt_set": 1.5}, {"label": {}}]
)
def test_wrong_attributes_are_refused(own):
    with pytest.raises(InvalidInput, match=next(iter(own))):
        events_of_call(call(own=own), received=NOW)


def receiver(**more):
    return Receiver(naming=StreamNaming(), patience=10, **more)


def span(output=None, at="0b" * 8, **attributes):
    stated = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.response.id": LONG, **attributes}
    if output is not None:
        stated["gen_ai.output.messages"] = [{"role": "assistant", "parts": [{"type": "text", "content": output}]}]
    return Record("traces", "chat", TRACE, at, 5, stated, {"service.name": "shop"})


def details(output):
    return replace(span(output), signal="logs", name="gen_ai.client.inference.operation.details")


def message(kind, content, time_ns=1, **body):
    stated = {"content": content} if kind == "user.message" else {"index": 0, "message": {"content": content}}
    return Record("logs", f"gen_ai.{kind}", TRACE, SPAN, time_ns, {}, {"service.name": "shop"}, body=stated | body)


def arrive(ears, requests):
    """Let requests arrive a second apart, then let patience end; return the events as the store keeps them."""
    kept = {}

    def store(intake):
        ears.finish(intake)
        for _, event in ears.events(intake, received=NOW):
            kept.setdefault(event.id, event)

    held = []
    for now, records in enumerate(requests):
        intake = ears.take(ears.read(records), now=float(now))
        held.append(intake) if intake.waiting else store(intake)
        for waiting in [one for one in held if all(map(ears.memory.knows, one.keys))]:
            held.remove(waiting)
            store(waiting)
    for intake in held:
        store(intake)
    intake = ears.take(ears.read([]), now=100.0)
    intake.calls = list(enumerate(ears.memory.due(now=100.0)))
    store(intake)
    return sorted((event.response, event.prompt, event.model) for event in kept.values())


SPAN_ONLY = [[span("Hello.")]]
EVENT_ONLY = [[span()], [details("Hello.")]]
BOTH = [[span("Hello.")], [details("Hello.")]]
PER_MESSAGE = [[message("user.message", "Hi")], [message("choice", "Hello.", 3)], [span()]]


@pytest.mark.law
@settings(max_examples=60, deadline=None)
@given(data=st.data(), requests=st.sampled_from([SPAN_ONLY, EVENT_ONLY, BOTH]))
def test_in_whatever_order_records_arrive_and_however_often_an_answer_counts_once(data, requests):
    sent = requests + data.draw(st.lists(st.sampled_from(requests), max_size=3))
    assert arrive(receiver(), data.draw(st.permutations(sent))) == [("Hello.", "", "m")]


@pytest.mark.law
@settings(max_examples=40, deadline=None)
@given(order=st.permutations(PER_MESSAGE), together=st.booleans())
def test_per_message_events_find_their_span_in_whatever_order(order, together):
    requests = [[record for request in order for record in request]] if together else order
    (event,) = arrive(receiver(), requests)
    assert (event[0], event[2]) == ("Hello.", "m")
    prompt_first = order.index(PER_MESSAGE[0]) < max(order.index(PER_MESSAGE[1]), order.index(PER_MESSAGE[2]))
    assert event[1] == ("Hi" if together or prompt_first else "")


@pytest.mark.unit
def test_neither_record_is_needed():
    assert arrive(receiver(), [[span()]]) == [("", "", "m")]
    assert arrive(receiver(), [[details("Hello.")]]) == [("Hello.", "", "m")]
    assert arrive(receiver(), [[message("choice", "Hello.")]]) == [("Hello.", "", "unknown")]
    assert arrive(receiver(), [[message("choice", None)]]) == [("", "", "unknown")]


@pytest.mark.unit
def test_the_latest_prompt_of_a_conversation_is_the_prompt():
    requests = [[message("user.message", "second", 7), message("user.message", "first", 2)], *PER_MESSAGE[1:]]
    assert arrive(receiver(), requests) == [("Hello.", "second", "m")]


@pytest.mark.unit
@pytest.mark.parametrize("turned", [False, True])
def test_texts_on_the_span_and_as_messages_count_once(turned):
    requests = [[span("Hello.", **{"gen_ai.response.id": ""})], *PER_MESSAGE[:2]]
    ears = receiver()
    events = arrive(ears, requests[::-1] if turned else requests)
    assert [text for text, *_ in events] == ["Hello."]


@pytest.mark.unit
def test_a_text_that_comes_after_patience_counts_as_a_text():
    ears = receiver()
    assert arrive(ears, [[span()]]) == [("", "", "m")]
    assert arrive(ears, [[details("Hello.")]]) == [("Hello.", "", "m")]


@pytest.mark.unit
def test_a_labelled_call_without_text_does_not_wait():
    ears = receiver()
    intake = ears.take(ears.read([span(**{"secondlaw.label": "g2"})]), now=0.0)
    ((_, event),) = ears.events(intake, received=NOW)
    assert (event.label, event.response) == ("g2", "")


@pytest.mark.unit
def test_streams_that_a_token_may_not_write_are_rejected_before_anything_is_remembered():
    ears = receiver()
    intake = ears.take(ears.read([span(), span("Hello.")]), now=0.0, permits=lambda stream: stream != "shop")
    assert list(intake.rejected) == [0, 1]
    assert "may not write to the stream 'shop'" in intake.rejected[0]
    assert ears.memory.everything() == []


@pytest.mark.unit
def test_memory_is_bounded_and_what_is_forgotten_is_counted():
    memory = CallMemory(patience=10, most=3)
    for number in range(5):
        memory.hold(call(None, key=(f"{number}", "s")), now=0.0)
        memory.learn(call(None, key=(f"{number}", "s")), now=0.0)
    assert [one.key[0] for one in memory.due(now=1.0)] == ["0", "1"]
    assert [memory.knows((f"{n}", "s")) for n in range(5)] == [False, False, True, True, True]
    assert memory.due(now=1000.0)
    assert not memory.knows(("4", "s"))


@pytest.mark.unit
def test_prompts_remembered_are_bounded_by_their_size():
    memory = CallMemory(patience=10)
    half = "x" * (MOST_CHARACTERS // 2)
    for number in range(3):
        memory.learn_prompt(Part((f"{number}", "s"), 1, "shop", prompt=half), now=0.0)
    answers = [memory.completed(call(key=(f"{n}", "s"), prompt=None, by_span=True)).prompt for n in range(3)]
    assert [answer is not None for answer in answers] == [False, True, True]


@pytest.mark.unit
def test_the_tally_says_what_came_and_what_switches_content_on():
    ears = receiver()
    records = [span("Hello."), replace(span(at="0c" * 8), scope="opentelemetry.instrumentation.cohere"),
               replace(span(), failed=True), Record("traces", "GET /")]  # fmt: skip
    intake = ears.take(ears.read(records), now=0.0)
    intake.calls += list(enumerate(ears.memory.everything()))
    ears.events(intake, received=NOW)
    ears.count(intake)
    assert ears.tally.kinds == {"": {"failed": 1, "other": 1}, "shop": {"text": 1, "no text": 1}}
    assert ears.tally.switches == {"shop": "TRACELOOP_TRACE_CONTENT=true"}
    full = Tally()
    for number in range(1100):
        full.add(f"s{number}", "text")
    assert len(full.kinds) == 1001
    assert full.kinds[OTHERS]["text"] == 100


INNER, OUTER = "0d" * 8, "0e" * 8


def inner(text="Hello.", **more):
    """The span of an instrumentation that knows the response's id, inside that of another."""
    return replace(span(text, **more), span_id=INNER, parent=OUTER, scope="opentelemetry.instrumentation.openai_v2")


def outer(text="Hello.", **more):
    """The span of OpenInference around the same call: no response id."""
    said = {} if text is None else {"llm.output_messages.0.message.content": text}
    stated = {"openinference.span.kind": "LLM", "llm.model_name": "m", **said, **more}
    return Record("traces", "ChatCompletion", TRACE, OUTER, time_ns=2, attributes=stated,
                  resource={"service.name": "shop"}, scope="openinference.instrumentation.openai")  # fmt: skip


@pytest.mark.law
@settings(max_examples=60, deadline=None)
@given(data=st.data(), hidden=st.sampled_from(["neither", "inner", "outer", "both"]), together=st.booleans())
def test_two_instrumentations_around_one_call_are_one_event(data, hidden, together):
    one = inner(None if hidden in ("inner", "both") else "Hello.")
    two = outer(None if hidden in ("outer", "both") else "Hello.")
    records = data.draw(st.permutations([one, two, data.draw(st.sampled_from([one, two]))]))
    requests = [list(records)] if together else [[record] for record in records]
    assert arrive(receiver(), requests) == [("" if hidden == "both" else "Hello.", "", "m")]


@pytest.mark.unit
def test_calls_that_only_resemble_each_other_are_events_of_their_own():
    beside = replace(inner(**{"gen_ai.response.id": "another-" + LONG}), span_id="0f" * 8)
    assert len(arrive(receiver(), [[inner()], [beside]])) == 2  # an agent that gives the same answer twice
    assert len(arrive(receiver(), [[inner("Hello.")], [outer("Good day.")]])) == 2  # an answer made of others
    stranger = replace(outer(), trace_id="0b" * 16)
    assert len(arrive(receiver(), [[inner()], [stranger]])) == 2


@pytest.mark.unit
def test_spans_remembered_by_the_span_around_them_are_forgotten():
    ears = receiver()
    for number in range(20):
        around = f"{number:016x}"
        ears.take(ears.read([replace(inner(), span_id=f"{number + 100:016x}", parent=around)]), now=float(number))
    ears.memory.due(now=10_000.0)
    assert (ears.memory._facts, ears.memory._inner) == ({}, {})
