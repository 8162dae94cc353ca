"""Drift, diffusion and density put beside a fitted force field: everything that the result's model knows."""

import contextlib

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.trajectories.currents.bases import PolynomialBasis
from secondlaw.trajectories.currents.density import density_functions, fit_density_rate
from secondlaw.trajectories.currents.dynamics import fit_diffusion, fit_drift
from secondlaw.trajectories.currents.fields import StateFunctions
from secondlaw.trajectories.currents.fitting import FieldFit
from secondlaw.trajectories.currents.influence import force_influence
from secondlaw.trajectories.currents.model import CurrentModel
from secondlaw.trajectories.currents.stencils import Stencil
from secondlaw.trajectories.currents.steps import Steps

__all__ = ["learn_model"]

Floats = NDArray[np.float64]

_DEGREE = 3  # of drift and density beside a network, which has no basis


def learn_model(
    steps: Steps,
    stencil: Stencil,
    fit: FieldFit,
    *,
    measurement_noise: bool,
    time_degree: int | None,
    diffusion_degree: int | None,
) -> CurrentModel:
    """Fit what is not part of the force field.

    Parameters
    ----------
    steps : Steps
    stencil : Stencil
    fit : FieldFit
    measurement_noise : bool
    time_degree : int or None
    diffusion_degree : int or None
        None for constant noise.
    """
    noise = fit_diffusion(steps, stencil, degree=diffusion_degree)
    if fit.moments is not None:
        functions = fit.moments.functions
    else:
        functions = StateFunctions(steps.coordinates, PolynomialBasis(_DEGREE), time_degree)
    drift, drift_influence, rate, rate_functions = None, None, None, None
    with contextlib.suppress(InvalidInput):  # too short for the stencil of the drift: everything else stands
        drift, drift_influence = fit_drift(steps, functions, stencil, noisy=measurement_noise)
    if time_degree is not None:
        rate_functions = density_functions(steps, functions.basis, time_degree)
        rate = fit_density_rate(steps, rate_functions)
    return CurrentModel(
        steps.coordinates,
        fit.whole,
        noise,
        drift,
        rate,
        rate_functions,
        force_influence(steps, fit, state_noise=diffusion_degree is not None),
        drift_influence,
        time_degree is not None,
    )
