"""One budget for a whole service: the promise holds for all streams together, those included that come up later."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from secondlaw.behavior import FIVE
from secondlaw.drift.monitoring import MonitorSet
from secondlaw.drift.monitors import replay_betting
from secondlaw.drift.step_counts import StepCounts
from secondlaw.errors import InvalidInput
from secondlaw.service.evaluation_budget import of_one_run, series_of_service, shared_plan
from secondlaw.service.evaluation_settings import EvaluationSettings
from secondlaw.storage import StoreSettings, StreamSettings, open_store

USUAL = (0.90, 0.03, 0.04, 0.01, 0.02)
STREAMS, STEPS, EVERY = 20, 300, 10  # a stream comes up every ten windows
ALPHA = 0.05


def alarms_of_a_service(settings, rng):
    """Return the false alarms of a service in which streams come up one after the other."""
    sets, alarms = [], 0
    alone = settings.plan(FIVE).with_(restarts=True)
    for step in range(STEPS):
        if step % EVERY == 0 and len(sets) < STREAMS:
            sets.append((MonitorSet(shared_plan(alone, settings, number=len(sets) + 1, series=len(sets) + 1)), step))
        for number, (monitors, begin) in enumerate(sets, start=1):
            monitors.plan = shared_plan(alone, settings, number=number, series=len(sets))
            counts = StepCounts.of_counts(rng.multinomial(40, USUAL), step=step - begin)
            alarms += sum(said.decision.alarm for said in monitors.observe(counts))
    return alarms


@pytest.mark.calibration
@pytest.mark.parametrize(("budget", "holds"), [("service", True), ("stream", False)])
def test_all_streams_together_raise_alpha_false_alarms_a_window_at_most(budget, holds):
    settings = EvaluationSettings(alpha=ALPHA, baseline_steps=30, budget=budget)
    rng = np.random.default_rng(1)
    found = [alarms_of_a_service(settings, rng) for _ in range(5)]
    mean, error = np.mean(found), np.std(found, ddof=1) / np.sqrt(len(found))
    assert (mean + 3.0 * error <= ALPHA * STEPS) == holds
    assert (mean - 3.0 * error > ALPHA * STEPS) != holds  # each stream's own promise adds up to more


def runs_with_a_false_alarm(settings, runs, rng):
    any_alarm = np.zeros(runs, dtype=bool)
    for number in range(1, 13):
        plan = shared_plan(settings.plan(FIVE), settings, number=number, series=number)
        betting = replace(plan.betting_settings(0), alpha=plan.alpha_of(0))  # as its only series stands
        any_alarm |= replay_betting(rng.multinomial(40, USUAL, size=(runs, 180)), betting).first_alarm >= 0
    return int(any_alarm.sum())


@pytest.mark.calibration
def test_any_stream_ever_raises_a_false_alarm_with_probability_alpha_at_most():
    alpha, runs = 0.2, 200
    shared = EvaluationSettings(alpha=alpha, promise="e-process", baseline_steps=40, budget="service", streams=4)
    found = [
        runs_with_a_false_alarm(replace(shared, budget=budget), runs, np.random.default_rng(2))
        for budget in ("service", "stream")
    ]
    assert found[0] <= binom.ppf(0.999, runs, alpha)
    assert found[0] < found[1]


@pytest.mark.law
@pytest.mark.parametrize("promise", ["e-SR", "e-process"])
@pytest.mark.parametrize("expected", [1, 4, 50])
def test_parts_never_sum_to_more_than_the_budget(promise, expected):
    settings = EvaluationSettings(alpha=0.01, delta=0.01, promise=promise, budget="service", streams=expected)
    alone = settings.plan(FIVE)
    for series in (1, 3, 10, 300):
        plans = [shared_plan(alone, settings, number=k + 1, series=series) for k in range(series)]
        alphas = [plan.alpha if promise == "e-process" else plan.alpha_of(0) for plan in plans]
        assert sum(alphas) <= 0.01 * (1 + 1e-12)
        assert sum(plan.delta for plan in plans) <= 0.01 * (1 + 1e-12)
        assert of_one_run(plans[0], settings) == of_one_run(shared_plan(alone, settings, number=1, series=9), settings)


@pytest.mark.unit
def test_every_series_counts_and_a_stream_without_any_is_one(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/s.db", settings=StoreSettings()) as store:
        for name in ("a", "b", "c"):
            store.streams.create(name, StreamSettings())
        assert [one.number for one in store.streams.list()] == [1, 2, 3]
        for name in ("drift", "drift:m", "drift:n"):
            store.monitors.put("a", name, settings={}, who="t")
        assert series_of_service(store) == 4
        store.streams.delete("b", who="t")
        store.streams.create("b", StreamSettings())
        assert {one.name: one.number for one in store.streams.list()} == {"a": 1, "c": 3, "b": 4}


@pytest.mark.unit
@pytest.mark.parametrize("wrong", [{"budget": "house"}, {"streams": 0}, {"streams": 1.5}])
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(InvalidInput):
        EvaluationSettings(**wrong)
