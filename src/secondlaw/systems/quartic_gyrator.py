r"""A Brownian gyrator in a quartic trap: two temperatures, no closed form, a numerical reference with its error.

.. math:: dx_i = -\partial_i U\,dt + \sqrt{2 T_i}\,dW_i, \qquad
          U = \tfrac{k}{2}(x_1^2 + x_2^2) + u\,x_1 x_2 + \tfrac{b}{4}(x_1^4 + x_2^4)

The reference solves the Fokker-Planck equation on a grid as a jump process between neighbouring cells, with the rates
of Scharfetter & Gummel (IEEE Trans. Electron Devices 16, 64 (1969)),
:math:`w = (T/h^2)\, \Delta / (e^\Delta - 1)`, :math:`\Delta = (U_{to} - U_{from})/T`: equilibrium is exact on
every grid, and the entropy production converges as the square of the spacing h, which an
extrapolation from two grids removes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.systems.arguments import counted, positive
from secondlaw.systems.overdamped import heun_paths

__all__ = ["NumericalReference", "QuarticGyrator"]

Floats = NDArray[np.float64]
Jumps = NDArray[np.int64]

# Cells along each side of the finer grid.
_CELLS = 144
# The grid ends where the density has fallen by this factor's exponential.
_DEPTH = 15.0
# Flows below this share of the largest are rounding.
_NOISE = 1e-14


@dataclass(frozen=True, slots=True)
class NumericalReference:
    """A number from a numerical solution.

    Parameters
    ----------
    value : float
    error : float
        How far the extrapolation moved from the finer grid, more than what it still misses.
    method : str
    """

    value: float
    error: float
    method: str


@dataclass(frozen=True, slots=True)
class QuarticGyrator:
    """Two coupled coordinates in baths of different temperature, in a trap with a quartic part.

    Parameters
    ----------
    temperatures : tuple of two floats
        Equal temperatures are equilibrium.
    coupling : float
        u; smaller than k in size where there is no quartic part.
    stiffness : float
        k >= 0.
    quartic : float
        b >= 0; with 0 the system is linear and its entropy production ``(u^2 / 2 k) (T_1 - T_2)^2 / (T_1 T_2)``.

    Examples
    --------
    >>> linear = QuarticGyrator(temperatures=(1.0, 3.0), coupling=0.5, quartic=0.0)
    >>> round(linear.entropy_production_rate(cells=64).value, 3)  # exactly 1/6
    0.167
    """

    temperatures: tuple[float, float] = (1.0, 3.0)
    coupling: float = 0.5
    stiffness: float = 1.0
    quartic: float = 1.0

    def __post_init__(self) -> None:
        if len(self.temperatures) != 2:
            raise InvalidInput(f"a gyrator has two temperatures, got {self.temperatures}")
        for temperature in self.temperatures:
            positive(temperature, "temperature")
        if min(self.stiffness, self.quartic) < 0.0 or not np.isfinite(self.coupling):
            raise InvalidInput(f"stiffness and quartic must not be negative, got {self.stiffness} and {self.quartic}")
        if self.quartic == 0.0 and abs(self.coupling) >= self.stiffness:
            raise InvalidInput(
                f"without a quartic part the coupling must be below {self.stiffness}, got {self.coupling}"
            )

    def potential(self, x: Floats) -> Floats:
        """Return U at places of shape (..., 2)."""
        squares = x**2
        return np.asarray(
            (self.stiffness / 2.0 * squares + self.quartic / 4.0 * squares**2).sum(axis=-1)
            + self.coupling * x[..., 0] * x[..., 1]
        )

    def drift(self, x: Floats) -> Floats:
        """Return ``-grad U`` at places of shape (..., 2)."""
        return np.asarray(-(self.stiffness * x + self.quartic * x**3 + self.coupling * x[..., ::-1]))

    def entropy_production_rate(self, *, cells: int = _CELLS) -> NumericalReference:
        """Return the entropy production in nats per unit of time, extrapolated from two grids.

        Parameters
        ----------
        cells : int
            Along each side of the finer grid, at least 32; 144 take about a second.
        """
        counted(cells, "cells", least=32)
        coarser = round(cells / 1.5)
        fine, coarse = _produced(*self._solved(cells)), _produced(*self._solved(coarser))
        value = fine + (fine - coarse) / ((cells / coarser) ** 2 - 1.0)
        method = f"Fokker-Planck equation on {coarser} x {coarser} and {cells} x {cells} cells, extrapolated"
        return NumericalReference(value, abs(value - fine), method)

    def simulate(
        self, *, points: int, dt: float, rng: np.random.Generator, trajectories: int = 1, substeps: int = 10
    ) -> Floats:
        """Draw trajectories from the steady state, started from the density on a grid.

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
        numpy.ndarray, shape (trajectories, points, 2)
        """
        ticks, density = self.stationary_density()
        share = density.ravel() / density.sum()
        drawn = rng.choice(share.size, size=counted(trajectories, "trajectories"), p=share)
        places = np.stack([ticks[drawn // len(ticks)], ticks[drawn % len(ticks)]], axis=1)
        first = places + (rng.random(places.shape) - 0.5) * (ticks[1] - ticks[0])
        heat = np.array(self.temperatures, dtype=np.float64)
        return heun_paths(self.drift, first, diffusion=heat, points=points, dt=dt, substeps=substeps, rng=rng)

    def stationary_density(self, *, cells: int = 96) -> tuple[Floats, Floats]:
        """Return the places along each axis, shape (cells,), and the density there, shape (cells, cells)."""
        _, share = self._solved(counted(cells, "cells", least=32))
        h = 2.0 * self._width() / cells
        ticks = np.asarray((np.arange(cells) + 0.5) * h - self._width(), dtype=np.float64)
        return ticks, share.reshape(cells, cells) / h**2

    def _width(self) -> float:
        """Return a distance along one axis beyond which the density is lost."""
        r = np.geomspace(1e-6, 1e6, 20_000)
        hottest = max(self.temperatures)
        along = self.stiffness / 2.0 * r**2 + self.quartic / 4.0 * r**4
        # Coupled directions: u x y >= -|u| (x^2 + y^2) / 2, the worst case on the diagonal.
        lowest = along - abs(self.coupling) / 2.0 * r**2
        lost = np.nonzero(lowest > _DEPTH * hottest)[0]
        return float(r[lost[0]]) if len(lost) else float(r[-1])

    def _solved(self, cells: int) -> tuple[list[tuple[Jumps, Jumps, Floats]], Floats]:
        """Return the jumps along each axis and back, as (from, to, rate), and the share of each cell."""
        from scipy.sparse import csc_array
        from scipy.sparse.linalg import splu

        h = 2.0 * self._width() / cells
        ticks = (np.arange(cells) + 0.5) * h - self._width()
        U = self.potential(np.stack(np.meshgrid(ticks, ticks, indexing="ij"), axis=-1))
        label = np.arange(cells * cells).reshape(cells, cells)
        jumps = []
        for axis, heat in enumerate(self.temperatures):
            low, high = (np.take(label, range(a, cells - 1 + a), axis=axis).ravel() for a in (0, 1))
            rise = (U.ravel()[high] - U.ravel()[low]) / heat
            jumps.append((low, high, heat / h**2 * _rate(rise)))
            jumps.append((high, low, heat / h**2 * _rate(-rise)))
        origin, target, rate = (np.concatenate(part) for part in zip(*jumps, strict=True))
        leaving = np.bincount(origin, weights=rate, minlength=cells * cells)
        row, column = np.concatenate([target, label.ravel()]), np.concatenate([origin, label.ravel()])
        balance = csc_array((np.concatenate([rate, -leaving]), (row, column)))
        # The share of the most visited cell is set to 1; its own equation follows from the others.
        peak = int(np.argmin(U))
        others = np.delete(label.ravel(), peak)
        inflow = -balance[others][:, [peak]].toarray().ravel()
        share = np.ones(cells * cells)
        share[others] = splu(balance[others][:, others].tocsc()).solve(inflow)
        share = np.clip(share, 0.0, None)
        return jumps, share / share.sum()


def _rate(rise: Floats) -> Floats:
    """Return ``x / (e^x - 1)``."""
    small = np.abs(rise) < 1e-8
    safe = np.where(small, 1.0, np.minimum(rise, 700.0))
    return np.where(small, 1.0 - rise / 2.0, safe / np.expm1(safe))


def _produced(jumps: list[tuple[Jumps, Jumps, Floats]], share: Floats) -> float:
    """Return the entropy production of the jumps, of which every second list holds the reverse of the one before."""
    flows = [share[origin] * rate for origin, _, rate in jumps]
    least = _NOISE * max(float(flow.max()) for flow in flows)
    total = 0.0
    for ahead, back in zip(flows[::2], flows[1::2], strict=True):
        seen = (ahead > least) & (back > least)
        total += float(((ahead - back)[seen] * np.log(ahead[seen] / back[seen])).sum())
    return total
