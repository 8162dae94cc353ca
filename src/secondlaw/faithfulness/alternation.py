r"""One round of the paper's alternating minimisation, with a lower bound of the minimum (arXiv:2512.05156).

Over couplings u of (p_c, p_a) and v of (p_c, p_q), :math:`KL(u \| v)` is minimised in turn:

- A-step: u is v with rows and columns scaled to (p_c, p_a), the I-projection (Sinkhorn);
- Q-step: :math:`v_{ij} = u_{ij} / (\lambda_i + \nu_j)`, the duals by Newton steps on the concave dual
  :math:`\sum_{ij} u_{ij} \ln(\lambda_i + \nu_j) - \sum_i \lambda_i p_{c,i} - \sum_j \nu_j p_{q,j}`.

**The bound.** :math:`KL(u \| v) = \sup_f \sum u f - \sum v (e^f - 1)`. With :math:`f_{ij} = \ln g_j` both sums
depend on the marginals alone, so that for *every* pair of couplings and every g > 0

.. math:: KL(u \| v) \ge \sum_j p_{a,j} \ln g_j - \sum_j p_{q,j} g_j + 1.

The round's own duals give :math:`g_j = \sum_i p_{c,i} \lambda_i + \nu_j`. The round's value less this bound is a proven
distance to the minimum, whatever became of the iteration.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Marginals", "Round", "alternate", "question_step", "scaled"]

Floats = NDArray[np.float64]

_SCALINGS = 2000
_NEWTON = 60
_SUMS = 1e-13
"""Error of sums of shares at which a step is done."""


class Marginals(NamedTuple):
    """Shares of answer, question and context, each of shape (n, K)."""

    answer: Floats
    question: Floats
    context: Floats

    def at(self, chosen: NDArray[np.int64]) -> "Marginals":
        """Return some of the problems."""
        return Marginals(self.answer[chosen], self.question[chosen], self.context[chosen])


class Round(NamedTuple):
    """State after a round, for n problems: u, v (n, K, K), duals (n, 2 K), value and proven gap (n,)."""

    u: Floats
    v: Floats
    duals: Floats
    value: Floats
    gap: Floats

    def at(self, chosen: NDArray[np.int64]) -> "Round":
        """Return some of the problems."""
        return Round(*(part[chosen] for part in self))

    def where(self, wanted: NDArray[np.bool_], other: "Round") -> "Round":
        """Return this state for the problems wanted, the other's for the rest."""
        mixed = (
            np.where(wanted.reshape(-1, *[1] * (mine.ndim - 1)), mine, theirs)
            for mine, theirs in zip(self, other, strict=True)
        )
        return Round(*mixed)


def alternate(v: Floats, duals: Floats, shares: Marginals) -> Round:
    """Make one round from v with the sums (p_c, p_q) and from duals to begin with."""
    u = scaled(v, shares.context, shares.answer)
    v, duals = question_step(u, shares.context, shares.question, duals)
    value = (u * np.log(u / v)).sum(axis=(-2, -1))
    k = shares.context.shape[-1]
    g = (duals[:, :k] * shares.context).sum(axis=-1, keepdims=True) + duals[:, k:]
    # Any g > 0 gives a bound: the floor keeps a poor dual a poor bound.
    g = np.maximum(g, 1e-300)
    bound = (shares.answer * np.log(g)).sum(axis=-1) - (shares.question * g).sum(axis=-1) + 1.0
    return Round(u, v, duals, value, value - bound)


def scaled(matrix: Floats, rows: Floats, columns: Floats) -> Floats:
    """Scale rows and columns of positive matrices (n, K, K) to given sums (Sinkhorn), to rounding."""
    for _ in range(_SCALINGS):
        matrix = matrix * (rows / matrix.sum(axis=-1))[..., None]
        sums = matrix.sum(axis=-2)
        matrix = matrix * (columns / sums)[..., None, :]
        if np.abs(matrix.sum(axis=-1) - rows).max() <= _SUMS:
            break
    return matrix


def question_step(u: Floats, p_c: Floats, p_q: Floats, duals: Floats) -> tuple[Floats, Floats]:
    """Return v = u / (lambda + nu) with the sums (p_c, p_q), by damped Newton steps from the last duals."""
    k = p_c.shape[-1]
    target = np.concatenate((p_c, p_q), axis=-1)
    at = np.arange(k)
    # The dual does not change along (1, -1): that direction is pinned, so that the system has one solution.
    gauge = np.concatenate((np.ones(k), -np.ones(k)))
    for _ in range(_NEWTON):
        total = duals[..., :k, None] + duals[..., None, k:]
        v = u / total
        gradient = np.concatenate((v.sum(axis=-1), v.sum(axis=-2)), axis=-1) - target
        if np.abs(gradient).max() <= _SUMS:
            break
        second = v / total
        hessian = np.zeros((*p_c.shape[:-1], 2 * k, 2 * k))
        hessian[..., at, at] = second.sum(axis=-1)
        hessian[..., k + at, k + at] = second.sum(axis=-2)
        hessian[..., :k, k:] = second
        hessian[..., k:, :k] = np.swapaxes(second, -1, -2)
        hessian += np.outer(gauge, gauge) * (np.trace(hessian, axis1=-2, axis2=-1) / (2 * k) ** 2)[..., None, None]
        step = np.linalg.solve(hessian, gradient[..., None])[..., 0]
        change = step[..., :k, None] + step[..., None, k:]
        # A step keeps every lambda_i + nu_j positive: at most 9/10 of the way to zero.
        shrinks = np.maximum((-change / total).max(axis=(-2, -1)), 0.9)
        duals = duals + (0.9 / shrinks)[..., None] * step
    return u / (duals[..., :k, None] + duals[..., None, k:]), duals
