r"""Whether any goal of the set explains what an agent did.

The posterior over a set of goals always sums to 1, also where the agent wants something else. So it is asked, goals and
inverse temperatures integrated out, how the actions compare:

- against *random actions*: the log-ratio of the evidence of the goals to :math:`A^{-T}`;
- against a *free-form policy*: any fixed distribution of actions, for all states or for each, under a Dirichlet prior
  of 1/2, whose evidence is exact;
- all agents together against *one free-form policy that they share*, as they would with one goal outside the set;
- against *the goals' own prediction*: under the best goal, :math:`\sum_t \ln\pi(a_t|s_t) + H(\pi(\cdot|s_t))` is a
  martingale with known variance; where it lies far below 0, the actions are less probable than the goal would make
  them.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from secondlaw.alignment.goals.episodes import Episodes
from secondlaw.alignment.goals.inverse_planning import Likelihoods, over_betas
from secondlaw.alignment.goals.soft_planning import SoftPolicies

__all__ = ["STRONG", "Explanation", "explanations", "log_mean", "shared_policy_evidence"]

Floats = NDArray[np.float64]
Verdict = Literal["explained", "undecided", "unexplained"]

STRONG = float(np.log(20.0))
"""Log-ratio of evidences that counts as strong (Kass & Raftery 1995)."""
_UNLIKELY = 0.001  # chance at which an agent's actions contradict its best goal, shared among the agents
_FEWEST_STEPS = 10  # actions from which the martingale is near enough to normal


@dataclass(frozen=True, slots=True)
class Explanation:
    """How well the goals explain one agent.

    Parameters
    ----------
    verdict : str
        ``"explained"``: strongly more probable than random actions, and nothing speaks against it. ``"unexplained"``:
        random actions or a free-form policy are strongly more probable, or the actions contradict the best goal.
        ``"undecided"`` otherwise.
    over_random, over_free : float
        Log-ratio of the evidence of the goals to that of random actions and of a free-form policy, nats.
    p_value : float or None
        Chance of actions as improbable as these under the best goal; None for too few steps.
    """

    verdict: Verdict
    over_random: float
    over_free: float
    p_value: float | None


def explanations(
    policies: SoftPolicies, episodes: Episodes, found: Likelihoods, *, switching: bool = False
) -> tuple[Explanation, ...]:
    """Return how well the goals explain each agent.

    Parameters
    ----------
    policies : SoftPolicies
    episodes : Episodes
    found : Likelihoods
        Of these episodes.
    switching : bool
        Whether an agent may pursue another goal in every episode.
    """
    goals, _, actions = policies.mdp.size
    agents, lengths = len(episodes.agents), episodes.lengths
    found = found.of_actions(episodes.agent)
    logs = log_mean(found.of_episodes() if switching else found.of_agents())
    evidence = np.asarray(np.bincount(episodes.agent, logs, minlength=agents) if switching else logs)
    random = np.bincount(episodes.agent, -np.log(actions) * lengths, minlength=agents)
    free = _free_form(episodes, episodes.agent, actions, policies.mdp.size[1])
    under = found.episode if switching else found.agent[episodes.agent]
    best = np.array([divmod(int(k), goals) for k in under.reshape(len(under), -1).argmax(axis=1)], dtype=np.int64)
    p_values = _p_values(policies, episodes, best)
    out = []
    for k in range(agents):
        over_random, over_free, p = float(evidence[k] - random[k]), float(evidence[k] - free[k]), p_values[k]
        contradicted = p is not None and p < _UNLIKELY / agents
        verdict: Verdict = "explained" if over_random >= STRONG else "undecided"
        if over_random <= -STRONG or over_free <= -STRONG or contradicted:
            verdict = "unexplained"
        out.append(Explanation(verdict, over_random, over_free, p))
    return tuple(out)


def log_mean(logs: Floats) -> Floats:
    """Return the logarithm of the mean over goals, shape (n, goals) to (n,)."""
    return over_betas(logs[:, :, None], np.full(logs.shape[1], 1.0 / logs.shape[1]))[:, 0]


def shared_policy_evidence(episodes: Episodes, policies: SoftPolicies) -> float:
    """Return ln evidence of one free-form policy that all agents share: as if all pursued one goal, whatever it is."""
    _, states, actions = policies.mdp.size
    return float(_free_form(episodes, np.zeros_like(episodes.agent), actions, states)[0])


def _free_form(episodes: Episodes, whose: NDArray[np.int64], actions: int, states: int) -> Floats:
    """Return ln evidence of a free-form policy of each agent: the mean over one for all states and one for each."""
    from scipy.special import gammaln

    rows, steps = np.nonzero(episodes.actions >= 0)
    agent, taken = whose[rows], episodes.actions[rows, steps]
    where = episodes.states[rows, steps]
    out = []
    for cell in (agent, agent * states + where):
        _, place = np.unique(cell, return_inverse=True)
        counts = np.zeros((place.max() + 1, actions))
        np.add.at(counts, (place, taken), 1.0)
        n = counts.sum(axis=1)
        logs = gammaln(actions / 2) - gammaln(n + actions / 2) + (gammaln(counts + 0.5) - gammaln(0.5)).sum(axis=1)
        of = np.zeros(len(counts), dtype=np.int64)
        of[place] = agent
        out.append(np.bincount(of, logs, minlength=int(whose.max()) + 1))
    return np.asarray(np.logaddexp(*out) - np.log(2.0))


def _p_values(policies: SoftPolicies, episodes: Episodes, best: NDArray[np.int64]) -> list[float | None]:
    from scipy.special import ndtr

    rows, steps = np.nonzero(episodes.actions >= 0)
    when = np.zeros_like(steps) if policies.horizon is None else steps
    heat, goal = best[rows].T
    logs = policies.log_policies[when, heat, goal, episodes.states[rows, steps]]  # (step, action)
    shares = np.exp(logs)
    mean = (shares * logs).sum(axis=1)
    variance = (shares * logs**2).sum(axis=1) - mean**2
    moved = logs[np.arange(len(rows)), episodes.actions[rows, steps]] - mean
    agent, number = episodes.agent[rows], len(episodes.agents)
    n = np.bincount(agent, minlength=number)
    total, spread = np.bincount(agent, moved, minlength=number), np.bincount(agent, variance, minlength=number)
    return [
        float(ndtr(t / np.sqrt(s))) if m >= _FEWEST_STEPS and s > 1e-12 else None
        for t, s, m in zip(total, spread, n, strict=True)
    ]
