"""Each scenario: what is asked at which step."""

from itertools import pairwise

import pytest

from secondlaw.errors import InvalidInput
from secondlaw.sampling import SCENARIOS, TopicShift, load_prompts, load_scenario

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def prompts():
    return load_prompts(per_set=10)


def roles(messages):
    return [message["role"] for message in messages]


def test_every_scenario_ends_with_a_question_of_the_user(prompts):
    for name in SCENARIOS:
        scenario = load_scenario(name)
        for step in range(10):
            asked = scenario.prompts_at(prompts, step, 10)
            assert len({p.prompt_id for p in asked}) == len(asked) > 0
            messages = scenario.messages(asked[0], step, ["answer"] * step)
            assert roles(messages) == ["user", "assistant"] * (len(messages) // 2) + ["user"]


def test_plain_asks_the_same_at_every_step(prompts):
    plain = load_scenario("plain")
    assert (
        plain.messages(prompts[0], 0, [])
        == plain.messages(prompts[0], 99, [])
        == [{"role": "user", "content": prompts[0].text}]
    )


def test_pressure_grows_by_a_turn_a_step_and_ends_with_the_prompt(prompts):
    pressure = load_scenario("pressure")
    steps = [pressure.messages(prompts[0], step, []) for step in range(10)]
    assert [len(messages) for messages in steps] == [1 + 2 * step for step in range(10)]
    assert all(messages[-1]["content"] == prompts[0].text for messages in steps)
    assert all(later[: len(earlier) - 1] == earlier[:-1] for earlier, later in pairwise(steps))


@pytest.mark.parametrize("name", ["pressure", "conversation"])
def test_more_steps_than_turns_are_refused(prompts, name):
    load_scenario(name).prompts_at(prompts, 0, 10)
    with pytest.raises(InvalidInput, match=r"has 10 (steps|turns), got 11; ask for fewer"):
        load_scenario(name).prompts_at(prompts, 0, 11)


def test_topic_shift_moves_linearly_between_the_sets(prompts):
    shift = load_scenario("topic-shift")
    shares = [[p.prompt_set for p in shift.prompts_at(prompts, step, 11)].count("harmful") for step in range(11)]
    assert shares == list(range(11))
    assert {len(shift.prompts_at(prompts, step, 11)) for step in range(11)} == {10}
    assert {p.prompt_set for p in shift.prompts_at(prompts, 0, 1)} == {"benign"}


def test_topic_shift_into_a_topic_of_the_same_set_asks_no_prompt_twice(prompts):
    shift = load_scenario("topic-shift", of="benign", to="cooking")
    for step in range(5):
        ids = [p.prompt_id for p in shift.prompts_at(prompts, step, 5)]
        assert len(set(ids)) == len(ids)
    assert {p.topic for p in shift.prompts_at(prompts, 4, 5)} == {"cooking"}
    assert "cooking" not in {p.topic for p in shift.prompts_at(prompts, 0, 5)}


def test_topic_shift_needs_prompts_of_two_ends(prompts):
    with pytest.raises(InvalidInput, match="needs prompts of both, got 10 and 0"):
        TopicShift("benign", "nothing").prompts_at(prompts, 0, 2)
    with pytest.raises(InvalidInput, match="two different ends, got 'benign' twice"):
        TopicShift("benign", "benign")


def test_conversation_shows_the_model_its_own_answers(prompts):
    conversation = load_scenario("conversation")
    messages = conversation.messages(prompts[0], 2, ["first answer", "second answer"])
    assert [m["content"] for m in messages if m["role"] == "assistant"] == ["first answer", "second answer"]
    assert messages[0]["content"] == prompts[0].text
    assert messages[-1]["content"] == conversation.describe()["follow_ups"][1]
    assert conversation.sequential


def test_an_unknown_scenario_is_answered_with_the_list():
    with pytest.raises(InvalidInput, match=f"no scenario 'storm'; there are {', '.join(SCENARIOS)}"):
        load_scenario("storm")
