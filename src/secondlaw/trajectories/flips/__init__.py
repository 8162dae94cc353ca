"""Flips of single spins: the MaxEnt bound of all spins at once."""

from secondlaw.trajectories.flips.estimator import FlipsMaxEnt
from secondlaw.trajectories.flips.results import FlipDiagnostics, FlipResult, PairAsymmetry
from secondlaw.trajectories.flips.rows import Flips

__all__ = ["FlipDiagnostics", "FlipResult", "Flips", "FlipsMaxEnt", "PairAsymmetry"]
