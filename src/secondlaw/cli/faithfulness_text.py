"""What ``secondlaw faithfulness`` says to people: tables of results and of a comparison."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from secondlaw.faithfulness import CombinedScore, Paraphrased, Scored
    from secondlaw.pipeline.faithfulness import FileComparison
    from secondlaw.types import Measured

__all__ = ["say_comparison", "say_paraphrases", "say_results"]

WHAT = (
    "SF compares topics of answer and question. It does not see whether a statement is true and does not detect "
    "hallucination; support and bigram precision show what the context holds of an answer."
)

HOW = (
    "Divergence: Jensen-Shannon in nats, at most .693, of the topics of a paraphrase and its answers, mean over "
    "paraphrases. Compare it with its null: few sentences diverge by chance. It does not say which answer is true."
)

MOST_SHOWN = 50
MOST_PAIRS = 10
"""Pairs of answers that are shown one by one; --json has all."""


def say_results(
    results: "list[Scored]",
    report: Path | None,
    *,
    combined: "list[float | None] | None" = None,
    model: "CombinedScore | None" = None,
) -> None:
    """Print results as a table, why what is missing, and the notes."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from secondlaw.reports.words import one_line
    from secondlaw.statistics.permutation import p_text
    from secondlaw.types import Insufficient

    table = Table("id", "q/c/a", "SF", "null", "p", "off support", "support", "bigrams", "novel", box=None)
    if combined is not None:
        table.add_column("combined")
    table.columns[4].no_wrap = True
    reasons: dict[str, int] = {}
    for one in results:
        for measured in (one.semantic_faithfulness, one.grounding.support, one.grounding.bigram_precision):
            if isinstance(measured, Insufficient):
                reasons[measured.reason] = reasons.get(measured.reason, 0) + 1
    for place, one in enumerate(results[:MOST_SHOWN]):
        sizes = "/".join(str(int((one.embedded.parts == part).sum())) for part in range(3))
        found = one.grounding
        cells = [
            _cell(one.semantic_faithfulness),
            _cell(one.off_support_mass),
            _cell(found.support, found.mean_support),
            _cell(found.bigram_precision, found.bigram_share),
        ]
        table.add_row(
            Text(one_line(one.embedded.example.id, 16)),
            sizes,
            cells[0],
            "-" if one.null is None else f"{one.null.mean:.2f}",
            "-" if one.p_value is None else p_text(one.p_value),
            cells[1],
            cells[2],
            cells[3],
            Text(one_line(", ".join((*one.grounding.novel_numbers, *one.grounding.novel_names)) or "none", 40)),
            *_combined_cell(combined, place),
        )
    console = Console()
    console.print(table)
    if len(results) > MOST_SHOWN:
        console.print(f"{len(results) - MOST_SHOWN:,} more: see --json or --report.", highlight=False)
    for reason, times in list(reasons.items())[:6]:
        console.print(f"insufficient, {times} times: {reason}", highlight=False, markup=False)
    for note, ids in _notes(results).items():
        console.print(f"note ({ids} rows): {note}", highlight=False, markup=False)
    if model is not None:
        console.print(f"combined score, {model.n:,} labelled answers; out of fold: {model.auroc}", highlight=False)
    if any(isinstance(one.grounding.support, Insufficient) and one.grounding.sentences for one in results):
        console.print("Values without an interval are of too few sentences.", highlight=False)
    console.print(WHAT, style="dim", highlight=False)
    if report is not None:
        typer.echo(f"report: {report}")


def _combined_cell(combined: "list[float | None] | None", place: int) -> list[str]:
    if combined is None:
        return []
    value = combined[place]
    return ["-" if value is None else f"{value:.2f}"]


def _cell(measured: "Measured", plain: float | None = None) -> str:
    from secondlaw.types import Estimate

    if isinstance(measured, Estimate):
        return f"{measured.value:.2f} [{measured.low:.2f}, {measured.high:.2f}]"
    return "-" if plain is None else f"{plain:.2f}"


def _notes(results: "list[Scored]") -> dict[str, int]:
    found: dict[str, int] = {}
    for one in results:
        for note in one.notes:
            found[note] = found.get(note, 0) + 1
    return dict(list(found.items())[:6])


def say_comparison(found: "FileComparison") -> None:
    """Print a comparison of two files as a table."""
    from rich.console import Console
    from rich.table import Table

    from secondlaw.statistics.permutation import p_text

    table = Table("second less first", "first", "second", "difference", "p", box=None)
    for one in found.differences:
        first, second = ("-" if mean is None else f"{mean:.3f}" for mean in (one.first, one.second))
        table.add_row(one.name, first, second, str(one.difference), "-" if one.p_value is None else p_text(one.p_value))
    console = Console()
    console.print(f"{found.first} -> {found.second}: {found.pairs} pairs", highlight=False, markup=False)
    console.print(table)
    if len(found.answers) <= MOST_PAIRS:
        _say_answers(console, found)
    for warning in found.warnings:
        console.print(f"note: {warning}", highlight=False, markup=False)
    console.print(WHAT, style="dim", highlight=False)


def _say_answers(console: "Console", found: "FileComparison") -> None:
    """Print how the two answers to each question differ in SF."""
    from rich.table import Table
    from rich.text import Text

    from secondlaw.reports.words import one_line
    from secondlaw.statistics.permutation import p_text

    table = Table("SF, answer less answer", "difference", "p", box=None)
    for first, second, apart in found.answers:
        ids = Text(f"{one_line(second, 16)} less {one_line(first, 16)}")
        table.add_row(ids, str(apart.difference), "-" if apart.p_value is None else p_text(apart.p_value))
    console.print(table)


def say_paraphrases(results: "list[Paraphrased]") -> None:
    """Print the metrics of answers to paraphrases as a table."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from secondlaw.reports.words import one_line
    from secondlaw.statistics.permutation import p_text
    from secondlaw.types import Insufficient

    table = Table("group", "asked/said", "K", "divergence", "null", "p", "exploration", box=None)
    for column in table.columns[1:]:
        column.no_wrap = True
    for one in results[:MOST_SHOWN]:
        found = one.found
        table.add_row(
            Text(one_line(one.group, 16)),
            f"{len(one.wordings)}/{one.answers}",
            str(one.topics.k),
            _cell(found.ensemble),
            f"{found.null.mean:.2f}",
            p_text(found.p_value),
            f"{found.exploration:.2f}",
        )
    console = Console()
    console.print(table)
    if len(results) > MOST_SHOWN:
        console.print(f"{len(results) - MOST_SHOWN:,} more: see --json.", highlight=False)
    reasons = {one.found.ensemble.reason for one in results if isinstance(one.found.ensemble, Insufficient)}
    for reason in sorted(reasons)[:6]:
        console.print(f"insufficient: {reason}", highlight=False, markup=False)
    console.print(HOW, style="dim", highlight=False)
