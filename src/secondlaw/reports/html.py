"""One self-contained HTML page: no script, nothing fetched, every foreign text tamed and escaped.

The page is put together from fragments that are HTML already; text becomes HTML by :func:`html.escape` alone.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from html import escape

from secondlaw.drift.results import Comparison, Measurement
from secondlaw.reports.arms import Arm, arms_of
from secondlaw.reports.cards import cards
from secondlaw.reports.contrast import names_of, work_words
from secondlaw.reports.examples import example_section
from secondlaw.reports.figures import Figure, comparison_figure, figures_of, replay_figure
from secondlaw.reports.methods import limits_of, methods_of, recipes_of
from secondlaw.reports.notices import rows_section, variance_section, warning_box
from secondlaw.reports.page import figure, page
from secondlaw.reports.tables import BADGE, cell_tables, entry, rate_table, table
from secondlaw.reports.verdict import verdict_of
from secondlaw.reports.words import count, level, one_line, p_value, p_words, tame

__all__ = ["render_html"]

MOST_COMPARISONS = 8
UNITS = re.compile(r"(\d) (%|nats|points)")
BRACKETS = re.compile(r"\[[^\[\]<>]{1,60}\]")


def render_html(measurement: Measurement, *, created: datetime, version: str, examples: bool = True) -> str:
    """Return a measurement as one self-contained HTML page.

    Parameters
    ----------
    measurement : Measurement
    created : datetime
        With a zone; shown in the report.
    version : str
        Version of secondlaw; shown in the report.
    examples : bool
        Whether texts of responses are shown.

    Returns
    -------
    str
        Without script and external resources; under 2 MB, since charts and tables of many steps are thinned.

    Raises
    ------
    InvalidInput
        If `created` has no zone.
    """
    arms = arms_of(measurement)
    parts = [
        _verdict(measurement, arms),
        warning_box(measurement.warnings),
        cards(measurement, arms),
        _charts(measurement, arms),
        _comparisons(measurement, arms),
        _rates(measurement, arms),
        _replay(measurement, arms),
        variance_section(measurement),
        _tables(measurement, arms),
        example_section(measurement, shown=examples),
        rows_section(measurement),
        _methods(measurement, arms),
    ]
    made = [
        f"seed {measurement.seed}", f"{measurement.resamples:,} resamples", f"{level(measurement.level)} intervals",
        f"taxonomy “{one_line(measurement.taxonomy.name)}”", f"input {one_line(measurement.source, 200)}",
    ]  # fmt: skip
    return page("Behavior report", parts, about=measurement.source, created=created, version=version, made=made)


def _list(sentences: Sequence[str]) -> str:
    """Return sentences as a list, what stands in brackets in a softer tone."""
    kept = (UNITS.sub("\\1\N{NO-BREAK SPACE}\\2", escape(sentence)) for sentence in sentences)
    said = (BRACKETS.sub(r'<span class="interval">\g<0></span>', sentence) for sentence in kept)
    return "<ul>" + "".join(f"<li>{sentence}</li>" for sentence in said) + "</ul>"


def _verdict(measurement: Measurement, arms: tuple[Arm, ...]) -> str:
    verdict = verdict_of(measurement, arms)
    badge = BADGE if any(arm.is_uncorrected for arm in arms) else ""
    parts = [f"<h1>{escape(verdict.headline)} {badge}</h1>", '<section class="verdict">']
    questions = (("What was seen", verdict.seen), ("What this means", verdict.means), ("How sure it is", verdict.sure))
    for question, said in questions:
        if said:
            parts.append(f"<h3>{question}</h3>{_list(said)}")
    return "\n".join([*parts, "</section>"])


def _figure(one: Figure, *, kind: str = "") -> str:
    from secondlaw.reports.charts import draw
    from secondlaw.reports.svg import svg_of

    drawn = []
    for place, panel in enumerate(one.panels):
        title = f"{one.title}: {panel.title}" if panel.title else one.title
        drawn.append(svg_of(draw(panel), prefix=f"chart-{one.key}-{place}", title=title, description=one.caption))
    return figure(one.title, one.caption, drawn, kind=kind, badge=BADGE if one.is_uncorrected else "")


def _charts(measurement: Measurement, arms: tuple[Arm, ...]) -> str:
    if not arms:
        return ""
    drawn = [_figure(one, kind="wide" if len(one.panels) > 1 else "") for one in figures_of(measurement, arms)]
    return f'<section><h2>Over the steps</h2><div class="figures">{"".join(drawn)}</div></section>'


def _comparisons(measurement: Measurement, arms: tuple[Arm, ...]) -> str:
    parts = []
    for place, comparison in enumerate(measurement.comparisons[:MOST_COMPARISONS]):
        drawn = comparison_figure(comparison, arms, place=place, confidence=measurement.level)
        parts.append(_comparison(comparison, drawn, measurement.level))
    if len(measurement.comparisons) > MOST_COMPARISONS:
        parts.append(
            f"<p>{count(len(measurement.comparisons) - MOST_COMPARISONS, 'more comparisons')}: see --json.</p>"
        )
    return f"<section><h2>One against the other</h2>{''.join(parts)}</section>" if parts else ""


def _comparison(comparison: Comparison, beside: Figure, confidence: float) -> str:
    first, second = names_of(comparison)
    p = comparison.permutations
    difference = f"{second} − {first}"
    tested: list[tuple[str, str, float | None, str]] = [
        ("mix of categories, total variation", entry(comparison.total_variation), comparison.distribution_p, ""),
        (
            f"misaligned share, {difference}",
            entry(comparison.misaligned_difference, points=True, plus=True),
            comparison.misaligned_difference_p,
            "",
        ),
        (f"S, {difference}", entry(comparison.entropy_difference, plus=True), comparison.entropy_difference_p, ""),
        (
            "γ_eff = σ − dS/dt, effective alignment work",
            entry(comparison.alignment_work, plus=True),
            comparison.alignment_work_p,
            work_words(comparison, confidence=confidence),
        ),
    ]
    rows = []
    for name, shown, chance, verdict in tested:
        words = f"{verdict[0].upper()}{verdict[1:]}." if verdict else p_words(chance, p)
        said = f"{p_value(chance, one_sided=bool(verdict))}. {words}"
        rows.append([escape(name), shown, escape(said)])
    rows += [
        [escape(name), entry(measured, plus=signed), "–"]
        for name, measured, signed in (
            (f"σ = dS/dt of {first}", comparison.sigma, True),
            (f"dS/dt of {second}", comparison.tuned_rate, True),
            (f"S suppressed, 1 − S of {second} / S of {first}", comparison.entropy_suppression, False),
        )
    ]
    notes = _list([tame(note[:400]) for note in comparison.notes[:12]]) if comparison.notes else ""
    drawn = f'<div class="figures single">{_figure(beside)}</div>' if beside.panels else ""
    matched = f"{count(comparison.matched_prompts, 'prompts')} and {count(comparison.matched_steps, 'steps')}"
    return (
        f"<h3>{escape(second)} against {escape(first)}</h3>"
        f'<p class="lead">Both have {matched}; the numbers below use these alone. Differences are '
        f"{escape(difference)}. Intervals are two-sided. The test of γ_eff is one-sided: it asks only whether "
        "γ_eff &gt; 0. The others ask for a difference of either sign.</p>"
        f"{drawn}{table(('quantity', 'estimate and interval', 'could it be chance?'), rows)}{notes}"
    )


def _rates(measurement: Measurement, arms: tuple[Arm, ...]) -> str:
    rates = rate_table(arms, len(measurement.taxonomy.keys))
    if not rates:
        return ""
    lead = (
        f"Slopes per step with {level(measurement.level)} intervals; the misaligned share in percentage points per "
        "step. A linear growth must end where S reaches its maximum; the last column says after how many steps "
        "at the latest."
    )
    return f'<section><h2>Drift rates</h2><p class="lead">{escape(lead)}</p>{rates}</section>'


def _replay(measurement: Measurement, arms: tuple[Arm, ...]) -> str:
    if measurement.replay is None:
        return ""
    drawn = replay_figure(measurement.replay, arms, classes=len(measurement.taxonomy.keys))
    return f'<section><h2>Simulated run</h2><div class="figures single">{_figure(drawn)}</div></section>'


def _tables(measurement: Measurement, arms: tuple[Arm, ...]) -> str:
    if not arms:
        return ""
    return f"<section><h2>All numbers</h2>{cell_tables(arms, measurement.taxonomy)}</section>"


def _methods(measurement: Measurement, arms: tuple[Arm, ...]) -> str:
    said = "".join(f"<dt>{escape(term)}</dt><dd>{escape(words)}</dd>" for term, words in methods_of(measurement, arms))
    recipes = [[escape(quantity), escape(ways)] for quantity, ways in recipes_of(measurement)]
    ways = f"<details><summary>How each number was made</summary>{table(('quantity', 'method'), recipes)}</details>"
    return (
        f"<section><h2>Methods</h2><dl>{said}</dl>{ways if recipes else ''}</section>"
        f"<section><h2>Limits</h2>{_list(limits_of(measurement, arms))}</section>"
    )
