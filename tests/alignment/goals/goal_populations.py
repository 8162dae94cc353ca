"""Populations of agents whose mixture of goals is known, many data sets at once."""

from functools import cache

import numpy as np

from secondlaw.alignment.goals import act, grid_world, likelihoods, soft_policies
from secondlaw.alignment.goals.population import Convergence, summarised
from secondlaw.alignment.goals.population_sampler import population_draws

CORNERS = ("A.....B", ".......", ".......", ".......", "C.....D")
CONFUSABLE = ("AB.....", ".......", ".......", ".......", "C.....D")
SOME = Convergence(1.0, 400.0, 1600)
BETAS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


@cache
def policies(rows):
    return soft_policies(grid_world(rows, slip=0.1), betas=BETAS)


def log_likelihoods(theta, *, sets, agents, episodes, steps, rng, rows=CORNERS, beta=2.0):
    """Log-likelihoods of agents from known mixtures, shape (sets, agents, betas, goals), and the goals they have."""
    planned = policies(rows)
    goals = rng.choice(len(theta), p=theta, size=sets * agents)
    whose = np.repeat(np.arange(sets * agents), episodes)
    seen = act(
        planned, goals=goals[whose], starts=planned.mdp.states.index("2,3"), steps=steps, rng=rng,
        betas=BETAS.index(beta), agent=whose,
    )  # fmt: skip
    found = likelihoods(planned, seen).agent
    return found.reshape(sets, agents, *found.shape[1:]), goals.reshape(sets, agents)


def estimates(logs, *, rng, draws=250, burn_in=150, level=0.95):
    """What the estimator says of every data set, with fewer draws than it takes by itself."""
    drawn = population_draws(logs, rng=rng, draws=draws, burn_in=burn_in)
    return [summarised(one, own, level=level, convergence=SOME) for one, own in zip(drawn, logs, strict=True)]
