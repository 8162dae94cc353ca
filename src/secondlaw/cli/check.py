"""``secondlaw check``: has the candidate run drifted from the base run? A gate for build pipelines."""

from pathlib import Path
from typing import Annotated

import typer

from secondlaw.cli.guard import guarded
from secondlaw.cli.options import (
    AssumeUtc,
    BadRows,
    ClassifierName,
    Confusion,
    Engine,
    FileFormat,
    Groups,
    HarmfulShare,
    Json,
    Level,
    MaxBad,
    Partial,
    Permutations,
    Quiet,
    Report,
    Requests,
    Resamples,
    Seed,
    TaxonomyName,
    Unfinished,
    Workers,
)

__all__ = ["check"]


@guarded
def check(
    base: Annotated[str, typer.Argument(help="The run to hold on to: FILE, or FILE#MODEL for one of its models.")],
    candidate: Annotated[str, typer.Argument(help="The run to check against it.")],
    on: Annotated[
        str,
        typer.Option(
            help="What decides, with commas between: distribution, misaligned, entropy, outside, category:KEY. "
            "Several share alpha (Holm). Of misaligned and outside only a rise is drift."
        ),
    ] = "distribution",
    alpha: Annotated[
        float | None, typer.Option(help="Probability of calling drift where both runs answer alike (default: .05).")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            help="Largest change that does not matter (a share; of entropy nats). Pass is then a statement: the whole "
            "interval lies within it; what cannot be excluded exits 11."
        ),
    ] = None,
    max_missing: Annotated[
        float,
        typer.Option(help="Largest share of one run's prompts that the other may lack, and of rows without a label."),
    ] = 0.2,
    junit: Annotated[Path | None, typer.Option(help="Write the verdicts as JUnit XML here.")] = None,
    report: Report = None,
    as_json: Json = False,
    examples: Annotated[
        bool, typer.Option("--examples", help="Show the prompts that moved with their text, in every output.")
    ] = False,
    quiet: Quiet = False,
    taxonomy: TaxonomyName = None,
    groups: Groups = None,
    max_bad: MaxBad = None,
    bad_rows: BadRows = None,
    assume_utc: AssumeUtc = None,
    file_format: FileFormat = None,
    partial: Partial = False,
    unfinished: Unfinished = False,
    requests: Requests = None,
    engine: Engine = None,
    harmful_share: HarmfulShare = None,
    classifier: ClassifierName = None,
    confusion: Confusion = None,
    level: Level = None,
    resamples: Resamples = None,
    permutations: Permutations = None,
    seed: Seed = None,
    workers: Workers = None,
) -> None:
    """Check a finished run against another: exit 0 without drift, 10 with drift, 11 undecided, 12 without enough data.

    Tests by permuting whole prompts: swapped where both runs answered them, dealt within prompt set and intent where
    one did. Sizes of change come with intervals.
    """
    from dataclasses import replace

    from secondlaw.behavior import load_taxonomy
    from secondlaw.cli.output import check_outputs, print_json, write_html
    from secondlaw.cli.progress import progress_bars
    from secondlaw.drift.check_options import CheckOptions, parse_checks
    from secondlaw.errors import SecondLawError
    from secondlaw.pipeline.checking import check_sources
    from secondlaw.pipeline.inputs import pair_names, parse_source
    from secondlaw.pipeline.settings import load_settings
    from secondlaw.reports.check_junit import check_junit, failed_junit
    from secondlaw.reports.check_page import render_check_page
    from secondlaw.reports.check_text import check_text

    check_outputs(report, junit, bad_rows)
    settings = load_settings(
        taxonomy=taxonomy, groups=groups, max_bad=max_bad, assume_utc=assume_utc, level=level, resamples=resamples,
        permutations=permutations, seed=seed, workers=workers, tolerance=tolerance, alpha=alpha, engine=engine,
        harmful_share=harmful_share,
    )  # fmt: skip
    options = CheckOptions(
        on=parse_checks(on, load_taxonomy(settings.taxonomy).keys), alpha=settings.alpha, tolerance=settings.tolerance,
        level=settings.level, permutations=settings.permutations, max_missing=max_missing,
    )  # fmt: skip
    names = pair_names(base, candidate)
    sources = [
        replace(parse_source(one), stream="check", name=name)
        for one, name in zip((base, candidate), names, strict=True)
    ]
    try:
        with progress_bars(quiet=quiet or as_json) as progress:
            found = check_sources(
                sources,
                settings,
                options,
                file_format=file_format,
                bad_rows=bad_rows,
                partial=partial,
                unfinished=unfinished,
                classifier=classifier,
                confusion=confusion,
                requests=requests or (),
                texts=examples,
                progress=progress,
            )
    except SecondLawError as failed:
        if junit is not None:
            junit.write_text(failed_junit(options.on, str(failed), exit_code=failed.exit_code), encoding="utf-8")
        raise
    if junit is not None:
        junit.write_text(check_junit(found), encoding="utf-8")
    write_html(found, render_check_page, report)
    if as_json:
        print_json(found.to_dict())
    else:
        typer.echo(check_text(found))
        if report is not None:
            typer.echo(f"report: {report}")
    raise typer.Exit(found.exit_code)
