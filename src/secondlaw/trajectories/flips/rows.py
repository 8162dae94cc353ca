"""States of spins, and which of them flip when each is tried once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput

__all__ = ["Flips"]


@dataclass(frozen=True, slots=True)
class Flips:
    """States, and which spins flip from them when each is tried once.

    Parameters
    ----------
    spins : ndarray of int8, shape (M, N)
        States of -1 and 1, before any flip; in order of time, chain after chain.
    flipped : ndarray of bool, shape (M, N)
        Whether a single trial update of spin i from this state flips it; trials are not applied.

    Examples
    --------
    >>> Flips.of([[1, -1], [1, 1]], [[True, False], [False, False]]).flipped.sum()
    np.int64(1)
    """

    spins: NDArray[np.int8]
    flipped: NDArray[np.bool_]

    @classmethod
    def of(cls, spins: ArrayLike, flipped: ArrayLike) -> "Flips":
        """Check and convert arrays.

        Raises
        ------
        InvalidInput
            If shapes differ, spins are not -1 and 1, or flips are not 0 and 1.
        """
        s, f = np.asarray(spins), np.asarray(flipped)
        if s.ndim != 2 or s.shape != f.shape:
            raise InvalidInput(f"spins and flips need one shape (states, spins), got {s.shape} and {f.shape}")
        if s.dtype.kind not in "if" or not (np.abs(s) == 1).all():
            raise InvalidInput("spins must be -1 and 1: map 0 to -1")
        if f.dtype != np.bool_ and not ((f == 0) | (f == 1)).all():
            raise InvalidInput("flips must be 0 and 1: whether the spin flipped when it was tried")
        return cls(np.ascontiguousarray(s, dtype=np.int8), np.ascontiguousarray(f.astype(np.bool_, copy=False)))
