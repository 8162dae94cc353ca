r"""Plug-in entropy production of discrete states with memory of k steps, extrapolated to endless data.

With :math:`D_L` the divergence of words of L states from their reversals, the value is :math:`D_{k+1} - D_k`, which is
the entropy production per step of a stationary Markov process of order k (Roldan & Parrondo, Phys. Rev. E 85, 031129
(2012)). Counts of n transitions bias it upwards by about :math:`b / n`; values at n and at n / 2 (random halves of the
blocks) give :math:`2 v_n - v_{n/2}`, free of that term. Where it is above :math:`v_n`, because transitions
seen one way only are smoothed, the value stays :math:`v_n`. The low end of the interval is moved on by the difference.

What holds: at order 1, for a stationary process whose variables, seen and hidden, are all even and together Markov, the
value is a lower bound on their entropy production, and equal to it if nothing is hidden. At higher orders it is the
entropy production of what is seen if the memory is no longer; it is no bound if it is.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics import LEVEL, resample_weights
from secondlaw.statistics.intervals import centred_interval
from secondlaw.statistics.resampling import RESAMPLES
from secondlaw.statistics.sequence_nulls import DRAWS, reversal_null
from secondlaw.statistics.sequence_quantities import SMOOTHING, entropy_production_of
from secondlaw.statistics.sequence_words import WordCounts, word_counts
from secondlaw.trajectories.containers import Trajectories
from secondlaw.trajectories.discrete.discrete_states import DiscreteStates, discrete_states
from secondlaw.trajectories.discrete.endless_memory import extrapolated_in_n, halved_mean, values_by_memory
from secondlaw.trajectories.discrete.markov_diagnostics import markov_diagnostics, markov_warnings
from secondlaw.trajectories.discrete.markov_order import choose_order
from secondlaw.trajectories.honesty import honest
from secondlaw.trajectories.null import SignFlips
from secondlaw.trajectories.parameters import Parameters
from secondlaw.trajectories.results import EntropyProduction
from secondlaw.types import Estimate, Insufficient, Measured

__all__ = ["MarkovPlugIn", "MarkovProduction"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkovProduction(EntropyProduction):
    """Entropy production of discrete states from counts of words.

    Parameters
    ----------
    by_memory : tuple of (int, Estimate)
        Values of orders 1, 2, ... as far as the data support them, with intervals from the same resampled blocks.
    in_memory : Estimate or Insufficient
        What they tend to as memory grows: the entropy production of the observed sequence. No bound.

    Other parameters are those of :class:`~secondlaw.trajectories.EntropyProduction`.
    """

    by_memory: tuple[tuple[int, Estimate], ...] = ()
    in_memory: Measured = field(default_factory=lambda: Insufficient("longer memory was not looked at"))

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON values."""
        return {
            **EntropyProduction.to_dict(self),
            "by_memory": [{"order": order, **value.to_dict()} for order, value in self.by_memory],
            "in_memory": self.in_memory.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class MarkovPlugIn(Parameters):
    """Entropy production of discrete states from counts of words, extrapolated in the number of transitions.

    Parameters
    ----------
    order : int, optional
        Steps of memory; chosen on held-out likelihood among 1 to `longest` if None.
    longest : int
    furthest : int
        Largest order whose value is looked at for the limit of endless memory, as far as words occur often enough.
    blocks : int
        Stretches into which fewer than 20 trajectories are cut.
    smoothing : float
        Events added to each direction of a pair of words that occurs.
    level : float
    resamples, draws : int
        Bootstrap replicates, and reversals of whole blocks for the null.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> steps = rng.choice([1, -1, 0], p=[0.5, 0.2, 0.3], size=20000)
    >>> result = MarkovPlugIn().fit(Trajectories.of([np.cumsum(steps) % 3]), rng=rng)
    >>> result.diagnostics.order, result.estimate.covers(0.27489), result.in_memory.covers(0.27489)
    (1, True, True)
    """

    order: int | None = None
    longest: int = 3
    furthest: int = 6
    blocks: int = 100
    smoothing: float = SMOOTHING
    level: float = LEVEL
    resamples: int = RESAMPLES
    draws: int = DRAWS

    def fit(self, data: Trajectories, *, rng: np.random.Generator) -> MarkovProduction:
        """Estimate entropy production.

        Parameters
        ----------
        data : Trajectories
            Of one or more discrete variables.
        rng : numpy.random.Generator

        Raises
        ------
        InvalidInput
            If states are too many, or the order is below 1.
        NotEnoughData
            If no state is revisited, or the data are too short.
        """
        if (self.order is not None and self.order < 1) or min(self.longest, self.furthest) < 1:
            raise InvalidInput(
                f"the order of a Markov process is 1 or more here, got {self.order}, {self.longest}, {self.furthest}"
            )
        found = discrete_states(data)
        choice = None
        if self.order is None:
            choice = choose_order(found.sequences(self.blocks, length=self.longest + 1), self.longest)
        order = max(1, choice.order) if choice is not None else int(self.order or 1)
        quantity = entropy_production_of(order, smoothing=self.smoothing)
        words = word_counts(found.sequences(self.blocks, length=order + 1), order + 1)
        null = reversal_null(words, quantity, rng=rng, draws=self.draws)
        whole, halved = float(quantity.of(words)(words.totals)), halved_mean(words, order, self.smoothing, rng)
        value = extrapolated_in_n(whole, halved)
        weights = resample_weights(words.groups, self.resamples, rng=rng)
        replicates = words.over(quantity.of(words), weights)
        low, high = centred_interval(value, replicates, self.level, groups=words.groups)
        low = float(low) - abs(halved - whole)
        span, unit = (1.0, "nats/step") if data.dt is None else (data.dt, "nats per unit of time")
        method = (
            f"plug-in of order {order}, extrapolated in 1/n from {whole:.4g} and {halved:.4g} nats/step; bootstrap "
            "over "
            f"{words.groups} blocks"
        )
        raw = Estimate(value / span, low / span, high / span, self.level, words.n, unit, method, "transitions")
        flips = SignFlips(null.p_value, null.mean / span, len(null.values), words.groups)
        diagnostics = markov_diagnostics(found, words, order, choice, halved / span)
        by_memory, in_memory = self._by_memory(found, unit, span, rng)
        return MarkovProduction(
            estimate=honest(raw, flips),
            bound="lower" if order == 1 else "exact",
            covers=_covers(order),
            train_value=whole / span,
            null=flips,
            diagnostics=diagnostics,
            warnings=markov_warnings(diagnostics, words, flips, self.level, self.longest, states=found),
            block_sizes=words.table.sum(axis=1),
            weights=weights,
            unit_of_time=span,
            fitted=_Fitted(_log_ratios(words, self.smoothing), found.states) if order == 1 else None,
            by_memory=by_memory,
            in_memory=in_memory,
        )

    def _by_memory(
        self, found: DiscreteStates, unit: str, span: float, rng: np.random.Generator
    ) -> tuple[tuple[tuple[int, Estimate], ...], Measured]:
        """Return the values at growing memory from trajectories that hold the longest word, and their limit."""
        longest = min(self.furthest, max(len(series) for series in found.data.series) - 1)
        long = tuple(series for series in found.data.series if len(series) > longest)
        kept = replace(found, data=Trajectories(long, found.data.variables, found.data.dt))
        try:
            sequences = kept.sequences(self.blocks, length=longest + 1)
        except NotEnoughData as error:
            return (), Insufficient(str(error))
        return values_by_memory(
            sequences, longest, smoothing=self.smoothing, level=self.level, resamples=self.resamples, rng=rng,
            unit=unit, unit_of_time=span,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Logarithm of how much more often each transition occurs than its reverse."""

    ratios: Floats  # (K, K)
    states: Floats  # (K, dim)

    def __call__(self, x0: Floats, x1: Floats) -> Floats:
        return np.asarray(self.ratios[self._codes(x0), self._codes(x1)])

    def _codes(self, x: Floats) -> Ints:
        both, place = np.unique(np.concatenate([self.states, x]), axis=0, return_inverse=True)
        if len(both) > len(self.states):
            raise InvalidInput("a state occurs that the fit has not seen: its transitions have no fitted value")
        return np.asarray(place.reshape(-1)[len(self.states) :])


def _log_ratios(words: WordCounts, smoothing: float) -> Floats:
    """Return ``ln(n_ij / n_ji)``, smoothed, shape (K, K); words are of two states."""
    counts = np.zeros((words.states, words.states))
    counts[words.words[:, 0], words.words[:, 1]] = words.totals
    ratios: Floats = np.log(counts + smoothing) - np.log(counts.T + smoothing)
    return ratios


def _covers(order: int) -> str:
    if order == 1:
        return (
            "the divergence of one step from its reverse: a lower bound if everything that moves, seen or hidden, "
            "is even "
            "and Markov together, the entropy production if nothing is hidden"
        )
    return f"the entropy production of the observed states if their memory is at most {order} steps; else no bound"
