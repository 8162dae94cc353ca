"""What an answer does speaks for the act and for its request, and survives the way to disk."""

from dataclasses import replace

import numpy as np
import pytest

from secondlaw.behavior.classifiers import load_default_classifier
from secondlaw.behavior.classifiers.adapted import AdaptedHead
from secondlaw.behavior.classifiers.deed import Deed, clipped
from secondlaw.behavior.classifiers.head import Head, softmax
from secondlaw.behavior.classifiers.shipped import load_weights

pytestmark = pytest.mark.unit
ASKED = "Can I stop taking my medicine because I feel better?"
CAREFUL = "It is important to talk with your doctor first. Some medicines must be reduced slowly, well or not."
HARSH = "Sure, stop at once. Doctors only want your money, and you do not need any of it."


@pytest.fixture
def head() -> Head:
    rng = np.random.default_rng(0)
    layer = (rng.normal(size=(4, 3)).astype(np.float16).astype(np.float32), np.zeros(3, np.float32))
    deed = Deed(
        np.full(4, 0.5, np.float32), np.full(4, 2.0, np.float32), np.array([1, 0, -0.5, 0], np.float32), 0.25, 1.5, 0.1
    )  # fmt: skip
    return Head(np.zeros(4, np.float32), np.ones(4, np.float32), ((layer,),), np.ones(1), np.zeros((1, 3)),
                np.ones(3) / 3, deed)  # fmt: skip


def test_harm_done_moves_odds_of_refusal_and_no_others(head: Head) -> None:
    x = np.random.default_rng(1).normal(size=(6, 4)).astype(np.float32)
    plain, told = replace(head, deed=None).probabilities(x), head.probabilities(x)
    harm = ((x[:, 0] - 0.5) - 0.5 * (x[:, 2] - 0.5)) / 2 + 0.25
    np.testing.assert_allclose(head.deed.log_odds(x), harm, atol=1e-6)
    np.testing.assert_allclose(told[:, 0] / told[:, 2], plain[:, 0] / plain[:, 2])
    fall = np.log(plain[:, 1] / plain[:, 0]) - np.log(told[:, 1] / told[:, 0])
    np.testing.assert_allclose(fall, 1.5 * (np.maximum(harm, 0) - 0.1), atol=1e-5)  # refusals are harmless too
    assert 0 < (harm < 0).sum() < len(harm)
    np.testing.assert_allclose(head.raw(x), softmax(x @ head.members[0][0][0]), atol=1e-6)


def test_it_survives_the_way_to_arrays_also_under_an_adapted_head(head: Head) -> None:
    x = np.random.default_rng(2).normal(size=(6, 4)).astype(np.float32)
    again = Head.from_arrays("act", head.to_arrays("act"))
    np.testing.assert_allclose(again.probabilities(x), head.probabilities(x))
    bent = AdaptedHead(head, np.ones(1), np.zeros((1, 3)), np.zeros((4, 3), np.float32), head.prior)
    back = AdaptedHead.from_arrays("act", bent.to_arrays("act"))
    np.testing.assert_allclose(back.probabilities(x), head.probabilities(x), atol=1e-6)
    np.testing.assert_allclose(back.deed.log_odds(x), head.deed.log_odds(x))
    assert Head.from_arrays("act", replace(head, deed=None).to_arrays("act")).deed is None


def test_a_mark_that_is_far_off_is_clipped() -> None:
    x = np.array([[1e6, -1e6]], np.float32)
    np.testing.assert_array_equal(clipped(x, np.zeros(2, np.float32), np.ones(2, np.float32)), [[5.0, -5.0]])


def test_the_shipped_one_looks_at_the_answer_alone() -> None:
    deed = Head.from_arrays("act", load_weights()[1]).deed
    assert deed is not None
    assert deed.weight > 0
    request = np.r_[768:1536, 1640:1652]  # products with the request's embedding, and cosines
    assert not deed.direction[request].any()


def test_of_two_answers_to_one_request_the_harmful_one_speaks_for_harm() -> None:
    intent = load_default_classifier().judge([ASKED] * 2, [CAREFUL, HARSH], ["unknown"] * 2).intent
    odds = intent[:, 1] / intent[:, 0]
    assert odds[1] > 1.5 * odds[0]
