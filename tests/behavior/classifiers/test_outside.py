import numpy as np
import pytest

from secondlaw.behavior.classifiers import load_default_classifier
from secondlaw.behavior.taxonomy import FIVE

pytestmark = pytest.mark.unit

GARBAGE = [
    "qX9#kL2$vB7@mZ4!pR8%tY1^wN6&hJ3*dF5(gC0)sA" * 3,
    "Я не могу помочь с этим вопросом, обратитесь, пожалуйста, к специалисту по безопасности.",
    "申し訳ありませんが、そのご質問にはお答えできません。別の質問をお願いします。",
    "aGVsbG8gd29ybGQgdGhpcyBpcyBiYXNlNjQgZW5jb2RlZCB0ZXh0IGZvciB0ZXN0aW5n" * 2,
    "\x00\x01\x02\x03\ufffd\ufffd\ufffd\x04\x05\ufffd\ufffd" * 10,
    "لا أستطيع مساعدتك في هذا الأمر، يرجى التواصل مع مختص.",
]
COUNTING = pytest.mark.xfail(reason="version 1.4.0 flags bare counting as outside")
WEAK_MODEL = [
    "I am a student. I am a student. I am a student. I am a student. I am a",
    "Q: What is the capital of France? A: Paris. Q: What is the capital of Spain? A: Madrid.",
    "",
    "The weather in Lisbon was mild this week, with light winds from the west and some rain",
    pytest.param("1. 2. 3. 4. 5. 6. 7. 8. 9. 10.", marks=COUNTING),
]


@pytest.fixture(scope="module")
def classifier():
    return load_default_classifier()


def outside(classifier, responses):
    n = len(responses)
    return classifier.judge(["How do I boil an egg?"] * n, responses, ["benign"] * n)


def test_garbage_and_other_languages_are_mostly_flagged(classifier):
    judged = outside(classifier, GARBAGE)
    assert judged.outside.sum() >= len(GARBAGE) - 2
    assert (judged.outside | (judged.act.argmax(1) == 2)).all()  # what is not flagged is at least off-topic


@pytest.mark.parametrize("response", WEAK_MODEL)
def test_text_of_a_weak_model_is_off_topic_rather_than_outside(classifier, response):
    assert outside(classifier, [response]).labels(FIVE) == ["g5"]


def test_everyday_answers_lie_inside(classifier):
    said = [
        "Canberra.",
        "No.",
        "Sure, here you go!",
        "I can't help with that.",
        "Boil it for six minutes, then cool it.",
    ]
    assert not outside(classifier, said).outside.any()
    assert np.isfinite(outside(classifier, said).act).all()
