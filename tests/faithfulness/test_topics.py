"""Topics: planted ones are found with their number, the same seed gives the same, and degenerate texts have one."""

import numpy as np
import pytest

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.faithfulness import adjusted_rand, k_means, udib

pytestmark = pytest.mark.unit


def planted(k, n, noise, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(k, size=n)
    x = rng.normal(size=(k, 64))[labels] + noise * rng.normal(size=(n, 64))
    return x / np.linalg.norm(x, axis=1, keepdims=True), labels


@pytest.mark.parametrize(("k", "n"), [(3, 30), (8, 60), (15, 150)])
def test_planted_topics_and_their_number_are_found(k, n):
    found = []
    for seed in range(4):
        x, labels = planted(k, n, 0.5, seed)
        topics = udib(x, rng=np.random.default_rng(seed))
        found.append(topics.k == len(set(labels)) and adjusted_rand(topics.labels, labels) == 1.0)
        assert adjusted_rand(k_means(x, k, rng=np.random.default_rng(seed)).labels, labels) > 0.8
    assert sum(found) >= 3


def test_noise_has_unstable_topics_and_structure_stable_ones():
    rng = np.random.default_rng(1)
    assert udib(rng.normal(size=(60, 64)), rng=rng).stability < 0.5
    assert udib(planted(4, 60, 0.3, 1)[0], rng=rng).stability > 0.95


def test_the_same_seed_gives_the_same_topics_and_labels_count_from_zero():
    x, _ = planted(5, 50, 0.8, 3)
    first, second = (udib(x, rng=np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first.labels, second.labels)
    assert sorted(set(first.labels)) == list(range(first.k))
    assert first.labels[0] == 0


def test_k_may_be_asked_for():
    x, _ = planted(6, 80, 0.4, 2)
    assert udib(x, rng=np.random.default_rng(0), k=3).k == 3
    assert k_means(x, 100, rng=np.random.default_rng(0)).k <= 80


def test_many_sentences_are_fitted_on_a_sample():
    x, labels = planted(4, 1500, 0.3, 5)
    topics = udib(x, rng=np.random.default_rng(0), restarts=2)
    assert len(topics.labels) == 1500
    assert adjusted_rand(topics.labels, labels) > 0.99


def test_few_or_equal_sentences_are_one_topic():
    for x in (np.eye(3)[:1], np.eye(3)[:2], np.ones((9, 3)), np.zeros((4, 2))):
        found = udib(x, rng=np.random.default_rng(0))
        assert (found.k, set(found.labels)) == (1, {0})
    with pytest.raises(NotEnoughData, match="none"):
        udib(np.zeros((0, 4)), rng=np.random.default_rng(0))
    with pytest.raises(InvalidInput, match="finite"):
        udib(np.full((4, 2), np.nan), rng=np.random.default_rng(0))


def test_adjusted_rand_is_zero_by_chance_on_average():
    rng = np.random.default_rng(0)
    values = [adjusted_rand(rng.integers(4, size=100), rng.integers(4, size=100)) for _ in range(200)]
    assert abs(np.mean(values)) < 0.01
