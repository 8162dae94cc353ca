r"""What the counts of words say about order: entropy rate, block information, entropy production, as plain functions.

With p the shares of words of L symbols and H the entropy of shares, in nats:

- entropy rate of order k, block form: :math:`h_k = H(x_0..x_k) - H(x_0..x_{k-1})`, both from words of k + 1 symbols;
- the same, Markov form: :math:`\sum_c \pi_c H(x | c)` with :math:`\pi` stationary under the transitions counted, which
  is the rate reached in the long run where sequences do not start in the steady state;
- block information of order k: :math:`I(x_0; x_{k+1} | x_1..x_k) \ge 0`, zero if and only if k symbols are all the
  memory there is. One hidden mode makes it positive;
- excess entropy: :math:`H(x_0..x_{L-1}) - L h_{L-1}`, what past and future share within L symbols
  (Crutchfield & Feldman, Chaos 13, 25 (2003));
- entropy production of order k: with the reversed word w~ and
  :math:`D_L = \frac12 \sum_w (p_w - p_{\tilde w}) \ln (p_w / p_{\tilde w})`, the order-1 value is :math:`D_2` and the
  order-k value :math:`D_{k+1} - D_k \ge 0`, D_k from the mean of both margins (Roldan & Parrondo, Phys. Rev. E 85,
  031129 (2012)). For a stationary Markov process of order k it is the entropy production per step, in units of k_B;
  of another process the order-1 value is at most the production of a stationary Markov process of even variables, seen
  and hidden, behind it; at higher orders it is no bound. Out of a steady state it also holds the drift of the shares.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.statistics.sequence_words import WordCounts, plug_in_entropy, word_numbers
from secondlaw.types import NATS, NATS_PER_STEP

__all__ = [
    "SMOOTHING", "Quantity", "block_information_of", "entropy_noise", "entropy_of", "entropy_production_of",
    "entropy_rate_of", "excess_entropy_of", "markov_entropy_rate_of",
]  # fmt: skip

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Of = Callable[[Floats], Floats]

SMOOTHING = 0.5
"""Events added to each direction of a pair of symbols that occurs (Jeffreys), so that no ratio is infinite."""

_COINS = 60  # tosses from which the mean divergence is 2
_RESTART = 1e-9  # chance per step to start anew, which makes the stationary distribution unique


@dataclass(frozen=True, slots=True)
class Quantity:
    """A function of the counts of words.

    Parameters
    ----------
    name : str
        In words, for people.
    length : int
        Symbols of the words it needs.
    of : callable
        Takes :class:`~secondlaw.statistics.sequence_words.WordCounts`, gives the function from counts (..., W) to
        values (...).
    unit : str
    ceiling : float
        Largest possible value as a multiple of ln K, K the number of symbols.
    noise : callable
        As `of`, gives about what noise adds to a value if words were independent: for tests that compare two sides,
        which must not take a difference in noise for one in the quantity.
    """

    name: str
    length: int
    of: Callable[[WordCounts], Of]
    unit: str
    ceiling: float
    noise: Callable[[WordCounts], Of]


def entropy_of() -> Quantity:
    """Return the entropy of single symbols, which does not see order."""
    return Quantity(
        "entropy of single symbols", 1, lambda words: plug_in_entropy, NATS, 1.0, lambda words: entropy_noise
    )


def entropy_rate_of(order: int = 1) -> Quantity:
    """Return the entropy rate of order k >= 1, block form."""
    _at_least(order, 1)

    def of(words: WordCounts) -> Of:
        past = words.margin(0, order)
        return lambda counts: plug_in_entropy(counts) - plug_in_entropy(past(counts))

    return Quantity(f"entropy rate given {_symbols(order)}", order + 1, of, NATS_PER_STEP, 1.0, _noise_of_rate(order))


def markov_entropy_rate_of(order: int = 1) -> Quantity:
    """Return the entropy rate of the Markov chain of order k >= 1 with the transitions counted."""
    _at_least(order, 1)

    def of(words: WordCounts) -> Of:
        before, after = (word_numbers(part, words.states) for part in (words.words[:, :-1], words.words[:, 1:]))
        contexts = np.unique(np.r_[before, after])
        start, end = np.searchsorted(contexts, before), np.searchsorted(contexts, after)
        return lambda counts: _markov_rate(counts, start, end, len(contexts))

    name = f"entropy rate of the Markov chain of order {order}"
    return Quantity(name, order + 1, of, NATS_PER_STEP, 1.0, _noise_of_rate(order))


def block_information_of(order: int = 1) -> Quantity:
    """Return I(x_0; x_(k+1) | x_1..x_k), the memory beyond k >= 0 symbols."""
    _at_least(order, 0)

    def of(words: WordCounts) -> Of:
        early, late, middle = words.margin(0, order + 1), words.margin(1, order + 2), words.margin(1, order + 1)

        def value(counts: Floats) -> Floats:
            known = plug_in_entropy(middle(counts)) if order else np.zeros(counts.shape[:-1])
            both = plug_in_entropy(early(counts)) + plug_in_entropy(late(counts))
            return np.asarray(np.maximum(both - known - plug_in_entropy(counts), 0.0))

        return value

    def noise(words: WordCounts) -> Of:
        early, late, middle = words.margin(0, order + 1), words.margin(1, order + 2), words.margin(1, order + 1)

        def added(counts: Floats) -> Floats:
            known = entropy_noise(middle(counts)) if order else np.zeros(counts.shape[:-1])
            return np.asarray(
                entropy_noise(early(counts)) + entropy_noise(late(counts)) - known - entropy_noise(counts)
            )

        return added

    return Quantity(f"memory beyond {_symbols(order)}", order + 2, of, NATS, 1.0, noise)


def excess_entropy_of(length: int = 3) -> Quantity:
    """Return the excess entropy within words of `length` >= 2 symbols."""
    _at_least(length - 1, 1)

    def of(words: WordCounts) -> Of:
        past = words.margin(0, length - 1)

        def value(counts: Floats) -> Floats:
            whole = plug_in_entropy(counts)
            return np.asarray(whole - length * (whole - plug_in_entropy(past(counts))))

        return value

    def noise(words: WordCounts) -> Of:
        past = words.margin(0, length - 1)
        return lambda counts: np.asarray((1 - length) * entropy_noise(counts) + length * entropy_noise(past(counts)))

    return Quantity(f"excess entropy within {length} symbols", length, of, NATS, length - 1.0, noise)


def entropy_production_of(order: int = 1, *, smoothing: float = SMOOTHING) -> Quantity:
    """Return the entropy production per step of order k >= 1.

    Parameters
    ----------
    order : int
    smoothing : float
        Events added to each direction of a pair of symbols, above 0; of a word of L symbols, this over K**(L-2), so
        that words and their margins are smoothed alike.
    """
    _at_least(order, 1)
    if not smoothing > 0.0:
        raise InvalidInput(f"smoothing is above 0, else one-way transitions are infinitely irreversible; {smoothing}")

    def of(words: WordCounts) -> Of:
        return built(words, _divergence)

    def noise(words: WordCounts) -> Of:
        return built(words, _divergence_noise)

    def built(words: WordCounts, divergence: Callable[[Floats, Ints, Ints, float], Floats]) -> Of:
        share = smoothing / words.states ** (order - 1)
        there, back = _pairs(words.words, words.reversal)
        if order == 1:
            return lambda counts: divergence(counts, there, back, share)
        first, last, pairs = words.margin(0, order), words.margin(1, order + 1), _pairs_of_margins(words, order)
        columns = [np.searchsorted(pairs.numbers, words.margin_numbers(k, k + order)) for k in (0, 1)]

        def value(counts: Floats) -> Floats:
            mean = np.zeros((*counts.shape[:-1], len(pairs.numbers)))
            mean[..., columns[0]] += first(counts) / 2.0
            mean[..., columns[1]] += last(counts) / 2.0
            before = divergence(mean, pairs.there, pairs.back, share * words.states)
            return np.asarray(np.maximum(divergence(counts, there, back, share) - before, 0.0))

        return value

    return Quantity(f"entropy production of order {order}", order + 1, of, NATS_PER_STEP, math.inf, noise)


def _divergence(counts: Floats, there: Ints, back: Ints, smoothing: float) -> Floats:
    """Return sum (n - n~) ln (n / n~) / n over words and their reversals, each pair once."""
    a, b = counts[..., there] + smoothing, counts[..., back] + smoothing
    n = counts.sum(axis=-1)
    value = ((a - b) * (np.log(a) - np.log(b))).sum(axis=-1)
    return np.asarray(np.where(n > 0.0, value / np.where(n > 0.0, n, 1.0), np.nan))


def _divergence_noise(counts: Floats, there: Ints, back: Ints, smoothing: float) -> Floats:
    """Return the mean of :func:`_divergence` if each of the events of a pair took either direction by chance.

    What goes there must come back within a sequence, so that long ones show less: for K states that all follow each
    other about the share 1 - 2 / K.
    """
    n = counts.sum(axis=-1)
    added = np.interp(counts[..., there] + counts[..., back], np.arange(_COINS + 1), _coin_divergence(smoothing))
    return np.asarray(added.sum(axis=-1) / np.where(n > 0.0, n, 1.0))


@cache
def _coin_divergence(smoothing: float) -> tuple[float, ...]:
    """Return the mean of (a - b) ln((a + s) / (b + s)) for a + b = 0, 1, ... tosses of a coin; 2 for many."""

    def mean(tosses: int) -> float:
        heads = np.arange(tosses + 1)
        chance = np.array([math.comb(tosses, k) for k in heads]) / 2.0**tosses
        ratio = np.log((heads + smoothing) / (tosses - heads + smoothing))
        return float((chance * (2 * heads - tosses) * ratio).sum())

    return tuple(mean(tosses) for tosses in range(_COINS + 1))


def _noise_of_rate(order: int) -> Callable[[WordCounts], Of]:
    def noise(words: WordCounts) -> Of:
        past = words.margin(0, order)
        return lambda counts: np.asarray(entropy_noise(counts) - entropy_noise(past(counts)))

    return noise


def entropy_noise(counts: Floats) -> Floats:
    """Return what noise adds to a plug-in entropy: minus (words seen - 1) / 2n (Miller & Madow 1955)."""
    n = counts.sum(axis=-1)
    return np.asarray(-((counts > 0.0).sum(axis=-1) - 1.0) / (2.0 * np.where(n > 0.0, n, 1.0)))


def _pairs(words: Ints, reversal: Ints) -> tuple[Ints, Ints]:
    there = np.nonzero(np.arange(len(words)) < reversal)[0]
    return there, reversal[there]


class _Pairs(NamedTuple):
    """Words by their number, and the columns of each word and its reversal, each pair once."""

    numbers: Ints
    there: Ints
    back: Ints


def _pairs_of_margins(words: WordCounts, length: int) -> _Pairs:
    """Return the words of `length` symbols that begin or end the counted ones: closed under reversal, as those are."""
    margins = np.unique(np.concatenate([words.words[:, :length], words.words[:, -length:]]), axis=0)
    numbers = word_numbers(margins, words.states)
    reversal = np.searchsorted(numbers, word_numbers(margins[:, ::-1], words.states))
    return _Pairs(numbers, *_pairs(margins, reversal))


def _markov_rate(counts: Floats, start: Ints, end: Ints, contexts: int) -> Floats:
    flat = counts.reshape(-1, counts.shape[-1])
    to = np.zeros((len(flat), contexts, contexts))
    out = np.zeros((len(flat), contexts))
    np.add.at(to.transpose(1, 2, 0), (start, end), flat.T)
    np.add.at(out.T, start, flat.T)
    seen = flat.sum(axis=1, keepdims=True)
    usual = out / np.where(seen > 0.0, seen, 1.0)  # where a dead end, or a restart, leads
    known = np.where(out > 0.0, out, 1.0)
    P = np.where(out[:, :, None] > 0.0, to / known[:, :, None], usual[:, None, :])
    pi = _stationary((1.0 - _RESTART) * P + _RESTART * usual[:, None, :])
    shares = flat / known[:, start]
    surprise = -shares * np.log(np.where(shares > 0.0, shares, 1.0))
    rate = (pi[:, start] * surprise).sum(axis=1)
    return np.asarray(np.where(seen[:, 0] > 0.0, rate, np.nan).reshape(counts.shape[:-1]))


def _stationary(P: Floats) -> Floats:
    """Return the stationary distributions (B, C) of transition matrices (B, C, C)."""
    C = P.shape[-1]
    system = np.swapaxes(P, -1, -2) - np.eye(C)
    system[:, -1, :] = 1.0  # the last balance follows from the others: replace it by normalisation
    target = np.zeros((len(P), C, 1))
    target[:, -1] = 1.0
    pi = np.maximum(np.linalg.solve(system, target)[..., 0], 0.0)
    return np.asarray(pi / pi.sum(axis=1, keepdims=True))


def _at_least(order: int, least: int) -> None:
    if order < least:
        raise InvalidInput(f"the order is {least} or more here, got {order}")


def _symbols(order: int) -> str:
    return "nothing" if order == 0 else "the last symbol" if order == 1 else f"the last {order} symbols"
