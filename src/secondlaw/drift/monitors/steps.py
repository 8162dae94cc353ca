"""What may come into a betting monitor: one step after the other, counts or values within their bounds."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.drift.monitors.settings import BettingSettings
from secondlaw.errors import InvalidInput

__all__ = ["first_skipped", "next_step", "step_counts", "version_change"]


def next_step(step: int | None, last: int | None, *, ended: bool = False) -> int:
    """Return the number of the step that comes in.

    Raises
    ------
    InvalidInput
        If it comes twice, out of order, or after the end.

    Examples
    --------
    >>> next_step(None, None), next_step(None, 7), next_step(12, 7)
    (0, 8, 12)
    """
    if ended:
        raise InvalidInput(f"the stream ended at step {last}: begin a new monitor for what comes after it")
    if step is None:
        return 0 if last is None else last + 1
    if last is not None and step == last:
        raise InvalidInput(f"step {step} came twice: send the counts of a step once, complete")
    if last is not None and step < last:
        raise InvalidInput(f"step {step} came after step {last}: send steps in order, or replay them sorted")
    return int(step)


def first_skipped(now: int, last: int | None) -> int | None:
    """Return the first of the steps left out before this one, None if none was.

    Examples
    --------
    >>> first_skipped(8, 7), first_skipped(9, 7), first_skipped(3, None)
    (None, 8, None)
    """
    return None if last is None or now == last + 1 else last + 1


def version_change(version: str | None, before: str | None) -> str | None:
    """Say that the classifier's version changed; None if it did not, or one of the two is not known.

    Examples
    --------
    >>> version_change("b/2", "b/1"), version_change(None, "b/1")
    ('the classifier is now b/2, it was b/1: a change point by construction', None)
    """
    if version is None or before is None or version == before:
        return None
    return f"the classifier is now {version}, it was {before}: a change point by construction"


def step_counts(values: ArrayLike, settings: BettingSettings) -> NDArray[np.float64]:
    """Return a step's counts (K,); values within bounds count towards their two ends (high, low).

    Raises
    ------
    InvalidInput
        If counts are not whole numbers of 0 or more, or a value is out of bounds.

    Examples
    --------
    >>> step_counts([0.25, 0.5], BettingSettings.of_values("toxicity", low=0.0, high=1.0)).tolist()
    [0.75, 1.25]
    """
    found = np.asarray(values, dtype=np.float64)
    if settings.bounds is not None:
        low, high = settings.bounds
        outside = ~((found >= low) & (found <= high))
        if found.ndim != 1 or outside.any():
            what = f"{float(found[outside][0])}" if outside.any() else f"an array of shape {found.shape}"
            name = settings.scores[0].name
            raise InvalidInput(
                f"score {name!r} lies in [{low:g}, {high:g}], got {what}: widen its bounds or correct it"
            )
        towards = float(((found - low) / (high - low)).sum())
        return np.array([towards, len(found) - towards])
    if found.ndim != 1 or len(found) < 2:
        raise InvalidInput(f"a step is a list of counts by category, got an array of shape {found.shape}")
    if not all(0.0 <= one < math.inf and one.is_integer() for one in found.tolist()):
        raise InvalidInput(f"counts are whole numbers of 0 or more, got {found.tolist()}")
    if settings.categories not in (None, len(found)):
        raise InvalidInput(f"a step has {len(found)} categories, the scores speak of {settings.categories}")
    return found
