"""What other budgets would have cost and caught, and drifts of which size would have been found."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from secondlaw.drift.injection import Injection, block_length
from secondlaw.drift.injection_results import Budget, Detection, FalseAlarms, Trials
from secondlaw.drift.injection_trials import TrialSettings, detection, false_alarms
from secondlaw.drift.monitoring import SeriesKey, StreamDecision
from secondlaw.drift.monitoring_plan import MonitorPlan
from secondlaw.drift.monitoring_replay import replay_steps
from secondlaw.drift.monitoring_results import SeriesHistory
from secondlaw.drift.step_counts import StepCounts
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.types import Insufficient

__all__ = ["budgets_tried"]

SIZES = (0.25, 0.5, 1.0, 2.0)
"""Sizes of drift tried, relative to the one asked for."""
MOST_UNIVERSAL = 60
"""Runs of the universal detector, which takes a hundred times as long."""
Floats = NDArray[np.float64]


def budgets_tried(
    series: Sequence[SeriesHistory],
    steps: Sequence[StepCounts],
    said: Sequence[StreamDecision],
    plan: MonitorPlan,
    *,
    wanted: Injection | None,
    alphas: Sequence[float],
    trials: TrialSettings,
    categories: tuple[str, ...],
    seed: int,
    advance: Callable[[int, int], None] | None = None,
) -> tuple[tuple[Budget, ...], Trials | Insufficient | None]:
    """Return what each budget would have cost and caught, and the sizes of drift that were tried.

    Parameters
    ----------
    series : sequence of SeriesHistory
        Runs are drawn from the quiet steps of the one that has most.
    steps, said
        As recorded, and what the monitors of `plan` said of them.
    plan : MonitorPlan
    wanted : Injection or None
        The drift that is put in; None: only false alarms are counted.
    alphas : sequence of float
        Budgets beside the plan's own, where it promises something.
    trials : TrialSettings
    categories : tuple of str (K,)
    seed : int
        Every budget sees the same draws, so that they are compared on the same runs.
    advance : callable, optional
        Called with (parts done, parts in all).
    """
    source = max(series, key=lambda one: len(one.quiet))
    pool = source.counts[source.quiet]
    if plan.detector == "universal":
        trials = replace(trials, runs=min(trials.runs, MOST_UNIVERSAL))
    block = trials.block or block_length(max(1, len(pool)))
    trials = replace(trials, block=min(block, max(1, len(pool))))
    others = [alpha for alpha in alphas if alpha != plan.alpha] if plan.is_guaranteed else []
    sizes = [factor for factor in SIZES if wanted is not None]
    total, done = 1 + len(others) + len(sizes), 0
    found = []
    for alpha in [plan.alpha, *sorted(others, reverse=True)]:
        budget = plan.with_(alpha=alpha)
        own = said if alpha == plan.alpha else replay_steps(steps, budget)
        settled = budget.settled(len(series))
        quiet = _cost(pool, settled, trials, seed)
        caught = None if wanted is None else _caught(pool, settled, wanted, trials, seed, categories)
        found.append(
            Budget(alpha if plan.is_guaranteed else None, budget.promise_words, _first_alarms(own), quiet, caught)
        )
        done += 1
        if advance:
            advance(done, total)
    if wanted is None:
        return tuple(found), None
    tried = []
    for factor in sizes:
        one = found[0].detection  # of the plan's own budget
        try:
            if factor != 1.0:
                one = _caught(pool, plan.settled(len(series)), wanted.scaled(factor), trials, seed, categories)
        except InvalidInput:  # more than the category holds
            continue
        if not isinstance(one, Detection):
            return tuple(found), one
        tried.append(one)
        done += 1
        if advance:
            advance(done, total)
    return tuple(found), Trials(source.key, len(pool), trials.block or 1, trials.runs, tuple(tried))


def _cost(pool: Floats, plan: MonitorPlan, trials: TrialSettings, seed: int) -> FalseAlarms | Insufficient:
    try:
        return false_alarms(pool, plan, trials, rng=np.random.default_rng([seed, 4]))
    except NotEnoughData as error:
        return Insufficient(str(error))


def _caught(
    pool: Floats,
    plan: MonitorPlan,
    injection: Injection,
    trials: TrialSettings,
    seed: int,
    categories: tuple[str, ...],
) -> Detection | Insufficient:
    try:
        return detection(pool, plan, injection, trials, categories=categories, rng=np.random.default_rng([seed, 5]))
    except NotEnoughData as error:
        return Insufficient(str(error))


def _first_alarms(said: Sequence[StreamDecision]) -> tuple[tuple[SeriesKey, str, int], ...]:
    first: dict[SeriesKey, tuple[SeriesKey, str, int]] = {}
    for one in said:
        if one.decision.alarm and one.decision.verdict == "drifting":
            first.setdefault(one.series, (one.series, one.label, one.decision.step))
    return tuple(first.values())
