"""The demo's streams: what they are named is what the monitors say of them."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from secondlaw.formats import write_jsonl
from secondlaw.service.demonstration import DEMO_MONITOR, fill_with_recorded, fill_with_simulated
from secondlaw.service.evaluating import Evaluator
from secondlaw.service.evaluation_alarms import AlarmWriter
from secondlaw.service.states import state_of
from secondlaw.storage import StoreSettings, open_store

pytestmark = pytest.mark.unit

NOW = datetime(2026, 5, 4, 15, 30, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/demo.db", settings=StoreSettings(ahead_days=3650), clock=lambda: NOW) as one:
        yield one


def test_simulated_streams_stand_as_their_names_say(store):
    names = fill_with_simulated(store, now=NOW, rng=np.random.default_rng(0))
    Evaluator(store, owner="t", clock=lambda: NOW + timedelta(minutes=5), alarms=AlarmWriter()).run_once()
    found = {}
    for name in names:
        alarms = store.alarms.list(stream=name, status="open")
        found[name] = state_of(store.streams.get(name), store.monitors.list(name), alarms, now=NOW).state
    assert found == {
        "simulated, steady": "stable",
        "simulated, drifting": "drifting",
        "simulated, silent": "no data",
    }


def test_a_recorded_run_waits_to_be_labelled_one_stream_an_arm(store, tmp_path):
    rows = [
        {"id": f"{arm}-{step}-{i}", "prompt": f"q{i}", "response": "a", "model": arm, "step": step, "label": "g1",
         "classifier": "c/1"}
        for arm in ("base", "tuned") for step in range(2) for i in range(3)
    ]  # fmt: skip
    write_jsonl(rows, tmp_path / "run.jsonl")
    assert fill_with_recorded(store, tmp_path / "run.jsonl") == 12
    assert {one.name: one.queued for one in store.streams.list()} == {"recorded run, base": 6, "recorded run, tuned": 6}
    assert store.streams.get("recorded run, base").settings.monitors["drift"] == DEMO_MONITOR
