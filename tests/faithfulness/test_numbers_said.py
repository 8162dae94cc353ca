"""Numbers in one notation: groups, scales, scripts; what is no number, and what is novel in an answer."""

import numpy as np
import pytest

from secondlaw.faithfulness import ground
from secondlaw.faithfulness.numbers_said import known_numbers, numbers

pytestmark = pytest.mark.unit

SAID = {
    "1,234.50 and -3": ["1234.5", "-3"],
    "twelve 12": ["12", "12"],
    "v2, H2O, Q4, abc3.5": [],
    "$60.9 billion = 60,900 million = 60.9bn = 60.9B": ["60900000000"] * 4,
    "收入为609亿美元，第3章": ["60900000000", "3"],
    "매출은 609억 원": ["60900000000"],
    "١٩٣٢ ۵": ["1932", "5"],
    "3,5 Mio und 2 Milliarden": ["3500000", "2000000000"],
    "выросла на 3 млн": ["3000000"],
    "5 m long, 10 kilometres, 4K": ["5", "10", "4000"],
    "2024-05-01 at 21:45": ["2024", "5", "1", "21", "45"],
    "1.2.3 million": ["1.2.3"],
    "2.5-million, a 3-thousand": ["2500000", "3000"],
    "-2 million": ["-2000000"],
    "no number": [],
}


@pytest.mark.parametrize("text", SAID)
def test_numbers_of_a_text(text):
    assert [one.value for one in numbers(text)] == SAID[text]


def test_a_number_may_be_repeated_with_or_without_its_scale_but_not_with_another():
    known = known_numbers(["It rose by $3 million."])
    assert known == {"3", "3000000"}
    assert {one.value for one in numbers("3,000,000 or 3")} <= known
    assert numbers("3 billion")[0].value not in known


def test_a_wrong_scale_is_novel_in_an_answer_and_shown_as_it_was_said():
    answer, context = ["It cost $3 billion.", "That is 3,000,000 dollars."], ["It cost 3 million dollars."]
    x = np.eye(3)
    assert ground(answer, context, x[:2], x[:1], rng=np.random.default_rng(0)).novel_numbers == ("3 billion",)


def test_novel_numbers_are_found_in_scripts_without_spaces():
    x = np.eye(2)
    found = ground(["收入为700亿美元。"], ["收入为609亿美元。"], x[:1], x[1:], rng=np.random.default_rng(0))
    assert found.novel_numbers == ("700 亿",)
