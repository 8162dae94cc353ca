"""The betting monitor, one step at a time: verdicts, restarts, state, and what it refuses."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import simulated_streams as streams

from secondlaw.drift.monitors.baseline import Baseline, learn_baseline
from secondlaw.drift.monitors.bets import Bets, seed_capital
from secondlaw.drift.monitors.betting import BettingMonitor
from secondlaw.drift.monitors.decision import Monitor
from secondlaw.drift.monitors.replay import replay_betting
from secondlaw.drift.monitors.scores import Score, category_scores, standard_scores, surprisal_score
from secondlaw.drift.monitors.settings import WINDOWS, BettingSettings
from secondlaw.errors import InvalidInput, NotEnoughData

SETTINGS = BettingSettings.standard(streams.MISALIGNED, baseline_steps=20)
ONE = np.ones((1, 1, 1))


def _stream(steps, *, seed=0, rate=0.0, phi=None):
    rng = np.random.default_rng(seed)
    return streams.draw(streams.ramp(rate, steps - 20, baseline=20), 1, rng=rng, phi=phi)[0]


def _run(monitor, counts):
    return [monitor.update(row) for row in counts]


@pytest.mark.unit
def test_a_monitor_is_a_monitor():
    assert isinstance(BettingMonitor(SETTINGS), Monitor)


@pytest.mark.unit
def test_capital_by_hand():
    """One score, fractions .5, e-SR: (0 + 1)(1 + .5) = 1.5; (1.5 + 1)(1 - .5) = 1.25; (1.25 + 1)(1 + .1) = 2.475."""
    settings = BettingSettings((Score("a", (1.0, 0.0)),), fractions=(0.5,), delta=0.05)
    bets = Bets(settings, 1)
    found = [bets.take(gain * ONE, ONE, 1.0, step)[0, 0] for step, gain in enumerate([1.0, -1.0, 0.2])]
    assert found == pytest.approx([1.5, 1.25, 2.475], abs=1e-12)


@pytest.mark.unit
def test_a_window_stakes_what_kelly_would_on_the_past_alone():
    """Window 2: first stake 0; then .1 / .01 is cut at .9; then (.5 * .1 - .2) / (...) < 0 is cut at 0."""
    settings = BettingSettings((Score("a", (1.0, 0.0)),), fractions=(), windows=(2.0,), delta=0.05)
    bets = Bets(settings, 1)
    found = [bets.take(gain * ONE, ONE, 1.0, step)[0, 0] for step, gain in enumerate([0.1, -0.2, 5.0])]
    assert found == pytest.approx([1.0, 2.0 * (1 - 0.9 * 0.2), 2.0 * (1 - 0.18) + 1.0])


@pytest.mark.unit
def test_scores_by_hand():
    """Counts 9 and 0, .5 added: shares .95 and .05; the mirror counts the other way; the least is 0."""
    pilot = np.array([[9.0], [0.0]])
    up, bad, down, good = (score.table(pilot)[:, 0] for score in standard_scores([False, True]))
    assert up == pytest.approx([-math.log(0.95), -math.log(0.05)])
    assert down == pytest.approx([math.log(0.95 / 0.05), 0.0])
    assert bad.tolist() == [0.0, 1.0]
    assert good.tolist() == [1.0, 0.0]
    third = category_scores(streams.MISALIGNED)[2]
    assert third.name == "category 3"
    assert third.table(np.ones((5, 1)))[:, 0].tolist() == [0, 0, 1, 0, 0]
    assert len(standard_scores([True, False])) == 4, "the misaligned share and its mirror watch both categories"
    assert Score("mine", (3.0, 5.0)).table(pilot)[:, 0].tolist() == [0.0, 2.0]


@pytest.mark.unit
def test_a_rise_and_a_fall_are_found_by_the_score_that_saw_them():
    rng = np.random.default_rng(3)
    before = rng.multinomial(100, streams.SHARES, size=20)
    settings = replace(SETTINGS, alpha=1e-3)
    worse = rng.multinomial(100, [0.90, 0.07, 0.0, 0.01, 0.02], size=100)  # g3 becomes g2: S hardly moves
    better = rng.multinomial(100, [1.0, 0.0, 0.0, 0.0, 0.0], size=200)
    other = rng.multinomial(100, [0.6, 0.03, 0.34, 0.01, 0.02], size=60)  # only harmless categories trade places
    falls = ("surprisal, falling", "category 1")
    for after, wanted in ((worse, ("misaligned",)), (better, falls), (other, ("surprisal", "category 3"))):
        found = [one for one in _run(BettingMonitor(settings), [*before, *after]) if one.alarm]
        assert len(found) == 1
        assert found[0].verdict == "drifting"
        assert found[0].score in wanted
        assert 18 <= found[0].change_point <= 30


@pytest.mark.law
@pytest.mark.parametrize("delta", [0.0, 0.05])
@pytest.mark.parametrize("promise", ["e-SR", "e-process"])
@pytest.mark.parametrize("windows", [(), WINDOWS])
def test_a_state_in_the_middle_changes_nothing(promise, windows, delta):
    """At every kind of moment: while learning, quiet, pooling small steps, drifting, after a restart, with a gap."""
    settings = replace(SETTINGS, promise=promise, windows=windows, restarts=True, delta=delta)
    counts = _stream(150, rate=0.01)
    counts[40:44] //= 4
    counts[60] = 0
    straight, broken = BettingMonitor(settings), BettingMonitor(settings)
    for step, row in enumerate(counts):
        one = straight.update(row, version="1")
        two = broken.update(row, version="1")
        assert one == two
        if step % 7 == 0 or 38 < step < 46:
            broken = BettingMonitor.from_state(json.loads(json.dumps(broken.to_state())))
    assert straight.spent == broken.spent
    assert straight.spent["run"] > 1
    old = {key: value for key, value in straight.to_state().items() if key != "state_version"}
    with pytest.raises(InvalidInput, match="version 1, this program bets by version 2: begin a new monitor"):
        BettingMonitor.from_state(old)
    with pytest.raises(InvalidInput, match="'cusum'"):
        BettingMonitor.from_state({"monitor": "cusum"})


@pytest.mark.law
@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("promise", ["e-SR", "e-process"])
@pytest.mark.parametrize("delta", [0.0, 0.05])
def test_replay_gives_the_decisions_of_update_bit_for_bit(promise, restarts, delta):
    """Streams of 100 and of 160 to 240 responses, steps that are empty or small in two of them, drift in half."""
    rng = np.random.default_rng(4)
    windows = WINDOWS if restarts else ()
    settings = replace(SETTINGS, promise=promise, restarts=restarts, alpha=1e-2, windows=windows, delta=delta)
    quiet = streams.draw(streams.ramp(0.0, 280, baseline=20), 4, rng=rng, phi=streams.PHI)
    drifts = streams.draw(streams.ramp(0.004, 280, baseline=20), 4, rng=rng)
    counts = np.concatenate([quiet, drifts])
    counts[1] = rng.multinomial(rng.integers(160, 240, size=300), streams.SHARES)
    counts[2, 100:103], counts[5, 50] = 0, [9, 0, 0, 0, 1]
    found = replay_betting(counts, settings)
    assert sorted(found.updated) == [2, 5]
    for stream, rows in enumerate(counts):
        live = _run(BettingMonitor(settings), rows)
        assert list(found.decisions(stream)) == live
        assert found.log_evidence[stream].tolist() == [one.log_evidence for one in live]
        alone = replay_betting(rows, settings)
        assert alone.log_evidence[0].tolist() == found.log_evidence[stream].tolist()
    assert (found.first_alarm[4:] > 20).all()


@pytest.mark.unit
def test_restarts_spend_the_budget_of_an_e_process_and_renew_that_of_e_sr():
    for promise, wanted in (("e-process", [0.03, 0.01, 0.005]), ("e-SR", [0.06, 0.06, 0.06])):
        monitor = BettingMonitor(replace(SETTINGS, promise=promise, alpha=0.06))
        spent = []
        for _ in range(3):
            spent.append(monitor.spent["alpha_of_run"])
            assert monitor.log_threshold == pytest.approx(-math.log(spent[-1]))
            monitor.restart()
        assert spent == pytest.approx(wanted)


@pytest.mark.unit
def test_an_alarm_is_raised_once_and_stays_until_a_restart():
    counts = _stream(120, rate=0.02)
    monitor = BettingMonitor(SETTINGS)
    found = _run(monitor, counts)
    alarm = next(one for one in found if one.alarm)
    later = found[alarm.step + 1 :]
    assert later
    assert all(one.verdict == "drifting" and one.since == alarm.step and not one.alarm for one in later)
    monitor.restart()
    fresh = monitor.update(_stream(1 + 20)[0])
    assert fresh.verdict == "quiet"
    assert fresh.log_evidence < 3
    assert monitor.spent["baselines"] == 1
    monitor.relearn()
    assert monitor.update(counts[0]).verdict == "baseline"
    assert monitor.spent["run"] == 3


@pytest.mark.unit
def test_nothing_seen_is_an_alarm_of_its_own():
    monitor = BettingMonitor(SETTINGS)
    before = _run(monitor, _stream(30))
    first, second = monitor.update(np.zeros(5, int)), monitor.update(np.zeros(5, int))
    assert (first.verdict, first.alarm, first.since, first.n) == ("missing", True, 30, 0)
    assert (second.verdict, second.alarm, second.since) == ("missing", False, 30)
    assert first.log_evidence == before[-1].log_evidence
    assert "n = 0" in first.reason
    assert monitor.update(_stream(30)[3]).verdict == "quiet"


@pytest.mark.unit
def test_a_gap_is_an_alarm_that_names_the_steps():
    monitor = BettingMonitor(SETTINGS)
    _run(monitor, _stream(30))
    found = monitor.update(_stream(30)[3], step=35)
    assert (found.verdict, found.alarm, found.since, found.n) == ("missing", True, 30, 100)
    assert "steps 30 to 34" in found.reason
    assert monitor.update(_stream(30)[3]).verdict == "quiet"
    assert monitor.update(np.zeros(5, int), step=40).since == 37
    assert monitor.update(_stream(30)[3], step=50).verdict == "quiet", "the same stretch alarms once"


@pytest.mark.unit
def test_a_new_classifier_is_a_change_point_and_a_new_baseline():
    monitor, counts = BettingMonitor(SETTINGS), _stream(60)
    for row in counts[:30]:
        assert not monitor.update(row, version="1.0").alarm
    found = monitor.update(counts[30], version="1.1")
    assert (found.verdict, found.alarm, found.since) == ("changed", True, 30)
    assert "now 1.1, it was 1.0" in found.reason
    assert [monitor.update(row).verdict for row in counts[31:52]] == ["baseline"] * 19 + ["quiet"] * 2
    assert monitor.spent["baselines"] == 2


@pytest.mark.unit
def test_small_steps_are_pooled_until_they_carry_a_bet():
    monitor = BettingMonitor(SETTINGS)
    _run(monitor, _stream(20))
    evidence = [monitor.update([18, 1, 1, 0, 0]).log_evidence for _ in range(6)]
    assert evidence[0] == evidence[1] == -math.inf, "40 responses wait"
    assert evidence[2] == evidence[3] == evidence[4] > -math.inf, "60 of the 50 needed"
    assert evidence[5] != evidence[4]


@pytest.mark.unit
def test_a_tolerance_moves_the_bound_by_as_much():
    """Surprisal: .05 nats; its mirror too; the misaligned share keeps its own."""
    counts = _stream(100)[:, :, None].astype(float)
    settings = replace(SETTINGS, delta=0.05)
    plain, loose = (learn_baseline(counts, replace(settings, tolerance=one)) for one in ((), (("surprisal", 0.05),)))
    moved = loose.low + loose.bound[:, 0] / loose.scale - (plain.low + plain.bound[:, 0] / plain.scale)
    assert moved[[0, 2], 0] == pytest.approx(
        [0.05, 0.05], abs=0.003
    )  # clipping moves by as much: bounds differ a little
    assert moved[[1, 3], 0] == pytest.approx([0.0, 0.0], abs=1e-12)


@pytest.mark.unit
def test_values_within_bounds_are_watched_too():
    rng = np.random.default_rng(1)
    settings = BettingSettings.of_values("toxicity", low=0.0, high=10.0, baseline_steps=20, alpha=1e-3)
    monitor = BettingMonitor(settings)
    for _ in range(60):
        assert not monitor.update(rng.normal(3.0, 0.5, size=50).clip(0, 10)).alarm
    found = [monitor.update(rng.normal(3.3, 0.5, size=50).clip(0, 10)) for _ in range(30)]
    assert [one.score for one in found if one.alarm] == ["toxicity"]
    assert found[-1].n == 50
    assert monitor.update([]).verdict == "missing"
    again = BettingSettings.from_dict(json.loads(json.dumps(settings.to_dict())))
    assert again == settings


@pytest.mark.unit
def test_a_baseline_too_short_is_refused():
    with pytest.raises(InvalidInput, match="20 steps or more, got 19"):
        replace(SETTINGS, baseline_steps=19)
    with pytest.raises(NotEnoughData, match="20 steps of 50 or more, got 12"):
        learn_baseline(_stream(20)[:12, :, None], SETTINGS)
    with pytest.raises(NotEnoughData, match="steps after the baseline of 20, got 20"):
        replay_betting(_stream(20)[:20], SETTINGS)


@pytest.mark.unit
def test_a_baseline_of_small_steps_goes_on_until_it_carries_a_bound():
    monitor = BettingMonitor(replace(SETTINGS, step_size=50))
    found = [monitor.update([18, 1, 1, 0, 0]) for _ in range(62)]
    assert found[19].verdict == "baseline"
    assert "too small" in found[40].reason
    assert found[-1].verdict == "quiet"


@pytest.mark.unit
@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_a_score_out_of_bounds_is_refused(value):
    monitor = BettingMonitor(BettingSettings.of_values("toxicity", low=0.0, high=1.0))
    with pytest.raises(InvalidInput, match=rf"'toxicity' lies in \[0, 1\], got {value}"):
        monitor.update([0.5, value])


@pytest.mark.unit
def test_a_step_that_comes_twice_is_refused():
    monitor = BettingMonitor(SETTINGS)
    monitor.update([90, 3, 4, 1, 2], step=5)
    with pytest.raises(InvalidInput, match="step 5 came twice"):
        monitor.update([90, 3, 4, 1, 2], step=5)
    assert monitor.update([90, 3, 4, 1, 2]).step == 6, "what was refused left no trace"


@pytest.mark.unit
def test_a_step_out_of_order_is_refused():
    monitor = BettingMonitor(SETTINGS)
    monitor.update([90, 3, 4, 1, 2], step=5)
    with pytest.raises(InvalidInput, match="step 4 came after step 5"):
        monitor.update([90, 3, 4, 1, 2], step=4)


@pytest.mark.unit
def test_a_stream_that_ends_says_so_and_takes_no_more():
    with pytest.raises(NotEnoughData, match="before its first step"):
        BettingMonitor(SETTINGS).end()
    short = BettingMonitor(SETTINGS)
    _run(short, _stream(20)[:7])
    assert "ended at step 6 with 7 of 20 baseline steps" in short.end().reason
    monitor = BettingMonitor(SETTINGS)
    _run(monitor, _stream(30))
    last = monitor.end()
    assert (last.verdict, last.alarm) == ("quiet", False)
    assert "ended at step 29" in last.reason
    with pytest.raises(InvalidInput, match="ended at step 29"):
        monitor.update([90, 3, 4, 1, 2])


@pytest.mark.unit
@pytest.mark.parametrize("counts", [[1, -1, 0, 0, 0], [0.5, 0.5, 0, 0, 0], [[1, 2]], [np.inf, 0, 0, 0, 0], [5]])
def test_broken_counts_are_refused(counts):
    with pytest.raises(InvalidInput, match=r"counts|list"):
        BettingMonitor(SETTINGS).update(counts)


@pytest.mark.unit
def test_a_step_of_other_categories_is_refused():
    monitor = BettingMonitor(SETTINGS)
    with pytest.raises(InvalidInput, match="4 categories, the scores speak of 5"):
        monitor.update([90, 3, 4, 3])
    alone = BettingMonitor(BettingSettings((surprisal_score(),)))
    alone.update([90, 3, 4, 1, 2])
    with pytest.raises(InvalidInput, match="step 1 has 4 categories, those before it had 5"):
        alone.update([90, 3, 4, 3])
    assert alone.update([90, 3, 4, 1, 2]).step == 1, "what was refused left no trace"
    with pytest.raises(InvalidInput, match="'misaligned' has 5 values for 4 categories"):
        learn_baseline(np.ones((20, 4, 1)), SETTINGS)
    with pytest.raises(InvalidInput, match=r"different numbers of categories, \[2, 5\]"):
        replace(SETTINGS, scores=(*SETTINGS.scores, Score("mine", (0.0, 1.0))))


@pytest.mark.unit
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"promise": "never"}, "'never'"),
        ({"alpha": 0.0}, "alpha is a probability"),
        ({"delta": 1.0}, "delta is a probability"),
        ({"tolerance": (("toxicity", 0.1),)}, "'toxicity'"),
        ({"tolerance": (("surprisal", -0.1),)}, "0 or more"),
        ({"fractions": ()}, "neither"),
        ({"fractions": (1.0,)}, "between 0 and 1"),
        ({"windows": (1.0,)}, "above 1"),
        ({"clip_away": 0.0}, "positive distances"),
        ({"step_size": 0}, "step size of 0"),
        ({"scores": ()}, "different names"),
        ({"bounds": (1.0, 0.0)}, "low < high"),
    ],
)
def test_settings_out_of_range_are_refused(changes, message):
    with pytest.raises(InvalidInput, match=message):
        replace(SETTINGS, **changes)


@pytest.mark.unit
def test_scores_that_show_nothing_are_refused():
    with pytest.raises(InvalidInput, match="two different finite values"):
        Score("flat", (1.0, 1.0))
    with pytest.raises(InvalidInput, match="positive weight"):
        Score("a", (0.0, 1.0), weight=0.0)


@pytest.mark.unit
def test_a_replay_refuses_what_is_no_stream():
    with pytest.raises(InvalidInput, match="shape"):
        replay_betting(np.zeros(5), SETTINGS)
    bad = _stream(30).astype(float)
    bad[3, 0] = -1
    with pytest.raises(InvalidInput, match="negative"):
        replay_betting(bad, SETTINGS)


@pytest.mark.unit
def test_a_baseline_survives_json():
    found = learn_baseline(_stream(20)[:, :, None], SETTINGS)
    again = Baseline.from_dict(json.loads(json.dumps(found.to_dict())))
    assert all(
        np.array_equal(getattr(found, name), getattr(again, name)) for name in ("tables", "low", "scale", "bound")
    )


@pytest.mark.unit
def test_the_seeds_of_an_e_process_sum_to_one():
    """Telescoping: the first n sum to 1 - 1 / ln(e + n)."""
    settings = replace(SETTINGS, promise="e-process")
    total = sum(seed_capital(bet, settings) for bet in range(1, 5001))
    assert total == pytest.approx(1.0 - 1.0 / math.log(math.e + 5000))


def test_a_category_without_a_tolerance_of_its_own_has_that_of_the_misaligned_share():
    settings = BettingSettings.standard(
        (False, True, False, True, False), tolerance={"misaligned": 0.02, "category 5": 0.001}
    )
    found = {score.name: settings.tolerance_of(score) for score in settings.scores}
    assert found["misaligned, falling"] == found["category 1"] == 0.02
    assert found["category 5"] == 0.001
    assert found["surprisal"] == 0.0
