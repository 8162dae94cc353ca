import numpy as np
import pytest
from simulated_responses import entropy, within_band

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.swap_permutations import deal_test, swap_test

MISALIGNED = [False, True, False, True, False]
NAMES = ("alignment_work", "entropy_difference", "misaligned_difference", "distribution")


def twins(rng, prompts=20, steps=4, per_prompt=5):
    """Two models that answer each prompt alike, prompts and steps that differ: (2, T, P, K)."""
    theta = rng.dirichlet([4, 2, 1, 1, 0.5], size=(steps, prompts))
    return np.array([rng.multinomial(per_prompt, theta) for _ in range(2)])


def strangers(rng, prompts=24, steps=3, per_prompt=5):
    """Two models with prompts of their own, each prompt with its own distribution at all steps."""
    theta = rng.dirichlet([4, 2, 1, 1, 0.5], size=prompts)
    table = rng.multinomial(per_prompt, theta, size=(steps, prompts))
    counts = np.zeros((2, *table.shape))
    counts[0, :, : prompts // 2], counts[1, :, prompts // 2 :] = table[:, : prompts // 2], table[:, prompts // 2 :]
    return counts


@pytest.mark.unit
def test_p_values_equal_a_loop_over_swaps():
    rng = np.random.default_rng(0)
    counts, steps = twins(rng, prompts=6), np.array([0.0, 1.0, 4.0, 6.0])
    found = swap_test(counts, steps=steps, misaligned=MISALIGNED, n_permutations=200, rng=np.random.default_rng(5))
    signs = np.random.default_rng(5).integers(0, 2, size=(201, 6), dtype=np.int8) * np.int8(2) - np.int8(1)
    signs[0] = 1
    work, share = [], []
    for sign in signs:
        base = np.where((sign == 1)[None, :, None], counts[0], counts[1]).sum(axis=1)
        tuned = counts.sum(axis=(0, 2)) - base
        S = [entropy(c / c.sum(axis=1, keepdims=True)) + 4 / (2 * c.sum(axis=1)) for c in (base, tuned)]
        work.append(np.polyfit(steps, S[0] - S[1], 1)[0])
        share.append(np.mean([(b - t)[MISALIGNED].sum() / b.sum() for b, t in zip(base, tuned, strict=True)]))
    assert found.alignment_work == pytest.approx(np.mean(np.array(work) >= work[0] - 1e-12))
    assert found.misaligned_difference == pytest.approx(np.mean(np.abs(share) >= abs(share[0]) - 1e-12))


@pytest.mark.unit
def test_prompts_that_one_model_lacks_are_left_out():
    counts = twins(np.random.default_rng(2))
    lost = counts.copy()
    lost[1, :, 7] = 0
    found = swap_test(lost, steps=range(4), misaligned=MISALIGNED, n_permutations=9, rng=np.random.default_rng(0))
    assert found.prompts == 19


@pytest.mark.unit
@pytest.mark.parametrize("name", NAMES)
def test_identical_models_never_look_different(name):
    counts = twins(np.random.default_rng(3))[:1].repeat(2, axis=0)
    found = swap_test(counts, steps=range(4), misaligned=MISALIGNED, n_permutations=99, rng=np.random.default_rng(0))
    assert getattr(found, name) == 1.0


@pytest.mark.calibration
@pytest.mark.parametrize("test", [swap_test, deal_test])
def test_false_alarms_keep_their_level(test):
    runs, make = 300, twins if test is swap_test else strangers
    found = []
    for seed in range(runs):
        rng = np.random.default_rng([seed, 11])
        counts = make(rng)
        found.append(test(counts, steps=range(counts.shape[1]), misaligned=MISALIGNED, n_permutations=99, rng=rng))
    for name in NAMES:
        p = np.array([getattr(one, name) for one in found])
        for level in (0.05, 0.2):
            assert within_band(np.sum(p <= level), runs, level * 0.8, level * 1.05), name


@pytest.mark.unit
def test_bad_input_is_named():
    rng = np.random.default_rng(4)
    counts = twins(rng).astype(float)
    with pytest.raises(InvalidInput, match="distinct"):
        swap_test(counts, steps=[0, 0, 1, 2], misaligned=MISALIGNED, rng=rng)
    with pytest.raises(InvalidInput, match="use swap_test"):
        deal_test(counts, steps=range(4), misaligned=MISALIGNED, rng=rng)
    with pytest.raises(InvalidInput, match="got 0"):
        swap_test(counts, steps=range(4), misaligned=MISALIGNED, n_permutations=0, rng=rng)
    counts[1] = 0.0
    with pytest.raises(NotEnoughData, match="no prompt was answered by both"):
        swap_test(counts, steps=range(4), misaligned=MISALIGNED, rng=rng)


@pytest.mark.unit
def test_a_step_with_one_prompt_a_side_cannot_be_dealt():
    counts = np.zeros((2, 2, 6, 2))
    counts[0, :, :3], counts[1, :, 3:] = 1, 1
    counts[0, 1, :2] = counts[1, 1, 4:] = 0
    with pytest.raises(NotEnoughData, match="too few prompts to deal"):
        deal_test(counts, steps=[0, 1], misaligned=[False, True], n_permutations=99, rng=np.random.default_rng(0))
