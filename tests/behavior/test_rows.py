"""Rows of every shape become transcripts and rows again; a wrong field is one sentence that says what to do."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from secondlaw.behavior import (
    FIVE,
    THREE,
    batch_requests,
    content_id,
    plain_rows,
    read_transcripts,
    row_schema,
    to_row,
    to_transcript,
)
from secondlaw.behavior.rows import ROW_FIELDS
from secondlaw.errors import InvalidInput
from secondlaw.formats import BadRow, Row, write_jsonl

QA = {"prompt": "Hi", "response": "Hello."}
CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "First"},
    {"role": "assistant", "content": "Yes?"},
    {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {}}]},
    {"role": "assistant", "content": "Hello."},
]
SHAPES = {
    "prompt/response": QA,
    "input/output": {"input": "Hi", "output": "Hello."},
    "chat": {"messages": CHAT},
    "chat after the answer": {"messages": [*CHAT, {"role": "user", "content": "Thanks"}]},
    "prompt as messages": {"prompt": CHAT[:4], "response": {"role": "assistant", "content": "Hello."}},
    "refusal apart": {"prompt": "Hi", "response": {"content": None, "refusal": "Hello."}},
    "all at once": {**QA, "messages": CHAT, "output": "other"},
    "nulls": {**QA, "label": None, "step": None, "intent": None, "note": None},
}
FULL = QA | {
    "id": "r1",
    "stream": "chat",
    "prompt_id": "p1",
    "model": "m",
    "step": 3,
    "ts": "2026-01-31T13:00:00+01:00",
    "conversation_id": "c1",
    "intent": "benign",
    "label": "g1",
    "classifier": "embedded/1",
    "label_probs": {"g1": 0.9, "g4": 0.1},
    "human_label": "outside",
    "annotator": "anna",
    "inclusion_probability": 0.25,
    "lang": {"code": "en"},
}
WRONG = [
    ({"step": -1}, "step is a whole number from 0, got -1"),
    ({"step": 1.5}, "got 1.5"),
    ({"step": True}, "got True"),
    ({"step": "next"}, "got 'next'"),
    ({"ts": "2026-01-31T12:00:00"}, "is a clock without zone; write 2026-01-31T12:00:00Z, or say --assume-utc"),
    ({"ts": "yesterday"}, "ts is a time such as 2026-01-31T12:00:00Z"),
    ({"ts": -5}, "got -5"),
    ({"ts": 1.7e18}, "neither seconds nor milliseconds"),
    ({"ts": False}, "got False"),
    ({"intent": "evil"}, "intent is one of benign, harmful, unknown, got 'evil'"),
    ({"label": "g9"}, "label 'g9' is not in taxonomy 'five' (g1, g2, g3, g4, g5, outside)"),
    ({"label": 1}, "label 1 is not in taxonomy"),
    ({"human_label": "G1"}, "human_label 'G1' is not in taxonomy"),
    ({"label_probs": {"g1": float("nan")}}, "label_probs of g1 is a number from 0 to 1, got nan"),
    ({"label_probs": {"g1": 0.5, "g2": 0.3}}, "label_probs sum to 0.8, not to 1; normalise them"),
    ({"label_probs": {"g1": 1.5, "g2": -0.5}}, "from 0 to 1, got 1.5"),
    ({"label_probs": {"g7": 1.0}}, "label_probs names 'g7' is not in taxonomy"),
    ({"label_probs": [0.5, 0.5]}, "label_probs is an object"),
    ({"label_probs": "{"}, "label_probs is no JSON"),
    ({"label_probs": {}}, "label_probs is an object"),
    ({"inclusion_probability": 0}, "inclusion_probability lies in (0, 1], got 0"),
    ({"inclusion_probability": 1.2}, "got 1.2"),
    ({"id": ""}, "id is a text that is not empty, got ''"),
    ({"model": ["a"]}, "model is a text that is not empty"),
    ({"response": None}, "the row states no prompt and response"),
    ({"response": 5}, "response has no text, got 5"),
    ({"prompt": {"role": "user"}}, "prompt has no text"),
]
WRONG_SHAPES = [
    ({"text": "Hi"}, "are: text"),
    ({}, "its fields beside stream and model are: none"),
    ({"foo": 1, "stream": "check", "model": "b"}, "are: foo"),
    ({"response": "Hello."}, "the row states no prompt and response"),
    ({"messages": []}, "messages is a list of messages"),
    ({"messages": CHAT[:2]}, "no assistant message, so there is no response to measure"),
    ({"messages": CHAT[4:]}, "no text of a user"),
    ({"messages": [CHAT[1], {"role": "assistant", "content": None, "tool_calls": []}]}, "no text (a tool call?)"),
    ({"label": "g1"}, "or a label with prompt_id"),
    ({"prompt_id": "p"}, "states no prompt and response"),
]


@pytest.mark.unit
@pytest.mark.parametrize("row", SHAPES.values(), ids=SHAPES)
def test_every_shape_states_the_same_and_comes_back(row):
    transcript = to_transcript(row)
    assert (transcript.prompt, transcript.response) == ("Hi", "Hello.")
    assert transcript.prompt_id == content_id("Hi")
    back = to_row(transcript)
    stated = {key: value for key, value in row.items() if value is not None or key == "note"}
    assert {key: back[key] for key in stated} == stated
    assert to_transcript(back) == transcript


@pytest.mark.unit
def test_all_fields_are_read_and_written_back():
    transcript = to_transcript(FULL)
    assert transcript.ts == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert transcript.group == "c1"
    assert transcript.extra == {"lang": {"code": "en"}}
    assert to_row(transcript) == FULL | {"ts": "2026-01-31T12:00:00Z"}


@pytest.mark.unit
@pytest.mark.parametrize(("change", "reason"), WRONG)
def test_a_wrong_field_is_said_with_its_value(change, reason):
    with pytest.raises(InvalidInput) as caught:
        to_transcript(QA | change)
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.unit
@pytest.mark.parametrize(("row", "reason"), WRONG_SHAPES)
def test_a_row_without_texts_is_said(row, reason):
    with pytest.raises(InvalidInput) as caught:
        to_transcript(row)
    assert reason in str(caught.value)


@pytest.mark.unit
def test_cells_of_csv_are_read_as_what_they_say():
    row = {"input": "Hi", "output": "Hello.", "step": " 7 ", "ts": "1769860800", "inclusion_probability": "0.5"}
    transcript = to_transcript(row | {"label": "g1", "label_probs": '{"g1": 1}'})
    assert (transcript.step, transcript.inclusion_probability, transcript.label_probs) == (7, 0.5, {"g1": 1.0})
    assert transcript.ts == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert (
        to_transcript({"messages": '[{"role":"user","content":"Hi"},{"role":"assistant","content":"Yo"}]'}).response
        == "Yo"
    )


@pytest.mark.unit
def test_a_clock_without_zone_is_utc_when_asked():
    for clock in ("2026-01-31 12:00", datetime(2026, 1, 31, 12)):  # noqa: DTZ001
        assert to_transcript(QA | {"ts": clock}, assume_utc=True).ts == datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.unit
def test_a_label_needs_no_text_where_the_prompt_is_named():
    transcript = to_transcript({"label": "g1", "prompt_id": "p"})
    assert (transcript.prompt, transcript.response, transcript.group) == ("", "", "p")
    assert to_transcript(to_row(transcript)) == transcript
    assert "prompt" not in to_row(transcript)
    assert to_transcript({"label": "aligned", "conversation_id": "c"}, taxonomy=THREE).group == "c"


@pytest.mark.unit
def test_batch_output_is_one_row_a_choice_with_the_prompt_of_its_request(tmp_path):
    body = {
        "model": "m",
        "created": 1769860800,
        "choices": [{"message": {"content": "A"}}, {"message": {"content": "B"}}],
    }
    line = {
        "id": "batch_1",
        "custom_id": "q1",
        "response": {"status_code": 200, "body": body},
        "error": None,
        "step": 2,
    }
    write_jsonl([{"custom_id": "q1", "body": {"messages": CHAT[:4]}}], tmp_path / "in.jsonl")
    requests = batch_requests(tmp_path / "in.jsonl")
    with_prompt = list(read_transcripts([Row(1, line)], requests=requests))
    assert [(t.id, t.prompt, t.response, t.prompt_id, t.step, t.model) for t in with_prompt] == [
        ("q1/0", "Hi", "A", content_id("Hi"), 2, "m"),
        ("q1/1", "Hi", "B", content_id("Hi"), 2, "m"),
    ]
    without = list(read_transcripts([Row(1, line)]))
    assert [(t.prompt, t.prompt_id) for t in without] == [("", "q1"), ("", "q1")]


@pytest.mark.unit
@pytest.mark.parametrize("asked", ["Hi", CHAT[:4]], ids=["text", "messages"])
def test_a_batch_of_the_responses_endpoint_is_read_too(tmp_path, asked):
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello."}]}
    body = {"model": "m", "created_at": 1769860800, "output": [{"type": "reasoning", "summary": []}, said]}
    line = {"custom_id": "q1", "response": {"status_code": 200, "body": body}}
    write_jsonl([{"custom_id": "q1", "url": "/v1/responses", "body": {"input": asked}}], tmp_path / "in.jsonl")
    (found,) = read_transcripts([Row(1, line)], requests=batch_requests(tmp_path / "in.jsonl"))
    VALIDATOR.validate(line)
    assert (found.id, found.prompt, found.response, found.model) == ("q1", "Hi", "Hello.", "m")
    assert found.ts is not None
    body["output"] = body["output"][:1]
    (bad,) = plain_rows([Row(1, line)])
    assert "choice 0 of q1 has no text" in bad.reason


@pytest.mark.unit
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"error": {"code": "expired"}}, "the request q1 failed in the batch"),
        ({"response": {"status_code": 500, "body": {}}}, "failed in the batch ('status 500'); ask it again"),
        ({"response": {"status_code": 200, "body": {"choices": []}}}, "holds no choices"),
        ({"response": None}, "holds no choices"),
        ({"response": {"body": {"choices": [{"message": {"content": None}}]}}}, "choice 0 of q1 has no text"),
    ],
)
def test_a_failed_request_is_a_bad_row(change, reason):
    line = {"custom_id": "q1", "response": {"body": {"choices": [{"message": {"content": "A"}}]}}}
    (bad,) = plain_rows([Row(4, line | change)])
    assert isinstance(bad, BadRow)
    assert bad.line == 4
    assert reason in bad.reason


@pytest.mark.unit
def test_bad_rows_pass_through_and_sound_ones_survive():
    rows = [Row(1, QA), BadRow(2, "no JSON", "{"), Row(3, {"label": "g9", **QA}), Row(4, QA)]
    read = list(read_transcripts(rows))
    assert [getattr(row, "line", "sound") for row in read] == ["sound", 2, 3, "sound"]
    assert '"label": "g9"' in read[2].excerpt


VALIDATOR = Draft202012Validator(row_schema(FIVE))
NOT_IN_SCHEMA = ("sum to", "no JSON", "no text of a user", "nan")
"""What a schema cannot say, and row_schema says so."""


@pytest.mark.unit
def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(row_schema())


@pytest.mark.unit
@pytest.mark.parametrize(
    "row", [*SHAPES.values(), FULL, {"label": "g1", "prompt_id": "p"}, QA | {"ts": 1e11, "step": "4"}]
)
def test_what_the_reader_accepts_the_schema_accepts(row):
    to_transcript(row)
    VALIDATOR.validate(row)


REFUSED = [(QA | change, reason) for change, reason in WRONG] + WRONG_SHAPES


@pytest.mark.unit
@pytest.mark.parametrize("row", [row for row, why in REFUSED if not any(case in why for case in NOT_IN_SCHEMA)])
def test_what_the_reader_refuses_the_schema_refuses(row):
    assert not VALIDATOR.is_valid(row)


JUNK = [
    *(None, "", "x", "7", 0, 1, -1, 0.5, 7.0, 1e12, True, [], {}, ["g1"], {"g1": 1}, {"g1": 1.0, "g2": 0.0}),
    *("2026-01-31T12:00:00Z", "2026-01-31T12:00:00", "g1", "outside", "benign", CHAT, CHAT[:2], CHAT[3]),
]
FIELDS = [*ROW_FIELDS, "input", "output", "messages", "other"]


@pytest.mark.unit
@pytest.mark.parametrize("answered", ["output", "response"])
def test_messages_come_before_an_answer_whose_question_is_only_named(answered):
    first = to_transcript({answered: "", "messages": CHAT})
    assert first.response == "Hello."
    assert to_transcript(to_row(first)) == first


@pytest.mark.law
@given(st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(JUNK), max_size=4), st.booleans())
def test_reader_and_schema_agree_on_any_row(change, with_texts):
    row = (QA if with_texts else {}) | change
    refused, transcript = None, None
    try:
        transcript = to_transcript(row)
    except InvalidInput as error:
        refused = str(error)
    if transcript is not None:
        VALIDATOR.validate(row)
        back = to_row(transcript)
        VALIDATOR.validate(back)
        assert to_transcript(back) == transcript
    elif not any(case in refused for case in NOT_IN_SCHEMA):
        assert not VALIDATOR.is_valid(row), f"refused ({refused}), yet valid"
