r"""How many steps a discrete process remembers, by held-out likelihood.

For each order k, transition probabilities are counted on the other folds, smoothed towards those of order k - 1 (with
the weight of one observation for each follower seen; Witten & Bell, IEEE Trans. Inf. Theory 37, 1085 (1991)), and judge
the symbols of the held-out fold. The smallest order within one standard error of the best is taken.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.statistics import Sequences
from secondlaw.statistics.sequence_words import WordCounts, word_counts, word_numbers

__all__ = ["OrderChoice", "choose_order", "order_likelihoods"]

Floats = NDArray[np.float64]

_FOLDS = 5


@dataclass(frozen=True, slots=True)
class OrderChoice:
    """Held-out log likelihood by order.

    Parameters
    ----------
    order : int
        The chosen one, 0 or more.
    likelihoods : tuple of float
        Mean logarithm of the predicted probability of a held-out symbol for orders 0, 1, ..., in nats.
    gains : tuple of float
        Of each order over the one before.
    errors : tuple of float
        Standard errors of the gains, from groups.
    """

    order: int
    likelihoods: tuple[float, ...]
    gains: tuple[float, ...]
    errors: tuple[float, ...]


def choose_order(sequences: Sequences, longest: int = 3) -> OrderChoice:
    """Choose the order of a Markov chain.

    Parameters
    ----------
    sequences : Sequences
        Whose groups are the folds' units.
    longest : int
        Largest order that is tried.

    Raises
    ------
    NotEnoughData
        If no sequence holds `longest + 1` symbols in a row.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = np.empty((50, 100), dtype=int)
    >>> x[:, :2] = rng.integers(0, 2, size=(50, 2))
    >>> for t in range(2, 100):
    ...     x[:, t] = x[:, t - 2] ^ (rng.random(50) < 0.2)  # remembers two steps
    >>> choose_order(Sequences.of(x, states=2)).order
    2
    """
    logs, sizes = order_likelihoods(sequences, longest)
    total = sizes.sum()
    likelihoods = logs.sum(axis=0) / total
    gains = np.diff(logs, axis=1)
    best = int(np.argmax(likelihoods))
    chosen = best
    for order in range(best):
        behind = logs[:, best] - logs[:, order]
        if behind.sum() <= _spread(behind):
            chosen = order
            break
    errors = [_spread(column) / total for column in gains.T]
    return OrderChoice(
        chosen, tuple(float(v) for v in likelihoods), tuple(float(v) for v in gains.sum(axis=0) / total),
        tuple(float(v) for v in errors),
    )  # fmt: skip


def order_likelihoods(sequences: Sequences, longest: int) -> tuple[Floats, Floats]:
    """Return held-out log likelihoods by group and order, shape (G, longest + 1), and symbols predicted, shape (G,)."""
    words = word_counts(sequences, longest + 1)
    fold = np.arange(words.groups) * min(_FOLDS, words.groups) // words.groups
    logs = np.empty((words.groups, longest + 1))
    for held in np.unique(fold):
        train = words.table[fold != held].sum(axis=0)
        logs[fold == held] = words.table[fold == held] @ _log_predictions(words, train, longest).T
    return logs, np.asarray(words.table.sum(axis=1))


def _log_predictions(words: WordCounts, train: Floats, longest: int) -> Floats:
    """Return ln of the smoothed probability of the last symbol of each word given the k before it, (k, W)."""
    K, out = words.states, np.empty((longest + 1, len(words.words)))
    below = np.full(len(words.words), 1.0 / K)
    for order in range(longest + 1):
        suffix = word_numbers(words.words[:, longest - order :], K)
        context = word_numbers(words.words[:, longest - order : longest], K) if order else np.zeros(len(suffix), int)
        kinds, of_word = np.unique(suffix, return_inverse=True)
        counts = np.bincount(of_word, weights=train, minlength=len(kinds))
        places, of_context = np.unique(context, return_inverse=True)
        kind_context = np.empty(len(kinds), dtype=np.int64)
        kind_context[of_word] = of_context
        seen = np.bincount(kind_context, weights=counts, minlength=len(places))
        followers = np.maximum(np.bincount(kind_context, weights=counts > 0, minlength=len(places)), 1.0)
        below = (counts[of_word] + followers[of_context] * below) / (seen[of_context] + followers[of_context])
        out[order] = np.log(below)
    return out


def _spread(values: Floats) -> float:
    return float(np.sqrt(len(values) * ((values - values.mean()) ** 2).sum() / max(1, len(values) - 1)))
