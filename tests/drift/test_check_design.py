"""Which prompts ``check`` compares, what is missing, and one set of weights for both runs."""

import numpy as np
import pytest

from secondlaw.drift.cells import CellRows
from secondlaw.drift.check_design import count_labels, design_of, require_prompts
from secondlaw.drift.check_tables import PromptTable
from secondlaw.errors import NotEnoughData

pytestmark = pytest.mark.unit


def _table(first, second, strata=None):
    return PromptTable(*([[n, 0] for n in side] for side in (first, second)), strata)


def test_labels_count_as_in_measured_cells():
    rows = CellRows(np.array([0, 0, 1, 1]), np.array([0, 1, -1, 2]), np.array([-1, 0, 1, -1]), np.zeros(4, dtype=int))
    assert count_labels(rows, 2, 2).tolist() == [[1.0, 1.0], [0.0, 1.0]], "the machine's first, outside left out"
    people = CellRows(np.array([0, 0]), np.array([0, 0]), np.array([1, 1]), np.zeros(2, dtype=int))
    assert count_labels(people, 1, 2).tolist() == [[0.0, 2.0]]


def test_equal_mixes_are_left_as_they_are():
    plan = design_of(_table([5] * 6, [5] * 6, [0, 0, 0, 1, 1, 1]), ["a", "b"])
    assert (plan.tested.kind, plan.tested.standardised, plan.weights, plan.goals) == ("paired", False, {0: 1.0}, None)
    assert [one.base for one in plan.tested.mix] == [0.5, 0.5]


def test_other_mixes_get_one_set_of_weights():
    n, m = [5] * 8 + [5] * 2 + [0] * 10, [0] * 10 + [5] * 2 + [5] * 8
    plan = design_of(_table(n, m, [0] * 8 + [1] * 2 + [0] * 2 + [1] * 8), ["a", "b"])
    assert plan.tested.standardised
    assert sum(plan.weights.values()) == pytest.approx(1.0)
    assert list(plan.weights.values()) == pytest.approx([0.5, 0.5]), "N M / (N + M): 40 x 10 and 10 x 40"


def test_matched_prompts_of_other_numbers_keep_equal_ones_in_the_sizes_of_change():
    plan = design_of(_table([9, 1, 5], [1, 9, 5]), ["a"])
    groups = np.repeat([0, 1, 2], [9, 1, 5])
    keep = plan.keep(groups, 0, np.random.default_rng(0))
    assert np.bincount(groups[keep]).tolist() == [1, 1, 5]
    assert plan.tested.left_out == pytest.approx(16 / 30)


def test_prompts_without_a_counterpart_take_no_part():
    plan = design_of(_table([5, 5, 5, 5], [5, 5, 0, 0], [0, 0, 1, 1]), ["a", "b"])
    assert plan.part.tolist() == [0, 0, -1, -1]
    assert plan.tested.not_used == 2
    with pytest.raises(NotEnoughData, match="the first has a, the second b"):
        design_of(_table([5, 5, 0, 0], [0, 0, 5, 5], [0, 0, 1, 1]), ["a", "b"])


@pytest.mark.parametrize(
    ("first", "second", "missing"),
    [
        ([1] * 9, [1] * 6 + [0] * 3, True),  # a third is lost
        ([1] * 6 + [0] * 3, [1] * 9, True),
        ([1] * 9, [1] * 8 + [0], False),
        ([1] * 9 + [0] * 3, [1] * 6 + [0] * 3 + [1] * 3, False),  # others stand in
        ([1] * 2 + [1] * 8 + [0] * 3, [1] * 2 + [0] * 8 + [1] * 3, False),  # prompts of their own: no loss
    ],
)
def test_lost_prompts(first, second, missing):
    table = _table(first, second)
    if missing:
        with pytest.raises(NotEnoughData, match=r"lacks 3 of the 9 prompts of .* \(33 %\)"):
            require_prompts(table, ["base", "candidate"], most=0.2)
    require_prompts(table, ["base", "candidate"], most=0.34)
