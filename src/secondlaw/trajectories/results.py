"""The one result type of estimators of entropy production."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.statistics import LEVEL, interval_from_replicates
from secondlaw.trajectories.containers import Trajectories, Transitions
from secondlaw.trajectories.null import SignFlips
from secondlaw.trajectories.observables import Observables
from secondlaw.types import Estimate, Insufficient

__all__ = ["Contribution", "Diagnostics", "EntropyProduction", "block_estimate"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Contribution:
    """What an observable, or a set of them, adds to the held-out value.

    Parameters
    ----------
    name : str
    order : int
    estimate : Estimate
    """

    name: str
    order: int
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """What says how far the number can be trusted.

    Parameters
    ----------
    transitions, observables, blocks, folds : int
    held_out_value : float
        The held-out mean before it is clipped at 0, in the result's unit.
    gap : float
        `train_value` less the held-out value.
    effective_sample_size : float
        ``(sum w)^2 / sum w^2`` of the exponential weights of held-out rows; the number of rows for quadratic forms.
    shrinkage : tuple of float
        Factor chosen for each fold; 0 means that inner folds found nothing.
    block_dependence : float
        Correlation of neighbouring blocks.
    normalisation : float
        Mean of the weights on held-out rows; 1 where the fitted entropy production obeys the fluctuation theorem.
    """

    transitions: int
    observables: int
    blocks: int
    folds: int
    held_out_value: float
    gap: float
    effective_sample_size: float
    shrinkage: tuple[float, ...]
    block_dependence: float
    normalisation: float


@dataclass(frozen=True, slots=True)
class EntropyProduction:
    """Entropy production inferred from data.

    Parameters
    ----------
    estimate : Estimate
        Cross-fitted held-out value with its block-bootstrap interval; nats per unit of time if dt was
        given, else per step.
    bound : str
        What the value is: ``"lower"``.
    covers : str
        What the interval covers.
    train_value : float
        What the fit claims on its own data; never quote it.
    null : SignFlips
    diagnostics : Diagnostics
    warnings : tuple of str
        Each names its remedy.
    contributions : tuple of Contribution or Insufficient
        By observable; they add up to the held-out value.
    theta : ndarray, shape (d,)
        Parameters from all rows.
    """

    estimate: Estimate
    bound: Literal["lower"]
    covers: str
    train_value: float
    null: SignFlips
    diagnostics: Diagnostics
    warnings: tuple[str, ...]
    contributions: tuple[Contribution, ...] | Insufficient
    theta: Floats
    observables: Observables = field(repr=False)
    log_norm: float = field(repr=False)
    block_values: Floats = field(repr=False)
    block_sizes: Floats = field(repr=False)
    block_parts: Floats | None = field(repr=False)
    weights: Floats = field(repr=False)
    unit_of_time: float = field(repr=False)

    def trajectory_entropy_production(self, data: Trajectories, lag: int = 1) -> tuple[Floats, ...]:
        """Return the fitted entropy production of each transition of each trajectory, in nats a lag.

        ``sigma = theta . g - ln Z``. Sum it over every `lag`-th step for the entropy production of a trajectory. The
        parameters come from all rows given to the fit: new trajectories are judged fairly, those of the fit favourably.

        Parameters
        ----------
        data : Trajectories
            Of the variables that were fitted.
        lag : int
        """
        out = []
        for series in data.series:
            if len(series) <= lag:
                out.append(np.empty(0))
                continue
            work = self.observables.project(series[:-lag], series[lag:], self.theta[:, None])[:, 0]
            out.append(work - self.log_norm)
        return tuple(out)

    def transition_entropy_production(self, data: Transitions) -> Floats:
        """Return the fitted entropy production of each transition, shape (n,), in nats a lag."""
        return self.observables.project(data.x0, data.x1, self.theta[:, None])[:, 0] - self.log_norm

    def grouped_contributions(self, group_of: Callable[[str, int], str]) -> tuple[Contribution, ...]:
        """Add up contributions, with paired intervals.

        Parameters
        ----------
        group_of : callable
            The group of an observable of the given name and order, for example
            ``lambda name, order: f"order {order}"``.

        Raises
        ------
        InvalidInput
            If there were too many observables for contributions.
        """
        if self.block_parts is None:
            raise InvalidInput(f"contributions were not computed: {self.contributions}")
        orders = self.observables.orders
        keys = [group_of(name, int(order)) for name, order in zip(self.observables.names, orders, strict=True)]
        out = []
        for key in dict.fromkeys(keys):
            chosen = [i for i, other in enumerate(keys) if other == key]
            sums = self.block_parts[:, chosen].sum(axis=1)
            out.append(Contribution(key, int(orders[chosen].max()), self._estimate(sums)))
        return tuple(out)

    def difference(self, other: "EntropyProduction") -> Estimate:
        """Return this value less another from the same data, with an interval from the same resampled blocks.

        Raises
        ------
        InvalidInput
            If the two were not fitted with the same blocks.
        """
        if not np.array_equal(self.block_sizes, other.block_sizes) or self.unit_of_time != other.unit_of_time:
            raise InvalidInput("a paired difference needs two fits of the same data with the same blocks")
        return self._estimate(self.block_values - other.block_values)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON values."""
        from dataclasses import asdict

        parts = self.contributions
        return {
            **self.estimate.to_dict(),
            "bound": self.bound,
            "covers": self.covers,
            "train_value": self.train_value,
            "diagnostics": asdict(self.diagnostics),
            "sign_flips": asdict(self.null),
            "warnings": list(self.warnings),
            "contributions": (
                parts.to_dict()
                if isinstance(parts, Insufficient)
                else [{"name": c.name, "order": c.order, **c.estimate.to_dict()} for c in parts]
            ),
        }

    def to_dataframe(self) -> Any:  # noqa: ANN401
        """Return the contributions as a pandas DataFrame, one row an observable."""
        import pandas as pd  # type: ignore[import-untyped]

        if isinstance(self.contributions, Insufficient):
            raise InvalidInput(f"contributions were not computed: {self.contributions}")
        return pd.DataFrame([{"name": c.name, "order": c.order, **c.estimate.to_dict()} for c in self.contributions])

    def _estimate(self, sums: Floats) -> Estimate:
        return block_estimate(
            sums, self.block_sizes, self.weights, unit=self.estimate.unit, unit_of_time=self.unit_of_time,
            level=self.estimate.level, method="part of a held-out value, paired block bootstrap",
        )  # fmt: skip


def block_estimate(
    sums: Floats,
    sizes: Floats,
    weights: Floats,
    *,
    unit: str,
    unit_of_time: float,
    method: str,
    level: float = LEVEL,
) -> Estimate:
    """Return a mean over rows with its BCa interval from resampled blocks.

    Parameters
    ----------
    sums, sizes : ndarray, shape (B,)
        Sum of the rows, and number of rows, of each block.
    weights : ndarray, shape (resamples, B)
    unit : str
    unit_of_time : float
        Steps or units of time that a row spans.
    method : str
    level : float

    Examples
    --------
    >>> from secondlaw.statistics import resample_weights
    >>> sums, sizes = np.arange(30.0), np.full(30, 10.0)
    >>> weights = resample_weights(30, rng=np.random.default_rng(0))
    >>> print(block_estimate(sums, sizes, weights, unit="nats/step", unit_of_time=1.0, method="mean"))
    1.450 [1.110, 1.772] nats/step
    """
    value = sums.sum() / sizes.sum()
    replicates = (weights @ sums) / (weights @ sizes)
    left_out = (sums.sum() - sums) / (sizes.sum() - sizes)
    if np.ptp(replicates) <= 0.0:
        low = high = value
    else:
        ends = interval_from_replicates(value, replicates, level=level, jackknife=left_out, groups=len(sums))
        low, high = float(ends[0]), float(ends[1])
    scale = 1.0 / unit_of_time
    return Estimate(
        value * scale, low * scale, high * scale, level, int(sizes.sum()), unit, method, n_unit="transitions"
    )
