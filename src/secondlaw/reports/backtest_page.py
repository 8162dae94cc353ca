"""A backtest as one self-contained HTML page."""

from datetime import datetime
from html import escape

from secondlaw.drift.injection_results import Trials
from secondlaw.drift.monitoring_results import Backtest, SeriesHistory
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
from secondlaw.reports.notices import warning_box
from secondlaw.reports.page import bullets, chart_figure, page
from secondlaw.reports.tables import table
from secondlaw.reports.words import count, one_line

__all__ = ["render_backtest_page"]

MOST_DRAWN = 6
MOST_ALARMS = 20
STYLE = """
figure.whole { margin: 14px 0 22px; }
figure.whole svg { max-width: 100%; }
figure.whole figcaption { max-width: 96ch; }
"""


def render_backtest_page(found: Backtest, *, created: datetime, version: str) -> str:
    """Return a backtest as HTML, without script and external resources."""
    parts = [
        f"<h1>{escape(headline(found))}</h1>",
        _verdict(found),
        warning_box(found.warnings),
        _series(found),
        _alarms(found),
        _budgets(found),
        _trials(found),
        _methods(),
    ]
    made = [
        f"seed {found.seed}", f"detector {found.plan.detector}", f"taxonomy “{one_line(found.taxonomy.name)}”",
        f"input {one_line(found.source, 200)}",
    ]  # fmt: skip
    arrows = [part.replace("-&gt;", "→") for part in parts]
    return page("Backtest", arrows, about=found.source, created=created, version=version, made=made, style=STYLE)


def _verdict(found: Backtest) -> str:
    lines = [
        f"Promised: {found.plan.promise_words}.",
        *([f"Alarms at: {found.threshold_words}."] if found.threshold_words else []),
        f"{rows_line(found)}; a step is: {found.steps_are}.",
    ]
    silence = silence_line(found)
    lines += [f"{silence}."] if silence else []
    lines += [alarm_head(alarm, found) + "." for alarm in found.alarms[:3]]
    return f'<section class="verdict">{bullets(lines)}</section>'


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
        name, caption = one_line(str(one.key)), _caption(one, found)
        parts.append(chart_figure(f"chart-series-{place}", name, caption, drawn, kind="whole"))
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
        lines = alarm_lines(alarm, found)
        parts.append(f"<h3>{escape(alarm_head(alarm, found))}</h3>{bullets(lines) if lines else ''}")
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
    from secondlaw.reports.delay_charts import delay_chart

    rows = [
        [
            escape(str(one.injection)),
            escape(detection_words(one.detected)),
            escape(steps_words(one.delay)),
            escape(delay_words(one.delays)),
            f"{one.runs:,}",
        ]
        for one in trials.sizes
    ]
    caption = (
        f"Dots: median delay; bars: 10 to 90 % of the runs; percentages: runs found within {trials.sizes[0].horizon} "
        f"steps. {trials.runs} runs drawn from {trials.pool:,} quiet steps of {one_line(str(trials.series))}, "
        f"{count(trials.block, 'steps')} at a time."
    )
    drawn = chart_figure("chart-delay", "Delay against size", caption, delay_chart(trials.sizes))
    heads = ("drift", "found", "median delay, steps", "delay, 10 % to 90 %", "runs")
    return (
        "<section><h2>Known drift put into resampled history</h2>"
        f'<div class="figures single">{drawn}</div>{table(heads, rows)}</section>'
    )


def _methods() -> str:
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
