"""Linear Langevin systems of the literature: spinning noise, bead-spring chains, self-propelled particles, oscillators.

Units: friction, Boltzmann's constant and spring constants are 1 unless named.
"""

import numpy as np
from numpy.typing import ArrayLike

from secondlaw.errors import InvalidInput
from secondlaw.systems.arguments import counted, positive
from secondlaw.systems.linear_langevin import LinearLangevin

__all__ = ["active_particle", "bead_spring_chain", "heat_conducting_oscillators", "spinning_particle"]

# Temperatures at the two ends of the bead-spring chains of arXiv 2504.19007.
COLD, HOT = 1.0, 10.0


def spinning_particle(*, stiffness: float = 1.0, spin: float = 2.0, diffusion: float = 1.0) -> LinearLangevin:
    """Return a particle in a plane, in a round trap with a force that makes it circle.

    Its entropy production is ``2 spin**2 / stiffness`` per unit of time, whatever the diffusion: 8 as it stands.

    Examples
    --------
    >>> round(spinning_particle().entropy_production_rate(), 9)
    8.0
    """
    positive(stiffness, "stiffness")
    return LinearLangevin(
        np.array([[-stiffness, spin], [-spin, -stiffness]]), np.full(2, positive(diffusion, "diffusion"))
    )


def bead_spring_chain(beads: int, *, temperatures: ArrayLike = (COLD, HOT)) -> LinearLangevin:
    """Return beads in a row, joined by springs and tied to walls, each in a bath of its own (arXiv 2504.19007).

    Parameters
    ----------
    beads : int
        At least 2.
    temperatures : array_like, shape (2,) or (beads,)
        Of the two ends, linear in between, or of every bead. Equal temperatures are equilibrium.

    Examples
    --------
    >>> [round(bead_spring_chain(beads).entropy_production_rate(), 4) for beads in (2, 5)]
    [2.025, 0.6298]
    """
    counted(beads, "beads", least=2)
    given = np.asarray(temperatures, dtype=np.float64)
    if given.shape == (2,):
        given = np.linspace(given[0], given[1], beads)
    if given.shape != (beads,) or not (given > 0.0).all():
        raise InvalidInput(f"temperatures must be 2 or {beads} positive numbers, got {temperatures!r}")
    return LinearLangevin(np.eye(beads, k=1) + np.eye(beads, k=-1) - 2.0 * np.eye(beads), given)


def active_particle(
    *, stiffness: float = 1.0, persistence: float = 1.0, activity: float = 1.0, diffusion: float = 0.1
) -> LinearLangevin:
    """Return a self-propelled particle in a trap: position and its propulsion, itself an Ornstein-Uhlenbeck process.

    ``dx = (u - k x) dt + sqrt(2 D) dW``, ``du = -u dt / tau + sqrt(2 activity) / tau dW``. Seen by its position alone
    it is a Gaussian process of one variable, which looks the same backwards at every lag: hidden variables hide entropy
    production.

    Examples
    --------
    >>> particle = active_particle()
    >>> round(particle.entropy_production_rate(), 3)
    5.0
    >>> abs(particle.window_divergence(0.1, points=4, observed=(0,))) < 1e-9
    True
    """
    k, tau = positive(stiffness, "stiffness"), positive(persistence, "persistence")
    return LinearLangevin(
        np.array([[-k, 1.0], [0.0, -1.0 / tau]]),
        np.array([positive(diffusion, "diffusion"), positive(activity, "activity") / tau**2]),
    )


def heat_conducting_oscillators(
    *, temperatures: tuple[float, float] = (COLD, HOT), friction: float = 1.0, coupling: float = 1.0
) -> LinearLangevin:
    """Return two oscillators of mass 1 with velocities, coupled by a spring, each in its own bath.

    The variables are both positions, then both velocities, which are odd under time reversal. Springs of stiffness 1
    tie both to walls; with the coupling c the heat current is
    ``friction c^2 (T_2 - T_1) / 2 (c^2 + (1 + c) friction^2)``.

    Examples
    --------
    >>> round(heat_conducting_oscillators(temperatures=(2.0, 2.0)).entropy_production_rate(), 12)
    0.0
    >>> round(heat_conducting_oscillators().entropy_production_rate(), 3)  # 1.5 (1/1 - 1/10)
    1.35
    """
    gamma = positive(friction, "friction")
    pull = np.array([[-1.0 - coupling, coupling], [coupling, -1.0 - coupling]])
    drift = np.block([[np.zeros((2, 2)), np.eye(2)], [pull, -gamma * np.eye(2)]])
    noise = np.array([0.0, 0.0, *(gamma * positive(value, "temperature") for value in temperatures)])
    return LinearLangevin(drift, noise, parity=(1, 1, -1, -1))
