"""Many resampled runs through the monitors: false alarms without drift, detection and delay with it."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from secondlaw.drift.injection import Injection, block_length, inject, resample_steps
from secondlaw.drift.injection_results import Detection, FalseAlarms
from secondlaw.drift.monitoring_plan import MonitorPlan
from secondlaw.drift.monitors import replay_betting
from secondlaw.errors import NotEnoughData
from secondlaw.statistics.intervals import LEVEL
from secondlaw.statistics.shares import exact_interval
from secondlaw.types import SHARE, Estimate, Insufficient, Measured

__all__ = ["FEWEST_STEPS", "TrialSettings", "detection", "false_alarms", "first_alarms"]

Floats = NDArray[np.float64]

FEWEST_STEPS = 20
"""Steps of history below which resampling them says little: as many as the shortest baseline."""


@dataclass(frozen=True, slots=True)
class TrialSettings:
    """How runs are drawn.

    Parameters
    ----------
    runs : int
        Repetitions.
    before, horizon : int
        Steps watched before the drift begins (the drift begins at random among them where `begin` is None), and from
        then on.
    begin : int or None
        After how many watched steps the drift begins.
    block : int or None
        Steps drawn together; see :func:`~secondlaw.drift.injection.block_length`.
    level : float
        Of the intervals.
    """

    runs: int = 200
    before: int = 50
    horizon: int = 200
    begin: int | None = None
    block: int | None = None
    level: float = LEVEL


def false_alarms(
    pool: NDArray[np.generic], plan: MonitorPlan, trials: TrialSettings, *, rng: np.random.Generator
) -> FalseAlarms:
    """Measure alarms in stationary runs drawn from a history without drift.

    Parameters
    ----------
    pool : array (T, K)
        Counts of its steps (of a score within bounds: (T, 2)), none of them empty.
    plan : MonitorPlan
        For one series: its whole budget is used.
    trials : TrialSettings
    rng : numpy.random.Generator

    Raises
    ------
    NotEnoughData
        If the history is too short.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> pool = rng.multinomial(50, [0.9, 0.1], size=60)
    >>> found = false_alarms(pool, MonitorPlan((False, True), baseline_steps=40), TrialSettings(runs=50), rng=rng)
    >>> found.alarmed.value, found.is_kept
    (0.0, True)
    """
    runs = _drawn(pool, plan, trials, rng)
    watched = runs.shape[1] - plan.baseline_steps
    first = first_alarms(runs, plan)
    alarms = int((first >= 0).sum())
    exposure = int(np.where(first >= 0, first - plan.baseline_steps + 1, watched).sum())
    low, high = exact_interval(alarms, len(first), level=trials.level)
    words = f"{trials.runs} runs drawn in blocks of {_block(pool, trials)} steps, exact binomial interval"
    alarmed = Estimate(alarms / len(first), float(low), float(high), trials.level, len(first), SHARE, words, "runs")
    ends = _poisson_interval(alarms, trials.level)
    rate = Estimate(
        alarms / exposure, ends[0] / exposure, ends[1] / exposure, trials.level, exposure, "alarms/step",
        "first alarms a watched step, exact Poisson interval", "steps",
    )  # fmt: skip
    by_step = plan.detector == "betting" and plan.promise == "e-SR" and not plan.delta
    promised_rate = plan.alpha_of(0) if by_step else None
    return FalseAlarms(len(first), watched, alarmed, rate, _promised(plan, watched), promised_rate)


def detection(
    pool: NDArray[np.generic],
    plan: MonitorPlan,
    injection: Injection,
    trials: TrialSettings,
    *,
    categories: tuple[str, ...],
    rng: np.random.Generator,
) -> Detection:
    """Measure how a drift is found in runs drawn from a history without drift.

    Parameters
    ----------
    pool, plan, trials, rng
        See :func:`false_alarms`.
    injection : Injection
    categories : tuple of str (K,)

    Raises
    ------
    InvalidInput
        If the source category holds less than is to be moved.
    NotEnoughData
        If the history is too short.
    """
    runs = _drawn(pool, plan, trials, rng)
    if trials.begin is None:
        begin = plan.baseline_steps + rng.integers(trials.before + 1, size=len(runs))
    else:
        begin = np.full(len(runs), plan.baseline_steps + trials.begin)
    bounds = None if plan.score is None else (plan.score.low, plan.score.high)
    usual = None
    if injection.source is not None:
        usual = float(pool[:, list(categories).index(injection.source)].sum() / pool.sum())
    moved = inject(runs, injection, begin=begin, categories=categories, bounds=bounds, usual=usual, rng=rng)
    first = first_alarms(moved, plan)
    counted = (first < 0) | (first >= begin)
    delay = np.where(first >= 0, (first - begin + 1).astype(np.float64), math.inf)[counted]
    delay[delay > trials.horizon] = math.inf
    return _detection(injection, np.sort(delay), trials)


def first_alarms(runs: Floats, plan: MonitorPlan) -> NDArray[np.int64]:
    """Return the step of each run's first drift alarm, -1 for none."""
    if plan.detector == "betting":
        settings = plan.betting_settings(0)
        if plan.shares_discoveries:  # one of several series drifts: it alone must reach 1 / (alpha times its part)
            settings = replace(settings, alpha=plan.alpha_of(0))
        return replay_betting(runs, settings).first_alarm
    first = np.full(len(runs), -1, dtype=np.int64)
    for i, run in enumerate(runs):
        monitor = plan.new_monitor(0)
        for step, row in enumerate(run):
            if monitor.update(_watched(row, plan), step=step).alarm:
                first[i] = step
                break
    return first


def _watched(row: Floats, plan: MonitorPlan) -> Floats | float:
    if plan.score is not None:
        return plan.score.low + float(row[0] / row.sum()) * (plan.score.high - plan.score.low)
    if plan.watches_value:
        return float(row[np.array(plan.misaligned)].sum() / row.sum())
    return row


def _drawn(pool: NDArray[np.generic], plan: MonitorPlan, trials: TrialSettings, rng: np.random.Generator) -> Floats:
    if len(pool) < FEWEST_STEPS:
        raise NotEnoughData(f"resampling needs {FEWEST_STEPS} steps without an alarm, got {len(pool)}: add history")
    before = trials.before if trials.begin is None else trials.begin
    steps = plan.baseline_steps + before + trials.horizon
    return resample_steps(pool, runs=trials.runs, steps=steps, block=_block(pool, trials), rng=rng)


def _block(pool: NDArray[np.generic], trials: TrialSettings) -> int:
    return trials.block if trials.block is not None else block_length(len(pool))


def _promised(plan: MonitorPlan, steps: int) -> float | None:
    """Return the most runs with a false alarm that the promise allows, as a share."""
    if plan.detector == "universal" or (plan.detector == "betting" and plan.promise == "e-process"):
        return min(1.0, plan.alpha + plan.delta)
    return min(1.0, plan.alpha_of(0) * steps + plan.delta) if plan.detector == "betting" else None


def _poisson_interval(events: int, level: float) -> tuple[float, float]:
    """Return Garwood's exact interval of a Poisson mean (Biometrika 28, 437 (1936))."""
    from scipy.special import gammaincinv

    tail = (1.0 - level) / 2.0
    low = float(gammaincinv(events, tail)) if events else 0.0
    return low, float(gammaincinv(events + 1, 1.0 - tail))


def _detection(injection: Injection, delay: Floats, trials: TrialSettings) -> Detection:
    n = len(delay)
    if not n:
        lacking = Insufficient("every run alarmed before the drift began")
        return Detection(injection, 0, trials.horizon, lacking, lacking, ())
    found = int(np.isfinite(delay).sum())
    low, high = exact_interval(found, n, level=trials.level)
    words = f"alarms within {trials.horizon} steps of the begin, exact binomial interval"
    detected = Estimate(found / n, float(low), float(high), trials.level, n, SHARE, words, "runs")
    quantiles = tuple((q, _at(delay, math.ceil(q * n) - 1)) for q in (0.1, 0.25, 0.5, 0.75, 0.9))
    return Detection(injection, n, trials.horizon, detected, _median(delay, trials), quantiles)


def _at(delay: Floats, place: int) -> int | None:
    value = delay[place]
    return int(value) if math.isfinite(value) else None


def _median(delay: Floats, trials: TrialSettings) -> Measured:
    """Return the median with its interval from order statistics, where both lie within the horizon."""
    from scipy.special import bdtrik

    n = len(delay)
    middle = float(delay[(n - 1) // 2] + delay[n // 2]) / 2.0
    if not math.isfinite(middle):
        return Insufficient(f"fewer than half of the runs alarmed within {trials.horizon} steps")
    place = max(0, math.floor(float(bdtrik((1.0 - trials.level) / 2.0, n, 0.5))))
    low, high = float(delay[place]), float(delay[n - 1 - place])
    words = "median over runs, interval from order statistics; infinite where it passes the horizon"
    return Estimate(middle, low, high, trials.level, n, "steps", words, "runs")
