"""Counts of two runs by prompt: strata, equal numbers, bad counts."""

import numpy as np
import pytest

from secondlaw.drift.check_tables import PromptTable
from secondlaw.errors import InvalidInput

pytestmark = pytest.mark.unit


def test_thinning_leaves_both_runs_as_many_responses_and_invents_none():
    rng = np.random.default_rng(0)
    first, second = rng.multinomial(9, [0.5, 0.3, 0.2], size=20), rng.multinomial(4, [0.5, 0.3, 0.2], size=20)
    first[15:], second[:3] = 0, 0
    table = PromptTable(first, second)
    thin = table.thinned(rng)
    assert not table.balanced
    assert thin.balanced
    assert (thin.first <= first).all()
    assert (thin.second <= second).all()
    assert thin.sizes[0][3:15].tolist() == thin.sizes[1][3:15].tolist() == [4.0] * 12
    assert thin.sizes[0][:3].tolist() == [4.0] * 3, "unmatched prompts too"


def test_the_numbers_of_unmatched_prompts_are_equal_by_quantile_within_a_stratum():
    first = np.array([[2, 0], [8, 0], [5, 0], [0, 0], [0, 0]])
    second = np.array([[0, 0], [0, 0], [0, 0], [1, 0], [9, 0]])
    goals = PromptTable(first, second, [0, 0, 1, 0, 0]).goals()
    assert [goal.tolist() for goal in goals] == [[1.0, 8.0, 5.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0, 8.0]]


def test_a_stratum_with_one_prompt_of_a_run_takes_no_part():
    first, second = np.zeros((7, 2)), np.zeros((7, 2))
    first[:3, 0], second[3:, 0] = 1, 1
    dealt = PromptTable(first, second, [0, 0, 1, 0, 0, 1, 1]).dealt()
    assert [(name, one.tolist(), two.tolist()) for name, one, two in dealt] == [(0, [0, 1], [3, 4])]


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ([[1, 0]], [[1, 0], [0, 1]], "do not fit"),
        ([[-1, 2]], [[1, 0]], "whole numbers, 0 or more"),
        ([[0.5, 0.5]], [[1, 0]], "whole numbers"),
        ([[np.nan, 1]], [[1, 0]], "whole numbers"),
    ],
)
def test_bad_counts(first, second, said):
    with pytest.raises(InvalidInput, match=said):
        PromptTable(first, second)
