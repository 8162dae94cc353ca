r"""What a quantity that is never negative shows where there is nothing to see: two exact null distributions.

**Time reversal.** If a process is reversible, a group read backwards is as likely as read forwards. Reversing each
whole group with probability 1/2 therefore leaves the law of the data as it is, keeps the shares of symbols and all
that is symmetric in the transitions, and turns only what is antisymmetric. The observed value is one among equals: the
p-value is exact for any number of groups, whatever the memory inside them and however they differ. What it rejects is
reversibility of the sequences, a steady circulation as well as a transient from a typical start to another end; the
test of ends in :mod:`secondlaw.statistics.sequence_irreversibility` tells which.

**No further memory.** If k symbols are all the memory there is, what comes before them and what follows are
independent given them. Among sequences that show the same k symbols at the same position, the followers can therefore
be dealt anew: uniform, exact for Markov chains common to all sequences, also where their transitions depend on the
position (``within="position"``, needs many sequences). For few long sequences followers are dealt among all places
that show the same k symbols (``within="state"``): right for a steady state and long sequences, as the likelihood-ratio
test of Billingsley, Ann. Math. Stat. 32, 12 (1961) is.

A null mean is not yet the bias of a value: with G groups, reversed at random, it holds 1/G of the effect (for a value
quadratic in the odd counts), and a follower that is alone at its position stays where it is. What noise adds is
therefore the null mean without that part, and what remains with followers dealt among all places.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.intervals import LEVEL
from secondlaw.statistics.sequence_quantities import Quantity
from secondlaw.statistics.sequence_words import WordCounts, plug_in_entropy
from secondlaw.statistics.sequences import Sequences, word_indices
from secondlaw.types import Measured

__all__ = ["DRAWS", "REVERSED", "AgainstNull", "Null", "Within", "memory_null", "reversal_null", "reversed_totals"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Within = Literal["auto", "position", "state"]

DRAWS = 999
"""Default number of null draws: p-values come in steps of .001."""

REVERSED = 1024
"""Units that tests of symmetry reverse at most; more groups are hashed into so many blocks, reversed together."""

ENOUGH_TO_DEAL = 4
"""Followers per state and position, on average, from which they are dealt within one position by default."""

_SORTED = 100_000_000  # symbols dealt in all draws together: about 10 s
_FEWEST_DRAWS = 99
_TIE = 1e-12


@dataclass(frozen=True, slots=True)
class Null:
    """Values of a quantity under a null hypothesis.

    Parameters
    ----------
    values : ndarray of float64, shape (draws,)
    observed : float
        The same function of the data.
    noise : float
        What noise adds to the observed value, whether there is an effect or not; the null mean holds part of the effect
        where groups are few.
    words : str
        What was drawn.
    """

    values: Floats
    observed: float
    noise: float
    words: str

    @property
    def mean(self) -> float:
        """Mean of the values."""
        return float(self.values.mean())

    @property
    def p_value(self) -> float:
        """Chance of a value as large as the observed one, ``(1 + b) / (1 + draws)``."""
        return (1 + int((self.values >= self.observed - _TIE).sum())) / (1 + len(self.values))

    def band(self, level: float = LEVEL) -> tuple[float, float]:
        """Return the central interval of the values."""
        low, high = np.quantile(self.values, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
        return float(low), float(high)


@dataclass(frozen=True, slots=True)
class AgainstNull:
    """A quantity that is never negative, with what noise alone would show.

    Parameters
    ----------
    value : Estimate or Insufficient
        Observed value less the noise, not below 0; its interval begins at 0 unless the test rejects.
    observed, noise : float
        The value before that, and what noise adds to it.
    null_mean, null_low, null_high : float
        Mean and central interval of the values without effect. Show them beside `observed`, always.
    p_value : float
        Chance of a value as large as `observed` without effect.
    draws : int
        Number of null draws.
    null : str
        What was drawn.
    order : int
        Symbols of memory that the quantity takes into account.
    """

    value: Measured
    observed: float
    noise: float
    null_mean: float
    null_low: float
    null_high: float
    p_value: float
    draws: int
    null: str
    order: int


def reversal_null(words: WordCounts, quantity: Quantity, *, rng: np.random.Generator, draws: int = DRAWS) -> Null:
    """Draw a quantity with each whole group reversed with probability 1/2.

    Parameters
    ----------
    words : WordCounts
        Of the quantity's length.
    quantity : Quantity
    rng : numpy.random.Generator
    draws : int

    Returns
    -------
    Null

    Examples
    --------
    >>> from secondlaw.statistics.sequence_quantities import entropy_production_of
    >>> from secondlaw.statistics.sequence_words import word_counts
    >>> cycles = Sequences.of([[0, 1, 2] * 4] * 30, states=3)
    >>> null = reversal_null(word_counts(cycles, 2), entropy_production_of(), rng=np.random.default_rng(0), draws=199)
    >>> null.observed > 3 * null.mean, null.p_value
    (True, 0.005)
    """
    _enough_draws(draws)
    of = quantity.of(words)
    even, odd = reversed_totals(words)
    signs = np.asarray(1.0 - 2.0 * rng.integers(0, 2, size=(draws, words.groups)), dtype=np.float64)
    flipped = WordCounts(words.words, odd, words.units, words.states)  # rows add up to even + signs @ odd
    values = flipped.over(lambda turned: of(even + turned), signs)
    observed, alike = float(of(words.totals)), float(((words.table.sum(axis=1) / words.table.sum()) ** 2).sum())
    noise = float(values.mean())
    if words.groups > 1:
        noise = max(0.0, noise - alike * observed) / (1.0 - alike)
    units = "blocks of groups" if words.hashed else "groups"
    return Null(values, observed, noise, f"each of {words.groups} {units} reversed with probability 1/2")


def reversed_totals(words: WordCounts) -> tuple[Floats, Floats]:
    """Return the even part of the totals, shape (W,), and the odd part of each group, shape (G, W).

    With signs s the counts after reversing the groups of sign -1 are ``even + s @ odd``.
    """
    back = words.table[:, words.reversal]
    return (words.table + back).sum(axis=0) / 2.0, (words.table - back) / 2.0


def memory_null(
    sequences: Sequences,
    *,
    order: int = 1,
    rng: np.random.Generator,
    draws: int = DRAWS,
    within: Within = "auto",
) -> Null:
    """Draw the block information with followers dealt anew among places that show the same k symbols.

    Parameters
    ----------
    sequences : Sequences
    order : int
        Symbols k of memory under the null hypothesis, 0 or more.
    rng : numpy.random.Generator
    draws : int
        Fewer (not below 99) where more than 100,000 words are dealt.
    within : {"auto", "position", "state"}
        Whether places must lie at one position of their sequences; ``"auto"`` is yes if that leaves four or more to
        deal among on average.

    Returns
    -------
    Null

    Raises
    ------
    NotEnoughData
        If no sequence holds k + 2 symbols in a row.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> hidden = np.repeat(rng.random((60, 1)) < 0.5, 20, axis=1)  # half of the sequences prefer 0, half prefer 1
    >>> x = (rng.random((60, 20)) < np.where(hidden, 0.2, 0.8)).astype(int)
    >>> memory_null(Sequences.of(x, states=2), rng=rng, draws=199).p_value
    0.005
    """
    _enough_draws(draws)
    if within not in get_args(Within):
        raise InvalidInput(f"within is auto, position or state, got {within!r}")
    starts = sequences.word_starts(order + 2)
    if not len(starts):
        longest = sequences.lengths.max(initial=0)
        raise NotEnoughData(f"no sequence holds {order + 2} symbols in a row; longest: {longest}")
    known, stratum = _strata(sequences, starts, order)
    if within == "auto":
        within = "position" if len(starts) >= ENOUGH_TO_DEAL * (int(stratum.max()) + 1) else "state"
    value, followers = _block_information(sequences, starts, known, order)

    def deal(among: Ints, times: int) -> Floats:
        sorted_places = np.argsort(among, kind="stable")
        dealt = np.empty_like(followers)
        values = np.empty(times)
        for draw in range(times):
            dealt[sorted_places] = followers[np.argsort(among + rng.random(len(among)))]
            values[draw] = value(dealt)
        return values

    draws = max(min(draws, _FEWEST_DRAWS), min(draws, _SORTED // len(starts)))
    observed = value(followers)
    everywhere = deal(known, draws if within == "state" else min(draws, _FEWEST_DRAWS))
    noise = float(everywhere.mean())
    if within == "state":
        return Null(everywhere, observed, noise, "followers dealt anew among all places in the same state")
    words = "followers dealt anew among sequences in the same state at the same position"
    return Null(deal(stratum, draws), observed, noise, words)


def _strata(sequences: Sequences, starts: Ints, order: int) -> tuple[Ints, Ints]:
    """Return which k symbols are known before each follower, and which of these at which position, as ranks."""
    known = _ranks(word_indices(sequences, starts + 1, order))
    position = starts - sequences.offsets[sequences.sequence_of(starts)]
    return known, _ranks(known * (int(position.max()) + 1) + position)


def _block_information(
    sequences: Sequences, starts: Ints, known: Ints, order: int
) -> tuple[Callable[[Ints], float], Ints]:
    """Return the block information as a function of the followers, and the followers as they are."""
    K, followers = sequences.states, sequences.codes[starts + order + 1]
    past = _ranks(sequences.codes[starts] * (int(known.max()) + 1) + known)
    before, after, middle = (float(plug_in_entropy(_tally(key))) for key in (past, known * K + followers, known))

    def value(dealt: Ints) -> float:
        return max(0.0, before + after - middle - float(plug_in_entropy(_tally(past * K + dealt))))

    return value, followers


def _ranks(keys: Ints) -> Ints:
    return np.unique(keys, return_inverse=True)[1].astype(np.int64)


def _tally(keys: Ints) -> Floats:
    return np.bincount(keys).astype(np.float64)


def _enough_draws(draws: int) -> None:
    if draws < 19:
        raise InvalidInput(f"a null distribution needs 19 draws or more, got {draws}")
