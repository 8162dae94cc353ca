"""What a reader must know beside the numbers: warnings, what became of the rows, where the uncertainty comes from."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from secondlaw.behavior.taxonomy import OUTSIDE
from secondlaw.drift.results import Measurement, RowSummary, VarianceShares
from secondlaw.reports.page import bullets
from secondlaw.reports.tables import table
from secondlaw.reports.words import clip, count, interval, joined, number, one_line
from secondlaw.types import Estimate, Insufficient

__all__ = [
    "engine_words",
    "outside_words",
    "rows_section",
    "rows_words",
    "variance_section",
    "variance_words",
    "warning_box",
]

MOST_WARNINGS = 20
MOST_MODELS = 20
SOURCES = {
    "sampling": "the chance of which answers came",
    "prompt": "the choice of prompts",
    "classifier": "the classifier's errors",
}


def warning_box(warnings: Sequence[str]) -> str:
    """Return the warnings, in sight before any number; empty without one."""
    if not warnings:
        return ""
    left = len(warnings) - MOST_WARNINGS
    said = [*warnings[:MOST_WARNINGS], *([f"and {count(left, 'more warnings')}"] if left > 0 else [])]
    return f'<section class="warnings"><h2>Before you read on</h2>{bullets(said)}</section>'


def rows_words(rows: RowSummary) -> str:
    """Return what became of the rows, so that the numbers add up; what did not happen is left out.

    Examples
    --------
    >>> rows_words(RowSummary(10, 10))
    '10 rows read, all used'
    >>> rows_words(RowSummary(5, 7, bad=1, expanded=3))
    '5 rows read (8 with all choices of a batch): 7 used, 1 bad'
    """
    head = f"{count(rows.read, 'rows')} read"
    if rows.expanded:
        head += f" ({rows.read + rows.expanded:,} with all choices of a batch)"
    parts = [f"{rows.used:,} used"]
    parts += [f"{number:,} {what}" for what, number in _unused(rows) if number]
    return f"{head}, all used" if len(parts) == 1 and rows.used else f"{head}: {', '.join(parts)}"


def _unused(rows: RowSummary) -> tuple[tuple[str, int], ...]:
    return (
        ("bad", rows.bad),
        ("repeated", rows.duplicates),
        ("of other models", rows.other_models),
        ("set aside by --classifier", rows.set_aside),
        ("without a label", rows.silent),
    )


def outside_words(measurement: Measurement) -> str:
    """Return how many responses are in no category, with their share; empty where none is."""
    outside, share = _outside(measurement)
    return f"{count(outside, 'responses')}{share} outside the taxonomy, in no number below" if outside else ""


def _outside(measurement: Measurement) -> tuple[int, str]:
    cells = sum(sum(cell.counts.values()) for cell in measurement.cells)
    outside = sum(cell.counts.get(OUTSIDE, 0) for cell in measurement.cells)
    return outside, f" ({100 * outside / cells:.1f} %)" if cells else ""


def engine_words(engine: Mapping[str, Any] | None) -> str:
    """Return what a judge used up, from what the engine says of its own work; empty for another engine.

    Examples
    --------
    >>> usage = {"requests": 3, "prompt_tokens": 1200, "completion_tokens": 20, "cost": None}
    >>> engine_words({"judge": {"model": "m"}, "usage": usage})
    'the judge used 3 requests, 1,200 tokens read and 20 written'
    """
    usage = (engine or {}).get("usage")
    if usage is None:
        return ""
    read, written, cost = usage["prompt_tokens"], usage["completion_tokens"], usage["cost"]
    said = f"the judge used {count(usage['requests'], 'requests')}, {read:,} tokens read and {written:,} written"
    return said if cost is None else f"{said}, cost {cost:.4g}"


def rows_section(measurement: Measurement) -> str:
    """Return what became of the rows read: those used and those not used add up to those read."""
    rows = measurement.rows
    outside, share = _outside(measurement)
    kept = f", set aside in {one_line(rows.quarantine, 160)}" if rows.quarantine else ""
    lines = [("read", f"{rows.read:,}")]
    if rows.expanded:
        lines.append(("more, since a line of a batch holds several choices", f"{rows.expanded:,}"))
    lines.append(("used", f"{rows.used:,}"))
    lines += [(what, f"{n:,}{kept if what == 'bad' else ''}") for what, n in _unused(rows) if n or what == "bad"]
    lines += [
        ("of those used: labelled by the classifier in this run", f"{rows.classified:,}"),
        ("of those used: outside the taxonomy, in no category", f"{outside:,}{share}"),
    ]
    if spent := engine_words(measurement.engine):
        lines.append(("cost of labelling", spent))
    body = table(("rows", "how many"), [[escape(name), escape(value)] for name, value in lines])
    return f"<section><h2>What was read</h2>{body}</section>"


def variance_words(shares: VarianceShares) -> str:
    """Return where the uncertainty of one model's S comes from, in a sentence."""
    who = f"{one_line(shares.model)}, step {shares.step}"
    known = [(name, part) for name, part in shares.parts.items() if isinstance(part, Estimate)]
    unknown = {name: part.reason for name, part in shares.parts.items() if isinstance(part, Insufficient)}
    reasons = "; ".join(f"{joined(names)}: {reason}" for reason, names in _by_reason(unknown).items())
    if not known:
        return f"{who}: no number for {reasons or 'anything'}."
    parts = [
        f"{number(part)} {interval(part)} {SOURCES.get(name, one_line(name))}"
        for name, part in sorted(known, key=lambda pair: -pair[1].value)
    ]
    whole = "the variance of S as labelled" if "classifier" in unknown else "the variance of S"
    said = f"{who}: of {whole}, {'; '.join(parts)}."
    if reasons:
        said += f" No number for {reasons}."
    k = shares.responses_per_prompt
    if isinstance(shares.doubling_gain, Estimate):
        gain = f"{number(shares.doubling_gain)} {interval(shares.doubling_gain)}"
        said += f" Twice the {k:.3g} responses a prompt would remove {gain} of it."
    return said


def _by_reason(unknown: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the parts without a number by the reason, so that each reason is said once."""
    found: dict[str, list[str]] = {}
    for name, reason in unknown.items():
        found.setdefault(clip(reason, 200), []).append(SOURCES.get(name, one_line(name)))
    return found


def variance_section(measurement: Measurement) -> str:
    """Return where the uncertainty of S comes from, one sentence a model."""
    if not measurement.variance:
        return ""
    said = bullets(variance_words(shares) for shares in measurement.variance[:MOST_MODELS])
    return f"<section><h2>Where the uncertainty comes from</h2>{said}</section>"
