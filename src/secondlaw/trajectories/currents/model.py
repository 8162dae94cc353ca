r"""Fields learnt from currents, in the units of the data: velocity, force, drift, score, diffusion, entropy production.

With Ito's drift F and noise D(x) the mean local velocity is
:math:`\nu = F - \nabla\!\cdot\!D - D \nabla \ln p`; so the score is :math:`D^{-1}(F - \nabla\!\cdot\!D - \nu)`,
:math:`D^{-1}(F - \nu)` for constant D. The three conventions of the drift differ by named terms:
anti-Ito :math:`F - \nabla\!\cdot\!D`; Stratonovich :math:`F_i - \tfrac12 \partial_i D_{ii}` (diagonal noise).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.trajectories.currents.dynamics import Diffusion
from secondlaw.trajectories.currents.fields import Field, LinearField, StateFunctions
from secondlaw.trajectories.currents.steps import Coordinates

__all__ = ["Convention", "CurrentModel"]

Floats = NDArray[np.float64]
Convention = Literal["ito", "stratonovich", "anti-ito"]

_CORRELATED = 0.02  # correlation of noises up to which D counts as diagonal


@dataclass(frozen=True, slots=True)
class CurrentModel:
    """What a fit of currents knows, at states in the units of the data.

    Parameters
    ----------
    coordinates : Coordinates
    force_field : Field
        ``w = D^-1 nu`` in standardised coordinates, from all rows, shrunk.
    noise : Diffusion
    drift_field : LinearField or None
    density_rate : ndarray, shape (K,), optional
        Coefficients of ``d ln p / dt`` on `density_functions`; None in a steady state.
    density_functions : StateFunctions or None
    force_influence, drift_influence : ndarray, shape (B, dim, K), optional
        Influence of each block on the coefficients.
    in_time : bool
        Whether fields depend on time.
    """

    coordinates: Coordinates
    force_field: Field
    noise: Diffusion
    drift_field: LinearField | None
    density_rate: Floats | None
    density_functions: StateFunctions | None
    force_influence: Floats | None
    drift_influence: Floats | None
    in_time: bool

    def force(self, x: ArrayLike, times: ArrayLike | None = None) -> Floats:
        """Return the thermodynamic force ``D^-1 nu``, shape (n, dim), in nats per unit of each variable."""
        z, when = self.into(x, times)
        return np.asarray(self.force_field(z, when) / self.coordinates.scale)

    def velocity(self, x: ArrayLike, times: ArrayLike | None = None) -> Floats:
        """Return the mean local velocity nu, shape (n, dim)."""
        z, when = self.into(x, times)
        return np.asarray(np.einsum("nij,nj->ni", self.noise(z), self.force_field(z, when)) * self.coordinates.scale)

    def diffusion(self, x: ArrayLike) -> Floats:
        """Return D, shape (n, dim, dim)."""
        z, _ = self.into(x, 0.0)
        return np.asarray(self.noise(z) * np.outer(self.coordinates.scale, self.coordinates.scale))

    def drift(self, x: ArrayLike, times: ArrayLike | None = None, *, convention: Convention = "ito") -> Floats:
        """Return the drift, shape (n, dim).

        Parameters
        ----------
        x : array_like, shape (n, dim)
        times : array_like, shape (n,), optional
        convention : {"ito", "stratonovich", "anti-ito"}

        Raises
        ------
        InvalidInput
            If no drift was fitted, or Stratonovich's is asked for with noise that is not diagonal.
        """
        if self.drift_field is None:
            raise InvalidInput("no drift was fitted: trajectories are too short for its stencil")
        z, when = self.into(x, times)
        out = self.drift_field(z, when)
        if convention == "anti-ito":
            out = out - self.noise.divergence(z)
        elif convention == "stratonovich":
            off = self.noise.mean / np.sqrt(np.outer(np.diag(self.noise.mean), np.diag(self.noise.mean)))
            if self.noise.functions is not None and np.abs(off - np.eye(len(off))).max() > _CORRELATED:
                raise InvalidInput(
                    "the Stratonovich drift depends on how correlated noise is split into sources: take ito or anti-ito"
                )
            out = out - 0.5 * self.noise.diagonal_slopes(z)
        elif convention != "ito":
            raise InvalidInput(f"a drift is by ito, stratonovich or anti-ito, got {convention!r}")
        return np.asarray(out * self.coordinates.scale)

    def score(self, x: ArrayLike, times: ArrayLike | None = None) -> Floats:
        """Return ``grad ln p = D^-1 (F - div D - nu)``, shape (n, dim)."""
        z, when = self.into(x, times)
        if self.drift_field is None:
            raise InvalidInput("no drift was fitted: trajectories are too short for its stencil")
        pulled = self.drift_field(z, when) - self.noise.divergence(z)
        score = np.linalg.solve(self.noise(z), pulled[:, :, None])[:, :, 0] - self.force_field(z, when)
        return np.asarray(score / self.coordinates.scale)

    def work(self, x0: Floats, x1: Floats, times: Floats, lag_time: float) -> Floats:
        """Return the entropy production of steps that begin at `times`, shape (n,), nats."""
        z0, z1 = self.coordinates.into(x0), self.coordinates.into(x1)
        moved = z1 - z0
        turning = self.coordinates.period > 0.0
        moved[:, turning] = (moved[:, turning] + np.pi) % (2.0 * np.pi) - np.pi
        middle, when = z0 + moved / 2.0, times + lag_time / 2.0
        out = (self.force_field(middle, when) * moved).sum(axis=1)
        if self.density_rate is not None and self.density_functions is not None:
            out = out - lag_time * (self.density_functions.values(middle, when) @ self.density_rate)
        return np.asarray(out)

    def into(self, x: ArrayLike, times: ArrayLike | None) -> tuple[Floats, Floats]:
        """Check states and times, and standardise the states."""
        states = np.asarray(x, dtype=np.float64)
        if states.ndim != 2 or states.shape[1] != self.coordinates.dim:
            raise InvalidInput(f"states need the shape (n, {self.coordinates.dim}), got {states.shape}")
        if times is None and self.in_time:
            raise InvalidInput("the fields depend on time: pass the times of the states")
        when = np.broadcast_to(np.asarray(0.0 if times is None else times, dtype=np.float64), states.shape[:1])
        return self.coordinates.into(states), when
