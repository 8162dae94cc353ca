r"""Paths of nonlinear overdamped dynamics :math:`dx = F(x)\,dt + \sqrt{2D}\,dW` with constant diagonal D.

The stochastic Heun step, of weak order 2 for constant noise: an Euler step, then the mean of both forces with the same
noise (Kloeden & Platen, Numerical Solution of Stochastic Differential Equations, 1992, chapter 15).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.systems.arguments import counted, positive

__all__ = ["heun_paths"]

Floats = NDArray[np.float64]


def heun_paths(
    force: Callable[[Floats], Floats],
    first: Floats,
    *,
    diffusion: Floats,
    points: int,
    dt: float,
    substeps: int,
    rng: np.random.Generator,
) -> Floats:
    """Integrate paths from given states.

    Parameters
    ----------
    force : callable
        Takes and returns shape (trajectories, d).
    first : numpy.ndarray, shape (trajectories, d)
    diffusion : numpy.ndarray, shape (d,)
    points : int
        States of each path, the first included.
    dt : float
        Time between recorded states.
    substeps : int
        Steps of integration in `dt`; the error of averages falls as the square of ``dt / substeps``.
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray, shape (trajectories, points, d)

    Raises
    ------
    InvalidInput
        If the steps are too long and the path runs away.
    """
    step = positive(dt, "dt") / counted(substeps, "substeps")
    kick = np.sqrt(2.0 * diffusion * step)
    paths = np.empty((first.shape[0], counted(points, "points"), first.shape[1]))
    here = paths[:, 0] = first
    for point in range(1, points):
        for _ in range(substeps):
            noise = kick * rng.standard_normal(here.shape)
            with np.errstate(over="ignore", invalid="ignore"):
                pull = force(here)
                here = here + 0.5 * step * (pull + force(here + step * pull + noise)) + noise
        if not np.isfinite(here).all():
            raise InvalidInput(f"a path ran away with steps of {step:.3g}: take more substeps")
        paths[:, point] = here
    return paths
