r"""Plug-in values at growing memory, and what they tend to as the memory taken into account grows without end.

The value of order k, :math:`v_k = D_{k+1} - D_k`, tends to the entropy production per step of the observed sequence
(Roldan & Parrondo, Phys. Rev. E 85, 031129 (2012)). Orders are taken as far as words occur often enough. The gains
:math:`g_k = v_{k+1} - v_k` have paired intervals, and then

- once no further gain is resolved, the value is that of one order beyond the last resolved gain; its interval is
  widened by the interval of what the furthest order adds to it: all longer memory together is taken to add no more;
- while the last gain is resolved, it must be a share r of the one before it, of the same sign and beyond doubt below
  .8; the rest is then :math:`g\, r / (1 - r)` (Aitken's extrapolation), and the interval is widened by half of it;
- otherwise the data do not support a limit.
"""

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.statistics import resample_weights
from secondlaw.statistics.intervals import small_sample_factor
from secondlaw.statistics.sequence_quantities import entropy_production_of
from secondlaw.statistics.sequence_words import WordCounts, word_counts
from secondlaw.statistics.sequences import Sequences
from secondlaw.types import Estimate, Insufficient, Measured

__all__ = ["PER_WORD", "at_endless_memory", "extrapolated_in_n", "halved_mean", "values_by_memory"]

Floats = NDArray[np.float64]

PER_WORD = 5.0
"""Occurrences of a word and its reversal below which more than half of its term is noise."""

_HALVINGS = 32
_SHRINKING = 0.8  # share of a gain in the one before it above which gains do not die out fast enough to be summed


def halved_mean(words: WordCounts, order: int, smoothing: float, rng: np.random.Generator) -> float:
    """Return the mean value of random halves of the blocks."""
    half = words.groups // 2
    picks = np.zeros((_HALVINGS, words.groups))
    for row in picks:
        row[rng.permutation(words.groups)[:half]] = 1.0
    of = entropy_production_of(order, smoothing=smoothing).of(words)
    return float(words.over(of, np.concatenate([picks, 1.0 - picks])).mean())


def extrapolated_in_n(whole: float, halved: float) -> float:
    """Return ``2 whole - halved``, at most `whole`."""
    return whole - max(0.0, halved - whole)


def values_by_memory(
    sequences: Sequences,
    longest: int,
    *,
    smoothing: float,
    level: float,
    resamples: int,
    rng: np.random.Generator,
    unit: str,
    unit_of_time: float,
) -> tuple[tuple[tuple[int, Estimate], ...], Measured]:
    """Return the values of orders 1, 2, ... that the data support, and their limit.

    Parameters
    ----------
    sequences : Sequences
        All of `longest + 1` symbols or more.
    longest : int
        Largest order that is tried.
    smoothing, level : float
    resamples : int
    rng : numpy.random.Generator
    unit : str
    unit_of_time : float
        Of a step.
    """
    tables: list[WordCounts] = []
    for order in range(1, longest + 1):
        try:
            words = word_counts(sequences, order + 1)
        except InvalidInput:  # too many different words to count
            break
        if tables and not (_frequent(words) and np.array_equal(words.units, tables[0].units)):
            break
        tables.append(words)
    weights = resample_weights(tables[0].groups, resamples, rng=rng)
    values, errors, drawn = [], [], []
    for order, words in enumerate(tables, start=1):
        of = entropy_production_of(order, smoothing=smoothing).of(words)
        whole, halved = float(of(words.totals)), halved_mean(words, order, smoothing, rng)
        replicates = words.over(of, weights)
        spread = small_sample_factor(words.groups, level) * (replicates - replicates.mean())
        if order > 1 and abs(halved - whole) > float(np.quantile(np.abs(spread), level)):
            break  # what endless data would take away exceeds the interval: extrapolation cannot be trusted
        values.append(extrapolated_in_n(whole, halved))
        errors.append(abs(halved - whole))
        drawn.append(spread)
    series = _Series(np.array(values), np.array(errors), np.stack(drawn), level)
    scale, n = 1.0 / unit_of_time, tables[0].n

    def estimate(value: float, low: float, high: float, method: str) -> Estimate:
        ends = max(0.0, low) * scale, max(0.0, high) * scale
        return Estimate(max(0.0, value) * scale, *ends, level, n, unit, method, "transitions")

    shown = tuple(
        (k + 1, estimate(*series.ends(k), f"plug-in of order {k + 1}, extrapolated in 1/n; bootstrap over blocks"))
        for k in range(len(values))
    )
    found = at_endless_memory(series)
    if isinstance(found, Insufficient):
        return shown, found
    value, low, high, how = found
    return shown, estimate(value, low, high, f"plug-in at endless memory: {how}; paired bootstrap over blocks")


class _Series:
    """Values by order with their paired replicates, as deviations, shape (orders, resamples)."""

    def __init__(self, values: Floats, errors: Floats, drawn: Floats, level: float) -> None:
        self.values, self.errors, self.drawn, self.level = values, errors, drawn, level

    def quantiles(self, drawn: Floats) -> tuple[float, float]:
        low, high = np.quantile(drawn, [(1.0 - self.level) / 2.0, (1.0 + self.level) / 2.0])
        return float(low), float(high)

    def ends(self, k: int) -> tuple[float, float, float]:
        low, high = self.quantiles(self.drawn[k])
        value = float(self.values[k])
        return value, value + low - float(self.errors[k]), value + high

    def gain(self, first: int, last: int) -> tuple[float, float, float]:
        """Return what `last` is above `first` (orders less 1), with its interval."""
        value = float(self.values[last] - self.values[first])
        low, high = self.quantiles(self.drawn[last] - self.drawn[first])
        return value, value + low - float(self.errors[last]), value + high + float(self.errors[first])


def at_endless_memory(series: _Series) -> tuple[float, float, float, str] | Insufficient:
    """Return value, low, high and the way to them, or why there is none."""
    orders = len(series.values)
    if orders < 2:
        return Insufficient(
            "words of three states occur too seldom to look beyond one step of memory: record longer, or merge states"
        )
    gains = [series.gain(k, k + 1) for k in range(orders - 1)]
    resolved = [low > 0.0 or high < 0.0 for _, low, high in gains]
    if not resolved[-1]:
        # The last resolved gain is from order k to k + 1, counted from 1: one order beyond is k + 2.
        last = max((k for k, seen in enumerate(resolved) if seen), default=-1)
        at = last + 2
        value, low, high = series.ends(at)
        _, less, more = series.gain(min(at, orders - 2), orders - 1)
        how = f"order {at + 1}, beyond which no gain is resolved"
        return value, low + min(0.0, less), high + max(0.0, more), how
    if orders >= 3 and resolved[-2]:
        before, after = gains[-2][0], gains[-1][0]
        moved = series.drawn[1:] - series.drawn[:-1]
        first, second = before + moved[-2], after + moved[-1]
        share, shares = after / before, second / np.where(np.abs(first) > 0.0, first, np.nan)
        if share > 0.0 and float(np.nanquantile(shares, (1.0 + series.level) / 2.0)) < _SHRINKING:
            rest = after * share / (1.0 - share)
            kept = np.clip(shares, 0.0, _SHRINKING)
            rests = second * kept / (1.0 - kept)
            low, high = series.quantiles(series.drawn[-1] + rests - rests.mean())
            value = float(series.values[-1]) + rest
            low, high = value + low - abs(rest) / 2.0 - float(series.errors[-1]), value + high + abs(rest) / 2.0
            return value, low, high, f"gains from order {orders - 1} on continued with a ratio of {share:.2f}"
    trend = " -> ".join(f"{value:.3g}" for value in series.values)
    return Insufficient(
        f"the value still changes at the longest memory that the data support ({trend} nats/step for orders 1 to "
        f"{orders}), and not ever less: record longer, merge states, or raise `longest`"
    )


def _frequent(words: WordCounts) -> bool:
    totals = words.totals
    pairs = np.flatnonzero(np.arange(len(totals)) < words.reversal)
    both = totals[pairs] + totals[words.reversal[pairs]]
    return len(pairs) > 0 and float(both.sum()) >= PER_WORD * len(pairs)
