"""Stored counts measured: the numbers of the rows they came from, corrected by labels' known error or by people."""

import numpy as np
import pytest
from scipy.stats import binom

from secondlaw.behavior import FIVE, Counts, ObservationsBuilder
from secondlaw.behavior.hashing import group_hash
from secondlaw.drift.cells import ClassifierError
from secondlaw.drift.results import RowSummary
from secondlaw.errors import InvalidInput
from secondlaw.formats import Row
from secondlaw.pipeline.measuring import MeasureOptions, measure
from secondlaw.pipeline.stored_cells import HumanPair, measure_counts
from secondlaw.statistics.calibration import CalibrationSample

pytestmark = pytest.mark.unit

P = np.array([0.9, 0.03, 0.04, 0.01, 0.02])
# True category by row: what a classifier that is wrong in one of ten says.
RATES = np.full((5, 5), 0.025) + 0.875 * np.eye(5)
QUICK = MeasureOptions(resamples=300, permutations=99)


def rows_of(labels, prompts=30, **common):
    return [
        {"id": f"r{i}", "prompt": f"q{i % prompts}", "prompt_id": f"q{i % prompts}", "response": f"a{i}", "model": "m",
         "intent": "unknown", "classifier": "c 1", "step": 0, "label": label} | common
        for i, label in enumerate(labels)
    ]  # fmt: skip


def observations_of(rows):
    builder = ObservationsBuilder(taxonomy=FIVE, bad=pytest.fail)
    builder.add_rows([Row(i, row) for i, row in enumerate(rows)])
    return builder.build()


def known_error(rng, n=2000):
    truth = rng.choice(5, n)
    said = np.array([rng.choice(5, p=RATES[t]) for t in truth])
    sample = CalibrationSample(np.eye(5)[said] * 0.8 + 0.04, truth, np.full(n, 2), np.arange(n) % 200)
    return ClassifierError(priors=np.full((3, 5), 0.2), calibration=sample)


def test_counts_give_the_numbers_of_their_rows():
    rng = np.random.default_rng(0)
    keys = [FIVE.keys[c] for c in rng.choice(5, 600, p=P)]
    outside = [row | {"id": f"o{row['id']}"} for row in rows_of(["outside"] * 5, stream="other")]
    observations = observations_of([*rows_of(keys), *outside])
    expected = measure(observations, QUICK, source="rows", rows=RowSummary(605, 605, 0, 0, None))
    found = measure_counts(Counts.from_observations(observations), QUICK, taxonomy=FIVE)
    for one, two in zip(expected.cells, found.cells, strict=True):
        assert (one.stream, one.model, one.step, one.n, one.counts) == (
            two.stream,
            two.model,
            two.step,
            two.n,
            two.counts,
        )
        for key in FIVE.keys:
            if hasattr(one.shares[key], "value"):
                assert one.shares[key].value == two.shares[key].value
        if hasattr(one.entropy["pooled"], "value"):
            assert one.entropy["pooled"].value == pytest.approx(two.entropy["pooled"].value, abs=0.02)


@pytest.mark.calibration
def test_labels_of_known_error_are_corrected_with_intervals_that_hold():
    held, off = 0, []
    runs = 60
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        said = [FIVE.keys[rng.choice(5, p=RATES[t])] for t in rng.choice(5, 1000, p=P)]
        counts = Counts.from_observations(observations_of(rows_of(said, prompts=1000)))
        options = MeasureOptions(resamples=200, permutations=99, seed=seed, errors={"c 1": known_error(rng)})
        cell = measure_counts(counts, options, taxonomy=FIVE).cells[0]
        assert cell.correction == "em"
        share = cell.shares["g1"]
        held += share.low <= P[0] <= share.high
        off.append(share.value - P[0])
    # uncorrected, g1 would be .815 on average
    assert abs(np.mean(off)) < 0.01
    assert held >= binom.ppf(0.001, runs, 0.95)


@pytest.mark.calibration
def test_labels_of_people_correct_whatever_the_classifier_does():
    held = 0
    runs = 60
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        truth = rng.choice(5, 1000, p=P)
        said = np.array([rng.choice(5, p=RATES[t]) for t in truth])
        counts = Counts.from_observations(observations_of(rows_of([FIVE.keys[k] for k in said], prompts=1000)))
        chosen = rng.permutation(1000)[:150]
        pairs = [
            HumanPair("default", "m", 0, "unknown", group_hash(f"q{i}"), FIVE.keys[said[i]], FIVE.keys[truth[i]], 0.15)
            for i in chosen
        ]
        options = MeasureOptions(resamples=200, permutations=99, seed=seed)
        cell = measure_counts(counts, options, taxonomy=FIVE, pairs=pairs).cells[0]
        assert cell.correction == "ppi++"
        assert cell.n == 1000
        held += cell.shares["g1"].low <= P[0] <= cell.shares["g1"].high
    assert held >= binom.ppf(0.001, runs, 0.95)


def test_windows_of_a_period_are_measured_together():
    rows = [{"stream": "s", "model": "m", "window": w, "cluster": f"{w + 1:x}", "classifier": "c 1",
             "counts": {"g1": 40, "g2": w}} for w in (490000, 490001)]  # fmt: skip
    counts = Counts.from_rows(rows, keys=FIVE.keys, every=3600)
    apart = measure_counts(counts, QUICK, taxonomy=FIVE)
    assert [cell.step for cell in apart.cells] == [0, 1]
    assert apart.cells[1].window == "2025-11-24T17:00:00+00:00"
    assert [cell.n for cell in measure_counts(counts, QUICK, taxonomy=FIVE, together=True).cells] == [counts.total]


def test_labels_of_two_classifiers_are_not_pooled():
    rows = [{"stream": "s", "model": "m", "window": 0, "cluster": "1", "classifier": name, "counts": {"g1": 40}}
            for name in ("c 1", "c 2")]  # fmt: skip
    more = {"stream": "s", "model": "m", "window": 1, "cluster": "1", "classifier": "c 2", "counts": {"g1": 40}}
    found = measure_counts(Counts.from_rows([*rows, more], keys=FIVE.keys), QUICK, taxonomy=FIVE)
    assert "never pooled" in found.cells[0].shares["g1"].reason
    assert found.cells[1].n == 40


def test_a_person_cannot_have_labelled_what_was_not_counted():
    counts = Counts.from_rows(
        [{"stream": "s", "model": "m", "window": 0, "cluster": "1", "counts": {"g1": 40}}], keys=FIVE.keys
    )
    pair = HumanPair("s", "m", 0, "unknown", 1, "g2", "g1", 1.0)
    with pytest.raises(InvalidInput, match="the counts do not hold"):
        measure_counts(counts, QUICK, taxonomy=FIVE, pairs=[pair])
    with pytest.raises(InvalidInput, match="there are no counts"):
        measure_counts(counts, QUICK, taxonomy=FIVE, pairs=[pair._replace(model="x", machine="g1")])
