"""What stands behind a drift alarm: when it began, with an interval, and what moved between before and after."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from secondlaw.drift.attribution import attribute_change, part_changes
from secondlaw.drift.attribution_results import Attribution, PartChange
from secondlaw.drift.attribution_sides import Side
from secondlaw.drift.gates import signed
from secondlaw.drift.step_counts import StepCounts, Strata
from secondlaw.errors import NotEnoughData
from secondlaw.statistics.change_points import ChangePoint, change_point
from secondlaw.types import Estimate, Insufficient

__all__ = ["attributed", "began_in", "explained", "moved_words"]

NAMED = 3
"""Categories and groups that the words name."""


def explained(
    steps: Sequence[StepCounts],
    *,
    watched_from: int,
    change_point_hint: int | None = None,
    categories: tuple[str, ...],
    rng: np.random.Generator,
    level: float,
    examples: int = 0,
) -> tuple[ChangePoint | Insufficient, Attribution | Insufficient, tuple[PartChange, ...]]:
    """Explain the alarm at the last of some steps.

    Parameters
    ----------
    steps : sequence of StepCounts
        Of one series and one classifier, from the baseline to the alarm.
    watched_from : int
        Number of the first step after the baseline: nothing is said to have begun before.
    change_point_hint : int, optional
        Where the monitor thinks that it began; used where the counts do not tell.
    categories : tuple of str (K,)
    rng : numpy.random.Generator
    level : float
    examples : int
        Ids of responses to read, for each category that rose.

    Returns
    -------
    ChangePoint or Insufficient, Attribution or Insufficient, tuple of PartChange
        When it began; what moved, parts being intents; the same by prompt set.
    """
    numbers = np.array([step.step for step in steps])
    counts = np.array([step.counts for step in steps], dtype=np.float64)
    began = began_in(counts, steps=numbers, earliest=max(watched_from, int(numbers[0])), level=level)
    since = change_point_hint if isinstance(began, Insufficient) else round(began.began.value)
    split = len(steps) - 1 if since is None else int(np.searchsorted(numbers, since))
    split = min(max(split, 1), len(steps) - 1)
    attribution, sets = attributed(
        steps[:split], steps[split:], categories=categories, rng=rng, level=level, examples=examples
    )
    return began, attribution, sets


def began_in(
    counts: NDArray[np.float64], *, steps: NDArray[np.int64], earliest: int, level: float
) -> ChangePoint | Insufficient:
    """Say when a change in counts (T, K) of numbered steps began; nothing is said to have begun before `earliest`."""
    if (counts.sum(axis=0) > 0).sum() < 2:
        return Insufficient("only one category was seen: nothing can have changed")
    return change_point(counts, steps=steps, earliest=earliest, level=level)


def attributed(
    before: Sequence[StepCounts],
    after: Sequence[StepCounts],
    *,
    categories: tuple[str, ...],
    rng: np.random.Generator,
    level: float,
    examples: int = 0,
) -> tuple[Attribution | Insufficient, tuple[PartChange, ...]]:
    """Say what moved between two stretches of a series, by category and intent, and by prompt set."""
    sides = _side(before, len(categories)), _side(after, len(categories))
    intents, sets = _parts((*before, *after), "intent"), _parts((*before, *after), "prompt_set")
    try:
        found = attribute_change(
            *sides, categories=categories, parts=intents, rng=rng, level=level, examples=examples, is_chosen=True
        )
    except NotEnoughData as error:
        return Insufficient(str(error)), ()
    return found, () if sets is None else part_changes(*sides, parts=sets, rng=rng, level=level)


def moved_words(attribution: Attribution | Insufficient, sets: Sequence[PartChange] = ()) -> str:
    """Say what moved: categories with their change in points and its interval, then intents and prompt sets.

    The intervals hold together, and know that a change point and an alarm chose the stretch.
    """
    if isinstance(attribution, Insufficient):
        return ""
    moved = [
        (one.category, one.difference)
        for one in attribution.categories
        if one.moved and isinstance(one.difference, Estimate)
    ]
    moved.sort(key=lambda one: -abs(one[1].value))
    parts = [f"{category} {signed(difference)}" for category, difference in moved[:NAMED]]
    where = [one.part for one in attribution.parts if one.moved][:NAMED]
    named = [one.part for one in sets if one.moved][:NAMED]
    if where:
        parts.append(f"in prompts of intent {', '.join(where)}")
    if named:
        parts.append(f"in {', '.join(named)}")
    return "; ".join(parts) or "no single category moved beyond its interval"


def _side(steps: Sequence[StepCounts], width: int) -> Side:
    counts: dict[str, np.ndarray] = {}
    ids: dict[tuple[str, int], tuple[str, ...]] = {}
    within: list[np.ndarray] = []
    for step in steps:
        here: dict[str, np.ndarray] = {}
        for cell, row in step.cells.items():
            here[cell.cluster] = here.get(cell.cluster, np.zeros(width, dtype=np.int64)) + np.array(row[:-1])
        for cluster, found in here.items():
            counts[cluster] = counts.get(cluster, np.zeros(width, dtype=np.int64)) + found
        within += here.values()
        for what, some in step.ids.items():
            ids[what] = ids.get(what, ()) + some
    tables = [np.array(rows) if len(rows) else np.zeros((0, width)) for rows in (list(counts.values()), within)]
    by_step = np.array([step.counts for step in steps]).reshape(-1, width)
    return Side(tuple(counts), tables[0], ids, steps=by_step, cells=tables[1])


def _parts(steps: Sequence[StepCounts], strata: Strata) -> dict[str, str] | None:
    """Return the part of each prompt; None where all are of one."""
    found = {cell.cluster: getattr(cell, strata) or "(none)" for step in steps for cell in step.cells}
    return found if len(set(found.values())) > 1 else None
