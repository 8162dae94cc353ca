"""What docs/trajectories.md shows runs, and gives what its words say."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
from known_processes import CYCLE

PAGE = Path(__file__).resolve().parents[2] / "docs/trajectories.md"


@pytest.mark.unit
def test_examples_run_and_give_what_the_page_says():
    names = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
            exec(compile(block, PAGE.name, "exec"), names)
    assert names["spins"].null.p_value < 0.01
    assert 0.0 < names["spins"].estimate.low < names["sample"].entropy_production.value
    assert names["triple"].estimate.covers(CYCLE / 2)
    assert names["growth"].results[0].estimate.low == 0.0
    assert names["growth"].increments[0].covers(CYCLE)
    assert names["plug_in"].diagnostics.order == 2
    assert names["plug_in"].estimate.covers(CYCLE)
    assert names["heat"].estimate.covers(1.35)
    assert 0.5 < names["driven"].estimate.low < 1.0
    assert names["full"].estimate.covers(np.log(2))
    assert names["part"].estimate.covers(np.log(2))


@pytest.mark.unit
def test_a_persistent_walker_has_less_entropy_production_than_its_pairs_show():
    turn, back, bias = 0.004, 0.006, np.log(0.6 / 0.4)
    share = back / (turn + back)
    whole = (share * (1 - turn) - (1 - share) * (1 - back)) * np.log((1 - turn) / (1 - back))
    assert (2 * share - 1) * bias == pytest.approx(0.08, abs=0.005)
    assert whole == pytest.approx(0.0004, abs=0.00005)
