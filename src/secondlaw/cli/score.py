"""``secondlaw score``: large inputs to counts, on one machine or on a Ray cluster."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from secondlaw.cli.guard import guarded
from secondlaw.cli.options import (
    AssumeUtc,
    BadRows,
    Confusion,
    Every,
    FileFormat,
    Groups,
    Json,
    Level,
    MaxBad,
    MinN,
    Quiet,
    Report,
    Resamples,
    Seed,
    TaxonomyName,
)

__all__ = ["score"]

_READING = "Reading"
_OUTPUT = "Output"
_WHERE = "Where it runs"


@guarded
def score(
    source: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Parquet or JSONL (also CSV and Inspect logs): files, folders, or patterns in quotes.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Parquet file for the counts.")],
    engine: Annotated[
        Literal["local", "ray"],
        typer.Option(
            help="Where it runs: processes on this machine, or a Ray cluster. What labels the rows is "
            "--classifier-engine.",
            rich_help_panel=_WHERE,
        ),
    ] = "local",
    workers: Annotated[
        int | None,
        typer.Option(
            help="Processes, or actors of Ray (default: one per core, at most 4 of the former).", rich_help_panel=_WHERE
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            help="Address of a running Ray cluster, such as auto; without it Ray is started on this machine.",
            rich_help_panel=_WHERE,
        ),
    ] = None,
    block_rows: Annotated[
        int | None,
        typer.Option(help="Most rows of a block, the unit of work (default: 8192).", rich_help_panel=_WHERE),
    ] = None,
    classifier_engine: Annotated[
        str | None,
        typer.Option(
            help="What labels responses: embedded, embedded-large, judge, a folder of secondlaw classifier train, or "
            "MODULE:FUNCTION (default: the setting engine, which is embedded).",
            rich_help_panel=_READING,
        ),
    ] = None,
    relabel: Annotated[
        bool, typer.Option("--relabel", help="Label again what a machine labelled.", rich_help_panel=_READING)
    ] = False,
    labels_out: Annotated[
        Path | None,
        typer.Option(help="Folder for the labelled rows, one Parquet file a block.", rich_help_panel=_OUTPUT),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Replace the output, and throw away another unfinished run.", rich_help_panel=_OUTPUT
        ),
    ] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="Show S, shares and rates of the counts.", rich_help_panel=_OUTPUT)
    ] = False,
    report: Report = None,
    as_json: Json = False,
    quiet: Quiet = False,
    taxonomy: TaxonomyName = None,
    every: Every = None,
    groups: Groups = None,
    max_bad: MaxBad = None,
    bad_rows: BadRows = None,
    assume_utc: AssumeUtc = None,
    file_format: FileFormat = None,
    confusion: Confusion = None,
    level: Level = None,
    resamples: Resamples = None,
    seed: Seed = None,
    min_n: MinN = None,
) -> None:
    """Label every row of large files and reduce them to counts that add up: by model, window, prompt and category.

    A run that was killed goes on where it stood when the same command is given again, with any number of workers and
    either engine; the counts are the same.
    """
    from secondlaw.cli.output import check_outputs, print_json, show_measurement, write_html
    from secondlaw.cli.progress import progress_bars
    from secondlaw.pipeline.measuring import MeasureOptions
    from secondlaw.pipeline.scoring import score_files
    from secondlaw.pipeline.scoring_blocks import BLOCK_ROWS
    from secondlaw.pipeline.scoring_measuring import measure_scored
    from secondlaw.pipeline.scoring_options import ScoreOptions
    from secondlaw.pipeline.settings import load_settings
    from secondlaw.reports import render_html

    check_outputs(report, bad_rows)
    settings = load_settings(
        taxonomy=taxonomy, every=every, groups=groups, max_bad=max_bad, assume_utc=assume_utc, level=level,
        resamples=resamples, seed=seed, min_n=min_n, workers=workers, engine=classifier_engine,
    )  # fmt: skip
    options = ScoreOptions(
        place=engine, address=address, labels=labels_out, relabel=relabel, replace_output=force,
        block_rows=BLOCK_ROWS if block_rows is None else block_rows, bad_rows=bad_rows, file_format=file_format,
    )  # fmt: skip
    with progress_bars(quiet=quiet or as_json) as progress:
        scored = score_files(source, out, settings, options, progress=progress("scoring"))
    content = scored.to_dict()
    measured = None
    if measure or report is not None:
        measured = measure_scored(scored, settings, MeasureOptions.of(settings), confusion=confusion)
        write_html(measured, render_html, report, examples=False)
    if as_json:
        print_json(content | {"measurement": None if measured is None else measured.to_dict()})
        return
    if measured is None:
        for warning in scored.warnings:
            typer.echo(f"warning: {warning}", err=True)
    else:
        show_measurement(measured, as_json=False, report=None, examples=False)
    rows, cells = scored.rows, len(content["cells"])
    found = scored.found_done
    again = f"; {found:,} of {scored.blocks:,} blocks were done by an earlier run" if found else ""
    typer.echo(
        f"{out}: {rows.used:,} of {rows.read + rows.expanded:,} rows in {cells:,} cell{'s' if cells != 1 else ''}; "
        f"{rows.classified:,} labelled now by {scored.classifier.identity}{again}"
    )
    if report is not None:
        typer.echo(f"report: {report}")
