"""A backtest as one self-contained HTML page."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from secondlaw.drift.monitoring_results import Backtest, SeriesHistory, Trials
from secondlaw.errors import InvalidInput
from secondlaw.reports.backtest_words import (
    BUDGET_HEADS,
    alarm_head,
    alarm_lines,
    budget_cells,
    detection_words,
    headline,
    rows_line,
    silence_line,
    steps_words,
)
from secondlaw.reports.notices import warning_box
from secondlaw.reports.page import frame
from secondlaw.reports.tables import table
from secondlaw.reports.words import count, one_line, tame
from secondlaw.reports.writing import write_page

__all__ = ["render_backtest_page", "write_backtest_page"]

MOST_DRAWN = 6
MOST_ALARMS = 20
STYLE = """
figure.whole { margin: 14px 0 22px; }
figure.whole svg { max-width: 100%; }
figure.whole figcaption { max-width: 96ch; }
"""


def write_backtest_page(found: Backtest, path: str | Path, *, created: datetime, version: str) -> Path:
    """Write a backtest as one HTML file, replacing an older one in a single step.

    Raises
    ------
    SourceError
        If the file cannot be written.
    InvalidInput
        If `created` has no zone.
    """
    return write_page(render_backtest_page(found, created=created, version=version), path)


def render_backtest_page(found: Backtest, *, created: datetime, version: str) -> str:
    """Return a backtest as HTML, without script and external resources."""
    if created.tzinfo is None:
        raise InvalidInput(f"the report's time needs a zone, got {created.isoformat()} without one")
    source = one_line(found.source, 120)
    parts = [
        f'<header><p class="eyebrow">Backtest · {escape(source)}</p></header>',
        f"<h1>{escape(headline(found))}</h1>",
        _verdict(found),
        warning_box(found.warnings),
        _series(found),
        _alarms(found),
        _budgets(found),
        _trials(found),
        _methods(found),
        _footer(found, created, version),
    ]
    return frame(escape(f"Backtest: {source}"), [part.replace("-&gt;", "→") for part in parts], style=STYLE)


def _verdict(found: Backtest) -> str:
    lines = [
        f"Promised: {found.plan.promise_words}.",
        *([f"Alarms at: {found.threshold_words}."] if found.threshold_words else []),
        f"{rows_line(found)}; a step is: {found.steps_are}.",
    ]
    silence = silence_line(found)
    lines += [f"{silence}."] if silence else []
    lines += [alarm_head(alarm, found) + "." for alarm in found.alarms[:3]]
    items = "".join(f"<li>{escape(tame(line))}</li>" for line in lines)
    return f'<section class="verdict"><ul>{items}</ul></section>'


def _figure(title: str, caption: str, specification: dict[str, object], key: str, *, whole: bool) -> str:
    from secondlaw.reports.svg import svg_of

    drawn = svg_of(specification, prefix=f"chart-{key}", title=title, description=caption)
    kind = ' class="whole"' if whole else ""
    return f"<figure{kind}><h3>{escape(title)}</h3>{drawn}<figcaption>{escape(tame(caption))}</figcaption></figure>"


def _series(found: Backtest) -> str:
    from secondlaw.reports.monitor_charts import series_chart

    ordered = sorted(found.series, key=_urgency)
    parts = []
    for place, one in enumerate(ordered[:MOST_DRAWN]):
        drawn = series_chart(
            one,
            keys=found.taxonomy.keys,
            misaligned=found.taxonomy.misaligned,
            log_scale=found.plan.is_guaranteed,
            score=None if found.plan.score is None else found.plan.score.name,
        )
        parts.append(_figure(one_line(str(one.key)), _caption(one, found), drawn, f"series-{place}", whole=True))
    more = len(found.series) - MOST_DRAWN
    if more > 0:
        parts.append(f"<p>{count(more, 'more')} series: see the machine-readable output (--json).</p>")
    rows = [
        [
            escape(one_line(str(one.key))),
            f"{len(one.decisions):,}",
            f"{one.watched:,}",
            f"{one.responses:,}",
            f"{one.dispersion:.2f}" if found.plan.score is None else "–",
            str(len(one.alarms)),
            escape(one.decisions[-1].decision.verdict),
        ]
        for one in found.series[:200]
    ]
    heads = ("series", "steps", "watched", "responses", "design effect of a step", "alarms", "at the end")
    return f"<section><h2>What was watched</h2>{''.join(parts)}{table(heads, rows)}</section>"


def _urgency(one: SeriesHistory) -> int:
    verdicts = {alarm.said.decision.verdict for alarm in one.alarms}
    return 0 if "drifting" in verdicts else 1 if verdicts else 2


def _caption(one: SeriesHistory, found: Backtest) -> str:
    quantity = (
        "the evidence that is alarmed on, at every step"
        if found.plan.is_guaranteed
        else f"the statistic of {found.plan.detector}, which has no false-alarm guarantee"
    )
    below = "S of the step with its 95 % band, and the shares, misaligned ones at the bottom"
    if found.plan.score is not None:
        below = "the mean score with its 95 % band"
    return (
        f"Top: {quantity}; dashed: where it raises an alarm. Below: {below}. Grey: the baseline. Yellow: where the "
        f"drift began, with its interval. Red line: the alarm. Bands allow for the design effect of a step, "
        f"{one.dispersion:.2f}."
    )


def _alarms(found: Backtest) -> str:
    if not found.alarms:
        return ""
    parts = []
    for alarm in found.alarms[:MOST_ALARMS]:
        items = "".join(f"<li>{escape(tame(line))}</li>" for line in alarm_lines(alarm, found))
        parts.append(f"<h3>{escape(alarm_head(alarm, found))}</h3>" + (f"<ul>{items}</ul>" if items else ""))
    if len(found.alarms) > MOST_ALARMS:
        parts.append(f"<p>{len(found.alarms) - MOST_ALARMS:,} more alarms: see --json.</p>")
    lead = (
        "Differences are of the steps since the change point against those before it. The stretch was chosen because "
        "it looked different, so these intervals flatter; responses after the alarm settle what moved."
    )
    return f'<section><h2>Alarms</h2><p class="lead">{escape(lead)}</p>{"".join(parts)}</section>'


def _budgets(found: Backtest) -> str:
    ordered = sorted(found.budgets, key=lambda one: -(one.alpha or 0.0))
    rows = [[escape(cell) for cell in budget_cells(one, found)] for one in ordered]
    watched = next((b.false_alarms.steps for b in ordered if hasattr(b.false_alarms, "steps")), None)
    lead = (
        "Each budget over this log, and over stationary runs drawn from its quiet steps, in which every alarm is false"
    )
    lead += "." if watched is None else f" ({watched:,} watched steps each)."
    return (
        f'<section><h2>What other budgets would have cost and caught</h2><p class="lead">{escape(lead)}</p>'
        f"{table(BUDGET_HEADS, rows)}</section>"
    )


def _trials(found: Backtest) -> str:
    trials = found.trials
    if not isinstance(trials, Trials) or not trials.sizes:
        return ""
    from secondlaw.reports.monitor_charts import delay_chart

    rows = [
        [
            escape(str(one.injection)),
            escape(detection_words(one.detected)),
            escape(steps_words(one.delay)),
            escape(_quantiles(one.delays)),
            f"{one.runs:,}",
        ]
        for one in trials.sizes
    ]
    caption = (
        f"Dots: median delay; bars: 10 to 90 % of the runs; percentages: runs found within {trials.sizes[0].horizon} "
        f"steps. {trials.runs} runs drawn from {trials.pool:,} quiet steps of {one_line(str(trials.series))}, "
        f"{count(trials.block, 'steps')} at a time."
    )
    drawn = _figure("Delay against size", caption, delay_chart(trials.sizes), "delay", whole=False)
    heads = ("drift", "found", "median delay, steps", "delay, 10 % to 90 %", "runs")
    return (
        "<section><h2>Known drift put into resampled history</h2>"
        f'<div class="figures single">{drawn}</div>{table(heads, rows)}</section>'
    )


def _quantiles(delays: Sequence[tuple[float, int | None]]) -> str:
    known = dict(delays)
    ends = [known.get(0.1), known.get(0.9)]
    return " to ".join("beyond" if end is None else str(end) for end in ends) if known else ""


def _methods(found: Backtest) -> str:
    said = [
        ("Replay", "The decisions are those of a live watch: the same code took the same steps in the same order."),
        (
            "Stationary runs",
            "Quiet steps (before the first drift began) drawn in blocks of consecutive steps, circular block "
            "bootstrap: no drift by construction, the scatter and the clustering of this log.",
        ),
        (
            "Delay",
            "Drifted steps up to and including the alarm; runs that alarmed before the drift began do not count.",
        ),
        (
            "Labels",
            "Monitors run on labels as they are: a constant error of the classifier costs power, not the promise.",
        ),
    ]
    items = "".join(f"<dt>{escape(term)}</dt><dd>{escape(words)}</dd>" for term, words in said)
    return f"<section><h2>Methods</h2><dl>{items}</dl></section>"


def _footer(found: Backtest, created: datetime, version: str) -> str:
    when = created.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    said = (
        f"secondlaw {one_line(version, 40)} · {when} · seed {found.seed} · detector {found.plan.detector} · "
        f"taxonomy “{one_line(found.taxonomy.name)}” · input {one_line(found.source, 200)}"
    )
    return f"<footer>{escape(said)}</footer>"
