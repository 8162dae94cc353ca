"""Windows decided on: the alarms of the monitors, once each, whatever restarts, races or late events come between."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from secondlaw.behavior import FIVE, Transcript
from secondlaw.drift.monitoring import MonitorSet
from secondlaw.pipeline.stored_steps import steps_of_counts
from secondlaw.service.evaluating import Evaluator
from secondlaw.service.evaluation_alarms import AlarmWriter
from secondlaw.service.evaluation_settings import MONITOR, EvaluationSettings
from secondlaw.service.explanations import Explainer
from secondlaw.service.numbers import Numbers
from secondlaw.service.receiver_settings import load_receivers
from secondlaw.storage import StoreSettings, StreamSettings, open_store, stream_lease

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
