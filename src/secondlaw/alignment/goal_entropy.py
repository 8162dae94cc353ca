r"""Entropy over goals, of one agent and of a population: :math:`E[S(p)]`, :math:`S(E[p])` and the gap between them.

An agent's goal distribution is :math:`p = \mathrm{softmax}(z)`. Noise on the logits spreads a *population* of agents:
the entropy of the mean distribution grows, while that of the single agent may fall, because a strongly diffused softmax
puts its mass on one goal, though on another one in every agent. The gap :math:`S(E[p]) - E[S(p)] \ge 0` is the mutual
information between agent and goal (Jensen-Shannon divergence of the population). All in nats.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.alignment.arguments import counted, distribution, rate
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.intervals import LEVEL
from secondlaw.types import NATS, Estimate

__all__ = ["PopulationEntropy", "free_diffusion", "population_entropy", "shannon", "softmax"]

Floats = NDArray[np.float64]

FEWEST_AGENTS = 5
_RESAMPLES = 999


def softmax(logits: ArrayLike) -> Floats:
    """Return the goal distributions of logits, over the last axis.

    Examples
    --------
    >>> softmax([0.0, 0.0, np.log(2.0)]).round(3)
    array([0.25, 0.25, 0.5 ])
    """
    z = np.asarray(logits, dtype=np.float64)
    weights = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def shannon(shares: ArrayLike) -> Floats:
    """Return the entropy of distributions over the last axis, in nats.

    Examples
    --------
    >>> shannon([[0.9, 0.1], [0.5, 0.5]]).round(3)
    array([0.325, 0.693])
    """
    p = np.asarray(shares, dtype=np.float64)
    return np.asarray(-np.where(p > 0.0, p * np.log(np.where(p > 0.0, p, 1.0)), 0.0).sum(axis=-1))


@dataclass(frozen=True, slots=True)
class PopulationEntropy:
    """Entropy over goals of a population of agents.

    Parameters
    ----------
    mean_entropy : Estimate
        E[S(p)]: how undecided an agent is, nats.
    entropy_of_mean : Estimate
        S(E[p]): how undecided the population is, nats.
    gap : Estimate
        S(E[p]) - E[S(p)]: how much agents differ, nats.
    """

    mean_entropy: Estimate
    entropy_of_mean: Estimate
    gap: Estimate

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON values."""
        return {name: getattr(self, name).to_dict() for name in ("mean_entropy", "entropy_of_mean", "gap")}


def population_entropy(shares: ArrayLike, *, rng: np.random.Generator, level: float = LEVEL) -> PopulationEntropy:
    """Return the entropies of a sample of agents, with bootstrap intervals over agents.

    Parameters
    ----------
    shares : array_like, shape (agents, goals)
        Goal distribution of every agent.
    rng : numpy.random.Generator
        Of the resampling.
    level : float

    Returns
    -------
    PopulationEntropy
        S(E[p]) of a sample is biased low by about (goals - 1) / (2 agents) at most; the bootstrap estimates the bias
        and the value is corrected by it.

    Raises
    ------
    NotEnoughData
        With fewer than five agents.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = population_entropy(softmax(rng.normal(0.0, 3.0, size=(400, 4))), rng=rng)
    >>> found.gap.low > 0.0
    True
    """
    p = np.asarray(shares, dtype=np.float64)
    if p.ndim != 2 or p.shape[1] < 2:
        raise InvalidInput(f"shares must have shape (agents, goals) with at least two goals, got {p.shape}")
    agents = p.shape[0]
    enough_agents(agents)
    own = shannon(p)
    weights = rng.multinomial(agents, np.full(agents, 1.0 / agents), size=_RESAMPLES) / agents
    drawn_mean, drawn_pooled = weights @ own, shannon(weights @ p)
    mean, pooled = float(own.mean()), float(shannon(p.mean(axis=0)))
    bias = float(drawn_pooled.mean()) - pooled

    def estimate(value: float, replicates: Floats, bias: float) -> Estimate:
        # A replicate is biased twice: as a sample of a sample.
        low, high = np.quantile(replicates - 2.0 * bias, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
        ends = max(float(low), 0.0), max(float(high), 0.0)
        value = float(min(max(value - bias, ends[0]), ends[1]))
        return Estimate(value, ends[0], ends[1], level, agents, NATS, f"bootstrap over {agents} agents", "agents")

    return PopulationEntropy(
        estimate(mean, drawn_mean, 0.0),
        estimate(pooled, drawn_pooled, bias),
        estimate(pooled - mean, drawn_pooled - drawn_mean, bias),
    )


def enough_agents(agents: int) -> None:
    """Raise NotEnoughData where agents are too few for an interval."""
    if agents < FEWEST_AGENTS:
        raise NotEnoughData(f"a population needs at least {FEWEST_AGENTS} agents for an interval, got {agents}")


def free_diffusion(
    start: ArrayLike, variances: ArrayLike, *, agents: int = 20_000, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return E[S(p)] and S(E[p]) when the logits of `start` receive Gaussian noise and nothing else.

    The case that refutes an entropy growing by itself: noise alone makes E[S(p)] fall in the end.

    Parameters
    ----------
    start : array_like, shape (goals,)
        Distribution without noise; every share positive.
    variances : array_like, shape (n,)
        Variance of the noise on every logit.
    agents : int
        Agents drawn; the same draws serve every variance.
    rng : numpy.random.Generator

    Returns
    -------
    tuple of numpy.ndarray
        Both of shape (n,), nats.

    Examples
    --------
    >>> grown = free_diffusion([0.9] + [0.02] * 5, [0.0, 4.0, 256.0], rng=np.random.default_rng(0))
    >>> grown[0].round(2), grown[1].round(2)
    (array([0.49, 0.7 , 0.14]), array([0.49, 1.24, 1.78]))
    """
    shares = distribution(start, "start")
    if (shares <= 0.0).any():
        raise InvalidInput("start must give every goal a positive share: the logit of 0 is infinite")
    spreads = np.sqrt([rate(one, "a variance") for one in np.atleast_1d(np.asarray(variances, dtype=np.float64))])
    noise = rng.standard_normal((counted(agents, "agents"), shares.size))
    single, pooled = [], []
    for spread in spreads:
        p = softmax(np.log(shares) + spread * noise)
        single.append(float(shannon(p).mean()))
        pooled.append(float(shannon(p.mean(axis=0))))
    return np.array(single), np.array(pooled)
