"""Which goals agents pursue: Bayesian inverse planning in tabular worlds, and the entropy of a population's goals."""

from secondlaw.alignment.goals.acting import act
from secondlaw.alignment.goals.chain_convergence import effective_draws, split_r_hat
from secondlaw.alignment.goals.episode_files import read_episodes
from secondlaw.alignment.goals.episodes import Episode, Episodes
from secondlaw.alignment.goals.explanation import Explanation, explanations
from secondlaw.alignment.goals.grid_worlds import grid_world
from secondlaw.alignment.goals.gymnasium_worlds import gymnasium_world
from secondlaw.alignment.goals.inferring import BETAS, infer_goals
from secondlaw.alignment.goals.inverse_planning import (
    GoalPosterior,
    Likelihoods,
    goal_posterior,
    likelihoods,
    posterior_path,
)
from secondlaw.alignment.goals.naive import NaiveEntropy, naive_entropies
from secondlaw.alignment.goals.population import Convergence, PopulationGoals, population_goals
from secondlaw.alignment.goals.results import AgentGoals, GoalInference, PosteriorPath
from secondlaw.alignment.goals.soft_planning import SoftPolicies, soft_policies
from secondlaw.alignment.goals.switching import SwitchingGoals, switching_goals
from secondlaw.alignment.goals.tabular import TabularMDP, reaching
from secondlaw.alignment.goals.world_files import read_world, world_of

__all__ = [
    "BETAS",
    "AgentGoals",
    "Convergence",
    "Episode",
    "Episodes",
    "Explanation",
    "GoalInference",
    "GoalPosterior",
    "Likelihoods",
    "NaiveEntropy",
    "PopulationGoals",
    "PosteriorPath",
    "SoftPolicies",
    "SwitchingGoals",
    "TabularMDP",
    "act",
    "effective_draws",
    "explanations",
    "goal_posterior",
    "grid_world",
    "gymnasium_world",
    "infer_goals",
    "likelihoods",
    "naive_entropies",
    "population_goals",
    "posterior_path",
    "reaching",
    "read_episodes",
    "read_world",
    "soft_policies",
    "split_r_hat",
    "switching_goals",
    "world_of",
]
