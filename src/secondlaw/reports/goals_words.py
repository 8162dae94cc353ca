"""What inferred goals say, in sentences that text and page share."""

from secondlaw.alignment.goals import GoalInference
from secondlaw.reports.words import count, level, reading
from secondlaw.types import Estimate

__all__ = ["beta_words", "data_words", "headline", "verdict_words"]


def headline(found: GoalInference) -> str:
    """Return the entropy of the population's goals in one line."""
    if not isinstance(found.entropy, Estimate):
        return reading(found.entropy)
    return f"{reading(found.entropy)}, {level(found.entropy.level)} interval over agents"


def data_words(found: GoalInference) -> str:
    """Return what was read."""
    steps, episodes = sum(one.steps for one in found.agents), sum(one.episodes for one in found.agents)
    return (
        f"{count(len(found.agents), 'agents')}, {count(episodes, 'episodes')}, {count(steps, 'steps')}; world "
        f"{found.world}: {count(found.size[0], 'states')}, {count(found.size[1], 'actions')}, "
        f"{count(len(found.goals), 'goals')}"
    )


def verdict_words(found: GoalInference) -> str:
    """Return how many agents the goals explain."""
    return (
        f"the goals explain {count(found.count('explained'), 'agents')}; {found.count('undecided')} are undecided "
        f"(no goal is strongly better than chance), {found.count('unexplained')} pursue none of the goals"
    )


def beta_words(found: GoalInference) -> str:
    """Return what inverse temperatures were assumed or inferred."""
    if len(found.betas) == 1:
        return f"beta {found.betas[0]:g}, taken as known"
    listed = ", ".join(f"{one:g}" for one in found.betas)
    if found.heats is None:
        return f"beta one of {listed}"
    shares = ", ".join(f"{beta:g}: {100 * share:.0f} %" for beta, share in zip(found.betas, found.heats, strict=True))
    return f"beta inferred with the goals, share of agents at each: {shares}"
