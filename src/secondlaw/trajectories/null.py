r"""The sign-flip null: under time reversal symmetry the sum of a block is as likely as its negative.

Reversing everything only maps theta to -theta, and shuffling in time destroys the dependence; flipping whole blocks
keeps both. The statistic is :math:`\sum_{a \ne b} s_a s_b\, A_a^T (M + \lambda)^{-1} A_b` with the block sums A
of the observables; the terms of a block with itself, which hold no evidence, are left out, and the second moments M
do not change under flips.
"""

from dataclasses import dataclass

import numpy as np

from secondlaw.trajectories.rows import Rows
from secondlaw.trajectories.solver import Metric

__all__ = ["DRAWS", "SignFlips", "sign_flips"]

DRAWS = 1999
"""Default number of flips: the smallest p-value is 1/2,000."""

_RIDGE = 1e-2  # keeps directions that hardly vary from filling the statistic with noise


@dataclass(frozen=True, slots=True)
class SignFlips:
    """Outcome of the sign-flip test.

    Parameters
    ----------
    p_value : float
        ``(1 + b) / (1 + draws)``.
    null_mean : float
        What the quadratic value ``2 m^T M^-1 m`` over all rows shows on average without irreversibility, nats a lag.
    draws, blocks : int
    """

    p_value: float
    null_mean: float
    draws: int
    blocks: int


def sign_flips(rows: Rows, metric: Metric, *, rng: np.random.Generator, draws: int = DRAWS) -> SignFlips:
    """Test time reversal symmetry by flipping the signs of block sums.

    Parameters
    ----------
    rows : Rows
    metric : Metric
    rng : numpy.random.Generator
    draws : int
    """
    sums = rows.block_sums()  # (B, d)
    white = metric.turn(sums.T) / np.sqrt(metric.values[:, None] + _RIDGE)
    products = white.T @ white  # (B, B)
    own = float(np.trace(products))
    signs = 1.0 - 2.0 * rng.integers(0, 2, size=(draws, len(sums)))
    flipped = np.einsum("ij,ij->i", signs @ products, signs)
    observed = float(products.sum())
    beaten = int((flipped >= observed - 1e-9 * own).sum())
    null_mean = 2.0 * float(flipped.mean()) / rows.layout.n**2
    return SignFlips((1 + beaten) / (1 + draws), null_mean, draws, len(sums))
