r"""Mixing weights on the simplex by maximum likelihood, for many weightings of the rows at once.

Every correction for classifier error asks for the shares :math:`\pi` that maximise the concave log-likelihood

.. math:: \ell(\pi) = \sum_i w_i \ln \sum_k \pi_k r_{ik}, \qquad \pi_k \ge 0,\ \sum_k \pi_k = 1,

where :math:`r_{ik}` is proportional to the likelihood of row i under category k. EM climbs it slowly when a share is
zero, which is the usual case; a primal-dual Newton method needs some ten steps and ends with a certificate: with
:math:`g_k = \sum_i w_i r_{ik} / (\pi \cdot r_i) / \sum_i w_i`, the log-likelihood per row is within
:math:`\max_k g_k - 1` of its maximum (Lindsay 1983). The constraint on the sum is carried by the equivalent problem
:math:`\max \ell / \sum_i w_i - \sum_k \pi_k` over :math:`\pi \ge 0` (Kim, Carbonetto, Stephens & Anitescu 2018,
arXiv:1806.01412).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput

__all__ = ["MixtureFit", "mixture_weights", "quadratic_weights"]

Array = NDArray[np.float64]

GAP_TOLERANCE = 1e-9  # nats per row; at 1e6 rows the log-likelihood is then within 1e-3 nats of its maximum
MAX_NEWTON_STEPS = 60  # ten to fifteen are usual
MAX_EM_STEPS = 2000  # only for weightings that Newton's method left unfinished
CHUNK_CELLS = 400_000  # weightings x rows worked on at a time, so that the arrays stay in the cache
STAY_INSIDE = 0.99  # part of the way to the boundary that one step may go
CENTRING = 0.1  # by how much a step aims to shrink the complementarity gap


@dataclass(frozen=True, slots=True)
class MixtureFit:
    """Mixing weights with the proof of their optimality.

    Parameters
    ----------
    shares : array (B, K)
        Maximum-likelihood mixing weights, one row per weighting.
    gap : array (B,)
        Upper bound, in nats per row, on what the log-likelihood lacks to its maximum.
    iterations : int
        Newton and EM steps of the slowest weighting.
    """

    shares: Array
    gap: Array
    iterations: int

    @property
    def converged(self) -> bool:
        """Whether every weighting reached the tolerance."""
        return bool(np.all(self.gap <= 10.0 * GAP_TOLERANCE))


def mixture_weights(likelihoods: ArrayLike, weights: ArrayLike) -> MixtureFit:
    """Maximise the mixture log-likelihood over the simplex, for each row of `weights`.

    Parameters
    ----------
    likelihoods : array (n, K) or (B, n, K)
        Likelihood of each row under each category, up to a factor per row; nonnegative, no row all zero.
    weights : array (B, n)
        How often each row counts in each of B weightings; nonnegative, no weighting all zero.

    Returns
    -------
    MixtureFit

    Raises
    ------
    InvalidInput
        If shapes do not match, a likelihood is negative or not finite, or a row or weighting is all zero.

    Examples
    --------
    >>> fit = mixture_weights([[1.0, 0.1], [0.2, 1.0], [1.0, 0.3]], [[1.0, 1.0, 1.0]])
    >>> fit.shares.round(3).tolist(), fit.converged
    ([[0.752, 0.248]], True)
    """
    R = np.asarray(likelihoods, dtype=np.float64)
    W = np.atleast_2d(np.asarray(weights, dtype=np.float64))
    _check(R, W)
    R = R / R.max(axis=-1, keepdims=True)
    categories = R.shape[-1]
    if categories == 1:
        return MixtureFit(np.ones((len(W), 1)), np.zeros(len(W)), 0)
    shares, gap, iterations = np.empty((len(W), categories)), np.empty(len(W)), 0
    chunk = max(1, CHUNK_CELLS // W.shape[1])
    for start in range(0, len(W), chunk):
        part = slice(start, start + chunk)
        omega = W[part] / W[part].sum(axis=1, keepdims=True)
        shares[part], gap[part], used = _solve(R if R.ndim == 2 else R[part], omega)
        iterations = max(iterations, used)
    return MixtureFit(shares, gap, iterations)


def quadratic_weights(centre: ArrayLike, gradients: ArrayLike, information: ArrayLike) -> Array:
    r"""Maximise the quadratic model of the log-likelihood around its maximum, for many weightings at once.

    A reweighted log-likelihood is close to the quadratic with its own gradient at the point estimate :math:`\hat\pi`
    and the unweighted information. Gradients are sums over groups, so the rows are read once and not once per
    replicate. With the *unweighted* information the model is exact where rows leave no doubt of their category; with
    each weighting's own it would be biased by a tenth of a standard error. Measured (40 to 400 groups of 5 to 100
    rows, accuracy .65 to .95): replicates within .01 standard errors on average, their spread within 1 %, single ones
    within .3, save for shares of a thousandth of the largest.

    Parameters
    ----------
    centre : array (K,)
        Maximum-likelihood weights of the unweighted rows.
    gradients : array (B, K)
        :math:`g_k` at the centre under each weighting.
    information : array (K, K)
        Unweighted mean of :math:`r_k r_l / (\hat\pi \cdot r)^2`.

    Returns
    -------
    array (B, K)
        Weights, each row summing to one.

    Examples
    --------
    >>> quadratic_weights([0.5, 0.5], [[1.1, 0.9]], [[2.0, 0.0], [0.0, 2.0]]).round(3).tolist()
    [[0.55, 0.45]]
    """
    x0, g0 = np.asarray(centre, dtype=np.float64), np.asarray(gradients, dtype=np.float64)
    H = np.asarray(information, dtype=np.float64)
    if g0.ndim != 2 or g0.shape[1:] != x0.shape or H.shape != (len(x0), len(x0)):
        raise InvalidInput(f"gradients and information must be (B, K) and (K, K), got {g0.shape} and {H.shape}")
    x, z = np.full_like(g0, 1.0 / len(x0)), np.ones_like(g0)
    for _ in range(MAX_NEWTON_STEPS):
        g = g0 - (x - x0) @ H
        if np.all(np.abs(g - 1.0 + z) <= GAP_TOLERANCE) and np.all(x * z <= GAP_TOLERANCE):
            break
        x, z = _newton_step(H, g, x, z)
    return np.asarray(x / x.sum(axis=1, keepdims=True))


def _check(R: Array, W: Array) -> None:
    if R.ndim not in (2, 3) or W.ndim != 2 or W.shape[1] != R.shape[-2]:
        raise InvalidInput(f"weights must be (B, rows) for likelihoods (rows, K), got {W.shape} and {R.shape}")
    if R.ndim == 3 and len(R) != len(W):
        raise InvalidInput(f"give one likelihood table per weighting, got {len(R)} tables for {len(W)} weightings")
    if not np.all(np.isfinite(R)) or np.any(R < 0.0):
        raise InvalidInput("likelihoods must be finite and nonnegative; check the probabilities for NaN or negatives")
    if np.any(R.max(axis=-1) <= 0.0):
        raise InvalidInput("a row has likelihood zero under every category; drop it or smooth the probabilities")
    if not np.all(np.isfinite(W)) or np.any(W < 0.0) or np.any(W.sum(axis=1) <= 0.0):
        raise InvalidInput("weights must be finite and nonnegative, and no weighting may be all zero")


def _gradient(R: Array, omega: Array, x: Array) -> tuple[Array, Array]:
    """Return g_k = sum_i omega_i r_ik / (x . r_i) and the responsibilities' denominators x . r_i."""
    if R.ndim == 2:
        mixture = x @ R.T  # (B, n)
        return (omega / mixture) @ R, mixture
    mixture = np.matmul(R, x[:, :, None])[:, :, 0]
    return np.matmul((omega / mixture)[:, None, :], R)[:, 0, :], mixture


def _curvature(R: Array, omega: Array, mixture: Array) -> Array:
    """Return H_kl = sum_i omega_i r_ik r_il / (x . r_i)^2, shape (B, K, K)."""
    scaled = omega / mixture**2
    if R.ndim == 3:
        return np.asarray(np.matmul(np.swapaxes(R, 1, 2) * scaled[:, None, :], R))
    K = R.shape[1]
    rows, columns = np.triu_indices(K)
    upper = scaled @ (R[:, rows] * R[:, columns])  # (B, K (K + 1) / 2)
    H = np.empty((len(omega), K, K))
    H[:, rows, columns] = upper
    H[:, columns, rows] = upper
    return H


def _solve(R: Array, omega: Array) -> tuple[Array, Array, int]:
    """Run the primal-dual Newton method on one chunk; finish by EM what it leaves."""
    B, K = len(omega), R.shape[-1]
    shares, gap = np.full((B, K), 1.0 / K), np.full(B, np.inf)
    active = np.arange(B)
    x, z = shares.copy(), np.full((B, K), 1.0)
    for iteration in range(1, MAX_NEWTON_STEPS + 1):
        tables = R if R.ndim == 2 else R[active]
        g, mixture = _gradient(tables, omega[active], x)
        total = x.sum(axis=1)
        bound = (g.max(axis=1) * total) - 1.0  # the gap at x / total
        better = bound < gap[active]
        shares[active[better]] = x[better] / total[better, None]
        gap[active[better]] = bound[better]
        open_ = bound > GAP_TOLERANCE
        if not open_.any():
            return shares, np.maximum(gap, 0.0), iteration
        if not open_.all():
            active, x, z, g, mixture = active[open_], x[open_], z[open_], g[open_], mixture[open_]
            tables = R if R.ndim == 2 else R[active]
        x, z = _newton_step(_curvature(tables, omega[active], mixture), g, x, z)
    tables = R if R.ndim == 2 else R[active]
    shares[active], gap[active], used = _finish_by_em(tables, omega[active], shares[active])
    return shares, np.maximum(gap, 0.0), iteration + used


def _newton_step(H: Array, g: Array, x: Array, z: Array) -> tuple[Array, Array]:
    """Take one primal-dual step towards g - 1 + z = 0 and x z = mu, staying inside x, z > 0."""
    mu = CENTRING * np.minimum((x * z).mean(axis=1), 1.0)[:, None]
    system = H + np.eye(x.shape[1]) * (z / x)[:, :, None]
    dx = np.linalg.solve(system, (g - 1.0 + mu / x)[:, :, None])[:, :, 0]
    dz = (mu - x * z - z * dx) / x
    new_x = x + _length(x, dx) * dx
    new_z = z + _length(z, dz) * dz
    return np.maximum(new_x, 1e-300), np.maximum(new_z, 1e-300)


def _length(value: Array, change: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        limit = np.where(change < 0.0, -value / change, np.inf).min(axis=1)
    return np.asarray(np.minimum(1.0, STAY_INSIDE * limit)[:, None])


def _finish_by_em(R: Array, omega: Array, x: Array) -> tuple[Array, Array, int]:
    x = np.maximum(x, 1e-12)
    x = x / x.sum(axis=1, keepdims=True)
    used = 0
    for used in range(1, MAX_EM_STEPS + 1):  # noqa: B007
        g, _ = _gradient(R, omega, x)
        if np.all(g.max(axis=1) - 1.0 <= GAP_TOLERANCE):
            break
        x = x * g
    g, _ = _gradient(R, omega, x)
    return x, g.max(axis=1) - 1.0, used
