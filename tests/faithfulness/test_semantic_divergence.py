"""Divergence of paraphrases and answers: its interval covers, its null rejects as often as it says."""

import numpy as np
import pytest
from scipy.stats import binom

from secondlaw.faithfulness import example_of, measure_paraphrases, semantic_divergence
from secondlaw.statistics import jensen_shannon

RUNS = 200


def drawn(m, *, apart, rng):
    """Return sentences by topic of m paraphrases, 3 each, and of their answers, 20; laws vary by paraphrase."""
    base = np.full(6, 1 / 6)
    moved = np.array([0.4, 0.3, 0.2, 0.05, 0.03, 0.02])
    said = (1.0 - apart) * base + apart * moved
    return (
        rng.multinomial(3, rng.dirichlet(30 * base, m)),
        rng.multinomial(20, rng.dirichlet(30 * said, m))[:, None],
    )


@pytest.mark.calibration
@pytest.mark.parametrize(("m", "apart"), [(5, 0.0), (8, 1.0), (15, 0.5)])
def test_the_interval_covers_the_metric_at_these_sizes(m, apart):
    many, answers = drawn(20_000, apart=apart, rng=np.random.default_rng(0))
    truth = float(jensen_shannon(many, answers[:, 0]).mean())
    covered = 0
    for seed in range(RUNS):
        rng = np.random.default_rng([1, m, seed])
        covered += semantic_divergence(*drawn(m, apart=apart, rng=rng), rng=rng, draws=1).ensemble.covers(truth)
    assert covered >= binom.ppf(1e-4, RUNS, 0.93)


@pytest.mark.calibration
def test_the_null_is_rejected_as_rarely_as_it_says_where_prompts_and_answers_have_one_law():
    rejected = 0
    for seed in range(RUNS):
        rng = np.random.default_rng([2, seed])
        laws = rng.dirichlet(np.ones(5), 6)  # one law a paraphrase, the same for its answers
        prompts, answers = rng.multinomial(2, laws), rng.multinomial(12, laws)[:, None]
        rejected += semantic_divergence(prompts, answers, rng=rng, draws=99).p_value <= 0.1
    assert rejected <= binom.ppf(0.9999, RUNS, 0.1)


@pytest.mark.calibration
def test_answers_of_another_law_are_told_from_chance():
    found = 0
    for seed in range(RUNS // 2):
        rng = np.random.default_rng([3, seed])
        found += semantic_divergence(*drawn(10, apart=1.0, rng=rng), rng=rng, draws=99).p_value <= 0.05
    assert found >= binom.ppf(1e-4, RUNS // 2, 0.5)


class Lengths:
    """An embedding that needs no model: texts of the same first word are one topic."""

    name = "first words"

    def embed(self, texts, /):
        rows = np.array([[sum(map(ord, text.split()[0])) % 7 == place for place in range(7)] for text in texts], float)
        return rows + 1e-3 * np.random.default_rng(0).normal(size=rows.shape)


@pytest.mark.unit
def test_rows_are_put_together_by_group_and_wording_whatever_their_order():
    rows = [
        {"group": group, "question": asked, "answer": f"Steel it is. Word {asked[0]}."}
        for group in ("one", "two") for asked in ("Is it steel?", "Steel, is it?", " Is it steel? ")
    ]  # fmt: skip
    examples = [example_of(row, number=1) for row in rows]
    found, said = measure_paraphrases(examples, Lengths())
    assert [(one.group, len(one.wordings), one.answers, one.sentences) for one in found] == [
        ("one", 2, 3, (2, 6)), ("two", 2, 3, (2, 6)),
    ]  # fmt: skip
    assert said == []
    again, _ = measure_paraphrases(examples[3:], Lengths())
    assert again[0].to_dict() == found[1].to_dict()
