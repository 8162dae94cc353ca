"""Monitors of many streams: one budget, the same decisions live, after a restart and in replay."""

import json

import numpy as np
import pytest

from secondlaw.drift.monitoring import MonitorSet, SeriesKey
from secondlaw.drift.monitoring_plan import MonitorPlan, ScoreField
from secondlaw.drift.monitoring_replay import replay_steps
from secondlaw.drift.monitors import replay_betting
from secondlaw.drift.step_counts import Cell, StepCounts
from secondlaw.errors import InvalidInput
from secondlaw.statistics.shares import exact_interval

MISALIGNED = (False, True, False, True, False)
USUAL, DRIFTED = [0.90, 0.03, 0.04, 0.01, 0.02], [0.75, 0.12, 0.06, 0.04, 0.03]


def stream(seed=0, *, model="m", steps=80, drift_at=50, k=60, drifted=DRIFTED, first=5, empty=(), version_at=None):
    rng = np.random.default_rng(seed)
    found = []
    for t in range(steps):
        counts = rng.multinomial(0 if t in empty else k, USUAL if t < drift_at else drifted)
        cells = {}
        for intent, part in (("benign", counts // 2), ("harmful", counts - counts // 2)):
            if part.any():
                cells[Cell("set", intent, f"{intent}-1")] = (*part.tolist(), 0)
        version = "c/2" if version_at is not None and t >= version_at else "c/1"
        values = {Cell("set", "benign", "p"): tuple(np.round(rng.beta(2, 8 if t < drift_at else 4, k), 3))}
        found.append(
            StepCounts("s", model, first + t, 5, cells, f"step {first + t}", classifiers=(version,),
                       values={} if t in empty else values)
        )  # fmt: skip
    return found


def interleaved(*streams):
    return [step for together in zip(*streams, strict=True) for step in together]


def drift_alarms(said):
    return [(str(one.series), one.decision.step) for one in said
            if one.decision.alarm and one.decision.verdict == "drifting"]  # fmt: skip


PLANS = {
    "betting": {},
    "more may come": {"streams": 1, "more_streams": True},
    "more may come, delta": {"streams": 1, "more_streams": True, "delta": 0.05},
    "more may come, by intent": {"streams": 1, "more_streams": True, "by": "intent"},
    "e-process, more may come": {"promise": "e-process", "alpha": 0.05, "streams": 1, "more_streams": True},
    "restarts": {"restarts": True},
    "delta": {"delta": 0.05},
    "tolerance": {"tolerance": (("surprisal", 0.05),)},
    "rises": {"watch": "rises"},
    "by intent": {"by": "intent", "streams": 4},
    "e-process": {"promise": "e-process", "alpha": 0.01},
    "e-process, restarts": {"promise": "e-process", "alpha": 0.05, "restarts": True},
    "score": {"score": ScoreField("toxicity", 0.0, 1.0)},
    "universal": {"detector": "universal"},
    "cusum": {"detector": "cusum"},
    "cusum, misaligned": {"detector": "cusum", "watch": "misaligned"},
    "cusum, score": {"detector": "cusum", "score": ScoreField("toxicity", 0.0, 1.0)},
    "page-hinkley": {"detector": "page-hinkley"},
    "adwin": {"detector": "adwin"},
    "paper": {"detector": "paper"},
}
STEPS = {
    "two streams": interleaved(stream(1, model="a"), stream(2, model="b", drift_at=99)),
    "empty steps": interleaved(stream(3, model="a", empty=(20, 40, 41)), stream(4, model="b")),
    "the second begins late": sorted(
        [*stream(1, model="a", drift_at=65), *stream(2, model="b", steps=45, first=40, drift_at=38)],
        key=lambda one: one.step,
    ),
    "another classifier": interleaved(stream(5, model="a", version_at=45), stream(6, model="b")),
}


def plan_of(name, **more):
    if PLANS[name].get("detector") in ("page-hinkley", "adwin"):
        pytest.importorskip("river")
    return MonitorPlan(MISALIGNED, **{"baseline_steps": 30, "streams": 2} | PLANS[name] | more)


@pytest.mark.unit
@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("name", PLANS)
def test_live_restarted_and_replayed_decisions_are_the_same(name, steps):
    plan, recorded = plan_of(name), STEPS[steps]
    live = MonitorSet(plan).observe_all(recorded)
    assert replay_steps(recorded, plan) == live
    restarted, said = MonitorSet(plan), []
    for place, step in enumerate(recorded):
        if place in (1, 70, 101):
            restarted = MonitorSet.from_state(json.loads(json.dumps(restarted.to_state())))
        said += restarted.observe(step)
    assert said == live
    assert json.dumps([one.to_dict() for one in live], allow_nan=False)
    assert [str(one.series) for one in restarted.end()] == list(dict.fromkeys(str(one.series) for one in live))


@pytest.mark.unit
@pytest.mark.parametrize("name", ["betting", "delta", "e-process", "universal", "cusum", "score", "cusum, score"])
def test_a_drift_is_found_in_the_stream_that_drifts_and_in_no_other(name):
    recorded = interleaved(stream(1, model="a", steps=110), stream(2, model="b", steps=110, drift_at=999))
    if "score" in name:  # the score does not know categories
        recorded = [step for step in recorded if step.model == "a"]
    found = drift_alarms(replay_steps(recorded, plan_of(name)))
    assert {series for series, _ in found} == {"s/a"}
    assert all(step >= 55 for _, step in found)


@pytest.mark.unit
def test_the_budget_is_shared_and_later_streams_share_one_part_of_it():
    closed = MonitorPlan(MISALIGNED, alpha=1e-3, streams=4)
    assert closed.betting_settings(3).alpha == pytest.approx(2.5e-4)
    opened = MonitorPlan(MISALIGNED, alpha=1e-3, delta=0.05, streams=4, more_streams=True)
    parts = [opened.weight_of(place) for place in range(2000)]
    assert sum(parts) == pytest.approx(1.0, abs=2e-4)
    assert sum(parts) < 1.0
    assert opened.betting_settings(4).delta == pytest.approx(0.005)


@pytest.mark.unit
def test_one_more_series_than_the_budget_is_for_is_refused():
    monitors = MonitorSet(MonitorPlan(MISALIGNED, streams=1))
    monitors.observe(StepCounts.of_counts([5, 0, 0, 0, 0], step=0, model="a"))
    with pytest.raises(InvalidInput, match="series 2 came up, the budget is for 1: begin anew with --streams 2"):
        monitors.observe(StepCounts.of_counts([5, 0, 0, 0, 0], step=0, model="b"))


@pytest.mark.unit
def test_e_processes_of_many_series_are_decided_together():
    """Two clear drifts of three: e-Benjamini-Hochberg asks of each 3 / (2 alpha), less than of one alone."""
    recorded = interleaved(*(stream(i, model=m, steps=110, drift_at=60 if m != "c" else 999)
                             for i, m in enumerate("abc")))  # fmt: skip
    plan = MonitorPlan(MISALIGNED, baseline_steps=30, streams=3, promise="e-process", alpha=0.01)
    said = MonitorSet(plan).observe_all(recorded)
    raised = drift_alarms(said)
    assert {series for series, _ in raised} == {"s/a", "s/b"}
    assert len(raised) == 2  # once each
    last = {str(one.series): one.decision for one in said}
    assert last["s/a"].verdict == last["s/b"].verdict == "drifting"
    assert last["s/c"].verdict == "quiet"
    assert last["s/c"].log_threshold == pytest.approx(np.log(2 * 3 / 0.01))


@pytest.mark.unit
def test_a_changed_mix_of_prompts_is_told_beside_the_alarm():
    rng = np.random.default_rng(0)
    monitors, said = MonitorSet(MonitorPlan(MISALIGNED, baseline_steps=40)), []
    for t in range(90):
        harmful = 10 if t < 60 else 40
        cells = {
            Cell("", "benign", "p"): (*rng.multinomial(50 - harmful, [1, 0, 0, 0, 0]).tolist(), 0),
            Cell("", "harmful", "q"): (*rng.multinomial(harmful, [0, 0.2, 0.8, 0, 0]).tolist(), 0),
        }
        said += monitors.observe(StepCounts("s", "m", t, 5, cells))
    (alarm,) = [one for one in said if one.decision.alarm]
    assert alarm.mix is not None
    assert alarm.mix.before["", "harmful"] == pytest.approx(0.2)
    assert alarm.mix.total_variation > 0.05
    by_intent = MonitorPlan(MISALIGNED, baseline_steps=40, by="intent", streams=2)
    assert by_intent.weight_of(1) == 0.5


@pytest.mark.unit
def test_watched_by_intent_a_changed_mix_is_no_alarm():
    rng = np.random.default_rng(1)
    monitors, said = MonitorSet(MonitorPlan(MISALIGNED, baseline_steps=40, by="intent", streams=2)), []
    for t in range(120):
        harmful = 20 if t < 60 else 40
        cells = {
            Cell("", "benign", "p"): (*rng.multinomial(60 - harmful, [0.95, 0, 0, 0.05, 0]).tolist(), 0),
            Cell("", "harmful", "q"): (*rng.multinomial(harmful, [0, 0.2, 0.8, 0, 0]).tolist(), 0),
        }
        said += monitors.observe(StepCounts("s", "m", t, 5, cells))
    assert {one.series.part for one in said} == {"benign", "harmful"}
    assert not [one for one in said if one.decision.alarm]


@pytest.mark.unit
def test_a_part_that_falls_silent_is_missing():
    monitors = MonitorSet(MonitorPlan(MISALIGNED, baseline_steps=20, by="intent", streams=2))
    said = []
    for t in range(30):
        cells = {Cell("", "benign", "p"): (9, 0, 0, 1, 0, 0)}
        if t < 25:
            cells[Cell("", "harmful", "q")] = (0, 1, 9, 0, 0, 0)
        said += monitors.observe(StepCounts("s", "m", t, 5, cells))
    gone = [one for one in said if one.decision.alarm]
    assert [(one.series.part, one.decision.step, one.decision.verdict) for one in gone] == [("harmful", 25, "missing")]


@pytest.mark.unit
def test_restart_and_relearn_of_one_series():
    recorded = stream(0, steps=110)
    monitors = MonitorSet(MonitorPlan(MISALIGNED, baseline_steps=30))
    said = monitors.observe_all(recorded)
    assert said[-1].decision.verdict == "drifting"
    monitors.restart(SeriesKey("s", "m"))
    (fresh,) = monitors.observe(StepCounts.of_counts([54, 2, 3, 0, 1], step=115, stream="s", model="m"))
    assert fresh.decision.verdict == "quiet"
    with pytest.raises(InvalidInput, match="there is no series s/other; there are: s/m"):
        monitors.restart(SeriesKey("s", "other"))
    monitors.relearn(SeriesKey("s", "m"))
    (again,) = monitors.observe(StepCounts("s", "m", 116, 5, recorded[0].cells, classifiers=("c/1",)))
    assert again.decision.verdict == "baseline"


@pytest.mark.unit
def test_the_end_of_a_stream_is_said():
    monitors = MonitorSet(MonitorPlan(MISALIGNED, baseline_steps=30))
    monitors.observe_all(stream(0, steps=20))
    (last,) = monitors.end()
    assert last.decision.reason == "the stream ended at step 24 with 20 of 30 baseline steps"
    with pytest.raises(InvalidInput, match="the stream ended at step 24"):
        monitors.observe(stream(0, steps=21)[-1])


@pytest.mark.unit
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"detector": "magic"}, "a detector is one of betting"),
        ({"watch": "stars"}, "what is watched is one of"),
        ({"watch": "entropy"}, "S itself is watched by cusum"),
        ({"detector": "universal", "watch": "misaligned"}, "watches all categories together"),
        ({"detector": "cusum", "watch": "rises"}, "cusum watches entropy or misaligned, got 'rises'"),
        ({"detector": "cusum", "tolerance": (("surprisal", 0.1),)}, "a tolerance goes with the betting detector"),
        ({"detector": "cusum", "restarts": True}, "restarts go with the betting detector"),
        ({"streams": 0}, "shared by 1 series or more, got 0"),
        ({"by": "moon"}, "told apart by prompt_set or intent"),
        ({"baseline_steps": 5}, "a baseline needs 20 steps or more, got 5"),
        ({"alpha": 2.0}, "alpha is a probability between 0 and 1, got 2"),
        ({"tolerance": (("stars", 0.1),)}, "tolerance is given for 'stars'"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(changes, words):
    with pytest.raises(InvalidInput, match=words):
        MonitorPlan(MISALIGNED, **changes)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda m: m.observe_all([stream()[1], stream()[0]]), "step 5 came after step 6"),
        (lambda m: m.observe_all([stream()[0], stream()[0]]), "step 5 came twice"),
        (lambda m: MonitorSet.from_state({"plan": {}}), "the state of the monitors is incomplete"),
    ],
)
def test_bad_steps_and_states_are_refused(act, words):
    with pytest.raises(InvalidInput, match=words):
        act(MonitorSet(MonitorPlan(MISALIGNED)))


@pytest.mark.unit
def test_a_score_out_of_bounds_is_refused():
    plan = MonitorPlan(MISALIGNED, score=ScoreField("toxicity", 0.0, 1.0))
    step = StepCounts("s", "m", 0, 5, values={Cell("", "unknown", "p"): (0.5, 1.7)})
    with pytest.raises(InvalidInput, match=r"score 'toxicity' lies in \[0, 1\], got 1.7"):
        MonitorSet(plan).observe(step)


@pytest.mark.unit
def test_detectors_without_a_promise_say_so():
    for detector in ("cusum", "paper"):
        plan = MonitorPlan(MISALIGNED, detector=detector, baseline_steps=30)
        assert not plan.is_guaranteed
        assert "no false-alarm guarantee" in plan.promise_words
        said = replay_steps(stream(0), plan)
        assert not any(one.is_guaranteed for one in said)


def clustered(rng, *shape):
    return rng.multinomial(50, rng.dirichlet(50.0 * np.array(USUAL), size=shape))


@pytest.mark.calibration
def test_five_streams_together_keep_one_budget():
    """Clustered steps of five streams, each with its part: P(any alarm within T) is at most alpha T."""
    alpha, steps, learnt, runs = 2e-3, 120, 40, 300
    plan = MonitorPlan(MISALIGNED, baseline_steps=learnt, streams=5, alpha=alpha)
    counts = clustered(np.random.default_rng(11), runs, 5, steps)
    first = np.stack([replay_betting(counts[:, i], plan.betting_settings(i)).first_alarm for i in range(5)])
    alarmed = int((first >= 0).any(axis=0).sum())
    low, _ = exact_interval(alarmed, runs, level=0.999)
    assert low <= alpha * (steps - learnt)


@pytest.mark.calibration
def test_four_e_processes_decided_together_keep_the_discovery_rate():
    """Without drift any alarm is a false discovery: P(any) is at most alpha."""
    alpha, runs = 0.05, 25
    plan = MonitorPlan(MISALIGNED, baseline_steps=25, streams=4, alpha=alpha, promise="e-process")
    counts = clustered(np.random.default_rng(12), runs, 4, 60)
    alarmed = 0
    for one in counts:
        steps = [StepCounts.of_counts(one[i, t], step=t, model=f"m{i}") for t in range(60) for i in range(4)]
        alarmed += bool(drift_alarms(replay_steps(steps, plan)))
    low, _ = exact_interval(alarmed, runs, level=0.999)
    assert low <= alpha


@pytest.mark.unit
def test_names_of_categories_change_words_and_no_decision():
    keys = ("g1", "g2", "g3", "g4", "g5")
    bare, named = (MonitorPlan(MISALIGNED, baseline_steps=30, tolerance=(("category 4", 0.001),), categories=names)
                   for names in ((), keys))  # fmt: skip
    assert bare == named
    assert named.betting_settings(0).tolerance == (("g4", 0.001),)
    assert MonitorPlan.from_dict(json.loads(json.dumps(named.to_dict()))).categories == keys
    assert [score.name for score in named.scores()][4:] == list(keys)
    rising = [0.82, 0.03, 0.04, 0.01, 0.10]
    steps = stream(drifted=rising)
    one, two = MonitorSet(bare), MonitorSet(named)
    before = one.observe_all(steps[:45]), two.observe_all(steps[:45])
    old = json.loads(json.dumps(one.to_state()))
    del old["plan"]["categories"]
    one = MonitorSet.from_state(old)
    one.name_categories(keys)
    after = one.observe_all(steps[45:]), two.observe_all(steps[45:])
    assert after[0] == after[1]
    assert [d.decision.log_evidence for d in before[0]] == [d.decision.log_evidence for d in before[1]]
    assert "g5" in {d.decision.score for d in after[0]}
    with pytest.raises(InvalidInput, match="other names"):
        MonitorPlan(MISALIGNED, categories=("a", "b"))
