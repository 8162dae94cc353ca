"""What moved after an alarm: exact sums, simultaneous coverage, error rates over many seeds."""

import json
import math

import numpy as np
import pytest
from clustered_counts import RARE, draw, fewest, most

from secondlaw.drift.attribution import attribute_change
from secondlaw.drift.attribution_sides import Side
from secondlaw.drift.attribution_tests import dealt_shift, one_prompt, paired_shift
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.divergence import jensen_shannon, kullback_leibler
from secondlaw.types import Estimate, Insufficient

NAMES = ("g1", "g2", "g3", "g4", "g5")
MOVED = (0.80, 0.11, 0.05, 0.02, 0.02)


def _side(counts, *, prefix="p"):
    return Side([f"{prefix}{i}" for i in range(len(counts))], counts)


def _attribute(before, after, *, seed=0, **more):
    return attribute_change(before, after, categories=NAMES, rng=np.random.default_rng(seed), **more)


def _same_prompts(rng, *, prompts=30, first=40, second=10, change=0.0):
    """Return counts of the same heterogeneous prompts on both sides; `change` mixes the second towards g2."""
    own = rng.dirichlet(5 * np.array(RARE) + 1e-6, size=prompts)
    later = (1 - change) * own + change * np.eye(5)[1]
    return rng.multinomial(first, own), rng.multinomial(second, later)


@pytest.mark.unit
def test_contributions_add_up_to_the_divergences():
    rng = np.random.default_rng(0)
    one, two = draw(20, 20, RARE, 0.1, rng=rng)[0], draw(20, 20, MOVED, 0.1, rng=rng)[0]
    found = _attribute(_side(one), _side(two))
    a, b = one.sum(axis=0), two.sum(axis=0)
    assert found.jensen_shannon == pytest.approx(float(jensen_shannon(a, b)))
    assert found.kullback_leibler == pytest.approx(float(kullback_leibler(b, a, smoothing=0.5)))
    assert sum(c.jensen_shannon for c in found.categories) == pytest.approx(found.jensen_shannon)
    assert sum(c.kullback_leibler for c in found.categories) == pytest.approx(found.kullback_leibler)
    assert all(min(c.jensen_shannon, c.kullback_leibler) >= 0 for c in found.categories)
    assert [c.difference.value for c in found.categories] == pytest.approx((b / b.sum() - a / a.sum()).tolist())


@pytest.mark.unit
def test_behavior_and_mix_add_up_to_the_change():
    """A mix shift alone: no part behaves differently, the weights carry all of it."""
    before = Side(["a", "b"], [[90, 10], [20, 80]])
    after = Side(["a", "b"], [[18, 2], [40, 160]])
    found = attribute_change(
        before, after, categories=["g1", "g2"], parts={"a": "benign", "b": "harmful"}, rng=np.random.default_rng(0)
    )
    assert [part.part for part in found.parts] == ["benign", "harmful"]
    for part in found.parts:
        assert part.behavior == pytest.approx((0.0, 0.0), abs=1e-12)
        assert isinstance(part.p_value, Insufficient)
        assert not part.moved
    total = np.sum([part.mix for part in found.parts], axis=0)
    assert total == pytest.approx([58 / 220 - 110 / 200, 162 / 220 - 90 / 200])
    assert isinstance(found.categories[0].difference, Insufficient)


@pytest.mark.calibration
@pytest.mark.parametrize("paired", [True, False])
def test_all_intervals_together_cover_the_differences(paired):
    """80 runs with 20 heterogeneous prompts a side: 95 % simultaneous intervals, rare categories among them."""
    rng = np.random.default_rng(1)
    hits = 0
    for seed in range(80):
        if paired:
            own = rng.dirichlet(5 * np.array(RARE) + 1e-6, size=20)
            one, two = rng.multinomial(40, own), rng.multinomial(20, 0.8 * own + 0.2 * np.eye(5)[1])
            truth = 0.2 * (np.eye(5)[1] - np.array(RARE))
            sides = _side(one), _side(two)
        else:
            one, two = (draw(20, 20, p, 0.1, rng=rng)[0] for p in (RARE, MOVED))
            truth = np.array(MOVED) - RARE
            sides = _side(one), _side(two, prefix="q")
        found = _attribute(*sides, seed=seed)
        assert found.paired is paired
        hits += all(c.difference.covers(t) for c, t in zip(found.categories, truth, strict=True))
    assert hits >= fewest(80, 0.93)


@pytest.mark.calibration
@pytest.mark.parametrize("paired", [True, False])
def test_parts_are_rarely_named_falsely_and_found_when_they_moved(paired):
    """Stretches of unlike length (40 and 10 responses a prompt), heterogeneous prompts, 300 tests at .05."""
    rng = np.random.default_rng(2)
    test = paired_shift if paired else dealt_shift
    false = true = 0
    for _ in range(300):
        one, two = _same_prompts(rng)
        if not paired:
            two = _same_prompts(rng)[1]
        false += test(one, two, rng=rng, permutations=199) <= 0.05
    for _ in range(40):
        one, two = _same_prompts(rng, change=0.2)
        true += test(one, two, rng=rng, permutations=199) <= 0.05
    assert false <= most(300, 0.05)
    assert true >= (36 if paired else 20)


@pytest.mark.calibration
def test_single_prompts_are_tested_exactly():
    rng = np.random.default_rng(3)
    p = [0.8, 0.15, 0.05]
    false = sum(
        one_prompt(rng.multinomial(30, p) * 1.0, rng.multinomial(8, p) * 1.0, rng=rng) <= 0.05 for _ in range(400)
    )
    assert false <= most(400, 0.05)
    assert one_prompt(np.array([30.0, 0.0]), np.array([0.0, 10.0]), rng=rng) == pytest.approx(1 / 20_000, rel=2)
    assert one_prompt(np.array([30.0, 0.0]), np.array([10.0, 0.0]), rng=rng) == 1.0


@pytest.mark.unit
def test_the_part_and_the_prompts_that_moved_are_named_with_examples():
    rng = np.random.default_rng(4)
    prompts, labels, ids = [], {0: [], 1: []}, []
    for i in range(20):
        for turn in range(15):
            prompts.append(f"p{i}")
            ids.append(f"r{i}-{turn}")
            labels[0].append(int(rng.choice(5, p=RARE)))
            labels[1].append(1 if i >= 12 and turn >= 3 else int(rng.choice(5, p=RARE)))
    before = Side.from_rows(prompts, labels[0], categories=5)
    after = Side.from_rows(prompts, labels[1], categories=5, ids=ids)
    parts = {f"p{i}": "harmful" if i >= 10 else "benign" for i in range(20)}
    found = _attribute(before, after, parts=parts)
    assert {part.part: part.moved for part in found.parts} == {"benign": False, "harmful": True}
    assert {one.prompt for one in found.prompts if one.moved} == {f"p{i}" for i in range(12, 20)}
    assert all(one.category == "g2" for one in found.prompts if one.moved)
    assert [c.category for c in found.categories if c.rose] == ["g2"]
    shown = found.examples["g2"]
    assert len(shown) == 5
    assert len({one.split("-")[0] for one in shown}) == 5  # one of each prompt first
    assert {one.split("-")[0] for one in shown} <= {f"r{i}" for i in range(12, 20)}
    chosen = dict(zip(ids, labels[1], strict=True))
    assert all(chosen[one] == 1 for one in shown)
    assert math.fsum(one.contribution for one in found.prompts) == pytest.approx(1.0)
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["categories"][1]["difference"]["low"] > 0


@pytest.mark.unit
def test_parts_on_one_side_only_are_mix():
    before = Side(["a", "b"], [[9, 1, 0, 0, 0], [5, 5, 0, 0, 0]])
    after = Side(["a", "c"], [[9, 1, 0, 0, 0], [0, 10, 0, 0, 0]])
    found = _attribute(before, after, parts={"a": "A", "b": "B"})
    assert {part.part: part.mix[1] for part in found.parts} == pytest.approx({"A": 0.0, "B": -0.25, "(none)": 0.5})
    assert sum(np.sum([part.mix, part.behavior]) for part in found.parts) == pytest.approx(0.0)


@pytest.mark.unit
def test_few_prompts_give_no_interval_but_the_shares():
    found = _attribute(Side(["a"], [[9, 1, 0, 0, 0]]), Side(["a"], [[1, 9, 0, 0, 0]]))
    assert isinstance(found.categories[0].difference, Insufficient)
    assert (found.categories[1].before, found.categories[1].after) == (0.1, 0.9)
    assert not found.examples


@pytest.mark.unit
def test_a_stretch_that_tells_nothing_gives_no_interval_but_the_reason():
    """Four prompts that answer all alike are worth four responses, whatever their number."""
    rng = np.random.default_rng(6)
    one = np.eye(5)[rng.integers(0, 2, size=40)] * 10
    found = _attribute(_side(one), _side(np.eye(5)[[0, 0, 1, 1]] * 20, prefix="q"))
    assert isinstance(found.categories[0].difference, Insufficient)
    assert "independent ones, 5 are needed" in found.categories[0].difference.reason
    assert not any(change.moved for change in found.categories)


@pytest.mark.unit
def test_a_stretch_that_an_alarm_chose_has_wider_intervals():
    rng = np.random.default_rng(7)
    one, two = draw(20, 20, RARE, 0.1, rng=rng)[0], draw(20, 20, MOVED, 0.1, rng=rng)[0]
    named, chosen = (_attribute(_side(one), _side(two), is_chosen=is_chosen) for is_chosen in (False, True))
    for narrow, wide in zip(named.categories, chosen.categories, strict=True):
        assert wide.difference.value == narrow.difference.value
        assert 1.1 < wide.difference.width / narrow.difference.width < 1.4
        assert "chosen by an alarm" in wide.difference.method


@pytest.mark.unit
def test_responses_of_one_step_that_resemble_each_other_widen_the_intervals():
    rng = np.random.default_rng(8)
    steps = rng.multinomial(50, rng.dirichlet(20 * np.array(RARE), size=30))
    rows = np.repeat(np.tile(np.eye(5), (30, 1)), steps.ravel(), axis=0)
    parts = rows[: steps[:20].sum()], rows[steps[:20].sum() :]
    plain = [Side([f"{name}{i}" for i in range(len(part))], part) for name, part in zip("ab", parts, strict=True)]
    told = [Side(side.prompts, side.counts, steps=by) for side, by in zip(plain, (steps[:20], steps[20:]), strict=True)]
    without, with_steps = (_attribute(*both).categories[0].difference for both in (plain, told))
    assert with_steps.width > 1.3 * without.width


@pytest.mark.unit
def test_a_category_never_seen_gets_an_interval_of_its_own_size():
    rng = np.random.default_rng(5)
    one, two = (_side(np.pad(rng.multinomial(20, [0.8, 0.2], size=20), ((0, 0), (0, 3)))) for _ in range(2))
    difference = _attribute(one, two).categories[4].difference
    assert isinstance(difference, Estimate)
    assert difference.low < 0 < difference.high
    assert difference.width > 1 / 400


@pytest.mark.unit
def test_bad_input_to_an_attribution_is_named():
    side = Side(["a"], [[1, 2]])
    with pytest.raises(InvalidInput, match="5 categories"):
        _attribute(side, side)
    with pytest.raises(NotEnoughData, match="before the change"):
        attribute_change(Side(["a"], [[0, 0]]), side, categories=["x", "y"], rng=np.random.default_rng(0))
    with pytest.raises(InvalidInput, match="level"):
        attribute_change(side, side, categories=["x", "y"], rng=np.random.default_rng(0), level=0.0)
    with pytest.raises(InvalidInput, match="occurs twice"):
        Side(["a", "a"], [[1, 2], [3, 4]])
    with pytest.raises(InvalidInput, match="whole numbers"):
        Side(["a"], [[0.5, 2]])
    with pytest.raises(InvalidInput, match="shape"):
        Side(["a", "b"], [[1, 2]])
    with pytest.raises(InvalidInput, match="same responses"):
        Side(["a"], [[1, 2]], steps=[[1, 1]])
    with pytest.raises(InvalidInput, match="prompt and a label"):
        Side.from_rows(["a"], [0, 1], categories=2)
