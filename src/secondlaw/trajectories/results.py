"""The one result type of estimators of entropy production."""

from collections.abc import Callable, Sequence
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
from secondlaw.trajectories.upper_ends import spanning
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
    most : float
        Largest ``theta . g`` of a transition that the rows of the fit can show.
    block_values, block_sizes : ndarray, shape (B,)
        Sum over the held-out rows, and their number, of each block.
    block_parts : ndarray, shape (B, d), optional
        The same for the contribution of each observable.
    block_claims : ndarray, shape (B,), optional
        Sum over each block of what the fit claims for its own rows, less what noise alone would: for upper ends.
    block_claimed_parts : ndarray, shape (B, d), optional
        The contribution of each observable to what the fit claims.
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
    most: float = field(default=np.inf, repr=False)
    block_values: Floats = field(default_factory=lambda: np.empty(0), repr=False)
    block_sizes: Floats = field(default_factory=lambda: np.empty(0), repr=False)
    block_parts: Floats | None = field(default=None, repr=False)
    block_claims: Floats | None = field(default=None, repr=False)
    block_claimed_parts: Floats | None = field(default=None, repr=False)
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
        work = self.observables.project(x0, x1, self.theta[:, None])[:, 0]
        return np.asarray(np.clip(work, -self.most, self.most) - self.log_norm)

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
        if self.observables is None:
            raise InvalidInput(f"contributions were not computed: {self.contributions}")
        from scipy.sparse import csr_array

        orders = self.observables.orders
        keys = [group_of(name, int(order)) for name, order in zip(self.observables.names, orders, strict=True)]
        place = {key: number for number, key in enumerate(dict.fromkeys(keys))}
        columns = np.array([place[key] for key in keys])
        share = csr_array((np.ones(len(keys)), (np.arange(len(keys)), columns)))
        highest = np.zeros(len(place), dtype=np.int64)
        np.maximum.at(highest, columns, orders)
        return self._attributed(list(place), highest, share)

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
        if members is None:
            raise InvalidInput(f"contributions of variables were not computed: {self.contributions}")
        names = list(dict.fromkeys(name for one in members for name in one))
        place = {name: k for k, name in enumerate(names)}
        share = np.zeros((len(members), len(names)))
        for row, one in enumerate(members):
            share[row, [place[name] for name in one]] = 1.0 / len(one)
        return self._attributed(names, [1] * len(names), share)

    def observable_contributions(self) -> tuple[Contribution, ...] | Insufficient:
        """Divide the value among the observables, with paired intervals."""
        if self.observables is None:
            return NO_OBSERVABLES
        if self.block_parts is None:
            return Insufficient(
                f"{len(self.observables.orders)} observables are too many to attribute the value to each: fit fewer"
            )
        return self._attributed(self.observables.names, self.observables.orders, None)

    def difference(self, other: "EntropyProduction") -> Estimate:
        """Return this value less another from the same data, with an interval from the same resampled blocks.

        Raises
        ------
        InvalidInput
            If the two were not fitted with the same blocks.
        """
        if (
            not len(self.block_values)
            or len(self.block_values) != len(other.block_values)
            or not np.array_equal(self.block_sizes, other.block_sizes)
            or self.unit_of_time != other.unit_of_time
        ):
            raise InvalidInput("a paired difference needs two fits of the same data with the same blocks")
        held = self.block_values - other.block_values
        if self.block_claims is None or other.block_claims is None:
            return self._estimate(held)
        return self._spanning(held, self.block_claims - other.block_claims)

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

    def _attributed(
        self,
        names: Sequence[str],
        orders: Sequence[int] | NDArray[np.int64],
        share: Any,  # noqa: ANN401
    ) -> tuple[Contribution, ...]:
        """Return contributions of groups; `share`, (d, groups), divides observables among them, None: each is one."""
        if self.block_parts is None or self.block_claimed_parts is None:
            raise InvalidInput(f"contributions were not computed: {self.contributions}")
        held, claimed = (
            part if share is None else part @ share for part in (self.block_parts, self.block_claimed_parts)
        )
        return tuple(
            Contribution(name, int(order), self._spanning(sums, claims))
            for name, order, sums, claims in zip(names, orders, held.T, claimed.T, strict=True)
        )

    def _spanning(self, sums: Floats, claims: Floats) -> Estimate:
        return spanning(self._estimate(sums), self._estimate(claims))

    def _estimate(self, sums: Floats) -> Estimate:
        return block_estimate(
            sums, self.block_sizes, self.weights, unit=self.estimate.unit, unit_of_time=self.unit_of_time,
            level=self.estimate.level, method="part of a held-out value, paired block bootstrap",
        )  # fmt: skip
