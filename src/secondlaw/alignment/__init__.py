"""The second law of goals: how entropy over goals grows, what work holds it, how to see it in networks."""

from secondlaw.alignment.goal_diffusion import GoalDiffusion
from secondlaw.alignment.goal_entropy import PopulationEntropy, free_diffusion, population_entropy, shannon, softmax
from secondlaw.alignment.goal_paths import GoalPaths, simulate_goals
from secondlaw.alignment.goal_production import goal_potential, medium_production, stationary_production
from secondlaw.alignment.least_work import operating_point
from secondlaw.alignment.phase import PhaseVerdict, Sweep, phase_transition_test
from secondlaw.alignment.published import PublishedDynamics, Terms, critical_work
from secondlaw.alignment.random_energy import RandomEnergy, critical_preference

__all__ = [
    "GoalDiffusion",
    "GoalPaths",
    "PhaseVerdict",
    "PopulationEntropy",
    "PublishedDynamics",
    "RandomEnergy",
    "Sweep",
    "Terms",
    "critical_preference",
    "critical_work",
    "free_diffusion",
    "goal_potential",
    "medium_production",
    "operating_point",
    "phase_transition_test",
    "population_entropy",
    "shannon",
    "simulate_goals",
    "softmax",
    "stationary_production",
]
