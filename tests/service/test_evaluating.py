"""Windows decided on: the alarms of the monitors, once each, whatever restarts, races or late events come between."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from secondlaw.behavior import FIVE, Transcript
from secondlaw.drift.monitoring import MonitorSet
from secondlaw.pipeline.stored_steps import steps_of_counts
from secondlaw.service.evaluating import AT_ONCE, Evaluator
from secondlaw.service.evaluation_alarms import AlarmWriter
from secondlaw.service.evaluation_settings import MONITOR, EvaluationSettings
from secondlaw.service.explanations import Explainer
from secondlaw.service.numbers import Numbers
from secondlaw.service.receiver_settings import load_receivers
from secondlaw.storage import DecisionRecord, MonitorStep, StoreSettings, StreamSettings, open_store, stream_lease

pytestmark = pytest.mark.unit

HOUR = 3600
START = datetime(2026, 1, 1, tzinfo=UTC)
QUICK = EvaluationSettings(baseline_steps=20, alpha=1e-3, grace=60.0)
USUAL, MOVED = (0.90, 0.03, 0.04, 0.01, 0.02), (0.60, 0.20, 0.10, 0.05, 0.05)


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path, clock):
    settings = StoreSettings(new_streams=StreamSettings(every=HOUR), ahead_days=3650)
    with open_store(f"sqlite:///{tmp_path}/store.db", settings=settings, clock=clock) as one:
        yield one


def send(store, clock, hours, *, drift_at=10**6, model="m", classifier="c/1", seed=0, k=60):
    rng = np.random.default_rng(seed)
    for hour in hours:
        p = USUAL if hour < drift_at else MOVED
        store.events.add(
            [
                Transcript("", "", f"{model}-{hour}-{i}", f"p{i % 12}", stream="chat", model=model,
                           ts=START + timedelta(hours=hour, seconds=i), label=FIVE.keys[code], classifier=classifier,
                           intent="benign" if i % 2 else "harmful")
                for i, code in enumerate(rng.choice(5, k, p=p))
            ]
        )  # fmt: skip


def evaluator(store, clock, *, owner="one", receivers=(), default=QUICK):
    numbers = Numbers(store)
    writer = AlarmWriter(
        receivers=receivers, external_url="https://drift.example", numbers=numbers.of_step, explain=Explainer(store)
    )
    return Evaluator(store, owner=owner, clock=clock, alarms=writer, default=default)


def run_to(store, clock, hour, **options):
    clock.now = START + timedelta(hours=hour, minutes=2)
    return evaluator(store, clock, **options).run_once()


def test_a_drift_raises_one_alarm_that_says_since_when_and_what_moved(store, clock):
    send(store, clock, range(60), drift_at=40)
    receivers = load_receivers([{"type": "command", "name": "pager", "argv": ["/bin/true"]}])
    done = run_to(store, clock, 60, receivers=receivers)
    assert done["chat"].windows == 60
    (alarm,) = store.alarms.list()
    assert (alarm.kind, alarm.monitor, alarm.status) == ("drift", "drift:m", "open")
    alert = alarm.details["alert"]
    assert alert["link"] == "https://drift.example/streams/chat"
    assert alert["log_evidence"] >= alert["log_threshold"]
    assert alert["entropy"]["low"] < alert["entropy"]["value"] < alert["entropy"]["high"]
    assert datetime.fromisoformat(alert["began"]["earliest"]) <= START + timedelta(hours=41)
    assert datetime.fromisoformat(alert["began"]["latest"]) >= START + timedelta(hours=39)
    assert "g1" in alert["attribution"]
    (delivery,) = store.deliveries.list(status="pending")
    assert delivery.receiver == "pager"


def test_in_many_small_evaluations_it_decides_as_the_monitors_alone(store, clock):
    send(store, clock, range(50), drift_at=30)
    send(store, clock, range(5, 50), model="late", seed=1)
    for hour in range(1, 51, 3):
        run_to(store, clock, hour, owner=f"replica {hour % 2}")
    run_to(store, clock, 50)
    first = int(START.timestamp() // HOUR)
    counts = store.counts.read("chat")
    steps = steps_of_counts(counts, range(first, first + 50), stream="chat", first=first)
    said = MonitorSet(QUICK.plan(FIVE)).observe_all(steps)
    for model in ("m", "late"):
        stored = store.monitors.decisions("chat", f"drift:{model}")
        expected = [one.decision for one in said if one.series.model == model]
        assert [(one.verdict, one.alarm) for one in stored] == [(one.verdict, one.alarm) for one in expected]
        assert [one.log_evidence for one in stored] == pytest.approx(
            [one.log_evidence if abs(one.log_evidence) < 1e300 else None for one in expected]
        )
    assert sum(one.decision.alarm for one in said) == len(store.alarms.list())


def test_a_window_is_open_until_its_grace_has_passed(store, clock):
    send(store, clock, range(3))
    clock.now = START + timedelta(hours=2, seconds=59)
    assert evaluator(store, clock).run_once()["chat"].windows == 1
    clock.now = START + timedelta(hours=2, seconds=60)
    assert evaluator(store, clock).run_once()["chat"].windows == 1


def test_what_comes_late_is_counted_and_changes_no_decision(store, clock):
    send(store, clock, range(5))
    run_to(store, clock, 5)
    before = store.monitors.decisions("chat", "drift:m")
    send(store, clock, range(2, 3), seed=9, model="m")
    late = Transcript("", "", "late", "p", stream="chat", model="m", ts=START + timedelta(hours=2), label="g2",
                      classifier="c/1")  # fmt: skip
    assert store.events.add([late]).late == 1
    run_to(store, clock, 5)
    assert store.monitors.decisions("chat", "drift:m") == before
    assert store.events.arrivals("chat").late.sum() == 1


def test_a_history_that_comes_after_the_first_event_is_decided_on_at_once(store, clock):
    """Nothing had been decided on: the first window is another now, though none has closed since."""
    clock.now = START + timedelta(hours=30, minutes=10)
    one = evaluator(store, clock)
    send(store, clock, [30])
    assert one.run_once() == {}
    clock.now += timedelta(seconds=1)
    send(store, clock, range(30))
    assert one.run_once()["chat"].windows == 30
    assert one.run_once() == {}


def test_a_resting_stream_is_not_taken_until_a_window_closes_or_it_is_another(store, clock, monkeypatch):
    send(store, clock, range(5))
    clock.now = START + timedelta(hours=5, minutes=2)
    one, taken = evaluator(store, clock), []
    take = store.leases.take
    monkeypatch.setattr(store.leases, "take", lambda names, **options: taken.append(names) or take(names, **options))
    assert one.run_once()["chat"].windows == 5
    del taken[:]
    send(store, clock, [4], seed=1, model="late")
    clock.now += timedelta(minutes=20)
    assert (one.run_once(), taken) == ({}, [])
    settings = StreamSettings(every=HOUR, monitors={MONITOR: {"baseline_steps": 30}})
    store.streams.change("chat", settings, who="test")
    one.run_once()
    assert taken
    store.streams.delete("chat", who="test")
    assert one.run_once() == {}
    assert not one._resting._nothing
    send(store, clock, range(3), seed=2)
    assert one.run_once()["chat"].windows == 5  # two of them empty


def test_silence_is_an_alarm_that_ends_with_the_next_event(store, clock):
    send(store, clock, range(30))
    run_to(store, clock, 36)
    (alarm,) = store.alarms.list()
    assert (alarm.kind, alarm.status) == ("missing", "open")
    send(store, clock, range(36, 40), seed=3)
    run_to(store, clock, 40)
    assert store.alarms.get(alarm.id).status == "resolved"


def test_another_classifier_is_told_as_a_change_and_begins_a_baseline(store, clock):
    send(store, clock, range(30))
    send(store, clock, range(30, 34), classifier="c/2", seed=2)
    run_to(store, clock, 34)
    kinds = [(alarm.kind, alarm.status) for alarm in store.alarms.list()]
    assert kinds == [("changed", "open")]
    assert [one.verdict for one in store.monitors.decisions("chat", "drift:m")][30:] == ["changed"] + ["baseline"] * 3


def test_only_who_holds_the_stream_decides(store, clock):
    send(store, clock, range(5))
    clock.now = START + timedelta(hours=5, minutes=2)
    (lease,) = store.leases.take([stream_lease("chat")], owner="another", seconds=600.0)
    assert run_to(store, clock, 5) == {}
    store.leases.release([lease])
    assert run_to(store, clock, 5)["chat"].windows == 5


def test_other_settings_begin_anew_and_it_is_recorded(store, clock):
    send(store, clock, range(30))
    run_to(store, clock, 25)
    run_to(store, clock, 30, default=EvaluationSettings(baseline_steps=25, alpha=1e-3))
    verdicts = [one.verdict for one in store.monitors.decisions("chat", "drift:m")]
    assert verdicts[20:25] == ["quiet"] * 5
    assert verdicts[25:] == ["baseline"] * 5
    assert store.monitors.get("chat", MONITOR).last_window == int(START.timestamp() // HOUR) + 29


def test_one_stream_that_cannot_be_evaluated_holds_up_no_other(store, clock, caplog):
    send(store, clock, range(3))
    store.streams.create("odd", StreamSettings(every=HOUR, keys=("a", "b")))
    store.events.add([Transcript("", "", "x", "p", stream="odd", model="m", ts=START, label="a", classifier="c")])
    done = run_to(store, clock, 3)
    assert done["chat"].windows == 3
    assert "odd" in caplog.text
    assert "are of no taxonomy that is known here" in caplog.text


def said_by(store, model="m"):
    return [(one.window, one.verdict, one.alarm) for one in store.monitors.decisions("chat", f"drift:{model}")]


def test_alerts_decisions_and_the_state_speak_of_windows_not_of_the_monitors_steps(store, clock):
    send(store, clock, range(60), drift_at=40)
    run_to(store, clock, 60)
    (alarm,) = store.alarms.list()
    when = f"{datetime.fromtimestamp(alarm.window * HOUR, UTC):%Y-%m-%d %H:%M} UTC"
    for words in (alarm.summary, alarm.details["alert"]["reason"]):
        assert f"alarm at {when}, probably from 2026-01-0" in words
        assert "step" not in words
    last = store.monitors.decisions("chat", "drift:m")[-1]
    assert last.since == alarm.window
    assert alarm.window - 20 < last.change_point <= alarm.window
    assert when in last.reason


def test_an_event_of_a_clock_that_was_never_set_begins_no_million_windows(store, clock):
    for name, year in (("old", 1970), ("older", 1)):
        ts = datetime(year, 1, 1, 1, tzinfo=UTC)
        store.events.add([Transcript("", "", name, "p", stream="chat", model="m", ts=ts, label="g1", classifier="c/1")])
    send(store, clock, range(30))
    assert run_to(store, clock, 30)["chat"].windows == 30
    assert store.alarms.list() == ()


def test_a_leap_of_steps_is_one_gap(store, clock):
    store.streams.create("steps", StreamSettings(every=None))

    def at(step):
        return Transcript("", "", f"s{step}", "p", stream="steps", model="m", step=step, label="g1", classifier="c")

    store.events.add([at(step) for step in (*range(30), 2**52)])
    clock.now += timedelta(hours=2)
    assert evaluator(store, clock).run_once()["steps"].windows == AT_ONCE + 2
    assert store.monitors.get("steps", MONITOR).last_window == 2**52


def test_a_long_history_does_not_hold_up_other_streams(store, clock, monkeypatch):
    monkeypatch.setattr("secondlaw.service.evaluating.AT_ONCE", 5)
    monkeypatch.setattr("secondlaw.service.evaluating.ROUNDS", 2)
    send(store, clock, range(25))
    store.events.add([Transcript("", "", "x", "p", stream="z", model="m", ts=START, label="g1", classifier="c")])
    seen = [run_to(store, clock, 25) for _ in range(3)]
    assert [one["chat"].windows for one in seen] == [10, 10, 5]
    assert [one["chat"].has_more for one in seen] == [True, True, False]
    assert seen[0]["z"].windows == 10


def spoiled(store, how):
    """Make the stored state one that another version wrote."""
    record = store.monitors.get("chat", MONITOR)
    state = json.loads(json.dumps(record.state))
    for series in state["monitors"]["series"]:
        if how == "version":
            series["monitor"]["state_version"] = 1
        else:
            del series["monitor"]["bets"]
    (lease,) = store.leases.take([stream_lease("chat")], owner="test")
    step = MonitorStep(MONITOR, state, record.last_window, expected=record.last_window)
    store.monitors.record(lease, "chat", [step])
    store.leases.release([lease])


@pytest.mark.parametrize("how", ["version", "fields"])
@pytest.mark.parametrize("until", [30, 45, 58])
def test_a_state_of_another_version_is_replayed_from_the_counts(store, clock, how, until, tmp_path, caplog):
    send(store, clock, range(60), drift_at=40)
    run_to(store, clock, until)
    spoiled(store, how)
    run_to(store, clock, 60)
    assert "replaying counts" in caplog.text
    with open_store(
        f"sqlite:///{tmp_path}/other.db",
        settings=StoreSettings(new_streams=StreamSettings(every=HOUR), ahead_days=3650),
        clock=clock,
    ) as other:
        send(other, clock, range(60), drift_at=40)
        run_to(other, clock, 60)
        assert said_by(store) == said_by(other)
        assert [one.window for one in store.alarms.list()] == [one.window for one in other.alarms.list()]


def test_an_alarm_that_only_a_replay_sees_is_raised_by_the_windows_to_come(store, clock):
    send(store, clock, range(80), drift_at=25)
    run_to(store, clock, 25)
    (lease,) = store.leases.take([stream_lease("chat")], owner="test")
    record, series = (store.monitors.get("chat", name) for name in (MONITOR, "drift:m"))
    quiet = [DecisionRecord(series.last_window + k, "quiet") for k in range(1, 21)]  # as another version decided
    last = quiet[-1].window
    store.monitors.record(lease, "chat", [
        MonitorStep(MONITOR, record.state, last, expected=record.last_window),
        MonitorStep("drift:m", {}, last, quiet, expected=series.last_window),
    ])  # fmt: skip
    store.leases.release([lease])
    spoiled(store, "version")
    run_to(store, clock, 80)
    (alarm,) = store.alarms.list()
    assert (alarm.kind, alarm.window > last) == ("drift", True)


def test_settings_that_a_monitor_does_not_state_do_not_begin_it_anew(store, clock):
    send(store, clock, range(30))
    run_to(store, clock, 25)
    record = store.monitors.get("chat", MONITOR)
    stated = {name: value for name, value in record.settings.items() if name not in ("restarts", "budget")}
    store.monitors.put("chat", MONITOR, settings=stated, who="an earlier version")
    run_to(store, clock, 30)
    assert [verdict for _, verdict, _ in said_by(store)][20:] == ["quiet"] * 10


def test_streams_of_one_budget_share_alpha_as_they_come(store, clock):
    shared = EvaluationSettings(baseline_steps=20, alpha=1e-3, budget="service")

    def threshold(model):
        return store.monitors.decisions("chat", f"drift:{model}")[-1].log_threshold

    send(store, clock, range(40))
    run_to(store, clock, 30, default=shared)
    assert threshold("m") == pytest.approx(-np.log(1e-3))
    for name in ("b", "c", "d"):
        store.streams.create(name, StreamSettings(every=HOUR))
    run_to(store, clock, 40, default=shared)
    assert threshold("m") == pytest.approx(-np.log(1e-3 / 4))
    assert [verdict for _, verdict, _ in said_by(store)][20:] == ["quiet"] * 20  # it went on, on its baseline
    store.streams.delete("d", who="test")
    send(store, clock, range(40, 46), seed=5)
    run_to(store, clock, 45, default=shared)
    assert threshold("m") == pytest.approx(-np.log(1e-3 / 4))  # a part never grows
    run_to(store, clock, 46)
    assert said_by(store)[-1][1] == "baseline"  # another budget is another promise
