"""Checks of what simulators are given: matrices, signs, counts of points. Each error says what was seen."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput

__all__ = ["counted", "covariance", "positive", "square", "starts"]

Floats = NDArray[np.float64]

# Rounding of a symmetric matrix that a caller computed; larger differences are a mistake.
_ASYMMETRY = 1e-9


def square(matrix: ArrayLike, name: str) -> Floats:
    """Return `matrix` as a finite square array that nobody can write to."""
    array = np.array(matrix, dtype=np.float64)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or array.shape[0] == 0:
        raise InvalidInput(f"{name} must be a square matrix, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise InvalidInput(f"{name} must be finite, got NaN or infinity in it")
    array.setflags(write=False)
    return array


def covariance(matrix: ArrayLike, name: str) -> Floats:
    """Return `matrix` as a symmetric array without negative eigenvalues."""
    array = square(matrix, name)
    scale = float(np.abs(array).max())
    if np.abs(array - array.T).max() > _ASYMMETRY * scale:
        raise InvalidInput(f"{name} must be symmetric, got a difference of {np.abs(array - array.T).max():.3g}")
    symmetric: Floats = np.asarray((array + array.T) / 2.0)
    lowest = float(np.linalg.eigvalsh(symmetric)[0])
    if lowest < -_ASYMMETRY * scale:
        raise InvalidInput(f"{name} must have no negative eigenvalue, got {lowest:.3g}")
    symmetric.setflags(write=False)
    return symmetric


def positive(value: float, name: str) -> float:
    """Return a positive finite number."""
    number = float(value)
    if not (np.isfinite(number) and number > 0.0):
        raise InvalidInput(f"{name} must be a positive number, got {value}")
    return number


def counted(value: int, name: str, *, least: int = 1) -> int:
    """Return a whole number of at least `least`."""
    if int(value) != value or value < least:
        raise InvalidInput(f"{name} must be a whole number of at least {least}, got {value}")
    return int(value)


def starts(start: ArrayLike | Sequence[int] | None, *, trajectories: int, states: int) -> NDArray[np.int64] | None:
    """Return one first state a trajectory, or None when the stationary distribution is to be drawn from."""
    if start is None:
        return None
    given = np.asarray(start)
    if given.dtype.kind not in "iu" or given.ndim > 1 or given.size not in (1, trajectories):
        raise InvalidInput(f"start must hold one state, or one for each of {trajectories} trajectories, got {start!r}")
    if given.min() < 0 or given.max() >= states:
        raise InvalidInput(f"start must lie in 0..{states - 1}, got {given.min()}..{given.max()}")
    return np.ascontiguousarray(np.broadcast_to(given.ravel(), trajectories), dtype=np.int64)
