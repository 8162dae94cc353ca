r"""Which lags are combined, so that terms of first order in dt, or errors of measurement, cancel.

A current over the lag l is :math:`c + a\,l\,dt`, and the diffusion matrix :math:`D + a\,l\,dt + \Lambda / (l\,dt)` with
the covariance :math:`\Lambda` of independent errors of measurement, which leave currents at midpoints alone
(Vestergaard, Blainey & Flyvbjerg, Phys. Rev. E 89, 022726 (2014)).
"""

from dataclasses import dataclass

__all__ = ["MIDPOINT", "Stencil", "stencil_of"]


@dataclass(frozen=True, slots=True)
class Stencil:
    """Coefficients by lag, which add up to 1, of currents and of the diffusion matrix."""

    currents: dict[int, float]
    diffusion: dict[int, float]

    @property
    def lags(self) -> tuple[int, ...]:
        """All lags."""
        return tuple(sorted({*self.currents, *self.diffusion}))


MIDPOINT = Stencil({1: 1.0}, {1: 1.0})
"""Single steps."""


def stencil_of(order: int, *, noisy: bool) -> Stencil:
    """Return the stencil of an order in dt, with or without the correction of measurement noise.

    Examples
    --------
    >>> stencil_of(2, noisy=False).currents, stencil_of(1, noisy=True).diffusion
    ({1: 2.0, 2: -1.0}, {1: -1.0, 2: 2.0})
    """
    currents = {1: 1.0} if order == 1 else {1: 2.0, 2: -1.0}
    if not noisy:
        return Stencil(currents, dict(currents))
    # sum c = 1 and sum c / lag = 0; for order 2 also sum c lag = 0.
    return Stencil(currents, {1: -1.0, 2: 2.0} if order == 1 else {1: -2.0, 2: 5.0, 4: -2.0})
