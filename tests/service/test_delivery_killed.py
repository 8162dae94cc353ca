"""A real process that delivers from a real store, is killed with SIGKILL in the middle, and is started again."""

import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from loopback_receiver import START, LoopbackReceiver, drift_alert
from served import LONGEST, until

from secondlaw.service.delivery_requests import deliveries_for
from secondlaw.service.receiver_settings import load_receivers
from secondlaw.storage import NewDelivery, open_store

pytestmark = [pytest.mark.unit, pytest.mark.timeout(900)]  # real processes, minutes where the machine is busy

SCRIPT = """
import random, sys, threading, time
from datetime import UTC, datetime, timedelta
from secondlaw.service.delivery import Deliverer
from secondlaw.service.delivery_outbox import Outbox
from secondlaw.service.delivery_turn import Turn
from secondlaw.service.receiver_settings import load_receivers
from secondlaw.service.receivers import build_receiver
from secondlaw.storage import open_store

url, where, number = sys.argv[1:]
# Each process lives a minute after the one before: what that one had leased is free.
clock = lambda: datetime.now(UTC) + timedelta(minutes=int(number))
settings = load_receivers([{"type": "webhook", "name": "pager", "url": where, "max_alerts": 5, "per_minute": 6000}])
stopped = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stopped.set()), daemon=True).start()
with open_store(url, clock=clock) as store:
    turn = Turn(store.leases, owner=number, monotonic=time.monotonic)
    box = Outbox(store.deliveries, ["pager"], owner=number, longest=1.0, monotonic=time.monotonic, holds=turn)
    Deliverer(
        box, [build_receiver(one) for one in settings], clock=clock, monotonic=time.monotonic,
        rng=random.Random(0),
    ).run(stopped.is_set)
"""
STREAMS = 12


@pytest.fixture
def server():
    found = LoopbackReceiver()
    yield found
    found.close()


@pytest.fixture
def start(tmp_path, server):
    """Return a function that starts the process."""
    started = []
    (tmp_path / "deliver.py").write_text(SCRIPT)

    def go():
        argv = [
            sys.executable,
            tmp_path / "deliver.py",
            f"sqlite:///{tmp_path}/store.db",
            server.url,
            str(len(started)),
        ]
        with (tmp_path / "said.txt").open("a") as said:
            started.append(subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=said))
        return started[-1]

    yield go
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdin.close()


def put(store, alerts):
    pager = load_receivers([{"type": "webhook", "name": "pager", "url": "http://x"}])
    new = [NewDelivery(name, payload) for alert in alerts for name, payload in deliveries_for(alert, pager)]
    store.deliveries.add(new)


def test_nothing_is_lost_or_out_of_order_when_killed_in_the_middle(tmp_path, server, start):
    firing = [drift_alert(f"s{k:02}") for k in range(STREAMS)]
    with open_store(f"sqlite:///{tmp_path}/store.db") as store:
        put(store, [*firing, *(alert.resolved(START + timedelta(hours=1)) for alert in firing)])
        for _ in range(2):
            before = len(server.requests)
            server.then({}, {"never": True})  # the first message is taken, the second is under way
            process = start()
            server.wait_for(before + 2)
            process.send_signal(signal.SIGKILL)
            process.wait()
            server.released.set()
            server.queued.clear()
            server.released.clear()
        process = start()
        server.released.set()
        until(lambda: not store.deliveries.list(status="pending"))
        process.stdin.close()
        assert process.wait(timeout=LONGEST) == 0, (tmp_path / "said.txt").read_text()
        assert not store.deliveries.list(status="pending")
        assert not store.deliveries.list(status="dead")
    seen = {}
    for body in server.bodies:
        for alert in body["alerts"]:
            seen.setdefault(alert["labels"]["stream"], []).append(alert["status"])
    assert sorted(seen) == [f"s{k:02}" for k in range(STREAMS)]
    for states in seen.values():
        assert states[0] == "firing"
        assert states[-1] == "resolved"
        assert states == sorted(states)  # a firing sent again may come twice, but never after its resolved
    keys = [request["headers"]["idempotency-key"] for request in server.requests]
    assert len(set(keys)) < len(keys)  # what was under way was sent again under its old key
