r"""What share of a set lies on one of two sides, read off all its members together.

A classifier says of each member how many times likelier it is on one side, :math:`r_i`. Among many members the share
:math:`\pi` of that side shows, since it maximises

.. math:: \ell(\pi) = \sum_i \ln\left(\pi r_i + 1 - \pi\right) + m\,\bigl(\rho \ln \pi + (1 - \rho) \ln(1 - \pi)\bigr),

the likelihood of prior shift (Saerens, Latinne & Decaestecker 2002) with the weight of m members for what is expected
beforehand, :math:`\rho`. The interval expects nothing, and is the wider of two: members drawn anew, and shares whose
likelihood is within :math:`e^{-z^2 / 2}` of the largest. Drawing anew alone finds a share of nothing but itself among
members that all lie on one side, which a share of a few per cent gives as well. It holds for sides divided where the
classifier divides them: what a set that draws the line elsewhere adds to the doubt is not in it.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.statistics.intervals import LEVEL, percentile_interval
from secondlaw.statistics.mixture import mixture_weights
from secondlaw.types import Estimate, Insufficient

__all__ = ["FEWEST_MEMBERS", "likeliest_share", "side_share"]

Array = NDArray[np.float64]

FEWEST_MEMBERS = 50
"""With fewer, what is expected beforehand would say much of it."""
EXPECTED_WEIGHT = 2.0
"""How many members what is expected beforehand counts for."""
DECIMALS = 6
HALVINGS = 30
LARGEST = 30.0
"""Log likelihood ratios beyond this are taken for it: nothing is as sure."""


def side_share(
    log_ratios: ArrayLike,
    *,
    expected: float,
    resamples: int = 200,
    level: float = LEVEL,
    rng: np.random.Generator,
) -> Estimate | Insufficient:
    """Estimate the share of the positive side.

    Parameters
    ----------
    log_ratios : array (n,)
        Log likelihood ratio of the positive side, of each member.
    expected : float
        Share that is expected beforehand, between 0 and 1.
    resamples : int
        Replicates of the interval.
    level : float
        Nominal coverage.
    rng : Generator

    Returns
    -------
    Estimate or Insufficient
        Insufficient below 50 members.

    Raises
    ------
    InvalidInput
        If a log ratio is not finite, or `expected` is no share.

    Examples
    --------
    >>> said = np.repeat([2.0, -2.0], [80, 20])
    >>> print(side_share(said, expected=0.5, rng=np.random.default_rng(0)))
    0.874 [0.782, 0.986]
    """
    said = np.asarray(log_ratios, dtype=np.float64)
    if said.ndim != 1 or not np.isfinite(said).all():
        raise InvalidInput(f"log likelihood ratios are one finite number a member, got an array of shape {said.shape}")
    if not 0.0 < expected < 1.0:
        raise InvalidInput(f"the share that is expected lies between 0 and 1, got {expected:g}")
    n = len(said)
    if n < FEWEST_MEMBERS:
        return Insufficient(f"a share is read off {FEWEST_MEMBERS} or more, there are {n}")
    drawn = rng.multinomial(n, np.full(n, 1.0 / n), size=resamples)
    value = likeliest_share(said, expected=expected)
    replicates = _shares(said, drawn).round(DECIMALS)  # a share of 0 is found to some 1e-9
    ends = np.array([percentile_interval(replicates, level), _likely(said, level)])
    return Estimate(
        value, min(float(ends[:, 0].min()), value), max(float(ends[:, 1].max()), value), level, n, "share",
        "prior shift, most likely share; the wider of members drawn anew and likelihood ratio", "members",
    )  # fmt: skip


def likeliest_share(log_ratios: ArrayLike, *, expected: float | None = None) -> float:
    """Return the share of the positive side alone; without `expected` nothing is expected beforehand.

    Examples
    --------
    >>> round(likeliest_share(np.repeat([2.0, -2.0], [80, 20])), 3)
    0.894
    """
    said = np.asarray(log_ratios, dtype=np.float64)
    return float(_shares(said, np.ones((1, len(said))), expected=expected)[0])


def _shares(said: Array, weights: ArrayLike, *, expected: float | None = None) -> Array:
    """Return the share of the positive side under each weighting of the members, shape (B,)."""
    half, counted = np.clip(said, -LARGEST, LARGEST) / 2.0, np.asarray(weights, dtype=np.float64)
    if expected is not None:
        sure, beforehand = np.array([LARGEST, -LARGEST]) / 2.0, np.array([expected, 1.0 - expected]) * EXPECTED_WEIGHT
        half, counted = np.append(half, sure), np.column_stack([counted, beforehand[None]])
    fit = mixture_weights(np.stack([np.exp(-half), np.exp(half)], axis=-1), counted)
    return fit.shares[:, 1]


def _likely(said: Array, level: float) -> tuple[float, float]:
    """Return the ends of the shares whose log-likelihood, which is concave, is near enough to the largest."""
    from scipy.special import ndtri

    excess = np.expm1(np.clip(said, -LARGEST, LARGEST))
    best = likeliest_share(said)

    def loglik(share: float) -> float:
        return float(np.log1p(share * excess).sum())

    least = loglik(best) - float(ndtri((1 + level) / 2)) ** 2 / 2
    ends = []
    for end in (0.0, 1.0):
        inside, outside = best, end
        for _ in range(HALVINGS if loglik(end) < least else 0):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if loglik(middle) >= least else (inside, middle)
        ends.append(outside)
    return ends[0], ends[1]
