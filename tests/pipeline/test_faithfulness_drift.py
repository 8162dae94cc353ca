"""Semantic faithfulness as a score in a stream: its drift is found, and without drift the promise of the monitor holds.

Answers of 8 sentences and questions of 3 have topics drawn from laws over 6; with drift the answers' law moves towards
topics that the question hardly has. Scores become bands, or stay numbers, by the code that writes streams.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from secondlaw.drift.monitors.betting import BettingMonitor
from secondlaw.drift.monitors.replay import replay_betting
from secondlaw.drift.monitors.settings import BettingSettings
from secondlaw.drift.monitors.steps import step_counts
from secondlaw.faithfulness import TopicModel, semantic_faithfulness
from secondlaw.pipeline.faithfulness_streams import band_of

pytestmark = pytest.mark.calibration

ASKED = np.array([0.4, 0.25, 0.15, 0.1, 0.07, 0.03])
ELSEWHERE = ASKED[::-1]
RUNS, BASELINE, WATCHED, ANSWERS = 200, 100, 100, 12
ALPHA = 5e-4


def faithful(drift, *, runs, answers, rng):
    """Return SF (run, step, answer) where step t's answers have the law moved by drift[t]."""
    laws = (1.0 - drift)[:, None] * ASKED + drift[:, None] * ELSEWHERE
    said = np.stack([rng.multinomial(8, law, size=(runs, answers)) for law in laws], axis=1)
    return semantic_faithfulness(said, rng.multinomial(3, ASKED, size=said.shape[:-1]))


def edges_of_the_first_day():
    rng = np.random.default_rng(0)
    values = faithful(np.zeros(1), runs=1, answers=500, rng=rng).ravel()
    blank = TopicModel(np.ones(2), np.eye(2), np.ones(2), 0.1, 0.5, 1.0, ("a", "b"))
    return blank.with_edges(values.tolist()).edges


def banded(values):
    edges = edges_of_the_first_day()
    label = np.vectorize(lambda value: band_of(value, edges))(values)
    counts = (label[..., None] == np.arange(len(edges) + 1)).sum(axis=2)
    settings = BettingSettings.standard([True, True] + [False] * (len(edges) - 1))
    return counts.astype(float), replace(settings, alpha=ALPHA, baseline_steps=BASELINE)


def numbers(values):
    settings = replace(BettingSettings.of_values("SF", low=0.0, high=1.0), alpha=ALPHA, baseline_steps=BASELINE)
    return np.array([[step_counts(step, settings) for step in run] for run in values]), settings


@pytest.mark.parametrize("kind", [banded, numbers])
def test_without_drift_the_promise_holds(kind):
    rng = np.random.default_rng([1, kind is banded])
    values = faithful(np.zeros(BASELINE + WATCHED), runs=RUNS, answers=ANSWERS, rng=rng)
    alarms = (replay_betting(*kind(values)).first_alarm >= 0).sum()
    assert alarms <= binom.ppf(0.9999, RUNS, ALPHA * WATCHED)


@pytest.mark.parametrize("kind", [banded, numbers])
def test_answers_that_leave_the_questions_topics_are_found(kind):
    drift = np.where(np.arange(BASELINE + WATCHED) < BASELINE + 30, 0.0, 0.6)
    rng = np.random.default_rng([2, kind is banded])
    values = faithful(drift, runs=RUNS, answers=ANSWERS, rng=rng)
    assert values[:, -1].mean() < values[:, 0].mean() - 0.02
    first = replay_betting(*kind(values)).first_alarm
    found = (first >= BASELINE + 30) & (first < BASELINE + 60)
    assert found.sum() >= binom.ppf(1e-4, RUNS, 0.9)
    assert ((first >= 0) & (first < BASELINE + 30)).sum() <= binom.ppf(0.9999, RUNS, ALPHA * 30)


def test_the_replay_is_what_the_monitor_says_step_by_step():
    drift = np.where(np.arange(BASELINE + 60) < BASELINE + 20, 0.0, 0.8)
    values = faithful(drift, runs=3, answers=ANSWERS, rng=np.random.default_rng(3))
    counts, settings = banded(values)
    first = replay_betting(counts, settings).first_alarm
    for run, stated in zip(counts, first.tolist(), strict=True):
        monitor = BettingMonitor(settings)
        alarms = [decision.step for decision in map(monitor.update, run) if decision.alarm]
        assert alarms[:1] == ([stated] if stated >= 0 else [])
