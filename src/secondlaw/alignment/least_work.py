r"""The operating point: the least alignment work that holds the entropy over goals at a tolerance.

The stationary entropy of :class:`~secondlaw.alignment.GoalDiffusion` is smooth in gamma, so what an operator can ask
for is not a critical value but :math:`\gamma^*(S_{tol}) = \min \{\gamma : E[S] \le S_{tol} \text{ from there on}\}`.
"""

from dataclasses import replace

import numpy as np

from secondlaw.alignment.arguments import positive
from secondlaw.alignment.goal_diffusion import GoalDiffusion
from secondlaw.alignment.goal_entropy import shannon
from secondlaw.errors import InvalidInput

__all__ = ["operating_point"]

# Scan for the last crossing, relative to the scale gaming + diffusion.
_LOWEST, _HIGHEST, _POINTS = 1e-6, 1e9, 601
_PRECISION = 1e-10


def operating_point(model: GoalDiffusion, *, tolerance: float) -> float:
    """Return the least alignment work that keeps E[S] at `tolerance` or below for every larger work.

    Parameters
    ----------
    model : GoalDiffusion
        Its own work is not used.
    tolerance : float
        Entropy that is tolerated, nats.

    Returns
    -------
    float
        gamma*, per unit of time; 0 where no work is needed.

    Raises
    ------
    InvalidInput
        If the intended goals themselves have more entropy than the tolerance: no work attains it.

    Examples
    --------
    >>> proxy, intended = [0.4, 0.3, 0.1, 0.1, 0.05, 0.05], [0.05, 0.75, 0.05, 0.05, 0.05, 0.05]
    >>> model = GoalDiffusion(proxy, intended, gaming=0.5, work=0.0, diffusion=0.05)
    >>> round(operating_point(model, tolerance=1.0814), 2)
    3.0
    """
    positive(tolerance, "tolerance")
    least = float(shannon(model.intended))
    if tolerance <= least:
        raise InvalidInput(
            f"the intended goals have {least:.4g} nats themselves: ask for a tolerance above that, got {tolerance:.4g}"
        )
    scale = model.gaming + model.diffusion
    grid = np.geomspace(_LOWEST, _HIGHEST, _POINTS) * scale
    above = np.array([_excess(model, work, tolerance) > 0.0 for work in grid])
    if above[-1]:
        raise InvalidInput(
            f"a tolerance of {tolerance:.6g} is so near to the limit {least:.6g} that no work attains it"
        )
    if not above.any():
        return 0.0
    last = int(np.flatnonzero(above)[-1])
    low, high = float(grid[last]), float(grid[last + 1])
    while high - low > _PRECISION * high:
        middle = (low + high) / 2.0
        low, high = (middle, high) if _excess(model, middle, tolerance) > 0.0 else (low, middle)
    return high


def _excess(model: GoalDiffusion, work: float, tolerance: float) -> float:
    return replace(model, work=float(work)).mean_entropy() - tolerance
