import numpy as np
import pytest
from clustered_counts import fewest
from hypothesis import given, settings
from hypothesis import strategies as st
from rated_rows import CLASSES, exact_matrix, labelled

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.label_agreement import agreement, cohen_kappa, f1_scores
from secondlaw.types import Estimate, Insufficient

RECALL = np.array([0.95, 0.8, 0.9, 0.6, 0.85])


def report_of(truth, label, groups=None, *, classes=CLASSES, seed=0, resamples=300):
    groups = np.arange(len(truth)) if groups is None else groups
    return agreement(truth, label, groups, classes=classes, rng=np.random.default_rng(seed), resamples=resamples)


@pytest.mark.unit
def test_values_agree_with_scikit_learn():
    from sklearn.metrics import (
        accuracy_score,
        cohen_kappa_score,
        confusion_matrix,
        f1_score,
        precision_recall_fscore_support,
    )

    truth, label, prompts = labelled(50, 6, RECALL, rng=np.random.default_rng(0))
    report = report_of(truth, label, prompts)
    precision, recall, f1, _ = precision_recall_fscore_support(truth, label, labels=range(5))
    assert report.accuracy.value == pytest.approx(accuracy_score(truth, label))
    assert report.kappa.value == pytest.approx(cohen_kappa_score(truth, label))
    assert report.macro_f1.value == pytest.approx(f1_score(truth, label, average="macro"))
    assert [e.value for e in report.recall] == pytest.approx(recall)
    assert [e.value for e in report.precision] == pytest.approx(precision)
    assert [e.value for e in report.f1] == pytest.approx(f1)
    assert np.array_equal(report.confusion, confusion_matrix(truth, label, labels=range(5)))
    assert (report.n, report.groups, report.accuracy.n_unit) == (300, 50, "rows")


@pytest.mark.unit
def test_classes_that_do_not_occur_are_insufficient_and_in_no_mean():
    from sklearn.metrics import f1_score

    truth, label = np.array([0, 0, 1, 1, 2] * 8), np.array([0, 1, 1, 1, 1] * 8)
    report = report_of(truth, label)
    assert report.macro_f1.value == pytest.approx(f1_score(truth, label, average="macro", zero_division=0))
    assert isinstance(report.recall[3], Insufficient)
    assert "no row is truly d" in report.recall[3].reason
    assert "no row is labelled c" in report.precision[2].reason
    assert "neither" not in report.f1[4].reason
    assert isinstance(report.f1[4], Insufficient)
    assert report.f1[2].value == 0.0


@pytest.mark.unit
@pytest.mark.parametrize("groups", [1, 2, 40])
def test_labels_without_an_error_are_no_proof(groups):
    truth = np.array([0, 1, 2, 3, 4] * 2 * groups)
    report = report_of(truth, truth, np.arange(len(truth)) % groups)
    for measured in (report.accuracy, report.kappa, report.macro_f1, *report.recall, *report.precision, *report.f1):
        assert measured.value == 1.0
        assert measured.high == 1.0
        assert measured.low < 0.999


@pytest.mark.unit
def test_one_class_only_has_an_accuracy_and_no_kappa():
    report = report_of(np.zeros(30, int), np.zeros(30, int))
    assert report.accuracy.low < 1.0
    assert report.kappa == Insufficient("truth and labels are all a")


@pytest.mark.unit
def test_bad_input_is_refused():
    with pytest.raises(NotEnoughData, match="no truth to compare"):
        report_of([], [])
    with pytest.raises(InvalidInput, match="got 0 to 7"):
        report_of([0, 7], [0, 1])
    with pytest.raises(InvalidInput, match="2 and 1 rows"):
        report_of([0, 1], [0])
    with pytest.raises(InvalidInput, match="got float64"):
        report_of([0.0, 1.0], [0, 1])
    with pytest.raises(InvalidInput, match="each of 2 rows"):
        report_of([0, 1], [0, 1], np.zeros(3))


@pytest.mark.law
@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=40), st.integers(1, 5))
def test_any_table_gives_estimates_within_bounds(rows, groups):
    truth, label = np.array(rows).T
    report = report_of(truth, label, np.arange(len(rows)) % groups, classes=("x", "y", "z"), resamples=100)
    for measured in (report.accuracy, report.macro_f1, report.kappa, *report.recall, *report.precision, *report.f1):
        if isinstance(measured, Estimate):
            assert -1.0 <= measured.low <= measured.value <= measured.high <= 1.0
            assert measured.width > 0.0
    assert report.confusion.sum() == len(rows)


@pytest.mark.calibration
@pytest.mark.parametrize(("prompts", "per_prompt"), [(200, 1), (60, 5), (20, 10)])
def test_intervals_cover_under_clustering(prompts, per_prompt):
    rng, runs, hits = np.random.default_rng(prompts), 50, {}
    exact = exact_matrix(RECALL)
    truths = {"accuracy": np.trace(exact), "kappa": float(cohen_kappa(exact)), "macro": f1_scores(exact).mean()}
    truths |= {"recall d": RECALL[3], "precision d": exact[3, 3] / exact[:, 3].sum(), "f1 d": f1_scores(exact)[3]}
    for _ in range(runs):
        report = agreement(*labelled(prompts, per_prompt, RECALL, rng=rng), classes=CLASSES, rng=rng, resamples=300)
        found = (report.accuracy, report.kappa, report.macro_f1, report.recall[3], report.precision[3], report.f1[3])
        for (name, truth), measured in zip(truths.items(), found, strict=True):
            hits[name] = hits.get(name, 0) + (isinstance(measured, Insufficient) or measured.covers(truth))
    for name, count in hits.items():
        assert count >= fewest(runs, 0.95), (name, count / runs)


@pytest.mark.unit
def test_repeated_answers_are_not_taken_for_more_prompts():
    truth, label, prompts = labelled(40, 1, RECALL, rng=np.random.default_rng(1))
    once = report_of(truth, label, prompts)
    often = report_of(np.repeat(truth, 10), np.repeat(label, 10), np.repeat(prompts, 10))
    assert often.kappa.width > 0.8 * once.kappa.width
    assert often.accuracy.width > 0.8 * once.accuracy.width
