"""What was inferred about the goals of agents, as plain values for text, page and JSON."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.alignment.goal_entropy import PopulationEntropy, shannon
from secondlaw.alignment.goals.explanation import Explanation
from secondlaw.alignment.goals.naive import NaiveEntropy
from secondlaw.alignment.goals.population import Convergence
from secondlaw.types import Estimate, Insufficient, Measured

__all__ = ["AgentGoals", "GoalInference", "PosteriorPath"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class AgentGoals:
    """One agent.

    Parameters
    ----------
    name : str
    episodes, steps : int
    posterior : ndarray, shape (goals,)
        Of its goal from its own trajectories alone, all goals alike beforehand; of agents that switch, the mean over
        its episodes.
    assigned : ndarray, shape (goals,), or None
        Given all agents; of agents that switch, their own goal distribution.
    explanation : Explanation
    own_entropy : Measured or None
        Entropy of its own goal distribution, where agents switch.
    """

    name: str
    episodes: int
    steps: int
    posterior: Floats
    assigned: Floats | None
    explanation: Explanation
    own_entropy: Measured | None = None

    def to_dict(self, goals: tuple[str, ...]) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "agent": self.name,
            "episodes": self.episodes,
            "steps": self.steps,
            "verdict": self.explanation.verdict,
            "over_random": self.explanation.over_random,
            "over_free": self.explanation.over_free,
            "p_value": self.explanation.p_value,
            "goal": goals[int(self.posterior.argmax())],
            "posterior": dict(zip(goals, self.posterior.tolist(), strict=True)),
            "uncertainty": float(shannon(self.posterior)),
            "given_all": None if self.assigned is None else dict(zip(goals, self.assigned.tolist(), strict=True)),
            "own_entropy": None if self.own_entropy is None else self.own_entropy.to_dict(),
        }


@dataclass(frozen=True, slots=True, eq=False)
class PosteriorPath:
    """The posterior along one episode.

    Parameters
    ----------
    agent, episode : str
    probabilities : ndarray, shape (steps + 1, goals)
    """

    agent: str
    episode: str
    probabilities: Floats


@dataclass(frozen=True, slots=True, eq=False)
class GoalInference:
    """Goals of agents and of their population.

    Parameters
    ----------
    source, world : str
        What was read.
    goals : tuple of str
    size : tuple of int
        States and actions.
    switching : bool
        Whether agents choose a goal for every episode.
    entropy : Measured
        S of the population's goal distribution, nats.
    shares : tuple of Estimate, or Insufficient
        Of the goals in the population.
    entropies : PopulationEntropy or None
        Where agents switch: within agents, of the population, and the gap.
    agents : tuple of AgentGoals
    naive : tuple of NaiveEntropy
    betas : tuple of float
    heats : ndarray, shape (betas,), or None
        Inferred distribution of inverse temperatures.
    convergence : Convergence or None
    paths : tuple of PosteriorPath
    settings : dict
    warnings : tuple of str
    """

    source: str
    world: str
    goals: tuple[str, ...]
    size: tuple[int, int]
    switching: bool
    entropy: Measured
    shares: tuple[Estimate, ...] | Insufficient
    entropies: PopulationEntropy | None
    agents: tuple[AgentGoals, ...]
    naive: tuple[NaiveEntropy, ...]
    betas: tuple[float, ...]
    heats: Floats | None
    convergence: Convergence | None
    paths: tuple[PosteriorPath, ...] = field(repr=False)
    settings: dict[str, Any]
    warnings: tuple[str, ...]

    def count(self, verdict: str) -> int:
        """Return how many agents have a verdict."""
        return sum(one.explanation.verdict == verdict for one in self.agents)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        shares = self.shares
        listed: Any = (
            shares.to_dict()
            if isinstance(shares, Insufficient)
            else {name: one.to_dict() for name, one in zip(self.goals, shares, strict=True)}
        )
        return {
            "source": self.source,
            "world": {"file": self.world, "goals": list(self.goals), "states": self.size[0], "actions": self.size[1]},
            "data": {
                "agents": len(self.agents),
                "episodes": sum(one.episodes for one in self.agents),
                "steps": sum(one.steps for one in self.agents),
            },
            "settings": self.settings,
            "switching": self.switching,
            "entropy": self.entropy.to_dict(),
            "shares": listed,
            "entropies": None if self.entropies is None else self.entropies.to_dict(),
            "naive": [
                {"name": one.name, "words": one.words, "value": one.value, "bias": one.bias.to_dict()}
                for one in self.naive
            ],
            "betas": [
                {"beta": beta, "share": None if self.heats is None else float(self.heats[k])}
                for k, beta in enumerate(self.betas)
            ],
            "convergence": None
            if self.convergence is None
            else {
                "r_hat": self.convergence.r_hat,
                "effective_draws": self.convergence.effective,
                "draws": self.convergence.draws,
                "reached": self.convergence.reached,
            },
            "verdicts": {verdict: self.count(verdict) for verdict in ("explained", "undecided", "unexplained")},
            "agents": [one.to_dict(self.goals) for one in self.agents],
            "warnings": list(self.warnings),
        }
