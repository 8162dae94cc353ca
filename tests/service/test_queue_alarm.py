"""The alarm of the queue: events put aside, a queue that fills, events that wait too long; it is told, and ends."""

from datetime import UTC, datetime, timedelta

import pytest

from secondlaw.behavior import Transcript
from secondlaw.service.queue_watch import QueueWatch
from secondlaw.service.receiver_settings import load_receivers
from secondlaw.service.states import state_of
from secondlaw.storage import StoreSettings, StreamSettings, open_store

pytestmark = pytest.mark.unit

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Clock:
    now = START

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path, clock):
    settings = StoreSettings(attempts=1, queue_rows=100, new_streams=StreamSettings(every=None))
    with open_store(f"sqlite:///{tmp_path}/store.db", settings=settings, clock=clock) as one:
        yield one


@pytest.fixture
def watch(store, clock):
    return watch_of(store, clock)


def watch_of(store, clock, owner="one"):
    receivers = load_receivers([{"type": "command", "name": "pager", "argv": ["/bin/true"]}])
    return QueueWatch(
        store, owner=owner, clock=clock, rows=100, volume=1 << 30, oldest=600.0, receivers=receivers,
        external_url="https://drift.example",
    )  # fmt: skip


def send(store, n, *, stream="chat", first=0):
    store.events.add([Transcript("q", "a", f"{stream}{first + k}", "p", stream=stream, step=1) for k in range(n)])


def open_alarms(store):
    return [(one.stream, one.monitor) for one in store.alarms.list(status="open") if one.kind == "queue"]


def told(store):
    return [(one.payload["stream"], one.payload["monitor"], one.payload["state"]) for one in store.deliveries.list()]


def label(store, n):
    batch = store.queue.lease(owner="l", limit=n)
    store.queue.complete(batch, {item.id: "g1" for item in batch.items}, classifier="c")


def test_nothing_is_wrong_with_a_queue_that_is_worked_off(store, watch, clock):
    send(store, 50)
    assert watch.look() == 0
    clock.now += timedelta(seconds=599)
    assert watch.look() == 0
    assert open_alarms(store) == []


def test_events_that_wait_too_long_raise_one_alarm_that_ends_when_they_are_labelled(store, watch, clock):
    send(store, 3, stream="quiet")
    send(store, 5, stream="busy")
    clock.now += timedelta(seconds=600)
    assert [watch.look(), watch.look()] == [1, 0]
    assert open_alarms(store) == [("busy", "queue:waiting")]
    (alarm,) = store.alarms.list()
    assert "since 10 minutes: 8 events" in alarm.summary
    assert alarm.details["alert"]["link"] == "https://drift.example/streams/busy"
    label(store, 8)
    assert [watch.look(), watch.look()] == [1, 0]
    assert open_alarms(store) == []
    assert sorted(told(store)) == [("busy", "queue:waiting", "firing"), ("busy", "queue:waiting", "resolved")]


def test_a_queue_that_is_nearly_full_raises_an_alarm_which_does_not_flutter(store, watch):
    send(store, 89)
    assert watch.look() == 0
    send(store, 1, first=89)
    watch.look()
    assert open_alarms(store) == [("chat", "queue:full")]
    label(store, 5)  # 85 wait
    assert watch.look() == 0
    label(store, 6)  # 79 wait
    assert watch.look() == 1
    send(store, 11, first=100)
    watch.look()
    assert open_alarms(store) == [("chat", "queue:full")]
    assert len(store.alarms.list()) == 2  # it is a new one


def test_each_stream_whose_events_were_put_aside_has_an_alarm_until_they_are_dealt_with(store, watch):
    send(store, 2, stream="a")
    send(store, 1, stream="b")
    batch = store.queue.lease(owner="l", limit=10)
    store.queue.fail(batch, [item.id for item in batch.items], reason="ValueError: the text was secret")
    assert watch.look() == 2
    assert sorted(open_alarms(store)) == [("a", "queue:poisoned"), ("b", "queue:poisoned")]
    assert not any("secret" in str(one.payload) for one in store.deliveries.list())
    store.queue.drop([one.id for one in store.queue.poisoned(stream="a")])
    assert watch.look() == 1
    assert open_alarms(store) == [("b", "queue:poisoned")]
    store.queue.requeue([one.id for one in store.queue.poisoned(stream="b")])
    watch.look()
    assert open_alarms(store) == []


def test_one_replica_watches_at_a_time(store, clock):
    send(store, 90)
    one, two = watch_of(store, clock, "one"), watch_of(store, clock, "two")
    assert [one.look(), two.look()] == [1, 0]
    clock.now += timedelta(seconds=61)
    label(store, 60)
    assert two.look() == 1
    assert open_alarms(store) == []


def test_it_changes_neither_how_a_stream_stands_nor_what_is_late(store, watch, clock):
    send(store, 90)
    watch.look()
    stream = store.streams.get("chat")
    standing = state_of(stream, store.monitors.list("chat"), store.alarms.list(status="open"), now=clock())
    assert (standing.state, standing.open_alarms) == ("not enough data", 1)
    assert store.events.add([Transcript("", "", "x", "p", stream="chat", step=0, label="g1")]).late == 0


def test_a_stream_deleted_meanwhile_is_no_error(store, watch):
    send(store, 95)
    watch.look()
    store.streams.delete("chat", who="t")
    assert watch.look() == 0
