"""Base against tuned, and the gates that read it."""

from dataclasses import replace

import numpy as np
import pytest

from secondlaw.behavior.taxonomy import FIVE
from secondlaw.drift import CellRows, Design, compare_models, measure_cell
from secondlaw.drift.comparison import LEAST_BASE_ENTROPY
from secondlaw.drift.gates import judge
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.types import Estimate, Insufficient

MISALIGNED = np.array(FIVE.misaligned)
STEADY = np.array([0.85, 0.03, 0.06, 0.04, 0.02])
DRIFTED = np.array([0.55, 0.2, 0.05, 0.1, 0.1])


def _model(rng, design, first, last, *, steps=5, prompts=30, k=6, effects=None):
    cells = {}
    for step in range(steps):
        shares = first + (last - first) * step / max(steps - 1, 1)
        of_prompt = np.tile(shares, (prompts, 1)) if effects is None else effects * shares
        of_prompt = of_prompt / of_prompt.sum(axis=1, keepdims=True)
        label = np.concatenate([rng.choice(5, size=k, p=p) for p in of_prompt])
        rows = CellRows(np.repeat(np.arange(prompts), k), label, np.full(len(label), -1), np.full(len(label), 2))
        cells[step] = measure_cell(rows, design, misaligned=MISALIGNED)
    return cells


def _compare(seed, first, last, *, permutations=199, resamples=200, clustered=False, **shape):
    rng = np.random.default_rng(seed)
    design = Design.draw(np.arange(30, dtype=np.uint64), resamples=resamples, rng=rng)
    effects = rng.dirichlet(np.full(5, 1.0), 30) if clustered else None
    base = _model(rng, design, *first, effects=effects, **shape)
    tuned = _model(rng, design, *last, effects=effects, **shape)
    return compare_models(
        "base", base, "tuned", tuned, misaligned=MISALIGNED, level=0.95, permutations=permutations, rng=rng
    )


@pytest.mark.unit
def test_a_drifting_base_against_a_steady_tuned_model():
    found = _compare(0, (STEADY, DRIFTED), (STEADY, STEADY))
    assert isinstance(found.alignment_work, Estimate)
    assert found.alignment_work.low > 0
    assert found.alignment_work.unit == "nats/step"
    assert found.alignment_work_p == pytest.approx(1 / 200)
    assert found.entropy_difference.high < 0, "differences are second minus first"
    assert found.misaligned_difference.high < 0
    assert found.total_variation.low > 0
    assert found.matched_prompts == 30
    assert found.matched_steps == 5
    assert found.alignment_work.value == pytest.approx(found.sigma.value - found.tuned_rate.value)
    assert "uncorrected machine labels" in found.notes


@pytest.mark.unit
def test_one_step_has_levels_and_no_rates():
    found = _compare(0, (DRIFTED, DRIFTED), (STEADY, STEADY), steps=1)
    assert isinstance(found.alignment_work, Insufficient)
    assert found.alignment_work_p is None
    assert isinstance(found.entropy_difference, Estimate)


@pytest.mark.unit
def test_steps_that_do_not_meet_are_an_error():
    rng = np.random.default_rng(0)
    design = Design.draw(np.arange(30, dtype=np.uint64), resamples=100, rng=rng)
    base = _model(rng, design, STEADY, STEADY, steps=2)
    later = {step + 10: cell for step, cell in base.items()}
    with pytest.raises(NotEnoughData, match="none is matched"):
        compare_models("a", base, "b", later, misaligned=MISALIGNED, level=0.95, permutations=99, rng=rng)


@pytest.mark.calibration
@pytest.mark.parametrize("clustered", [False, True])
def test_equal_models_fail_no_gate_more_often_than_alpha(clustered):
    """Nominal 5 % each: 100 seeds, more than 13 rejections have probability below .001."""
    rejected = dict.fromkeys(("distribution", "misaligned", "entropy", "work"), 0)
    for seed in range(100):
        found = _compare([seed, 3], (STEADY, DRIFTED), (STEADY, DRIFTED), permutations=99, resamples=100,
                         clustered=clustered, steps=3)  # fmt: skip
        for gate in ("distribution", "misaligned", "entropy"):
            rejected[gate] += judge(found, gate, alpha=0.05).verdict == "fail"
        rejected["work"] += found.alignment_work_p <= 0.05
    assert max(rejected.values()) <= 13, rejected


@pytest.mark.calibration
def test_the_joint_interval_of_alignment_work_covers():
    """Nominal 95 %: 60 seeds; fewer than 51 hits have probability below .001."""
    steps = np.arange(5)
    path = STEADY + (DRIFTED - STEADY) * steps[:, None] / 4
    entropies = -(path * np.log(path)).sum(axis=1)
    hits = 0
    for seed in range(60):
        found = _compare([seed, 4], (STEADY, DRIFTED), (STEADY, STEADY), permutations=1, k=20)
        truth = np.polyfit(steps, entropies, 1)[0]
        hits += found.alignment_work.low <= truth <= found.alignment_work.high
    assert hits >= 51


@pytest.mark.unit
def test_a_gate_with_tolerance_passes_fails_or_does_not_know():
    strong = _compare(1, (STEADY, STEADY), (DRIFTED, DRIFTED))
    assert judge(strong, "misaligned", alpha=0.05).exit_code == 10
    assert judge(strong, "misaligned", alpha=0.05, tolerance=0.05).verdict == "fail"
    assert judge(strong, "misaligned", alpha=0.05, tolerance=0.9).verdict == "pass"
    same = _compare(2, (STEADY, STEADY), (STEADY, STEADY))
    assert judge(same, "misaligned", alpha=0.05).exit_code == 0
    unsure = judge(same, "misaligned", alpha=0.05, tolerance=0.001)
    assert (unsure.verdict, unsure.exit_code) == ("inconclusive", 11)


@pytest.mark.unit
def test_a_falling_misaligned_share_does_not_fail_the_gate():
    better = _compare(1, (DRIFTED, DRIFTED), (STEADY, STEADY))
    verdict = judge(better, "misaligned", alpha=0.05)
    assert verdict.verdict == "pass"
    assert verdict.change.high < 0
    assert verdict.p_value < 0.05


@pytest.mark.calibration
def test_categories_that_change_places_fail_no_entropy_gate():
    """S is the same on both sides. The swap test alone rejects far more than 5 % of such pairs; with the interval at
    most 5 of 40 fail (binomial(40, .05) exceeds it in 1.4 %), as ``check`` decides too."""
    places = np.array([0.03, 0.85, 0.06, 0.04, 0.02])
    assert sorted(places) == sorted(STEADY)
    found = [_compare(seed, (STEADY, STEADY), (places, places), clustered=True, steps=2) for seed in range(40)]
    failed = sum(judge(one, "entropy", alpha=0.05).verdict == "fail" for one in found)
    rejected = sum(one.entropy_difference_p < 0.05 for one in found)
    assert failed <= 5
    assert failed < rejected, "the test alone called 10 of them"


@pytest.mark.unit
def test_the_gate_says_the_change_with_the_sign_that_the_comparison_has():
    worse = _compare(1, (STEADY, STEADY), (DRIFTED, DRIFTED))
    verdict = judge(worse, "misaligned", alpha=0.05)
    assert verdict.change == worse.misaligned_difference
    assert verdict.change.low > 0
    assert f"changes by +{100 * verdict.change.value:.1f} points [+" in verdict.message
    assert "two-sided" in verdict.message


@pytest.mark.unit
def test_there_is_no_ratio_to_an_entropy_near_zero():
    pure = np.array([1.0, 0.0, 0.0, 0.0, 0.0])
    found = _compare(3, (pure, pure), (DRIFTED, DRIFTED))
    assert isinstance(found.entropy_suppression, Insufficient)
    assert "hardly anything to suppress" in found.entropy_suppression.reason
    assert LEAST_BASE_ENTROPY < 0.06
    assert isinstance(_compare(3, (DRIFTED, DRIFTED), (pure, pure)).entropy_suppression, Estimate)


@pytest.mark.unit
def test_a_gate_that_the_permutations_could_not_fail_is_refused():
    found = _compare(1, (STEADY, STEADY), (DRIFTED, DRIFTED), permutations=99)
    with pytest.raises(InvalidInput, match=r"99 permutations give no p-value below 0\.01"):
        judge(found, "misaligned", alpha=0.01)


@pytest.mark.unit
def test_gates_that_cannot_be_judged():
    found = _compare(1, (STEADY, STEADY), (DRIFTED, DRIFTED))
    with pytest.raises(InvalidInput, match="a gate is one of distribution, misaligned, entropy, got 'quality'"):
        judge(found, "quality", alpha=0.05)
    with pytest.raises(NotEnoughData, match="nothing to judge"):
        judge(replace(found, total_variation=Insufficient("no step")), "distribution", alpha=0.05)
