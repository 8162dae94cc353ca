r"""Model B: goals as a random-energy model, where alignment work has a true threshold.

.. math:: dz_i = -\gamma (z_i - h \delta_{i1})\,dt + \sqrt{2D}\,dW_i, \qquad
          z_i \sim N(h \delta_{i1}, s^2),\; s^2 = D/\gamma

Goal 1 is the intended one, h the strength of the preference for it. Among many goals it wins, p_1 -> 1, if and only if

.. math:: h > \ln G + s^2/2 \quad (s^2 < 2 \ln G, \text{ annealed}), \qquad h > s \sqrt{2 \ln G} \quad (\text{frozen})

so that :math:`\gamma_{crit} = D/(2(h - \ln G))` or :math:`2 D \ln G / h^2`: a logarithm of the number of *goals*, not
of parameters (Derrida, Phys. Rev. B 24, 2613, 1981, for the random-energy model). Few goals (G <= 50) miss the formula
by much; :meth:`RandomEnergy.intended_share` is exact for any G.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from secondlaw.alignment.arguments import counted, finite, positive
from secondlaw.alignment.goal_entropy import softmax
from secondlaw.errors import InvalidInput

__all__ = ["RandomEnergy", "critical_preference"]

Floats = NDArray[np.float64]

# Grids of the quadrature: standard normals, and the logarithm of an exponential variable. Trapezoid sums of functions
# this smooth converge faster than any power of the spacing.
_NORMAL = np.linspace(-9.0, 9.0, 361)
_GUMBEL = np.linspace(-40.0, 4.5, 1781)
_SPACING = 0.05


def critical_preference(goals: int, variance: float) -> float:
    """Return the preference above which the intended goal wins among many goals.

    Examples
    --------
    >>> round(critical_preference(1000, 0.5 * np.log(1000)), 3)
    8.635
    """
    log_goals = np.log(counted(goals, "goals", least=2))
    if variance < 2.0 * log_goals:
        return float(log_goals + variance / 2.0)
    return float(np.sqrt(2.0 * variance * log_goals))


@dataclass(frozen=True, slots=True)
class RandomEnergy:
    """Many goals under noise, one of them held by alignment work.

    Parameters
    ----------
    goals : int
        G, at least two.
    preference : float
        h, the logit that the intended goal is pulled to.
    work : float
        gamma, the rate of the pull, per unit of time.
    diffusion : float
        D, of the logits, per unit of time.

    Examples
    --------
    >>> model = RandomEnergy(goals=1000, preference=1.25 * np.log(1000), work=1.0, diffusion=1.0)
    >>> round(model.critical_work(), 4), round(model.intended_share(), 4)
    (0.2895, 0.736)
    """

    goals: int
    preference: float
    work: float
    diffusion: float

    def __post_init__(self) -> None:
        counted(self.goals, "goals", least=2)
        finite(self.preference, "preference")
        positive(self.work, "work")
        positive(self.diffusion, "diffusion")

    @property
    def variance(self) -> float:
        """Stationary variance of a logit, D / gamma."""
        return self.diffusion / self.work

    def critical_work(self) -> float:
        """Return the alignment work above which the intended goal wins among many goals.

        Raises
        ------
        InvalidInput
            If the preference is not positive: no work lets that goal win.
        """
        log_goals = float(np.log(self.goals))
        if self.preference <= 0.0:
            raise InvalidInput(f"without a positive preference no work suffices, got {self.preference}")
        if self.preference < 2.0 * log_goals:
            if self.preference <= log_goals:
                raise InvalidInput(
                    f"a preference of ln G = {log_goals:.3f} or less wins at no work, got {self.preference}"
                )
            return float(self.diffusion / (2.0 * (self.preference - log_goals)))
        return 2.0 * self.diffusion * log_goals / self.preference**2

    def with_work(self, work: float) -> "RandomEnergy":
        """Return the same goals under another alignment work."""
        return replace(self, work=work)

    def intended_share(self) -> float:
        r"""Return E[p_1] in the steady state, by quadrature.

        :math:`E[p_1] = E_{z_1} \int_0^\infty e^{-t}\, \varphi(t e^{-z_1})^{G-1} dt` with
        :math:`\varphi(u) = E[e^{-u e^{s \xi}}]`; good to about 1e-7.
        """
        from scipy.interpolate import CubicSpline

        spread = float(np.sqrt(self.variance))
        density = np.exp(-(_NORMAL**2) / 2.0)
        density /= density.sum()
        step = _GUMBEL[1] - _GUMBEL[0]
        weight = np.exp(_GUMBEL - np.exp(_GUMBEL)) * step
        # Logarithm of what the first goal's share is compared with, on a grid that both sums share.
        places = _GUMBEL[:, None] - self.preference - spread * _NORMAL[None, :]
        lowest, highest = float(places.min()), float(places.max())
        grid, others = _log_laplace(spread, round(lowest - 1.0), round(highest + 1.0))
        inner = np.exp((self.goals - 1) * CubicSpline(grid, others)(places))
        return float(weight @ inner @ density)

    def susceptibility(self) -> float:
        """Return dE[p_1] / d ln gamma, by a central difference of the quadrature."""
        tiny = 1e-3
        upper, lower = (self.with_work(self.work * float(np.exp(sign * tiny))).intended_share() for sign in (1, -1))
        return (upper - lower) / (2.0 * tiny)

    def draw(self, agents: int, *, rng: np.random.Generator) -> Floats:
        """Draw goal distributions from the steady state, shape (agents, goals)."""
        z = rng.normal(0.0, np.sqrt(self.variance), size=(counted(agents, "agents"), self.goals))
        z[:, 0] += self.preference
        return softmax(z)

    def simulate(self, *, times: Floats, agents: int, rng: np.random.Generator, start: Floats | None = None) -> Floats:
        """Draw the intended goal's share along trajectories, exact at any spacing of the times.

        Parameters
        ----------
        times : numpy.ndarray, shape (points,)
            Increasing, from 0.
        agents : int
        rng : numpy.random.Generator
        start : numpy.ndarray, shape (goals,), optional
            First logits; 0 (all goals alike) without it.

        Returns
        -------
        numpy.ndarray, shape (points, agents)
        """
        moments = np.asarray(times, dtype=np.float64)
        if moments.ndim != 1 or moments.size < 2 or moments[0] != 0.0 or (np.diff(moments) <= 0.0).any():
            raise InvalidInput("times must increase from 0, with two of them at least")
        paths = self.paths(np.diff(moments), agents=agents, rng=rng, start=start)
        return np.stack([shares[:, 0] for shares in paths])

    def paths(
        self, gaps: Iterable[float], *, agents: int, rng: np.random.Generator, start: Floats | None = None
    ) -> Iterator[Floats]:
        """Yield goal distributions, shape (agents, goals), at the start and after each gap of time; see `simulate`."""
        z = np.tile(np.zeros(self.goals) if start is None else np.asarray(start, dtype=np.float64), (agents, 1))
        yield softmax(z)
        centre = np.zeros(self.goals)
        centre[0] = self.preference
        for gap in gaps:
            kept = float(np.exp(-self.work * gap))
            noise = rng.standard_normal(z.shape) * np.sqrt(self.variance * -np.expm1(-2.0 * self.work * gap))
            z = centre + (z - centre) * kept + noise
            yield softmax(z)


@lru_cache(maxsize=64)
def _log_laplace(spread: float, lowest: int, highest: int) -> tuple[Floats, Floats]:
    """Return a grid of ln u and ln phi(u), phi the Laplace transform of a log-normal variable."""
    grid = np.arange(lowest, highest + _SPACING, _SPACING)
    density = np.exp(-(_NORMAL**2) / 2.0)
    density /= density.sum()
    with np.errstate(over="ignore", under="ignore"):
        others = np.exp(-np.exp(np.minimum(grid[:, None] + spread * _NORMAL[None, :], 700.0))) @ density
    return grid, np.log(np.maximum(others, np.finfo(float).tiny))
