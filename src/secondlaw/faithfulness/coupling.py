r"""The paper's reference algorithm: alternating minimisation over the couplings A and Q (arXiv:2512.05156).

With :math:`u_{ij} = p_{c,i} A_{ij}` and :math:`v_{ij} = p_{c,i} Q_{ij}` the problem is to minimise
:math:`KL(u \| v)` over couplings u of (p_c, p_a) and v of (p_c, p_q). Both sets are convex, so that minimising over one
while the other is held converges to the optimum (Csiszar & Tusnady, Statistics & Decisions, Suppl. 1, 205 (1984)),
however slowly: at a rate that comes near 1 for lopsided shares. Two things are ours:

- it stops where a lower bound *proves* the value within the tolerance (:mod:`secondlaw.faithfulness.alternation`), not
  where steps are small;
- every third round starts from an extrapolation of the last two (SQUAREM: Varadhan & Roland, Scand. J. Stat. 35, 335
  (2008)), kept only where the value does not rise. Without it (``accelerated=False``) this is the paper's iteration.

It exists to check :func:`~secondlaw.faithfulness.divergence.topic_divergence`, which gives the same value without it.
A and Q depend on the start: they are not unique, and no findings.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.faithfulness.alternation import Marginals, Round, alternate, scaled
from secondlaw.statistics.counts import checked_counts

__all__ = ["Transport", "transport"]

Floats = NDArray[np.float64]

TOLERANCE = 1e-9
"""Proven distance to the minimum, in nats: a tenth of what is asked of the closed form."""
_LONGEST = 1e4
"""Longest extrapolation, in steps."""
_LEAST = 1e-9
"""Least element that an extrapolation may have, in those of the product coupling: nearer to 0 rounding spoils duals."""


@dataclass(frozen=True, slots=True)
class Transport:
    """Outcome of the alternating minimisation.

    Parameters
    ----------
    value : ndarray of float64, shape (...)
        The divergence reached, in nats; the minimum is at most `gap` below.
    gap : ndarray of float64, shape (...)
        Value less a proven lower bound of the minimum, in nats; 0 up to rounding at the optimum.
    answer, question : ndarray of float64, shape (..., K, K)
        Row-stochastic A and Q at the end; one optimum of many.
    rounds : int
        Alternations made, of the problem that took the most.
    converged : bool
        Whether every gap is within the tolerance.
    """

    value: Floats
    gap: Floats
    answer: Floats
    question: Floats
    rounds: int
    converged: bool


def transport(
    answer: ArrayLike,
    question: ArrayLike,
    context: ArrayLike,
    *,
    rng: np.random.Generator | None = None,
    tolerance: float = TOLERANCE,
    most: int = 20_000,
    accelerated: bool = True,
) -> Transport:
    """Minimise the divergence of two couplings by alternation.

    Parameters
    ----------
    answer, question, context : array_like, shape (..., K)
        Shares of topics, all positive; leading axes are separate problems, solved at once.
    rng : numpy.random.Generator, optional
        Draws the start, a random coupling; without it the start is ``p_q + I`` scaled, which is no product either.
    tolerance : float
        Proven distance to the minimum at which to stop, in nats; below about 1e-12 rounding hides it.
    most : int
        Alternations at most.
    accelerated : bool
        Whether rounds are extrapolated; the value is the same.

    Returns
    -------
    Transport

    Raises
    ------
    InvalidInput
        If a share is zero.

    Examples
    --------
    >>> found = transport([0.5, 0.5], [0.9, 0.1], [0.3, 0.7])
    >>> round(float(found.value), 6), found.converged
    (0.510826, True)
    """
    p_a, p_q, p_c = np.broadcast_arrays(*(_shares(one) for one in (answer, question, context)))
    shape, k = p_a.shape[:-1], p_a.shape[-1]
    shares = Marginals(*(np.ascontiguousarray(one).reshape(-1, k) for one in (p_a, p_q, p_c)))
    n = len(shares.answer)
    begin = shares.question[:, None, :] + np.eye(k) if rng is None else rng.gamma(1.0, size=(n, k, k)) + 1e-3
    state = alternate(scaled(begin, shares.context, shares.question), np.full((n, 2 * k), 0.5), shares)
    found, rounds = state, 1
    left = np.flatnonzero(state.gap > tolerance)
    while len(left) and rounds < most:
        here = shares.at(left)
        state = _three_rounds(found.at(left), here) if accelerated else _round(found.at(left), here)
        rounds += 3 if accelerated else 1
        for whole, part in zip(found, state, strict=True):
            whole[left] = part
        left = left[state.gap > tolerance]
    rows = shares.context[:, :, None]
    return Transport(
        found.value.reshape(shape), found.gap.reshape(shape), (found.u / rows).reshape(*shape, k, k),
        (found.v / rows).reshape(*shape, k, k), rounds, not len(left),
    )  # fmt: skip


def _round(state: Round, shares: Marginals) -> Round:
    return alternate(state.v, state.duals, shares)


def _three_rounds(state: Round, shares: Marginals) -> Round:
    """Make two rounds, and a third from their extrapolation; where that raises the value, the second stands."""
    first = _round(state, shares)
    second = _round(first, shares)
    start, one, two = (np.log(each.v) for each in (state, first, second))
    step = one - start
    turn = (two - one) - step
    lengths = [np.sqrt((each**2).sum(axis=(-2, -1), keepdims=True)) for each in (step, turn)]
    a = np.clip(lengths[0] / np.maximum(lengths[1], 1e-300), 1.0, _LONGEST)
    least = np.log(_LEAST * shares.context[:, :, None] * shares.question[:, None, :])
    beyond = np.exp(np.clip(start + 2.0 * a * step + a * a * turn, least, 0.0))
    third = alternate(scaled(beyond, shares.context, shares.question), second.duals, shares)
    return third.where(third.value <= second.value, second)


def _shares(counts: ArrayLike) -> Floats:
    values = np.asarray(checked_counts(counts), dtype=np.float64)
    if not (values > 0).all():
        raise InvalidInput("the alternating minimisation needs positive shares of every topic: smooth the counts first")
    return np.asarray(values / values.sum(axis=-1, keepdims=True))
