"""A backtest in the terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from secondlaw.drift.injection_results import Trials
from secondlaw.drift.monitoring_results import Backtest
from secondlaw.reports.backtest_words import (
    BUDGET_HEADS,
    alarm_head,
    alarm_lines,
    budget_cells,
    delay_words,
    detection_words,
    headline,
    rows_line,
    silence_line,
    steps_words,
)
from secondlaw.reports.words import clip, count, one_line, plain_minus
from secondlaw.types import Insufficient

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

__all__ = ["render_backtest"]

MOST_ALARMS = 10
MOST_SERIES = 20


def render_backtest(found: Backtest) -> "Group":
    """Return a backtest as something rich can print; foreign text in it is tamed and never read as markup."""
    from rich.console import Group, RenderableType
    from rich.text import Text

    parts: list[RenderableType] = [Text(headline(found), style="bold")]
    parts.append(Text(f"{one_line(found.source, 120)}: {rows_line(found)}; a step is: {found.steps_are}."))
    parts.append(Text(f"Promised: {found.plan.promise_words}. Detector: {found.plan.detector}."))
    parts += [Text(f"Alarms at: {found.threshold_words}.")] if found.threshold_words else []
    silence = silence_line(found)
    parts += [Text(f"{silence}.")] if silence else []
    parts += [Text(f"warning: {clip(text, 400)}", style="bold yellow") for text in found.warnings]
    parts += [Text(""), _series(found)]
    if len(found.series) > MOST_SERIES:
        parts.append(Text(f"{count(len(found.series) - MOST_SERIES, 'more')} series: see --json."))
    for alarm in found.alarms[:MOST_ALARMS]:
        parts.append(Text(f"\n{plain_minus(alarm_head(alarm, found))}", style="bold"))
        parts += [Text(f"  {plain_minus(line)}") for line in alarm_lines(alarm, found)]
    if len(found.alarms) > MOST_ALARMS:
        parts.append(Text(f"\n{len(found.alarms) - MOST_ALARMS:,} more alarms: see --json."))
    parts += [Text("\nWhat other budgets would have cost and caught", style="bold"), _budgets(found)]
    parts += _trials(found.trials)
    return Group(*parts)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    for place, head in enumerate(heads):
        table.add_column(Text(head), overflow="fold", no_wrap=place == 0)
    for row in rows:
        table.add_row(*(Text(plain_minus(cell)) for cell in row))
    return table


def _series(found: Backtest) -> "Table":
    rows = []
    for one in found.series[:MOST_SERIES]:
        last = one.decisions[-1].decision
        rows.append(
            [
                one_line(str(one.key)),
                f"{len(one.decisions):,}",
                f"{one.watched:,}",
                f"{one.responses:,}",
                f"{one.dispersion:.2f}" if found.plan.score is None else "-",
                str(len(one.alarms)),
                last.verdict,
            ]
        )
    return _table(("series", "steps", "watched", "responses", "design effect", "alarms", "at the end"), rows)


def _budgets(found: Backtest) -> "Table":
    ordered = sorted(found.budgets, key=lambda one: -(one.alpha or 0.0))
    return _table(BUDGET_HEADS, [budget_cells(one, found) for one in ordered])


def _trials(trials: Trials | Insufficient | None) -> list:  # type: ignore[type-arg]
    from rich.text import Text

    if trials is None:
        return [Text("No drift was tried: give one, such as --inject '0.05 g1->g2'.", style="dim")]
    if isinstance(trials, Insufficient):
        return [Text(f"No drift was tried: {clip(trials.reason, 300)}.")]
    rows = [
        [str(one.injection), detection_words(one.detected), steps_words(one.delay), delay_words(one.delays)]
        for one in trials.sizes
    ]
    horizon = trials.sizes[0].horizon if trials.sizes else 0
    said = (
        f"{trials.runs} runs drawn from {trials.pool:,} quiet steps of {one_line(str(trials.series))}, "
        f"{count(trials.block, 'steps')} at a time; found: an alarm within {horizon} steps."
    )
    return [
        Text("\nDrift put into resampled history, at your budget", style="bold"),
        _table(("drift", "found", "median delay, steps", "delay, 10 % to 90 %"), rows),
        Text(said, style="dim"),
    ]
