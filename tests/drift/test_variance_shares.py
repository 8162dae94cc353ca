"""Where the uncertainty of S comes from: a corrected share of all but 0 does not fill the variance."""

from dataclasses import replace

import numpy as np
import pytest

from secondlaw.drift import CellRows, Design, measure_cell
from secondlaw.drift.variance import variance_shares
from secondlaw.statistics.cells import Replicated

pytestmark = pytest.mark.unit

MISALIGNED = np.array([False, True, False, True, False])


def parts(corrected):
    rng = np.random.default_rng(0)
    label = rng.choice(5, p=[0.5, 0.2, 0.15, 0.1, 0.05], size=360)
    rows = CellRows(np.arange(360) // 6, label, np.full(360, -1), np.full(360, 2))
    design = Design.draw(np.arange(60, dtype=np.uint64), resamples=400, rng=rng)
    cell = measure_cell(rows, design, misaligned=MISALIGNED)
    cell = replace(
        cell,
        correction="em",
        shares=Replicated(np.array(corrected), np.tile(corrected, (400, 1))),
        classifier_replicates=1.2 + 0.15 * rng.normal(size=400),
    )
    (found,) = variance_shares("m", {0: cell}, design, level=0.95)
    return found.parts


def test_a_category_that_the_correction_took_away_leaves_the_parts_as_they_are():
    usual, emptied = parts([0.5, 0.2, 0.15, 0.1, 0.05]), parts([0.53, 0.21, 0.16, 0.1 - 1e-10, 1e-10])
    assert usual["classifier"].value > 0.8
    for name in usual:
        assert emptied[name].value == pytest.approx(usual[name].value)
