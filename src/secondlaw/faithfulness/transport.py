r"""The paper's reference algorithm: alternating minimisation over the couplings A and Q (arXiv:2512.05156).

With :math:`u_{ij} = p_{c,i} A_{ij}` and :math:`v_{ij} = p_{c,i} Q_{ij}` the problem is to minimise
:math:`KL(u \| v)` over couplings u of (p_c, p_a) and v of (p_c, p_q). Both sets are convex, so that minimising over one
while the other is held converges to the optimum (Csiszar & Tusnady, Statistics & Decisions, Suppl. 1, 205 (1984)):

- A-step: u is v with rows and columns scaled to (p_c, p_a), the I-projection (Sinkhorn);
- Q-step: v_ij = u_ij / (lambda_i + nu_j), the duals by Newton steps on the concave dual
  ``sum_ij u_ij ln(lambda_i + nu_j) - sum_i lambda_i p_c,i - sum_j nu_j p_q,j``.

It exists to check :func:`~secondlaw.faithfulness.divergence.topic_divergence`, which gives the same value without it.
A and Q depend on the start: they are not unique, and no findings.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.statistics.counts import checked_counts

__all__ = ["Transport", "transport"]

Floats = NDArray[np.float64]

_SCALINGS = 2000
_NEWTON = 60
_ROUNDING = 1e-15
_SUMS = 1e-13
"""Error of sums of shares at which a step is done."""


@dataclass(frozen=True, slots=True)
class Transport:
    """Outcome of the alternating minimisation.

    Parameters
    ----------
    value : ndarray of float64, shape (...)
        The minimum, in nats.
    answer, question : ndarray of float64, shape (..., K, K)
        Row-stochastic A and Q at the end; one optimum of many.
    rounds : int
        Alternations made.
    converged : bool
        Whether every value is within the tolerance of its limit.
    """

    value: Floats
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
    tolerance: float = 1e-10,
    most: int = 20_000,
) -> Transport:
    """Minimise the divergence of two couplings by alternation.

    Parameters
    ----------
    answer, question, context : array_like, shape (..., K)
        Shares of topics, all positive; leading axes are separate problems, solved at once.
    rng : numpy.random.Generator, optional
        Draws the start, a random coupling; without it the start is ``p_q + I`` scaled, which is no product either.
    tolerance : float
        Distance left to the minimum, in nats, at which to stop, judged by how fast the value changes.
    most : int
        Alternations at most.

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
    >>> round(float(found.value), 6)
    0.510826
    """
    p_a, p_q, p_c = np.broadcast_arrays(*(_shares(one) for one in (answer, question, context)))
    k = p_a.shape[-1]
    begin = p_q[..., None, :] + np.eye(k) if rng is None else rng.gamma(1.0, size=(*p_a.shape, k)) + 1e-3
    v = _scaled(begin, p_c, p_q)
    duals = np.ones((*p_a.shape[:-1], 2 * k)) / 2.0
    last = before = np.zeros(p_a.shape[:-1])
    rounds, converged = 0, False
    while rounds < most and not converged:
        rounds += 1
        u = _scaled(v, p_c, p_a)
        v, duals = _question_step(u, p_c, p_q, duals)
        value = (u * np.log(u / v)).sum(axis=(-2, -1))
        step = np.abs(last - value)
        # Steps that shrink by a factor r leave step r / (1 - r) to go.
        shrinks = np.minimum(step / np.maximum(before, 1e-300), 1.0 - 1e-9)
        converged = rounds > 2 and bool(((step * shrinks / (1.0 - shrinks) <= tolerance) | (step <= _ROUNDING)).all())
        last, before = value, step if rounds > 1 else before  # the first step is from nowhere
    return Transport(last, u / p_c[..., None], v / p_c[..., None], rounds, converged)


def _shares(counts: ArrayLike) -> Floats:
    values = np.asarray(checked_counts(counts), dtype=np.float64)
    if not (values > 0).all():
        raise InvalidInput("the alternating minimisation needs positive shares of every topic: smooth the counts first")
    return np.asarray(values / values.sum(axis=-1, keepdims=True))


def _scaled(matrix: Floats, rows: Floats, columns: Floats) -> Floats:
    """Scale rows and columns to given sums (Sinkhorn), to rounding."""
    for _ in range(_SCALINGS):
        matrix = matrix * (rows / matrix.sum(axis=-1))[..., None]
        sums = matrix.sum(axis=-2)
        matrix = matrix * (columns / sums)[..., None, :]
        if np.abs(matrix.sum(axis=-1) - rows).max() <= _SUMS:
            break
    return matrix


def _question_step(u: Floats, p_c: Floats, p_q: Floats, duals: Floats) -> tuple[Floats, Floats]:
    """Return v = u / (lambda + nu) with the sums (p_c, p_q), by damped Newton steps from the last duals."""
    k = p_c.shape[-1]
    target = np.concatenate((p_c, p_q), axis=-1)
    for _ in range(_NEWTON):
        total = duals[..., :k, None] + duals[..., None, k:]
        v = u / total
        gradient = np.concatenate((v.sum(axis=-1), v.sum(axis=-2)), axis=-1) - target
        if np.abs(gradient).max() <= _SUMS:
            break
        second = v / total
        hessian = np.zeros((*p_c.shape[:-1], 2 * k, 2 * k))
        at = np.arange(k)
        hessian[..., at, at] = second.sum(axis=-1)
        hessian[..., k + at, k + at] = second.sum(axis=-2)
        hessian[..., :k, k:] = second
        hessian[..., k:, :k] = np.swapaxes(second, -1, -2)
        # The dual does not change along (1, -1): that direction is pinned, so that the system has one solution.
        gauge = np.concatenate((np.ones(k), -np.ones(k)))
        hessian += np.outer(gauge, gauge) * (np.trace(hessian, axis1=-2, axis2=-1) / (2 * k) ** 2)[..., None, None]
        step = np.linalg.solve(hessian, gradient[..., None])[..., 0]
        change = step[..., :k, None] + step[..., None, k:]
        # A step keeps every lambda_i + nu_j positive: at most 9/10 of the way to zero.
        longest = np.where(change < 0, -total / np.where(change < 0, change, -1.0), np.inf).min(axis=(-2, -1))
        duals = duals + np.minimum(1.0, 0.9 * longest)[..., None] * step
    return u / (duals[..., :k, None] + duals[..., None, k:]), duals
