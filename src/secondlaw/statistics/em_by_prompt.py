r"""How certain each prompt's behavior is, seen through a classifier that errs.

The entropy *within* prompts needs the shares of every single prompt, from a handful of responses each. Hard labels make
it too large (errors look like variety), and EM prompt by prompt too small. Two corrected routes are given:

- soft expected counts per prompt, from EM under a Dirichlet prior centred on the corrected shares of the stratum, for
  an entropy estimator of the caller's choice;
- the mean entropy under that prior itself, :math:`E[H] = \psi(A + 1) - \sum_k \pi_k \psi(A \pi_k + 1)`.

The strength A comes from moments: with :math:`\varphi = r / (\pi \cdot r)` and :math:`H = E[\varphi\varphi^\top]`, the
vector :math:`u = H^{-1} \varphi` has mean :math:`e_j` under category j, so products of u over *different* responses of
one prompt average to the prompt's :math:`\sum_k \pi_k^2`, free of classifier error, and
:math:`E \sum_k \pi_k^2 = (1 + A \sum_k \bar\pi_k^2) / (1 + A)`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.calibration import SINGULAR, estimating_functions, information_matrix, likelihood_ratios
from secondlaw.statistics.em import CorrectedShares, checked_rows

__all__ = ["CorrectedWithin", "em_within"]

Array = NDArray[np.float64]
Index = NDArray[np.intp]

STRENGTHS = (0.02, 500.0)  # nearly every prompt decided; prompts indistinguishable at any number of responses in use
EM_STEPS = 200
EM_TOLERANCE = 1e-6  # expected responses


@dataclass(frozen=True, slots=True)
class CorrectedWithin:
    """Corrected behavior of each prompt and the mean entropy within prompts.

    Parameters
    ----------
    counts : array (G, K)
        Expected counts of each group; a row sums to the group's responses.
    value : float
        Mean entropy within groups under the fitted prior, in nats; groups count by their responses.
    replicates : array (B,)
        The same under each weighting of the groups.
    strengths : array (S,)
        Strength A of the prior in each stratum, in responses; NaN where a stratum has no response.
    method : str
        What was done, in words.
    """

    counts: Array
    value: float
    replicates: Array
    strengths: Array
    method: str


def em_within(
    probabilities: ArrayLike,
    priors: ArrayLike,
    strata: ArrayLike,
    groups: ArrayLike,
    weights: ArrayLike,
    *,
    corrected: CorrectedShares,
    strength: float | None = None,
) -> CorrectedWithin:
    """Estimate the behavior within each group, corrected for classifier error.

    Parameters
    ----------
    probabilities, priors, strata, groups, weights
        As in :func:`secondlaw.statistics.em.em_shares`.
    corrected : CorrectedShares
        Result of :func:`secondlaw.statistics.em.em_shares` for the same responses and weights.
    strength : float, optional
        Strength of the Dirichlet prior in responses; estimated from moments in each stratum if not given.

    Returns
    -------
    CorrectedWithin

    Raises
    ------
    NotEnoughData
        If no group of a stratum has two responses and no strength is given.

    Notes
    -----
    Measured on simulated prompts (five categories, 50 prompts, 5 to 50 responses, classifier accuracy .74 and .90, 30
    repetitions): where prompts follow a Dirichlet distribution the bias of `value` is within .03 nats of .55 and .98
    (RMSE .02 to .10). Where half of the prompts are decided and half are not, it is .06 to .08 too low, at any number
    of responses: the shape is an assumption. The plug-in entropy of the soft counts errs by -.19 to +.12.

    Examples
    --------
    >>> from secondlaw.statistics.em import em_shares
    >>> p = np.tile([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.1, 0.9]], (10, 1))
    >>> rows = (p, [0.5, 0.5], np.zeros(40, int), np.arange(40) // 2, np.ones((1, 20)))
    >>> fit = em_within(*rows, corrected=em_shares(*rows))
    >>> fit.counts[0].round(2).tolist(), round(float(fit.value), 2)
    ([2.0, 0.0], 0.02)
    """
    p, prior, of, group, W = checked_rows(probabilities, priors, strata, groups, weights)
    shares, drawn = corrected.strata_shares, corrected.strata_replicates
    if shares.shape != prior.shape or drawn.shape[1] != len(W):
        raise InvalidInput(
            f"corrected must come from the same priors {prior.shape} and {len(W)} weightings, got {drawn.shape}"
        )
    if strength is not None and not strength > 0.0:
        raise InvalidInput(f"the strength of the prior must be positive, got {strength}")
    G, K = W.shape[1], p.shape[1]
    counts, strengths = np.zeros((G, K)), np.full(len(prior), np.nan)
    value, replicates, total = 0.0, np.zeros(len(W)), np.zeros(len(W))
    for s in np.unique(of):
        mine = np.flatnonzero(of == s)
        ratios = likelihood_ratios(p[mine], prior[s])
        size = np.bincount(group[mine], minlength=G).astype(np.float64)
        if strength is None:
            products = _products(ratios, shares[s], prior[s], group[mine], G)
            A = _strengths(np.ones((1, G)), products, size, shares[s][None])
            A_drawn = _strengths(W, products, size, drawn[s])
        else:
            A, A_drawn = np.array([strength]), np.full(len(W), strength)
        strengths[s] = A[0]
        counts += _expected_counts(ratios, A[0] * shares[s], group[mine], G)
        mass = W @ size
        value += size.sum() * float(dirichlet_entropy(A, shares[s][None])[0])
        replicates += mass * dirichlet_entropy(A_drawn, drawn[s])
        total += mass
    named = "strength by moments" if strength is None else f"strength {strength:g}"
    return CorrectedWithin(
        counts, value / len(p), replicates / total, strengths, f"per-prompt EM under a Dirichlet prior, {named}"
    )


def dirichlet_entropy(strength: Array, shares: Array) -> Array:
    """Return the mean entropy, in nats, of Dirichlet shares: strengths (B,), means (B, K)."""
    from scipy.special import digamma

    A = np.asarray(strength, dtype=np.float64)[:, None]
    return np.asarray(digamma(A[:, 0] + 1.0) - (shares * digamma(A * shares + 1.0)).sum(axis=1))


def _products(ratios: Array, shares: Array, prior: Array, group: Index, n_groups: int) -> Array:
    """Return the sum of u_i . u_j over ordered pairs of different responses in each group, shape (G,)."""
    phi = estimating_functions(ratios, shares, prior)
    H = information_matrix(ratios, shares, prior)
    u = phi @ np.linalg.pinv(H, rcond=SINGULAR, hermitian=True)  # (n, K), mean e_j under category j
    sums = np.stack([np.bincount(group, weights=c, minlength=n_groups) for c in u.T], axis=1)
    squares = np.bincount(group, weights=(u**2).sum(axis=1), minlength=n_groups)
    return np.asarray((sums**2).sum(axis=1) - squares)


def _strengths(W: Array, products: Array, size: Array, shares: Array) -> Array:
    """Solve the moment equation for the strength under each weighting (B, G), with shares (B, K)."""
    pairs = size * (size - 1.0)
    if not np.any(pairs > 0.0):
        raise NotEnoughData("one response per prompt: repeat the prompts, or state a strength, to see within them")
    mass = W @ pairs
    repeat = np.divide(W @ products, mass, out=np.full(len(W), products.sum() / pairs.sum()), where=mass > 0.0)
    flat = (shares**2).sum(axis=1)
    return np.asarray(np.clip((1.0 - repeat) / np.maximum(repeat - flat, 1e-9), *STRENGTHS))


def _expected_counts(ratios: Array, alpha: Array, group: Index, n_groups: int) -> Array:
    """Run EM within each group under a Dirichlet prior and return the expected counts, shape (G, K)."""
    order = np.argsort(group, kind="stable")
    r, g = ratios[order], group[order]
    starts = np.flatnonzero(np.r_[True, g[1:] != g[:-1]])
    local = np.cumsum(np.r_[0, g[1:] != g[:-1]])
    counts = np.zeros((len(starts), r.shape[1]))
    for _ in range(EM_STEPS):
        theta = counts + alpha  # the posterior mean: no share is pinned to zero by a few responses
        joint = r * theta[local]
        mass = joint.sum(axis=1, keepdims=True)
        mass[mass <= 0.0] = 1.0
        new = np.add.reduceat(joint / mass, starts, axis=0)
        change = float(np.abs(new - counts).max())
        counts = new
        if change <= EM_TOLERANCE:
            break
    out = np.zeros((n_groups, r.shape[1]))
    out[g[starts]] = counts
    return out
