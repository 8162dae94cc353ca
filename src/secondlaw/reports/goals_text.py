"""Inferred goals in the terminal: the population's entropy first, then its goals, the checks and the agents."""

from typing import TYPE_CHECKING

from secondlaw.alignment.goal_entropy import shannon
from secondlaw.alignment.goals import GoalInference
from secondlaw.reports.goals_words import beta_words, data_words, headline, verdict_words
from secondlaw.reports.terminal import bare, line, plain_table
from secondlaw.reports.words import interval, number, one_line, reading
from secondlaw.types import Insufficient

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

__all__ = ["render_goals_text"]

MOST_AGENTS = 20


def render_goals_text(found: GoalInference) -> "RenderableType":
    """Return inferred goals as text for a terminal."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [
        line(f"entropy of the goals of {one_line(found.source, 80)}: {headline(found)}", "bold")
    ]
    if found.entropies is not None:
        parts.append(line(f"of one agent, on average: {reading(found.entropies.mean_entropy)}"))
        parts.append(line(f"difference between agents: {reading(found.entropies.gap)}"))
    parts += [line(f"warning: {one}", "yellow") for one in found.warnings]
    parts += [line(verdict_words(found)), line(beta_words(found)), line(f"data: {data_words(found)}")]
    if found.convergence is not None:
        one = found.convergence
        parts.append(line(f"sampling: R-hat {one.r_hat:.3f}, {one.effective:.0f} effective of {one.draws:,} draws"))
    if not isinstance(found.shares, Insufficient):
        table = plain_table("goal", "share of the population", "interval")
        for name, share in zip(found.goals, found.shares, strict=True):
            table.add_row(Text(one_line(name, 40)), number(share), interval(share))
        parts.append(table)
    if found.naive:
        table = plain_table("not to be used", "nats", "its bias here", "interval")
        for naive in found.naive:
            bias = bare(naive.bias, plus=True), interval(naive.bias, minus="-")
            table.add_row(naive.words, f"{naive.value:.3f}", *bias)
        parts.append(table)
    parts.append(_agents(found))
    if len(found.agents) > MOST_AGENTS:
        parts.append(line(f"{len(found.agents) - MOST_AGENTS:,} more agents: see --json", "dim"))
    return Group(*parts)


def _agents(found: GoalInference) -> "Table":
    from rich.text import Text

    own = ["own entropy, nats"] if found.switching else []
    table = plain_table("agent", "goal", "probability", "left open, nats", "explained?", *own)
    for one in found.agents[:MOST_AGENTS]:
        best = int(one.posterior.argmax())
        sure = f"{one.posterior[best]:.3f}"
        last = [] if not found.switching else ["" if one.own_entropy is None else reading(one.own_entropy, minus="-")]
        outside = one.explanation.verdict == "unexplained"
        table.add_row(
            Text(one_line(one.name, 30)),
            Text("none of the goals" if outside else one_line(found.goals[best], 30)),
            "" if outside else sure,
            "" if outside else f"{float(shannon(one.posterior)):.3f}",
            one.explanation.verdict,
            *last,
        )
    return table
