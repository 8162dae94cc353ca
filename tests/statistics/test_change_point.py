"""When a change began: coverage of its interval, and when nothing is said."""

import json

import numpy as np
import pytest
from clustered_counts import RARE, fewest, most

from secondlaw.errors import InvalidInput
from secondlaw.statistics.change_points import ChangePoint, change_point
from secondlaw.types import Insufficient

K, UNIFORM = 100, np.full(5, 0.2)


def _series(kind, size, *, steps, began, concentration, rng):
    """Return counts (steps, 5): p0 until `began`, then mixed with uniform by `size` at once, or by `size` a step."""
    t = np.arange(steps)
    part = np.where(t < began, 0.0, size) if kind == "step" else size * np.maximum(0, t - began + 1)
    shares = (1 - part)[:, None] * np.array(RARE) + part[:, None] * UNIFORM
    if concentration:
        gamma = rng.standard_gamma(concentration * shares)
        shares = gamma / gamma.sum(axis=1, keepdims=True)
    return rng.multinomial(K, shares)


@pytest.mark.calibration
@pytest.mark.parametrize("concentration", [None, 50.0], ids=["iid", "clustered"])
@pytest.mark.parametrize(
    ("kind", "size", "model"),
    [("step", 0.06, "step"), ("step", 0.1, "auto"), ("ramp", 0.006, "ramp"), ("ramp", 0.006, "auto")],
)
def test_intervals_cover_the_first_changed_step(kind, size, model, concentration):
    """100 runs of 95 % intervals: fewer hits than a process of .95 gives with probability 1e-4 would be a defect."""
    rng = np.random.default_rng(0)
    found = [
        change_point(_series(kind, size, steps=110, began=70, concentration=concentration, rng=rng), model=model)
        for _ in range(100)
    ]
    dated = [one for one in found if isinstance(one, ChangePoint)]
    assert len(dated) >= 70
    assert sum(one.began.covers(70) for one in dated) >= fewest(len(dated), 0.95)
    assert np.median([one.began.width for one in dated]) <= 30  # of 110 steps, not the whole series


@pytest.mark.calibration
def test_a_step_fitted_to_a_ramp_dates_it_after_it_began():
    """What the module says of a step fitted to a ramp; and "auto" notices."""
    rng = np.random.default_rng(1)
    series = [_series("ramp", 0.005, steps=150, began=100, concentration=None, rng=rng) for _ in range(40)]
    steps = [change_point(one, model="step") for one in series]
    assert np.median([one.began.value for one in steps]) > 108
    assert sum(one.began.covers(100) for one in steps) <= 4
    assert sum(change_point(one).shape == "ramp" for one in series) >= 36


@pytest.mark.calibration
def test_nothing_is_dated_where_nothing_changed():
    rng = np.random.default_rng(2)
    found = [
        change_point(_series("step", 0.0, steps=60, began=50, concentration=c, rng=rng))
        for c in (None, 50.0)
        for _ in range(100)
    ]
    assert sum(isinstance(one, ChangePoint) for one in found) <= most(200, 0.05)
    assert "no change stands out" in next(one.reason for one in found if isinstance(one, Insufficient))


@pytest.mark.unit
def test_a_clear_step_is_dated_to_the_step():
    counts = [[95, 5, 0]] * 30 + [[60, 40, 0]] * 20
    found = change_point(counts, steps=np.arange(50) * 10 + 7)
    assert (found.began.value, found.began.low, found.began.high) == (307.0, 307.0, 307.0)
    assert found.shape == "step"
    assert found.before == pytest.approx((0.95, 0.05, 0.0))
    assert found.after == pytest.approx((0.6, 0.4, 0.0))
    assert found.dispersion == 1.0
    # Both sides at their shares, against all at the mean: 1500 (H(.81, .19)) - ... in nats.
    h = lambda p: -(p * np.log(p) + (1 - p) * np.log(1 - p))  # noqa: E731
    assert found.log_gain == pytest.approx(5000 * h(0.81) - 3000 * h(0.95) - 2000 * h(0.6))


@pytest.mark.unit
def test_a_clear_ramp_is_dated_to_its_beginning():
    part = 0.01 * np.maximum(0, np.arange(80) - 40 + 1)
    counts = np.round(10_000 * np.stack([0.9 - part, 0.1 + part], axis=1))
    found = change_point(counts)
    assert found.shape == "ramp"
    assert found.began.low <= 40 <= found.began.high
    assert found.began.width <= 1
    assert found.after == pytest.approx((0.5, 0.5), abs=0.005)


@pytest.mark.unit
def test_no_step_before_the_earliest_is_named():
    rng = np.random.default_rng(3)
    counts = _series("step", 0.1, steps=150, began=100, concentration=None, rng=rng)
    late = change_point(counts, earliest=110)
    assert late.began.low >= 110
    assert isinstance(change_point(counts, earliest=200), Insufficient)


@pytest.mark.unit
def test_long_series_are_tried_at_some_steps_and_the_interval_says_so():
    rng = np.random.default_rng(4)
    counts = _series("step", 0.1, steps=1500, began=1000, concentration=None, rng=rng)
    found = change_point(counts, model="step")
    assert found.began.covers(1000)
    assert found.began.width >= 4


@pytest.mark.unit
def test_empty_steps_are_left_out_and_short_series_insufficient():
    counts = np.array([[9, 1]] * 20 + [[0, 0]] * 3 + [[2, 8]] * 20)
    assert change_point(counts).began.value == 23
    assert isinstance(change_point(counts[:5]), Insufficient)
    assert isinstance(change_point([[5, 0]] * 20), Insufficient)


@pytest.mark.unit
def test_the_result_is_plain_json():
    found = change_point([[95, 5]] * 30 + [[60, 40]] * 20).to_dict()
    assert json.loads(json.dumps(found))["began"]["unit"] == "step"


@pytest.mark.unit
def test_bad_input_to_a_change_point_is_named():
    with pytest.raises(InvalidInput, match="growing numbers"):
        change_point([[5, 5]] * 10, steps=[0] * 10)
    with pytest.raises(InvalidInput, match="shape"):
        change_point([5, 5])
    with pytest.raises(InvalidInput, match="not negative"):
        change_point([[5, -5]] * 10)
    with pytest.raises(InvalidInput, match="'step', a 'ramp'"):
        change_point([[5, 5]] * 10, model="cubic")
    with pytest.raises(InvalidInput, match="level"):
        change_point([[5, 5]] * 10, level=1.0)
