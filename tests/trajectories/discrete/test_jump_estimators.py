import numpy as np
import pytest

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.systems import JumpProcess
from secondlaw.trajectories import JumpPlugIn, JumpRecords, VisibleTransitions, WaitingTimes

FAST = {"resamples": 300, "draws": 199}
RING = JumpProcess([[0, 2, 1], [1, 0, 2], [2, 1, 0]])  # ln 2 nats per unit of time, one cycle
BALANCED = JumpProcess(np.array([[0, 1.0, 2.0], [1.0, 0, 0.5], [2.0, 0.5, 0]]) / np.array([[0.2], [0.3], [0.5]]))
NETWORK = JumpProcess(np.random.default_rng(5).exponential(size=(5, 5)) ** 2 + 0.05)


def records(process, duration, rng, **settings):
    paths = process.simulate(duration=duration, rng=rng, **settings)
    return JumpRecords.of([(path.states, path.waits) for path in paths])


@pytest.mark.unit
def test_a_network_seen_in_full_is_met():
    rng = np.random.default_rng(0)
    result = JumpPlugIn().fit(records(NETWORK, 8000.0, rng), rng=rng)
    assert result.estimate.covers(NETWORK.entropy_production_rate())
    assert result.estimate.value == pytest.approx(NETWORK.entropy_production_rate(), rel=0.05)
    assert (result.bound, result.estimate.unit) == ("exact", "nats per unit of time")


@pytest.mark.unit
def test_many_short_records_count_the_time_in_which_nothing_happens():
    rng = np.random.default_rng(0)
    data = records(RING, 2.0, rng, trajectories=1500)
    assert JumpPlugIn(**FAST).fit(data, rng=rng).estimate.covers(np.log(2))
    seen = WaitingTimes(**FAST).fit(data.visible([(0, 1)]), rng=rng).estimate
    assert seen.low < np.log(2)


@pytest.mark.paper
def test_one_edge_shows_a_single_cycle_in_full_and_several_cycles_from_below():
    """Phys. Rev. X 12, 031025 and 041026 (2022)."""
    rng = np.random.default_rng(0)
    ring = WaitingTimes().fit(records(RING, 4000.0, rng).visible([(0, 1)]), rng=rng)
    assert ring.estimate.covers(np.log(2))
    assert ring.bound == "lower"
    network = records(NETWORK, 8000.0, rng)
    one, two = (WaitingTimes(bins=1, **FAST).fit(network.visible(e), rng=rng) for e in ([(0, 1)], [(0, 1), (2, 3)]))
    assert 0 < one.estimate.low < one.estimate.high < two.estimate.low
    assert two.estimate.high < NETWORK.entropy_production_rate()


@pytest.mark.unit
def test_records_are_read_from_times_and_bad_ones_named():
    rng = np.random.default_rng(0)
    data = JumpRecords.from_times([([0.0, 0.5, 2.0], [0, 1, 0])], end=2.5)
    assert data.waits[0].tolist() == [0.5, 1.5, 0.5]
    seen = data.visible([(1, 0)])
    assert (seen.labels[0].tolist(), seen.times[0].tolist(), seen.ends) == ([-1, 1], [0.5, 2.0], (2.5,))
    for make, words in (
        (lambda: JumpRecords.of([([0, 0], [1.0, 1.0])]), "from a state to itself"),
        (lambda: JumpRecords.of([([0, 1], [1.0])]), "one wait for each state"),
        (lambda: JumpRecords.of([([0, 1], [1.0, np.nan])]), "numbers from 0"),
        (lambda: JumpRecords.of([([0.5, 1.0], [1.0, 1.0])]), "whole numbers"),
        (lambda: JumpRecords.from_times([([0.0, 3.0], [0, 1])], end=2.0), "rise up to its end"),
        (lambda: VisibleTransitions.of([([0.0, 1.0], [1, 0])], end=2.0), "other than 0"),
        (lambda: VisibleTransitions.of([([1.0, 0.5], [1, -1])], end=2.0), "rise up to its end"),
        (lambda: WaitingTimes(bins=0).fit(seen, rng=rng), "a bin or more"),
    ):
        with pytest.raises(InvalidInput, match=words):
            make()
    with pytest.raises(NotEnoughData, match="too few"):
        JumpPlugIn().fit(data, rng=rng)
    with pytest.raises(NotEnoughData, match="no record holds two"):
        WaitingTimes().fit(VisibleTransitions.of([([0.5], [1])], end=2.0), rng=rng)
    with pytest.raises(NotEnoughData, match="no jump trajectory"):
        JumpRecords.of([])


@pytest.mark.unit
def test_one_way_jumps_are_warned_of():
    rng = np.random.default_rng(0)
    data = records(JumpProcess([[0, 1, 0], [0, 0, 1], [1, 0, 0]]), 300.0, rng)
    assert any("one way only" in text for text in JumpPlugIn(**FAST).fit(data, rng=rng).warnings)


@pytest.mark.calibration
def test_balanced_processes_seldom_show_a_positive_lower_end(at_most):
    assert BALANCED.entropy_production_rate() == pytest.approx(0.0, abs=1e-12)
    full = seen = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        data = records(BALANCED, 80.0, rng)
        full += JumpPlugIn(**FAST).fit(data, rng=rng).estimate.low > 0
        seen += WaitingTimes(**FAST).fit(data.visible([(0, 1)]), rng=rng).estimate.low > 0
    assert at_most(full, 60, 0.025)
    assert at_most(seen, 60, 0.025)


@pytest.mark.calibration
def test_intervals_cover_the_exact_value(at_most):
    missed, above = [0, 0], [0, 0]
    for seed in range(80):
        rng = np.random.default_rng(seed)
        data = records(RING, 400.0, rng)
        found = JumpPlugIn(**FAST).fit(data, rng=rng), WaitingTimes(**FAST).fit(data.visible([(0, 1)]), rng=rng)
        for place, result in enumerate(found):
            missed[place] += not result.estimate.covers(np.log(2))
            above[place] += result.estimate.low > np.log(2)
    assert all(at_most(count, 80, 0.05) for count in missed)
    assert all(at_most(count, 80, 0.025) for count in above)
