"""Arms and their preambles."""

import json
import re

import pytest

from secondlaw.errors import FileFormatError, InvalidInput
from secondlaw.sampling import Arm, load_preamble, load_prompts

pytestmark = pytest.mark.unit


def test_the_aligned_preamble_opens_with_a_system_turn_and_both_answers_and_refuses():
    preamble = load_preamble("aligned")
    assert [m["role"] for m in preamble] == ["system"] + ["user", "assistant"] * ((len(preamble) - 1) // 2)
    said = [m["content"] for m in preamble if m["role"] == "assistant"]
    refused = sum("can't help" in text for text in said)
    assert 0 < refused < len(said) / 2


def test_the_aligned_preamble_holds_none_of_the_prompts_asked():
    assert not {m["content"] for m in load_preamble("aligned")} & {p.text for p in load_prompts()}


def test_an_own_preamble(tmp_path):
    path = tmp_path / "own.json"
    path.write_text(json.dumps({"turns": [["Hi?", "Hello."]]}))
    assert load_preamble(path) == ({"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Hello."})


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"turns": ["ab"]}', '{"turns": [["a"]]}', '{"turns": [[1, "b"]]}', '{"system": 3}']
)
def test_a_preamble_of_another_form_is_refused(tmp_path, content):
    path = tmp_path / "own.json"
    path.write_text(content)
    with pytest.raises(FileFormatError, match=re.escape(str(path)) + ".*'turns'"):
        load_preamble(path)


def test_a_missing_preamble_names_the_one_that_ships():
    with pytest.raises(InvalidInput, match="no preamble 'nowhere'; give 'aligned'"):
        load_preamble("nowhere")


def test_an_arm_describes_all_that_defines_it():
    arm = Arm("tuned", "model", load_preamble("aligned"))
    assert json.loads(json.dumps(arm.describe())) == arm.describe()
    assert arm.describe()["served_model"] == "model"
    with pytest.raises(InvalidInput, match="needs a name and a model, got '' and 'm'"):
        Arm("", "m")
