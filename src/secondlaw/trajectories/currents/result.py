"""The result of a fit of currents: an entropy production with the fields behind it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.statistics import LEVEL, resample_weights
from secondlaw.trajectories.block_estimates import block_estimate
from secondlaw.trajectories.containers import Trajectories, Transitions
from secondlaw.trajectories.currents.model import CurrentModel
from secondlaw.trajectories.diagnostics import Contribution
from secondlaw.trajectories.results import EntropyProduction
from secondlaw.types import NATS_PER_STEP, Estimate, Insufficient, Measured

__all__ = ["CurrentProduction"]

Floats = NDArray[np.float64]

_FEWEST_EFFECTIVE = 30.0  # trajectories on which a mean of exp(-sigma) must rest


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentProduction(EntropyProduction):
    """Entropy production inferred from currents.

    Parameters
    ----------
    extrapolated : Estimate or Insufficient
        Twice the held-out value less that of the same field at twice the step: without the term of first order in dt.
        Not a bound; with the interval of the same resampled blocks.
    by_lag : tuple of (float, Estimate)
        Time between states, and the value of the same field there.
    model : CurrentModel
        ``velocity``, ``force``, ``drift``, ``score``, ``diffusion``, each of states.

    Other parameters are those of :class:`~secondlaw.trajectories.EntropyProduction`; contributions are by coordinate.
    """

    extrapolated: Measured
    by_lag: tuple[tuple[float, Estimate], ...]
    model: CurrentModel = field(repr=False)

    def trajectory_entropy_production(self, data: Trajectories, lag: int = 1) -> tuple[Floats, ...]:
        """Return the fitted entropy production of each step of each trajectory, in nats.

        ``w(midpoint) . dx - a dt`` with the fitted force w and, for fields that depend on time, the fitted
        ``a = d ln p / dt``. Sum it over every `lag`-th step for a trajectory. The field comes from all rows given to
        the fit: new trajectories are judged fairly, those of the fit favourably.

        Parameters
        ----------
        data : Trajectories
            Of the variables that were fitted; with a protocol, each from its beginning.
        lag : int
        """
        step = self._step(data.dt)
        if not np.isclose(step, self.unit_of_time):
            raise InvalidInput(f"the field was fitted at dt = {self.unit_of_time}, these trajectories have {data.dt}")
        out = []
        for series in data.series:
            if len(series) <= lag:
                out.append(np.empty(0))
                continue
            times = np.arange(len(series) - lag, dtype=np.float64) * step
            out.append(self.model.work(series[:-lag], series[lag:], times, lag * step))
        return tuple(out)

    def _step(self, dt: float | None) -> float:
        """Return the time between states; where the fit knew none, a step is its unit."""
        unknown = self.estimate.unit == NATS_PER_STEP
        if (dt is None) != unknown:
            fitted = "without a dt" if unknown else f"at dt = {self.unit_of_time}"
            raise InvalidInput(f"the field was fitted {fitted}, these trajectories have {dt}: give both the same")
        return 1.0 if dt is None else dt

    def transition_entropy_production(self, data: Transitions) -> Floats:
        """Return the fitted entropy production of each transition, shape (n,), in nats; in a steady state only."""
        if self.model.in_time:
            raise InvalidInput("the field depends on time, which transitions do not carry: pass Trajectories")
        return self.model.work(data.x0, data.x1, np.zeros(len(data)), float(data.dt or self.unit_of_time))

    def variable_contributions(self) -> tuple[Contribution, ...]:
        """Return the value divided among the variables: the contributions, which are by coordinate."""
        if isinstance(self.contributions, Insufficient):
            raise InvalidInput(f"contributions of variables were not computed: {self.contributions}")
        return self.contributions

    def fluctuation_theorem(
        self, data: Trajectories, *, rng: np.random.Generator, steps: int | None = None, level: float = LEVEL
    ) -> Measured:
        """Return the mean of ``exp(-sigma)``, 1 for the exact entropy production of trajectories (Seifert 2005).

        Parameters
        ----------
        data : Trajectories
        rng : numpy.random.Generator
        steps : int, optional
            Length of the stretches; whole trajectories if None. The mean rests on ever fewer stretches as they grow.
        level : float

        Returns
        -------
        Estimate or Insufficient
            The latter if the weights rest on fewer than 30 stretches.
        """
        sums, sizes, weights = [], [], []
        for sigma in self.trajectory_entropy_production(data):
            length = len(sigma) if steps is None else steps
            count = len(sigma) // max(length, 1)
            if count:
                stretch = np.exp(-sigma[: count * length].reshape(count, length).sum(axis=1))
                sums.append(stretch.sum())
                sizes.append(float(count))
                weights.append(stretch)
        every = np.concatenate(weights) if weights else np.zeros(1)
        effective = every.sum() ** 2 / max((every**2).sum(), 1e-300)
        if len(sums) < 2 or effective < _FEWEST_EFFECTIVE:
            return Insufficient(
                f"the mean of exp(-sigma) rests on {effective:.0f} stretches of {len(sums)} trajectories: give more, "
                "or shorter stretches"
            )
        drawn = resample_weights(len(sums), rng=rng)
        return block_estimate(
            np.array(sums), np.array(sizes), drawn, unit="1", unit_of_time=1.0, level=level,
            method=f"mean of exp(-sigma), effective sample size {effective:.0f}, BCa bootstrap over trajectories",
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON values."""
        return {
            **EntropyProduction.to_dict(self),
            "extrapolated": self.extrapolated.to_dict(),
            "by_lag": [{"dt": dt, **value.to_dict()} for dt, value in self.by_lag],
        }
