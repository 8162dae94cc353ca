"""Warnings in a result of currents: each says what is doubtful and what to do about it."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.cautions import DIFFERS, halves_z, noiseless
from secondlaw.trajectories.containers import Transitions
from secondlaw.trajectories.currents.current_diagnostics import CurrentDiagnostics
from secondlaw.trajectories.currents.steps import Steps
from secondlaw.trajectories.null import SignFlips
from secondlaw.types import Estimate, Measured

__all__ = ["current_warnings"]

Floats = NDArray[np.float64]

_FLOOR_SHARE = 0.25  # of the value that noise alone would claim before more time is asked for
_COARSE = 0.05  # of the value: a change by more, beyond doubt, between dt and its extrapolation
_NOISY = 0.05  # of the increments: errors of measurement above it change D and the value as much
_SURE = 4.0  # standard errors, after the Bonferroni correction for about 100 variables
_STATE = 0.15  # share of the noise that varies with the state; steps of 1/10 of a relaxation time add about .1
_DEPENDENT = 0.3  # correlation of neighbouring blocks: 3 standard errors for the usual 100


def current_warnings(
    steps: Steps,
    diagnostics: CurrentDiagnostics,
    null: SignFlips,
    estimate: Estimate,
    *,
    coarser: Estimate | None,
    extrapolated: Measured,
    noise: tuple[Floats, Floats] | None,
    bent: tuple[int, float] | None,
    corrected: bool,
    state_noise: bool,
    in_time: bool,
    order: int,
) -> tuple[str, ...]:
    """Return the warnings that the data and the fit call for.

    Parameters
    ----------
    coarser : Estimate or None
        Value at dt less that of the same field at 2 dt.
    noise : (ndarray, ndarray) or None
        Variance of errors of measurement, standardised, and its standard errors.
    bent : (int, float) or None
        For a linear field, the variable whose drift is not linear, and by how much.
    corrected, state_noise, in_time : bool
        What the fit has allowed for.
    order : int
    """
    out = []
    if np.isclose(0.0, diagnostics.shrinkage).all():
        out.append(
            "no fold found a current on its inner folds, so the bound is 0: this does not show reversibility; record "
            "longer, or try another basis"
        )
    elif null.p_value > (1.0 - estimate.level) / 2.0:
        out.append(
            f"sign flips of blocks show as much current with p = {null.p_value:.2g}: do not quote the value as "
            "different from 0"
        )
    idle = steps.dim == 1 and not in_time and not steps.coordinates.period[0]
    if not idle and diagnostics.noise_floor > _FLOOR_SHARE * max(estimate.value, 0.0):
        out.append(
            f"the total time of {diagnostics.total_time:.3g} is short for {diagnostics.observables} coefficients: a "
            f"fit claims about {diagnostics.noise_floor:.2g} from noise alone; record longer (smaller dt does not "
            "help), or take a lower degree, fewer bumps, fewer functions of time"
        )
    worst, share = (0, 0.0) if noise is None or corrected else _error_share(steps, noise)
    if share > _NOISY:
        out.append(
            f"errors of measurement seem to make up {share:.0%} of the squared steps of {steps.variables[worst]}, "
            "which grows as 1/dt and lowers the value: take measurement_noise=True"
        )
    large = coarser is not None and abs(coarser.value) > _COARSE * estimate.value > 0.0
    if coarser is not None and large and order == 1 and share <= _NOISY and not coarser.covers(0.0):
        out.append(
            f"dt is coarse: without the term of first order in dt the value is {extrapolated}; take stencils over "
            "two steps (order=2; --stencil 2), quote the extrapolated value as no bound, or record at smaller dt"
        )
    if bent is not None and not idle:
        out.append(
            f"the drift of {steps.variables[bent[0]]} is not linear in the state: {bent[1]:.0%} of what functions up "
            "to the third degree foresee of its held-out steps are beyond linear ones, so a linear field may miss part "
            "of the entropy production; compare PolynomialBasis (--basis polynomial)"
        )
    uneven = int(np.argmax(diagnostics.noise_variation))
    if not state_noise and diagnostics.noise_variation[uneven] > _STATE:
        out.append(
            f"the noise of {steps.variables[uneven]} seems to depend on the state (it varies by "
            f"{diagnostics.noise_variation[uneven]:.0%}), and the value may be no bound: take diffusion='state'; where "
            "dt is coarse, the drift can look the same"
        )
    out += _of_the_data(steps, diagnostics, in_time)
    return tuple(out)


def _of_the_data(steps: Steps, diagnostics: CurrentDiagnostics, in_time: bool) -> list[str]:
    out = []
    if diagnostics.block_dependence > _DEPENDENT:
        out.append(
            f"neighbouring blocks still resemble each other (correlation {diagnostics.block_dependence:.2f}), so the "
            "interval is too narrow: use fewer blocks"
        )
    layout = replace(steps.layout, x0=steps.layout.x0[:, :-1], x1=steps.layout.x1[:, :-1])
    out += noiseless(Transitions.of(layout.x0, layout.x1, variables=steps.variables))
    if in_time:
        return out
    turning = steps.coordinates.period > 0.0
    name, z = halves_z(steps.variables, layout)
    if z > _SURE and not turning[steps.variables.index(name)]:
        out.append(
            f"{name} {DIFFERS} of the recording by {z:.1f} standard errors: fields without time "
            "describe a steady state; take time_degree with many realisations, or cut the data into steady stretches"
        )
    if steps.dim == 1 and not turning[0]:
        out.append(
            "a single variable on a line carries no current in a steady state, even out of equilibrium: hidden "
            "variables hide entropy production; observe more of the system, or give its period if it is an angle"
        )
    return out


def _error_share(steps: Steps, noise: tuple[Floats, Floats]) -> tuple[int, float]:
    """Return the variable with the largest share of errors of measurement beyond doubt, and that share or 0."""
    rows = steps.rows[1]
    squares = ((steps.states[rows.stop] - steps.states[rows.start]) ** 2).mean(axis=0)
    share = np.where(noise[0] > _SURE * noise[1], 2.0 * noise[0] / squares, 0.0)
    worst = int(np.argmax(share))
    return worst, float(share[worst])
