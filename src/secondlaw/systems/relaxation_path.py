r"""Relaxation of linear Langevin dynamics from a Gaussian start, with its entropy production split in two.

At every moment the law is Gaussian with mean m and covariance :math:`S_t`, and

.. math::

    \sigma = \langle \nu_t^T D^{-1} \nu_t \rangle, \quad
    \sigma_{hk} = \langle \nu_{ss}^T D^{-1} \nu_{ss} \rangle, \quad
    \sigma_{ex} = \langle (\nu_t - \nu_{ss})^T D^{-1} (\nu_t - \nu_{ss}) \rangle,

all under the law of that moment: the housekeeping part, which the steady state costs forever, and the excess, which
falls to zero; :math:`\sigma = \sigma_{hk} + \sigma_{ex}` (Hatano & Sasa, Phys. Rev. Lett. 86, 3463 (2001); Esposito &
Van den Broeck, Phys. Rev. Lett. 104, 090601
(2010)). The excess is minus the rate of change of :math:`KL(p_t || p_{ss})`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.systems.arguments import covariance
from secondlaw.systems.linear_langevin import LinearLangevin

__all__ = ["Relaxation", "relaxation"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Relaxation:
    """Moments and entropy production rates at a series of times.

    Parameters
    ----------
    times : numpy.ndarray, shape (T,)
    means : numpy.ndarray, shape (T, d)
    covariances : numpy.ndarray, shape (T, d, d)
    total, housekeeping, excess : numpy.ndarray, shape (T,)
        Rates in nats per unit of time; none is negative, and the last two add up to the first.
    divergence : numpy.ndarray, shape (T,)
        ``KL(p_t || p_ss)`` in nats.
    """

    times: Floats
    means: Floats
    covariances: Floats
    total: Floats
    housekeeping: Floats
    excess: Floats
    divergence: Floats


def relaxation(system: LinearLangevin, times: ArrayLike, *, mean: ArrayLike, spread: ArrayLike) -> Relaxation:
    """Follow the law of `system` from a Gaussian start.

    Parameters
    ----------
    system : LinearLangevin
        Without odd variables, and with noise on every variable.
    times : array_like, shape (T,)
        From 0 on.
    mean : array_like, shape (d,)
    spread : array_like, shape (d, d)
        Covariance of the start, not singular.

    Raises
    ------
    InvalidInput
        If the system has odd variables or a singular diffusion, or shapes do not fit.

    Examples
    --------
    >>> from secondlaw.systems import spinning_particle
    >>> path = relaxation(spinning_particle(), [0.0, 1.0, 9.0], mean=[1.0, 0.0], spread=np.eye(2))
    >>> path.total.round(3), path.housekeeping.round(3)
    (array([13.   ,  8.677,  8.   ]), array([12.   ,  8.541,  8.   ]))
    """
    when = np.atleast_1d(np.asarray(times, dtype=np.float64))
    if system.parity is not None and -1 in system.parity:
        raise InvalidInput("the split into housekeeping and excess is for even variables: the system has odd ones")
    if np.linalg.eigvalsh(system.diffusion)[0] <= 0.0:
        raise InvalidInput("the split needs noise on every variable: the diffusion matrix is singular")
    if when.ndim != 1 or not np.isfinite(when).all() or when.min() < 0.0:
        raise InvalidInput("times must be numbers from 0 on")
    first, around = np.asarray(mean, dtype=np.float64), covariance(spread, "spread")
    if first.shape != (system.dimension,) or around.shape != system.drift.shape:
        raise InvalidInput(f"mean and spread must be {system.dimension}-dimensional, got {first.shape}, {around.shape}")
    if np.linalg.eigvalsh(around)[0] <= 0.0:
        raise InvalidInput("spread must not be singular: a law without width has no finite entropy production")
    means, spreads = _moments(system, when, first, around)
    A, D, S = system.drift, system.diffusion, system.stationary_covariance()
    kept = A + D @ np.linalg.inv(S)
    own = np.linalg.inv(spreads)
    apart = D @ (own - np.linalg.inv(S))
    total = _cost(D, A + D @ own, spreads, means @ A.T)
    housekeeping = _cost(D, np.broadcast_to(kept, spreads.shape), spreads, means @ kept.T)
    excess = _cost(D, apart, spreads, -means @ (D @ np.linalg.inv(S)).T)
    return Relaxation(when, means, spreads, total, housekeeping, excess, _divergence(means, spreads, S))


def _moments(system: LinearLangevin, when: Floats, first: Floats, around: Floats) -> tuple[Floats, Floats]:
    means, spreads = [], []
    for time in when:
        step, noise = system.propagator(time) if time > 0.0 else (np.eye(len(first)), np.zeros_like(around))
        means.append(step @ first)
        spreads.append(step @ around @ step.T + noise)
    return np.array(means), np.array(spreads)


def _cost(diffusion: Floats, slope: Floats, spreads: Floats, middle: Floats) -> Floats:
    """Return ``<v^T D^-1 v>`` of ``v = slope (x - m) + middle`` under Gaussians of covariance `spreads`."""
    inverse = np.linalg.inv(diffusion)
    around = np.einsum("tji,jk,tkl,tli->t", slope, inverse, slope, spreads)
    return np.asarray(around + np.einsum("ti,ij,tj->t", middle, inverse, middle))


def _divergence(means: Floats, spreads: Floats, steady: Floats) -> Floats:
    inverse = np.linalg.inv(steady)
    shape = np.einsum("ij,tji->t", inverse, spreads) - len(steady)
    volume = np.linalg.slogdet(steady)[1] - np.linalg.slogdet(spreads)[1]
    return np.asarray((shape + volume + np.einsum("ti,ij,tj->t", means, inverse, means)) / 2.0)
