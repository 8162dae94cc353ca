"""Checks of what the models of alignment are given: rates, goals, distributions. Each error says what was seen."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput

__all__ = ["counted", "distribution", "finite", "positive", "rate", "unwritable"]

Floats = NDArray[np.float64]

# A distribution read from text or summed in another order; larger differences are a mistake.
_ROUNDING = 1e-6


def finite(value: float, name: str) -> float:
    """Return a finite number."""
    number = float(value)
    if not np.isfinite(number):
        raise InvalidInput(f"{name} must be a number, got {value}")
    return number


def rate(value: float, name: str) -> float:
    """Return a rate: a finite number that is not negative."""
    number = float(value)
    if not (np.isfinite(number) and number >= 0.0):
        raise InvalidInput(f"{name} is a rate and must be 0 or more, got {value}")
    return number


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


def distribution(shares: ArrayLike, name: str) -> Floats:
    """Return a distribution over at least two goals, summing to exactly 1, that nobody can write to."""
    array = np.array(shares, dtype=np.float64)
    if array.ndim != 1 or array.size < 2:
        raise InvalidInput(f"{name} needs at least two goals, one has no entropy; got shape {array.shape}")
    if not np.isfinite(array).all() or (array < 0.0).any():
        raise InvalidInput(f"{name} must hold probabilities, got {array.min():.4g} as the lowest")
    if abs(array.sum() - 1.0) > _ROUNDING:
        raise InvalidInput(f"{name} must sum to 1, got {array.sum():.6g}")
    return unwritable(array / array.sum())


def unwritable(array: Floats) -> Floats:
    """Return `array` after locking it, so that a frozen value stays what it is."""
    array.setflags(write=False)
    return array
