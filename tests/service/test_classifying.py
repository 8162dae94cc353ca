"""Labelling from the queue: real processes, a process that dies, a classifier that cannot be opened, a kill."""

import numpy as np
import pytest
from served import until

from secondlaw.behavior import Transcript
from secondlaw.pipeline.settings import load_settings
from secondlaw.service.classifier_pool import ClassifierPool
from secondlaw.service.classifying import Labeller
from secondlaw.storage import StoreSettings, StreamSettings, open_store

pytestmark = pytest.mark.unit


ENGINE = """
import os
import signal

def judge(prompt, response, intent):
    if response == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if response == "fail":
        raise RuntimeError("cannot read this")
    if response == "refuse":
        raise ValueError("cannot read this")
    return ((0.0, 1.0, 0.0) if response.startswith("no") else (1.0, 0.0, 0.0)), (0.9, 0.1)

judge.version = "1"
"""


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/store.db", settings=StoreSettings(attempts=2)) as one:
        one.streams.create("chat", StreamSettings(every=None))
        yield one


@pytest.fixture
def pool(tmp_path, monkeypatch):
    (tmp_path / "words_engine.py").write_text(ENGINE)
    monkeypatch.syspath_prepend(tmp_path)
    one = ClassifierPool(load_settings(engine="words_engine:judge"), workers=1)
    yield one
    one.close()


def send(store, responses):
    store.events.add(
        [Transcript(f"q{i}", response, f"r{i}", f"p{i}", stream="chat", model="m", step=1, intent="benign")
         for i, response in enumerate(responses)]
    )  # fmt: skip


def counted(store):
    return store.counts.totals("chat").by_window()[1].sum(axis=0).tolist()


def test_what_waits_is_labelled_and_counted_once(store, pool):
    send(store, ["yes"] * 70 + ["no"] * 30)
    labeller = Labeller(store, pool, owner="one", limit=64)
    assert labeller.run_once() == 64
    assert labeller.run_once() == 36
    assert labeller.run_once() == 0
    assert counted(store) == [70, 0, 0, 30, 0, 0]
    assert [one.classifier for one in store.counts.totals("chat").series] == ["judge/1"]
    assert store.queue.depth().rows == 0


@pytest.mark.parametrize("fault", ["die", "fail", "refuse"])
def test_only_the_event_at_fault_is_put_aside(store, pool, fault):
    send(store, ["yes", "no", fault, "yes"])
    labeller = Labeller(store, pool, owner="one")

    def is_done():
        labeller.run_once()
        return not store.queue.depth().rows

    until(is_done)
    assert counted(store) == [2, 0, 0, 1, 0, 0]
    (poisoned,) = store.queue.poisoned()
    assert poisoned.transcript.response == fault
    assert ("died" if fault == "die" else "cannot read this") in poisoned.reason


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr("secondlaw.service.classifying.RETRY", 0.05)


def test_a_classifier_that_cannot_be_opened_costs_no_event_its_place(store, caplog):
    send(store, ["yes"])
    pool = ClassifierPool(load_settings(engine="no.such.module:thing"), workers=1)
    labeller = Labeller(store, pool, owner="one")
    try:
        for _ in range(4):
            assert labeller.run_once() == 0
    finally:
        pool.close()
    assert "cannot be opened" in caplog.text
    assert store.queue.depth().rows == 1
    assert store.queue.depth().poisoned == 0


def test_stopped_in_the_middle_it_gives_back_what_it_has_leased(store, pool):
    send(store, ["yes"] * 200)
    labeller = Labeller(store, pool, owner="one", limit=16)
    rounds = iter([False] * 3 + [True] * 10)
    labeller.run(lambda: next(rounds), lambda seconds: None)
    depth = store.queue.depth()
    assert depth.leased == 0
    assert depth.rows == 200 - labeller.labelled
    labeller.run(lambda: store.queue.depth().rows == 0, lambda seconds: None)
    assert counted(store) == [200, 0, 0, 0, 0, 0]
    assert np.sum(counted(store)) == 200
