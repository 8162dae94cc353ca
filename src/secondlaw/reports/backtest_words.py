"""A backtest in sentences, the same in the terminal and on the page."""

import math
from collections.abc import Sequence

from secondlaw.drift.attribution_results import Attribution, PartChange
from secondlaw.drift.injection_results import Budget
from secondlaw.drift.monitoring_mix import RECENT
from secondlaw.drift.monitoring_results import Alarm, Backtest
from secondlaw.reports.words import clip, count, interval, joined, level, number, one_line, p_value
from secondlaw.statistics.change_points import ChangePoint
from secondlaw.types import Estimate, Insufficient, Measured

__all__ = [
    "BUDGET_HEADS",
    "alarm_head",
    "alarm_lines",
    "budget_cells",
    "delay_words",
    "detection_words",
    "headline",
    "rows_line",
    "silence_line",
    "steps_words",
]

NAMED = 5
TELLING = 0.5
"""A monitor that may miss more than this of the drifts asked for is no proof that there is none."""
BUDGET_HEADS = (
    "budget", "first alarm in this log", "false alarms a 1,000 steps, resampled", "promised", "drift found",
    "median delay, steps",
)  # fmt: skip


def headline(found: Backtest) -> str:
    """Return what would have happened, in one sentence."""
    watched = sum(one.watched for one in found.series)
    told = found.alarms
    drifts = [alarm for alarm in told if alarm.said.decision.verdict == "drifting"]
    changes = [alarm for alarm in told if alarm.said.decision.verdict == "changed"]
    gaps = [alarm for alarm in told if alarm.said.decision.verdict == "missing"]
    of = f"{count(watched, 'watched steps')} of {len(found.series):,} series"
    if drifts:
        first = drifts[0].said
        more = "" if len(drifts) == 1 else f", and {len(drifts) - 1:,} more"
        doubt = "" if found.plan.is_guaranteed else f" ({found.plan.detector}: no guarantee)"
        return f"Drift alarm at {first.label} in {one_line(str(first.series))}{more}{doubt}; {of}"
    if changes:
        first = changes[0].said
        return f"The classifier changed at {first.label} in {one_line(str(first.series))}; no drift alarm in {of}"
    if gaps:
        first = gaps[0].said
        return f"Data are missing from {first.label} on in {one_line(str(first.series))}; no drift alarm in {of}"
    return f"No alarm in {of}"


def silence_line(found: Backtest) -> str:
    """Return what silence is worth: how often a drift of the size asked for would have been found; empty if unknown."""
    own = next((one for one in found.budgets if one.alpha in (None, found.plan.alpha)), None)
    caught = None if own is None else own.detection
    if caught is None or isinstance(caught, Insufficient) or isinstance(caught.detected, Insufficient):
        return ""
    share = detection_words(caught.detected)
    said = f"A drift of {caught.injection} is found within {caught.horizon} steps in {share} of resampled runs"
    return f"{said}: silence says little here" if caught.detected.low < TELLING else said


def rows_line(found: Backtest) -> str:
    """Return what became of the rows; what did not happen is left out."""
    rows = found.rows
    names = {
        "bad": "bad", "duplicates": "duplicates", "contradictions": "contradicting duplicates", "late": "late",
        "unlabelled": "without label", "unfinished": "beyond the last full step",
    }  # fmt: skip
    left = [f"{rows[name]:,} {word}" for name, word in names.items() if rows.get(name)]
    labelled = f" ({rows['labelled']:,} of them labelled now)" if rows.get("labelled") else ""
    counted = "all" if rows["counted"] == rows["read"] else f"{rows['counted']:,}"
    return f"{count(rows['read'], 'rows')}, {counted} counted{labelled}" + "".join(f", {one}" for one in left)


def alarm_head(alarm: Alarm, found: Backtest) -> str:
    """Return an alarm in one line."""
    said, decision = alarm.said, alarm.said.decision
    where = f"{said.label}, {one_line(str(said.series))}"
    if decision.verdict == "missing":
        return f"{where}: missing data; nothing was seen from {_label(found, alarm, decision.since)} on"
    if decision.verdict == "changed":
        return f"{where}: the classifier changed; {clip(decision.reason, 200)}"
    evidence = ""
    if found.plan.is_guaranteed:
        alone = ", or less beside other alarms" if found.plan.shares_discoveries else ""
        evidence = f"; evidence {_power(decision.log_evidence)} of {_power(decision.log_threshold)} needed{alone}"
    doubt = "" if said.is_guaranteed else f" ({found.plan.detector}: no guarantee)"
    return f"{where}: drifting{doubt}, {decision.score}{evidence}"


def alarm_lines(alarm: Alarm, found: Backtest) -> list[str]:
    """Return what is known of an alarm: when it began, what moved, what to read."""
    lines = []
    if isinstance(alarm.change_point, ChangePoint):
        began = alarm.change_point.began
        low, high = (_label(found, alarm, end) for end in (began.low, began.high))
        lines.append(
            f"began at {_label(found, alarm, began.value)} [{low}, {high}] ({level(began.level)} interval; fitted as a "
            f"{alarm.change_point.shape}, design effect of a step {alarm.change_point.dispersion:.2f})"
        )
    elif alarm.change_point is not None:
        guess = alarm.said.decision.change_point
        stated = "" if guess is None else f"; the monitor's own guess is {_label(found, alarm, guess)}"
        lines.append(f"when it began is not known: {clip(alarm.change_point.reason, 200)}{stated}")
    if isinstance(alarm.attribution, Insufficient):
        lines.append(f"what moved: {clip(alarm.attribution.reason, 200)}")
    elif alarm.attribution is not None:
        lines += _attributed(alarm.attribution, alarm.prompt_sets)
    mix = alarm.said.mix
    if mix is not None and len({*mix.before, *mix.after}) > 1:
        lines.append(
            f"mix of prompts (prompt set, intent): {100 * mix.total_variation:.1f} points from that of the baseline "
            f"(total variation, last {RECENT} steps); --by tells mix from model where it is large"
        )
    return lines


def _attributed(found: Attribution, prompt_sets: Sequence[PartChange]) -> list[str]:
    lines = []
    for change in sorted(found.categories, key=lambda one: -abs(one.after - one.before)):
        if isinstance(change.difference, Estimate):
            moved = "" if change.moved else ", not settled"
            lines.append(
                f"{one_line(change.category, 20)}: {100 * change.before:.1f} % -> {100 * change.after:.1f} %, "
                f"{number(change.difference, plus=True, points=True)} {interval(change.difference, plus=True)}{moved}"
            )
        else:
            lines.append(
                f"{one_line(change.category, 20)}: {100 * change.before:.1f} % -> {100 * change.after:.1f} %, "
                f"no interval: {clip(change.difference.reason, 120)}"
            )
    for what, parts in (("intents", found.parts), ("prompt sets", prompt_sets)):
        if parts:
            lines.append(f"{what}: {'; '.join(_part(part) for part in parts[:NAMED])}")
    prompts = [prompt for prompt in found.prompts if prompt.moved]
    if prompts:
        named = [
            f"{one_line(one.prompt, 40)} ({one.category} {100 * one.difference:+.0f} points)" for one in prompts[:NAMED]
        ]
        more = f" and {len(prompts) - NAMED} more" if len(prompts) > NAMED else ""
        lines.append(f"prompts that moved: {', '.join(named)}{more}")
    for category, ids in found.examples.items():
        lines.append(f"read, for {one_line(category, 20)}: {', '.join(one_line(one, 40) for one in ids)}")
    return lines


def _part(part: PartChange) -> str:
    chance = p_value(part.p_value) if isinstance(part.p_value, float) else "no test"
    name = one_line(part.part, 30)
    return f"{name} {'moved' if part.moved else 'not settled'} ({chance}, weight {100 * part.weight_after:.0f} %)"


def budget_cells(budget: Budget, found: Backtest) -> list[str]:
    """Return the cells of a budget's row, below :data:`BUDGET_HEADS`."""
    own = "" if budget.alpha is None or budget.alpha != found.plan.alpha else " (yours)"
    first = joined(
        [f"{label} in {one_line(str(key), 30)}" if len(found.series) > 1 else label
         for key, label, _ in budget.first_alarms[:3]]
    )  # fmt: skip
    more = f" and {len(budget.first_alarms) - 3} more" if len(budget.first_alarms) > 3 else ""
    cost, promised = "no number", "nothing"
    if not isinstance(budget.false_alarms, Insufficient):
        rate = budget.false_alarms.per_step
        cost = f"{1000 * rate.value:.3g} [{1000 * rate.low:.3g}, {1000 * rate.high:.3g}]"
        if budget.false_alarms.promised_per_step is not None:
            promised = f"at most {1000 * budget.false_alarms.promised_per_step:.3g}"
        elif budget.false_alarms.promised is not None:
            promised = f"runs with one: at most {100 * budget.false_alarms.promised:.3g} %"
            alarmed = budget.false_alarms.alarmed
            cost += f"; in {number(alarmed)} {interval(alarmed)} of the runs"
    detected, delay = "not tried", ""
    if isinstance(budget.detection, Insufficient):
        detected = "no number"
    elif budget.detection is not None:
        detected, delay = detection_words(budget.detection.detected), steps_words(budget.detection.delay)
    return [
        "none" if budget.alpha is None else f"{budget.alpha:g}{own}",
        (first or "none") + more,
        cost,
        promised,
        detected,
        delay,
    ]


def detection_words(measured: Measured) -> str:
    """Return a share of runs with its interval, or that there is none."""
    return "no number" if isinstance(measured, Insufficient) else f"{number(measured)} {interval(measured)}"


def steps_words(measured: Measured) -> str:
    """Return a number of steps with its interval.

    Examples
    --------
    >>> steps_words(Estimate(14.0, 13.0, float("inf"), 0.95, 200, "steps", "median"))
    '14 [13, beyond]'
    """
    if isinstance(measured, Insufficient):
        return "beyond the horizon" if "alarmed within" in measured.reason else clip(measured.reason, 80)
    ends = [f"{end:,.0f}" if math.isfinite(end) else "beyond" for end in (measured.low, measured.high)]
    return f"{measured.value:,.4g} [{ends[0]}, {ends[1]}]"


def delay_words(delays: Sequence[tuple[float, int | None]]) -> str:
    """Return the delays that 10 and 90 % of the runs stay below, from (quantile, steps) pairs.

    Examples
    --------
    >>> delay_words([(0.1, 3), (0.5, 9), (0.9, None)])
    '3 to beyond'
    """
    known = dict(delays)
    ends = [known.get(0.1), known.get(0.9)]
    return " to ".join("beyond" if end is None else str(end) for end in ends) if known else ""


def _label(found: Backtest, alarm: Alarm, step: float | None) -> str:
    """Return a step of an alarm's series as a person reads it."""
    series = next(one for one in found.series if one.key == alarm.said.series)
    number = -1 if step is None else round(step)
    first = series.decisions[0].decision.step
    place = number - first
    if 0 <= place < len(series.decisions) and series.decisions[place].decision.step == number:
        return series.decisions[place].label
    return next((one.label for one in series.decisions if one.decision.step == number), f"step {number}")


def _power(log: float) -> str:
    """Return an e-value from its log, such as 1.8e+04."""
    if not math.isfinite(log):
        return "none"
    power = log / math.log(10.0)
    return f"{10.0**power:,.0f}" if -1 < power < 6 else f"1e{power:.1f}"
