"""Pictures of inferred goals: the population's, every agent's posterior, how it forms, and what is often reported.

Every number drawn is also written beside the pictures, or in the machine-readable output.
"""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from secondlaw.alignment.goals import AgentGoals, GoalInference, PosteriorPath
from secondlaw.reports.base_charts import chart_of, finished
from secondlaw.reports.look import COLORS, DASHES, INK, SYMBOLS
from secondlaw.reports.words import one_line
from secondlaw.types import Estimate

__all__ = ["MOST_AGENTS", "agent_chart", "entropy_chart", "path_chart", "share_chart"]

WIDE, HIGH, ROW = 330, 200, 17
MOST_AGENTS, MOST_GOALS = 60, 6
GREY, NONE = "#8a8a8a", "#cccccc"
OTHERS, OUTSIDE = "other goals", "none of the goals"


def share_chart(goals: Sequence[str], shares: Sequence[Estimate]) -> dict[str, Any]:
    """Return the population's goals with their intervals, as a Vega-Lite specification.

    Parameters
    ----------
    goals : sequence of str
    shares : sequence of Estimate
    """
    names = _names(goals)
    rows = [{"goal": n, "value": s.value, "low": s.low, "high": s.high} for n, s in zip(names, shares, strict=True)]
    base = chart_of(rows)
    x_axis = alt.Axis(title="share of the population", format=".0%", tickCount=5)
    x_scale = alt.Scale(domain=[0, 1], nice=False)
    y = alt.Y("goal:N", sort=names, axis=alt.Axis(title=None, labelLimit=150, grid=False, ticks=False, domain=False))
    bars = base.mark_bar(color=COLORS[0], opacity=0.75, height=ROW - 5).encode(
        x=alt.X("value:Q", axis=x_axis, scale=x_scale), y=y
    )
    rules = base.mark_rule(color=INK, strokeWidth=1.5).encode(
        x=alt.X("low:Q", axis=x_axis, scale=x_scale), x2="high:Q", y=y
    )
    return finished([bars, rules], WIDE, max(60, ROW * 2 * len(rows)))


def agent_chart(found: GoalInference) -> dict[str, Any]:
    """Return every agent's posterior as a bar of its goals; agents whom no goal explains are grey.

    At most 60 agents are drawn, evenly chosen in the order of their most probable goal.
    """
    goals = _names(found.goals)
    shown = _chosen(found.agents)
    kept = list(range(len(goals))) if len(goals) <= MOST_GOALS else _largest(shown, len(goals))
    labels = [goals[k] for k in kept] + ([OTHERS] if len(kept) < len(goals) else [])
    rows, order = [], []
    for number, one in enumerate(shown):
        name = f"{number + 1}. {one_line(one.name, 22)}"
        order.append(name)
        if one.explanation.verdict == "unexplained":
            rows.append({"agent": name, "goal": OUTSIDE, "p": 1.0, "place": len(labels)})
            continue
        values = [float(one.posterior[k]) for k in kept]
        values += [max(0.0, 1.0 - sum(values))] * (len(labels) - len(kept))
        rows += [
            {"agent": name, "goal": label, "p": round(p, 5), "place": place}
            for place, (label, p) in enumerate(zip(labels, values, strict=True))
        ]
    outside = any(one.explanation.verdict == "unexplained" for one in shown)
    domain = [*labels, *[OUTSIDE] * outside]
    colors = [*(COLORS[k] for k in range(len(labels))), *[NONE] * outside]
    height = max(5, min(ROW, 520 // max(1, len(shown))))
    bars = (
        chart_of(rows)
        .mark_bar(height=max(3, height - 2))
        .encode(
            x=alt.X("p:Q", stack="zero", scale=alt.Scale(domain=[0, 1], nice=False),
                    axis=alt.Axis(title="posterior of the agent's goal", format=".0%", tickCount=5)),
            y=alt.Y("agent:N", sort=order, axis=alt.Axis(title=None, labels=height >= 11, grid=False, ticks=False,
                                                         domain=False, labelLimit=150)),
            color=alt.Color("goal:N", scale=alt.Scale(domain=domain, range=colors),
                            legend=alt.Legend(title=None, orient="bottom", columns=4, labelLimit=120)),
            order="place:Q",
        )
    )  # fmt: skip
    return finished([bars], WIDE, height * len(shown))


def path_chart(path: PosteriorPath, goals: Sequence[str]) -> dict[str, Any]:
    """Return the posterior along an episode, one line a goal.

    Parameters
    ----------
    path : PosteriorPath
    goals : sequence of str
    """
    names = _names(goals)
    shown = np.sort(np.argsort(-path.probabilities.max(axis=0), kind="stable")[:MOST_GOALS])
    steps = np.unique(np.linspace(0, len(path.probabilities) - 1, 300).astype(np.int64))
    rows = [
        {"step": int(t), "goal": names[k], "p": round(float(path.probabilities[t, k]), 5)} for k in shown for t in steps
    ]
    domain = [names[k] for k in shown]
    color = alt.Color(
        "goal:N",
        scale=alt.Scale(domain=domain, range=list(COLORS[: len(domain)])),
        legend=alt.Legend(title=None, orient="bottom", columns=4, labelLimit=120, symbolType="stroke"),
    )
    dash = alt.StrokeDash("goal:N", scale=alt.Scale(domain=domain, range=list(DASHES[: len(domain)])), legend=None)
    lines = (
        chart_of(rows)
        .mark_line(strokeWidth=1.9)
        .encode(
            x=alt.X(
                "step:Q", axis=alt.Axis(title="actions seen", grid=False, tickMinStep=1), scale=alt.Scale(nice=False)
            ),
            y=alt.Y("p:Q", axis=alt.Axis(title="posterior", format=".0%", tickCount=5), scale=alt.Scale(domain=[0, 1])),
            color=color,
            strokeDash=dash,
        )
    )
    return finished([lines], WIDE, HIGH)


def entropy_chart(found: GoalInference, entropy: Estimate) -> dict[str, Any]:
    """Return the population's entropy with its interval beside what is often reported instead.

    Parameters
    ----------
    found : GoalInference
    entropy : Estimate
        Of the population's goals.
    """
    rows: list[dict[str, Any]] = [
        {"name": "this inference", "value": entropy.value, "low": entropy.low, "high": entropy.high}
    ]
    words = {
        "mean_posterior": "mean posterior",
        "map_counts": "goals counted",
        "mean_entropy": "posteriors, averaged",
    }
    rows += [{"name": words[one.name], "value": one.value, "low": None, "high": None} for one in found.naive]
    names = [row["name"] for row in rows]
    top = float(np.log(len(found.goals)))
    scale = alt.Scale(domain=[0, 1.04 * top], nice=False)
    axis = alt.Axis(title="entropy of goals, nats", tickCount=5)
    y = alt.Y("name:N", sort=names, axis=alt.Axis(title=None, grid=True, ticks=False, domain=False, labelLimit=150))
    most = chart_of([{"top": top}]).mark_rule(color=GREY, strokeDash=[4, 3]).encode(x=alt.X("top:Q", scale=scale))
    rules = (
        chart_of(rows[:1])
        .mark_rule(color=COLORS[0], strokeWidth=2.2)
        .encode(x=alt.X("low:Q", axis=axis, scale=scale), x2="high:Q", y=y)
    )
    own = chart_of(rows[:1]).mark_point(filled=True, size=70, color=COLORS[0], opacity=1, shape=SYMBOLS[0])
    others = chart_of(rows[1:]).mark_point(filled=False, size=60, color=COLORS[1], opacity=1, shape=SYMBOLS[3])
    points = [one.encode(x=alt.X("value:Q", axis=axis, scale=scale), y=y) for one in (own, others)]
    return finished([most, rules, *points], WIDE, 34 * len(rows))


def _chosen(agents: Sequence[AgentGoals]) -> list[AgentGoals]:
    def place(one: AgentGoals) -> tuple[bool, int, float]:
        return one.explanation.verdict == "unexplained", int(one.posterior.argmax()), -float(one.posterior.max())

    ordered = sorted(agents, key=place)
    if len(ordered) <= MOST_AGENTS:
        return ordered
    return [ordered[k] for k in np.linspace(0, len(ordered) - 1, MOST_AGENTS).astype(np.int64)]


def _largest(agents: Sequence[AgentGoals], goals: int) -> list[int]:
    total = np.sum([one.posterior for one in agents], axis=0) if agents else np.zeros(goals)
    return sorted(int(k) for k in np.argsort(-total, kind="stable")[: MOST_GOALS - 1])


def _names(goals: Sequence[str]) -> list[str]:
    short = [one_line(goal, 24) for goal in goals]
    return [f"{k + 1}. {name}" if short.count(name) > 1 else name for k, name in enumerate(short)]
