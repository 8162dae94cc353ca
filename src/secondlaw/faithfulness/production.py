r"""Semantic entropy production of a question, context and answer: every definition under its name (arXiv:2512.05156).

The published one (algorithm 2 of the author's notes) is ``SEP = D(A* || A^R)``, where A^R minimises it among matrices
with the sums of A*. A* is one of them: **SEP is 0 for every input** (:func:`documented_production` runs it). So is
``S_dot + S_m`` where A is reversed by Bayes' rule: the flow to the medium is then ``H(p_c) - H(p_a)``, and cancels
``S_dot = H(p_a) - H(p_c)``. The author's code sets ``SEP := D_min = 1 / SF - 1`` instead, the topic divergence under
another name. Two quantities that are neither are offered as ours:

- *relaxation*: :math:`KL(p_c \| p_a)`, the entropy produced when a Markov chain with the product coupling
  ``A = 1 p_a^T``, whose stationary law is p_a, relaxes from p_c to p_a;
- *entropy change*: :math:`H(p_a) - H(p_c)`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.faithfulness.alternation import question_step
from secondlaw.faithfulness.divergence import SMOOTHING, topic_divergence
from secondlaw.faithfulness.divergence_interval import Deals, divergence_interval, posterior_shares, widest_interval
from secondlaw.faithfulness.levels import DRAWS, resampled_counts
from secondlaw.faithfulness.measured_levels import FEWEST_ANSWER
from secondlaw.statistics import LEVEL, kullback_leibler, plug_in
from secondlaw.statistics.counts import checked_counts
from secondlaw.types import NATS, Estimate, Insufficient, Measured

__all__ = ["EntropyProduction", "documented_production", "entropy_production", "production_levels"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class EntropyProduction:
    """Definitions of semantic entropy production, in nats, each of shape (...).

    Parameters
    ----------
    as_documented : ndarray of float64
        Zero identically.
    as_published_code : ndarray of float64
        The topic divergence.
    relaxation : ndarray of float64
        KL(context || answer); ours.
    entropy_change : ndarray of float64
        H(answer) - H(context); ours.
    """

    as_documented: Floats
    as_published_code: Floats
    relaxation: Floats
    entropy_change: Floats


def documented_production(coupling: ArrayLike, context: ArrayLike, *, rng: np.random.Generator | None = None) -> Floats:
    """Return semantic entropy production as documented: D(A || A^R) at its minimum over A^R, which is 0.

    Parameters
    ----------
    coupling : array_like, shape (..., K, K)
        Row-stochastic A, positive: topic j in the answer, given i in the context.
    context : array_like, shape (..., K)
        Shares of the context's topics, positive.
    rng : numpy.random.Generator, optional
        Draws the multipliers to begin with; without it they begin apart from the solution, too.

    Returns
    -------
    ndarray of float64, shape (...)
        In nats; rounding alone keeps it from 0.

    Examples
    --------
    >>> abs(float(documented_production([[0.9, 0.1], [0.4, 0.6]], [0.3, 0.7]))) < 1e-12
    True
    """
    a, p = np.asarray(coupling, dtype=np.float64), np.asarray(context, dtype=np.float64)
    if not (a > 0).all() or not (p > 0).all() or np.abs(a.sum(axis=-1) - 1.0).max() > 1e-6:
        raise InvalidInput("the documented algorithm needs positive rows that sum to 1 and positive shares")
    shape, k = p.shape[:-1], p.shape[-1]
    forward = (p[..., :, None] * a).reshape(-1, k, k)
    begin = np.linspace(0.2, 2.0, 2 * k) if rng is None else rng.uniform(0.2, 2.0, size=(len(forward), 2 * k))
    duals = np.broadcast_to(begin, (len(forward), 2 * k)).copy()
    backward, _ = question_step(forward, p.reshape(-1, k), forward.sum(axis=-2), duals)
    return np.asarray((forward * np.log(forward / backward)).sum(axis=(-2, -1))).reshape(shape)


def entropy_production(
    answer: ArrayLike, question: ArrayLike, context: ArrayLike, *, smoothing: float = SMOOTHING
) -> EntropyProduction:
    """Return semantic entropy production by each definition.

    Parameters
    ----------
    answer, question, context : array_like, shape (..., K)
        Sentences in each topic; shares where `smoothing` is 0.
    smoothing : float
        Pseudo-count of every topic.

    Returns
    -------
    EntropyProduction
        Plug-in values of smoothed shares: no estimates of a population, see :func:`level_table` for intervals.

    Examples
    --------
    >>> found = entropy_production([4, 4], [6, 2], [5, 3])
    >>> [round(float(one), 3) for one in (found.as_documented, found.as_published_code, found.relaxation)]
    [0.0, 0.11, 0.025]
    """
    divergence = topic_divergence(answer, question, smoothing=smoothing)
    relaxation = kullback_leibler(context, answer, smoothing=smoothing, infinite=True)
    a, c = (np.asarray(checked_counts(one), dtype=np.float64) + smoothing for one in (answer, context))
    return EntropyProduction(np.zeros_like(divergence), divergence, relaxation, plug_in(a) - plug_in(c))


def production_levels(
    answer: ArrayLike,
    context: ArrayLike,
    *,
    rng: np.random.Generator,
    draws: int = DRAWS,
    smoothing: float = SMOOTHING,
    level: float = LEVEL,
) -> dict[str, Measured]:
    """Return relaxation and entropy change of one answer with intervals over its sentences and the context's.

    Parameters
    ----------
    answer, context : array_like of int, shape (K,)
        Sentences in each topic.
    rng : numpy.random.Generator
        Source of the resamples.
    draws : int
        Resamples.
    smoothing : float
        Pseudo-count of every topic.
    level : float
        Coverage of intervals.

    Returns
    -------
    dict
        ``"relaxation"`` and ``"entropy_change"``, in nats; our definitions, see the module.

    Examples
    --------
    >>> found = production_levels([6, 4], [30, 30], rng=np.random.default_rng(0))
    >>> print(found["relaxation"])
    0.017 [0.000, 0.385] nats
    """
    a, c = np.asarray(answer, dtype=np.int64), np.asarray(context, dtype=np.int64)
    n, reason = int(a.sum() + c.sum()), None
    if min(a.sum(), c.sum()) < FEWEST_ANSWER:
        reason = f"needs {FEWEST_ANSWER} sentences of answer and context, got {a.sum()} and {c.sum()}"
    elif len(a) < 2:
        reason = "one topic holds all sentences: there is nothing to compare"
    if reason is not None:
        return {"relaxation": Insufficient(reason), "entropy_change": Insufficient(reason)}
    found: dict[str, Measured] = {}
    drawn = [resampled_counts(one, draws, rng) for one in (a, c)]
    value, replicates = (entropy_production(x, x, y, smoothing=smoothing) for x, y in ((a, c), drawn))
    deals = _deals(a, c, draws, float(value.relaxation), smoothing, rng)
    ends = divergence_interval(
        float(value.relaxation), replicates.relaxation, deals, (c, a), smoothing=smoothing, level=level, rng=rng
    )
    found["relaxation"] = _estimate("relaxation", float(value.relaxation), ends, n, draws, level)
    shares = [posterior_shares(one, draws, smoothing=smoothing, rng=rng) for one in (a, c)]
    posterior = plug_in(shares[0]) - plug_in(shares[1])
    change = float(value.entropy_change)
    ends = widest_interval(change, replicates.entropy_change, posterior, level=level, bounds=(-np.inf, np.inf))
    found["entropy_change"] = _estimate("entropy_change", change, ends, n, draws, level)
    return found


def _deals(a: Ints, c: Ints, draws: int, value: float, smoothing: float, rng: np.random.Generator) -> Deals:
    pool = a + c
    dealt = rng.multivariate_hypergeometric(pool, int(a.sum()), size=draws, method="count")
    chance = kullback_leibler(pool - dealt, dealt, smoothing=smoothing)
    return Deals(chance, (1 + np.count_nonzero(chance >= value - 1e-12)) / (1 + draws))


def _estimate(name: str, value: float, ends: tuple[float, float], n: int, draws: int, level: float) -> Estimate:
    method = (
        f"{name.replace('_', ' ')} (definition of secondlaw), interval of the laws' with these pseudo-counts ({draws})"
    )
    return Estimate(value, *ends, level, n, NATS, method, "sentences")
