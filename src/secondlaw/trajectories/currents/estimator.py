r"""Entropy production learnt from currents (arXiv 2504.19007): drift, mean local velocity, score, diffusion.

For :math:`dx = F dt + \sqrt{2D}\,dW` with mean local velocity :math:`\nu`, the rate of entropy production is
:math:`E[\nu^T D^{-1} \nu]`, and for any field w

.. math:: 2\,E[w(x_{mid}) \circ dx] / dt - E[w^T D w] \le E[\nu^T D^{-1} \nu],

with equality at :math:`w = D^{-1}\nu`. The left side, on blocks that the field was not fitted on, is the value. It
equals the bound up to terms of first order in dt.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics import LEVEL, resample_weights
from secondlaw.statistics.resampling import RESAMPLES
from secondlaw.trajectories.block_estimates import block_estimate
from secondlaw.trajectories.containers import Trajectories
from secondlaw.trajectories.currents.bases import Basis, LinearBasis
from secondlaw.trajectories.currents.cautions import current_warnings
from secondlaw.trajectories.currents.current_diagnostics import diagnose
from secondlaw.trajectories.currents.dynamics import measurement_errors
from secondlaw.trajectories.currents.fitting import FieldFit, fit_fields, whitened_blocks
from secondlaw.trajectories.currents.held_out import HeldOut, judge
from secondlaw.trajectories.currents.learning import learn_model
from secondlaw.trajectories.currents.linearity import bent_drift
from secondlaw.trajectories.currents.network import Network
from secondlaw.trajectories.currents.result import CurrentProduction
from secondlaw.trajectories.currents.stencils import Stencil, stencil_of
from secondlaw.trajectories.currents.steps import Steps, coordinates_of, steps_of
from secondlaw.trajectories.currents.training import fit_networks
from secondlaw.trajectories.diagnostics import Contribution
from secondlaw.trajectories.honesty import honest
from secondlaw.trajectories.null import DRAWS, SignFlips, flip_blocks
from secondlaw.trajectories.parameters import Parameters
from secondlaw.types import NATS_PER_STEP, Estimate, Insufficient, Measured

__all__ = ["Currents"]

Floats = NDArray[np.float64]
Estimated = Callable[[Floats, str], Estimate]

LAGS = (1, 2, 3, 4)
UNIT = "nats per unit of time"
COVERS = (
    "the current bound at the fitted field and this dt, a lower bound on the rate of entropy production up to terms of "
    "the order of dt"
)


@dataclass(frozen=True, slots=True)
class Currents(Parameters):
    """Entropy production rate of diffusions by the field of their currents.

    Parameters
    ----------
    basis : LinearBasis, PolynomialBasis, RadialBasis, Network
        What the field is made of.
    diffusion : {"constant", "state"}
        Whether the noise depends on the state.
    diffusion_degree : int
        Of the polynomials for D(x) with noise that depends on the state.
    time_degree : int, optional
        For protocols: the field is multiplied by polynomials of time up to this degree, and all trajectories begin with
        the protocol. None in a steady state.
    order : {1, 2}
        2: stencils over two steps, which cancel the terms of first order in dt; noisier.
    measurement_noise : bool
        Whether independent errors of measurement are allowed for.
    steady : bool
        Whether to use that gradients carry no current in a steady state, which leaves much less noise in the field.
        Wrong use lowers the value, which stays a bound. Without effect for networks and protocols.
    periods : mapping of str to float
        Variables that wrap around, such as angles; unwrapped ones are taken as well.
    folds, blocks : int
        As for :class:`~secondlaw.trajectories.MaxEnt`.
    level : float
    resamples, draws : int

    Examples
    --------
    >>> from secondlaw.systems import spinning_particle
    >>> rng = np.random.default_rng(0)
    >>> x = spinning_particle().simulate(points=1001, dt=0.01, trajectories=50, rng=rng)
    >>> result = Currents().fit(Trajectories.of(x, dt=0.01), rng=rng)  # exact: 8
    >>> result.estimate.covers(8.0), round(result.model.velocity([[1.0, 0.0]])[0, 1])
    (True, -2)
    """

    basis: Basis | Network = field(default_factory=LinearBasis)
    diffusion: Literal["constant", "state"] = "constant"
    diffusion_degree: int = 2
    time_degree: int | None = None
    order: Literal[1, 2] = 1
    measurement_noise: bool = False
    steady: bool = True
    periods: Mapping[str, float] = field(default_factory=dict)
    folds: int = 5
    blocks: int = 100
    level: float = LEVEL
    resamples: int = RESAMPLES
    draws: int = DRAWS

    def fit(self, data: Trajectories, *, rng: np.random.Generator) -> CurrentProduction:
        """Estimate the rate of entropy production.

        Parameters
        ----------
        data : Trajectories
            Without a dt a step is the unit of time, and the value is in nats a step.
        rng : numpy.random.Generator

        Raises
        ------
        InvalidInput
            If a variable never changes, or a setting does not exist.
        NotEnoughData
            If steps are too few, a variable has no noise, or realisations of a protocol are fewer than 20.
        """
        self._check()
        unit, data = (UNIT, data) if data.dt is not None else (NATS_PER_STEP, replace(data, dt=1.0))
        in_time = self.time_degree is not None
        steps = steps_of(
            data, blocks=self.blocks, folds=self.folds, lags=LAGS, coordinates=coordinates_of(data, self.periods),
            in_time=in_time,
        )  # fmt: skip
        stencil = stencil_of(self.order, noisy=self.measurement_noise)
        if not all(steps.complete(lag) for lag in stencil.lags):
            raise NotEnoughData(
                f"every block needs steps over {max(stencil.lags)} recordings: record longer trajectories, or take "
                "order=1 without measurement noise"
            )
        state_noise = self.diffusion == "state"
        if isinstance(self.basis, Network):
            fit = fit_networks(steps, self.basis, stencil, in_time=in_time, state_noise=state_noise, rng=rng)
        else:
            gauge = self.steady and not in_time
            fit = fit_fields(
                steps, self.basis, stencil, time_degree=self.time_degree, gauge=gauge, state_noise=state_noise, rng=rng
            )
        held_out = judge(steps, fit.fields, stencil, state_noise=state_noise, noisy=self.measurement_noise)
        return self._result(steps, stencil, fit, held_out, unit, rng)

    def _check(self) -> None:
        if self.diffusion not in ("constant", "state"):
            raise InvalidInput(f"the diffusion is 'constant' or depends on the 'state', got {self.diffusion!r}")
        if self.order not in (1, 2):
            raise InvalidInput(f"the order in dt is 1 or 2, got {self.order!r}")
        if self.time_degree is not None and self.time_degree < 0:
            raise InvalidInput(f"the degree in time is 0 or more, got {self.time_degree}")

    def _result(
        self, steps: Steps, stencil: Stencil, fit: FieldFit, held_out: HeldOut, unit: str, rng: np.random.Generator
    ) -> CurrentProduction:
        sizes, sums = steps.rows[1].counts, held_out.parts.sum(axis=1)
        weights = resample_weights(len(sizes), self.resamples, rng=rng)
        method = f"held-out currents, {self.folds} folds, {len(sizes)} blocks, BCa bootstrap"

        def estimate(values: Floats, words: str) -> Estimate:
            return block_estimate(
                values, sizes, weights, unit=unit, unit_of_time=1.0, level=self.level, method=words
            )  # fmt: skip

        null = self._null(steps, fit, held_out, rng)
        raw = estimate(sums, method)
        value = honest(raw, null)
        noise = measurement_errors(steps)
        diagnostics = diagnose(steps, fit, held_out, raw.value, noise)
        linear = isinstance(self.basis, LinearBasis) and self.time_degree is None
        coarser, extrapolated = self._in_dt(held_out, estimate)
        by_lag = tuple(
            (lag * steps.dt, estimate(one, f"the same field at {lag} dt")) for lag, one in held_out.by_lag.items()
        )
        return CurrentProduction(
            estimate=value,
            bound="lower",
            covers=COVERS if self.order == 1 else COVERS.replace("of dt", "of dt squared"),
            train_value=fit.train_value,
            null=null,
            diagnostics=diagnostics,
            warnings=current_warnings(
                steps, diagnostics, null, value, coarser=coarser, extrapolated=extrapolated, noise=noise,
                bent=bent_drift(steps) if linear else None, corrected=self.measurement_noise,
                state_noise=self.diffusion == "state", in_time=self.time_degree is not None, order=self.order,
            ),
            contributions=tuple(
                Contribution(name, 1, estimate(part, "part of a coordinate, paired block bootstrap"))
                for name, part in zip(steps.variables, held_out.parts.T, strict=True)
            ),
            block_values=sums * steps.dt,
            block_sizes=sizes,
            weights=weights,
            unit_of_time=steps.dt,
            extrapolated=extrapolated,
            by_lag=by_lag,
            model=learn_model(
                steps, stencil, fit, measurement_noise=self.measurement_noise, time_degree=self.time_degree,
                diffusion_degree=self.diffusion_degree if self.diffusion == "state" else None,
            ),
        )  # fmt: skip

    def _in_dt(self, held_out: HeldOut, estimate: Estimated) -> tuple[Estimate | None, Measured]:
        if 2 not in held_out.by_lag:
            return None, Insufficient("some blocks have no two steps in a row: record longer trajectories")
        single, double = held_out.by_lag[1], held_out.by_lag[2]
        return (
            estimate(single - double, "value at dt less that at 2 dt"),
            estimate(2.0 * single - double, "extrapolated in dt from dt and 2 dt, paired block bootstrap; no bound"),
        )

    def _null(self, steps: Steps, fit: FieldFit, held_out: HeldOut, rng: np.random.Generator) -> SignFlips:
        """Flip the direction of time of whole blocks: currents at midpoints change sign, costs do not."""
        total = float(steps.rows[1].counts.sum())
        if fit.moments is not None:
            null = flip_blocks(whitened_blocks(fit.moments), rng=rng, draws=self.draws)
            return replace(null, null_mean=null.null_mean / total**2)
        # Within a fold the field is fixed; twice the mean of p-values is valid however the folds depend on each other.
        fold = steps.fold_of_block()
        each = [
            flip_blocks(held_out.work[None, fold == k], rng=rng, draws=self.draws).p_value for k in range(self.folds)
        ]
        return SignFlips(min(1.0, 2.0 * float(np.mean(each))), 0.0, self.draws, len(fold))
