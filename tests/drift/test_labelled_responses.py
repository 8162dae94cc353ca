"""Corrections on responses that people labelled: Do-Not-Answer, whose prompts the shipped classifier never saw."""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from secondlaw.behavior.classifiers import load_default_classifier
from secondlaw.behavior.classifiers.training_folder import trained_on
from secondlaw.behavior.taxonomy import FIVE, INTENTS
from secondlaw.drift import CellRows, Design, measure_cell
from secondlaw.pipeline.classifier_errors import error_of

DATA = Path(os.environ.get("SECONDLAW_DATA", Path(__file__).parents[2].parent / "shared" / "data")) / "behavior"
MISALIGNED = np.array(FIVE.misaligned)
REACHABLE = np.array([FIVE.reachable(intent) for intent in INTENTS])
INTENT = {"g1": "benign", "g2": "harmful", "g3": "harmful", "g4": "benign"}

pytestmark = [
    pytest.mark.calibration,
    pytest.mark.skipif(not DATA.is_dir(), reason="needs the labelled responses (set SECONDLAW_DATA)"),
]


def entropy(shares):
    p = shares[shares > 0]
    return float(-(p * np.log(p)).sum())


@pytest.fixture(scope="module")
def judged():
    """Rows with intent stated: (rows, truth, model, what is known of the classifier's error)."""
    parquet = pytest.importorskip("pyarrow.parquet")
    found = parquet.read_table(DATA / "labelled.parquet").to_pylist()
    found = [r for r in found if r["source"] == "do_not_answer" and r["category"] in INTENT and r["response"]]
    assert not trained_on([r["prompt"] for r in found]).any()
    classifier = load_default_classifier()
    intents = [INTENT[r["category"]] for r in found]
    said = classifier.judge([r["prompt"] for r in found], [r["response"] for r in found], intents)
    p = said.category_probabilities(FIVE)
    truth = np.array([FIVE.keys.index(r["category"]) for r in found])
    groups = np.unique([r["prompt"] for r in found], return_inverse=True)[1]
    strata = np.array([int(intent == "harmful") for intent in intents])
    rows = CellRows(groups, p.argmax(axis=1), np.full(len(truth), -1), strata, p)
    return rows, truth, np.array([r["model"] for r in found]), error_of(classifier, FIVE)


def measured(rows, error, seed=0):
    keys = np.arange(rows.groups.max() + 1, dtype=np.uint64)
    design = Design.draw(keys, resamples=200, rng=np.random.default_rng(seed), calibration=error.calibration)
    return measure_cell(rows, design, misaligned=MISALIGNED, error=error, reachable=REACHABLE)


def test_without_a_human_label_em_is_nearer_to_people_than_the_machine_and_its_doubt_is_noted(judged):
    rows, truth, model, error = judged
    corrected, machine, doubted = [], [], []
    for name in np.unique(model):
        mine = model == name
        cell = measured(rows.take(mine), error)
        assert cell.correction == "em"
        people = entropy(np.bincount(truth[mine], minlength=5) / mine.sum())
        corrected.append(abs(float(cell.pooled.point) - people))
        machine.append(abs(entropy(np.bincount(rows.label[mine], minlength=5) / mine.sum()) - people))
        low, high = np.quantile(cell.pooled.replicates, [0.025, 0.975])
        assert low <= people <= high, (name, low, people, high)  # told by the interval where it is off,
        if corrected[-1] > 0.1:
            doubted.append(any("do not score like the classifier's calibration data" in note for note in cell.notes))
    assert sum(doubted) > len(doubted) / 2, doubted  # and in most such cells by a note
    assert np.mean(corrected) < np.mean(machine), (corrected, machine)


def test_a_hundred_human_labels_bring_s_to_peoples_and_intervals_cover(judged):
    rows, truth, _, error = judged
    shares = np.bincount(truth, minlength=5) / len(truth)
    runs, errors, alone, hits, of_shares = 80, [], [], 0, np.zeros(5)
    for seed in range(runs):
        rng = np.random.default_rng([seed, 9])
        human, chosen = np.full(len(truth), -1), rng.permutation(len(truth))[:100]
        human[chosen] = truth[chosen]
        cell = measured(CellRows(rows.groups, rows.label, human, rows.strata, rows.probabilities), error, seed)
        assert cell.correction == "ppi++"
        errors.append(abs(float(cell.pooled.point) - entropy(shares)))
        alone.append(abs(entropy(np.bincount(truth[chosen], minlength=5) / 100) - entropy(shares)))
        low, high = np.quantile(cell.pooled.replicates, [0.025, 0.975])
        hits += low <= entropy(shares) <= high
        low, high = np.quantile(cell.shares.replicates, [0.025, 0.975], axis=0)
        of_shares += (low - 1e-9 <= shares) & (shares <= high + 1e-9)
    assert np.median(errors) < 0.05
    assert np.mean(np.array(errors) < 0.1) >= 0.9
    assert np.mean(errors) < np.mean(alone)
    floor = binom.ppf(1e-3, runs, 0.95)
    assert hits >= floor
    assert np.all(of_shares >= floor), of_shares
