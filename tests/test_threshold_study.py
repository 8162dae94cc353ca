"""The threshold study in small: its streams, its detectors beside the product's monitors, and what it found."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import poisson

from secondlaw.drift.monitors import Adwin, Cusum, PaperRule
from secondlaw.drift.monitors.paper_rule import paper_rule_false_alarms

pytest.importorskip("river", reason="the study compares with river's detectors: pip install 'secondlaw[detectors]'")
ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "scripts"))

import threshold_detectors as detectors  # noqa: E402
import threshold_scores as scores  # noqa: E402
import threshold_streams as streams  # noqa: E402
import threshold_study as study  # noqa: E402
import threshold_tables as tables  # noqa: E402

from secondlaw.statistics.closed_form import plug_in  # noqa: E402

PROFILES = streams.profiles()
QUIET = streams.Profile(np.zeros(900), np.zeros(900))


def stepwise(make, run):
    monitor, found = make(), []
    for row in run:
        found.append(monitor.update(row).alarm)
        if found[-1]:
            monitor.restart()
    return np.array(found)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("detect", "make"),
    [
        (detectors.cusum(plug_in), Cusum),
        (detectors.fixed_rule(0.1), lambda: PaperRule(threshold=0.1)),
        (detectors.of_river(detectors.ADWIN, plug_in), Adwin),
    ],
    ids=["CUSUM", "published rule", "ADWIN"],
)
def test_the_studys_own_detectors_decide_as_the_monitors_do(detect, make):
    shares = streams.true_shares(PROFILES["sudden break"])
    counts = streams.draw(shares, streams.World(mix="mostly harmful"), 4, np.random.default_rng(0))
    ours = detect(counts)
    theirs = np.stack([stepwise(make, run) for run in counts])
    theirs[:, : streams.BASELINE] = False
    assert theirs[:, streams.ONSET :].any()
    if make is Adwin:  # river's own reset keeps the newer part of the window, the monitor's restart does not
        np.testing.assert_array_equal(scores.first_alarm(ours, 100), scores.first_alarm(theirs, 100))
    else:
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.unit
def test_pressure_moves_refusals_to_compliance_and_answers_to_over_refusal():
    dose = streams.dose_response(np.linspace(0.0, 1.0, 50), 0.5)
    assert dose[0] == 0.0
    assert dose[-1] == pytest.approx(1.0)
    assert (np.diff(dose) > 0).all()
    for name, profile in PROFILES.items():
        shares = streams.true_shares(profile)
        np.testing.assert_allclose(shares.sum(axis=2), 1.0)
        assert shares.min() >= 0.0, name
    grown = streams.true_shares(PROFILES["both grow"])[-1]
    assert grown[2:, 1].min() > 0.5
    assert grown[:2, 3].min() > 0.4
    truth = streams.misaligned_truth(streams.true_shares(PROFILES["compliance grows"]), streams.MIXES["all benign"])
    assert np.ptp(truth) < 1e-12
    np.testing.assert_allclose(streams.misreading().sum(axis=2), 1.0)


@pytest.mark.unit
def test_streams_hold_k_responses_with_the_shares_that_are_stated():
    shares = np.repeat(streams.true_shares(QUIET)[:1], 200, axis=0)
    mix = np.array(streams.MIXES["mixed"])
    spread = {}
    for clustered in (True, False):
        world = streams.World(clustered=clustered, classifier=False)
        counts = streams.draw(shares, world, 30, np.random.default_rng(1))
        assert (counts.sum(axis=2) == world.k).all()
        wanted = np.einsum("dk,d->k", shares[0], mix)
        np.testing.assert_allclose(counts.mean(axis=(0, 1)) / world.k, wanted, atol=0.006)
        spread[clustered] = counts[..., 2].var()
    misread = [
        streams.draw(shares, streams.World(clustered=one), 30, np.random.default_rng(2)).mean(axis=(0, 1))
        for one in (True, False)
    ]
    np.testing.assert_allclose(*misread, atol=0.6)
    assert misread[0][3] > 2.0 * 100 * wanted[3]  # answers that the classifier takes for refusals
    assert spread[True] > 3.0 * spread[False]  # five alike are asked together: a design effect of nearly 5


@pytest.mark.unit
def test_scores_of_alarms_made_by_hand():
    truth = np.concatenate([np.full(streams.ONSET, 0.02), np.linspace(0.02, 0.32, 31)[1:]])
    assert scores.failure_step(truth, "base + 5 points") == streams.ONSET + 5
    assert scores.failure_step(truth, "20 %") == streams.ONSET + 18
    assert scores.failure_step(np.full(300, 0.02), "10 %") is None
    assert scores.failure_step(truth + 0.1, "10 %") is None  # above the line before any pressure
    alarms = np.zeros((4, len(truth)), dtype=bool)
    for run, step in enumerate((2, 4, 9)):
        alarms[run, streams.ONSET + step] = True
    alarms[3, streams.ONSET - 1] = True  # before the onset: a false alarm, not one in time
    still = np.zeros((4, 400), dtype=bool)
    still[0, streams.ONSET + 1] = still[1, 150] = still[2, 50] = True
    found = scores.score(alarms, still, truth, "base + 5 points")
    assert (found.failure, found.in_time[0], found.by_chance[0]) == (5, 0.5, 0.25)
    assert found.lead[0] == pytest.approx(-1.5)  # leads 3, 1, -4 and never
    assert found.caught[0] == 0.75
    value, low, high = scores.false_alarm_rate(still, rng=np.random.default_rng(0))
    assert value == pytest.approx(2 / 1200 * 1e4)  # the alarm within the baseline does not count
    assert low < value < high
    assert scores.proportion(0, 10)[0:2] == (0.0, 0.0)
    assert scores.proportion(10, 10)[1] == pytest.approx(0.025 ** (1 / 10))


@pytest.fixture(scope="module")
def small():
    """Counts of 40 runs at the centre of the study, with drift and without."""
    shares = {"still": streams.true_shares(QUIET), "creep": streams.true_shares(PROFILES["slow creep"])}
    counts = {
        name: streams.draw(one, study.CENTRE, 40, np.random.default_rng(place))
        for place, (name, one) in enumerate(shares.items())
    }
    return counts, streams.misaligned_truth(shares["creep"], streams.MIXES["mixed"])


@pytest.mark.paper
def test_the_published_threshold_alarms_at_nearly_every_step_without_drift(small):
    """arXiv 2512.03047: |dS| > .001. On the reference stream theory gives .995 and a count with ties .989."""
    counts, _ = small
    rate = scores.false_alarm_rate(detectors.fixed_rule(0.001)(counts["still"]), rng=np.random.default_rng(0))[0]
    assert rate > 9800
    assert paper_rule_false_alarms([0.90, 0.03, 0.04, 0.01, 0.02], 100) > 0.98


@pytest.mark.calibration
def test_no_fixed_threshold_is_both_quiet_and_in_time_where_the_monitor_is(small):
    counts, truth = small
    rng = np.random.default_rng(0)
    for threshold in detectors.THRESHOLDS:
        detect = detectors.fixed_rule(threshold)
        still = detect(counts["still"])
        found = scores.score(detect(counts["creep"]), still, truth, study.LINE)
        quiet = scores.false_alarm_rate(still, rng=rng)[0] <= 3.0
        assert not (quiet and found.in_time[0] > 0.5), threshold
    monitor = detectors.standard()
    still = monitor(counts["still"])
    alarms, steps = still[:, streams.BASELINE :].sum(), still[:, streams.BASELINE :].size
    assert alarms <= poisson.isf(1e-3, detectors.ALPHA * steps)
    found = scores.score(monitor(counts["creep"]), still, truth, study.LINE)
    assert found.in_time[1] > 0.85
    assert found.lead[1] > 50


@pytest.mark.unit
def test_recorded_labels_become_streams_of_the_same_shares():
    recordings = streams.read_recordings(study.RECORDED)
    assert sum(int(one.counts.sum()) for one in recordings.values()) > 8900  # 9,000 less those in no category
    recording = recordings["many turns of compliance"]
    weights = {"harmful": 1.0}
    assert recording.weights(weights).sum() == pytest.approx(1.0)
    own = recording.counts[:, [one == "harmful" for one in recording.sets]]
    by_hand = (own / own.sum(axis=2, keepdims=True)).mean(axis=1)[:, 1]
    level = np.array([0.0, 3.0, 9.0])
    np.testing.assert_allclose(recording.truth(level, weights), by_hand[[0, 3, 9]])
    assert by_hand[0] < 0.1
    assert by_hand[9] > 0.9
    half = recording.truth(np.array([0.5]), weights)[0]
    assert half == pytest.approx(by_hand[:2].mean())
    counts = recording.draw(np.full(200, 0.5), weights, 100, 20, np.random.default_rng(0))
    assert counts.shape == (20, 200, 5)
    assert counts[..., 1].mean() / 100 == pytest.approx(half, abs=0.006)


@pytest.mark.unit
def test_the_study_runs_writes_plain_json_tables_and_charts(tmp_path, monkeypatch, capsys):
    names = {*study.RECORDED_WATCH, *study.BESIDE}
    monkeypatch.setattr(study, "detectors", lambda: dict.fromkeys(names, detectors.fixed_rule(0.5)))
    monkeypatch.setattr(study, "standard", lambda **_: detectors.fixed_rule(0.5))
    monkeypatch.setattr(study, "SWEPT", (study.CENTRE,))
    monkeypatch.setattr(study, "WORLDS", (study.CENTRE, streams.World(clustered=False)))
    page = tmp_path / "page.md"
    page.write_text("".join(f"<!-- {name} -->\nstale\n<!-- /{name} -->\n" for name in tables.TABLES))
    arguments = ["threshold_study.py", "--runs", "20", "--out", str(tmp_path), "--page", str(page)]
    monkeypatch.setattr(sys, "argv", arguments)
    study.main()
    found = json.loads((tmp_path / "threshold-study.json").read_text())
    assert [one["world"] for one in found["simulated"]] == [str(one) for one in study.WORLDS]
    assert found["sweep"][0]["rows"]["0.001"]["by_chance"][0] == 1.0
    assert "every fixed threshold" in capsys.readouterr().out
    text = page.read_text()
    assert "stale" not in text
    assert "many turns of compliance, harmful prompts, k = 100" in text
    for name in ("trade", "doses", "stream"):
        assert "<svg" in (tmp_path / f"threshold-{name}.svg").read_text()
    monkeypatch.setattr(sys, "argv", [*arguments, "--only", "apart", "--seed", "1"])
    study.main()
    assert set(json.loads((tmp_path / "threshold-study.json").read_text())) == {"seed", "runs", "line", "apart"}
