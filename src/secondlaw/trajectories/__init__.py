"""Entropy production inferred from trajectories: lower bounds that held-out data support."""

from secondlaw.trajectories.containers import Trajectories, Transitions
from secondlaw.trajectories.estimators import MaxEnt, UncertaintyRelation, by_order, entropy_production
from secondlaw.trajectories.flips import FlipResult, Flips, FlipsMaxEnt
from secondlaw.trajectories.null import SignFlips
from secondlaw.trajectories.observables import (
    CrossCorrelations,
    CustomObservables,
    Observables,
    StateChanges,
    StateFluxes,
    Together,
    TripleCorrelations,
    up_to_order,
)
from secondlaw.trajectories.reading import read_trajectories
from secondlaw.trajectories.results import Contribution, Diagnostics, EntropyProduction

__all__ = [
    "Contribution",
    "CrossCorrelations",
    "CustomObservables",
    "Diagnostics",
    "EntropyProduction",
    "FlipResult",
    "Flips",
    "FlipsMaxEnt",
    "MaxEnt",
    "Observables",
    "SignFlips",
    "StateChanges",
    "StateFluxes",
    "Together",
    "Trajectories",
    "Transitions",
    "TripleCorrelations",
    "UncertaintyRelation",
    "by_order",
    "entropy_production",
    "read_trajectories",
    "up_to_order",
]
