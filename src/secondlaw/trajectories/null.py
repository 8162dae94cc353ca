r"""The sign-flip null: under time reversal symmetry the sum of a block is as likely as its negative.

Reversing everything only maps theta to -theta, and shuffling in time destroys the dependence; flipping whole blocks
keeps both. The statistic is :math:`\sum_{a \ne b} s_a s_b\, A_a^T (M + \lambda)^{-1} A_b` with the block sums A
of the observables; the terms of a block with itself, which hold no evidence, are left out, and the second moments M
do not change under flips.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.rows import Rows
from secondlaw.trajectories.solver import Metric

__all__ = ["DRAWS", "SignFlips", "flip_blocks", "sign_flips", "white_blocks"]

DRAWS = 1999
"""Default number of flips: the smallest p-value is 1/2,000."""

RIDGE = 1e-2  # keeps directions that hardly vary from filling the statistic with noise


@dataclass(frozen=True, slots=True)
class SignFlips:
    """Outcome of the sign-flip test.

    Parameters
    ----------
    p_value : float
        ``(1 + b) / (1 + draws)``; that of several such tests together for learned scores.
    null_mean : float
        What the quadratic value ``2 m^T M^-1 m`` over all rows shows on average without irreversibility, nats a lag.
    draws, blocks : int
    """

    p_value: float
    null_mean: float
    draws: int
    blocks: int


def white_blocks(rows: Rows, metric: Metric) -> NDArray[np.float64]:
    """Return the sum of the observables over each block, in coordinates in which all directions count alike, (d, B)."""
    return np.asarray(metric.turn(rows.block_sums().T) / np.sqrt(metric.values[:, None] + RIDGE))


def sign_flips(white: NDArray[np.float64], size: int, *, rng: np.random.Generator, draws: int = DRAWS) -> SignFlips:
    """Test time reversal symmetry by flipping the signs of block sums.

    Parameters
    ----------
    white : ndarray, shape (d, B)
        From :func:`white_blocks`.
    size : int
        Number of rows.
    rng : numpy.random.Generator
    draws : int
    """
    null = flip_blocks(white, rng=rng, draws=draws)
    return replace(null, null_mean=2.0 * null.null_mean / size**2)


def flip_blocks(white: NDArray[np.float64], *, rng: np.random.Generator, draws: int = DRAWS) -> SignFlips:
    """Test whether vectors are as likely as their negatives; `null_mean` is the mean of the flipped squared length.

    Parameters
    ----------
    white : ndarray, shape (d, B)
        Sum of each block, in coordinates in which all directions count alike.
    rng : numpy.random.Generator
    draws : int

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> flip_blocks(rng.normal(size=(3, 50)) + 1.0, rng=rng).p_value
    0.0005
    """
    products = white.T @ white  # (B, B)
    own = float(np.trace(products))
    signs = 1.0 - 2.0 * rng.integers(0, 2, size=(draws, white.shape[1]))
    flipped = np.einsum("ij,ij->i", signs @ products, signs)
    observed = float(products.sum())
    beaten = int((flipped >= observed - 1e-9 * own).sum())
    return SignFlips((1 + beaten) / (1 + draws), float(flipped.mean()), draws, white.shape[1])
