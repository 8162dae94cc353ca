"""The long simulated run."""

import sys

import numpy as np
import pytest

from secondlaw.behavior.taxonomy import FIVE
from secondlaw.drift import CellRows, Design, measure_cell, measure_rates, replay
from secondlaw.drift.stretched_runs import prompt_shares
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.types import Insufficient

MISALIGNED = np.array(FIVE.misaligned)


def _cells(paths, *, prompts=40, k=20):
    rng = np.random.default_rng(0)
    design = Design.draw(np.arange(prompts, dtype=np.uint64), resamples=200, rng=rng)
    cells = {}
    for step, shares in enumerate(paths):
        label = rng.choice(5, size=prompts * k, p=shares)
        rows = CellRows(np.repeat(np.arange(prompts), k), label, np.full(len(label), -1), np.full(len(label), 2))
        cells[step] = measure_cell(rows, design, misaligned=MISALIGNED)
    return cells


STEADY = [0.9, 0.03, 0.04, 0.01, 0.02]
MIXED = [0.4, 0.2, 0.1, 0.2, 0.1]


@pytest.mark.unit
def test_a_replay_runs_from_the_first_recorded_step_to_the_last():
    cells = _cells([STEADY, MIXED])
    found = replay({"base": cells}, misaligned=MISALIGNED, steps=200, rng=np.random.default_rng(1))
    arm = found.arms[0]
    assert len(arm.entropy) == 200
    assert arm.entropy[0] == pytest.approx(float(cells[0].pooled.point), abs=0.05)
    assert arm.entropy[-1] == pytest.approx(float(cells[1].pooled.point), abs=0.05)
    assert arm.misaligned_share[-1] == pytest.approx(0.4, abs=0.06)
    assert all(low <= high for low, high in zip(arm.entropy_low, arm.entropy_high, strict=True))


@pytest.mark.calibration
def test_the_range_holds_95_percent_of_the_drawn_entropies():
    """200 steps; at most 2.5 % nominal each side plus the plug-in's bias: fewer than 180 inside would be a defect."""
    found = replay({"base": _cells([STEADY, STEADY])}, misaligned=MISALIGNED, steps=200, rng=np.random.default_rng(1))
    arm = found.arms[0]
    inside = sum(lo <= s <= hi for lo, s, hi in zip(arm.entropy_low, arm.entropy, arm.entropy_high, strict=True))
    assert inside >= 180


@pytest.mark.unit
def test_a_replay_holds_the_prompts_of_two_recorded_steps_at_a_time(monkeypatch):
    """1,000 steps x 100,000 prompts x 5 categories would be 4 GB: each step's table is made when it is reached."""
    cells = _cells([STEADY] * 6)
    made = []

    def counted(cell, n_groups):
        made.append(cell)
        return prompt_shares(cell, n_groups)

    monkeypatch.setattr(sys.modules["secondlaw.drift.stretched_runs"], "prompt_shares", counted)
    replay({"base": cells}, misaligned=MISALIGNED, steps=3, rng=np.random.default_rng(1))
    assert len(made) == 6, "three pairs"
    made.clear()
    replay({"base": cells}, misaligned=MISALIGNED, steps=100, rng=np.random.default_rng(1))
    assert len(made) == 6, "each once, though 100 steps pass them"


@pytest.mark.unit
def test_one_recorded_step_cannot_be_stretched():
    with pytest.raises(NotEnoughData, match="two or more, base has 1"):
        replay({"base": _cells([STEADY])}, misaligned=MISALIGNED, rng=np.random.default_rng(1))
    with pytest.raises(InvalidInput, match="got 1 and 100"):
        replay({"base": _cells([STEADY])}, misaligned=MISALIGNED, steps=1, rng=np.random.default_rng(1))


@pytest.mark.unit
def test_rates_name_the_bound_on_linear_growth():
    found = measure_rates("s", "base", _cells([STEADY, MIXED]), level=0.95)
    assert found.longest_linear_growth == pytest.approx(np.log(5) / found.entropy_rate.value)
    assert found.misaligned_rate.unit == "share/step"
    falling = measure_rates("s", "base", _cells([MIXED, STEADY]), level=0.95)
    assert falling.longest_linear_growth is None
    single = measure_rates("s", "base", _cells([STEADY]), level=0.95)
    assert isinstance(single.entropy_rate, Insufficient)


@pytest.mark.paper
def test_the_papers_rate_lasts_124_steps():
    """arXiv 2512.03047: .013 nats/step reaches ln 5 after 124 steps, so 1,000 steps of linear growth are impossible."""
    from secondlaw.statistics.slopes import longest_linear_growth

    assert longest_linear_growth(0.013, categories=5) == pytest.approx(123.8, abs=0.05)
