"""Re-baselining takes the stream for itself: it never works beside an evaluation, whoever is in this process."""

import threading
import time

import pytest

from secondlaw.behavior import Transcript
from secondlaw.errors import LeaseLost, NotFound
from secondlaw.service import alarm_routes
from secondlaw.service.alarm_routes import rebaseline
from secondlaw.storage import open_store, stream_lease

pytestmark = pytest.mark.unit

REPLICA = "replica-1"


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/events.db") as opened:
        opened.events.add([Transcript("q", "a", "r1", "p1", stream="chat", model="m", step=1, intent="benign")])
        yield opened


def again(store):
    """Re-baseline a stream; without a monitor it gets as far as the lease."""
    return rebaseline(store, "chat", who="ann", reason="a new release", owner=REPLICA, writer=None)


def test_it_waits_for_the_evaluator_of_its_own_replica(store, monkeypatch):
    held = store.leases.take([stream_lease("chat")], owner=REPLICA)
    monkeypatch.setattr(alarm_routes, "PATIENCE", 0.3)
    with pytest.raises(LeaseLost, match="is being evaluated at this moment; try again"):
        again(store)
    monkeypatch.setattr(alarm_routes, "PATIENCE", 60.0)
    evaluation = threading.Timer(0.5, store.leases.release, [held])
    evaluation.start()
    began = time.monotonic()
    with pytest.raises(NotFound):
        again(store)
    assert time.monotonic() - began >= 0.4
    evaluation.join()


def test_it_gives_the_stream_back(store):
    with pytest.raises(NotFound):
        again(store)
    assert store.leases.take([stream_lease("chat")], owner="another")
