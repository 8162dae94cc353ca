r"""Harmonic traps moved and squeezed by a protocol: entropy production far from any steady state, in closed form.

.. math:: dx = -k(t)\,(x - c(t))\,dt + \sqrt{2D}\,dW

From a Gaussian start the law stays Gaussian; with mean m and variance s,

.. math::

    \dot m = -k (m - c), \quad \dot s = -2 k s + 2D, \quad
    \sigma = \frac{k^2 (m - c)^2 + (D/s - k)^2 s}{D}

nats per unit of time, from the mean local velocity :math:`\nu = -k(x - c) + D (x - m)/s` (arXiv 2504.19007).
Entropy production compares with the reversed protocol, started from the law at the end.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.systems.arguments import counted, positive

__all__ = ["DrivenTrap", "breathing_trap", "moving_trap"]

Floats = NDArray[np.float64]
Protocol = Callable[[Floats], Floats]

# Steps of the fourth-order integration between two points, at least: so many, and so many per relaxation time.
_SUBSTEPS, _PER_RELAXATION = 64, 16


@dataclass(frozen=True, slots=True, eq=False)
class DrivenTrap:
    """A particle in a trap whose centre and stiffness follow a protocol, watched from 0 to `duration`.

    Parameters
    ----------
    center, stiffness : callable
        Of an array of times in 0..duration, smooth.
    diffusion : float
    duration : float
    mean, variance : float
        Of the Gaussian start.

    Examples
    --------
    >>> trap = moving_trap(velocity=2.0, diffusion=0.5, duration=3.0)
    >>> round(trap.entropy_production(), 6)  # v^2 / D a unit of time
    24.0
    >>> x = trap.simulate(points=31, trajectories=5, rng=np.random.default_rng(0))
    >>> x.shape, trap.trajectory_entropy_production(x).shape
    ((5, 31, 1), (5,))
    """

    center: Protocol
    stiffness: Protocol
    diffusion: float
    duration: float
    mean: float
    variance: float

    def __post_init__(self) -> None:
        positive(self.diffusion, "diffusion")
        positive(self.duration, "duration")
        positive(self.variance, "variance")
        if not np.isfinite(self.mean):
            raise InvalidInput(f"mean must be a number, got {self.mean}")

    def moments(self, *, points: int) -> tuple[Floats, Floats, Floats]:
        """Return times over the whole duration, and mean and variance there, each of shape (points,)."""
        step, shift, noise = self._steps(points)
        means, variances = np.empty(points), np.empty(points)
        means[0], variances[0] = self.mean, self.variance
        for point in range(1, points):
            means[point] = step[point - 1] * means[point - 1] + shift[point - 1]
            variances[point] = step[point - 1] ** 2 * variances[point - 1] + noise[point - 1]
        return np.linspace(0.0, self.duration, points), means, variances

    def entropy_production_rates(self, *, points: int) -> tuple[Floats, Floats]:
        """Return times and the rates of entropy production there, in nats per unit of time."""
        times, m, s = self.moments(points=points)
        k, c = self.stiffness(times), self.center(times)
        return times, (k**2 * (m - c) ** 2 + (self.diffusion / s - k) ** 2 * s) / self.diffusion

    def entropy_production(self, *, points: int = 1025) -> float:
        """Return the entropy production of the whole protocol, in nats, by Simpson's rule on `points` (odd)."""
        from scipy.integrate import simpson

        times, rates = self.entropy_production_rates(points=points)
        return float(simpson(rates, x=times))

    def entropy_production_rate(self) -> float:
        """Return the mean entropy production over the protocol, in nats per unit of time."""
        return self.entropy_production() / self.duration

    def lag_divergence(self, *, points: int) -> float:
        """Return the entropy production that `points` positions show, in nats; it rises to the whole with `points`."""
        step, _, noise = self._steps(points)
        _, m, s = self.moments(points=points)
        # Backwards the same Gaussian steps lead from the later to the earlier position, under the reversed protocol.
        back_step, back_shift, back_noise = (values[::-1] for values in self.reversed()._steps(points))
        off = m[:-1] - back_step * m[1:] - back_shift
        spread = s[:-1] - 2.0 * back_step * step * s[:-1] + back_step**2 * s[1:]
        steps = (spread + off**2) / back_noise - 1.0 + np.log(back_noise / noise)
        ends = np.log(s[-1] / s[0])
        return float(steps.sum() + ends) / 2.0

    def reversed(self) -> "DrivenTrap":
        """Return the reversed protocol, started from the law at the end of this one."""
        _, means, variances = self.moments(points=_SUBSTEPS + 1)
        return DrivenTrap(
            center=lambda times: self.center(self.duration - times),
            stiffness=lambda times: self.stiffness(self.duration - times),
            diffusion=self.diffusion,
            duration=self.duration,
            mean=float(means[-1]),
            variance=float(variances[-1]),
        )

    def simulate(self, *, points: int, rng: np.random.Generator, trajectories: int = 1) -> Floats:
        """Draw trajectories over the whole duration, exactly at the points.

        Parameters
        ----------
        points : int
            At least 2, evenly spaced, both ends included.
        rng : numpy.random.Generator
        trajectories : int

        Returns
        -------
        numpy.ndarray, shape (trajectories, points, 1)
        """
        step, shift, noise = self._steps(points)
        drawn = rng.standard_normal((points, counted(trajectories, "trajectories")))
        drawn[0] = self.mean + np.sqrt(self.variance) * drawn[0]
        for point in range(1, points):
            kick = np.sqrt(noise[point - 1]) * drawn[point]
            drawn[point] = step[point - 1] * drawn[point - 1] + shift[point - 1] + kick
        return np.ascontiguousarray(drawn.T[:, :, None])

    def trajectory_entropy_production(self, path: ArrayLike) -> Floats:
        """Return ``ln p(path) - ln p~(reversed path)``, in nats; p~ belongs to the reversed protocol.

        Its mean is :meth:`lag_divergence`, and the mean of ``exp(-sigma)`` is 1 (Crooks, Phys. Rev. E 60, 2721 (1999)).

        Parameters
        ----------
        path : array_like, shape (trajectories, points, 1)

        Returns
        -------
        numpy.ndarray, shape (trajectories,)
        """
        x = np.asarray(path, dtype=np.float64)
        if x.ndim != 3 or x.shape[2] != 1:
            raise InvalidInput(f"path must have the shape (trajectories, points, 1), got {x.shape}")
        return self._log_density(x[:, :, 0]) - self.reversed()._log_density(x[:, ::-1, 0])

    def _log_density(self, x: Floats) -> Floats:
        step, shift, noise = self._steps(x.shape[1])
        off = x[:, 1:] - step * x[:, :-1] - shift
        first = (x[:, 0] - self.mean) ** 2 / self.variance + np.log(self.variance)
        return np.asarray(-(first + (off**2 / noise + np.log(noise)).sum(axis=1)) / 2.0)

    def _steps(self, points: int) -> tuple[Floats, Floats, Floats]:
        """Return factor, shift and noise variance of the Gaussian step to each next point, shape (points - 1,).

        Fourth-order Runge-Kutta, for all steps at once.
        """
        counted(points, "points", least=2)
        starts = np.linspace(0.0, self.duration, points)[:-1]
        interval = self.duration / (points - 1)
        stiffest = float(np.abs(self.stiffness(np.linspace(0.0, self.duration, 513))).max())
        substeps = max(_SUBSTEPS, math.ceil(_PER_RELAXATION * stiffest * interval))
        h = interval / substeps
        state = np.zeros((3, points - 1))
        state[0] = 1.0

        def slope(times: Floats, now: Floats) -> Floats:
            inside = np.clip(times, 0.0, self.duration)
            k = np.broadcast_to(self.stiffness(inside), inside.shape)
            c = np.broadcast_to(self.center(inside), inside.shape)
            return np.stack([-k * now[0], -k * (now[1] - c), -2.0 * k * now[2] + 2.0 * self.diffusion])

        for part in range(substeps):
            time = starts + part * h
            a = slope(time, state)
            b = slope(time + h / 2.0, state + h / 2.0 * a)
            c = slope(time + h / 2.0, state + h / 2.0 * b)
            d = slope(time + h, state + h * c)
            state = state + h / 6.0 * (a + 2.0 * b + 2.0 * c + d)
        return state[0], state[1], state[2]


def moving_trap(*, velocity: float, duration: float, stiffness: float = 1.0, diffusion: float = 1.0) -> DrivenTrap:
    """Return a trap pulled along, the particle lagging steadily: ``velocity**2 / diffusion`` nats per unit of time."""
    k = positive(stiffness, "stiffness")
    return DrivenTrap(
        center=lambda times: velocity * times,
        stiffness=lambda times: np.full_like(times, k),
        diffusion=diffusion,
        duration=duration,
        mean=-velocity / k,
        variance=positive(diffusion, "diffusion") / k,
    )


def breathing_trap(
    *, duration: float, stiffness: float = 2.0, swing: float = 1.0, period: float = 1.0, diffusion: float = 1.0
) -> DrivenTrap:
    """Return a resting trap of stiffness ``stiffness + swing sin(2 pi t / period)``, started in equilibrium."""
    k = positive(stiffness, "stiffness")
    positive(period, "period")
    if not abs(swing) < k:
        raise InvalidInput(f"swing must be smaller than the stiffness {k}, got {swing}")
    return DrivenTrap(
        center=np.zeros_like,
        stiffness=lambda times: k + swing * np.sin(2.0 * np.pi * times / period),
        diffusion=diffusion,
        duration=duration,
        mean=0.0,
        variance=positive(diffusion, "diffusion") / k,
    )
