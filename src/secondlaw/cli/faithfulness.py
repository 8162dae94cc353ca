"""``secondlaw faithfulness``: how the answers of a file follow question and context, and what supports them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from secondlaw.cli.guard import guarded
from secondlaw.cli.options import BadRows, FileFormat, Json, Level, MaxBad, Quiet, Report, Seed, Workers

if TYPE_CHECKING:
    from secondlaw.faithfulness import Scored
    from secondlaw.pipeline.faithfulness import FileComparison
    from secondlaw.types import Measured

__all__ = ["faithfulness"]

WHAT = (
    "SF compares topics of answer and question. It does not see whether a statement is true and does not detect "
    "hallucination; support and bigram precision show what the context holds of an answer."
)


@guarded
def faithfulness(
    file: Annotated[
        str,
        typer.Argument(
            help="Question, context (or contexts) and answer a row; field names of ragas and LangChain are read."
        ),
    ],
    compare: Annotated[
        str | None, typer.Option("--compare", help="Another system's answers to the same questions and contexts.")
    ] = None,
    shared: Annotated[
        bool, typer.Option("--shared-topics", help="One clustering for all rows, so that topics can be followed.")
    ] = False,
    judge: Annotated[
        str | None,
        typer.Option("--judge", help="MODULE:FUNCTION of (sentence, evidence), 0 to 1: an NLI model, a judge."),
    ] = None,
    draws: Annotated[int, typer.Option("--draws", min=20, help="Resamples, and deals of the null.")] = 200,
    smoothing: Annotated[float, typer.Option("--smoothing", help="Pseudo-count of every topic, above 0.")] = 0.5,
    spread: Annotated[bool, typer.Option("--spread/--no-spread", help="Measure levels under other choices.")] = True,
    scores: Annotated[
        Path | None, typer.Option("--scores", help="Write plain scores a row, for secondlaw watch --score.")
    ] = None,
    as_json: Json = False,
    report: Report = None,
    quiet: Quiet = False,
    max_bad: MaxBad = None,
    bad_rows: BadRows = None,
    file_format: FileFormat = None,
    level: Level = None,
    seed: Seed = None,
    workers: Workers = None,
) -> None:
    """Measure topics and grounding of answers: semantic faithfulness with its null, and each sentence's support.

    With --json one object a row, one a line. SF is no detector of hallucination; the sentences' support, novel numbers
    and names are what to read for a single answer.
    """
    from secondlaw.cli.output import check_outputs, print_json
    from secondlaw.cli.progress import progress_bars
    from secondlaw.errors import InvalidInput
    from secondlaw.faithfulness import Scoring
    from secondlaw.pipeline.engines import embedder_of
    from secondlaw.pipeline.faithfulness import compare_files, open_judge, read_examples, score_file, write_scores
    from secondlaw.pipeline.settings import load_settings

    check_outputs(report, bad_rows, scores)
    if not smoothing > 0:
        raise InvalidInput(f"--smoothing is a pseudo-count above 0, got {smoothing}")
    if compare is not None and (report is not None or scores is not None):
        raise InvalidInput("--report and --scores are of one file; leave --compare out, or run them apart")
    settings = load_settings(max_bad=max_bad, level=level, seed=seed, workers=workers)
    scoring = Scoring(
        seed=settings.seed,
        draws=draws,
        smoothing=smoothing,
        level=settings.level,
        judge=None if judge is None else open_judge(judge),
        spread=spread,
    )
    examples, warnings = read_examples(file, bad_rows=bad_rows, max_bad=settings.max_bad, file_format=file_format)
    with embedder_of(settings) as embedder:
        if compare is not None:
            others, more = read_examples(compare, max_bad=settings.max_bad, file_format=file_format)
            sides = (file, examples), (compare, others)
            compared = compare_files(*sides, embedder, scoring=scoring, warnings=[*warnings, *more])
            if as_json:
                print_json({"schema": "secondlaw/faithfulness-comparison/1", **compared.to_dict()})
            else:
                _say_comparison(compared)
            return
        with progress_bars(quiet=quiet) as bars:
            results = score_file(examples, embedder, scoring=scoring, shared=shared, progress=bars("scoring"))
    if scores is not None:
        write_scores(results, scores)
    if report is not None:
        _write_report(results, report, file, warnings)
    for warning in warnings:
        typer.echo(f"warning: {warning}", err=True)
    if as_json:
        _print_rows(results)
    else:
        _say(results, report)


def _print_rows(results: "list[Scored]") -> None:
    import orjson

    for one in results:
        typer.echo(orjson.dumps({"schema": "secondlaw/faithfulness/1", **one.to_dict()}).decode())


def _write_report(results: "list[Scored]", report: Path, file: str, warnings: list[str]) -> None:
    from datetime import UTC, datetime

    import secondlaw
    from secondlaw.reports.faithfulness_page import write_faithfulness_page

    write_faithfulness_page(
        results, report, source=file, warnings=warnings, created=datetime.now(UTC), version=secondlaw.__version__
    )


MOST_SHOWN = 50


def _say(results: "list[Scored]", report: Path | None) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from secondlaw.reports.words import one_line
    from secondlaw.statistics.permutation import p_text
    from secondlaw.types import Insufficient

    table = Table("id", "q/c/a", "SF", "null", "p", "off support", "support", "bigrams", "novel", box=None)
    table.columns[4].no_wrap = True
    reasons: dict[str, int] = {}
    for one in results:
        for measured in (one.semantic_faithfulness, one.grounding.support, one.grounding.bigram_precision):
            if isinstance(measured, Insufficient):
                reasons[measured.reason] = reasons.get(measured.reason, 0) + 1
    for one in results[:MOST_SHOWN]:
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
        )
    console = Console()
    console.print(table)
    if len(results) > MOST_SHOWN:
        console.print(f"{len(results) - MOST_SHOWN:,} more: see --json or --report.", highlight=False)
    for reason, times in list(reasons.items())[:6]:
        console.print(f"insufficient, {times} times: {reason}", highlight=False, markup=False)
    for note, ids in _notes(results).items():
        console.print(f"note ({ids} rows): {note}", highlight=False, markup=False)
    console.print(WHAT, style="dim", highlight=False)
    if report is not None:
        typer.echo(f"report: {report}")


def _cell(measured: "Measured", plain: float | None = None) -> str:
    from secondlaw.types import Estimate

    if isinstance(measured, Estimate):
        return f"{measured.value:.2f} [{measured.low:.2f}, {measured.high:.2f}]"
    return "-" if plain is None else f"{plain:.2f} (no interval)"


def _notes(results: "list[Scored]") -> dict[str, int]:
    found: dict[str, int] = {}
    for one in results:
        for note in one.notes:
            found[note] = found.get(note, 0) + 1
    return dict(list(found.items())[:6])


def _say_comparison(found: "FileComparison") -> None:
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
    for warning in found.warnings:
        console.print(f"note: {warning}", highlight=False, markup=False)
    console.print(WHAT, style="dim", highlight=False)
