"""Lower bounds on entropy production by nonequilibrium MaxEnt (arXiv 2505.10444) and by uncertainty relations.

Both are ``Estimator(...).fit(data, rng=...)`` and return an :class:`~secondlaw.trajectories.EntropyProduction`.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.statistics import LEVEL, resample_weights
from secondlaw.statistics.resampling import RESAMPLES
from secondlaw.trajectories.cautions import warnings_of
from secondlaw.trajectories.containers import Trajectories, Transitions
from secondlaw.trajectories.contributions import MOST_ATTRIBUTED, block_contributions
from secondlaw.trajectories.cross_fitting import CrossFit, cross_fit
from secondlaw.trajectories.dual import Form
from secondlaw.trajectories.layout import Layout, block_dependence, lay_out
from secondlaw.trajectories.null import DRAWS, SignFlips, sign_flips
from secondlaw.trajectories.observables import Observables, require_antisymmetry, up_to_order
from secondlaw.trajectories.results import Contribution, Diagnostics, EntropyProduction, block_estimate
from secondlaw.trajectories.rows import Rows
from secondlaw.trajectories.solver import metric_of
from secondlaw.types import Estimate, Insufficient

__all__ = ["MaxEnt", "UncertaintyRelation", "by_order", "entropy_production"]

Floats = NDArray[np.float64]

_CHECKED_ROWS = 256
COVERS = {
    "exponential": "the MaxEnt bound at the fitted parameters, a lower bound on entropy production",
    "quadratic": "the quadratic bound at the fitted parameters, a lower bound on entropy production",
    "logarithmic": "the logarithmic bound at the fitted parameters, a lower bound on entropy production",
}


@dataclass(frozen=True, slots=True)
class _Estimator:
    """Settings that all estimators share.

    Parameters
    ----------
    observables : Observables, optional
        Default: all of orders 1 and 2 of the variables.
    lag : int
        Steps between the two states of a transition; taken from the data where these are transitions.
    folds : int
        Folds of cross-fitting.
    blocks : int
        Stretches into which few trajectories are cut; each must be longer than the memory of the process.
    level : float
    resamples, draws : int
        Bootstrap replicates, and sign flips of the null.
    hold : bool
        Whether a table of the observables may be held in memory where it is at most 512 MiB.
    """

    observables: Observables | None = None
    lag: int = 1
    folds: int = 5
    blocks: int = 100
    level: float = LEVEL
    resamples: int = RESAMPLES
    draws: int = DRAWS
    hold: bool = True

    def _fit(self, data: Trajectories | Transitions, form: Form, rng: np.random.Generator) -> EntropyProduction:
        pairs = data.transitions(self.lag) if isinstance(data, Trajectories) else data
        layout = lay_out(pairs, blocks=self.blocks, folds=self.folds)
        observables = self.observables if self.observables is not None else default_observables(pairs)
        some = np.linspace(0, len(pairs) - 1, min(len(pairs), _CHECKED_ROWS)).astype(np.int64)
        require_antisymmetry(observables, pairs.x0[some], pairs.x1[some])
        rows = Rows(layout, observables, hold=self.hold)
        metric = metric_of(rows)
        null = sign_flips(rows, metric, rng=rng, draws=self.draws)
        return self._result(pairs, rows, cross_fit(rows, metric, form), null, form, rng)

    def _result(
        self, pairs: Transitions, rows: Rows, fit: CrossFit, null: SignFlips, form: Form, rng: np.random.Generator
    ) -> EntropyProduction:
        layout = rows.layout
        span = float(pairs.lag) if pairs.dt is None else pairs.dt
        unit = "nats/step" if pairs.dt is None else "nats per unit of time"
        weights = resample_weights(layout.blocks, self.resamples, rng=rng)
        sizes = np.diff(layout.starts).astype(np.float64)
        sums = np.add.reduceat(fit.values, layout.starts[:-1])
        if not np.isfinite(sums).all():
            sums = np.nan_to_num(sums, neginf=np.finfo(np.float64).min / (2.0 * layout.blocks))
        method = f"held-out {form} bound, {self.folds} folds, {layout.blocks} blocks, BCa bootstrap"
        raw = block_estimate(sums, sizes, weights, unit=unit, unit_of_time=span, level=self.level, method=method)
        diagnostics = _diagnostics(layout, rows, fit, raw.value, span, form, sums / sizes)
        parts = None
        contributions: tuple[Contribution, ...] | Insufficient = Insufficient(
            f"{rows.size} observables are too many to attribute the value to each: fit fewer"
        )
        if layout.blocks * rows.size <= MOST_ATTRIBUTED:
            parts = block_contributions(rows, fit, form)
            contributions = tuple(
                Contribution(name, int(order), block_estimate(
                    part, sizes, weights, unit=unit, unit_of_time=span, level=self.level,
                    method="attribution along the path of parameters, paired block bootstrap",
                ))
                for name, order, part in zip(rows.observables.names, rows.observables.orders, parts.T, strict=True)
            )  # fmt: skip
        return EntropyProduction(
            estimate=_honest(raw, null),
            bound="lower",
            covers=COVERS[form],
            train_value=fit.train_value / span,
            null=replace(null, null_mean=null.null_mean / span),
            diagnostics=diagnostics,
            warnings=warnings_of(pairs, rows, diagnostics, null, self.level),
            contributions=contributions,
            theta=fit.full_theta / rows.scale,
            observables=rows.observables,
            log_norm=fit.full_log_norm,
            block_values=sums,
            block_sizes=sizes,
            block_parts=parts,
            weights=weights,
            unit_of_time=span,
        )


@dataclass(frozen=True, slots=True)
class MaxEnt(_Estimator):
    """Nonequilibrium MaxEnt: the largest lower bound that the means of the observables imply, on held-out rows.

    Examples
    --------
    >>> from secondlaw.trajectories import StateFluxes
    >>> rng = np.random.default_rng(0)
    >>> steps = rng.choice([1, -1, 0], p=[0.5, 0.2, 0.3], size=20000)  # a driven cycle of three states
    >>> data = Trajectories.of([np.cumsum(steps) % 3])
    >>> result = MaxEnt(StateFluxes(3)).fit(data, rng=rng)  # exact: .3 ln 2.5 = .27489
    >>> result.estimate.covers(0.27489), result.null.p_value, result.warnings
    (True, 0.0005, ())
    """

    def fit(self, data: Trajectories | Transitions, *, rng: np.random.Generator) -> EntropyProduction:
        """Estimate entropy production.

        Parameters
        ----------
        data : Trajectories or Transitions
        rng : numpy.random.Generator

        Raises
        ------
        InvalidInput
            If an observable is not antisymmetric, or the data do not fit the observables.
        NotEnoughData
            If transitions are too few, or nothing ever moves.
        """
        return self._fit(data, "exponential", rng)


@dataclass(frozen=True, slots=True)
class UncertaintyRelation(_Estimator):
    r"""Thermodynamic uncertainty relations with the best combination of the observables, on held-out rows.

    The quadratic bound :math:`q = 2 \langle u\rangle^2 / \langle u^2\rangle` (with u the best combination) and the
    logarithmic :math:`\ln(1 + 2 \langle u\rangle^2 / Var(u)) = 2\,\mathrm{artanh}(q / 2) \ge q` of the same
    combination.
    Both are at most the entropy production of a transition; the logarithmic may exceed the MaxEnt bound of the same
    observables, the quadratic does not.

    Parameters
    ----------
    form : {"quadratic", "logarithmic"}
    """

    form: Literal["quadratic", "logarithmic"] = "quadratic"

    def fit(self, data: Trajectories | Transitions, *, rng: np.random.Generator) -> EntropyProduction:
        """Estimate entropy production; arguments and errors as those of :class:`MaxEnt`.

        Contributions of the logarithmic form are those of the quadratic.
        """
        if self.form not in ("quadratic", "logarithmic"):
            raise InvalidInput(f"an uncertainty relation is quadratic or logarithmic, got {self.form!r}")
        result = self._fit(data, "quadratic", rng)
        if self.form == "quadratic":
            return result
        span, old = result.unit_of_time, result.estimate

        def bent(value: float) -> float:
            return 2.0 * float(np.arctanh(min(value * span / 2.0, 1.0 - 1e-12))) / span

        new = replace(
            old, value=bent(old.value), low=bent(old.low), high=bent(old.high), method=f"{old.method}; 2 artanh(q / 2)"
        )
        return replace(result, estimate=new, covers=COVERS["logarithmic"], train_value=bent(result.train_value))


def by_order(
    data: Trajectories | Transitions,
    orders: Sequence[int] = (1, 2, 3),
    *,
    rng: np.random.Generator,
    binary: bool | None = None,
    **settings: Any,  # noqa: ANN401
) -> tuple[tuple[EntropyProduction, ...], tuple[Estimate, ...]]:
    """Fit nested sets of observables up to each order.

    Parameters
    ----------
    data : Trajectories or Transitions
    orders : sequence of int
        Increasing.
    rng : numpy.random.Generator
    binary : bool, optional
        As in :func:`up_to_order`; found from the data if None.
    **settings
        Of :class:`MaxEnt`.

    Returns
    -------
    results : tuple of EntropyProduction
        One for each order.
    gains : tuple of Estimate
        What each order adds to the one before, with paired intervals; never negative in the population, though
        perhaps on held-out rows, where more parameters cost more than they bring.
    """
    pairs = data.transitions(settings.get("lag", 1)) if isinstance(data, Trajectories) else data
    seeds = rng.spawn(1)[0].bit_generator.random_raw()
    results = tuple(
        MaxEnt(default_observables(pairs, order, binary=binary), **settings).fit(
            pairs, rng=np.random.default_rng(seeds)
        )
        for order in orders
    )
    return results, tuple(new.difference(old) for old, new in itertools.pairwise(results))


def entropy_production(
    x: ArrayLike | Trajectories | Transitions,
    *,
    dt: float | None = None,
    order: int = 2,
    lag: int = 1,
    rng: np.random.Generator | None = None,
) -> EntropyProduction:
    """Return a held-out lower bound on the entropy production of trajectories.

    Parameters
    ----------
    x : array_like, Trajectories or Transitions
        Shape (trajectory, time, variable), (time, variable), or a list of arrays (time, variable).
    dt : float, optional
        Time between steps; the value is then a rate per unit of time.
    order : {1, 2, 3}
        Of the observables.
    lag : int
    rng : numpy.random.Generator, optional
        For folds, bootstrap and null; seed 0 if None.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(size=(40, 200, 2))
    >>> result = entropy_production(noise)
    >>> result.estimate.low, result.bound
    (0.0, 'lower')
    """
    data = x if isinstance(x, Trajectories | Transitions) else Trajectories.of(x, dt=dt)
    pairs = data.transitions(lag) if isinstance(data, Trajectories) else data
    generator = np.random.default_rng(0) if rng is None else rng
    return MaxEnt(default_observables(pairs, order)).fit(pairs, rng=generator)


def default_observables(pairs: Transitions, order: int = 2, *, binary: bool | None = None) -> Observables:
    """Return all observables up to `order`; variables that only take two values are found."""
    if binary is None:
        binary = all(len(np.unique(column)) <= 2 for column in pairs.x0.T)
    return up_to_order(pairs.variables, order, binary=binary)


def _honest(raw: Estimate, null: SignFlips) -> Estimate:
    """Clip at 0, which is always a lower bound; the interval begins at 0 unless the sign-flip test rejects."""
    rejects = null.p_value <= (1.0 - raw.level) / 2.0
    low = max(0.0, raw.low) if rejects else 0.0
    note = "clipped at 0" if rejects else "clipped at 0; low is 0 because sign flips do not reject"
    return replace(raw, value=max(0.0, raw.value), low=low, high=max(0.0, raw.high), method=f"{raw.method}, {note}")


def _diagnostics(
    layout: Layout, rows: Rows, fit: CrossFit, value: float, span: float, form: Form, block_means: Floats
) -> Diagnostics:
    size, normalisation = float(layout.n), 1.0
    if form == "exponential":
        exponent = -fit.work - np.repeat(fit.log_norm, layout.fold_sizes)
        peak = exponent.max()
        weights = np.exp(exponent - peak)
        size = float(weights.sum() ** 2 / (weights**2).sum())
        normalisation = float(weights.mean() * np.exp(min(peak, 700.0)))
    return Diagnostics(
        transitions=layout.n,
        observables=int((~rows.silent).sum()),
        blocks=layout.blocks,
        folds=len(layout.folds) - 1,
        held_out_value=value,
        gap=fit.train_value / span - value,
        effective_sample_size=size,
        shrinkage=tuple(float(c) for c in fit.shrinkage),
        block_dependence=block_dependence(block_means) if layout.stretches else 0.0,
        normalisation=normalisation,
    )
