"""Simulators whose entropy production is known: chains, Langevin dynamics, driven traps, kinetic Ising spins.

They know no estimator, so that tests of estimators on them are honest.
"""

from secondlaw.systems.cycles import Cycle, cycle_affinity, fundamental_cycles
from secondlaw.systems.driven_ring import DrivenRing
from secondlaw.systems.driven_trap import DrivenTrap, breathing_trap, moving_trap
from secondlaw.systems.jump_process import JumpProcess, JumpTrajectory
from secondlaw.systems.kinetic_ising import CRITICAL, IsingSample, KineticIsing, random_couplings
from secondlaw.systems.linear_examples import (
    active_particle,
    bead_spring_chain,
    heat_conducting_oscillators,
    spinning_particle,
)
from secondlaw.systems.linear_langevin import LinearLangevin
from secondlaw.systems.markov_chain import MarkovChain, biased_ring
from secondlaw.systems.quartic_gyrator import NumericalReference, QuarticGyrator
from secondlaw.systems.relaxation_path import Relaxation, relaxation
from secondlaw.systems.spin_enumeration import parallel_chain, sequential_chain, spin_states, state_numbers

__all__ = [
    "CRITICAL",
    "Cycle",
    "DrivenRing",
    "DrivenTrap",
    "IsingSample",
    "JumpProcess",
    "JumpTrajectory",
    "KineticIsing",
    "LinearLangevin",
    "MarkovChain",
    "NumericalReference",
    "QuarticGyrator",
    "Relaxation",
    "active_particle",
    "bead_spring_chain",
    "biased_ring",
    "breathing_trap",
    "cycle_affinity",
    "fundamental_cycles",
    "heat_conducting_oscillators",
    "moving_trap",
    "parallel_chain",
    "random_couplings",
    "relaxation",
    "sequential_chain",
    "spin_states",
    "spinning_particle",
    "state_numbers",
]
