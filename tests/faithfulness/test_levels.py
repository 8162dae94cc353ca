"""Levels: the null's mean is about .75, p-values hold their level, few sentences have no level."""

import numpy as np
import pytest
from scipy.stats import binom

from secondlaw.errors import InvalidInput
from secondlaw.faithfulness import (
    compare_answers,
    level_table,
    production_levels,
    semantic_divergence,
    semantic_faithfulness,
)
from secondlaw.types import Estimate, Insufficient


def one_law(n, k, asked, answered, seed):
    rng = np.random.default_rng(seed)
    laws = rng.dirichlet(np.ones(k), size=n)
    return rng.multinomial(answered, laws), rng.multinomial(asked, laws)


@pytest.mark.calibration
def test_chance_alone_takes_faithfulness_to_three_quarters():
    answers, questions = one_law(400, 23, 9, 55, 0)
    table = level_table(answers, questions, rng=np.random.default_rng(1), draws=100)
    assert table.faithfulness.mean() == pytest.approx(0.74, abs=0.02)
    assert table.null_mean.mean() == pytest.approx(table.faithfulness.mean(), abs=0.02)


@pytest.mark.calibration
@pytest.mark.parametrize(("asked", "answered"), [(9, 55), (25, 25)])
def test_p_values_hold_their_level(asked, answered):
    n = 500
    answers, questions = one_law(n, 8, asked, answered, 3)
    p = level_table(answers, questions, rng=np.random.default_rng(2), draws=99).p_value
    for alpha in (0.05, 0.2):
        assert (p <= alpha).sum() <= binom.ppf(0.999, n, alpha)
        assert (p <= alpha).sum() >= binom.ppf(0.001, n, alpha) * 0.4  # discrete: conservative at few sentences


@pytest.mark.calibration
def test_intervals_cover_the_smoothed_law_with_many_sentences():
    rng = np.random.default_rng(5)
    answer, question = np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.1, 0.3, 0.3, 0.3])
    truth = float(semantic_faithfulness(answer, question, smoothing=0))
    n = 300
    table = level_table(rng.multinomial(200, answer, n), rng.multinomial(200, question, n), rng=rng, draws=200)
    covered = sum(table.semantic_faithfulness(row).covers(truth) for row in range(n))
    assert covered >= binom.ppf(0.001, n, 0.92)


@pytest.mark.unit
def test_different_topics_have_a_small_p_value_and_a_level():
    table = level_table([[0, 5, 20]], [[20, 5, 0]], rng=np.random.default_rng(0))
    assert table.p_value[0] == pytest.approx(1 / 201)
    level = table.semantic_faithfulness(0)
    assert isinstance(level, Estimate)
    assert level.high < table.null_low[0]
    assert "0.5" in level.method
    assert table.off_support_mass(0).value == pytest.approx(0.8)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("answer", "question", "reason"),
    [([9, 9], [10, 9], "20 sentences of the question, got 19"), ([2, 2], [20, 9], "5 sentences of the answer, got 4")],
)
def test_few_sentences_have_no_level_but_a_null(answer, question, reason):
    table = level_table([answer], [question], rng=np.random.default_rng(0))
    for measured in (table.semantic_faithfulness(0), table.topic_divergence(0)):
        assert isinstance(measured, Insufficient)
        assert reason in measured.reason
    assert 0.0 < table.null(0).mean <= 1.0
    assert 0.0 < table.p_value[0] <= 1.0


@pytest.mark.unit
def test_shares_are_refused_where_counts_are_needed():
    with pytest.raises(InvalidInput, match="whole"):
        level_table([[0.5, 0.5]], [[0.2, 0.8]], rng=np.random.default_rng(0))


@pytest.mark.calibration
def test_two_answers_of_one_law_differ_by_chance_only():
    rng = np.random.default_rng(4)
    n, low = 200, 0
    for _ in range(n):
        law = rng.dirichlet(np.ones(5))
        question, first, second = rng.multinomial(10, law), rng.multinomial(15, law), rng.multinomial(15, law)
        low += compare_answers(question, first, second, rng=rng, draws=99).p_value <= 0.05
    assert low <= binom.ppf(0.999, n, 0.05)


@pytest.mark.unit
def test_production_needs_sentences_and_is_zero_for_equal_shares():
    rng = np.random.default_rng(0)
    assert isinstance(production_levels([2, 1], [9, 9], rng=rng)["relaxation"], Insufficient)
    found = production_levels([20, 20], [40, 40], rng=rng)
    assert found["relaxation"].value == pytest.approx(0.0, abs=1e-3)
    assert found["entropy_change"].covers(0.0)


@pytest.mark.unit
def test_semantic_divergence_sees_answers_that_leave_the_prompts():
    rng = np.random.default_rng(0)
    prompts = rng.multinomial(6, [0.5, 0.5, 0.0], 10)
    near, far = rng.multinomial(6, [0.5, 0.5, 0.0], (10, 4)), rng.multinomial(6, [0.1, 0.1, 0.8], (10, 4))
    found = [semantic_divergence(prompts, one, rng=rng) for one in (near, far)]
    assert found[0].exploration.high < found[1].exploration.low
    assert found[0].ensemble.value < found[1].ensemble.value <= np.log(2)
    assert isinstance(semantic_divergence(prompts[:3], near[:3], rng=rng).ensemble, Insufficient)
    x = rng.normal(size=(20, 3))
    moved = semantic_divergence(prompts, near, rng=rng, prompt_vectors=x, answer_vectors=x + np.array([3.0, 0.0, 0.0]))
    assert moved.distance == pytest.approx(3.0, abs=0.01)
    assert moved.instability > 0.0
