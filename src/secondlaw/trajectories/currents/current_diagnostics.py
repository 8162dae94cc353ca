"""What says how far a value of currents can be trusted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.currents.dynamics import noise_variation
from secondlaw.trajectories.currents.fitting import FieldFit
from secondlaw.trajectories.currents.held_out import HeldOut
from secondlaw.trajectories.currents.steps import Steps
from secondlaw.trajectories.diagnostics import Diagnostics
from secondlaw.trajectories.layout import block_dependence

__all__ = ["CurrentDiagnostics", "diagnose"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CurrentDiagnostics(Diagnostics):
    """What says how far the number can be trusted; rates are in nats per unit of time.

    Observables are the coefficients of the field; all transitions count alike; the normalisation is the held-out mean
    of ``exp(-w o dx)`` over steps. Other parameters are those of :class:`~secondlaw.trajectories.Diagnostics`.

    Parameters
    ----------
    total_time : float
    noise_floor : float
        Value that a fit of that many coefficients claims on its own rows where there is none: ``2 coefficients / total
        time``, or less in a steady state, where gradients are known to carry no current.
    noise_variation : tuple of float
        Standard deviation over states of the diffusion of each variable, over its mean, as far as linear and quadratic
        functions of the state show it, less chance; 0 where noise does not depend on the state.
    measurement_noise : tuple of float
        Variance of errors of measurement of each variable, in its unit squared.
    """

    total_time: float
    noise_floor: float
    noise_variation: tuple[float, ...]
    measurement_noise: tuple[float, ...]


def diagnose(
    steps: Steps, fit: FieldFit, held_out: HeldOut, value: float, noise: tuple[Floats, Floats] | None
) -> CurrentDiagnostics:
    """Return the diagnostics of a fit.

    Parameters
    ----------
    steps : Steps
    fit : FieldFit
    held_out : HeldOut
    value : float
        Held-out, before it is clipped.
    noise : (ndarray, ndarray) or None
        Variance of errors of measurement, standardised, and its standard errors.
    """
    sizes = steps.rows[1].counts
    total = float(sizes.sum()) * steps.dt
    free = fit.parameters if fit.moments is None else fit.moments.free
    means = held_out.parts.sum(axis=1) / sizes
    return CurrentDiagnostics(
        transitions=int(sizes.sum()),
        observables=fit.parameters,
        blocks=len(sizes),
        folds=len(steps.layout.folds) - 1,
        held_out_value=value,
        gap=fit.train_value - value,
        effective_sample_size=float(sizes.sum()),
        shrinkage=fit.shrinkage,
        block_dependence=block_dependence(means) if steps.layout.stretches else 0.0,
        normalisation=held_out.normalisation,
        total_time=total,
        noise_floor=0.0 if fit.moments is None else 2.0 * free / total,
        noise_variation=tuple(float(v) for v in noise_variation(steps)),
        measurement_noise=()
        if noise is None
        else tuple(float(v) for v in np.maximum(noise[0], 0.0) * steps.coordinates.scale**2),
    )
