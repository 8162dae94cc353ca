"""Entropy production inferred from trajectories: lower bounds that held-out data support."""

from secondlaw.trajectories.containers import Trajectories, Transitions
from secondlaw.trajectories.correlations import CrossCorrelations, StateChanges, TripleCorrelations, up_to_order
from secondlaw.trajectories.currents import (
    CurrentDiagnostics,
    CurrentModel,
    CurrentProduction,
    Currents,
    FieldMap,
    LinearBasis,
    Network,
    PolynomialBasis,
    RadialBasis,
    correlation_current,
    field_map,
    fluctuation_current,
    looks_diffusive,
)
from secondlaw.trajectories.discrete import (
    CountDiagnostics,
    CycleEstimate,
    JumpPlugIn,
    JumpRecords,
    MarkovDiagnostics,
    MarkovPlugIn,
    MarkovProduction,
    MemoryTest,
    OrderChoice,
    RelaxationSplit,
    StateFluxes,
    VisibleTransitions,
    WaitingTimes,
    WordFluxes,
    cycle_affinities,
    memory_test,
    relaxation_split,
)
from secondlaw.trajectories.estimators import MaxEnt, UncertaintyRelation
from secondlaw.trajectories.flips import FlipDiagnostics, FlipResult, Flips, FlipsMaxEnt, PairAsymmetry
from secondlaw.trajectories.growing_windows import WindowGrowth, window_growth
from secondlaw.trajectories.linear_model import LinearModel
from secondlaw.trajectories.linear_relaxation import linear_relaxation_split
from secondlaw.trajectories.neep import NEEP
from secondlaw.trajectories.nested import by_order, entropy_production
from secondlaw.trajectories.null import SignFlips
from secondlaw.trajectories.observables import CustomObservables, Observables, Together
from secondlaw.trajectories.reading import Recording, from_dataframe, from_xarray, read_recording, read_trajectories
from secondlaw.trajectories.results import Contribution, Diagnostics, EntropyProduction
from secondlaw.trajectories.reverse_samples import ReverseSamplesMaxEnt, run_features
from secondlaw.trajectories.stationarity import StationarityTest, stationarity_test
from secondlaw.trajectories.time_classifier import TimeReversalClassifier
from secondlaw.trajectories.window_rows import WindowProducts, Windows, windows

__all__ = [
    "NEEP",
    "Contribution",
    "CountDiagnostics",
    "CrossCorrelations",
    "CurrentDiagnostics",
    "CurrentModel",
    "CurrentProduction",
    "Currents",
    "CustomObservables",
    "CycleEstimate",
    "Diagnostics",
    "EntropyProduction",
    "FieldMap",
    "FlipDiagnostics",
    "FlipResult",
    "Flips",
    "FlipsMaxEnt",
    "JumpPlugIn",
    "JumpRecords",
    "LinearBasis",
    "LinearModel",
    "MarkovDiagnostics",
    "MarkovPlugIn",
    "MarkovProduction",
    "MaxEnt",
    "MemoryTest",
    "Network",
    "Observables",
    "OrderChoice",
    "PairAsymmetry",
    "PolynomialBasis",
    "RadialBasis",
    "Recording",
    "RelaxationSplit",
    "ReverseSamplesMaxEnt",
    "SignFlips",
    "StateChanges",
    "StateFluxes",
    "StationarityTest",
    "TimeReversalClassifier",
    "Together",
    "Trajectories",
    "Transitions",
    "TripleCorrelations",
    "UncertaintyRelation",
    "VisibleTransitions",
    "WaitingTimes",
    "WindowGrowth",
    "WindowProducts",
    "Windows",
    "WordFluxes",
    "by_order",
    "correlation_current",
    "cycle_affinities",
    "entropy_production",
    "field_map",
    "fluctuation_current",
    "from_dataframe",
    "from_xarray",
    "linear_relaxation_split",
    "looks_diffusive",
    "memory_test",
    "read_recording",
    "read_trajectories",
    "relaxation_split",
    "run_features",
    "stationarity_test",
    "up_to_order",
    "window_growth",
    "windows",
]
