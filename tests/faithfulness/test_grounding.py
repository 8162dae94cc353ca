"""Grounding: the supporting sentence, novel numbers and names, a judge, AUROC against a peer, the combined score."""

import numpy as np
import pytest

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.faithfulness import (
    auroc,
    example_of,
    features_of,
    fit_combined,
    ground,
    lexical_vectors,
    mean_difference,
)
from secondlaw.faithfulness.words import names, words
from secondlaw.types import Estimate, Insufficient

pytestmark = pytest.mark.unit

CONTEXT = [
    "The van was robbed on Monday at 21:45.",
    "Three men took £50,000.",
    "Ada Lovelace's car was found in Glasgow.",
]


def grounded(answer, context=CONTEXT, **options):
    vectors = lexical_vectors([*answer, *context])
    return ground(
        answer, context, vectors[: len(answer)], vectors[len(answer) :], rng=np.random.default_rng(0), **options
    )


def test_a_copy_is_supported_and_a_stranger_is_not():
    found = grounded([*CONTEXT, "Bananas ripen slowly indoors."])
    assert [one.source_index for one in found.sentences[:3]] == [0, 1, 2]
    assert [round(one.support, 6) for one in found.sentences[:3]] == [1.0] * 3
    assert found.sentences[3].support < 0.4
    assert found.least_support == found.sentences[3].support
    assert isinstance(found.support, Estimate)
    assert found.support.low <= found.mean_support <= found.support.high
    pairs = sum(one.bigrams for one in found.sentences)
    assert found.bigram_precision.value == pytest.approx((pairs - 3) / pairs)


def test_novel_numbers_and_names_are_those_of_neither_context_nor_question():
    answer = ["3 men took 50000.00 pounds.", "Grace Hopper paid 7 in Glasgow, said Ada.", "It was 2024."]
    found = grounded(answer, question="What happened in 2024?")
    assert found.novel_numbers == ("7",)
    assert found.novel_names == ("Grace", "Hopper")


def test_a_judge_sees_evidence_and_must_return_a_share():
    seen = []
    found = grounded(CONTEXT, judge=lambda sentence, evidence: seen.append(evidence) or 0.5)
    assert found.judged.value == 0.5
    assert all(sentence in evidence for sentence, evidence in zip(CONTEXT, seen, strict=True))
    with pytest.raises(InvalidInput, match="0 to 1"):
        grounded(CONTEXT, judge=lambda sentence, evidence: 7)


def test_few_or_no_sentences_are_insufficient():
    assert "3 sentences" in grounded(["One."]).support.reason
    assert "answer" in grounded([]).support.reason
    assert "context" in grounded(["One."], []).bigram_precision.reason
    with pytest.raises(NotEnoughData):
        features_of(grounded([]))


def test_words_and_names():
    assert words("Ｆull-width １２ 漢字 don’t") == ["full-width", "12", "漢", "字", "don't"]
    assert names(["the end.", "We saw Paris"]) == ["Paris"]


def test_auroc_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics", reason="needs scikit-learn")
    rng = np.random.default_rng(0)
    truth = rng.random(150) < 0.4
    scores = np.round(truth + rng.normal(size=150), 1)  # ties
    found = auroc(scores, truth, rng=rng)
    assert found.value == pytest.approx(metrics.roc_auc_score(truth, scores))
    assert found.low < found.value < found.high
    clustered = auroc(np.repeat(scores, 4), np.repeat(truth, 4), groups=np.repeat(np.arange(150), 4), rng=rng)
    assert clustered.width == pytest.approx(found.width, rel=0.2)
    assert isinstance(auroc(scores[:12], truth[:12], rng=rng), Insufficient)


def test_a_combined_score_of_noise_is_at_chance():
    rng = np.random.default_rng(1)
    truth = np.arange(200) % 2 == 0
    x = rng.normal(size=(200, 5))
    assert fit_combined(x, truth, np.arange(200), rng=rng).auroc.covers(0.5)
    useful = fit_combined(x + truth[:, None], truth, np.arange(200), rng=rng)
    assert useful.auroc.low > 0.8
    assert useful.score(x + 2.0).mean() > useful.score(x - 2.0).mean()
    with pytest.raises(NotEnoughData):
        fit_combined(x, truth, np.zeros(200), rng=rng)


def test_paired_differences_resample_questions_and_leave_out_missing_scores():
    rng = np.random.default_rng(0)
    x = rng.normal(size=60)
    y = x + 0.3 + 0.05 * rng.normal(size=60)
    y[0] = np.nan
    found = mean_difference("support", x, y, np.arange(60) // 3, rng=rng)
    assert (found.difference.n, "20 questions" in found.difference.method) == (20, True)
    assert found.difference.low > 0.2
    assert found.p_value < 0.001
    assert isinstance(mean_difference("support", x[:4], y[:4], np.arange(4), rng=rng).difference, Insufficient)
    assert mean_difference("support", x[:1], y[:1], np.arange(1), rng=rng).first is None


@pytest.mark.parametrize(
    ("row", "said"),
    [({"question": "x", "context": "y"}, "no answer"), ({"answer": "x"}, "neither"),
     ({"answer": [3], "context": "y"}, "list"),
     ({"answer": "x", "contexts": [3]}, "contexts holds"), ({"answer": "x", "context": {"a": 1}}, "dict")],
)  # fmt: skip
def test_rows_that_are_no_example_say_why(row, said):
    with pytest.raises(InvalidInput, match=said):
        example_of(row, number=1)
