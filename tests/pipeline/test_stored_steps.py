"""Stored counts as steps: the monitors say of them what they say of the log itself."""

import numpy as np
import pytest

from secondlaw.behavior import FIVE, Counts
from secondlaw.behavior.hashing import group_hash
from secondlaw.drift.monitoring import MonitorSet
from secondlaw.drift.monitoring_plan import MonitorPlan
from secondlaw.drift.step_counts import StepRow
from secondlaw.drift.step_counts_builder import StepBuilder
from secondlaw.drift.step_counts_policy import StepPolicy
from secondlaw.pipeline.stored_steps import steps_of_counts

pytestmark = pytest.mark.unit

HOUR = 3600
START = 490_000


def rows(seed=0, windows=60):
    """Return hours of two models; the second begins late and falls silent, and drifts."""
    rng = np.random.default_rng(seed)
    found = []
    for w in range(windows):
        for model, begins, ends in (("a", 0, windows), ("b", 5, 55)):
            p = (0.9, 0.03, 0.04, 0.01, 0.02) if w < 40 or model == "a" else (0.6, 0.2, 0.1, 0.05, 0.05)
            if begins <= w < ends and w != 30:
                for i, code in enumerate(rng.choice(5, 40, p=p)):
                    time = (START + w) * HOUR + 10.0 * i
                    found.append(StepRow("s", model, int(code), time=time, cluster=f"q{i % 8}", classifier="c 1"))
    return found


def counted(given):
    return Counts.from_rows(
        [
            {"stream": row.stream, "model": row.model, "window": int(row.time // HOUR), "classifier": row.classifier,
             "cluster": f"{group_hash(row.cluster):016x}", "counts": {FIVE.keys[row.category]: 1}}
            for row in given
        ],
        keys=FIVE.keys,
        every=HOUR,
    )  # fmt: skip


def test_monitors_decide_on_stored_counts_as_on_the_log():
    given = sorted(rows(), key=lambda row: row.time)
    plan = MonitorPlan(FIVE.misaligned, baseline_steps=20, alpha=1e-3, streams=2)
    builder = StepBuilder(StepPolicy("time", every=HOUR), width=5)
    of_log = [*builder.add_all(given), *builder.end()]
    of_store = steps_of_counts(counted(given), range(START, START + 60), stream="s", first=START)
    assert [(s.model, s.step, s.label) for s in of_store] == [(s.model, s.step, s.label) for s in of_log]
    said = [MonitorSet(plan).observe_all(steps) for steps in (of_log, of_store)]
    assert [one.to_dict() for one in said[0]] == [one.to_dict() for one in said[1]]
    alarms = [(one.series.model, one.decision.verdict) for one in said[1] if one.decision.alarm]
    assert ("b", "drifting") in alarms
    assert not any(model == "a" and verdict == "drifting" for model, verdict in alarms)


def test_in_two_parts_with_the_models_known_they_are_the_same():
    counts = counted(rows())
    whole = steps_of_counts(counts, range(START, START + 60), stream="s", first=START)
    first = steps_of_counts(counts, range(START, START + 33), stream="s", first=START)
    known = list(dict.fromkeys(step.model for step in first))
    rest = steps_of_counts(counts, range(START + 33, START + 60), stream="s", first=START, known=known)
    assert [*first, *rest] == whole


def test_a_stride_numbers_recorded_steps_one_after_the_other():
    table = [{"stream": "s", "model": "m", "window": w, "cluster": "1", "counts": {"g1": 5}} for w in (100, 200, 300)]
    counts = Counts.from_rows(table, keys=FIVE.keys)
    steps = steps_of_counts(counts, range(100, 301, 100), stream="s", first=100, stride=100)
    assert [(step.step, step.label) for step in steps] == [(0, "step 100"), (1, "step 200"), (2, "step 300")]
