"""Inferred goals as one self-contained HTML page: the population's entropy, its goals, every agent, the checks."""

from collections.abc import Iterator
from datetime import datetime
from html import escape

from secondlaw.alignment.goal_entropy import shannon
from secondlaw.alignment.goals import GoalInference
from secondlaw.reports.goals_words import beta_words, data_words, headline, verdict_words
from secondlaw.reports.notices import warning_box
from secondlaw.reports.page import bullets, chart_figure, page, sentence
from secondlaw.reports.tables import entry, table
from secondlaw.reports.words import one_line, p_value, reading, tame
from secondlaw.types import Estimate, Insufficient

__all__ = ["render_goals_page"]

TITLE = "Goals of agents"
MOST_ROWS = 200


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
    said = [verdict_words(found), beta_words(found), f"data: {data_words(found)}"]
    if found.entropies is not None:
        said = [
            f"of one agent, on average: {reading(found.entropies.mean_entropy)}",
            f"difference between agents: {reading(found.entropies.gap)}",
            *said,
        ]
    parts = [
        f"<h1>{escape(sentence('entropy of the goals: ' + headline(found)))}</h1>",
        f'<section class="verdict">{bullets(map(sentence, said))}</section>',
        warning_box([sentence(one) for one in found.warnings]),
        f'<h2>Who pursues what</h2><div class="figures">{"".join(_figures(found))}</div>',
        _shares(found),
        _naive(found),
        _agents(found),
        _numbers(found),
        _limits(found),
    ]
    made = [f"seed {found.settings.get('seed', 'not recorded')}"]
    return page(TITLE, parts, about=found.source, created=created, version=version, made=made)


def _figures(found: GoalInference) -> Iterator[str]:
    from secondlaw.reports.goals_charts import MOST_AGENTS, agent_chart, entropy_chart, path_chart, share_chart

    if not isinstance(found.shares, Insufficient):
        caption = "The population's goals. Lines: intervals over agents; agents whom no goal explains are in no share."
        drawn = share_chart(found.goals, found.shares)
        yield chart_figure("goals-shares", "Goals of the population", caption, drawn)
    if found.naive and isinstance(found.entropy, Estimate):
        caption = (
            "Dot and line: this inference. Open symbols: entropies that take doubt about an agent's goal for a "
            f"difference between agents, or count guesses. Dashed: ln {len(found.goals)}, all goals alike."
        )
        drawn = entropy_chart(found, found.entropy)
        yield chart_figure("goals-entropy", "What is often reported instead", caption, drawn)
    shown = min(MOST_AGENTS, len(found.agents))
    caption = (
        f"One bar an agent ({shown:,} of {len(found.agents):,}), from its own trajectories alone, by its most probable "
        "goal. Grey: none of the goals explains it."
    )
    yield chart_figure("goals-agents", "Posterior by agent", caption, agent_chart(found))
    for number, path in enumerate(found.paths):
        caption = f"Episode {path.episode or '1'}: the posterior after every action, all goals alike at first."
        title = f"As actions come in: agent {one_line(path.agent, 30)}"
        yield chart_figure(f"goals-path-{number}", title, caption, path_chart(path, found.goals))


def _shares(found: GoalInference) -> str:
    if isinstance(found.shares, Insufficient):
        return f'<p class="notes">{escape(tame(sentence(found.shares.reason)))}.</p>'
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
    return f"<h2>Limits</h2>{bullets(map(sentence, said))}"
