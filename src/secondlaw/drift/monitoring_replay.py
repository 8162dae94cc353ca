"""Recorded steps through the monitors, the fast way where there is one: the decisions are those of a live watch.

The betting monitor's replay takes whole series at once. It is used for series with one classifier and no empty step,
whose part of the budget was settled when they were first watched; all else goes through ``update``, step by step.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from secondlaw.drift.monitoring import MonitorSet, SeriesKey, StreamDecision, series_of
from secondlaw.drift.monitoring_mix import MixMemory
from secondlaw.drift.monitoring_plan import MonitorPlan
from secondlaw.drift.monitors import BettingMonitor, BettingSettings, Decision, replay_betting
from secondlaw.drift.monitors.steps import step_counts
from secondlaw.drift.monitors.verdicts import monitored
from secondlaw.drift.step_counts import StepCounts

__all__ = ["Series", "replay_steps", "split_series"]


@dataclass(slots=True)
class Series:
    """The steps of one series, with their places among all decisions."""

    key: SeriesKey
    steps: list[StepCounts] = field(default_factory=list)
    places: list[int] = field(default_factory=list)


def split_series(steps: Sequence[StepCounts], plan: MonitorPlan) -> list[Series]:
    """Return the series of recorded steps, in the order in which they begin; each sees the empty steps, too."""
    found: dict[SeriesKey, Series] = {}
    place = 0
    for step in steps:
        for key, part in series_of(step, plan.by, found):
            one = found.setdefault(key, Series(key))
            one.steps.append(part)
            one.places.append(place)
            place += 1
    return list(found.values())


def replay_steps(steps: Sequence[StepCounts], plan: MonitorPlan) -> list[StreamDecision]:
    """Return what the monitors say of recorded steps: the very list that ``MonitorSet(plan).observe_all`` returns.

    Parameters
    ----------
    steps : sequence of StepCounts
        In the order in which they were closed.
    plan : MonitorPlan

    Raises
    ------
    InvalidInput
        As :meth:`MonitorSet.observe`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> steps = [StepCounts.of_counts(row, step=i) for i, row in enumerate(rng.multinomial(50, [0.9, 0.1], size=60))]
    >>> plan = MonitorPlan((False, True), baseline_steps=30)
    >>> replay_steps(steps, plan) == MonitorSet(plan).observe_all(steps)
    True
    """
    if plan.detector != "betting" or plan.shares_discoveries:
        return MonitorSet(plan).observe_all(steps)
    series = split_series(steps, plan)
    shares = [_shares(series, i, plan) for i in range(len(series))]
    settings = [replace(plan.betting_settings(i), alpha=float(held[-1])) for i, held in enumerate(shares)]
    tables = [_table(one, of) for one, of in zip(series, settings, strict=True)]
    said: dict[int, list[Decision]] = {}
    for together in _alike(series, shares, tables, settings):
        replayed = replay_betting(np.stack([tables[i] for i in together]), settings[together[0]])
        for row, i in enumerate(together):
            if row not in replayed.updated:  # those went through update without the numbers of their steps
                found = replayed.decisions(row)
                first, held = series[i].steps[0].step, shares[i].tolist()
                said[i] = [_renumbered(d, first, at, settings[i]) for d, at in zip(found, held, strict=True)]
    out: dict[int, StreamDecision] = {}
    for i, one in enumerate(series):
        decisions = said.get(i) or _updated(one, shares[i], settings[i])
        mix = MixMemory()
        for step, place, decision, alpha in zip(one.steps, one.places, decisions, shares[i].tolist(), strict=True):
            n = len(step.scores) if plan.score is not None else decision.n
            mix.take(step, decision)
            seen = replace(decision, n=n)
            out[place] = StreamDecision(one.key, step.label, seen, plan.is_guaranteed, mix.change_at(decision), alpha)
    return [out[place] for place in sorted(out)]


def _shares(series: Sequence[Series], which: int, plan: MonitorPlan) -> NDArray[np.float64]:
    """Return the alpha that a series had at each of its steps."""
    firsts = np.array([one.places[0] for one in series])
    seen = np.searchsorted(firsts, series[which].places, side="right")
    alphas = {int(count): plan.alpha_of(which, seen=int(count)) for count in np.unique(seen)}
    return np.array([alphas[count] for count in seen.tolist()])


def _table(one: Series, settings: BettingSettings) -> NDArray[np.float64]:
    """Return what the monitor counts at each step (steps, K), or (steps, 2) for values within bounds."""
    if settings.bounds is None:
        return np.array([step.counts for step in one.steps], dtype=np.float64)
    return np.array([step_counts(np.array(step.scores, dtype=np.float64), settings) for step in one.steps])


def _alike(
    series: Sequence[Series],
    shares: Sequence[NDArray[np.float64]],
    tables: Sequence[NDArray[np.float64]],
    settings: Sequence[BettingSettings],
) -> list[list[int]]:
    """Return which series go through the replay together: as long, with the same settings."""
    groups: dict[tuple[int, float, float], list[int]] = {}
    for i, (one, held, table, of) in enumerate(zip(series, shares, tables, settings, strict=True)):
        first = one.steps[0].step
        unbroken = one.steps[-1].step - first + 1 == len(table) and bool((table.sum(axis=1) > 0).all())
        versions = {step.version for step in one.steps} - {None}
        alone = of.bounds is not None or len(versions) < 2
        settled = len(table) > of.baseline_steps and held[of.baseline_steps - 1] == held[-1]
        if unbroken and alone and settled:
            groups.setdefault((len(table), of.alpha, of.delta), []).append(i)
    return list(groups.values())


def _renumbered(decision: Decision, first: int, alpha: float, settings: BettingSettings) -> Decision:
    """Return a decision of a replay, which counts from 0, with the numbers of the steps and the alpha of its time."""
    d, step = decision, decision.step + first
    if alpha != settings.alpha:  # while the baseline is learnt
        return replace(d, step=step, log_threshold=-math.log(alpha))
    if d.since is None or first == 0:
        return replace(d, step=step)
    began = None if d.change_point is None else d.change_point + first
    return monitored(step, d.n or 0, d.log_evidence, d.log_threshold, d.since + first, d.score or "", began)


def _updated(one: Series, shares: NDArray[np.float64], settings: BettingSettings) -> list[Decision]:
    """Return what the monitor says when it takes the steps one after the other."""
    monitor = BettingMonitor(replace(settings, alpha=float(shares[0])))
    said = []
    for step, alpha in zip(one.steps, shares.tolist(), strict=True):
        if alpha != monitor.settings.alpha:
            monitor.share(alpha)
        values = step.counts if settings.bounds is None else np.array(step.scores, dtype=np.float64)
        said.append(monitor.update(values, step=step.step, version=step.version if settings.bounds is None else None))
    return said
