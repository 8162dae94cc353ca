"""The pictures of a watched series show the very numbers that are alarmed on."""

import math
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from secondlaw.behavior.taxonomy import FIVE
from secondlaw.drift.injection import Injection
from secondlaw.drift.injection_results import Budget
from secondlaw.drift.injection_trials import TrialSettings, detection
from secondlaw.drift.monitoring_history import histories
from secondlaw.drift.monitoring_plan import MonitorPlan
from secondlaw.drift.monitoring_replay import replay_steps
from secondlaw.drift.monitoring_results import Backtest
from secondlaw.drift.step_counts import Cell, StepCounts
from secondlaw.errors import InvalidInput
from secondlaw.reports.backtest_page import render_backtest_page
from secondlaw.reports.backtest_words import headline, steps_words
from secondlaw.reports.delay_charts import delay_chart
from secondlaw.reports.monitor_charts import MOST_POINTS, series_chart
from secondlaw.types import Estimate, Insufficient

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def watched(*, steps=120, drift_at=80, gap=(), **changes):
    rng = np.random.default_rng(0)
    plan = MonitorPlan(FIVE.misaligned, **{"baseline_steps": 40} | changes)
    recorded = []
    for t in range(steps):
        shares = [0.9, 0.03, 0.04, 0.01, 0.02] if t < drift_at else [0.7, 0.2, 0.06, 0.02, 0.02]
        counts = rng.multinomial(0 if t in gap else 40, shares)
        cells = {Cell("", "benign", "p"): (*counts.tolist(), 0)}
        recorded.append(StepCounts("s", "<m>", t, 5, cells if counts.sum() else {}, f"step {t}"))
    said = replay_steps(recorded, plan)
    keys = FIVE.keys
    return plan, histories(recorded, said, plan, categories=keys, rng=np.random.default_rng(1), level=0.95)


def inlined(chart):
    """Put every layer's rows where the layer is."""
    for panel in chart.get("vconcat", [chart]):
        for layer in panel["layer"]:
            layer["data"] = {"values": chart["datasets"][layer["data"]["name"]]}
    return chart


def drawn(series, *, log_scale=True):
    return inlined(series_chart(series, keys=FIVE.keys, misaligned=FIVE.misaligned, log_scale=log_scale))


def layers(panel, kind):
    return [one for one in panel["layer"] if one["mark"]["type"] == kind]


def test_the_evidence_is_that_of_the_decisions_and_the_threshold_that_of_the_budget():
    _, (series,) = watched()
    evidence, entropy, shares = drawn(series)["vconcat"]
    (line,) = layers(evidence, "line")
    points = {row["x"]: row["y"] for row in line["data"]["values"]}
    told = {one.decision.step: one.decision.log_evidence for one in series.decisions}
    known = {step: value for step, value in told.items() if math.isfinite(value)}
    assert points.keys() == known.keys()
    for step, value in known.items():
        assert points[step] == pytest.approx(math.exp(min(max(value, math.log(1e-3)), math.log(1e12))))
    (threshold,) = [one for one in layers(evidence, "rule") if "y" in one["data"]["values"][0]]
    assert threshold["data"]["values"][0]["y"] == pytest.approx(1e4)
    assert line["encoding"]["y"]["scale"]["type"] == "log"
    (alarm,) = series.alarms
    for panel in (evidence, entropy, shares):
        marked = [row["x"] for one in layers(panel, "rule") for row in one["data"]["values"] if set(row) == {"x"}]
        assert marked == [alarm.said.decision.step]
        domains = {tuple(one["encoding"]["x"]["scale"]["domain"]) for one in panel["layer"]
                   if "scale" in one["encoding"].get("x", {})}  # fmt: skip
        assert domains == {(-0.5, 119.5)}


def test_s_of_a_step_is_drawn_with_its_band():
    _, (series,) = watched()
    (line,) = layers(drawn(series)["vconcat"][1], "line")
    rows = line["data"]["values"]
    p = series.counts[0] / series.counts[0].sum()
    assert rows[0]["y"] == pytest.approx(-(p[p > 0] * np.log(p[p > 0])).sum())
    assert all(row["low"] <= row["y"] <= row["high"] for row in rows)


def test_a_long_series_is_thinned_and_keeps_its_peaks():
    _, (series,) = watched(steps=5000, drift_at=9999)
    evidence, entropy, _ = drawn(series)["vconcat"]
    rows = layers(evidence, "line")[0]["data"]["values"]
    assert len(rows) <= MOST_POINTS + 2
    highest = max(one.decision.log_evidence for one in series.decisions)
    assert max(row["y"] for row in rows) == pytest.approx(math.exp(highest))
    assert len(layers(entropy, "line")[0]["data"]["values"]) <= 150


def test_empty_steps_and_unguaranteed_statistics_are_drawn():
    _, (series,) = watched(gap=(50, 51), detector="cusum")
    evidence = drawn(series, log_scale=False)["vconcat"][0]
    assert layers(evidence, "line")[0]["encoding"]["y"]["axis"]["title"] == "statistic of the detector"
    said = [row["text"] for one in layers(evidence, "text") for row in one["data"]["values"]]
    assert {"no data", "baseline", "alarm"} <= set(said)


def test_delays_beyond_the_horizon_have_no_dot():
    pool = np.random.default_rng(0).multinomial(40, [0.9, 0.03, 0.04, 0.01, 0.02], size=80)
    plan = MonitorPlan(FIVE.misaligned, baseline_steps=40)
    trials = TrialSettings(runs=30, before=0, horizon=40)
    sizes = [
        detection(pool, plan, Injection(share, "g1", "g2"), trials, categories=FIVE.keys, rng=np.random.default_rng(1))
        for share in (0.01, 0.3)
    ]
    chart = inlined(delay_chart(sizes))
    (dots,) = [one for one in chart["layer"] if one["mark"]["type"] == "point"]
    assert [row["x"] for row in dots["data"]["values"]] == pytest.approx([30.0])


def page_of(plan, series, **changes):
    lacking = Insufficient("not tried")
    budget = Budget(plan.alpha, plan.promise_words, (), lacking, None)
    found = Backtest("<script>", FIVE, plan, "steps", {"read": 1, "counted": 1}, series, (budget,), None, (), 0, 0.95)
    return replace(found, **changes)


def test_foreign_text_on_the_page_is_escaped_and_a_time_needs_a_zone():
    found = page_of(*watched())
    page = render_backtest_page(found, created=NOW, version="1")
    assert "<m>" not in page
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    with pytest.raises(InvalidInput, match="needs a zone"):
        render_backtest_page(found, created=NOW.replace(tzinfo=None), version="1")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"drift_at": 999}, "No alarm in 80 watched steps of 1 series"),
        ({"drift_at": 999, "gap": (60,)}, "Data are missing from step 60 on"),
        ({}, "Drift alarm at step"),
    ],
)
def test_the_headline_says_what_would_have_happened(changes, words):
    assert headline(page_of(*watched(**changes))).startswith(words)


def test_steps_in_words():
    assert steps_words(Estimate(14.5, 13, 16, 0.95, 200, "steps", "median")) == "14.5 [13, 16]"
    assert steps_words(Insufficient("fewer than half of the runs alarmed within 9 steps")) == "beyond the horizon"
