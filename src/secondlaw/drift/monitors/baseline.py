r"""What is normal: score tables, where step means are clipped, and which means are possible.

A step's mean of a score lies in [0, B] but stays within a few hundredths of it. One hundred such steps do not exclude
that one step in forty jumps to B, so that a bound for [0, B] exceeds the mean by some 12 standard errors and a monitor
that trusts it is blind. Therefore the step mean is *clipped* to :math:`[\mu - .7 \sigma, \mu + 5 \sigma]`, with
:math:`\mu, \sigma` from the first tenth of the baseline (the pilot), and the null speaks of the clipped mean

.. math:: z_t = \mathrm{clip}\left(\frac{y_t - low}{high - low}, 0, 1\right), \qquad
          H_0: E[z_t \mid past] \le m,

with m from the rest of the baseline: every candidate, weighed (delta = 0, see
:mod:`~secondlaw.drift.monitors.candidates`), or a betting bound at risk delta, about mean + 2.5 standard errors at .05.
Both hold for any law of the steps, clustered or not, whose conditional mean stays: a mean that leans on the steps
before, a slow wandering above all, is drift to this null. So is a scatter that grows: E z rises by .03 standard
deviations of a step where the scatter rises by a tenth. Smaller steps scatter more by themselves: z of a step of k
responses counts :math:`\sqrt{k/n}` where k is below n, the pilot's mean. For a scatter that grows as
:math:`\sqrt{n/k}` or less that is enough, :math:`s E(d + x/s)^+ = E(s d + x)^+ \le E(d + x)^+`. Steps below half the
baseline's are pooled. Score tables, too, come from the pilot alone, so that what is bounded is a fixed function.
"""

import math
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from secondlaw.drift.monitors.candidates import candidate_means
from secondlaw.drift.monitors.scores import HALF
from secondlaw.drift.monitors.settings import MIN_BASELINE, BettingSettings
from secondlaw.errors import NotEnoughData
from secondlaw.statistics.bounded_mean import upper_mean_bound

__all__ = ["Baseline", "gains", "learn_baseline", "standardised"]

Array = NDArray[np.float64]

PILOT, LEAST_PILOT = 0.1, 5  # share of the baseline, and steps, that set scores and clips
FLOOR = 1e-3  # least standard deviation of a step, in units of the score's range


@dataclass(frozen=True, slots=True)
class Baseline:
    """What one or several streams look like when nothing drifts.

    Parameters
    ----------
    tables : array (S, K, streams)
        What each category counts in each score.
    low, scale : array (S, streams)
        The clipped step mean is ``clip((y - low) * scale, 0, 1)``.
    usual : array (streams,)
        Mean size of the pilot's steps: smaller ones count less.
    bound : array (S, candidates, streams)
        m: the mean of the clipped step means under the null is not above it, tolerance included. One bound where delta
        is risked, otherwise many candidates.
    weight, earlier : array (S, candidates, streams)
        Evidence of the baseline against each candidate, and what was won against the one below it; 1 and 0 for a bound.
    step_size : array (streams,)
        Responses that a bet needs.
    steps : array (streams,)
        Bets' worth of steps learnt from.
    """

    tables: Array
    low: Array
    scale: Array
    usual: Array
    bound: Array
    weight: Array
    earlier: Array
    step_size: Array
    steps: Array

    @property
    def doubts(self) -> Array | None:
        """What bets need to know of `earlier`: nothing where there is one bound."""
        return self.earlier if self.bound.shape[1] > 1 else None

    def to_dict(self) -> dict[str, Any]:
        """Return the baseline as plain JSON values."""
        return {field.name: getattr(self, field.name).tolist() for field in fields(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Rebuild a baseline from :meth:`to_dict`."""
        return cls(**{name: np.array(value, dtype=np.float64) for name, value in values.items()})


def learn_baseline(counts: Array, settings: BettingSettings) -> Baseline:
    """Learn what is normal from the baseline's steps.

    Parameters
    ----------
    counts : array (steps, K, streams)
        Counts by category; empty steps are left out, small ones pooled.
    settings : BettingSettings

    Returns
    -------
    Baseline

    Raises
    ------
    NotEnoughData
        If fewer than 20 steps of some stream hold enough responses for a bet.

    Examples
    --------
    >>> counts = np.random.default_rng(0).multinomial(100, [0.9, 0.1], size=100)[:, :, None]
    >>> found = learn_baseline(counts, BettingSettings.standard([False, True]))
    >>> found.tables.shape, found.bound.shape
    ((4, 2, 1), (4, 22, 1))
    """
    counts = np.asarray(counts, dtype=np.float64)
    sizes = counts.sum(axis=1)  # (steps, streams)
    need = _step_sizes(sizes, settings)
    if (sizes >= need).all():
        return _learn(counts, need, settings)
    each = [_learn(_pooled(counts[:, :, i], float(need[i])), need[i : i + 1], settings) for i in range(len(need))]
    return Baseline(
        **{f.name: np.concatenate([getattr(one, f.name) for one in each], axis=-1) for f in fields(Baseline)}
    )


def standardised(counts: Array, baseline: Baseline) -> Array:
    """Return the clipped step means of counts (..., K, streams): (..., S, streams), in [0, 1]."""
    means, size = _step_means(counts, baseline.tables)
    z = np.asarray(np.minimum(np.maximum((means - baseline.low) * baseline.scale, 0.0), 1.0))
    if (size < baseline.usual).any():
        z *= np.sqrt(np.minimum(size / baseline.usual, 1.0))[..., None, :]
    return z


def gains(z: Array, baseline: Baseline) -> Array:
    """Return what a stake on each candidate mean m gains, z / m - 1, (S, candidates, streams); 0 where none is bet."""
    found = z[:, None] / baseline.bound - 1.0
    if found.shape[1] > 1:
        found[:, -1] = 0.0
    return np.asarray(found)


def _step_means(counts: Array, tables: Array) -> tuple[Array, Array]:
    """Return the scores' means (..., S, streams) and the sizes (..., streams) of counts (..., K, streams).

    Sums run over the categories in order, so that any number of steps and streams gives the very same bits.
    """
    if counts.ndim == 2:  # one step: few, small operations
        size = counts.cumsum(axis=0)[-1]
        return np.asarray((counts * tables).cumsum(axis=1)[:, -1] / size), size
    total, size = counts[..., None, 0, :] * tables[:, 0], counts[..., 0, :]
    for k in range(1, counts.shape[-2]):
        total = total + counts[..., None, k, :] * tables[:, k]
        size = size + counts[..., k, :]
    return np.asarray(total / size[..., None, :]), size


def _step_sizes(sizes: Array, settings: BettingSettings) -> Array:
    if settings.step_size is not None:
        return np.full(sizes.shape[1], float(settings.step_size))
    halves = [np.ceil(np.median(of[of > 0]) / 2.0) if (of > 0).any() else 1.0 for of in sizes.T]
    return np.array(halves, dtype=np.float64)


def _pooled(counts: Array, need: float) -> Array:
    """Join consecutive steps (T, K) until each holds `need` responses: (T', K, 1)."""
    joined, waiting = [], np.zeros(counts.shape[1])
    for row in counts:
        waiting = waiting + row
        if waiting.sum() >= need:
            joined.append(waiting)
            waiting = np.zeros(counts.shape[1])
    return np.array(joined, dtype=np.float64).reshape(len(joined), counts.shape[1], 1)


def _learn(counts: Array, need: Array, settings: BettingSettings) -> Baseline:
    if len(counts) < MIN_BASELINE:
        raise NotEnoughData(
            f"a baseline needs {MIN_BASELINE} steps of {need[0]:.0f} or more, got {len(counts)}: wait for more"
        )
    first = max(LEAST_PILOT, math.ceil(PILOT * len(counts)))
    pilot = np.cumsum(counts[:first], axis=0)[-1]
    tables = np.stack([score.table(pilot) for score in settings.scores])
    low, high = _clips(counts[:first], tables, pilot, settings)
    slack = np.array([settings.tolerance_of(score) for score in settings.scores])[:, None]
    high = high + slack
    scale = 1.0 / (high - low)
    streams = counts.shape[2]
    whole = np.ones_like(low)[:, None]
    usual = np.cumsum(pilot, axis=0)[-1] / first
    unbounded = Baseline(tables, low, scale, usual, whole, whole, whole, need, np.full(streams, float(len(counts))))
    z = standardised(counts, unbounded)
    if settings.delta == 0.0:
        means, weight, earlier = candidate_means(z[first:], z[:first], alpha=settings.alpha_of_run(1))
    else:
        bounds = [
            upper_mean_bound(z[first:, s], delta=risk, pilot=z[:first, s]) for s, risk in enumerate(settings.risks())
        ]
        means = np.stack(bounds)[:, None]
        weight, earlier = np.ones_like(means), np.zeros_like(means)
    bound = np.minimum(means + (slack * scale)[:, None], 1.0)
    return Baseline(tables, low, scale, usual, bound, weight, earlier, need, unbounded.steps)


def _clips(steps: Array, tables: Array, pilot: Array, settings: BettingSettings) -> tuple[Array, Array]:
    """Return where step means are clipped (S, streams), from the pilot's steps (T, K, streams).

    A step cannot vary less than responses drawn one by one from the pilot's shares, .5 added to each count: a rare
    category that the pilot never showed still counts.
    """
    raised = pilot + HALF
    shares = raised / np.cumsum(raised, axis=0)[-1]
    size = np.cumsum(pilot, axis=0)[-1] / len(steps)
    centre = np.cumsum(tables * shares, axis=1)[:, -1]
    single = np.cumsum(tables**2 * shares, axis=1)[:, -1] - centre**2
    if settings.bounds is not None:  # values between the ends of their range vary less than responses at the ends
        single = np.zeros_like(single)
    means, _ = _step_means(steps, tables)  # (T, S, streams)
    middle = np.cumsum(means, axis=0)[-1] / len(steps)
    seen = np.cumsum((means - middle) ** 2, axis=0)[-1] / (len(steps) - 1)
    spread = np.sqrt(np.maximum(seen, np.maximum(single, 0.0) / size))
    spread = np.maximum(spread, FLOOR * tables.max(axis=1))
    low = np.maximum(centre - settings.clip_away * spread, 0.0)
    high = np.minimum(centre + settings.clip_towards * spread, tables.max(axis=1))
    return low, np.maximum(high, low + FLOOR * tables.max(axis=1))
