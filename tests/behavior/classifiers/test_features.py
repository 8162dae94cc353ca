import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secondlaw.behavior.classifiers.features import opening, request_marks, response_marks
from secondlaw.behavior.classifiers.head import Head, softmax


@pytest.mark.law
@settings(deadline=None, max_examples=100)
@given(prompt=st.text(max_size=200), response=st.text(max_size=400))
def test_marks_are_finite_and_of_one_length(prompt, response):
    marks = [*response_marks(prompt, response), *request_marks(prompt)]
    assert len(marks) == len(response_marks("", "")) + len(request_marks(""))
    assert np.isfinite(marks).all()


@pytest.mark.unit
def test_an_opening_keeps_the_first_words():
    assert opening("  one two " + "three " * 50).split() == ["one", "two", *["three"] * 22]
    assert opening("") == ""


@pytest.mark.unit
def test_a_head_survives_the_round_trip_to_arrays():
    rng = np.random.default_rng(0)
    layer = (rng.normal(size=(4, 3)).astype(np.float16).astype(np.float32), np.zeros(3, np.float32))
    head = Head(
        np.zeros(4, np.float32),
        np.ones(4, np.float32),
        ((layer,),),
        np.array([1.5, 2.0]),
        np.array([[0.1, 0, 0], [0, 0.3, 0]]),
        np.ones(3) / 3,
    )
    again = Head.from_arrays("act", head.to_arrays("act"))
    x = rng.normal(size=(5, 4)).astype(np.float32)
    np.testing.assert_allclose(again.probabilities(x), head.probabilities(x))
    logs = np.log(softmax(x @ layer[0]))
    np.testing.assert_allclose(head.probabilities(x), softmax(1.5 * logs + head.bias[0]), atol=1e-6)
    second = head.probabilities(x, np.ones(5, dtype=np.intp))
    np.testing.assert_allclose(second, softmax(2.0 * logs + head.bias[1]), atol=1e-6)
