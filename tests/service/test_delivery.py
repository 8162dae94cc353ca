"""The delivery loop with a clock that is moved: retries, dead letters, groups, rates, repeats, stopping."""

import asyncio
import random
from datetime import timedelta
from itertools import pairwise

import pytest
from loopback_receiver import START, Clock, Listener, MemoryDeliveries, drift_alert, passing

from secondlaw.errors import InvalidInput, StorageUnavailable
from secondlaw.service.delivery import Deliverer
from secondlaw.service.delivery_outbox import Outbox
from secondlaw.service.delivery_policy import DeliveryPolicy
from secondlaw.service.delivery_requests import alerts_of, deliveries_for, longest_message, redeliver
from secondlaw.service.delivery_turn import Turn
from secondlaw.service.receiver_settings import load_receivers
from secondlaw.service.receivers import DeliveryError, message_key
from secondlaw.storage import NewAlarm

pytestmark = pytest.mark.unit

PAGER = {"type": "command", "name": "pager", "argv": ["/bin/true"]}
MANAGER = {"type": "alertmanager", "name": "am", "url": "http://localhost:9093", "repeat": "1m"}


class Bench:
    """A delivery loop that is driven by hand."""

    def __init__(self, *tables, says=None, policy=None, holds=lambda: True):
        self.clock = Clock()
        self.stored = MemoryDeliveries(self.clock)
        self.settings = load_receivers(tables or [PAGER])
        self.receivers = {one.name: Listener(one, says=says) for one in self.settings}
        self.open, self.policy, self.holds = [], policy, holds
        self.start()

    def start(self):
        clock = self.clock
        box = Outbox(
            self.stored, list(self.receivers), owner="one", longest=5, monotonic=clock.monotonic, holds=self.holds
        )  # fmt: skip
        self.deliverer = Deliverer(
            box, list(self.receivers.values()), clock=clock, monotonic=clock.monotonic, rng=random.Random(1),
            open_alerts=lambda: self.open, policy=self.policy,
        )  # fmt: skip

    @property
    def pager(self):
        return self.receivers["pager"]

    def put(self, *alerts):
        for alert in alerts:
            for name, payload in deliveries_for(alert, self.settings):
                self.stored.add(name, payload)

    def go_on(self, seconds):
        async def rounds():
            for _ in range(seconds):
                for name in self.receivers:
                    await self.deliverer.round(name)
                self.clock.move(1.0)

        asyncio.run(rounds())

    def status(self):
        return [row.status for row in self.stored.rows.values()]


def test_an_alert_is_told_once_and_recorded():
    bench = Bench()
    bench.put(drift_alert())
    bench.go_on(100)
    assert bench.pager.told == [("support", "firing")]
    assert bench.status() == ["delivered"]
    health = bench.deliverer.health()[0]
    assert (health.delivered, health.failed, health.dead, health.last_error) == (1, 0, 0, "")
    assert health.last_delivered_at == START


def test_waits_grow_and_the_receiver_is_tried_until_it_is_back():
    tries = []
    bench = Bench(says=lambda _: tries.append(bench.clock.seconds) or (None if len(tries) > 9 else passing()))
    bench.put(drift_alert())
    bench.go_on(2500)
    assert bench.pager.told == [("support", "firing")]
    waits = [after - before for before, after in pairwise(tries)]
    assert all(min(300, 5 * 2**k) / 2 <= wait <= min(300, 5 * 2**k) + 2 for k, wait in enumerate(waits))
    assert len(waits) == 9
    assert max(waits) > 150


def test_retry_after_is_waited_in_full():
    tries = []
    answers = iter([passing(retry_after=100.0), passing(retry_after=1e9), None])
    bench = Bench(says=lambda _: tries.append(bench.clock.seconds) or next(answers))
    bench.put(drift_alert())
    bench.go_on(4000)
    assert 100 <= tries[1] - tries[0] <= 103
    assert 3600 <= tries[2] - tries[1] <= 3603  # nobody is left alone for ever
    assert bench.pager.told


def test_a_pause_is_for_the_receiver_not_for_each_alert():
    bench = Bench({**PAGER, "max_alerts": 1, "per_minute": 6000}, says=lambda _: passing(retry_after=50.0))
    bench.put(*(drift_alert(f"s{k}") for k in range(30)))
    bench.go_on(45)
    assert len(bench.pager.tries) == 1


def test_a_refusal_becomes_a_dead_letter_and_can_be_sent_again():
    refusal = DeliveryError("HTTP 400", permanent=True)
    bench = Bench(says=lambda _: refusal)
    bench.put(drift_alert())
    bench.go_on(100)
    assert len(bench.pager.tries) == 1
    assert bench.status() == ["dead"]
    assert bench.stored.rows[1].last_error == "HTTP 400"
    bench.pager.says = lambda _: None
    assert redeliver(bench.stored, receiver="other") == 0
    assert redeliver(bench.stored, receiver="pager") == 1
    bench.go_on(5)
    assert bench.pager.told == [("support", "firing")]


def test_it_is_given_up_only_when_old_and_often_tried():
    policy = DeliveryPolicy(attempts=5, max_age=timedelta(hours=1))
    bench = Bench(says=lambda _: passing(), policy=policy)
    bench.put(drift_alert())
    bench.go_on(3550)
    assert bench.status() == ["pending"]
    assert len(bench.pager.tries) > 5
    bench.go_on(400)
    assert bench.status() == ["dead"]
    bench = Bench(says=lambda _: passing(), policy=policy)
    bench.put(drift_alert())
    bench.clock.move(7200)  # the service was down
    bench.go_on(10)
    assert bench.status() == ["pending"]


def test_the_end_of_what_was_never_told_is_a_dead_letter_too():
    alert = drift_alert()
    bench = Bench(says=lambda notices: DeliveryError("no", permanent=True) if notices[0].alert.firing else None)
    bench.put(alert, alert.resolved(START))
    bench.go_on(20)
    assert bench.status() == ["dead", "dead"]
    assert "its firing is dead letter 1" in bench.stored.rows[2].last_error
    bench.pager.says = lambda _: None
    assert redeliver(bench.stored) == 2
    bench.go_on(5)
    assert bench.pager.told == [("support", "firing"), ("support", "resolved")]


def test_a_storm_becomes_a_few_messages():
    bench = Bench()
    bench.put(*(drift_alert(f"s{k:04}") for k in range(1000)))
    bench.go_on(12)
    assert [len(message) for message in bench.pager.messages] == [100] * 10
    assert sorted(stream for stream, _ in bench.pager.told) == [f"s{k:04}" for k in range(1000)]
    assert set(bench.status()) == {"delivered"}


def test_a_message_holds_alerts_of_one_state():
    ended = drift_alert("b").resolved(START)
    bench = Bench()
    bench.put(drift_alert("a"), ended, drift_alert("c"))
    bench.go_on(5)
    assert [[n.alert.stream for n in message] for message in bench.pager.messages] == [["a", "c"], ["b"]]


def test_the_rate_of_a_receiver_is_kept():
    times = []
    bench = Bench({**PAGER, "max_alerts": 1, "per_minute": 6}, says=lambda _: times.append(bench.clock.seconds))
    bench.put(*(drift_alert(f"s{k}") for k in range(5)))
    bench.go_on(60)
    assert len(times) == 5
    assert min(b - a for a, b in pairwise(times)) >= 10


def test_one_bad_alert_takes_no_others_along():
    def says(notices):
        bad = any(notice.alert.stream == "s3" for notice in notices)
        return DeliveryError("HTTP 422", permanent=True) if bad else None

    bench = Bench(says=says)
    bench.put(*(drift_alert(f"s{k}") for k in range(6)))
    bench.go_on(30)
    assert bench.status() == ["delivered"] * 3 + ["dead"] + ["delivered"] * 2


def test_an_alert_on_which_the_receiver_fails_is_isolated():
    def says(notices):
        return passing(answered=True) if any(notice.alert.stream == "s3" for notice in notices) else None

    bench = Bench(says=says)
    bench.put(*(drift_alert(f"s{k}") for k in range(16)))
    bench.go_on(400)
    assert [k for k, status in enumerate(bench.status()) if status != "delivered"] == [3]


def test_groups_stay_whole_when_nobody_answers():
    answers = iter([passing()] * 3)
    bench = Bench(says=lambda _: next(answers, None))
    bench.put(*(drift_alert(f"s{k}") for k in range(50)))
    bench.go_on(200)
    assert [len(message) for message in bench.pager.messages] == [50]


def test_the_key_is_the_same_when_sent_again_and_other_for_others():
    keys = []
    bench = Bench(says=lambda notices: keys.append(message_key(notices)) or (passing() if len(keys) == 1 else None))
    bench.put(drift_alert())
    bench.go_on(3)
    bench.start()  # killed in between
    bench.go_on(60)
    bench.put(drift_alert().resolved(START))
    bench.go_on(5)
    assert keys[0] == keys[1] != keys[2]


def test_a_receiver_that_breaks_costs_no_alert_and_tells_no_secret(caplog):
    bench = Bench(says=lambda _: ZeroDivisionError("password hunter2"))
    bench.put(drift_alert())
    bench.go_on(3)
    assert bench.status() == ["pending"]
    assert bench.stored.rows[1].last_error == "receiver 'pager': ZeroDivisionError while sending"
    assert "hunter2" not in caplog.text


def test_what_was_taken_but_not_recorded_is_recorded_later_and_not_sent_again():
    bench = Bench()
    done, bench.stored.done = bench.stored.done, lambda _: (_ for _ in ()).throw(StorageUnavailable("locked"))
    bench.put(drift_alert())
    with pytest.raises(StorageUnavailable):
        bench.go_on(1)
    bench.stored.done = done
    bench.clock.move(60)
    bench.go_on(30)
    assert bench.pager.told == [("support", "firing")]
    assert bench.status() == ["delivered"]


def test_who_is_no_longer_configured_is_waited_for_then_given_up():
    bench = Bench()
    bench.stored.add("gone", drift_alert().to_dict())
    bench.put(drift_alert("b"))
    bench.go_on(3)
    assert bench.status() == ["pending", "delivered"]
    assert "no receiver is named 'gone'" in bench.stored.rows[1].last_error
    for _ in range(200):
        bench.clock.move(600)
        bench.go_on(1)
    assert bench.status() == ["dead", "delivered"]


def test_a_payload_that_cannot_be_read_is_a_dead_letter():
    bench = Bench()
    bench.stored.add("pager", {"stream": "x"})
    bench.put(drift_alert())
    bench.go_on(5)
    assert bench.status() == ["dead", "delivered"]


def test_only_who_holds_the_lease_delivers():
    ours = []
    bench = Bench(holds=lambda: bool(ours))
    bench.put(drift_alert())
    bench.go_on(10)
    assert bench.pager.tries == []
    ours.append(1)
    bench.go_on(3)
    assert bench.pager.told


def test_the_lease_is_asked_for_a_few_times_in_its_life():
    clock, asked = Clock(), []

    class Leases:
        def take(self, names, *, owner, seconds):
            asked.append((list(names), owner))
            return [] if len(asked) == 2 else ["lease"]

    turn = Turn(Leases(), owner="one", monotonic=clock.monotonic)
    found = []
    for _ in range(25):
        found.append(turn())
        clock.move(1.0)
    assert asked == [(["deliveries"], "one")] * 3
    assert found == [True] * 10 + [False] * 10 + [True] * 5


def test_an_alertmanager_is_told_again_until_it_is_over_and_a_while_after():
    bench = Bench(MANAGER)
    listener, alert = bench.receivers["am"], drift_alert()
    bench.put(alert)
    bench.open = [alert]
    bench.go_on(310)
    times = len(listener.messages)
    assert times in (5, 6)
    assert len({message_key(message) for message in listener.messages}) == times
    bench.open = []
    bench.put(alert.resolved(bench.clock()))
    bench.go_on(1200)
    states = [state for _, state in listener.told]
    assert states == ["firing"] * times + ["resolved"] * (len(states) - times)
    assert 13 <= len(states) - times <= 16  # for 15 minutes
    bench.go_on(600)
    assert len(listener.told) == len(states)


def test_after_a_restart_an_alertmanager_is_told_at_once_and_a_webhook_later():
    pager = {**PAGER, "repeat": "10m"}
    bench = Bench(MANAGER, pager)
    bench.open = [drift_alert()]
    bench.go_on(5)
    assert bench.receivers["am"].told == [("support", "firing")]
    assert bench.pager.told == []
    bench.go_on(700)
    assert bench.pager.told == [("support", "firing")]


def test_many_open_alerts_are_repeated_in_groups_and_globs_hold():
    bench = Bench({**MANAGER, "streams": ["s*"], "max_alerts": 200})
    bench.open = [drift_alert(f"s{k}") for k in range(500)] + [drift_alert("other")]
    bench.go_on(10)
    assert [len(message) for message in bench.receivers["am"].messages] == [200, 200, 100]


def test_a_new_alert_goes_before_repeats():
    bench = Bench({**MANAGER, "max_alerts": 10})
    bench.open = [drift_alert(f"s{k}") for k in range(100)]
    bench.put(drift_alert("new"))
    bench.go_on(3)
    assert bench.receivers["am"].told[0] == ("new", "firing")


def test_who_hears_of_what():
    heard = load_receivers([
        {**PAGER, "name": "a", "streams": ["prod-*"]}, {**PAGER, "name": "b", "send_resolved": False},
    ])  # fmt: skip
    assert [name for name, _ in deliveries_for(drift_alert("prod-1"), heard)] == ["a", "b"]
    assert [name for name, _ in deliveries_for(drift_alert("test-1"), heard)] == ["b"]
    assert [name for name, _ in deliveries_for(drift_alert("prod-1").resolved(START), heard)] == ["a"]


def test_a_hanging_receiver_holds_up_no_other_and_stopping_loses_nothing():
    bench = Bench({**PAGER, "name": "slow"}, {**PAGER, "name": "fast"})
    hanging = asyncio.Event()

    async def hang(notices, *, now):
        hanging.set()
        await asyncio.Event().wait()

    bench.receivers["slow"].send = hang
    bench.put(drift_alert())

    async def sleep(_):
        bench.clock.move(1.0)
        await asyncio.sleep(0)

    bench.deliverer._sleep = sleep
    stop = lambda: hanging.is_set() and bool(bench.receivers["fast"].messages)  # noqa: E731

    async def run():
        import secondlaw.service.delivery as module

        grace, module.GRACE = module.GRACE, 0.05
        try:
            await bench.deliverer.deliver(stop)
        finally:
            module.GRACE = grace

    asyncio.run(run())
    assert bench.receivers["fast"].told == [("support", "firing")]
    assert all(receiver.closed for receiver in bench.receivers.values())
    slow = next(row for row in bench.stored.rows.values() if row.receiver == "slow")
    assert slow.status == "pending"
    assert slow.token is None  # free for the next process at once
    assert slow.next_at <= bench.clock()


def test_a_loop_goes_on_when_the_outbox_cannot_be_reached(caplog):
    bench = Bench()
    failures = [StorageUnavailable("the database is locked"), RuntimeError("secret")]
    due = bench.stored.due
    bench.stored.due = lambda **more: (_ for _ in ()).throw(failures.pop(0)) if failures else due(**more)
    bench.put(drift_alert())

    async def sleep(_):
        bench.clock.move(1.0)
        await asyncio.sleep(0)

    bench.deliverer._sleep = sleep
    asyncio.run(bench.deliverer.deliver(lambda: bool(bench.pager.messages)))
    assert bench.pager.told
    assert "the database is locked" in caplog.text
    assert "secret" not in caplog.text


def test_the_alerts_of_stored_alarms():
    stored = [NewAlarm("drift", 1, "", {"alert": drift_alert().to_dict()}), NewAlarm("other", 1, "")]
    assert alerts_of(stored) == [drift_alert()]


def test_a_lease_outlives_the_longest_message():
    assert longest_message(load_receivers([{**PAGER, "timeout": 20}])) > 20
    assert longest_message(()) > 0


@pytest.mark.parametrize(
    "change",
    [{"first_wait": 0.0}, {"longest_wait": 1.0}, {"attempts": 0}, {"max_age": timedelta(-1)}, {"longest_pause": 0.0}],
)
def test_policies_that_make_no_sense_are_refused(change):
    with pytest.raises(InvalidInput):
        DeliveryPolicy(**change)
