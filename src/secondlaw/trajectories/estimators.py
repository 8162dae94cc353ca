"""Lower bounds on entropy production by nonequilibrium MaxEnt (arXiv 2505.10444) and by uncertainty relations.

Both are ``Estimator(...).fit(data, rng=...)`` and return an :class:`~secondlaw.trajectories.EntropyProduction`.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.statistics import LEVEL, resample_weights
from secondlaw.statistics.resampling import RESAMPLES
from secondlaw.trajectories.cautions import warnings_of
from secondlaw.trajectories.containers import Trajectories, Transitions
from secondlaw.trajectories.contributions import MOST_ATTRIBUTED, block_contributions
from secondlaw.trajectories.cross_fitting import CrossFit, Penalty, cross_fit
from secondlaw.trajectories.default_observables import default_observables
from secondlaw.trajectories.dual import Form
from secondlaw.trajectories.honesty import honest
from secondlaw.trajectories.layout import Layout, block_dependence, lay_out
from secondlaw.trajectories.null import DRAWS, SignFlips, sign_flips, white_blocks
from secondlaw.trajectories.observables import Observables, require_antisymmetry
from secondlaw.trajectories.parameters import Parameters
from secondlaw.trajectories.results import Diagnostics, EntropyProduction, block_estimate
from secondlaw.trajectories.rows import Rows
from secondlaw.trajectories.solver import metric_of
from secondlaw.trajectories.upper_ends import chance_claim, reaching

__all__ = ["MaxEnt", "UncertaintyRelation"]

Floats = NDArray[np.float64]

_CHECKED_ROWS = 256
COVERS = {
    "exponential": "the MaxEnt bound of these observables, a lower bound on entropy production",
    "quadratic": "the quadratic bound of these observables, a lower bound on entropy production",
    "logarithmic": "the logarithmic bound of these observables, a lower bound on entropy production",
}


@dataclass(frozen=True, slots=True)
class _Estimator(Parameters):
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
    penalty : {"ridge", "l1"}
        What holds the parameters back; how much is chosen on inner folds. ``"l1"`` leaves most of them at 0: better
        where few of many observables matter.
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
    penalty: Penalty = "ridge"
    level: float = LEVEL
    resamples: int = RESAMPLES
    draws: int = DRAWS
    hold: bool = True

    def _fit(self, data: Trajectories | Transitions, form: Form, rng: np.random.Generator) -> EntropyProduction:
        if self.penalty not in ("ridge", "l1"):
            raise InvalidInput(f"the penalty is 'ridge' or 'l1', got {self.penalty!r}")
        pairs = data.transitions(self.lag) if isinstance(data, Trajectories) else data
        layout = lay_out(pairs, blocks=self.blocks, folds=self.folds)
        observables = self.observables if self.observables is not None else default_observables(pairs)
        some = np.linspace(0, len(pairs) - 1, min(len(pairs), _CHECKED_ROWS)).astype(np.int64)
        require_antisymmetry(observables, pairs.x0[some], pairs.x1[some])
        rows = Rows(layout, observables, hold=self.hold)
        metric = metric_of(rows)
        white = white_blocks(rows, metric)
        null = sign_flips(white, layout.n, rng=rng, draws=self.draws)
        chance = chance_claim(white, layout) if metric.vectors is not None else 0.0
        return self._result(pairs, rows, cross_fit(rows, metric, form, self.penalty), null, chance, form, rng)

    def _result(
        self,
        pairs: Transitions,
        rows: Rows,
        fit: CrossFit,
        null: SignFlips,
        chance: float,
        form: Form,
        rng: np.random.Generator,
    ) -> EntropyProduction:
        layout = rows.layout
        span = float(pairs.lag) if pairs.dt is None else pairs.dt
        unit = "nats/step" if pairs.dt is None else "nats per unit of time"
        weights = resample_weights(layout.blocks, self.resamples, rng=rng)
        sizes = np.diff(layout.starts).astype(np.float64)
        sums = np.add.reduceat(fit.values, layout.starts[:-1])
        claims = np.add.reduceat(fit.claims - chance, layout.starts[:-1])
        path = "" if self.penalty == "ridge" else " by an L1 path"
        method = f"held-out {form} bound{path}, {self.folds} folds, {layout.blocks} blocks, BCa; high from all rows"
        raw, claimed = (
            block_estimate(part, sizes, weights, unit=unit, unit_of_time=span, level=self.level, method=method)
            for part in (sums, claims)
        )
        raw = reaching(raw, claimed)
        diagnostics = _diagnostics(layout, rows, fit, raw.value, span, form, sums / sizes)
        parts = claimed_parts = None
        if layout.blocks * rows.size <= MOST_ATTRIBUTED:
            parts, claimed_parts = block_contributions(rows, fit, form)
        result = EntropyProduction(
            estimate=honest(raw, null),
            bound="lower",
            covers=COVERS[form],
            train_value=float(fit.claims.mean()) / span,
            null=replace(null, null_mean=null.null_mean / span),
            diagnostics=diagnostics,
            warnings=warnings_of(pairs, rows, diagnostics, null, self.level),
            theta=fit.full_theta / rows.scale,
            observables=rows.observables,
            log_norm=fit.full_log_norm,
            most=float(fit.most[-2]),
            block_values=sums,
            block_sizes=sizes,
            block_parts=parts,
            block_claims=claims,
            block_claimed_parts=claimed_parts,
            weights=weights,
            unit_of_time=span,
        )
        return replace(result, contributions=result.observable_contributions())


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

        Contributions of the logarithmic form are those of the quadratic; its differences are exact to first order.
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
        claims = result.block_claims
        return replace(
            result, estimate=new, covers=COVERS["logarithmic"], train_value=bent(result.train_value),
            block_values=_bent_sums(result.block_values, result.block_sizes),
            block_claims=None if claims is None else _bent_sums(claims, result.block_sizes),
        )  # fmt: skip


def _bent_sums(sums: Floats, sizes: Floats) -> Floats:
    """Return sums of blocks whose mean is ``2 artanh(q / 2)`` of their mean q, and which vary as it does."""
    half = min(float(sums.sum() / sizes.sum()) / 2.0, 1.0 - 1e-12)
    slope = 1.0 / (1.0 - half**2)
    return slope * sums + sizes * (2.0 * float(np.arctanh(half)) - slope * 2.0 * half)


def _diagnostics(
    layout: Layout, rows: Rows, fit: CrossFit, value: float, span: float, form: Form, block_means: Floats
) -> Diagnostics:
    size, normalisation = float(layout.n), 1.0
    if form == "exponential":
        exponent = -fit.work - np.repeat(fit.log_norm, layout.fold_sizes)
        peak = exponent.max()
        weights = np.exp(exponent - peak)
        size = float(weights.sum() ** 2 / (weights**2).sum())
        normalisation = float(weights.mean() * np.exp(peak))
    return Diagnostics(
        transitions=layout.n,
        observables=int((~rows.silent).sum()),
        blocks=layout.blocks,
        folds=len(layout.folds) - 1,
        held_out_value=value,
        gap=float(fit.claims.mean()) / span - value,
        effective_sample_size=size,
        shrinkage=tuple(float(c) for c in fit.shrinkage),
        block_dependence=block_dependence(block_means) if layout.stretches else 0.0,
        normalisation=normalisation,
    )
