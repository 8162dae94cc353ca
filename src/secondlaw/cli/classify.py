"""``secondlaw classify``: labels for every response of a file."""

from pathlib import Path
from typing import Annotated, Any

import typer

from secondlaw.cli.guard import guarded
from secondlaw.cli.options import (
    AssumeUtc,
    BadRows,
    Engine,
    FileFormat,
    HarmfulShare,
    Json,
    MaxBad,
    Partial,
    Quiet,
    Requests,
    TaxonomyName,
    Unfinished,
    Workers,
)

__all__ = ["classify"]


@guarded
def classify(
    source: Annotated[str, typer.Argument(metavar="IN", help="JSONL, CSV, Parquet or Inspect log; - for stdin.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="JSONL file to write, .gz to compress.")],
    relabel: Annotated[bool, typer.Option(help="Label again what a machine labelled before.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the output if it exists.")] = False,
    engine: Engine = None,
    harmful_share: HarmfulShare = None,
    taxonomy: TaxonomyName = None,
    as_json: Json = False,
    quiet: Quiet = False,
    max_bad: MaxBad = None,
    bad_rows: BadRows = None,
    assume_utc: AssumeUtc = None,
    file_format: FileFormat = None,
    partial: Partial = False,
    unfinished: Unfinished = False,
    requests: Requests = None,
    workers: Workers = None,
) -> None:
    """Add label, label_probs and classifier to every row that has no label; every other field stays.

    A run that was killed goes on where it stood when the same command is given again.
    """
    from secondlaw.behavior import load_taxonomy
    from secondlaw.cli.output import print_json
    from secondlaw.cli.progress import progress_bars
    from secondlaw.pipeline.classifying import ClassifyOptions, classify_file
    from secondlaw.pipeline.engines import engine_report, engine_warnings
    from secondlaw.pipeline.file_shares import rule_of
    from secondlaw.pipeline.requests_together import open_for_files
    from secondlaw.pipeline.settings import load_settings
    from secondlaw.reports.notices import engine_words

    settings = load_settings(
        taxonomy=taxonomy,
        max_bad=max_bad,
        assume_utc=assume_utc,
        workers=workers,
        engine=engine,
        harmful_share=harmful_share,
    )
    options = ClassifyOptions(
        relabel=relabel,
        replace_output=force,
        assume_utc=settings.assume_utc,
        max_bad=settings.max_bad,
        bad_rows=bad_rows,
        file_format=file_format,
        requests=tuple(requests or ()),
        partial=partial,
        unfinished=unfinished,
        share=rule_of(settings),
        seed=settings.seed,
    )
    chosen = load_taxonomy(settings.taxonomy)
    with progress_bars(quiet=quiet or as_json) as progress:
        classifier = open_for_files(settings)
        done = classify_file(source, out, classifier, chosen, options, progress=progress("classifying"))
    rows, warnings = done.rows, [*done.warnings, *engine_warnings(classifier)]
    if as_json:
        content: dict[str, Any] = {"schema": "secondlaw/classify/2", "classifier": done.classifier, "out": str(out)}
        content |= {} if (said := engine_report(classifier)) is None else {"engine": said}
        content |= {"harmful_shares": dict(done.harmful_shares)} if done.harmful_shares else {}
        print_json(content | {"rows": rows.to_dict(), "found_done": done.found_done, "warnings": warnings})
        return
    for warning in warnings:
        typer.echo(f"warning: {warning}", err=True)
    found = f", {done.found_done:,} of them stored by an earlier run" if done.found_done else ""
    bad = f"; {rows.bad:,} bad {'row is' if rows.bad == 1 else 'rows are'} in {rows.quarantine}" if rows.bad else ""
    typer.echo(
        f"{out}: {rows.used:,} rows{found}; {rows.classified:,} labelled {'now ' if found else ''}"
        f"by {done.classifier}{bad}"
    )
    if spent := engine_words(engine_report(classifier)):
        typer.echo(spent)
