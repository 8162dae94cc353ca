"""The counts that a permutation test shuffles, whole and joined to blocks."""

import numpy as np
import pytest

from secondlaw.behavior.taxonomy import FIVE
from secondlaw.drift import CellRows, Design, measure_cell
from secondlaw.drift.swap_table import FEWEST_BLOCKS, swap_table
from secondlaw.errors import NotEnoughData
from secondlaw.statistics.swap_permutations import deal_test, swap_test

MISALIGNED = np.array(FIVE.misaligned)
STEADY = np.array([0.85, 0.03, 0.06, 0.04, 0.02])
DRIFTED = np.array([0.55, 0.2, 0.05, 0.1, 0.1])


def _cells(rng, design, shares, prompts, *, steps=2, k=3):
    cells = {}
    for step in range(steps):
        label = rng.choice(5, size=len(prompts) * k, p=shares)
        rows = CellRows(np.repeat(prompts, k), label, np.full(len(label), -1), np.full(len(label), 2))
        cells[step] = measure_cell(rows, design, misaligned=MISALIGNED)
    return cells


def _two(seed, first, second, *, apart=False):
    rng = np.random.default_rng(seed)
    design = Design.draw(np.arange(400, dtype=np.uint64), resamples=100, rng=rng)
    ours = np.arange(200)
    theirs = ours + 200 if apart else ours + 20
    return _cells(rng, design, first, ours), _cells(rng, design, second, theirs), rng


@pytest.mark.unit
def test_what_fits_is_left_as_it_is():
    base, tuned, rng = _two(0, STEADY, DRIFTED)
    shared = list(range(20, 200))
    table, blocks = swap_table(base, tuned, shared, paired=True, permutations=99, rng=rng)
    assert blocks is None
    assert table.shape == (2, 2, 180, 5)
    assert table[0, 1].sum() == base[1].group_counts[20:].sum()


@pytest.mark.unit
@pytest.mark.parametrize("apart", [False, True])
def test_blocks_keep_every_count_and_bound_the_table(apart):
    base, tuned, rng = _two(1, STEADY, DRIFTED, apart=apart)
    prompts = list(range(400)) if apart else list(range(20, 200))
    whole, _ = swap_table(base, tuned, prompts, paired=not apart, permutations=99, rng=rng)
    most = 2 * 2 * 5 * 100
    table, blocks = swap_table(base, tuned, prompts, paired=not apart, permutations=99, rng=rng, most=most)
    assert table.size <= most
    assert 64 <= blocks <= 100
    np.testing.assert_array_equal(table.sum(axis=2), whole.sum(axis=2))
    test = deal_test if apart else swap_test
    found = test(table, steps=[0, 1], misaligned=MISALIGNED, n_permutations=199, rng=rng)
    assert found.distribution == pytest.approx(1 / 200)


@pytest.mark.unit
def test_more_steps_than_memory_are_refused_with_a_remedy():
    base, tuned, rng = _two(2, STEADY, STEADY)
    with pytest.raises(NotEnoughData, match=r"2 steps of 180 prompts are too many .* pool steps"):
        swap_table(
            base, tuned, list(range(20, 200)), paired=True, permutations=99, rng=rng, most=20 * (FEWEST_BLOCKS - 1)
        )


@pytest.mark.calibration
@pytest.mark.parametrize("apart", [False, True])
def test_blocks_keep_the_level_of_the_test(apart):
    """Nominal 10 % over 100 seeds: more than 21 rejections have probability below .001."""
    rejected = 0
    prompts = list(range(400)) if apart else list(range(20, 200))
    test = deal_test if apart else swap_test
    for seed in range(100):
        base, tuned, rng = _two([seed, 7], STEADY, STEADY, apart=apart)
        table, _ = swap_table(base, tuned, prompts, paired=not apart, permutations=99, rng=rng, most=20 * 70)
        rejected += test(table, steps=[0, 1], misaligned=MISALIGNED, n_permutations=99, rng=rng).distribution <= 0.1
    assert rejected <= 21, rejected
