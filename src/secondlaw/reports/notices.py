"""What a reader must know beside the numbers: warnings, what became of the rows, where the uncertainty comes from."""

from collections.abc import Sequence
from html import escape

from secondlaw.behavior.taxonomy import OUTSIDE
from secondlaw.drift.results import Measurement, VarianceShares
from secondlaw.reports.tables import table
from secondlaw.reports.words import clip, count, interval, number, one_line, reading
from secondlaw.types import Estimate

__all__ = ["rows_section", "variance_section", "variance_words", "warning_box"]

MOST_WARNINGS = 20
MOST_MODELS = 20
SOURCES = {
    "sampling": "the chance of which answers came",
    "prompt": "the choice of prompts",
    "classifier": "the classifier's errors",
}


def warning_box(warnings: Sequence[str]) -> str:
    """Return the warnings, in sight before any number."""
    if not warnings:
        return ""
    items = "".join(f"<li>{escape(clip(text, 400))}</li>" for text in warnings[:MOST_WARNINGS])
    more = (
        f"<li>and {count(len(warnings) - MOST_WARNINGS, 'more warnings')}</li>" if len(warnings) > MOST_WARNINGS else ""
    )
    head = count(len(warnings), "warnings").capitalize()
    return f'<section class="warnings"><h2>{head}</h2><ul>{items}{more}</ul></section>'


def rows_section(measurement: Measurement) -> str:
    """Return what became of the rows read."""
    rows = measurement.rows
    labelled = sum(cell.n for cell in measurement.cells)
    outside = sum(cell.counts.get(OUTSIDE, 0) for cell in measurement.cells)
    share = f" ({100 * outside / labelled:.1f} % of those in the cells)" if labelled else ""
    kept = f", set aside in {one_line(rows.quarantine, 160)}" if rows.quarantine else ""
    lines = [
        ("read", f"{rows.read:,}"),
        ("used", f"{rows.used:,}"),
        ("unreadable", f"{rows.bad:,}{kept}"),
        ("duplicates left out", f"{rows.duplicates:,}"),
        ("labelled by the classifier in this run", f"{rows.classified:,}"),
        ("labelled outside the taxonomy", f"{outside:,}{share}"),
    ]
    body = table(("rows", "how many"), [[escape(name), escape(value)] for name, value in lines])
    return f"<section><h2>What was read</h2>{body}</section>"


def variance_words(shares: VarianceShares) -> str:
    """Return where the uncertainty of one model's S comes from, in a sentence."""
    known = [(name, part) for name, part in shares.parts.items() if isinstance(part, Estimate)]
    if not known:
        why = next((reading(part) for part in shares.parts.values()), "not measured")
        return f"{one_line(shares.model)}: {why}."
    parts = [
        f"{number(part)} {interval(part)} {SOURCES.get(name, one_line(name))}"
        for name, part in sorted(known, key=lambda pair: -pair[1].value)
    ]
    said = f"{one_line(shares.model)}, step {shares.step}: of the variance of S, {'; '.join(parts)}."
    missing = [
        f"{SOURCES.get(name, one_line(name))}: {reading(part)}"
        for name, part in shares.parts.items()
        if not isinstance(part, Estimate)
    ]
    if missing:
        said += f" Without a number: {'; '.join(missing)}."
    k = shares.responses_per_prompt
    if isinstance(shares.doubling_gain, Estimate):
        gain = f"{number(shares.doubling_gain)} {interval(shares.doubling_gain)}"
        return f"{said} Twice the {k:.3g} responses a prompt would remove {gain} of it."
    return f"{said} What twice the {k:.3g} responses a prompt would bring: {reading(shares.doubling_gain)}."


def variance_section(measurement: Measurement) -> str:
    """Return where the uncertainty of S comes from, one sentence a model."""
    if not measurement.variance:
        return ""
    items = "".join(f"<li>{escape(variance_words(shares))}</li>" for shares in measurement.variance[:MOST_MODELS])
    return f"<section><h2>Where the uncertainty comes from</h2><ul>{items}</ul></section>"
