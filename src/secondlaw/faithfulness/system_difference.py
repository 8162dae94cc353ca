"""Two systems over many questions: the mean difference of a score, by whole questions.

The interval resamples groups (questions) and is no narrower than Student's t; the p-value swaps the two systems within
whole groups. Measured at nominal 95 % with 5 to 30 questions: coverage .93 to .97 for differences that are about as
often below as above their mean, .87 to .94 for very skewed ones (exponential). With 5 questions no p-value is below
1/16, with 8 none below 1/128.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.faithfulness.mean_interval import mean_interval
from secondlaw.statistics import LEVEL, block_ids, paired_test
from secondlaw.types import Estimate, Insufficient, Measured

__all__ = ["SystemDifference", "mean_difference"]

Floats = NDArray[np.float64]

FEWEST_GROUPS = 5
"""Fewer questions carry no interval of a mean difference."""


@dataclass(frozen=True, slots=True)
class SystemDifference:
    """How one score differs between two systems, second less first.

    Parameters
    ----------
    name : str
    first, second : float or None
        Means over the questions where both have the score; None where there is none.
    difference : Estimate or Insufficient
    p_value : float or None
        Two-sided, by swapping within groups.
    """

    name: str
    first: float | None
    second: float | None
    difference: Measured
    p_value: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "name": self.name,
            "first": self.first,
            "second": self.second,
            "difference": self.difference.to_dict(),
            "p_value": self.p_value,
        }


def mean_difference(
    name: str,
    first: ArrayLike,
    second: ArrayLike,
    groups: ArrayLike,
    *,
    rng: np.random.Generator,
    level: float = LEVEL,
    unit: str = "SF",
    limits: tuple[float, float] = (-math.inf, math.inf),
) -> SystemDifference:
    """Compare two systems by a score of each answer, paired.

    Parameters
    ----------
    name : str
    first, second : array_like, shape (n,)
        Scores of both systems' answers to the same questions; a pair with a NaN is left out.
    groups : array_like, shape (n,)
        Question or document of each pair; whole groups are resampled and swapped.
    rng : numpy.random.Generator
    level : float
    unit : str
    limits : (float, float)
        What a difference can be at all.

    Returns
    -------
    SystemDifference

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=40)
    >>> print(mean_difference("support", x, x + 0.5 + 0.1 * rng.normal(size=40), np.arange(40), rng=rng).difference)
    0.530 [0.493, 0.565] SF
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    keys = np.asarray(groups)
    if not a.shape == b.shape == keys.shape or a.ndim != 1:
        raise InvalidInput(f"both systems' scores and groups are of one length, got {a.shape}, {b.shape}, {keys.shape}")
    both = np.isfinite(a) & np.isfinite(b)
    a, b, keys = a[both], b[both], keys[both]
    if not len(a):
        return SystemDifference(name, None, None, Insufficient("no question has this score in both files"), None)
    means = float(a.mean()), float(b.mean())
    blocks = block_ids(keys)
    sizes = np.bincount(blocks).astype(np.float64)
    sums = np.bincount(blocks, weights=b - a).astype(np.float64)
    n = len(sizes)
    if n < FEWEST_GROUPS:
        reason = f"a mean difference needs {FEWEST_GROUPS} questions, got {n}; it is {means[1] - means[0]:+.3f}"
        return SystemDifference(name, *means, Insufficient(reason), None)
    value = float(sums.sum() / sizes.sum())
    ends = mean_interval(sums, sizes, rng=rng, level=level, bounds=(-np.inf, np.inf))
    if ends is None:
        reason = f"all {n} questions differ by {value:+.3g}: nothing tells how far others differ"
        return SystemDifference(name, *means, Insufficient(reason), None)
    tested = paired_test(lambda signs: np.asarray(signs @ sums / sizes.sum()), n, rng=rng)
    low, high = (min(max(end, limits[0]), limits[1]) for end in ends)
    method = f"mean of {len(a)} paired differences, wider of bootstrap and t over {n} questions"
    estimate = Estimate(value, low, high, level, n, unit, method, "questions")
    return SystemDifference(name, *means, estimate, tested.p_value)
