"""Everything that is said about the goals behind a set of trajectories: planning, posterior, checks, population."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.alignment.goal_entropy import PopulationEntropy
from secondlaw.alignment.goals.episodes import Episodes
from secondlaw.alignment.goals.explanation import STRONG, Explanation, explanations, log_mean, shared_policy_evidence
from secondlaw.alignment.goals.inverse_planning import Likelihoods, goal_posterior, likelihoods, posterior_path
from secondlaw.alignment.goals.naive import NaiveEntropy, naive_entropies
from secondlaw.alignment.goals.population import Convergence, population_goals
from secondlaw.alignment.goals.results import AgentGoals, GoalInference, PosteriorPath
from secondlaw.alignment.goals.soft_planning import SoftPolicies, soft_policies
from secondlaw.alignment.goals.switching import SwitchingGoals, switching_goals
from secondlaw.alignment.goals.tabular import TabularMDP
from secondlaw.errors import NotEnoughData
from secondlaw.statistics.intervals import LEVEL
from secondlaw.types import Estimate, Insufficient, Measured

__all__ = ["BETAS", "infer_goals"]

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]

BETAS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Inverse temperatures that agents may have, per cost of a step: nearly random to nearly without fault."""
_MOST_PATHS = 3
_AT_EDGE = 0.8  # share of agents at the largest beta from which a larger one is asked for
_STAGES = 4
SHARED = (
    "none of the goals explains the trajectories: one and the same policy for all agents, whatever it is for, makes "
    "their actions far more probable than these goals do; add the goals that are missing"
)


@dataclass(frozen=True, slots=True, eq=False)
class _Population:
    entropy: Measured
    shares: tuple[Estimate, ...] | Insufficient
    entropies: PopulationEntropy | None = None
    assigned: Floats | None = None
    own: tuple[Measured, ...] = ()
    naive: tuple[NaiveEntropy, ...] = ()
    heats: Floats | None = None
    convergence: Convergence | None = None


def infer_goals(
    mdp: TabularMDP,
    episodes: Episodes,
    *,
    rng: np.random.Generator,
    betas: Sequence[float] = BETAS,
    horizon: int | None = None,
    switching: bool = False,
    level: float = LEVEL,
    source: str = "trajectories",
    world: str = "world",
    settings: dict[str, Any] | None = None,
    progress: Progress | None = None,
) -> GoalInference:
    """Infer the goals of agents and the entropy of their population's goals.

    Parameters
    ----------
    mdp : TabularMDP
    episodes : Episodes
    rng : numpy.random.Generator
    betas : sequence of float
        Inverse temperatures that agents may have; one of them: it is known.
    horizon : int, optional
        Steps of an episode, where agents know it.
    switching : bool
        Whether an agent chooses a goal for every episode; otherwise it has one.
    level : float
    source, world : str
        What the result calls them.
    settings : dict, optional
        Recorded with the result.
    progress : callable, optional
        Called with (stages done, stages in all).

    Returns
    -------
    GoalInference
        Where no goal explains what the agents did, the population's entropy is insufficient, with the reason.

    Raises
    ------
    FileFormatError
        If the episodes cannot happen in this world.

    Examples
    --------
    >>> from secondlaw.alignment.goals import act, grid_world
    >>> mdp = grid_world(["A...B"])
    >>> seen = act(soft_policies(mdp, betas=[3.0]), goals=[0] * 9 + [1] * 3, starts=2, steps=3,
    ...            rng=np.random.default_rng(0))
    >>> print(infer_goals(mdp, seen, rng=np.random.default_rng(0)).entropy)
    0.572 [0.207, 0.693] nats
    """

    def advance(done: int) -> None:
        if progress is not None:
            progress(done, _STAGES)

    advance(0)
    policies = soft_policies(mdp, betas=betas, horizon=horizon)
    advance(1)
    found = likelihoods(policies, episodes)
    checks = explanations(policies, episodes, found, switching=switching)
    advance(2)
    kept = np.array([one.verdict != "unexplained" for one in checks])
    population = _population(policies, episodes, found, checks, kept, switching, level, rng)
    advance(3)
    single = goal_posterior(found.of_agents()).probabilities
    if switching:
        every = goal_posterior(found.of_episodes()).probabilities
        single = np.stack([np.bincount(episodes.agent, one) for one in every.T], axis=1)
        single = single / episodes.per_agent()[:, None]
    steps = np.bincount(episodes.agent, episodes.lengths, minlength=len(checks)).astype(np.int64)
    place = np.cumsum(kept) - 1
    agents = tuple(
        AgentGoals(
            name, int(episodes.per_agent()[k]), int(steps[k]), single[k],
            population.assigned[place[k]] if population.assigned is not None and kept[k] else None, checks[k],
            population.own[place[k]] if population.own and kept[k] else None,
        )
        for k, name in enumerate(episodes.agents)
    )  # fmt: skip
    first = [int(np.flatnonzero(episodes.agent == k)[0]) for k in range(min(_MOST_PATHS, len(agents)))]
    paths = tuple(
        PosteriorPath(episodes.agents[episodes.agent[k]], episodes.names[k], posterior_path(policies, episodes, k))
        for k in first
    )
    advance(_STAGES)
    return GoalInference(
        source, world, mdp.goals, mdp.size[1:], switching, population.entropy, population.shares, population.entropies,
        agents, population.naive, tuple(float(one) for one in policies.betas), population.heats,
        population.convergence, paths, settings or {}, _warnings(population, checks, found, episodes, switching),
    )  # fmt: skip


def _population(
    policies: SoftPolicies, episodes: Episodes, found: Likelihoods, checks: Sequence[Explanation],
    kept: NDArray[np.bool_], switching: bool, level: float, rng: np.random.Generator,
) -> _Population:  # fmt: skip
    reason = _unexplained(checks, kept)
    if reason is not None:
        return _Population(Insufficient(reason), Insufficient(reason))
    if not kept.all():
        episodes, found = _chosen(episodes, found, kept)
    actions = found.of_actions(episodes.agent)
    try:
        if switching:
            several = switching_goals(found, episodes.agent, rng=rng, level=level)
            logs, fitted_shares, fitted_heats = actions.episode, several.shares, several.heats
        else:
            fitted = population_goals(found, rng=rng, level=level)
            logs, fitted_shares, fitted_heats = actions.agent, fitted.shares, fitted.heats
    except NotEnoughData as error:
        return _Population(Insufficient(str(error)), Insufficient(str(error)))
    theta = np.array([one.value for one in fitted_shares])
    joint = logs + np.log(np.maximum(fitted_heats[:, None] * theta, np.finfo(float).tiny))
    evidence = float(np.logaddexp.reduce(joint.reshape(len(joint), -1), axis=1).sum())
    if shared_policy_evidence(episodes, policies) - evidence > 2.0 * STRONG:
        return _Population(Insufficient(SHARED), Insufficient(SHARED))
    if switching:
        return _switching(several)
    naive = naive_entropies(
        policies, episodes, found, shares=theta / theta.sum(), heats=fitted.heats, rng=rng, level=level
    )
    return _Population(
        fitted.entropy, fitted.shares, None, fitted.assigned, (), naive, fitted.heats, fitted.convergence
    )


def _switching(fitted: SwitchingGoals) -> _Population:
    return _Population(
        fitted.entropies.entropy_of_mean, fitted.shares, fitted.entropies, fitted.own_shares, fitted.own, (),
        fitted.heats, fitted.convergence,
    )  # fmt: skip


def _unexplained(checks: Sequence[Explanation], kept: NDArray[np.bool_]) -> str | None:
    """Return why the set of goals does not explain the agents, if it does not."""
    out = int((~kept).sum())
    if out > len(checks) / 2:
        return (
            f"none of the goals explains the trajectories of {out:,} of {len(checks):,} agents: add the goals that are "
            "missing, or check that the world is theirs"
        )
    if sum(one.over_random for one, stays in zip(checks, kept, strict=True) if stays) < STRONG:
        return (
            "none of the goals explains the trajectories: under them the actions are no more probable than random "
            "ones; add the goals that are missing, or longer trajectories"
        )
    return None


def _chosen(episodes: Episodes, found: Likelihoods, kept: NDArray[np.bool_]) -> tuple[Episodes, Likelihoods]:
    rows, place = kept[episodes.agent], np.cumsum(kept) - 1
    ended = None if episodes.ended is None else episodes.ended[rows]
    stops = None if found.stops is None else found.stops[rows]
    agents = tuple(name for name, stays in zip(episodes.agents, kept, strict=True) if stays)
    names = tuple(name for name, stays in zip(episodes.names, rows, strict=True) if stays)
    some = Episodes(agents, place[episodes.agent[rows]], names, episodes.states[rows], episodes.actions[rows], ended)
    return some, Likelihoods(found.episode[rows], found.agent[kept], found.betas, found.prior, stops)


def _warnings(
    population: _Population, checks: Sequence[Explanation], found: Likelihoods, episodes: Episodes, switching: bool
) -> tuple[str, ...]:
    said = []
    out = sum(one.verdict == "unexplained" for one in checks)
    if out and not isinstance(population.entropy, Insufficient):
        said.append(
            f"none of the goals explains the trajectories of {out:,} of {len(checks):,} agents; they are counted apart "
            "and are in no share"
        )
    if population.convergence is not None and not population.convergence.reached:
        said.append(
            f"the sampling has not converged (R-hat {population.convergence.r_hat:.3f}, "
            f"{population.convergence.effective:.0f} effective draws): the trajectories say little; give longer ones"
        )
    if population.heats is not None and len(population.heats) > 1:
        top = int(found.betas.argmax())
        if population.heats[top] > _AT_EDGE:
            said.append(f"most agents are at the largest beta, {found.betas[top]:g}: give larger ones with --beta")
    if not switching:
        apart = np.bincount(episodes.agent, log_mean(found.of_episodes()), minlength=len(checks))
        inside = np.array([one.verdict != "unexplained" for one in checks])
        switched = int(((apart - log_mean(found.of_agents()) >= STRONG) & inside).sum())
        if switched:
            said.append(
                f"the episodes of {switched:,} of {len(checks):,} agents point at different goals: see --switching"
            )
    return tuple(said)
