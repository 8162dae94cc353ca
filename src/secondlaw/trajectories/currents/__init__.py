"""Entropy production learned from currents of continuous variables: drift, mean local velocity, score and diffusion."""

from secondlaw.trajectories.currents.bases import LinearBasis, PolynomialBasis, RadialBasis
from secondlaw.trajectories.currents.current_diagnostics import CurrentDiagnostics
from secondlaw.trajectories.currents.estimator import Currents
from secondlaw.trajectories.currents.maps import FieldMap, field_map
from secondlaw.trajectories.currents.model import CurrentModel
from secondlaw.trajectories.currents.network import Network
from secondlaw.trajectories.currents.result import CurrentProduction
from secondlaw.trajectories.currents.suitability import looks_diffusive
from secondlaw.trajectories.currents.weights import correlation_current, fluctuation_current

__all__ = [
    "CurrentDiagnostics",
    "CurrentModel",
    "CurrentProduction",
    "Currents",
    "FieldMap",
    "LinearBasis",
    "Network",
    "PolynomialBasis",
    "RadialBasis",
    "correlation_current",
    "field_map",
    "fluctuation_current",
    "looks_diffusive",
]
