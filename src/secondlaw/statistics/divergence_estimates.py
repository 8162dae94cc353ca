"""How far a cell has moved from its baseline, as an estimate that does not see movement where there is none.

The divergence of two samples of one distribution is positive, and its bootstrap more so. Therefore the point is
corrected by the bootstrap's own bias, not below 0; the lower end is 0 unless a permutation test of whole groups rejects
"no change" at 1 - level, and else the basic bootstrap's; the upper end is the largest of the bootstrap's and the
Dirichlet posterior's percentiles. Without change, an interval thus excludes 0 at most as often as the test does.

Measured at nominal 95 % (52 x 6, 20 x 50, 10 x 10 responses, intraclass correlation 0 and .3, no, small and large
change): coverage .95 to 1.00, 0 excluded without change in 0 to 1 % of cases for Jensen-Shannon and 2 to 5 % for total
variation. Lower ends on the scale of the square root or the logarithm see small changes more often, but covered
only .84 to .90 and are not used. Kullback-Leibler is skewed most, so its lower end can stay at 0 although
the test rejects: read the p-value in the method, or use total variation.
"""

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.statistics.cell_model import CellSums, posterior_draws
from secondlaw.statistics.counts import checked_groups
from secondlaw.statistics.divergence import jensen_shannon, kullback_leibler, total_variation
from secondlaw.statistics.intervals import LEVEL, small_sample_factor
from secondlaw.statistics.permutation import homogeneity_test
from secondlaw.statistics.resampling import RESAMPLES, resample_weights
from secondlaw.types import NATS, SHARE, Estimate

__all__ = ["DIVERGENCES", "Divergence", "divergence_estimate"]

Floats = NDArray[np.float64]
Divergence = Literal["jensen-shannon", "total-variation", "kullback-leibler"]
DIVERGENCES: tuple[Divergence, ...] = get_args(Divergence)

SMOOTHING = 0.5
"""Pseudo-count per category for Kullback-Leibler (Jeffreys), without which an unseen category makes it infinite."""

_TEST_PERMUTATIONS = 999


def divergence_estimate(
    current: ArrayLike,
    baseline: ArrayLike,
    *,
    rng: np.random.Generator,
    measure: Divergence = "jensen-shannon",
    paired: bool = False,
    smoothing: float = SMOOTHING,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Estimate the divergence of a cell from its baseline; both are uncertain.

    Parameters
    ----------
    current, baseline : array_like, shape (groups, K)
        Counts by group; with ``paired`` row g is the same prompt in both (all zero where one lacks it).
    rng : numpy.random.Generator
        Source of randomness.
    measure : str
        One of :data:`DIVERGENCES`; Kullback-Leibler is that of the current shares from the baseline's.
    paired : bool
        Whether both sides answered the same prompts; these are then resampled together.
    smoothing : float
        Pseudo-count per category, used for Kullback-Leibler only.
    level : float
        Nominal coverage.
    resamples : int
        Number of replicates.

    Returns
    -------
    Estimate
        In nats; total variation is a share. The method says which p-value "no change" has.

    Raises
    ------
    NotEnoughData
        If a side holds no response.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> before, now = rng.multinomial(10, [0.8, 0.2], 40), rng.multinomial(10, [0.6, 0.4], 40)
    >>> print(divergence_estimate(now, before, rng=rng))
    0.019 [0.003, 0.037] nats
    """
    if measure not in DIVERGENCES:
        raise InvalidInput(f"no divergence is called {measure!r}; choose one of {', '.join(DIVERGENCES)}")
    now, before = np.asarray(current, dtype=np.float64), np.asarray(baseline, dtype=np.float64)
    sides = checked_groups(now), checked_groups(before)
    totals = sides[0].sum(), sides[1].sum()
    if sides[0].shape[1] != sides[1].shape[1] or (paired and now.shape != before.shape):
        raise InvalidInput(f"current and baseline do not match: shapes {now.shape} and {before.shape}")

    def distance(p: Floats, q: Floats) -> Floats:
        if measure == "kullback-leibler":
            return kullback_leibler(p * totals[0] + smoothing, q * totals[1] + smoothing)
        return jensen_shannon(p, q) if measure == "jensen-shannon" else total_variation(p, q)

    raw = float(distance(sides[0].sum(axis=0) / totals[0], sides[1].sum(axis=0) / totals[1]))
    bootstrap, draws = _replicates(now, before, sides, paired, resamples, rng, distance)
    value = max(0.0, raw - max(0.0, float(bootstrap.mean()) - raw))
    tail = (1.0 - level) / 2.0
    high = max(float(np.quantile(bootstrap, 1.0 - tail)), float(np.quantile(draws, 1.0 - tail)), value)
    test = homogeneity_test(
        now if paired else sides[0],
        before if paired else sides[1],
        rng=rng,
        paired=paired,
        distance=lambda a, b: distance(_normed(a), _normed(b)),
        permutations=_TEST_PERMUTATIONS,
    )
    low = 0.0
    if test.p_value <= 1.0 - level:
        low = min(value, max(0.0, 2.0 * raw - float(np.quantile(bootstrap, 1.0 - tail))))
    named = f"{measure} with {smoothing:g} added per category" if measure == "kullback-leibler" else measure
    how = f"bootstrap of {'matched groups' if paired else 'both sides'} ({resamples} resamples) and Dirichlet posterior"
    method = (
        f"{named}, bias-corrected from {raw:.4f}, {how}, {len(sides[0])} against {len(sides[1])} groups; "
        f"permutation p-value of no change {test.p_value:.3g}"
    )
    unit = SHARE if measure == "total-variation" else NATS
    return Estimate(value, low, high, level, round(float(totals[0] + totals[1])), unit, method)


def _normed(counts: Floats) -> Floats:
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True))


def _replicates(
    now: Floats,
    before: Floats,
    sides: tuple[Floats, Floats],
    paired: bool,
    resamples: int,
    rng: np.random.Generator,
    distance: Callable[[Floats, Floats], Floats],
) -> tuple[Floats, Floats]:
    """Return bootstrap replicates and posterior draws of the divergence, shape (resamples,) each."""
    shared = resample_weights(len(now), resamples, rng=rng) if paired else None
    boot, drawn = [], []
    for table in (now, before) if paired else sides:
        sums = CellSums.of(table, len(table))
        weights = resample_weights(len(table), resamples, rng=rng) if shared is None else shared
        centre = sums.present.sum(axis=0) / sums.present.sum()
        factor = small_sample_factor(sums.groups) if sums.groups > 1 else 1.0
        spread = np.maximum(centre + factor * (sums.values(weights)[0] - centre), 0.0)
        boot.append(_normed(spread))
        drawn.append(posterior_draws(sums, resamples, rng)[1].shares)
    return distance(boot[0], boot[1]), distance(drawn[0], drawn[1])
