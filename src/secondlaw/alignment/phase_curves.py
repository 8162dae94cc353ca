"""Curves of an order parameter at several sizes: how steep they are, how that grows, and where they cross."""

import numpy as np
from numpy.typing import NDArray

from secondlaw.types import Estimate

__all__ = ["crossings", "growth", "peaks", "resampled"]

Floats = NDArray[np.float64]

_RESAMPLES = 999
# Curves are smoothed by a polynomial in ln control, of this degree, on so fine a grid.
_DEGREE, _FINE = 3, 401
# A reflected replicate of a noisy peak can be negative; it counts as this share of the peak.
_LEAST = 0.01


def resampled(order: Floats, rng: np.random.Generator) -> Floats:
    """Return bootstrap means, shape (control, resample): trials are drawn anew at every control."""
    trials = order.shape[1]
    weights = rng.multinomial(trials, np.full(trials, 1.0 / trials), size=(order.shape[0], _RESAMPLES)) / trials
    return np.asarray(np.einsum("ct,crt->cr", order, weights))


def _basic(value: float, replicates: Floats, level: float, n: int, unit: str, method: str) -> Estimate:
    """Return an interval that reflects the replicates at the value, which undoes the bias of a maximum."""
    low, high = np.quantile(2.0 * value - replicates, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    corrected = float(np.clip(2.0 * value - replicates.mean(), low, high))
    return Estimate(corrected, float(low), float(high), level, n, unit, method, "trials")


def _smooth(control: Floats) -> tuple[Floats, Floats, Floats]:
    """Return a fine grid of ln control, and matrices from a curve's values to its polynomial fit and slope there."""
    x = np.log(control)
    centre, reach = (x[0] + x[-1]) / 2.0, (x[-1] - x[0]) / 2.0
    chebyshev = np.polynomial.chebyshev
    fit = np.linalg.pinv(chebyshev.chebvander((x - centre) / reach, _DEGREE))
    fine = np.linspace(-1.0, 1.0, _FINE)
    slopes = np.stack([chebyshev.chebval(fine, chebyshev.chebder(np.eye(_DEGREE + 1)[k])) for k in range(_DEGREE + 1)])
    return centre + reach * fine, chebyshev.chebvander(fine, _DEGREE) @ fit, slopes.T @ fit / reach


def peaks(
    means: Floats, drawn: Floats, control: Floats, trials: list[int], level: float
) -> tuple[list[Estimate], Floats]:
    """Return the largest slope of every size's curve in ln control, and its replicates, shape (size, resample)."""
    _, _, to_slope = _smooth(control)
    slope = np.abs(means @ to_slope.T).max(axis=1)
    slopes = np.stack([np.abs(to_slope @ one).max(axis=0) for one in drawn])  # (size, resample)
    found = [
        _basic(float(value), replicates, level, n, "per ln control", f"largest slope over {control.size} values")
        for value, replicates, n in zip(slope, slopes, trials, strict=True)
    ]
    return found, 2.0 * slope[:, None] - slopes


def growth(sizes: Floats, peaks: list[Estimate], draws: Floats, level: float) -> Estimate:
    """Return the exponent of peak ~ (ln size)^b."""
    x = np.log(np.log(sizes))
    centred = x - x.mean()
    share = centred / (centred**2).sum()
    found = np.maximum([peak.value for peak in peaks], np.finfo(float).tiny)
    values = np.log(found)
    replicates = share @ np.log(np.maximum(draws, _LEAST * found[:, None]))
    low, high = np.quantile(replicates, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    value = float(np.clip(share @ values, low, high))
    method = "least squares of ln peak on ln ln size, bootstrap over trials"
    return Estimate(value, float(low), float(high), level, len(peaks), "exponent", method, "sizes")


def crossings(means: Floats, drawn: Floats, control: Floats, level: float) -> tuple[Estimate, ...]:
    """Return where neighboring sizes cross, if each pair does so once and significantly on both sides."""
    found = []
    margin = (1.0 - level) / (2.0 * control.size)
    grid, to_fit, _ = _smooth(control)
    for lower, upper in zip(range(len(means) - 1), range(1, len(means)), strict=True):
        gap, gaps = means[upper] - means[lower], drawn[upper] - drawn[lower]
        low, high = np.quantile(gaps, [margin, 1.0 - margin], axis=1)
        sure = np.where(high < 0.0, -1, np.where(low > 0.0, 1, 0))
        signs = sure[sure != 0]
        if signs.size < 2 or signs[0] == signs[-1] or (np.diff(signs) != 0).sum() != 1:
            return ()
        places = np.array([_crossing(one, signs[-1], grid) for one in (to_fit @ gap, *(to_fit @ gaps).T)])
        value, replicates = places[0], places[1:]
        low, high = (float(end) for end in np.quantile(replicates, [(1.0 - level) / 2.0, (1.0 + level) / 2.0]))
        value = min(max(float(value), low), high)
        method = "where neighboring sizes have the same order parameter"
        found.append(Estimate(value, low, high, level, control.size, "control", method, "values of the control"))
    return tuple(found)


def _crossing(gap: Floats, rising: int, grid: Floats) -> float:
    """Return the control where a smooth difference changes sign: between its lowest and its highest place."""
    y = gap * rising
    below, above = int(np.argmin(y)), int(np.argmax(y))
    first, last = min(below, above), max(below, above)
    change = first + np.flatnonzero((y[first:last] < 0.0) != (y[first + 1 : last + 1] < 0.0))
    if change.size == 0:
        return float(np.exp(grid[int(np.argmin(np.abs(y)))]))
    return float(np.exp(grid[change].mean()))
