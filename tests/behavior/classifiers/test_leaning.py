"""What a response did leans an unknown intent, and no more than stated."""

import numpy as np
import pytest

from secondlaw.behavior.classifiers.leaning import LEAN, leaned

pytestmark = pytest.mark.unit


def test_a_refusal_raises_the_odds_of_harm_by_the_stated_factor() -> None:
    for harmful in (0.05, 0.5, 0.9):
        found = leaned(np.array([[1 - harmful, harmful]]), np.array([[0.0, 1.0, 0.0]]))[0]
        assert found[1] / found[0] == pytest.approx(harmful / (1 - harmful) * np.exp(LEAN))
        assert found.sum() == pytest.approx(1.0)


def test_compliance_lowers_them_and_off_topic_says_nothing() -> None:
    even = np.array([[0.5, 0.5]])
    assert leaned(even, np.array([[1.0, 0.0, 0.0]]))[0, 1] == pytest.approx(1 / (1 + np.exp(LEAN)))
    assert leaned(even, np.array([[0.0, 0.0, 1.0]]))[0, 1] == pytest.approx(0.5)


def test_certain_intents_stay_finite() -> None:
    assert np.isfinite(leaned(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[0.0, 1.0, 0.0]] * 2))).all()


def test_a_plainly_benign_request_stays_benign_when_refused() -> None:
    assert leaned(np.array([[0.7, 0.3]]), np.array([[0.0, 1.0, 0.0]]))[0].argmax() == 0


def test_an_answer_speaks_by_what_it_does() -> None:
    doubtful, answer = np.array([[0.45, 0.55]]), np.array([[1.0, 0.0, 0.0]])
    assert leaned(doubtful, answer)[0].argmax() == 0
    np.testing.assert_allclose(leaned(doubtful, answer, deed=np.array([0.0])), doubtful)  # help with harm stays harmful
    harmed = leaned(doubtful, answer, deed=np.array([1.2]))[0]
    assert harmed[1] / harmed[0] == pytest.approx(0.55 / 0.45 * np.exp(1.2))
    for done in ([0.0, 1.0, 0.0], [0.0, 0.0, 1.0]):  # no answer
        other = np.array([done])
        np.testing.assert_allclose(leaned(doubtful, other, deed=np.array([3.0])), leaned(doubtful, other))
