"""Waiting events get their label exactly once, whatever becomes of those who label."""

import threading

import pytest

from secondlaw.errors import InvalidInput, LeaseLost

pytestmark = pytest.mark.unit


@pytest.fixture
def waiting(open_it, event):
    """Return a store in which ten events wait."""
    store = open_it(attempts=3)
    store.events.add(
        [event(k, label=None, text=True, extra={"prompt_set": "daily", "messages": ["x"]}) for k in range(10)]
    )
    return store


def labels(batch, label="g1"):
    return {item.id: label for item in batch.items}


def test_what_is_leased_comes_back_as_it_was_sent(waiting):
    first = waiting.queue.lease(owner="w", limit=3)
    assert [item.transcript.id for item in first.items] == ["e0", "e1", "e2"]
    item = first.items[1].transcript
    assert (item.prompt, item.response, item.model, item.group) == ("question 1", "answer 1", "m", "p1")
    assert item.extra == {"prompt_set": "daily"}  # what may hold a text unmasked is not kept
    assert [item.transcript.id for item in waiting.queue.lease(owner="x", limit=2).items] == ["e3", "e4"]


def test_labels_are_counted_once_and_the_queue_empties(waiting):
    batch = waiting.queue.lease(owner="w")
    assert waiting.queue.complete(batch, labels(batch, "g2"), classifier="c/1") == 10
    with pytest.raises(LeaseLost):
        waiting.queue.complete(batch, labels(batch, "g2"), classifier="c/1")
    totals = waiting.counts.totals("s")
    assert (totals.series[0].classifier, totals.series[0].prompt_set) == ("c/1", "daily")
    assert totals.table.tolist() == [[0, 10, 0, 0, 0, 0]]
    depth = waiting.queue.depth()
    assert (depth.rows, depth.bytes, depth.leased, depth.oldest_at) == (0, 0, 0, None)
    assert waiting.admin.check() == ()


def test_labels_of_a_part_leave_the_others_leased(waiting):
    batch = waiting.queue.lease(owner="w")
    some = dict(list(labels(batch).items())[:4])
    assert waiting.queue.complete(batch, some, classifier="c/1") == 4
    assert waiting.queue.complete(batch, labels(batch), classifier="c/1") == 6
    assert waiting.counts.read("s").total == 10


def test_a_wrong_label_counts_nothing(waiting):
    batch = waiting.queue.lease(owner="w")
    with pytest.raises(InvalidInput, match="g9"):
        waiting.queue.complete(batch, labels(batch) | {batch.items[0].id: "g9"}, classifier="c/1")
    assert waiting.counts.read("s").total == 0
    assert waiting.queue.complete(batch, labels(batch), classifier="c/1") == 10


def test_a_lease_that_ran_out_goes_to_another_and_only_one_counts(waiting, clock):
    slow = waiting.queue.lease(owner="slow", seconds=60)
    assert waiting.queue.lease(owner="quick").items == ()
    clock.move(seconds=61)
    quick = waiting.queue.lease(owner="quick", limit=4)
    assert len(quick.items) == 4
    assert quick.items[0].attempts == 2
    assert waiting.queue.complete(slow, labels(slow), classifier="c/1") == 6  # the others are quick's now
    assert waiting.queue.complete(quick, labels(quick), classifier="c/1") == 4
    assert waiting.counts.read("s").total == 10


def test_a_lease_can_be_held_for_longer(waiting, clock):
    batch = waiting.queue.lease(owner="w", seconds=60)
    clock.move(seconds=50)
    batch = waiting.queue.extend(batch, seconds=60)
    clock.move(seconds=50)
    assert waiting.queue.lease(owner="x").items == ()
    clock.move(seconds=11)
    assert len(waiting.queue.lease(owner="x").items) == 10
    with pytest.raises(LeaseLost):
        waiting.queue.extend(batch, seconds=60)


def test_a_clock_set_back_does_not_hold_leases_for_ever(waiting, clock):
    waiting.queue.lease(owner="w", seconds=60)
    clock.move(days=-1)
    assert len(waiting.queue.lease(owner="x").items) == 10


def test_an_event_that_cannot_be_labelled_is_put_aside(waiting):
    for attempt in range(3):
        batch = waiting.queue.lease(owner="w", limit=1)
        aside = waiting.queue.fail(batch, [batch.items[0].id], reason="ValueError")
        assert aside == (attempt == 2)
    (found,) = waiting.queue.poisoned(stream="s")
    assert (found.transcript.id, found.attempts, found.reason) == ("e0", 3, "ValueError")
    assert waiting.queue.depth().rows == 9
    assert waiting.events.arrivals("s").poisoned.tolist() == [1]
    assert waiting.queue.requeue([found.id]) == 1
    assert waiting.queue.depth().rows == 10
    assert waiting.queue.poisoned() == ()
    assert waiting.admin.check() == ()


def test_an_event_that_kills_its_worker_is_put_aside(waiting, clock):
    for _ in range(3):
        assert len(waiting.queue.lease(owner="doomed", limit=1).items) == 1
        clock.move(seconds=61)
    assert waiting.queue.lease(owner="w", limit=1).items == ()
    assert "did not come back" in waiting.queue.poisoned()[0].reason
    assert waiting.queue.drop([waiting.queue.poisoned()[0].id]) == 1
    assert waiting.queue.poisoned() == ()


def test_a_failed_event_waits_before_its_next_attempt(waiting, clock):
    batch = waiting.queue.lease(owner="w")
    waiting.queue.fail(batch, [item.id for item in batch.items], reason="later", wait=30)
    assert waiting.queue.lease(owner="w").items == ()
    clock.move(seconds=31)
    assert len(waiting.queue.lease(owner="w").items) == 10


def test_a_worker_that_stops_gives_back_without_an_attempt(waiting):
    waiting.queue.release(waiting.queue.lease(owner="w"))
    assert {item.attempts for item in waiting.queue.lease(owner="w").items} == {1}


def test_workers_never_get_the_same_event(open_it, event):
    """Four workers label 200 events; each is counted once."""
    store = open_it()
    store.events.add([event(k, label=None, text=True) for k in range(200)])

    def work(name):
        while (batch := store.queue.lease(owner=name, limit=7)).items:
            store.queue.complete(batch, labels(batch), classifier="c/1")

    threads = [threading.Thread(target=work, args=(f"w{k}",)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.counts.read("s").total == 200
    assert store.queue.depth().rows == 0
    assert store.admin.check() == ()


def test_a_deleted_stream_takes_its_waiting_events_along(waiting):
    batch = waiting.queue.lease(owner="w")
    waiting.streams.delete("s", who="ann")
    assert waiting.queue.depth().rows == 0
    with pytest.raises(LeaseLost):
        waiting.queue.complete(batch, labels(batch), classifier="c/1")
    assert waiting.admin.check() == ()
