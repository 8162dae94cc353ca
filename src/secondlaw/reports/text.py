"""A measurement in the terminal: one table a model, then drift and comparisons; at 80 columns and without colour."""

from typing import TYPE_CHECKING

from secondlaw.drift.results import CellResult, Comparison, Measurement
from secondlaw.reports.arms import Arm, arms_of, is_uncorrected
from secondlaw.reports.notices import variance_words
from secondlaw.reports.series import every
from secondlaw.reports.verdict import verdict_of
from secondlaw.reports.words import clip, count, interval, level, number, one_line, p_value, reading
from secondlaw.types import Estimate, Measured

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

__all__ = ["render_text"]

MOST_STEPS = 20
MOST_ARMS = 20


def render_text(measurement: Measurement) -> "Group":
    """Return a measurement as something rich can print.

    Parameters
    ----------
    measurement : Measurement

    Returns
    -------
    rich.console.Group
        Foreign text in it is tamed and never read as markup.
    """
    from rich.console import Group, RenderableType
    from rich.text import Text

    arms = arms_of(measurement)
    parts: list[RenderableType] = [Text(verdict_of(measurement, arms).headline, style="bold")]
    rows = measurement.rows
    parts.append(
        Text(
            f"{one_line(measurement.source, 120)}: {count(rows.read, 'rows')} read, {rows.used:,} used, {rows.bad:,} "
            f"unreadable, {rows.duplicates:,} duplicates. {level(measurement.level)} intervals, "
            f"{measurement.resamples:,} resamples, seed {measurement.seed}."
        )
    )
    parts += [Text(f"warning: {clip(text, 400)}", style="yellow") for text in measurement.warnings]
    for arm in arms[:MOST_ARMS]:
        parts += [Text(""), _arm_table(arm, measurement), *_footnotes(arm)]
    if len(arms) > MOST_ARMS:
        parts.append(Text(f"{count(len(arms) - MOST_ARMS, 'more models')}: see --json or --report."))
    parts += _rates(arms, len(measurement.taxonomy.keys))
    for comparison in measurement.comparisons:
        parts += _comparison(comparison)
    if measurement.variance:
        parts += [Text("\nWhere the uncertainty comes from", style="bold")]
        parts += [Text(variance_words(shares)) for shares in measurement.variance[:MOST_ARMS]]
    return Group(*parts)


def _arm_table(arm: Arm, measurement: Measurement) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    keys = measurement.taxonomy.keys
    table = Table(
        title=Text(arm.label, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    table.add_column("step", justify="right", no_wrap=True)
    table.add_column("n", justify="right", no_wrap=True)
    table.add_column("S pooled, nats", no_wrap=True)
    table.add_column("misaligned, %", no_wrap=True)
    short = len(keys) <= 6 and all(len(key) <= 4 for key in keys)
    table.add_column(Text(" ".join(f"{key:>2}" for key in keys)) if short else "shares, %", no_wrap=short)
    table.add_column("labels", no_wrap=True)
    for cell in [arm.cells[place] for place in every(range(len(arm.cells)), MOST_STEPS)]:
        shares = [_percent(cell.shares.get(key)) for key in keys]
        mix = _aligned(keys, shares) if short else _named(cell, measurement)
        table.add_row(
            str(cell.step),
            f"{cell.n:,}",
            _cell(cell.entropy.get("pooled")),
            _cell(cell.misaligned_share),
            Text(mix),
            _labels(cell),
        )
    return table


def _labels(cell: CellResult) -> str:
    if cell.labels == "human":
        return "human"
    return "raw!" if is_uncorrected(cell) else "-" if cell.correction == "none" else cell.correction


def _percent(measured: Measured | None) -> str:
    return f"{100 * measured.value:.0f}" if isinstance(measured, Estimate) else "?"


def _aligned(keys: tuple[str, ...], shares: list[str]) -> str:
    return " ".join(f"{share:>{max(2, len(key))}}" for key, share in zip(keys, shares, strict=True))


def _named(cell: CellResult, measurement: Measurement) -> str:
    return ", ".join(f"{one_line(key, 12)} {_percent(cell.shares.get(key))}" for key in measurement.taxonomy.keys)


def _cell(measured: Measured | None) -> str:
    if not isinstance(measured, Estimate):
        return "no number"
    value = number(measured, minus="-").removesuffix(" %").removesuffix(f" {measured.unit}")
    return f"{value} {interval(measured, minus='-')}"


def _footnotes(arm: Arm) -> list["Text"]:
    from rich.text import Text

    notes = []
    if len(arm.cells) > MOST_STEPS:
        notes.append(f"{MOST_STEPS} of {count(len(arm.cells), 'steps')} shown; all are in --json.")
    if arm.is_uncorrected:
        notes.append("raw! = uncorrected: read off machine labels as they are; the interval leaves their errors out.")
    reasons: dict[str, list[int]] = {}
    for cell in arm.cells:
        for measured in (cell.entropy.get("pooled"), cell.misaligned_share):
            if not isinstance(measured, Estimate):
                steps = reasons.setdefault(reading(measured), [])
                if cell.step not in steps:
                    steps.append(cell.step)
    for reason, steps in list(reasons.items())[:4]:
        where = ", ".join(map(str, steps[:6])) + (" …" if len(steps) > 6 else "")
        notes.append(f"step {where}: {reason}")
    return [Text(note, style="dim") for note in notes]


def _rates(arms: tuple[Arm, ...], classes: int) -> list["Text"]:
    from rich.text import Text

    told = [arm for arm in arms[:MOST_ARMS] if arm.rate is not None]
    lines = [Text("\nDrift per step", style="bold")] if told else []
    for arm in told:
        rate = arm.rate
        if rate is None:
            continue
        longest = rate.longest_linear_growth
        bound = f"; lasts {longest:,.0f} steps at most (ln {classes})" if longest is not None else ""
        badge = " (uncorrected)" if arm.is_uncorrected else ""
        lines.append(Text(f"{arm.label}{badge}"))
        lines.append(Text(f"  dS/dt      {reading(rate.entropy_rate, minus='-', plus=True)}{bound}"))
        lines.append(Text(f"  misaligned {reading(rate.misaligned_rate, minus='-', plus=True)}"))
    return lines


def _comparison(comparison: Comparison) -> list["Text"]:
    from rich.text import Text

    head = f"\n{one_line(comparison.base)} against {one_line(comparison.tuned)}"
    matched = f"{count(comparison.matched_prompts, 'prompts')}, {count(comparison.matched_steps, 'steps')} matched"
    numbers: list[tuple[str, Measured, float | None, bool]] = [
        ("sigma", comparison.sigma, None, False),
        ("dS/dt tuned", comparison.tuned_rate, None, False),
        ("gamma_eff", comparison.alignment_work, comparison.alignment_work_p, False),
        ("S base-tuned", comparison.entropy_difference, comparison.entropy_difference_p, False),
        ("misaligned", comparison.misaligned_difference, comparison.misaligned_difference_p, True),
    ]
    lines = [Text(f"{head} ({matched})", style="bold")]
    for name, measured, chance, points in numbers:
        said = reading(measured, minus="-", plus=True, points=points)
        lines.append(Text(f"  {name:<13}{said}{f', {p_value(chance)}' if chance is not None else ''}"))
    lines.append(Text(f"  S suppressed {reading(comparison.entropy_suppression, minus='-')}"))
    lines.append(Text(f"  categories   {p_value(comparison.distribution_p)} for the same mix of categories"))
    lines += [Text(f"  note: {clip(note, 400)}", style="dim") for note in comparison.notes]
    return lines
