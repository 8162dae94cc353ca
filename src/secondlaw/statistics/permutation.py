"""Permutation tests whose unit is the group: whole prompts change sides, single responses never do.

Paired: the same prompts were answered by both models; under the null hypothesis each prompt's two answers could carry
their labels swapped, one sign per prompt. Unpaired: prompts of both sides could have been dealt either way. The
p-value is exact: all assignments when there are few, otherwise ``(1 + b) / (1 + B)`` with b of B random ones at least
as extreme (Phipson & Smyth, arXiv:1603.05766). A two-sided p-value is twice the smaller one-sided one.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.closed_form import plug_in

__all__ = [
    "PERMUTATIONS",
    "PermutationTest",
    "g_statistic",
    "homogeneity_test",
    "p_text",
    "paired_test",
    "unpaired_test",
]

Floats = NDArray[np.float64]
Alternative = Literal["two-sided", "greater", "less"]
Statistic = Callable[[Floats], Floats]

LEAST_SHOWN = 0.0001
"""A smaller p-value is given as smaller than this: no test shows that a probability is 0."""
PERMUTATIONS = 9999
"""Default number of assignments: p-values come in steps of 1e-4."""

_TIE = 1e-9  # relative difference below which two values of the statistic count as equal


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """Outcome of a permutation test.

    Parameters
    ----------
    statistic : float
        Observed value.
    p_value : float
        Exact p-value.
    assignments : int
        How many assignments were compared, the observed one included.
    exhaustive : bool
        Whether these are all there are; then ``1 / assignments`` is the smallest one-sided p-value possible.
    """

    statistic: float
    p_value: float
    assignments: int
    exhaustive: bool


def paired_test(
    statistic: Statistic,
    groups: int,
    *,
    rng: np.random.Generator,
    alternative: Alternative = "two-sided",
    permutations: int = PERMUTATIONS,
) -> PermutationTest:
    """Test by swapping the two sides within whole groups.

    Parameters
    ----------
    statistic : callable
        Receives signs (permutations, groups), +1 where a group keeps its sides and -1 where it swaps them, and returns
        the statistic of each row, shape (permutations,).
    groups : int
        Number of groups observed on both sides.
    rng : numpy.random.Generator
        Source of randomness.
    alternative : str
        ``"two-sided"``, ``"greater"`` or ``"less"``.
    permutations : int
        Random assignments, unless all 2**groups are no more than that.

    Returns
    -------
    PermutationTest
        Statistic and p-value.

    Examples
    --------
    >>> difference = np.array([0.2, 0.3, 0.1, 0.4, 0.2, 0.3])
    >>> paired_test(lambda signs: signs @ difference, 6, rng=np.random.default_rng(0), alternative="greater").p_value
    0.015625
    """
    if groups < 1:
        raise NotEnoughData("a paired test needs groups that both sides answered, got none: match the prompts")
    everything = groups < 63 and 2**groups <= permutations
    if everything:
        bits = (np.arange(2**groups)[:, None] >> np.arange(groups)) & 1
        signs = np.asarray(1.0 - 2.0 * bits, dtype=np.float64)
    else:
        signs = np.asarray(1.0 - 2.0 * rng.integers(0, 2, size=(permutations, groups)), dtype=np.float64)
    observed = float(statistic(np.ones((1, groups)))[0])
    return _outcome(observed, np.asarray(statistic(signs)), everything, alternative)


def unpaired_test(
    statistic: Statistic,
    first: int,
    second: int,
    *,
    rng: np.random.Generator,
    alternative: Alternative = "two-sided",
    permutations: int = PERMUTATIONS,
) -> PermutationTest:
    """Test by dealing whole groups to the two sides anew.

    Parameters
    ----------
    statistic : callable
        Receives membership (permutations, first + second), 1 for groups dealt to the first side and 0 for the second;
        the observed groups come first side first. Returns shape (permutations,).
    first, second : int
        Groups on each side.
    rng : numpy.random.Generator
        Source of randomness.
    alternative : str
        ``"two-sided"``, ``"greater"`` or ``"less"``.
    permutations : int
        Random assignments, unless all are no more than that.

    Returns
    -------
    PermutationTest
        Statistic and p-value.

    Examples
    --------
    >>> x = np.array([3.0, 4.0, 5.0, 0.0, 1.0, 2.0])
    >>> unpaired_test(lambda members: members @ x, 3, 3, rng=np.random.default_rng(0), alternative="greater").p_value
    0.05
    """
    if min(first, second) < 1:
        raise NotEnoughData(f"a test of two sides needs groups on both, got {first} and {second}")
    groups = first + second
    everything = math.comb(groups, first) <= permutations
    if everything:
        chosen = np.array(list(itertools.combinations(range(groups), first)))
        members = np.zeros((len(chosen), groups))
        np.put_along_axis(members, chosen, 1.0, axis=1)
    else:
        members = rng.permuted(np.tile(np.arange(groups) < first, (permutations, 1)).astype(np.float64), axis=1)
    observed = float(statistic((np.arange(groups) < first).astype(np.float64)[None])[0])
    return _outcome(observed, np.asarray(statistic(members)), everything, alternative)


def g_statistic(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Return the G statistic of two count vectors, ``2 (n H(pooled) - n_1 H_1 - n_2 H_2)``.

    For independent responses of one distribution it is chi-squared with K - 1 degrees; for clustered ones it is not,
    which is why :func:`homogeneity_test` permutes it.

    Parameters
    ----------
    first, second : array_like, shape (..., K)
        Counts.

    Returns
    -------
    ndarray of float64, shape (...)
        At least 0.

    Examples
    --------
    >>> round(float(g_statistic([10, 0], [5, 5])), 3)
    8.63
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    n_a, n_b = a.sum(axis=-1), b.sum(axis=-1)
    value = 2.0 * ((n_a + n_b) * plug_in(a + b) - n_a * plug_in(a) - n_b * plug_in(b))
    return np.asarray(np.maximum(value, 0.0))


def homogeneity_test(
    first: ArrayLike,
    second: ArrayLike,
    *,
    rng: np.random.Generator,
    paired: bool = False,
    distance: Callable[[Floats, Floats], Floats] = g_statistic,
    permutations: int = PERMUTATIONS,
) -> PermutationTest:
    """Test whether two tables of counts by group come from the same distribution over categories.

    Parameters
    ----------
    first, second : array_like, shape (groups, K)
        Counts by group; with ``paired`` row g is the same prompt in both.
    rng : numpy.random.Generator
        Source of randomness.
    paired : bool
        Whether to swap within groups or to deal groups anew. Dealing assumes that the groups of both sides are of
        like sizes.
    distance : callable
        Of two arrays of pooled counts (permutations, K); larger means more different.
    permutations : int
        Random assignments, unless all are no more than that.

    Returns
    -------
    PermutationTest
        Statistic and p-value.

    Examples
    --------
    >>> homogeneity_test([[5, 0]] * 4, [[1, 4]] * 4, rng=np.random.default_rng(0)).p_value
    0.02857142857142857
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise InvalidInput(f"tables of counts by group need the same categories, got shapes {a.shape} and {b.shape}")
    if paired:
        if len(a) != len(b):
            raise InvalidInput(f"paired tables have the same groups, got {len(a)} and {len(b)}")
        both = (a.sum(axis=1) > 0) & (b.sum(axis=1) > 0)
        half, difference = (a + b)[both].sum(axis=0) / 2.0, (a - b)[both] / 2.0
        return paired_test(
            lambda signs: distance(half + signs @ difference, half - signs @ difference),
            int(both.sum()),
            rng=rng,
            alternative="greater",
            permutations=permutations,
        )
    a, b = a[a.sum(axis=1) > 0], b[b.sum(axis=1) > 0]
    table, whole = np.concatenate([a, b]), a.sum(axis=0) + b.sum(axis=0)
    return unpaired_test(
        lambda members: distance(members @ table, whole - members @ table),
        len(a),
        len(b),
        rng=rng,
        alternative="greater",
        permutations=permutations,
    )


def p_text(p_value: float, *, digits: int = 4) -> str:
    """Return a p-value in words; none is said to be 0.

    Examples
    --------
    >>> p_text(0.0312), p_text(0.25, digits=2), p_text(0.00003)
    ('p = 0.0312', 'p = 0.25', 'p < 0.0001')
    """
    return f"p = {p_value:.{digits}f}" if p_value >= LEAST_SHOWN else f"p < {LEAST_SHOWN}"


def _outcome(observed: float, values: Floats, everything: bool, alternative: Alternative) -> PermutationTest:
    tie = _TIE * max(1.0, abs(observed))
    extra = 0 if everything else 1  # the observed assignment is one of all, but not one of the random ones
    count = len(values) + extra
    above = (int((values >= observed - tie).sum()) + extra) / count
    below = (int((values <= observed + tie).sum()) + extra) / count
    if alternative == "greater":
        p_value = above
    elif alternative == "less":
        p_value = below
    elif alternative == "two-sided":
        p_value = min(1.0, 2.0 * min(above, below))
    else:
        raise InvalidInput(f"an alternative is two-sided, greater or less, got {alternative!r}")
    return PermutationTest(observed, p_value, count, everything)
