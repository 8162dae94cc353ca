"""Steps of monitors are written whole, under a lease; alarms and deliveries are neither lost nor doubled."""

import threading

import pytest

from secondlaw.errors import InvalidInput, LeaseLost, NotFound
from secondlaw.storage import DecisionRecord, MonitorStep, NewAlarm, NewDelivery, stream_lease

pytestmark = pytest.mark.unit
HOOK = NewDelivery("hook", {"status": "firing"})


@pytest.fixture
def watched(store):
    store.streams.create("s")
    store.monitors.put("s", "betting", settings={"alpha": 1e-4}, who="ann")
    return store


def lease_of(store, owner="me", seconds=30.0):
    return store.leases.take([stream_lease("s")], owner=owner, seconds=seconds)[0]


def step(window, *, expected=None, opened=(), resolved=(), **fields):
    decision = DecisionRecord(window, "quiet", log_evidence=1.5, log_threshold=9.2, n=100, **fields)
    return MonitorStep("betting", {"at": window}, window, [decision], opened, resolved, expected)


def test_a_step_is_written_whole(watched):
    opened = [NewAlarm("drift", 5, "S has risen", {"log_evidence": 9.5}, [HOOK, NewDelivery("mail", {"x": 1})])]
    (alarm,) = watched.monitors.record(lease_of(watched), "s", [step(5, opened=opened)])
    assert (alarm.kind, alarm.status, alarm.window, alarm.details) == ("drift", "open", 5, {"log_evidence": 9.5})
    record = watched.monitors.get("s", "betting")
    assert (record.state, record.last_window, record.settings) == ({"at": 5}, 5, {"alpha": 1e-4})
    assert record.decision == DecisionRecord(5, "quiet", log_evidence=1.5, log_threshold=9.2, n=100)
    assert [one.receiver for one in watched.deliveries.list(status="pending")] == ["mail", "hook"]
    assert {one.alarm for one in watched.deliveries.list()} == {alarm.id}
    assert watched.alarms.counts() == {("s", "betting", "drift"): (1, 1)}
    assert [entry.action for entry in watched.alarms.history(alarm.id)] == ["opened"]


def test_a_step_done_again_neither_doubles_nor_goes_back(watched):
    opened = [NewAlarm("drift", 5, "S has risen", {}, [HOOK])]
    lease = lease_of(watched)
    watched.monitors.record(lease, "s", [step(5, opened=opened)])
    with pytest.raises(LeaseLost, match="read its state again"):
        watched.monitors.record(lease, "s", [step(5, opened=opened)])
    again = watched.monitors.record(lease, "s", [step(6, expected=5, opened=opened)])
    assert [alarm.id for alarm in again] == [watched.alarms.list()[0].id]
    assert len(watched.alarms.list()) == len(watched.deliveries.list()) == 1
    with pytest.raises(InvalidInput, match="does not go back"):
        watched.monitors.record(lease, "s", [step(4, expected=6)])


def test_nothing_is_written_if_one_part_fails(watched):
    lease = lease_of(watched)
    with pytest.raises(NotFound, match="no alarm 99"):
        watched.monitors.record(
            lease, "s", [step(5, opened=[NewAlarm("drift", 5, "x", {}, [HOOK])], resolved=[(99, ())])]
        )
    record = watched.monitors.get("s", "betting")
    assert (record.state, record.last_window) == (None, None)
    assert watched.alarms.list() == watched.deliveries.list() == watched.monitors.decisions("s", "betting") == ()


def test_an_old_owner_is_fenced_off(watched, clock):
    old = lease_of(watched, "old")
    assert watched.leases.take([stream_lease("s")], owner="new") == ()
    clock.move(seconds=31)
    watched.monitors.record(old, "s", [step(1)])  # it ran out, yet nobody took it
    new = lease_of(watched, "new")
    assert new.token == old.token + 1
    with pytest.raises(LeaseLost, match="to new"):
        watched.monitors.record(old, "s", [step(2, expected=1)])
    watched.monitors.record(new, "s", [step(2, expected=1)])
    watched.leases.release([new])
    with pytest.raises(LeaseLost, match="nobody"):
        watched.monitors.record(new, "s", [step(3, expected=2)])
    assert lease_of(watched, "old").token == new.token + 1


def test_leases_are_renewed_and_exclusive(store, clock):
    names = [f"stream:{k}" for k in range(5)]
    mine = store.leases.take(names[:3], owner="me")
    assert [lease.name for lease in store.leases.take(names, owner="you")] == names[3:]
    clock.move(seconds=20)
    renewed = store.leases.take(names, owner="me")
    assert [(lease.name, lease.token) for lease in renewed] == [(lease.name, lease.token) for lease in mine]
    clock.move(seconds=20)
    assert [lease.name for lease in store.leases.take(names, owner="you")] == names[3:]
    assert store.leases.take([], owner="me") == ()


def test_a_clock_set_back_frees_leases_and_the_token_keeps_order(store, clock):
    (old,) = store.leases.take(["x"], owner="old")
    clock.move(days=-2)
    (new,) = store.leases.take(["x"], owner="new")
    assert new.token > old.token


def test_one_of_many_gets_a_lease(store):
    barrier, got = threading.Barrier(6), []

    def take(owner):
        barrier.wait()
        got.extend(store.leases.take(["x"], owner=owner))

    threads = [threading.Thread(target=take, args=(f"o{k}",)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1


def test_late_events_are_counted_and_told(watched, event, clock):
    hour = 491_628
    watched.events.add([event(0)])
    watched.monitors.record(lease_of(watched), "s", [step(hour)])
    accepted = watched.events.add([event(1), event(2, ts=clock().replace(hour=13))])
    assert (accepted.accepted, accepted.late) == (2, 1)
    assert watched.events.arrivals("s").late.tolist() == [1, 0]
    assert watched.counts.read("s", range(hour, hour + 1)).total == 2


def test_decisions_are_read_by_window(watched):
    lease = lease_of(watched)
    decisions = [DecisionRecord(k, "quiet", log_evidence=None if k == 3 else k / 10, n=k) for k in range(8)]
    watched.monitors.record(lease, "s", [MonitorStep("betting", {}, 7, decisions)])
    assert watched.monitors.decisions("s", "betting") == tuple(decisions)
    assert watched.monitors.decisions("s", "betting", range(2, 4)) == tuple(decisions[2:4])
    assert (
        DecisionRecord.of({"step": 4, "alarm": False, "log_evidence": 0.4, "verdict": "quiet", "n": 4}) == decisions[4]
    )


def test_infinite_evidence_and_odd_texts_are_stored(watched):
    odd = NewAlarm("drift", 1, "a\0b", {"why": "\0"}, [NewDelivery("x\0", {"y": "\ud800"})])
    decision = DecisionRecord(1, "quiet", log_evidence=float("-inf"), reason="\ud800")
    (alarm,) = watched.monitors.record(lease_of(watched), "s", [MonitorStep("betting", {}, 1, [decision], [odd])])
    assert (alarm.summary, alarm.details) == ("a\N{REPLACEMENT CHARACTER}b", {"why": "\0"})
    assert watched.monitors.decisions("s", "betting")[0].log_evidence is None


def test_rebaselining_is_recorded(watched):
    lease = lease_of(watched)
    watched.monitors.record(lease, "s", [step(9)])
    record = watched.monitors.rebaseline(lease, "s", "betting", who="ann", reason="new release")
    assert (record.state, record.last_window) == (None, 9)
    entry = watched.audit.list(stream="s")[0]
    assert (entry.action, entry.who, entry.data["reason"]) == ("re-baselined", "ann", "new release")


def test_monitors_are_changed_and_removed(watched):
    watched.monitors.record(lease_of(watched), "s", [step(1)])
    changed = watched.monitors.put("s", "betting", settings={"alpha": 1e-3}, who="ann")
    assert (changed.settings, changed.state) == ({"alpha": 1e-3}, {"at": 1})
    assert watched.monitors.put("s", "betting", settings={}, who="ann", reset=True).state is None
    assert [one.name for one in watched.monitors.list()] == ["betting"]
    watched.monitors.remove("s", "betting", who="ann")
    assert watched.monitors.get("s", "betting") is None
    with pytest.raises(NotFound, match="no monitor"):
        watched.monitors.decisions("s", "betting")


def test_the_life_of_an_alarm(watched):
    opened = [NewAlarm("drift", 5, "S has risen", {}, [HOOK]), NewAlarm("missing", 5, "nothing came")]
    first, second = watched.monitors.record(lease_of(watched), "s", [step(5, opened=opened)])
    assert watched.alarms.acknowledge(first.id, who="ann", note="looking").acknowledged_by == "ann"
    assert watched.alarms.acknowledge(first.id, who="bob").acknowledged_by == "ann"
    watched.alarms.note(first.id, who="bob", text="a new prompt template")
    ended = watched.alarms.resolve(first.id, who="bob", reason="rolled back", deliveries=[HOOK])
    assert (ended.status, ended.resolved_at is not None) == ("resolved", True)
    watched.alarms.resolve(first.id, who="ann", deliveries=[HOOK])
    history = watched.alarms.history(first.id)
    assert [(entry.who, entry.action) for entry in history] == [
        ("monitor", "opened"), ("ann", "acknowledged"), ("bob", "acknowledged"), ("bob", "note"), ("bob", "resolved"),
    ]  # fmt: skip
    assert len(watched.deliveries.list()) == 2
    assert [alarm.id for alarm in watched.alarms.list(status="open", stream="s")] == [second.id]
    assert [alarm.id for alarm in watched.alarms.list(limit=1, before=second.id)] == [first.id]
    watched.monitors.record(lease_of(watched), "s", [step(6, expected=5, resolved=[(second.id, [HOOK])])])
    assert watched.alarms.get(second.id).status == "resolved"
    with pytest.raises(NotFound):
        watched.alarms.get(999)


def test_a_delivery_is_tried_until_it_arrives(store, clock):
    store.deliveries.add([NewDelivery("a", {"n": 1}), NewDelivery("b", {"n": 2})])
    first = store.deliveries.due(owner="me")
    assert [(one.receiver, one.payload, one.attempts) for one in first] == [("a", {"n": 1}, 1), ("b", {"n": 2}, 1)]
    assert store.deliveries.due(owner="you") == ()
    store.deliveries.done(first[0])
    store.deliveries.failed(first[1], error="503", retry_in=30)
    assert store.deliveries.due(owner="me") == ()
    assert (store.deliveries.next_due_at() - clock()).total_seconds() == 30
    clock.move(seconds=31)
    (again,) = store.deliveries.due(owner="me")
    assert (again.receiver, again.attempts, again.last_error) == ("b", 2, "503")
    store.deliveries.failed(again, error="gone", retry_in=None)
    (dead,) = store.deliveries.list(status="dead")
    assert store.deliveries.next_due_at() is None
    store.deliveries.requeue(dead.id)
    assert [one.attempts for one in store.deliveries.due(owner="me")] == [1]
    with pytest.raises(NotFound):
        store.deliveries.requeue(dead.id)


def test_a_sender_that_dies_leaves_its_deliveries_to_the_next(store, clock):
    store.deliveries.add([HOOK])
    (lost,) = store.deliveries.due(owner="dead", seconds=60)
    clock.move(seconds=61)
    (taken,) = store.deliveries.due(owner="next")
    with pytest.raises(LeaseLost):
        store.deliveries.done(lost)
    store.deliveries.done(taken)
    assert store.deliveries.list(status="pending") == ()


def test_a_clock_set_back_does_not_hold_up_deliveries_in_flight(store, clock):
    store.deliveries.add([HOOK])
    store.deliveries.due(owner="me")
    clock.move(days=-1)
    assert len(store.deliveries.due(owner="you")) == 1
