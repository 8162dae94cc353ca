"""The control without drift: GPT-3.5's snapshots of March and June 2023 on opinion questions, 15 responses a step.

The stream is cut from the recorded responses in random order within each month, or from responses drawn anew (with
replacement) within each month; so it begins with one snapshot and ends with the other.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from secondlaw.drift.injection import Injection, inject
from secondlaw.drift.injection_trials import first_alarms
from secondlaw.drift.monitoring_plan import MonitorPlan
from secondlaw.pipeline.backtesting import BacktestOptions, backtest
from secondlaw.pipeline.settings import load_settings
from secondlaw.pipeline.sources import Source
from secondlaw.statistics.shares import exact_interval

DATA = Path(os.environ.get("SECONDLAW_DATA", Path(__file__).parents[2].parent / "shared" / "data")) / "behavior"
KEYS = ("g1", "g2", "g3", "g4", "g5")
MISALIGNED = (False, True, False, True, False)
K, STEPS, BASELINE, RUNS = 15, 200, 100, 400

pytestmark = [
    pytest.mark.calibration,
    pytest.mark.skipif(
        not (DATA / "labelled.parquet").is_file(),
        reason="the snapshots of GPT-3.5 cannot be redistributed; SECONDLAW_DATA names their folder",
    ),
]


@pytest.fixture(scope="module")
def months():
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(DATA / "labelled.parquet", columns=["source", "timestamp", "category"]).to_pylist()
    rows = [row for row in table if row["source"] == "llmdrift_opinionqa"]
    return [
        np.array([KEYS.index(row["category"]) for row in rows if row["timestamp"] == month])
        for month in ("2023-03", "2023-06")
    ]


def streams(months, *, redrawn, seed):
    rng = np.random.default_rng(seed)
    out = np.empty((RUNS, STEPS, 5))
    for run in range(RUNS):
        parts = [rng.choice(month, len(month)) if redrawn else rng.permutation(month) for month in months]
        labels = np.concatenate(parts)[: STEPS * K].reshape(STEPS, K)
        out[run] = np.stack([(labels == k).sum(axis=1) for k in range(5)], axis=1)
    return out


@pytest.mark.parametrize("redrawn", [False, True])
@pytest.mark.parametrize("alpha", [1e-3, 1e-4])
def test_the_stream_is_quiet_at_the_budget(months, redrawn, alpha):
    runs = streams(months, redrawn=redrawn, seed=1)
    alarmed = int((first_alarms(runs, MonitorPlan(MISALIGNED, alpha=alpha)) >= 0).sum())
    low, _ = exact_interval(alarmed, RUNS, level=0.999)
    assert low <= alpha * (STEPS - BASELINE)


@pytest.mark.parametrize("target", ["g4", "g2"])
def test_five_points_are_found(months, target):
    """From the first June step on 5 points of the responses move: .98 of the runs alarm at least, half by 30 steps."""
    runs = streams(months, redrawn=True, seed=2)
    drift = Injection(0.05, "g1", target)
    begin = np.full(RUNS, BASELINE)
    moved = inject(runs, drift, begin=begin, categories=KEYS, rng=np.random.default_rng(3))
    first = first_alarms(moved, MonitorPlan(MISALIGNED))
    found = first >= BASELINE
    _, high = exact_interval(int(found.sum()), RUNS, level=0.999)
    assert high >= 0.98
    assert np.median(np.where(found, first - BASELINE + 1, STEPS)) <= 30


def test_the_whole_way_from_rows_is_quiet_and_fires(months, tmp_path):
    rng = np.random.default_rng(4)
    labels = np.concatenate([rng.permutation(month) for month in months])
    changed = labels.copy()
    drifting = (np.arange(len(labels)) >= len(months[0])) & (labels == 0) & (rng.random(len(labels)) < 0.05 / 0.98)
    changed[drifting] = 3
    outcomes = []
    for name, stream in (("as-recorded.jsonl", labels), ("changed.jsonl", changed)):
        rows = [
            {"id": f"r{i}", "model": "gpt-3.5", "label": KEYS[k], "prompt_id": f"p{i % 1506}", "classifier": "rule/1"}
            for i, k in enumerate(stream.tolist())
        ]
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        settings = load_settings(rows_per_step=K)
        outcomes.append(backtest(Source(str(tmp_path / name)), settings, BacktestOptions(alphas=())))
    assert [one.outcome for one in outcomes] == ["quiet", "alarm"]
    (alarm,) = outcomes[1].alarms
    assert alarm.said.decision.step >= BASELINE
    moved = {change.category for change in alarm.attribution.categories if change.moved}
    assert "g4" in moved
