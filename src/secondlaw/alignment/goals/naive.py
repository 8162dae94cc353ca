"""What is often computed instead of a hierarchical posterior, and by how much it errs.

Each reads how unsure one is of an agent's goal as if it were a difference between goals: the entropy of the mean
posterior, the entropy of the most probable goals counted, the mean entropy of the posteriors. Their bias is measured on
agents drawn from the fitted population, with the same worlds, starts and lengths.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from secondlaw.alignment.goal_entropy import shannon
from secondlaw.alignment.goals.acting import act
from secondlaw.alignment.goals.episodes import Episodes
from secondlaw.alignment.goals.inverse_planning import Likelihoods, goal_posterior, likelihoods
from secondlaw.alignment.goals.soft_planning import SoftPolicies
from secondlaw.types import NATS, Estimate

__all__ = ["NaiveEntropy", "naive_entropies"]

Floats = NDArray[np.float64]

NAMES = {
    "mean_posterior": "entropy of the mean posterior",
    "map_counts": "entropy of the most probable goals, counted",
    "mean_entropy": "mean entropy of the posteriors",
}
REPETITIONS = 40
_MOST_STEPS = 400_000  # simulated in all repetitions; fewer repetitions where episodes are many and long
_FEWEST = 8


@dataclass(frozen=True, slots=True)
class NaiveEntropy:
    """A naive estimate.

    Parameters
    ----------
    name, words : str
    value : float
        Nats.
    bias : Estimate
        Mean error in simulated populations like the fitted one, nats.
    """

    name: str
    words: str
    value: float
    bias: Estimate


def naive_entropies(
    policies: SoftPolicies,
    episodes: Episodes,
    found: Likelihoods,
    *,
    shares: Floats,
    heats: Floats,
    rng: np.random.Generator,
    level: float,
) -> tuple[NaiveEntropy, ...]:
    """Return naive entropies of a population of agents with one goal each, and their bias.

    Parameters
    ----------
    policies : SoftPolicies
    episodes : Episodes
    found : Likelihoods
        Of these episodes.
    shares, heats : ndarray
        The fitted distributions of goals and of inverse temperatures.
    rng : numpy.random.Generator
    level : float
        Of the interval of the bias.
    """
    values = _naive(found)
    work = max(1, int(episodes.lengths.sum()))
    repetitions = int(np.clip(_MOST_STEPS // work, _FEWEST, REPETITIONS))
    truth = float(shannon(shares))
    agents = len(episodes.agents)
    drawn = []
    for _ in range(repetitions):
        goal = rng.choice(len(shares), p=shares / shares.sum(), size=agents)
        heat = rng.choice(len(heats), p=heats / heats.sum(), size=agents)
        again = act(
            policies, goals=goal[episodes.agent], betas=heat[episodes.agent], starts=episodes.states[:, 0],
            steps=episodes.lengths, rng=rng, agent=episodes.agent,
        )  # fmt: skip
        if episodes.ended is None:
            again = replace(again, ended=None)
        drawn.append([one - truth for one in _naive(likelihoods(policies, again, prior=found.prior)).values()])
    errors = np.array(drawn)
    middle, reach = errors.mean(axis=0), 2.0 * errors.std(axis=0, ddof=1) / np.sqrt(repetitions)
    method = f"{repetitions} simulated populations, two standard errors"
    return tuple(
        NaiveEntropy(
            name, NAMES[name], value, Estimate(b, b - r, b + r, level, repetitions, NATS, method, "populations")
        )
        for (name, value), b, r in zip(values.items(), middle, reach, strict=True)
    )


def _naive(found: Likelihoods) -> dict[str, float]:
    posterior = goal_posterior(found.of_agents()).probabilities
    counted = np.bincount(posterior.argmax(axis=1), minlength=posterior.shape[1]) / len(posterior)
    return {
        "mean_posterior": float(shannon(posterior.mean(axis=0))),
        "map_counts": float(shannon(counted)),
        "mean_entropy": float(shannon(posterior).mean()),
    }
