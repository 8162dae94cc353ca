r"""Entropy production from how often things happen one way and the other: the engine of estimators of jump data.

With counts a of an event and b of its reversal in the time T, and numbers :math:`n_a, n_b` of occasions for each,

.. math:: \sigma = \frac1T \sum (a - b) \ln \frac{a / n_a}{b / n_b},

half an event being added to a and b. The value is extrapolated to endless data from random halves of the blocks as in
:mod:`secondlaw.trajectories.discrete.markov_plug_in`; reversing whole blocks gives the null.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import NotEnoughData
from secondlaw.statistics import resample_weights
from secondlaw.statistics.intervals import centred_interval
from secondlaw.trajectories.honesty import honest, rejects
from secondlaw.trajectories.layout import block_dependence
from secondlaw.trajectories.null import SignFlips
from secondlaw.trajectories.results import EntropyProduction
from secondlaw.types import Estimate

__all__ = ["CountDiagnostics", "TwoWayCounts", "estimate_counts"]

Floats = NDArray[np.float64]

FEWEST_BLOCKS = 10
_SMOOTHING = 0.5
_HALVINGS = 32


@dataclass(frozen=True, slots=True)
class TwoWayCounts:
    """Counts in each block.

    Parameters
    ----------
    ahead, back : ndarray, shape (B, C)
        How often each event, and its reversal, happened.
    ahead_of, back_of : ndarray, shape (B, C)
        Occasions for each.
    time : ndarray, shape (B,)
    """

    ahead: Floats
    back: Floats
    ahead_of: Floats
    back_of: Floats
    time: Floats

    def value(self, weights: Floats) -> Floats:
        """Return the value for blocks weighted by rows of `weights`, shape (R,)."""
        a, b = weights @ self.ahead, weights @ self.back
        odds = np.log(a + _SMOOTHING) - np.log(b + _SMOOTHING)
        odds += np.log(weights @ self.back_of + 1e-12) - np.log(weights @ self.ahead_of + 1e-12)
        return np.asarray(((a - b) * odds).sum(axis=1) / (weights @ self.time))

    def flipped(self, signs: Floats) -> Floats:
        """Return the value with the blocks of sign -1 reversed, shape (R,)."""
        half, rest = (signs + 1.0) / 2.0, (1.0 - signs) / 2.0
        a = half @ self.ahead + rest @ self.back
        b = half @ self.back + rest @ self.ahead
        a_of = half @ self.ahead_of + rest @ self.back_of
        b_of = half @ self.back_of + rest @ self.ahead_of
        odds = np.log(a + _SMOOTHING) - np.log(b + _SMOOTHING) + np.log(b_of + 1e-12) - np.log(a_of + 1e-12)
        return np.asarray(((a - b) * odds).sum(axis=1) / self.time.sum())


@dataclass(frozen=True, slots=True)
class CountDiagnostics:
    """What says how far a value from counts can be trusted.

    Parameters
    ----------
    events, kinds, blocks : int
        Events counted, kinds of them (an event and its reversal being one), and blocks that were resampled.
    halved_value : float
        Value from half of the data, on average.
    one_way : int
        Kinds that happened one way only.
    block_dependence : float
    """

    events: int
    kinds: int
    blocks: int
    halved_value: float
    one_way: int
    block_dependence: float


def estimate_counts(
    counts: TwoWayCounts,
    *,
    exact: bool,
    covers: str,
    name: str,
    level: float,
    resamples: int,
    draws: int,
    rng: np.random.Generator,
) -> EntropyProduction:
    """Estimate entropy production per unit of time from counts in blocks.

    Raises
    ------
    NotEnoughData
        If there are fewer than 10 blocks, or nothing was counted.
    """
    blocks = len(counts.time)
    events = float(counts.ahead.sum() + counts.back.sum())
    if blocks < FEWEST_BLOCKS or events < 2 * FEWEST_BLOCKS:
        raise NotEnoughData(
            f"{events:.0f} events in {blocks} blocks are too few: {2 * FEWEST_BLOCKS} events in {FEWEST_BLOCKS} "
            "blocks or "
            "more are needed"
        )
    picks = np.zeros((_HALVINGS, blocks))
    for row in picks:
        row[rng.permutation(blocks)[: blocks // 2]] = 1.0
    whole = float(counts.value(np.ones((1, blocks)))[0])
    halved = float(counts.value(np.concatenate([picks, 1.0 - picks])).mean())
    value = whole - max(0.0, halved - whole)
    weights = resample_weights(blocks, resamples, rng=rng)
    low, high = centred_interval(value, counts.value(weights), level, groups=blocks)
    method = f"{name}, extrapolated in 1/n from {whole:.4g} and {halved:.4g}; bootstrap over {blocks} blocks"
    raw = Estimate(
        value,
        float(low) - abs(halved - whole),
        float(high),
        level,
        int(events),
        "nats per unit of time",
        method,
        "transitions",
    )
    signs: Floats = 1.0 - 2.0 * rng.integers(0, 2, size=(draws, blocks)).astype(np.float64)
    found = counts.flipped(signs)
    beaten = int((found >= whole * (1.0 - 1e-9)).sum())
    null = SignFlips((1 + beaten) / (1 + draws), float(found.mean()), draws, blocks)
    a, b = counts.ahead.sum(axis=0), counts.back.sum(axis=0)
    currents = (counts.ahead - counts.back) @ np.sign(a - b)
    diagnostics = CountDiagnostics(
        int(events), int((a + b > 0).sum()), blocks, halved, int(((a > 0) != (b > 0)).sum()),
        block_dependence(np.asarray(currents / counts.time)),
    )  # fmt: skip
    return EntropyProduction(
        estimate=honest(raw, null),
        bound="exact" if exact and not diagnostics.one_way else "lower",
        covers=covers,
        train_value=whole,
        null=null,
        diagnostics=diagnostics,
        warnings=_warnings(diagnostics, null, level),
        weights=weights,
    )


def _warnings(found: CountDiagnostics, null: SignFlips, level: float) -> tuple[str, ...]:
    out = []
    if found.one_way and rejects(null, level):
        out.append(
            f"{found.one_way} of {found.kinds} kinds of events happened one way only: the entropy production may be "
            "infinite, and what they add rests on smoothing; record longer"
        )
    if found.events < 10 * found.kinds:
        out.append(
            f"{found.events} events of {found.kinds} kinds are few: extrapolation cannot mend it; record longer, merge "
            "states, or take fewer bins"
        )
    if not rejects(null, level):
        out.append(
            f"reversed blocks show as much with p = {null.p_value:.2g}: do not quote the value as different from 0"
        )
    return tuple(out)
