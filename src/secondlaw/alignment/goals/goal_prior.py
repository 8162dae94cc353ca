r"""The prior of a population's goal distribution: Dirichlet with an unknown concentration.

:math:`\theta \sim \mathrm{Dir}(\alpha, \dots, \alpha)` with one known alpha all but fixes the entropy beforehand. As in
Nemenman, Shafee & Bialek (arXiv:physics/0108025), alpha is therefore unknown, with the weight that makes the expected
entropy :math:`\xi(\alpha) = \psi(G\alpha + 1) - \psi(\alpha + 1)` uniform on [0, ln G]. Here it takes values at equal
steps of :math:`\xi`.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["concentrations", "log_assignment"]

Floats = NDArray[np.float64]

POINTS = 32
"""Values of alpha: the expected entropy moves by ln(G) / 32 from one to the next."""


@lru_cache(maxsize=64)
def concentrations(goals: int, points: int = POINTS) -> Floats:
    """Return values of alpha that are equally probable beforehand, increasing.

    Examples
    --------
    >>> concentrations(4, 4).round(3)
    array([0.04 , 0.17 , 0.47 , 1.937])
    """
    from scipy.optimize import brentq
    from scipy.special import digamma

    def excess(log_alpha: float, entropy: float) -> float:
        alpha = float(np.exp(log_alpha))
        return float(digamma(goals * alpha + 1.0) - digamma(alpha + 1.0) - entropy)

    targets = (np.arange(points) + 0.5) / points * np.log(goals)
    found = np.exp([brentq(excess, -20.0, 20.0, args=(target,)) for target in targets])
    found.setflags(write=False)
    return np.asarray(found)


@lru_cache(maxsize=16)
def log_assignment(goals: int, units: int, points: int = POINTS) -> tuple[Floats, Floats]:
    r"""Return tables of the Dirichlet-multinomial: how probable counts of goals are at every alpha.

    Returns
    -------
    tuple of ndarray
        ``ln Gamma(alpha + n) - ln Gamma(alpha)``, shape (units + 1, points), to be summed over goals, and
        ``ln Gamma(G alpha) - ln Gamma(G alpha + n)``, shape (units + 1, points).
    """
    from scipy.special import gammaln

    alpha, n = concentrations(goals, points), np.arange(units + 1.0)[:, None]
    own = gammaln(alpha + n) - gammaln(alpha)
    whole = gammaln(goals * alpha) - gammaln(goals * alpha + n)
    return np.asarray(own), np.asarray(whole)
