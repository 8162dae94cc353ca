"""Euclidean projection on the probability simplex.

A correction that subtracts an estimated error can leave a share below zero. The nearest vector of shares is found
exactly by sorting (Held, Wolfe & Crowder 1974): shift all entries by one constant and cut at zero.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput

__all__ = ["project_simplex"]


def project_simplex(vectors: ArrayLike) -> NDArray[np.float64]:
    """Return the nearest probability vector to each vector.

    Parameters
    ----------
    vectors : array (..., K)
        Any finite numbers.

    Returns
    -------
    array (..., K)
        Nonnegative, summing to one along the last axis.

    Raises
    ------
    InvalidInput
        If a vector is empty or not finite.

    Examples
    --------
    >>> project_simplex([0.7, 0.4, -0.1]).round(6).tolist()
    [0.65, 0.35, 0.0]
    """
    v = np.asarray(vectors, dtype=np.float64)
    if v.ndim == 0 or v.shape[-1] == 0 or not np.all(np.isfinite(v)):
        raise InvalidInput(
            f"projection on the simplex needs finite vectors of one or more entries, got shape {v.shape}"
        )
    descending = -np.sort(-v, axis=-1)
    excess = np.cumsum(descending, axis=-1) - 1.0
    rank = np.arange(1, v.shape[-1] + 1)
    kept = np.sum(descending - excess / rank > 0.0, axis=-1, keepdims=True)
    shift = np.take_along_axis(excess, kept - 1, axis=-1) / kept
    projected = np.maximum(v - shift, 0.0)
    return np.asarray(projected / projected.sum(axis=-1, keepdims=True))
