"""Any function as an embedder: rows of length 1, texts asked once, what is no matrix of vectors refused."""

import numpy as np
import pytest

from secondlaw.errors import InvalidInput
from secondlaw.language import RememberingEmbedder

pytestmark = pytest.mark.unit


class Counting:
    """Returns vectors of text lengths and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, texts):
        self.asked += texts
        return [[len(text) + 1.0, 1.0, 0.0] for text in texts]


def test_rows_are_unit_vectors_in_order_and_texts_are_asked_once():
    function = Counting()
    embedder = RememberingEmbedder(function, name="lengths")
    found = embedder.embed(["abc", "", "abc", "de"])
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-6)
    np.testing.assert_array_equal(found[0], found[2])
    np.testing.assert_array_equal(embedder.embed(["de", "abc"]), found[[3, 0]])
    assert function.asked == ["abc", "", "de"]
    assert embedder.embed([]).shape == (0, 3)


def test_what_is_remembered_is_bounded_and_large_calls_go_in_pieces():
    sizes = []

    def function(texts):
        sizes.append(len(texts))
        return np.ones((len(texts), 2))

    embedder = RememberingEmbedder(function, name="ones", cached_texts=3)
    assert embedder.embed([str(i) for i in range(1100)]).shape == (1100, 2)
    assert sizes == [512, 512, 76]
    embedder.embed(["1099"])
    assert len(sizes) == 3
    embedder.embed(["0"])
    assert len(sizes) == 4


def test_lone_surrogates_and_endless_texts_reach_the_function_tamed():
    function = Counting()
    RememberingEmbedder(function, name="lengths").embed(["\ud800x", "a " * 1_000_000])
    assert function.asked[0] == "?x"
    assert len(function.asked[1]) == 5120


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ([[1.0, 2.0]], "shape"),
        ([1.0, 2.0], "shape"),
        ([[np.nan, 1.0], [0.0, 1.0]], "not finite"),
        ([["a"], ["b"]], "no vectors"),
        ([[1.0], [1.0, 2.0]], "no vectors"),
        ([[], []], "shape"),
    ],
)
def test_what_is_no_vector_a_text_is_refused(returned, said):
    with pytest.raises(InvalidInput, match=said):
        RememberingEmbedder(lambda texts: returned, name="wrong").embed(["one", "two"])


def test_dimensions_do_not_change():
    widths = iter((2, 3))
    embedder = RememberingEmbedder(lambda texts: np.ones((len(texts), next(widths))), name="wide")
    embedder.embed(["a"])
    with pytest.raises(InvalidInput, match="2 dimensions, now 3"):
        embedder.embed(["b"])
    assert not RememberingEmbedder(lambda texts: np.zeros((1, 4)), name="zero").embed(["a"]).any()
