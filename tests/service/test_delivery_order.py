"""In which order deliveries of one alert leave, and the law that holds over any history of failures and crashes."""

import asyncio
import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loopback_receiver import START, Clock, Listener, MemoryDeliveries, drift_alert, passing

from secondlaw.service.delivery import Deliverer
from secondlaw.service.delivery_order import plan_of
from secondlaw.service.delivery_outbox import Entry, Outbox
from secondlaw.service.delivery_policy import DeliveryPolicy
from secondlaw.service.delivery_requests import deliveries_for
from secondlaw.service.receiver_settings import load_receivers

FIRST, SECOND = drift_alert(), drift_alert(starts_at=START + timedelta(hours=2))
STATES = {
    "f": FIRST, "r": FIRST.resolved(START + timedelta(hours=1)),
    "F": SECOND, "R": SECOND.resolved(START + timedelta(hours=3)),
}  # fmt: skip


def entries(states):
    stored = MemoryDeliveries(Clock())
    for state in states:
        stored.add("pager", STATES[state].to_dict())
    return [Entry(row, STATES[state]) for row, state in zip(stored.rows.values(), states, strict=True)]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("states", "waiting", "send", "overtaken"),
    [
        ("f", "", [0], []),
        ("r", "", [0], []),
        ("fr", "", [0], []),  # the resolved goes after the firing
        ("fr", "0", [], []),  # ... and waits while the firing waits
        ("frF", "", [2], [0, 1]),  # it flapped: one firing
        ("rF", "", [1], [0]),
        ("frFR", "", [2], [0, 1]),  # ... one firing, then one resolved
        ("rFR", "", [1], [0]),
        ("rFR", "0", [], []),
        ("frFR", "2", [], [0, 1]),
        ("rr", "", [1], [0]),
        ("ff", "", [1], [0]),
    ],
)
def test_what_is_sent_and_what_is_overtaken(states, waiting, send, overtaken):
    pending = entries(states)
    plan = plan_of([entry for place, entry in enumerate(pending) if str(place) not in waiting], pending)
    assert [pending.index(entry) for entry in plan.send] == send
    assert [pending.index(entry) for entry in plan.overtaken] == overtaken


@pytest.mark.unit
def test_alerts_do_not_wait_for_each_other():
    stored = MemoryDeliveries(Clock())
    alerts = [drift_alert("a"), drift_alert("b")]
    both = [Entry(stored.rows[stored.add("pager", alert.to_dict())], alert) for alert in alerts]
    assert plan_of(both[1:], both).send == (both[1],)


PAGER = {"type": "command", "name": "pager", "argv": ["/bin/true"], "per_minute": 600}
STREAMS = ("a", "b", "c")


class History:
    """Alarms that come and go, and a receiver that fails, while the process is killed now and then."""

    def __init__(self, max_alerts):
        self.settings = load_receivers([{**PAGER, "max_alerts": max_alerts}])[0]
        self.clock, self.answers, self.raised = Clock(), [], {}
        self.stored = MemoryDeliveries(self.clock)
        self.seen = []
        self.start()

    def start(self):
        """Start the process (anew): what it knew is gone."""
        receiver = Listener(self.settings, says=self.answer)
        box = Outbox(self.stored, ["pager"], owner=f"p{self.clock.seconds}", longest=5, monotonic=self.clock.monotonic)
        self.deliverer = Deliverer(
            box, [receiver], clock=self.clock, monotonic=self.clock.monotonic, rng=random.Random(0),
            policy=DeliveryPolicy(first_wait=1, longest_wait=30, longest_pause=10),
        )  # fmt: skip

    def answer(self, notices):
        said = self.answers.pop(0) if self.answers else "taken"
        if said in ("taken", "taken, then killed", "taken, but no answer"):
            self.seen.extend((n.alert.stream, n.alert.state, n.alert.starts_at) for n in notices)
        if said.endswith("killed"):
            return Killed()
        return None if said == "taken" else passing(answered=said == "failed on it")

    def raise_or_resolve(self, stream):
        now = self.clock()
        alert = self.raised.get(stream)
        fires = alert is not None and alert.firing
        alert = alert.resolved(now) if fires else drift_alert(stream, starts_at=now)
        self.raised[stream] = alert
        for name, payload in deliveries_for(alert, [self.settings]):
            self.stored.add(name, payload)

    def go_on(self, rounds=1):
        async def go():
            for _ in range(rounds):
                try:
                    await self.deliverer.round("pager")
                except Killed:
                    self.start()
                self.clock.move(1.0)

        asyncio.run(go())


class Killed(BaseException):
    """The process ends here."""


ACTIONS = st.one_of(
    st.tuples(st.just("alarm"), st.sampled_from(STREAMS)),
    st.tuples(st.just("rounds"), st.integers(1, 40)),
    st.tuples(
        st.just("answer"),
        st.sampled_from(["taken", "not now", "failed on it", "killed", "taken, then killed", "taken, but no answer"]),
    ),
    st.tuples(st.just("restart"), st.just(0)),
)


@pytest.mark.law
@settings(max_examples=100)
@given(actions=st.lists(ACTIONS, max_size=40), max_alerts=st.sampled_from([1, 2, 100]))
def test_the_last_state_is_seen_and_no_end_before_its_beginning(actions, max_alerts):
    history = History(max_alerts)
    for action, value in actions:
        if action == "alarm":
            history.raise_or_resolve(value)
        elif action == "rounds":
            history.go_on(value)
        elif action == "answer":
            history.answers.append(value)
        else:
            history.start()
    history.answers.clear()
    history.go_on(200)
    assert not history.stored.list(status="dead")
    assert not history.stored.list(status="pending")
    for stream in STREAMS:
        seen = [(state, starts) for name, state, starts in history.seen if name == stream]
        last = history.raised.get(stream)
        assert bool(seen) == (last is not None)
        if last is not None:
            assert seen[-1] == (last.state, last.starts_at)
        for place, (state, starts) in enumerate(seen):
            assert state == "firing" or ("firing", starts) in seen[:place]
        firsts = [starts for place, (_, starts) in enumerate(seen) if starts not in {s for _, s in seen[:place]}]
        assert firsts == sorted(firsts)
