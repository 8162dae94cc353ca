"""The models of alignment run from settings: entropies beside exact values, operating points, sweeps, files."""

from secondlaw.alignment.simulations.path_files import write_paths
from secondlaw.alignment.simulations.results import Quantity, SimulatedPaths, Simulation, SweepResult
from secondlaw.alignment.simulations.running import simulate
from secondlaw.alignment.simulations.settings import MODELS, SimulationSettings, read_settings

__all__ = [
    "MODELS",
    "Quantity",
    "SimulatedPaths",
    "Simulation",
    "SimulationSettings",
    "SweepResult",
    "read_settings",
    "simulate",
    "write_paths",
]
