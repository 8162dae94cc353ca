"""Two replicas on one PostgreSQL: both take events, one at a time decides, one that is killed is replaced."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from loopback_receiver import LoopbackReceiver
from postgres_server import required_server
from served import Service, until

from secondlaw.behavior import Transcript
from secondlaw.errors import LeaseLost
from secondlaw.service.evaluating import Evaluator
from secondlaw.service.evaluation_alarms import AlarmWriter
from secondlaw.service.evaluation_settings import EvaluationSettings
from secondlaw.storage import StoreSettings, StreamSettings, open_store

pytestmark = [pytest.mark.unit, pytest.mark.timeout(900)]  # real processes, minutes where the machine is busy

STEPS, DRIFT, PER_STEP = 60, 30, 40
SETTINGS = """
every = 0
lease = 20
evaluate_every = 0.2
workers = 0
monitor = {{ baseline_steps = 20, alpha = 0.001, idle = 1.0 }}
[[service.receivers]]
type = "webhook"
name = "hook"
url = "{url}"
"""


@pytest.fixture(scope="module")
def server():
    found = required_server()
    yield found
    found.close()


@pytest.fixture
def hook():
    found = LoopbackReceiver()
    yield found
    found.close()


@pytest.fixture
def replicas(tmp_path, server, hook):
    url = server.new_url()
    found = [Service(tmp_path, SETTINGS.format(url=hook.url), store=url, name=name) for name in ("one", "two")]
    yield found
    for one in found:
        one.close()


def rows_of(steps):
    return [row for step in steps for row in rows_of_step(step)]


def rows_of_step(step):
    rng = np.random.default_rng(step)
    return [
        {"id": f"{step}-{k}", "stream": "chat", "model": "m", "prompt_id": f"p{k % 8}", "step": step, "classifier": "c",
         "label": "g2" if rng.random() < (0.35 if step >= DRIFT else 0.05) else "g1"}
        for k in range(PER_STEP)
    ]  # fmt: skip


def decided(service):
    found = service.get("/v1/streams/chat/decisions", **{"from": 0})["monitors"].get("drift:m", [])
    return [(one["window"], one["verdict"], one["alarm"], one["log_evidence"]) for one in found]


def test_replicas_decide_as_one_does_and_tell_an_alarm_once_though_one_is_killed(replicas, server, hook, tmp_path):
    one, two = (replica.start() for replica in replicas)
    half = STEPS // 2 + 5  # the drift is found before the kill
    for block, first in enumerate(range(0, half, 5)):
        rows = rows_of(range(first, first + 5))
        assert replicas[block % 2].send(rows)["accepted"] == len(rows)
        assert replicas[1 - block % 2].send(rows)["duplicates"] == len(rows)
    until(lambda: len(decided(one)) >= half - 1)
    with open_store(one.store) as store:  # a message that is under way at the kill may come twice
        until(lambda: hook.bodies and not store.deliveries.list(status="pending"))
    one.kill()
    two.send(rows_of(range(half, STEPS)))
    until(lambda: len(decided(two)) == STEPS)
    said, alarms = decided(two), two.get("/v1/alarms")["alarms"]
    assert two.stop() == 0
    alone = Service(tmp_path, SETTINGS.format(url=hook.url), name="alone").start()
    replicas.append(alone)
    alone.send(rows_of(range(STEPS)))
    until(lambda: len(decided(alone)) == STEPS)
    assert said == decided(alone)
    raised = [window for window, _, alarm, _ in said if alarm]
    assert raised
    assert sorted(one["window"] for one in alarms if one["kind"] == "drift") == raised
    told = [body["alerts"][0]["startsAt"] for body in hook.bodies if body["status"] == "firing"]
    assert told
    assert len(told) == len(set(told))


def test_a_stream_of_a_killed_evaluator_is_taken_over_after_its_lease_and_not_before(server):
    """The one that was paused while it decided finds, when it goes on, that another has the stream."""
    url, settings = server.new_url(), StoreSettings(new_streams=StreamSettings(every=None))
    monitor = EvaluationSettings(baseline_steps=20, idle=0.0)
    now = [datetime(2026, 3, 2, tzinfo=UTC)]

    def clock():  # of the leases too: a slow machine ends none
        return now[0]

    with (
        open_store(url, settings=settings, clock=clock) as first,
        open_store(url, settings=settings, clock=clock) as second,
    ):

        def evaluator(store, owner):
            return Evaluator(store, owner=owner, clock=clock, alarms=AlarmWriter(), default=monitor, leased=60.0)

        first.events.add(
            [Transcript("", "", f"{k}", "p", stream="chat", step=k, label="g1", classifier="c") for k in range(9)]
        )
        record = first.monitors.record
        looked = []

        def paused(lease, stream, steps):
            for seconds in (0.0, 59.0, 1.0):
                now[0] += timedelta(seconds=seconds)
                looked.append(evaluator(second, "two").run_once())
            return record(lease, stream, steps)

        first.monitors.record = paused
        with pytest.raises(LeaseLost):
            evaluator(first, "one").evaluate("chat")
        assert looked[:2] == [{}, {}]  # it is taken
        assert looked[2]["chat"].windows == 9
        assert len(second.monitors.decisions("chat", "drift:unknown")) == 9
