"""Recorded series with every alarm explained: when it began, what moved, and which steps are without drift."""

import numpy as np
from numpy.typing import NDArray

from secondlaw.drift.attribution_results import Attribution, PartChange
from secondlaw.drift.monitoring import StreamDecision
from secondlaw.drift.monitoring_explanation import attributed, began_in
from secondlaw.drift.monitoring_plan import MonitorPlan
from secondlaw.drift.monitoring_replay import Series, split_series
from secondlaw.drift.monitoring_results import Alarm, SeriesHistory
from secondlaw.drift.monitors.steps import step_counts
from secondlaw.drift.step_counts import StepCounts
from secondlaw.statistics.change_points import ChangePoint
from secondlaw.types import Insufficient

__all__ = ["histories"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_EXPLAINED = 6
"""Drift alarms of a series that are explained; those of the published rule, which fires on noise, never are."""
LATEST_STEPS = 2000
"""Steps before an alarm among which its change point is looked for."""


def histories(
    steps: list[StepCounts],
    said: list[StreamDecision],
    plan: MonitorPlan,
    *,
    categories: tuple[str, ...],
    rng: np.random.Generator,
    level: float,
    examples: int = 5,
) -> tuple[SeriesHistory, ...]:
    """Return every series with its alarms explained.

    Parameters
    ----------
    steps, said
        Recorded steps, and what :func:`~secondlaw.drift.monitoring_replay.replay_steps` says of them.
    plan : MonitorPlan
    categories : tuple of str (K,)
    rng : numpy.random.Generator
    level : float
    examples : int
        Ids of responses to read, for each category that rose.

    Returns
    -------
    tuple of SeriesHistory
    """
    found = []
    by_key: dict[object, list[StreamDecision]] = {}
    for one in said:
        by_key.setdefault(one.series, []).append(one)
    for series in split_series(steps, plan):
        own = _own(by_key[series.key], len(series.steps))
        counts = _counts(series, plan)
        alarms = _explained(series, own, counts, plan, categories, rng, level, examples)
        quiet = _quiet(series, own, counts, alarms)
        outside = np.array([step.outside for step in series.steps], dtype=np.int64)
        found.append(
            SeriesHistory(
                series.key, counts, outside, tuple(own), _dispersion(counts[quiet], plan), tuple(alarms), quiet
            )
        )
    return tuple(found)


def _own(said: list[StreamDecision], steps: int) -> list[StreamDecision]:
    """Return one decision a step: another series' step may have raised this one's alarm once more."""
    last: dict[int, StreamDecision] = {}
    for one in said:
        last[one.decision.step] = one
    found = list(last.values())
    assert len(found) == steps  # noqa: S101
    return found


def _counts(series: Series, plan: MonitorPlan) -> Floats:
    if plan.score is None:
        return np.array([step.counts for step in series.steps], dtype=np.float64)
    settings = plan.with_(detector="betting", watch="all", tolerance=()).betting_settings(0)
    return np.array([step_counts(np.array(step.scores, dtype=np.float64), settings) for step in series.steps])


def _explained(
    series: Series,
    said: list[StreamDecision],
    counts: Floats,
    plan: MonitorPlan,
    categories: tuple[str, ...],
    rng: np.random.Generator,
    level: float,
    examples: int,
) -> list[Alarm]:
    alarms: list[Alarm] = []
    numbers = np.array([step.step for step in series.steps])
    start, explained, usual_until = 0, 0, None
    for place, one in enumerate(said):
        decision = one.decision
        if decision.verdict == "changed" and decision.alarm:
            start, usual_until = place, None
        if not decision.alarm:
            continue
        if decision.verdict != "drifting" or explained >= MOST_EXPLAINED or plan.detector == "paper":
            alarms.append(Alarm(one))
            continue
        explained += 1
        first_watched = next((i for i in range(start, place + 1) if said[i].decision.verdict == "quiet"), place)
        # Values between the ends of their range vary less than responses at its ends: they count as more of those.
        weight = 1.0 if plan.score is None else _dispersion(counts[start:first_watched], plan)
        table = counts / max(weight, 1e-6)
        began = _began(numbers, table, start if usual_until is None else usual_until, place, first_watched, level)
        since = decision.change_point if isinstance(began, Insufficient) else int(began.began.value)
        split = place if since is None else int(np.searchsorted(numbers, since))
        split = min(max(split, start + 1), place)
        if usual_until is None:
            usual_until = split
        attribution: Attribution | Insufficient = Insufficient(
            "a score is watched: nothing is attributed to categories"
        )
        sets: tuple[PartChange, ...] = ()
        if plan.score is None:
            before, after = series.steps[start:usual_until], series.steps[split : place + 1]
            attribution, sets = attributed(
                before, after, categories=categories, rng=rng, level=level, examples=examples
            )
        alarms.append(Alarm(one, began, attribution, sets))
    return alarms


def _began(
    numbers: Ints, counts: Floats, start: int, place: int, first_watched: int, level: float
) -> ChangePoint | Insufficient:
    start = max(start, place + 1 - LATEST_STEPS)
    stretch, earliest = slice(start, place + 1), int(numbers[max(first_watched, start)])
    return began_in(counts[stretch], steps=numbers[stretch], earliest=earliest, level=level)


def _quiet(series: Series, said: list[StreamDecision], counts: Floats, alarms: list[Alarm]) -> Ints:
    """Return the places of steps without drift, of the last classifier before it: those that may be resampled."""
    numbers = [step.step for step in series.steps]
    end = len(numbers)
    for alarm in alarms:
        if alarm.said.decision.verdict == "drifting":
            known = alarm.change_point if isinstance(alarm.change_point, ChangePoint) else None
            stated = alarm.said.decision.change_point
            first = known.began.low if known is not None else stated
            end = numbers.index(alarm.said.decision.step) if first is None else int(np.searchsorted(numbers, first))
            break
    changes = [i for i in range(end) if said[i].decision.verdict == "changed" and said[i].decision.alarm]
    start = changes[-1] if changes else 0
    sizes = counts[start:end].sum(axis=1)
    if not (sizes > 0).any():
        return np.zeros(0, dtype=np.int64)
    need = np.ceil(np.median(sizes[sizes > 0]) / 2.0)
    return np.asarray(np.flatnonzero(sizes >= need) + start, dtype=np.int64)


def _dispersion(counts: Floats, plan: MonitorPlan) -> float:
    """Return Pearson's chi-square of the steps per degree of freedom; of categories at least 1."""
    held = counts[:, counts.sum(axis=0) > 0] if len(counts) else counts
    if len(held) < 2 or held.shape[1] < 2:
        return 1.0
    expected = held.sum(axis=1, keepdims=True) * held.sum(axis=0) / held.sum()
    freedom = (len(held) - 1) * (held.shape[1] - 1)
    found = float(np.sum((held - expected) ** 2 / np.maximum(expected, 1e-300))) / float(freedom)
    return found if plan.score is not None else max(1.0, found)
