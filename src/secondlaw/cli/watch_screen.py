"""What a watch shows: a live table on a terminal, a line a step in a log, a JSON object a decision for a program."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import numpy as np
import orjson
import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from secondlaw.drift.monitoring import StreamDecision
from secondlaw.drift.monitoring_plan import MonitorPlan
from secondlaw.drift.monitors import Decision
from secondlaw.drift.step_counts import StepCounts
from secondlaw.pipeline.watching import Decided, Watch
from secondlaw.statistics.cell_entropy import entropy_estimates
from secondlaw.types import Estimate

__all__ = ["Screen", "screen_for"]

BARS = "▁▂▃▄▅▆▇█"
STYLES = {"drifting": "bold red", "missing": "yellow", "changed": "cyan", "baseline": "dim", "quiet": "green"}
SHOWN_ALARMS = 5
RESAMPLES = 200
WIDTH = 30
"""Steps of a sparkline."""


class Screen(Protocol):
    """Takes what was decided; called with nothing, too, so that a clock can move on."""

    def show(self, decided: Sequence[Decided]) -> None:
        """Show it."""


@contextmanager
def screen_for(watched: Watch, name: str, *, as_json: bool, quiet: bool) -> Iterator[Screen]:
    """Yield the screen that suits who looks."""
    console = Console()
    if as_json:
        yield _Printed(_json_lines)
    elif quiet:
        yield _Printed(lambda one: [_line(one, said, watched.plan) for said in one.decisions if said.decision.alarm])
    elif not console.is_terminal:
        _introduce(watched, name)
        yield _Printed(lambda one: [_line(one, said, watched.plan) for said in one.decisions])
    else:
        with Live(console=console, auto_refresh=False, transient=False) as live:
            yield _Table(watched, name, live)


class _Printed:
    def __init__(self, lines: Callable[[Decided], list[str]]) -> None:
        self._lines = lines

    def show(self, decided: Sequence[Decided]) -> None:
        for one in decided:
            for line in self._lines(one):
                typer.echo(line)


class _Table:
    def __init__(self, watched: Watch, name: str, live: Live) -> None:
        self._watch, self._name, self._live = watched, name, live

    def show(self, decided: Sequence[Decided]) -> None:
        self._live.update(render(self._watch, self._name), refresh=True)


def render(watched: Watch, name: str) -> Group:
    """Return the picture of a watch: a line a series, then the latest alarms."""
    table = Table(
        "series", "state", "step", "n", "S, nats", "misaligned", "evidence", f"last {WIDTH} steps", title=name
    )
    steps: dict[str, list[tuple[Decided, StreamDecision]]] = {}
    for past_steps in watched.recent.values():
        for one in past_steps:
            for said in one.decisions:
                steps.setdefault(str(said.series), []).append((one, said))
    for series, past in steps.items():
        one, said = past[-1]
        decision, own = said.decision, _own_step(one, said, watched.plan)
        since = f" since {decision.since}" if decision.since is not None and decision.verdict != "changed" else ""
        table.add_row(
            series,
            Text(f"{decision.verdict}{since}", style=STYLES[decision.verdict]),
            said.label,
            str(decision.n or 0),
            _entropy(own),
            _misaligned(own, watched.plan),
            f"{max(decision.log_evidence, 0.0):.1f} of {decision.log_threshold:.1f}",
            _sparkline([past_said.decision for _, past_said in past[-WIDTH:]]),
        )
    parts: list[Table | Text] = [table]
    if not steps:
        waiting = "waiting for the first row" if watched.waits_for_first_row else "waiting for the next step to close"
        parts.append(Text(f"{waiting} ({watched.rows} rows so far)", style="dim"))
    for said in watched.alarms[-SHOWN_ALARMS:]:
        parts.append(Text(f"alarm: {said.series}, {said.label}: {said.decision.reason}", style="red"))
    bad = [f"{watched.bad:,} bad rows are in no count (--bad-rows)"] if watched.bad else []
    parts += [Text(f"note: {note}", style="yellow") for note in (*bad, *watched.notes)]
    budget = "; ".join(watched.budget_words)
    parts.append(Text(f"{budget}. Labels as they are, uncorrected. Ctrl-C to end", style="dim"))
    return Group(*parts)


def _introduce(watched: Watch, name: str) -> None:
    again = f", going on after {watched.rows} rows" if watched.resumed else ""
    typer.echo(f"watching {name}{again}: {'; '.join(watched.budget_words)}")


def _json_lines(one: Decided) -> list[str]:
    return [
        orjson.dumps(
            {"schema": "secondlaw/decision/1", **said.to_dict(), "moved": one.moved.get(str(said.series), "")}
        ).decode()
        for said in one.decisions
    ]


def _line(one: Decided, said: StreamDecision, plan: MonitorPlan) -> str:
    decision = said.decision
    alarm = "ALARM " if decision.alarm else ""
    evidence = f"evidence {max(decision.log_evidence, 0.0):.2f} of {decision.log_threshold:.2f}"
    moved = one.moved.get(str(said.series), "")
    reason = f": {decision.reason}" if decision.alarm and decision.reason else ""
    reason += f"; {moved}" if moved else ""
    n, entropy = decision.n or 0, _entropy(_own_step(one, said, plan))
    return f"{alarm}{said.series} {said.label}: {decision.verdict}, n {n}, S {entropy}, {evidence}{reason}"


def _own_step(one: Decided, said: StreamDecision, plan: MonitorPlan) -> StepCounts | None:
    """Return what the series itself held at the step; None where another series' step made it speak."""
    if said.series[:2] != (one.step.stream, one.step.model):
        return None
    return one.step if plan.by is None else one.step.part(plan.by, said.series.part)


def _entropy(step: StepCounts | None) -> str:
    """Return S of a step from its labels as they are, with its interval over prompts."""
    table = np.array([] if step is None else [row[:-1] for row in step.cells.values() if any(row[:-1])])
    if not len(table):
        return "-"
    rng = np.random.default_rng(0)
    found = entropy_estimates(table, rng=rng, resamples=RESAMPLES).pooled
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]" if isinstance(found, Estimate) else "-"


def _misaligned(step: StepCounts | None, plan: MonitorPlan) -> str:
    if step is None or not step.n:
        return "-"
    bad = sum(int(n) for n, is_bad in zip(step.counts, plan.misaligned, strict=True) if is_bad)
    return f"{100 * bad / step.n:.1f} %"


def _sparkline(decisions: Sequence[Decision]) -> Text:
    """Return the evidence of some steps; the top is the threshold."""
    line = Text()
    for decision in decisions:
        share = max(decision.log_evidence, 0.0) / max(decision.log_threshold, 1e-9)
        line.append(BARS[min(int(share * (len(BARS) - 1)), len(BARS) - 1)], style=STYLES[decision.verdict])
    return line
