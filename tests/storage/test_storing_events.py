"""Events are stored once, whole batches or nothing, and counted where they belong."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from secondlaw.behavior import Counts, Transcript, group_hash
from secondlaw.errors import InvalidInput, NotFound, QueueFull
from secondlaw.storage import StreamSettings

pytestmark = pytest.mark.unit
START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
HOUR = 491_628  # of 2026-01-31T12:00Z


def test_a_labelled_event_is_counted_in_its_window_by_cluster(store, event):
    accepted = store.events.add([event(0), event(1, label="g2"), event(7), event(2, label="outside")])
    assert (accepted.accepted, accepted.duplicates, accepted.queued, accepted.rejected) == (4, 0, 0, ())
    cell = {"stream": "s", "model": "m", "classifier": "judge/1", "window": HOUR}
    found = (("p0", {"g1": 2}), ("p1", {"g2": 1}), ("p2", {"outside": 1}))
    rows = [cell | {"cluster": f"{group_hash(prompt):016x}", "counts": counts} for prompt, counts in found]
    assert store.counts.read("s") == Counts.from_rows(rows, keys=("g1", "g2", "g3", "g4", "g5"), every=3600)
    assert store.counts.totals("s").table.tolist() == [[2, 1, 0, 0, 0, 1]]
    assert store.admin.check() == ()


def test_an_event_sent_again_is_counted_once(store, event):
    batch = [event(k) for k in range(50)]
    assert store.events.add(batch).accepted == 50
    again = store.events.add([*batch, event(50), event(50)])
    assert (again.accepted, again.duplicates) == (1, 51)
    assert store.counts.read("s").total == 51
    assert store.events.add([event(0, stream="other")]).accepted == 1  # an id belongs to its stream


def test_what_is_counted_does_not_depend_on_how_batches_are_cut(new_url, open_it, event):
    events = [event(k, label=f"g{1 + k % 5}", ts=None, step=None) for k in range(40)]
    one, many = open_it(new_url()), open_it(new_url())
    one.events.add(events)
    for k in range(0, 40, 3):
        many.events.add(events[k : k + 3])
    assert one.counts.read("s") == many.counts.read("s")


def test_many_threads_send_the_same_events(store, event):
    """Every event is sent by three threads; one of them is told that it was new."""
    told = Counter()
    lock = threading.Lock()

    def send(offset):
        for k in range(0, 120, 4):
            found = store.events.add([event((offset * 40 + k + i) % 120) for i in range(4)])
            with lock:
                told["accepted"] += found.accepted
                told["duplicates"] += found.duplicates

    threads = [threading.Thread(target=send, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == {"accepted": 120, "duplicates": 240}
    assert store.counts.read("s").total == 120
    assert store.admin.check() == ()


def test_two_replicas_store_and_label_at_once(open_it, event):
    """Both send every event, in opposite order, and label what waits: rows meet in every table."""
    stores = open_it(clock=None), open_it(clock=None)
    events = [event(k, stream=f"s{k % 3}", text=True, label="g1" if k % 2 else None) for k in range(240)]
    told, errors = Counter(), []

    def send(store, batch):
        try:
            for k in range(0, len(batch), 12):
                found = store.events.add(batch[k : k + 12])
                told.update(accepted=found.accepted, duplicates=found.duplicates)
                leased = store.queue.lease(owner="w", limit=10)
                store.queue.complete(leased, {item.id: "g2" for item in leased.items}, classifier="judge/1")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=send, args=pair) for pair in zip(stores, (events, events[::-1]), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert told == {"accepted": 240, "duplicates": 240}
    while (leased := stores[0].queue.lease(owner="w")).items:
        stores[0].queue.complete(leased, {item.id: "g2" for item in leased.items}, classifier="judge/1")
    totals = sum(stores[1].counts.totals(f"s{k}").table.sum(axis=0) for k in range(3))
    assert totals.tolist() == [120, 120, 0, 0, 0, 0]
    assert stores[0].admin.check() == ()


def test_events_without_text_are_counted_apart(store, event):
    accepted = store.events.add([event(0, label=None), event(1, label=None, text=True), event(2)])
    assert (accepted.no_text, accepted.queued, accepted.accepted) == (1, 1, 3)
    arrivals = store.events.arrivals("s")
    assert (arrivals.received.tolist(), arrivals.no_text.tolist(), arrivals.queued.tolist()) == ([3], [1], [1])
    assert store.counts.read("s").total == 1


def test_wrong_events_are_rejected_with_their_place_and_the_others_stored(store, event, clock):
    wrong = [
        event(0),
        event(1, label="g9"),
        event(2, model="m" * 301),
        event(3, ts=clock() + timedelta(days=2)),
        event(4, stream=" s"),
        event(5),
    ]
    accepted = store.events.add(wrong)
    assert accepted.accepted == 2
    assert [one.index for one in accepted.rejected] == [1, 2, 3, 4]
    assert "g9" in accepted.rejected[0].reason
    assert "clock" in accepted.rejected[2].reason


def test_streams_and_series_are_bounded(open_it, event):
    store = open_it(max_streams=2, max_series=2)
    accepted = store.events.add([event(k, stream=f"s{k}") for k in range(3)])
    assert (accepted.accepted, [one.index for one in accepted.rejected]) == (2, [2])
    accepted = store.events.add([event(10 + k, stream="s0", model=f"m{k}") for k in range(3)])
    assert (accepted.accepted, [one.index for one in accepted.rejected]) == (1, [1, 2])


def test_unknown_streams_may_be_refused(open_it, event):
    store = open_it(new_streams=None)
    accepted = store.events.add([event(0)])
    assert accepted.accepted == 0
    assert "no stream" in accepted.rejected[0].reason
    store.streams.create("s")
    assert store.events.add([event(0)]).accepted == 1


def test_windows_are_steps_where_the_stream_says_so(store, event):
    store.streams.create("s", StreamSettings(every=None))
    accepted = store.events.add([event(0, step=3), event(1)])
    assert (accepted.accepted, len(accepted.rejected)) == (1, 1)
    assert store.counts.read("s").windows.tolist() == [3]


def test_a_stream_made_by_an_event_that_states_a_step_and_no_time_is_one_of_steps(store, event):
    accepted = store.events.add(
        [
            event(0, stream="run", step=3, ts=None),
            event(1, stream="run", step=4, ts=None),
            event(2, stream="hours", step=3),  # when it was is stated: the windows that the operator set
            event(3, stream="now", ts=None),
            event(4, stream="hours", step=5, ts=None),
        ]
    )
    assert accepted.accepted == 5
    assert store.streams.get("run").settings == replace(store.streams.get("now").settings, every=None)
    assert store.counts.read("run").windows.tolist() == [3, 4]
    assert store.streams.get("hours").settings.every == store.streams.get("now").settings.every == 3600
    (rejected,) = store.events.add([event(5, stream="run")]).rejected
    assert "state their step" in rejected.reason


def test_texts_that_databases_refuse_are_stored_all_the_same(store, event):
    odd = event(0, text=True, model="m\0\ud800", prompt_id="p\0")
    assert (
        store.events.add([odd, Transcript("a\0b\udfff", "\U0001f600", id="x\0", prompt_id="y", stream="s")]).accepted
        == 2
    )
    assert store.counts.totals("s").series[0].model == "m\N{REPLACEMENT CHARACTER}?"
    batch = store.queue.lease(owner="w")
    assert batch.items[0].transcript.response == "\U0001f600"


def test_a_full_queue_refuses_whole_batches_and_takes_them_later(open_it, event):
    store = open_it(queue_rows=10)
    assert store.events.add([event(k, label=None, text=True) for k in range(8)]).queued == 8
    more = [event(k, label=None, text=True) for k in range(8, 12)]
    with pytest.raises(QueueFull, match="send again later"):
        store.events.add([event(20), *more])
    assert store.events.add([event(20)]).accepted == 1  # nothing of the refused batch was stored
    batch = store.queue.lease(owner="w", limit=5)
    store.queue.complete(batch, {item.id: "g1" for item in batch.items}, classifier="c/1")
    assert store.events.add(more).queued == 4


def test_the_queue_is_bounded_in_bytes(open_it, event):
    store = open_it(queue_bytes=2_000)
    with pytest.raises(QueueFull):
        store.events.add([Transcript("q", "a" * 3_000, id="big", prompt_id="p", stream="s")])
    assert store.queue.depth().rows == 0


def test_reading_what_is_not_there(store, event):
    with pytest.raises(NotFound, match="nothing"):
        store.counts.read("nothing")
    store.events.add([event(0)])
    with pytest.raises(InvalidInput, match="steps"):
        store.counts.read("s", range(0, 10, 2))
    assert store.counts.read("s", range(5)).total == 0
    assert store.counts.read("s", model="other").total == 0
    assert len(store.counts.totals("s", range(5))) == 0


def test_the_latest_windows_of_all_streams(store, event, clock):
    store.events.add([event(k, ts=clock() - timedelta(hours=k), stream="a") for k in range(6)])
    store.events.add([event(k, ts=clock() - timedelta(hours=10 + k), stream="b", label="g2") for k in range(6)])
    store.streams.create("empty")
    latest = store.counts.latest(last=3)
    assert list(latest) == ["a", "b", "empty"]
    assert latest["a"].windows.tolist() == [HOUR - 2, HOUR - 1, HOUR]
    assert latest["b"].windows.tolist() == [HOUR - 12, HOUR - 11, HOUR - 10]
    assert latest["b"].table[:, 1].tolist() == [1, 1, 1]
    assert len(latest["empty"]) == 0
    store.events.add([event(9, ts=clock() - timedelta(hours=2), stream="a", label=None)])
    assert store.events.latest_arrivals(last=3) == {"a": (4, 1), "b": (3, 0), "empty": (0, 0)}
    stream = store.streams.get("a")
    assert (stream.latest_window, stream.last_event_at) == (HOUR, clock())


def test_totals_by_series(store, event):
    store.events.add([event(k, model=f"m{k % 2}", label=f"g{1 + k % 3}") for k in range(12)])
    totals = store.counts.totals("s")
    assert [one.model for one in totals.series] == ["m0", "m1"]
    windows, table = totals.where(lambda one: one.model == "m1").by_window()
    assert (windows.tolist(), table.tolist()) == ([HOUR], [[2, 2, 2, 0, 0, 0]])
    assert totals.where(lambda one: False).by_window()[1].shape == (0, 6)


def test_two_stores_on_one_database_see_the_same(open_it, event):
    one, other = open_it(), open_it()
    one.events.add([event(0), event(1)])
    assert other.events.add([event(1), event(2)]).duplicates == 1
    other.streams.delete("s", who="ann")
    assert one.events.add([event(0)]).accepted == 1  # what was remembered of the old stream is forgotten
    assert one.counts.read("s").total == 1
    assert one.admin.check() == ()


def test_a_closed_store_says_so(open_it, event):
    from secondlaw.errors import StorageUnavailable

    store = open_it()
    store.close()
    store.close()
    with pytest.raises(StorageUnavailable, match="closed"):
        store.events.add([event(0)])


def test_sums_of_all_time_are_those_of_the_windows(store, event):
    store.events.add(
        [
            event(
                k,
                label=f"g{1 + k % 3}",
                model=f"m{k % 2}",
                ts=datetime(2026, 1, 31, 12, tzinfo=UTC) - timedelta(hours=k),
            )
            for k in range(12)
        ]
    )
    store.events.add([event(50 + k, stream="silent", label=None) for k in range(4)])
    store.events.add([event(60, stream="gone")])
    store.streams.delete("gone", who="t")
    assert store.counts.sums() == {"s": {"m0": {0: 2, 1: 2, 2: 2}, "m1": {0: 2, 1: 2, 2: 2}}}
    assert store.events.without_text() == {"silent": 4}


def bare(number, **fields):
    """An answer of which no text is known."""
    return Transcript("", "", id=f"e{number}", prompt_id="p", stream="s", model="m", ts=START, **fields)


def arrived(store):
    found = store.events.arrivals("s")
    return found.windows.tolist(), found.received.tolist(), found.no_text.tolist(), found.queued.tolist()


def test_a_text_that_comes_after_its_event_makes_it_one_event(store, event, clock):
    window = HOUR
    assert store.events.add([bare(1), bare(2)]).no_text == 2
    later = event(1, label=None, text=True, ts=START + timedelta(hours=1))
    found = store.events.add([later])
    assert (found.accepted, found.duplicates, found.queued, found.no_text) == (1, 0, 1, 0)
    assert arrived(store) == ([window, window + 1], [1, 1], [1, 0], [0, 1])
    again = store.events.add([later, bare(1), event(1)])
    assert (again.accepted, again.duplicates) == (0, 3)
    assert store.events.add([event(2)]).accepted == 1  # a label counts as much as a text
    assert arrived(store) == ([window, window + 1], [1, 1], [0, 0], [0, 1])
    assert store.counts.totals("s").table.sum() == 1
    assert store.admin.check() == ()


def test_a_text_that_comes_with_its_empty_event_in_one_batch_is_stored(store, event):
    found = store.events.add([bare(1), event(1)])
    assert (found.accepted, found.duplicates, found.no_text) == (1, 1, 0)
    assert arrived(store)[1:3] == ([1], [0])
    assert store.counts.totals("s").table.sum() == 1


def test_an_event_may_complete_one_of_another_id(store, event):
    store.events.add([bare(1), bare(2)])
    found = store.events.add([event(10, extra={"completes": "e1"}), event(11, extra={"completes": "unknown"})])
    assert found.accepted == 2
    assert arrived(store)[1:3] == ([3], [1])
    assert store.events.add([event(1)]).duplicates == 1


def test_an_event_without_text_is_forgotten_with_its_id(store, event, clock):
    store.events.add([bare(1)])
    for _ in range(10):
        clock.move(days=1)
        store.admin.purge()
    assert store.admin.sizes().rows["textless"] == 0
    assert store.events.add([event(1)]).accepted == 1
    assert arrived(store)[1:3] == ([2], [1])
