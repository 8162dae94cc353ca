"""The betting monitor keeps its promises over many seeds, clustered or not, rare categories included."""

import math
from dataclasses import replace

import numpy as np
import pytest
import simulated_streams as streams
from scipy.stats import binom

from secondlaw.drift.monitors.baseline import learn_baseline, standardised
from secondlaw.drift.monitors.bets import Bets, seed_capital
from secondlaw.drift.monitors.replay import replay_betting
from secondlaw.drift.monitors.settings import WINDOWS, BettingSettings

SETTINGS = BettingSettings.standard(streams.MISALIGNED)
BOUNDED = replace(SETTINGS, delta=0.05)
RARE = {
    "p0": streams.SHARES,
    "one in 1,000": np.array([0.998, 0.0005, 0.0005, 0.0005, 0.0005]),
    "one in 10,000": np.array([0.9998, 0.00005, 0.00005, 0.00005, 0.00005]),
}
LAWS = [(name, phi) for name in RARE for phi in (None, streams.PHI)]


def _at_most(count, n, rate):
    """Whether a rate of at most `rate` explains `count` of n; a true one fails once in 10,000 tests."""
    return count <= binom.ppf(0.9999, n, rate)


@pytest.mark.calibration
@pytest.mark.parametrize(("name", "phi"), LAWS)
def test_bounds_lie_below_the_true_mean_at_most_at_the_rate_they_were_given(name, phi):
    """1,000 baselines of 100 steps; the true mean of each clipped score from many fresh steps."""
    rng = np.random.default_rng([1, len(name), int(phi or 0)])
    counts = streams.draw(np.tile(RARE[name], (100, 1)), 1000, rng=rng, phi=phi).transpose(1, 2, 0)
    many = 1000 if name == "p0" else 40_000  # rare events: few different steps, to be counted well
    fresh = streams.draw(np.tile(RARE[name], (many, 1)), 1, rng=rng, phi=phi)[0]
    baseline = learn_baseline(counts, BOUNDED)
    truth = np.zeros_like(baseline.low)
    for row, times in zip(*np.unique(fresh, axis=0, return_counts=True), strict=True):
        truth += times / many * standardised(np.repeat(row[:, None].astype(float), 1000, axis=1), baseline)
    for score, risk in enumerate(BOUNDED.risks()):
        assert _at_most((baseline.bound[score, 0] < truth[score]).sum(), 1000, risk)


@pytest.mark.law
@pytest.mark.parametrize("promise", ["e-SR", "e-process"])
@pytest.mark.parametrize(("windows", "fractions"), [((), (0.2, 0.5, 0.9)), (WINDOWS, ())])
def test_capital_is_a_martingale_where_the_null_is_as_high_as_it_may_be(promise, windows, fractions):
    """Gains of mean 0, skewed: the mean capital after t steps is what was put in, to 5 standard errors."""
    settings = replace(BOUNDED, scores=SETTINGS.scores[:1], promise=promise, windows=windows, fractions=fractions)
    rng, n = np.random.default_rng(2), 40_000
    bets, put_in = Bets(settings, n), 0.0
    for step in range(1, 11):
        gain = rng.choice([-0.4, 0.1, 1.0], p=[0.5, 0.2, 0.3], size=(1, 1, n)) - 0.12
        seed = seed_capital(step, settings)
        put_in += seed
        capital = bets.take(gain, np.ones_like(gain), seed, step)[0]
        assert abs(capital.mean() - put_in) <= 5 * capital.std() / math.sqrt(n) + 1e-12


@pytest.mark.calibration
@pytest.mark.parametrize("delta", [0.0, 0.02])
@pytest.mark.parametrize(("name", "phi"), LAWS)
def test_alarms_by_step_t_are_at_most_alpha_t_plus_delta(name, phi, delta):
    """e-SR, alpha = 5e-4, 100 monitored steps: 5 % of the runs and delta at most."""
    rng, runs = np.random.default_rng([3, len(name), int(phi or 0)]), 400 if delta else 1000
    counts = streams.draw(np.tile(RARE[name], (200, 1)), runs, rng=rng, phi=phi)
    found = replay_betting(counts, replace(SETTINGS, alpha=5e-4, delta=delta)).first_alarm
    assert _at_most((found >= 0).sum(), runs, 5e-4 * 100 + delta)


@pytest.mark.calibration
@pytest.mark.parametrize("delta", [0.0, 0.02])
@pytest.mark.parametrize(("name", "phi"), LAWS)
def test_an_e_process_ever_alarms_with_probability_alpha_plus_delta(name, phi, delta):
    """alpha = .05, restarts spent from one budget: 5 % of 500 runs of 300 steps and delta at most."""
    rng = np.random.default_rng([4, len(name), int(phi or 0)])
    settings = replace(SETTINGS, promise="e-process", alpha=0.05, delta=delta, restarts=True)
    found = replay_betting(streams.draw(np.tile(RARE[name], (400, 1)), 500, rng=rng, phi=phi), settings)
    assert _at_most(found.alarm.any(axis=1).sum(), 500, 0.05 + delta)


@pytest.mark.calibration
@pytest.mark.parametrize("phi", [None, streams.PHI])
@pytest.mark.parametrize("delta", [0.0, 0.05])
def test_false_alarms_a_step_stay_within_alpha_when_restarted_at_once(phi, delta):
    """e-SR, alpha = .01: at most .01 / (1 - delta) alarms a step over 300 runs of 500 steps, drawn by run."""
    rng = np.random.default_rng(5)
    settings = replace(SETTINGS, alpha=0.01, restarts=True, delta=delta)
    counts = streams.draw(np.tile(streams.SHARES, (600, 1)), 300, rng=rng, phi=phi)
    each = replay_betting(counts, settings).alarm.sum(axis=1) / 500
    assert each.mean() - 4 * each.std() / math.sqrt(300) <= 0.01 / (1 - delta)


@pytest.mark.calibration
def test_the_budget_would_break_without_the_baselines_doubt():
    """The same bets against the baseline's plain mean, wrong by a standard error or so: false alarms in a quarter."""
    rng = np.random.default_rng(6)
    counts = streams.draw(np.tile(streams.SHARES, (1100, 1)), 150, rng=rng)
    baseline = learn_baseline(counts[:, :100].transpose(1, 2, 0).astype(float), BOUNDED)
    z = standardised(counts.transpose(1, 2, 0).astype(float), baseline)
    bets, alarmed = Bets(BOUNDED, 150), np.zeros(150, dtype=bool)
    for step, gain in enumerate(z[100:] / z[:100].mean(axis=0) - 1.0):
        alarmed |= bets.take(gain[:, None], np.ones_like(gain[:, None]), 1.0, step).sum(axis=0) >= 1e4
    assert alarmed.mean() > 0.25
    for settings in (SETTINGS, BOUNDED):
        assert (replay_betting(counts, settings).first_alarm >= 0).mean() <= 0.1 + 0.05


@pytest.mark.calibration
@pytest.mark.parametrize("phi", [None, streams.PHI])
@pytest.mark.parametrize(
    ("name", "baseline", "k"),
    [("p0", 20, 100), ("p0", 30, 100), ("p0", 100, 15), ("p0", 100, 1), ("one in 1,000", 20, 100)],
)
def test_short_baselines_and_small_steps_keep_the_budget(name, baseline, k, phi):
    """e-SR, alpha = 5e-4, 100 monitored steps: 5 % of 1,000 runs at most."""
    rng = np.random.default_rng([9, baseline, k, int(phi or 0)])
    counts = streams.draw(np.tile(RARE[name], (baseline + 100, 1)), 1000, rng=rng, phi=phi, k=k)
    found = replay_betting(counts, replace(SETTINGS, alpha=5e-4, baseline_steps=baseline)).first_alarm
    assert _at_most((found >= 0).sum(), 1000, 5e-4 * 100)


@pytest.mark.calibration
@pytest.mark.parametrize("phi", [None, streams.PHI])
@pytest.mark.parametrize("sizes", [(60, 141, 60, 141), (100, 101, 60, 61), (100, 101, 50, 200)])
def test_sizes_that_vary_or_change_keep_the_budget(sizes, phi):
    """Baseline and monitored steps of sizes drawn evenly from their ranges: smaller ones scatter more, count less."""
    rng = np.random.default_rng([10, *sizes, int(phi or 0)])
    ks = np.concatenate(
        [rng.integers(*sizes[:2], size=(1000, 100)), rng.integers(*sizes[2:], size=(1000, 100))], axis=1
    )
    shares = np.broadcast_to(streams.SHARES, (1000, 200, 5))
    if phi is not None:
        drawn = rng.standard_gamma(phi * shares)
        shares = drawn / drawn.sum(axis=-1, keepdims=True)
    found = replay_betting(rng.multinomial(ks, shares), replace(SETTINGS, alpha=5e-4)).first_alarm
    assert _at_most((found >= 0).sum(), 1000, 5e-4 * 100)


@pytest.mark.calibration
@pytest.mark.parametrize(
    ("phi", "rate", "slowest"),
    [
        (None, 0.001, 103),
        (None, 0.005, 34),
        (None, 0.013, 20),
        (streams.PHI, 0.001, 150),
        (streams.PHI, 0.005, 49),
        (streams.PHI, 0.013, 27),
    ],
)
def test_the_median_delay_of_a_ramp_is_near_the_limit(phi, rate, slowest):
    """alpha = 1e-4, all scores, 300 runs; the limit with this baseline is about 100, 31, 16 and 148, 46, 23."""
    rng = np.random.default_rng([7, round(rate * 1000), int(phi or 0)])
    steps = {0.001: 300, 0.005: 110, 0.013: 60}[rate]
    found = replay_betting(streams.draw(streams.ramp(rate, steps), 300, rng=rng, phi=phi), SETTINGS).first_alarm
    assert np.median(np.where(found < 0, 10_000, found)) - 99 <= slowest


@pytest.mark.calibration
@pytest.mark.parametrize(("phi", "slowest"), [(None, 20), (streams.PHI, 52)])
def test_a_rare_category_that_rises_is_found_soon(phi, slowest):
    """From .001 to .01 beside others of .02 to .04: without the categories' own scores 83 and 455 steps."""
    rng = np.random.default_rng([11, int(phi or 0)])
    before, after = [0.909, 0.03, 0.04, 0.001, 0.02], [0.9, 0.03, 0.04, 0.01, 0.02]
    path = np.vstack([np.tile(before, (100, 1)), np.tile(after, (100, 1))])
    found = replay_betting(streams.draw(path, 300, rng=rng, phi=phi), SETTINGS).first_alarm
    assert np.median(np.where(found < 0, 10_000, found)) - 99 <= slowest


@pytest.mark.calibration
def test_a_drift_is_dated_near_its_begin():
    """A jump of 5 points after step 150: half of the change points lie within 5 steps of it, none before 100."""
    rng = np.random.default_rng(8)
    path = np.vstack([np.tile(streams.SHARES, (150, 1)), np.tile([0.85, 0.08, 0.04, 0.01, 0.02], (80, 1))])
    counts = streams.draw(path, 200, rng=rng)
    found = replay_betting(counts, SETTINGS)
    alarmed = np.flatnonzero(found.alarm.any(axis=1))
    dated = found.begin[alarmed, found.first_alarm[alarmed]]
    assert len(alarmed) > 190
    assert (abs(dated - 150) <= 5).mean() > 0.5
    assert dated.min() >= 100
