"""Discrete states and jumps: plug-in values of any memory, waiting times, cycles, relaxation, and tests of memory."""

from secondlaw.trajectories.discrete.cycle_estimates import CycleEstimate, cycle_affinities
from secondlaw.trajectories.discrete.jump_estimators import JumpPlugIn, WaitingTimes
from secondlaw.trajectories.discrete.jump_records import JumpRecords, VisibleTransitions
from secondlaw.trajectories.discrete.markov_diagnostics import MarkovDiagnostics
from secondlaw.trajectories.discrete.markov_order import OrderChoice
from secondlaw.trajectories.discrete.markov_plug_in import MarkovPlugIn, MarkovProduction
from secondlaw.trajectories.discrete.memory import MemoryTest, memory_test
from secondlaw.trajectories.discrete.relaxation_parts import RelaxationSplit, relaxation_split
from secondlaw.trajectories.discrete.state_fluxes import StateFluxes, WordFluxes
from secondlaw.trajectories.discrete.two_way_counts import CountDiagnostics

__all__ = [
    "CountDiagnostics",
    "CycleEstimate",
    "JumpPlugIn",
    "JumpRecords",
    "MarkovDiagnostics",
    "MarkovPlugIn",
    "MarkovProduction",
    "MemoryTest",
    "OrderChoice",
    "RelaxationSplit",
    "StateFluxes",
    "VisibleTransitions",
    "WaitingTimes",
    "WordFluxes",
    "cycle_affinities",
    "memory_test",
    "relaxation_split",
]
