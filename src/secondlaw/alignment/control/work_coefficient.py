r"""From gamma to the coefficient of a loss, and how large that may be.

The paper (arXiv:2511.10704) writes alignment work as a rate of entropy, dS/dt = sigma - gamma. A training loop adds
:math:`c \nabla A` to the gradient of its loss, A an alignment loss. Gradient descent with step size eta then changes S,
to first order, by

.. math:: \Delta S = -\eta\, c\, \langle \nabla S, \nabla A \rangle \quad \text{nats per update},

so that c and gamma differ by a factor that depends on network and moment, and gamma's unit of time has to be said:

===================  ====================================  ==========================================================
reading              c                                     gamma is
===================  ====================================  ==========================================================
``"coefficient"``    gamma                                 the coefficient itself; what it does to S is measured
``"per update"``     gamma / (eta <grad S, grad A>)        nats per update, the time of the paper's simulation
``"per flow time"``  gamma / <grad S, grad A>              nats per unit of the gradient flow's time, 1/eta updates;
                                                           the paper's gamma_crit, which lacks eta, is read so
===================  ====================================  ==========================================================

Where the inner product is not positive the alignment loss does not lower S at all there, and no coefficient carries a
rate. Gradient descent on c A with curvature k (largest eigenvalue) diverges from eta c k = 2 on, so c is kept below.
That bound is exact for plain gradient descent on a quadratic; momentum and adaptive methods have others.
"""

import math
from typing import Literal, get_args

from secondlaw.alignment.arguments import positive, rate
from secondlaw.errors import InvalidInput

__all__ = ["HEADROOM", "READINGS", "Reading", "loss_coefficient", "stable_coefficient"]

Reading = Literal["coefficient", "per update", "per flow time"]
READINGS: tuple[Reading, ...] = get_args(Reading)

HEADROOM = 0.9
"""Share of the bound that is used: curvature is an estimate, and grows between two of them."""


def loss_coefficient(
    gamma: float, *, reading: Reading = "coefficient", learning_rate: float, descent: float | None = None
) -> float | None:
    """Return the coefficient of the alignment loss that carries a gamma.

    Parameters
    ----------
    gamma : float
        Alignment work in the unit of the reading.
    reading : str
        One of :data:`READINGS`.
    learning_rate : float
        eta.
    descent : float, optional
        <grad S, grad A>, nats per unit of flow time and coefficient.

    Returns
    -------
    float or None
        None where the alignment loss does not lower S, or the update has learning rate 0, as the first of a warm-up: no
        coefficient carries a rate there.

    Examples
    --------
    >>> loss_coefficient(0.002, reading="per update", learning_rate=0.1, descent=0.0625)
    0.32
    """
    gamma, learning_rate = rate(gamma, "gamma"), rate(learning_rate, "learning_rate")
    if reading not in READINGS:
        raise InvalidInput(f"gamma is read as one of {', '.join(READINGS)}, got {reading!r}")
    if reading == "coefficient" or gamma == 0.0:
        return gamma
    if descent is None:
        raise InvalidInput(f"gamma {reading} needs the gradient of S: let the probes return probabilities, not counts")
    slope = descent * learning_rate if reading == "per update" else descent
    return gamma / slope if slope > 0.0 else None


def stable_coefficient(learning_rate: float, curvature: float, *, headroom: float = HEADROOM) -> float:
    """Return the largest coefficient with eta * coefficient * curvature <= 2 * headroom; infinite where eta is 0.

    Examples
    --------
    >>> round(stable_coefficient(0.01, 5.0), 6)
    36.0
    """
    if not 0.0 < headroom < 1.0:
        raise InvalidInput(f"headroom is a share between 0 and 1, got {headroom}")
    reach = rate(learning_rate, "learning_rate") * positive(curvature, "curvature")
    return 2.0 * headroom / reach if reach > 0.0 else math.inf
