"""Known drifts in resampled history: what is put in, what it costs, how soon it is found."""

import math

import numpy as np
import pytest

from secondlaw.drift.injection import Injection, inject, parse_injection, resample_steps
from secondlaw.drift.injection_trials import TrialSettings, detection, false_alarms, first_alarms
from secondlaw.drift.monitoring_plan import MonitorPlan, ScoreField
from secondlaw.drift.monitors import BettingMonitor
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.shares import exact_interval
from secondlaw.types import Estimate, Insufficient

KEYS = ("g1", "g2", "g3", "g4", "g5")
MISALIGNED = (False, True, False, True, False)
USUAL = [0.90, 0.03, 0.04, 0.01, 0.02]


def history(seed=0, *, steps=120, k=50, phi=None):
    rng = np.random.default_rng(seed)
    shares = np.tile(USUAL, (steps, 1)) if phi is None else rng.dirichlet(phi * np.array(USUAL), size=steps)
    return rng.multinomial(k, shares)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ("0.05 g1->g2", Injection(0.05, "g1", "g2")),
        (" 5% g1 -> g4 ", Injection(0.05, "g1", "g4")),
        (".2g2->g1", Injection(0.2, "g2", "g1")),
        ("+0.05", Injection(0.05)),
        ("-0.1", Injection(-0.1)),
    ],
)
def test_a_drift_is_read_as_people_write_it(spec, found):
    assert parse_injection(spec, KEYS) == found


@pytest.mark.unit
@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("more refusals", "a drift is written '0.05 g1->g2'"),
        ("0.05 g1->g9", "between categories .*, got 'g9'"),
        ("0.05 g1->g1", "two different categories"),
        ("1.5 g1->g2", "between 0 and 1, got 1.5"),
        ("+0", "a drift of 0 is none"),
    ],
)
def test_what_is_no_drift_is_refused(spec, words):
    with pytest.raises(InvalidInput, match=words):
        parse_injection(spec, KEYS)


@pytest.mark.unit
def test_a_ramp_grows_evenly_and_leaves_what_was_before_as_it_was():
    rng = np.random.default_rng(0)
    runs = resample_steps(history(k=2000), runs=40, steps=100, block=4, rng=rng)
    begin = np.full(40, 30)
    moved = inject(runs, Injection(0.2, "g1", "g2", ramp=20), begin=begin, categories=KEYS, rng=rng)
    assert np.array_equal(moved[:, :30], runs[:, :30])
    assert np.array_equal(moved.sum(axis=2), runs.sum(axis=2))
    assert np.array_equal(moved[:, :, 2:], runs[:, :, 2:])
    risen = (moved - runs)[:, :, 1].mean(axis=0) / 2000
    assert risen[30:50] == pytest.approx(0.2 * np.arange(1, 21) / 20, abs=0.004)
    assert risen[50:] == pytest.approx(0.2, abs=0.004)


@pytest.mark.unit
def test_a_score_is_moved_by_so_much_and_not_beyond_its_bounds():
    runs = np.array([[[20.0, 80.0], [95.0, 5.0]]])  # means .4 and 1.9 of a score in [0, 2]
    moved = inject(
        runs, Injection(0.2), begin=np.array([0]), categories=KEYS, bounds=(0.0, 2.0), rng=np.random.default_rng(0)
    )
    assert (moved[0, :, 0] / moved[0].sum(axis=1) * 2.0).tolist() == pytest.approx([0.6, 2.0])


@pytest.mark.unit
@pytest.mark.parametrize(
    ("injection", "bounds", "words"),
    [
        (Injection(0.5, "g2", "g1"), None, "g2 holds 3.* % of the responses: 50 points cannot be moved"),
        (Injection(0.05), None, "categories are watched"),
        (Injection(0.05, "g1", "g2"), (0.0, 1.0), "a score is watched"),
    ],
)
def test_a_drift_that_cannot_be_put_in_is_refused(injection, bounds, words):
    rng = np.random.default_rng(0)
    with pytest.raises(InvalidInput, match=words):
        inject(
            history()[None].astype(float), injection, begin=np.zeros(1, int), categories=KEYS, bounds=bounds, rng=rng
        )


@pytest.mark.unit
def test_blocks_keep_neighbours_together_and_wrap_around():
    pool = np.arange(30)[:, None]
    drawn = resample_steps(pool, runs=50, steps=12, block=4, rng=np.random.default_rng(0))[:, :, 0].reshape(50, 3, 4)
    assert (np.diff(drawn, axis=2) % 30 == 1).all()
    assert set(np.unique(drawn)) == set(range(30))
    with pytest.raises(InvalidInput, match="a block has 1 to 30 steps"):
        resample_steps(pool, runs=1, steps=5, block=31, rng=np.random.default_rng(0))


@pytest.mark.unit
@pytest.mark.parametrize("changes", [{}, {"detector": "cusum"}, {"detector": "universal"}, {"promise": "e-process"}])
def test_first_alarms_are_those_of_the_monitor(changes):
    plan = MonitorPlan(MISALIGNED, baseline_steps=40, alpha=1e-3, **changes)
    rng = np.random.default_rng(4)
    runs = resample_steps(history(2), runs=6, steps=140, block=4, rng=rng)
    moved = inject(runs, Injection(0.15, "g1", "g2"), begin=np.full(6, 80), categories=KEYS, rng=rng)
    found = first_alarms(moved, plan)
    for run, first in zip(moved, found, strict=True):
        monitor = plan.new_monitor(0)
        alarms = [t for t, row in enumerate(run) if monitor.update(row).alarm]
        assert first == (alarms[0] if alarms else -1)
    assert (found >= 80).all()


@pytest.mark.unit
def test_larger_drifts_are_found_sooner_and_stricter_budgets_later():
    trials = TrialSettings(runs=60, before=20, horizon=120)
    plan = MonitorPlan(MISALIGNED, baseline_steps=60)

    def tried(alpha, size):
        drift = Injection(size, "g1", "g2")
        return detection(
            history(), plan.with_(alpha=alpha), drift, trials, categories=KEYS, rng=np.random.default_rng(1)
        )

    strict, loose, large = tried(1e-4, 0.05), tried(1e-2, 0.05), tried(1e-4, 0.2)
    assert strict.delay.value > loose.delay.value
    assert strict.delay.value > large.delay.value
    assert strict.delay.low <= strict.delay.value <= strict.delay.high
    assert large.detected == Estimate(1.0, large.detected.low, 1.0, 0.95, 60, "share", large.detected.method, "runs")
    steps = [steps for _, steps in strict.delays]
    assert steps == sorted(steps, key=lambda value: math.inf if value is None else value)


@pytest.mark.unit
def test_a_drift_too_small_for_the_horizon_has_no_median_delay():
    plan = MonitorPlan(MISALIGNED, baseline_steps=40)
    trials = TrialSettings(runs=40, before=0, horizon=10)
    found = detection(
        history(), plan, Injection(0.01, "g1", "g2"), trials, categories=KEYS, rng=np.random.default_rng(1)
    )
    assert isinstance(found.delay, Insufficient)
    assert found.delays[-1] == (0.9, None)
    assert found.to_dict()["delay"]["insufficient"].startswith("fewer than half of the runs alarmed within 10 steps")


@pytest.mark.unit
def test_alarms_before_the_drift_do_not_count_as_found():
    """A monitor that alarms at once whatever comes finds nothing."""
    plan = MonitorPlan(MISALIGNED, detector="paper")
    trials = TrialSettings(runs=30, begin=20, horizon=20)
    found = detection(
        history(), plan, Injection(0.05, "g1", "g2"), trials, categories=KEYS, rng=np.random.default_rng(1)
    )
    assert found.runs == 0
    assert isinstance(found.detected, Insufficient)


@pytest.mark.unit
def test_too_short_a_history_is_said():
    plan = MonitorPlan(MISALIGNED, baseline_steps=40)
    with pytest.raises(NotEnoughData, match="resampling needs 20 steps without an alarm, got 10"):
        false_alarms(history(steps=10), plan, TrialSettings(), rng=np.random.default_rng(0))


@pytest.mark.unit
def test_a_score_is_tried_as_the_monitor_counts_it():
    score = ScoreField("toxicity", 0.0, 1.0)
    rng = np.random.default_rng(0)
    values = rng.beta(2, 18, size=(120, 40))
    pool = np.stack([values.sum(axis=1), 40 - values.sum(axis=1)], axis=1)
    plan = MonitorPlan(MISALIGNED, score=score, baseline_steps=50)
    found = detection(
        pool, plan, Injection(0.05), TrialSettings(runs=30, before=0, horizon=80), categories=KEYS, rng=rng
    )
    assert found.detected.value > 0.9
    monitor = BettingMonitor(plan.betting_settings(0))
    assert not any(monitor.update(row).alarm for row in values)


@pytest.mark.calibration
@pytest.mark.parametrize("phi", [None, 50.0])
def test_the_measured_false_alarm_rate_allows_the_promise(phi):
    """Over ten histories, iid and clustered: resampled runs without drift keep alpha a step."""
    plan = MonitorPlan(MISALIGNED, baseline_steps=60, alpha=1e-3)
    trials = TrialSettings(runs=60, before=0, horizon=100)
    found = [false_alarms(history(seed, phi=phi), plan, trials, rng=np.random.default_rng(seed)) for seed in range(10)]
    assert all(one.is_kept for one in found)
    assert np.mean([one.alarmed.value for one in found]) <= 1e-3 * 100


@pytest.mark.calibration
def test_the_interval_of_the_median_delay_holds_the_true_one():
    """95 % intervals from 40 runs against the median of 1,500: a binomial bound at .001 over 40 of them."""
    plan = MonitorPlan(MISALIGNED, baseline_steps=30, alpha=1e-2)
    pool, drift = history(steps=60), Injection(0.1, "g1", "g2")

    def tried(runs, seed):
        trials = TrialSettings(runs=runs, before=0, horizon=60)
        return detection(pool, plan, drift, trials, categories=KEYS, rng=np.random.default_rng(seed)).delay

    truth = tried(1500, 10_000).value
    found = [tried(40, seed) for seed in range(40)]
    held = sum(one.low <= truth <= one.high for one in found)
    _, high = exact_interval(held, len(found), level=0.998)
    assert high >= 0.95
