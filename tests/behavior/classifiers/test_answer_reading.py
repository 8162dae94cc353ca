"""The head of requests reads answers too; a head that does not leaves them to their deeds."""

from dataclasses import replace

import numpy as np
import pytest

from secondlaw.behavior.classifiers import EmbeddedClassifier, load_default_classifier
from secondlaw.behavior.classifiers.adapted import AdaptedHead
from secondlaw.behavior.classifiers.answer_reading import AnswerReading, answer_features, harm_spoken
from secondlaw.behavior.classifiers.deed import Deed
from secondlaw.behavior.classifiers.features import request_marks
from secondlaw.behavior.classifiers.head import Head
from secondlaw.behavior.classifiers.leaning import log_odds_of_harm
from secondlaw.behavior.classifiers.outside import OutsideDetector
from secondlaw.behavior.classifiers.shipped import load_weights, prompt_reader
from secondlaw.language import SentenceEmbedder

pytestmark = pytest.mark.unit
READING = AnswerReading(deed=0.5, read=2.0, offset=-0.25)
ASKED = "How do I get into the house of my neighbours?"
HARMLESS = "Ring the bell, or leave them a note and wait until they call you back."
HARMFUL = "Steal the key from their child, then break in at night while they are away."


def head_of(classes: int, **parts: object) -> Head:
    weights = np.random.default_rng(classes).normal(size=(4, classes)).astype(np.float16).astype(np.float32)
    plain = Head(np.zeros(4, np.float32), np.ones(4, np.float32), (((weights, np.zeros(classes, np.float32)),),),
                 np.ones(1), np.zeros((1, classes)), np.ones(classes) / classes)  # fmt: skip
    return replace(plain, **parts)


@pytest.fixture
def act() -> Head:
    return head_of(3, deed=Deed(*np.ones((3, 4), np.float32), offset=0.5, weight=1.0, centre=0.0))


def test_deed_and_reading_are_weighed_together(act: Head) -> None:
    intent, rng = head_of(2, answers=READING), np.random.default_rng(3)
    seen, read_off = rng.normal(size=(2, 5, 4)).astype(np.float32)
    enough = np.array([1.0, 1.0, 0.5, 0.25, 0.0], np.float32)
    answers = np.column_stack([read_off, enough])
    deed, read = act.deed.log_odds(seen), intent.raw(read_off)
    heard = 0.5 * deed + 2.0 * np.log(read[:, 1] / read[:, 0]) - 0.25
    expected = enough * heard + (1 - enough) * deed
    np.testing.assert_allclose(harm_spoken(act, intent, seen, answers), expected, atol=1e-6)
    bent = AdaptedHead(intent, np.full(1, 3.0), np.ones((1, 2)), np.ones((4, 2), np.float32), intent.prior)
    np.testing.assert_allclose(harm_spoken(act, bent, seen, answers), expected, atol=1e-6)  # as the base reads them
    np.testing.assert_array_equal(harm_spoken(act, head_of(2), seen, answers), deed)
    np.testing.assert_array_equal(harm_spoken(act, intent, seen, None), deed)
    assert harm_spoken(head_of(3), intent, seen, answers) is None


def test_a_certain_reading_stays_finite() -> None:
    assert np.abs(log_odds_of_harm(np.array([[0.0, 1.0], [1.0, 0.0]]))).max() < 20


def test_it_survives_the_way_to_arrays(act: Head) -> None:
    assert Head.from_arrays("intent", head_of(2, answers=READING).to_arrays("intent")).answers == READING
    assert Head.from_arrays("intent", head_of(2).to_arrays("intent")).answers is None
    bent = AdaptedHead(head_of(2, answers=READING), np.ones(1), np.zeros((1, 2)), np.zeros((4, 2), np.float32),
                       np.ones(2) / 2)  # fmt: skip
    assert AdaptedHead.from_arrays("intent", bent.to_arrays("intent")).answers == READING


def test_only_the_beginning_is_read_through_the_adapter() -> None:
    given: list[str] = []

    def embed(texts: list[str]) -> np.ndarray:
        given.extend(texts)
        return np.full((len(texts), 384), 0.5, np.float32)

    response = "Steal it. " + "word " * 60
    out = answer_features(embed, np.full((1, 384), 0.25, np.float32), [response])
    assert [len(text.split()) for text in given] == [48]
    np.testing.assert_array_equal(out[0, :768], [0.5] * 384 + [0.25] * 384)
    np.testing.assert_allclose(out[0, 768:-1], request_marks(response), rtol=1e-6)


def test_few_words_are_hardly_read() -> None:
    def embed(texts: list[str]) -> np.ndarray:
        return np.zeros((len(texts), 384), np.float32)

    said = ["", "Sure, use a stone.", "word " * 12, "word " * 24, "word " * 100]
    assert answer_features(embed, embed(said), said)[:, -1].tolist() == pytest.approx([0, 4 / 24, 0.5, 1, 1])
    harmless = load_default_classifier().judge(
        ["How do I sharpen a kitchen knife?"], ["Sure, use a stone."], ["unknown"]
    )
    assert harmless.intent[0, 1] < 0.5


def test_an_unknown_intent_hears_what_answers_say_and_a_stated_one_does_not() -> None:
    manifest, arrays = load_weights()
    act, intent = Head.from_arrays("act", arrays), replace(Head.from_arrays("intent", arrays), answers=None)
    embedder, reader = SentenceEmbedder(max_tokens=manifest["max_tokens"]), prompt_reader()
    silent, speaking = (
        EmbeddedClassifier(
            act, head, OutsideDetector.from_arrays(arrays), embedder=embedder, reader=reader, version="0"
        )
        for head in (intent, replace(intent, answers=AnswerReading(0.05, 0.9, 1.1)))
    )
    before, after = (
        one.judge([ASKED] * 4, [HARMLESS, HARMFUL] * 2, ["unknown"] * 2 + ["benign"] * 2) for one in (silent, speaking)
    )
    np.testing.assert_array_equal(before.act, after.act)
    np.testing.assert_array_equal(before.intent[2:], after.intent[2:])
    odds = [said.intent[:2, 1] / said.intent[:2, 0] for said in (before, after)]
    assert odds[1][1] / odds[1][0] > 2 * odds[0][1] / odds[0][0]
