"""Entropy production inferred from trajectories: lower bounds that held-out data support."""

from secondlaw.trajectories.containers import Trajectories, Transitions
from secondlaw.trajectories.conversion import from_dataframe, from_xarray
from secondlaw.trajectories.correlations import CrossCorrelations, StateChanges, TripleCorrelations, up_to_order
from secondlaw.trajectories.currents import Currents
from secondlaw.trajectories.currents_bases import LinearBasis, PolynomialBasis, RadialBasis
from secondlaw.trajectories.currents_maps import FieldMap, field_map
from secondlaw.trajectories.currents_model import CurrentModel
from secondlaw.trajectories.currents_network import Network
from secondlaw.trajectories.currents_result import CurrentDiagnostics, CurrentProduction
from secondlaw.trajectories.currents_suitability import looks_diffusive
from secondlaw.trajectories.currents_weights import correlation_current, fluctuation_current
from secondlaw.trajectories.cycle_estimates import CycleEstimate, cycle_affinities
from secondlaw.trajectories.estimators import MaxEnt, UncertaintyRelation
from secondlaw.trajectories.flips import FlipResult, Flips, FlipsMaxEnt
from secondlaw.trajectories.growing_windows import WindowGrowth, window_growth
from secondlaw.trajectories.jump_estimators import JumpPlugIn, WaitingTimes
from secondlaw.trajectories.jump_records import JumpRecords, VisibleTransitions
from secondlaw.trajectories.linear_model import LinearModel
from secondlaw.trajectories.markov_diagnostics import MarkovDiagnostics
from secondlaw.trajectories.markov_order import OrderChoice
from secondlaw.trajectories.markov_plug_in import MarkovPlugIn
from secondlaw.trajectories.memory import MemoryTest, memory_test
from secondlaw.trajectories.neep import NEEP
from secondlaw.trajectories.nested import by_order, entropy_production
from secondlaw.trajectories.null import SignFlips
from secondlaw.trajectories.observables import CustomObservables, Observables, Together
from secondlaw.trajectories.reading import read_recording, read_trajectories
from secondlaw.trajectories.recordings import Recording
from secondlaw.trajectories.relaxation_parts import RelaxationSplit, relaxation_split
from secondlaw.trajectories.results import Contribution, Diagnostics, EntropyProduction
from secondlaw.trajectories.reverse_samples import ReverseSamplesMaxEnt, run_features
from secondlaw.trajectories.state_fluxes import StateFluxes, WordFluxes
from secondlaw.trajectories.stationarity import StationarityTest, stationarity_test
from secondlaw.trajectories.time_classifier import TimeReversalClassifier
from secondlaw.trajectories.two_way_counts import CountDiagnostics
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
    "FlipResult",
    "Flips",
    "FlipsMaxEnt",
    "JumpPlugIn",
    "JumpRecords",
    "LinearBasis",
    "LinearModel",
    "MarkovDiagnostics",
    "MarkovPlugIn",
    "MaxEnt",
    "MemoryTest",
    "Network",
    "Observables",
    "OrderChoice",
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
