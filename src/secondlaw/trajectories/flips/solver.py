r"""All spin problems along a path of L1 penalties, by proximal quasi-Newton steps that share two matrix products.

Each spin maximises :math:`\theta\cdot\langle g\rangle - \ln\langle e^{-\theta g}\rangle - \lambda|\theta|_1`. A step
maximises the same with a second-order model of the smooth part, by accelerated proximal gradients (Beck & Teboulle,
2009), which need products of N x N matrices only; then the rows are gone through once. After each step the spins are
judged on validation rows: the best iterate of each is kept, and spins that gain no more drop out of the products. A
last step goes over training and validation rows together, with the penalty of each spin that validated best, eased for
large parameters (as in reweighted L1; Candes, Wakin & Boyd, 2008).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.flips.curvature import Curvature
from secondlaw.trajectories.flips.products import Moments, Products, Ranges

__all__ = ["PathFit", "fit_path"]

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Integers = NDArray[np.int64]

LEAST_FLIPS = 10
INNER = 20  # proximal gradients a step: each costs N / (2 M) of going through the rows
INNER_PLAIN = 6  # without a penalty short steps are what holds back noise
LEAST_GAIN = 0.005  # of a spin's validation score: a step that gains less is undone, and its last
EASED_AT = 12.0  # theta sqrt(n) at which the last step halves the penalty: three errors of a gradient entry


@dataclass(frozen=True, slots=True)
class PathFit:
    """The fitted parameters of all spins.

    Parameters
    ----------
    theta : ndarray of float32, shape (N, N)
        0 for spins that nothing validates.
    log_norm : ndarray, shape (N,)
        ``ln <exp(-theta g)>`` over the flips that were fitted.
    train : ndarray, shape (N,)
        Objective on the rows that were fitted, without the penalty.
    penalties : ndarray, shape (N,)
        In standard errors of a gradient entry; NaN where theta is 0.
    flips : ndarray, shape (N,)
        Of each spin in the rows that were fitted.
    """

    theta: Singles
    log_norm: Floats
    train: Floats
    penalties: Floats
    flips: Integers


@dataclass(slots=True)
class _Point:
    """Where the spins stand: parameters, and value, gradient and logarithm of the normalisation there."""

    theta: Singles
    value: Floats
    gradient: Singles
    log_norm: Floats

    def moved(self, other: "_Point", where: NDArray[np.bool_]) -> "_Point":
        """Return the other point for some spins, this one for the rest."""
        row = where[:, None]
        return _Point(
            np.where(row, other.theta, self.theta), np.where(where, other.value, self.value),
            np.where(row, other.gradient, self.gradient), np.where(where, other.log_norm, self.log_norm),
        )  # fmt: skip

    def store(self, other: "_Point", at: Integers, where: NDArray[np.bool_]) -> None:
        """Take over some rows of another point, whose rows are spins `at`."""
        for mine, new in ((self.theta, other.theta), (self.value, other.value), (self.gradient, other.gradient),
                          (self.log_norm, other.log_norm)):  # fmt: skip
            mine[at[where]] = new[where]

    def only(self, rows: NDArray[np.bool_]) -> "_Point":
        return _Point(self.theta[rows], self.value[rows], self.gradient[rows], self.log_norm[rows])


def fit_path(
    products: Products,
    train: Ranges,
    validation: tuple[int, int],
    penalties: Sequence[float],
    moments: Moments,
    more: Moments,
) -> PathFit:
    """Fit all spins.

    Parameters
    ----------
    products : Products
    train : sequence of (start, stop)
    validation : (start, stop)
    penalties : sequence of float
        One for each step, in standard errors of a gradient entry under reversibility. Without a penalty there is no
        last step.
    moments, more : Moments
        Of the training rows, and of the validation rows.
    """
    size = len(moments.flips)
    chosen = np.flatnonzero(moments.flips >= LEAST_FLIPS)
    curvature = Curvature.of(products, moments.correlations)
    best, score, used = _start(moments, np.arange(size)), np.zeros(size), np.full(size, np.nan)
    here, slower = _start(moments, chosen), np.ones(len(chosen), dtype=np.float32)
    for penalty in penalties:
        cost = (penalty * _error(moments.flips[chosen])).astype(np.float32)
        trial = _evaluate(
            products,
            moments,
            _step(curvature, here, cost, slower, chosen, INNER if penalty else INNER_PLAIN),
            chosen,
            train,
        )
        gain = trial.value - here.value - (cost * (np.abs(trial.theta) - np.abs(here.theta))).sum(axis=1)
        better = np.isfinite(trial.value) & (gain >= -1e-6)
        learned = curvature.learn(trial.theta - here.theta, here.gradient - trial.gradient)
        slower = np.where(better | learned, 1.0, 2.0 * slower).astype(np.float32)
        here = here.moved(trial, better)
        new = products.judged(here.theta, here.log_norm, chosen, np.array(validation)).values[0]
        won = new > (1.0 + LEAST_GAIN) * score[chosen]
        on = ~better | won
        best.store(here, chosen, won)
        score[chosen[won]], used[chosen[won]] = new[won], penalty
        if not on.any():
            break
        if not on.all():
            here, slower, chosen, curvature = here.only(on), slower[on], chosen[on], curvature.only(on)
    if not any(penalties):
        return PathFit(best.theta, best.log_norm, best.value, used, moments.flips)
    return _last_step(products, train, validation, moments, more, best, used)


def _last_step(
    products: Products,
    train: Ranges,
    validation: tuple[int, int],
    moments: Moments,
    more: Moments,
    best: _Point,
    used: Floats,
) -> PathFit:
    """Take one step on training and validation rows from the iterates that validate best."""
    both = Moments.joined((moments, more))
    chosen = np.flatnonzero(np.isfinite(used))
    here = best.only(np.isfinite(used))
    # ln sum and tilted mean on the training rows are known; those of the validation rows are added
    known = here.log_norm + np.log(np.maximum(moments.flips[chosen], 1))
    tilted = (moments.mean[chosen] - here.gradient) / 2.0
    added, new_tilted = products.tilted(here.theta, chosen, [validation])
    log_sum = np.logaddexp(known, added)
    tilted = np.exp(known - log_sum)[:, None] * tilted + np.exp(added - log_sum)[:, None] * new_tilted
    here = _point(both, here.theta, chosen, log_sum, tilted.astype(np.float32))
    error = _error(both.flips[chosen])
    eased = 1.0 + np.abs(here.theta) * (4.0 / EASED_AT) / error
    cost = (used[chosen][:, None] * error / eased).astype(np.float32)
    curvature = Curvature.of(products, both.correlations)
    theta = _step(curvature, here, cost, np.ones(len(chosen), dtype=np.float32), chosen)
    trial = _evaluate(products, both, theta, chosen, [*train, validation])
    gain = trial.value - here.value - (cost * (np.abs(trial.theta) - np.abs(here.theta))).sum(axis=1)
    here = here.moved(trial, np.isfinite(trial.value) & (gain >= 0.0))
    best.store(here, chosen, np.ones(len(chosen), dtype=np.bool_))
    return PathFit(best.theta, best.log_norm, best.value, used, both.flips)


def _start(moments: Moments, chosen: Integers) -> _Point:
    n = len(chosen)
    return _Point(np.zeros_like(moments.mean[chosen]), np.zeros(n), 2.0 * moments.mean[chosen], np.zeros(n))


def _error(flips: Integers) -> Floats:
    """Return the standard error of a gradient entry at 0, twice a mean of numbers of size 2, shape (n, 1)."""
    return np.asarray(4.0 / np.sqrt(np.maximum(flips, 1))[:, None])


def _evaluate(products: Products, moments: Moments, theta: Singles, chosen: Integers, ranges: Ranges) -> _Point:
    return _point(moments, theta, chosen, *products.tilted(theta, chosen, ranges))


def _point(moments: Moments, theta: Singles, chosen: Integers, log_sum: Floats, tilted: Singles) -> _Point:
    mean = moments.mean[chosen]
    log_norm = log_sum - np.log(np.maximum(moments.flips[chosen], 1))
    gradient = mean - np.float32(2.0) * tilted
    gradient[np.arange(len(chosen)), chosen] = 0.0
    return _Point(theta, (theta * mean).sum(axis=1, dtype=np.float64) - log_norm, gradient, log_norm)


def _step(
    curvature: Curvature, at: _Point, cost: Singles, slower: Singles, chosen: Integers, inner: int = INNER
) -> Singles:
    """Return the maximum of the second-order model less the penalty, nearly."""
    slow = slower[:, None]
    length = np.float32(1.0) / (slow * curvature.largest(len(chosen)))
    linear = at.gradient + slow * curvature.times(at.theta)
    threshold, own = length * cost, (np.arange(len(chosen)), chosen)
    ahead, here, pace = at.theta, at.theta, 1.0
    for _ in range(inner):
        moved = ahead + length * (linear - slow * curvature.times(ahead))
        new = np.sign(moved) * np.maximum(np.abs(moved) - threshold, np.float32(0.0))
        new[own] = 0.0
        next_pace = (1.0 + np.sqrt(1.0 + 4.0 * pace**2)) / 2.0
        ahead = new + np.float32((pace - 1.0) / next_pace) * (new - here)
        here, pace = new, next_pace
    return here
