r"""A particle driven around a ring with a cosine potential: current and entropy production by quadrature.

.. math:: dx = (f - U'(x))\,dt + \sqrt{2D}\,dW, \qquad U(x) = -h \cos(2\pi x / L)

The mean velocity in the steady state is

.. math:: v = \frac{L D (1 - e^{-fL/D})}{\int_0^L dx \int_0^L dy\, e^{[U(x) - U(x-y) - f y]/D}}

(Stratonovich; Risken, The Fokker-Planck Equation, 1989, chapter 11), and the entropy production is :math:`f v / D` nats
per unit of time: the work of the driving force, in units of the temperature.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.systems.arguments import counted, positive
from secondlaw.systems.overdamped import heun_paths

__all__ = ["DrivenRing"]

Floats = NDArray[np.float64]

# Nodes around the ring (the rule converges exponentially for periodic functions), and along the memory of the drive.
_AROUND, _PANELS, _NODES = 512, 32, 16
# The exponents of the quadrature must not overflow.
_STEEPEST = 300.0


@dataclass(frozen=True, slots=True)
class DrivenRing:
    """A driven particle on a ring.

    Parameters
    ----------
    force : float
        Driving force f, of either sign.
    height : float
        Amplitude h of the potential.
    diffusion : float
        D, which is the temperature for friction 1.
    length : float
        Circumference L.

    Examples
    --------
    >>> ring = DrivenRing(force=2.0, height=1.0)
    >>> round(ring.mean_velocity(), 6), round(ring.entropy_production_rate(), 6)
    (1.801797, 3.603594)
    >>> ring.simulate(points=50, dt=0.1, rng=np.random.default_rng(0)).shape
    (1, 50, 1)
    """

    force: float
    height: float = 1.0
    diffusion: float = 1.0
    length: float = 2.0 * np.pi

    def __post_init__(self) -> None:
        positive(self.diffusion, "diffusion")
        positive(self.length, "length")
        if not (np.isfinite(self.force) and np.isfinite(self.height)):
            raise InvalidInput(f"force and height must be numbers, got {self.force} and {self.height}")
        if abs(self.height) / self.diffusion > _STEEPEST:
            raise InvalidInput(
                f"the height must be at most {_STEEPEST:.0f} temperatures, got {abs(self.height) / self.diffusion:.3g}"
            )

    def potential(self, x: Floats) -> Floats:
        """Return U(x)."""
        return np.asarray(-self.height * np.cos(2.0 * np.pi * x / self.length))

    def drift(self, x: Floats) -> Floats:
        """Return ``f - U'(x)``."""
        wave = 2.0 * np.pi / self.length
        return np.asarray(self.force - self.height * wave * np.sin(wave * x))

    def mean_velocity(self) -> float:
        """Return the mean velocity around the ring, length per unit of time."""
        if self.force == 0.0:
            return 0.0
        _, weights = self._weights()
        pull = abs(self.force) * self.length / self.diffusion
        speed = -self.length * self.diffusion * np.expm1(-pull) / (weights.mean() * self.length)
        return float(np.copysign(speed, self.force))

    def entropy_production_rate(self) -> float:
        """Return the entropy production in nats per unit of time."""
        return self.force * self.mean_velocity() / self.diffusion

    def stationary_density(self) -> tuple[Floats, Floats]:
        """Return places around the ring and the density there, per unit of length, each of shape (512,)."""
        x, weights = self._weights()
        return x, weights / (weights.mean() * self.length)

    def simulate(
        self, *, points: int, dt: float, rng: np.random.Generator, trajectories: int = 1, substeps: int = 10
    ) -> Floats:
        """Draw trajectories from the steady state; positions are unwrapped, so that displacements count turns.

        Parameters
        ----------
        points, trajectories : int
        dt : float
            Time between recorded positions.
        rng : numpy.random.Generator
        substeps : int
            Integration steps in `dt`.

        Returns
        -------
        numpy.ndarray, shape (trajectories, points, 1)
        """
        _, density = self.stationary_density()
        cell = self.length / _AROUND
        drawn = rng.choice(_AROUND, size=counted(trajectories, "trajectories"), p=density / density.sum())
        first = (drawn + rng.random(trajectories) - 0.5) * cell
        return heun_paths(
            self.drift,
            first[:, None],
            diffusion=np.array([self.diffusion]),
            points=points,
            dt=dt,
            substeps=substeps,
            rng=rng,
        )

    def _weights(self) -> tuple[Floats, Floats]:
        """Return places and ``int_0^L dy exp([U(x + y) - U(x) - |f| y] / D)``, proportional to the density there.

        For a force to the left the ring is seen in a mirror: the potential is even.
        """
        x = np.arange(_AROUND) * self.length / _AROUND
        pull = abs(self.force) / self.diffusion
        reach = min(self.length, 40.0 * (2.0 * abs(self.height) / self.diffusion + 1.0) / max(pull, 1e-300))
        nodes, shares = np.polynomial.legendre.leggauss(_NODES)
        edges = np.linspace(0.0, reach, _PANELS + 1)
        half = (edges[1] - edges[0]) / 2.0
        y = ((edges[:-1] + half)[:, None] + half * nodes[None, :]).ravel()
        rise = (self.potential(x[:, None] + y[None, :]) - self.potential(x)[:, None]) / self.diffusion
        weights = np.exp(rise - pull * y) @ np.tile(half * shares, _PANELS)
        return x, weights if self.force >= 0.0 else np.roll(weights[::-1], 1)
