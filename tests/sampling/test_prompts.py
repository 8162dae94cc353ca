"""The prompt sets that ship, and a user's own."""

import json
import re

import pytest

from secondlaw.behavior.taxonomy import INTENTS
from secondlaw.errors import FileFormatError, InvalidInput, NotEnoughData
from secondlaw.sampling import PROMPT_SETS, load_prompts

pytestmark = pytest.mark.unit


def write(path, *rows):
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return path


def test_each_shipped_set_is_complete():
    prompts = load_prompts()
    assert {p.prompt_set for p in prompts} == set(PROMPT_SETS)
    for name in PROMPT_SETS:
        members = load_prompts(name)
        assert len(members) >= 40
        assert all(p.prompt_set == name and p.topic and p.intent in ("benign", "harmful") for p in members)


def test_shipped_ids_and_texts_differ():
    prompts = load_prompts()
    assert len({p.prompt_id for p in prompts}) == len({p.text.casefold() for p in prompts}) == len(prompts)


def test_intents_follow_the_sets():
    by_set = {name: {p.intent for p in load_prompts(name)} for name in PROMPT_SETS}
    assert by_set == {"benign": {"benign"}, "borderline": {"benign", "harmful"}, "harmful": {"harmful"}}


def test_harmful_requests_carry_no_operational_detail():
    for prompt in load_prompts("harmful"):
        assert len(prompt.text) <= 80, prompt
        assert not re.search(r"\d|https?:|\n", prompt.text), prompt


def test_per_set_takes_the_first_of_each():
    prompts = load_prompts(per_set=2)
    assert [p.prompt_id for p in prompts] == [f"{name}-0{k}" for name in PROMPT_SETS for k in (1, 2)]


def test_sets_choose_what_all_means():
    assert {p.prompt_set for p in load_prompts(sets=["benign", "harmful"])} == {"benign", "harmful"}


def test_own_file_with_the_text_alone(tmp_path):
    path = write(tmp_path / "own.jsonl", {"prompt": "Hello?"}, "", {"prompt": "Bye?", "prompt_id": 0, "topic": None})
    first, second = load_prompts(path)
    assert (first.text, first.intent, first.topic, len(first.prompt_id)) == ("Hello?", "unknown", "", 16)
    assert (second.prompt_id, second.topic) == ("0", "")


def test_own_file_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "own.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"prompt": "Hello?", "intent": null}\r\n')
    assert load_prompts(path)[0].intent == "unknown"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"prompt_id": "a"}, "line 1: a prompt row needs a non-empty text under 'prompt', got None"),
        ({"prompt": "  "}, "line 1: a prompt row needs a non-empty text"),
        ({"prompt": "Hi", "intent": "evil"}, f"line 1: intent is one of {', '.join(INTENTS)}, got 'evil'"),
        ({"prompt": "Hi", "topic": ["a"]}, "line 1: topic is a text, got"),
        ("[1]", "line 1: a prompt row is a JSON object"),
        ("{nonsense", "line 1: "),
    ],
)
def test_a_bad_row_is_named_with_its_line(tmp_path, row, message):
    with pytest.raises(FileFormatError, match=re.escape(message)):
        load_prompts(write(tmp_path / "own.jsonl", row))


def test_repeated_ids_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match="'a' occurs twice"):
        load_prompts(write(tmp_path / "own.jsonl", *({"prompt": t, "prompt_id": "a"} for t in "xy")))


def test_an_empty_file_has_too_few_prompts(tmp_path):
    with pytest.raises(NotEnoughData, match="no prompts"):
        load_prompts(write(tmp_path / "own.jsonl", ""))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "nowhere.jsonl"}, "no prompt file 'nowhere.jsonl'"),
        ({"per_set": 0}, "per_set is at least 1, got 0"),
        ({"sets": ["kind"]}, "no prompt set 'kind' ships"),
    ],
)
def test_wrong_options_name_the_remedy(options, message):
    with pytest.raises(InvalidInput, match=message):
        load_prompts(**options)
