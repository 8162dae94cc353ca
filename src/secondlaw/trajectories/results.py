"""The one result type of estimators of entropy production."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.trajectories.block_estimates import block_estimate
from secondlaw.trajectories.containers import Trajectories, Transitions
from secondlaw.trajectories.diagnostics import Contribution, Diagnostics
from secondlaw.trajectories.members import members_of
from secondlaw.trajectories.null import SignFlips
from secondlaw.trajectories.observables import Observables
from secondlaw.types import Estimate, Insufficient

__all__ = ["Contribution", "Diagnostics", "EntropyProduction", "block_estimate"]

Floats = NDArray[np.float64]

NO_OBSERVABLES = Insufficient("this estimator has no observables to divide the value among")


@dataclass(frozen=True, slots=True)
class EntropyProduction:
    """Entropy production inferred from data.

    Parameters
    ----------
    estimate : Estimate
        Cross-fitted held-out value with its block-bootstrap interval; nats per unit of time if dt was
        given, else per step.
    bound : {"lower", "exact"}
        ``"lower"``: what the interval covers is at most the entropy production; ``"exact"``: it is the entropy
        production where the assumptions named in `covers` hold.
    covers : str
        What the interval covers.
    train_value : float
        What the fit claims on its own data; never quote it.
    null : SignFlips or None
    diagnostics : Diagnostics
        Or another dataclass of plain values.
    warnings : tuple of str
        Each names its remedy.
    contributions : tuple of Contribution or Insufficient
        By observable; they add up to the held-out value.
    theta : ndarray, shape (d,)
        Parameters from all rows; empty where the fit is no linear combination of observables.
    block_values, block_sizes : ndarray, shape (B,)
        Sum over the held-out rows, and their number, of each block.
    block_parts : ndarray, shape (B, d), optional
        The same for the contribution of each observable.
    weights : ndarray, shape (resamples, B)
        The resampled blocks: shared by all fits that are to be compared.
    unit_of_time : float
        Steps, or units of time, that a row spans.
    fitted : callable, optional
        Fitted entropy production of transitions, of (x0, x1), shape (n,); for fits other than ``theta . g - ln Z``.
    """

    estimate: Estimate
    bound: Literal["lower", "exact"]
    covers: str
    train_value: float
    null: SignFlips | None
    diagnostics: Any
    warnings: tuple[str, ...]
    contributions: tuple[Contribution, ...] | Insufficient = NO_OBSERVABLES
    theta: Floats = field(default_factory=lambda: np.empty(0))
    observables: Observables | None = field(default=None, repr=False)
    log_norm: float = field(default=0.0, repr=False)
    block_values: Floats = field(default_factory=lambda: np.empty(0), repr=False)
    block_sizes: Floats = field(default_factory=lambda: np.empty(0), repr=False)
    block_parts: Floats | None = field(default=None, repr=False)
    weights: Floats = field(default_factory=lambda: np.empty((0, 0)), repr=False)
    unit_of_time: float = field(default=1.0, repr=False)
    fitted: Callable[[Floats, Floats], Floats] | None = field(default=None, repr=False)

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
            out.append(self._sigma(series[:-lag], series[lag:]))
        return tuple(out)

    def transition_entropy_production(self, data: Transitions) -> Floats:
        """Return the fitted entropy production of each transition, shape (n,), in nats a lag."""
        return self._sigma(data.x0, data.x1)

    def _sigma(self, x0: Floats, x1: Floats) -> Floats:
        if self.fitted is not None:
            return self.fitted(x0, x1)
        if self.observables is None:
            raise InvalidInput("this estimator says nothing about single transitions: use MaxEnt")
        return self.observables.project(x0, x1, self.theta[:, None])[:, 0] - self.log_norm

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
        if self.observables is None or self.block_parts is None:
            raise InvalidInput(f"contributions were not computed: {self.contributions}")
        orders = self.observables.orders
        keys = [group_of(name, int(order)) for name, order in zip(self.observables.names, orders, strict=True)]
        out = []
        for key in dict.fromkeys(keys):
            chosen = [i for i, other in enumerate(keys) if other == key]
            sums = self.block_parts[:, chosen].sum(axis=1)
            out.append(Contribution(key, int(orders[chosen].max()), self._estimate(sums)))
        return tuple(out)

    def variable_contributions(self) -> tuple[Contribution, ...]:
        """Divide the value among the variables (spins, particles, coordinates), with paired intervals.

        The contribution of an observable is divided equally among the variables that it combines. Like those of
        observables, contributions of variables may be negative; only their sum is a bound.

        Raises
        ------
        InvalidInput
            If there were too many observables for contributions, or these do not say what they combine.
        """
        members = None if self.observables is None else members_of(self.observables)
        if members is None or self.block_parts is None:
            raise InvalidInput(f"contributions of variables were not computed: {self.contributions}")
        names = list(dict.fromkeys(name for one in members for name in one))
        place = {name: k for k, name in enumerate(names)}
        share = np.zeros((len(members), len(names)))
        for row, one in enumerate(members):
            share[row, [place[name] for name in one]] = 1.0 / len(one)
        sums = self.block_parts @ share
        return tuple(Contribution(name, 1, self._estimate(column)) for name, column in zip(names, sums.T, strict=True))

    def difference(self, other: "EntropyProduction") -> Estimate:
        """Return this value less another from the same data, with an interval from the same resampled blocks.

        Raises
        ------
        InvalidInput
            If the two were not fitted with the same blocks.
        """
        if (
            not len(self.block_sizes)
            or not np.array_equal(self.block_sizes, other.block_sizes)
            or self.unit_of_time != other.unit_of_time
        ):
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
            "sign_flips": None if self.null is None else asdict(self.null),
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
