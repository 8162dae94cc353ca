"""Topics that stay: new sentences join the nearest, strange ones are told apart, a file gives the same topics back."""

import json

import numpy as np
import pytest

from secondlaw.errors import FileFormatError, InvalidInput, NotEnoughData
from secondlaw.faithfulness import TopicModel, adjusted_rand, example_of, fit_topics
from secondlaw.faithfulness.embedded import Embedded

pytestmark = pytest.mark.unit


def embedded(k, n, seed, centres):
    rng = np.random.default_rng(seed)
    labels = rng.integers(k, size=n)
    x = centres[labels] + 0.3 * rng.normal(size=(n, centres.shape[1]))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    example = example_of({"question": "?", "answer": "!"}, number=1)
    return Embedded(example, tuple(f"sentence {i} of {c}" for i, c in enumerate(labels)), np.full(n, 2), x), labels


@pytest.fixture
def centres():
    return np.random.default_rng(9).normal(size=(4, 64))


def test_new_sentences_join_their_topic_and_strangers_are_new(centres):
    model = fit_topics([embedded(4, 80, 0, centres)[0]], rng=np.random.default_rng(0))
    later, labels = embedded(4, 60, 1, centres)
    found = model.assign(later.vectors)
    assert adjusted_rand(found.labels, labels) > 0.95
    assert model.is_new(later.vectors).mean() < 0.1
    strange = np.random.default_rng(5).normal(size=(50, 64))
    assert model.is_new(strange / np.linalg.norm(strange, axis=1, keepdims=True)).mean() > 0.9


def test_a_file_gives_the_same_topics_back(centres):
    one = embedded(4, 80, 0, centres)[0]
    model = fit_topics([one], rng=np.random.default_rng(0))
    again = TopicModel.from_dict(json.loads(json.dumps(model.to_dict())))
    assert again.version == model.version
    np.testing.assert_array_equal(again.assign(one.vectors).labels, model.assign(one.vectors).labels)
    assert fit_topics([embedded(4, 80, 3, centres)[0]], rng=np.random.default_rng(0)).version != model.version


def test_what_is_no_topics_is_refused(centres):
    model = fit_topics([embedded(4, 80, 0, centres)[0]], rng=np.random.default_rng(0))
    with pytest.raises(InvalidInput, match="64 dimensions"):
        model.assign(np.zeros((3, 5)))
    with pytest.raises(FileFormatError, match="schema"):
        TopicModel.from_dict({"schema": "else"})
    with pytest.raises(FileFormatError, match="no file of topics"):
        TopicModel.from_dict({"schema": "secondlaw/topics/1"})
    with pytest.raises(NotEnoughData):
        fit_topics([], rng=np.random.default_rng(0))


def test_strangers_have_a_topic_of_their_own_so_that_they_do_not_count_to_the_least_far(centres):
    model = fit_topics([embedded(4, 60, 0, centres)[0]], rng=np.random.default_rng(0))
    far = np.vstack([centres[:2], -centres[:1]])
    far /= np.linalg.norm(far, axis=1, keepdims=True)
    placed = model.place(far)
    assert placed.k == len(model.sizes) + 1
    assert placed.labels[2] == len(model.sizes)
    np.testing.assert_array_equal(placed.labels[:2], model.assign(far).labels[:2])


def test_edges_are_the_least_value_and_the_quintiles_as_far_as_they_differ(centres):
    model = fit_topics([embedded(4, 60, 0, centres)[0]], rng=np.random.default_rng(0))
    assert model.with_edges([0.5] * 19).edges == ()
    assert model.with_edges([0.5] * 30).edges == (0.5,)
    assert model.with_edges(np.linspace(0.5, 1.0, 101).tolist()).edges == pytest.approx((0.5, 0.6, 0.7, 0.8, 0.9))
    again = TopicModel.from_dict(model.with_edges([0.5] * 30).to_dict())
    assert again.edges == (0.5,)
    with pytest.raises(FileFormatError, match="rise"):
        TopicModel.from_dict(model.to_dict() | {"edges": [0.6, 0.5]})
