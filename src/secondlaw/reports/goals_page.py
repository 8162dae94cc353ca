"""Inferred goals as one self-contained HTML page: the population's entropy, its goals, every agent, the checks."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from secondlaw.alignment.goal_entropy import shannon
from secondlaw.alignment.goals import GoalInference
from secondlaw.errors import InvalidInput
from secondlaw.reports.goals_words import beta_words, data_words, headline, verdict_words
from secondlaw.reports.page import frame
from secondlaw.reports.svg import svg_of
from secondlaw.reports.tables import entry, table
from secondlaw.reports.words import one_line, p_value, reading, tame
from secondlaw.reports.writing import write_page
from secondlaw.types import Estimate, Insufficient

__all__ = ["render_goals_page", "write_goals_page"]

TITLE = "Goals of agents"
MOST_ROWS = 200


def write_goals_page(found: GoalInference, path: str | Path, *, created: datetime, version: str) -> Path:
    """Write inferred goals as one HTML file, replacing an older one in a single step; see :func:`render_goals_page`.

    Raises
    ------
    SourceError
        If the file cannot be written.
    """
    return write_page(render_goals_page(found, created=created, version=version), path)


def render_goals_page(found: GoalInference, *, created: datetime, version: str) -> str:
    """Return inferred goals as one HTML page.

    Parameters
    ----------
    found : GoalInference
    created : datetime
        With a zone.
    version : str
        Of secondlaw.

    Raises
    ------
    InvalidInput
        If `created` has no zone.
    """
    if created.tzinfo is None:
        raise InvalidInput(f"the report's time needs a zone, got {created.isoformat()} without one")
    said = [verdict_words(found), beta_words(found), f"data: {data_words(found)}"]
    if found.entropies is not None:
        said = [
            f"of one agent, on average: {reading(found.entropies.mean_entropy)}",
            f"difference between agents: {reading(found.entropies.gap)}",
            *said,
        ]
    body = [
        f'<header><p class="eyebrow">{TITLE} · {escape(one_line(found.source, 80))}</p></header>',
        f"<h1>{escape(_sentence('entropy of the goals: ' + headline(found)))}</h1>",
        f'<section class="verdict">{_list(said)}</section>',
    ]
    if found.warnings:
        body.append(f'<div class="warnings"><h2>Before you read on</h2>{_list(found.warnings)}</div>')
    body += [
        f'<h2>Who pursues what</h2><div class="figures">{"".join(_figures(found))}</div>',
        _shares(found),
        _naive(found),
        _agents(found),
    ]
    body += [_numbers(found), _limits(found)]
    when = created.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    seed = found.settings.get("seed", "not recorded")
    body.append(f"<footer>{escape(f'secondlaw {one_line(version, 40)} · {when} · seed {seed}')}</footer>")
    return frame(TITLE, body)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


def _list(sentences: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(tame(_sentence(text[:900])))}</li>" for text in sentences) + "</ul>"


def _figure(key: str, title: str, caption: str, specification: dict[str, Any]) -> str:
    picture = svg_of(specification, prefix=f"goals-{key}", title=title, description=caption)
    return (
        f'<figure><h3>{escape(title)}</h3><div class="panels">{picture}</div>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _figures(found: GoalInference) -> list[str]:
    from secondlaw.reports.goals_charts import MOST_AGENTS, agent_chart, entropy_chart, path_chart, share_chart

    out = []
    if not isinstance(found.shares, Insufficient):
        caption = "The population's goals. Lines: intervals over agents; agents whom no goal explains are in no share."
        out.append(_figure("shares", "Goals of the population", caption, share_chart(found.goals, found.shares)))
    if found.naive and isinstance(found.entropy, Estimate):
        caption = (
            "Dot and line: this inference. Open symbols: entropies that take doubt about an agent's goal for a "
            f"difference between agents, or count guesses. Dashed: ln {len(found.goals)}, all goals alike."
        )
        out.append(_figure("entropy", "What is often reported instead", caption, entropy_chart(found, found.entropy)))
    drawn = min(MOST_AGENTS, len(found.agents))
    caption = (
        f"One bar an agent ({drawn:,} of {len(found.agents):,}), from its own trajectories alone, by its most probable "
        "goal. Grey: none of the goals explains it."
    )
    out.append(_figure("agents", "Posterior by agent", caption, agent_chart(found)))
    for number, path in enumerate(found.paths):
        caption = f"Episode {path.episode or '1'}: the posterior after every action, all goals alike at first."
        title = f"As actions come in: agent {one_line(path.agent, 30)}"
        out.append(_figure(f"path-{number}", title, caption, path_chart(path, found.goals)))
    return out


def _shares(found: GoalInference) -> str:
    if isinstance(found.shares, Insufficient):
        return f'<p class="notes">{escape(tame(_sentence(found.shares.reason)))}.</p>'
    rows = [[escape(one_line(name, 60)), entry(share)] for name, share in zip(found.goals, found.shares, strict=True)]
    return f"<h2>Goals of the population</h2>{table(('goal', 'share'), rows)}"


def _naive(found: GoalInference) -> str:
    if not found.naive:
        return ""
    rows = [[escape(one.words), f"{one.value:.3f}", entry(one.bias, plus=True, unit=False)] for one in found.naive]
    caption = "Bias: mean error in simulated populations like the fitted one, with the same starts and lengths."
    return f"<h2>What is often reported instead</h2>{table(('estimate', 'nats', 'its bias here, nats'), rows, caption)}"


def _agents(found: GoalInference) -> str:
    heads = ["agent", "episodes", "steps", "most probable goal", "left open, nats", "explained?",
             "over random actions, nats", "over a free-form policy, nats", "actions under that goal"]  # fmt: skip
    rows = []
    for one in found.agents[:MOST_ROWS]:
        best, check = int(one.posterior.argmax()), one.explanation
        outside = check.verdict == "unexplained"
        goal = f"{escape(one_line(found.goals[best], 40))} ({one.posterior[best]:.3f})"
        row = [
            escape(one_line(one.name, 40)), f"{one.episodes:,}", f"{one.steps:,}",
            "none of the goals" if outside else goal, "" if outside else f"{float(shannon(one.posterior)):.3f}",
            check.verdict, f"{check.over_random:+.1f}", f"{check.over_free:+.1f}",
            "too few steps" if check.p_value is None else escape(p_value(check.p_value)),
        ]  # fmt: skip
        if found.switching:
            row.append("" if one.own_entropy is None else entry(one.own_entropy, unit=False))
        rows.append(row)
    left = f"The first {MOST_ROWS} of {len(found.agents):,}" if len(found.agents) > MOST_ROWS else ""
    own = ["own entropy, nats"] if found.switching else []
    return f"<h2>Agents</h2><details><summary>All agents</summary>{table([*heads, *own], rows, left)}</details>"


def _numbers(found: GoalInference) -> str:
    rows = [[escape(name.replace("_", " ")), escape(str(value))] for name, value in found.settings.items()]
    if isinstance(found.entropy, Estimate):
        rows.append(["method", escape(tame(found.entropy.method))])
    if found.convergence is not None:
        one = found.convergence
        said = f"R-hat {one.r_hat:.3f}, {one.effective:,.0f} effective of {one.draws:,} draws"
        rows.append(["sampling", escape(said)])
    return f"<h2>Settings</h2>{table(('setting', 'value'), rows)}" if rows else ""


def _limits(found: GoalInference) -> str:
    said = [
        "a goal outside the set is seen only where it makes agents act otherwise than every goal of the set",
        "agents are taken as independent, and as planning softly for their goal with one inverse temperature each",
        "the world's transitions and the rewards of the goals are taken as known",
    ]
    if not found.switching:
        said.append("every agent has one goal in all its episodes; agents that change it need --switching")
    return f"<h2>Limits</h2>{_list(said)}"
