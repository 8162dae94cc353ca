"""``secondlaw measure``: S(t), shares and rates of the responses in a file."""

from typing import Annotated

import typer

from secondlaw.cli.guard import guarded
from secondlaw.cli.options import (
    AssumeUtc,
    BadRows,
    ClassifierName,
    Confusion,
    Engine,
    Every,
    Examples,
    FileFormat,
    Groups,
    HarmfulShare,
    Json,
    Level,
    MaxBad,
    MinN,
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

__all__ = ["measure"]


@guarded
def measure(
    file: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...", help="JSONL, CSV, Parquet or Inspect log; FILE#MODEL for one model; - for stdin."
        ),
    ],
    report: Report = None,
    as_json: Json = False,
    examples: Examples = True,
    quiet: Quiet = False,
    base: Annotated[str | None, typer.Option(help="Model to compare with (default: base).")] = None,
    tuned: Annotated[str | None, typer.Option(help="Model compared with the base model (default: tuned).")] = None,
    replay: Annotated[
        int,
        typer.Option(help="Length of a long run simulated from the recorded cells; 0 for none, 1000 as in the paper."),
    ] = 0,
    replay_responses: Annotated[int, typer.Option(help="Responses a prompt and step of the simulated run.")] = 100,
    engine: Engine = None,
    harmful_share: HarmfulShare = None,
    classifier: ClassifierName = None,
    confusion: Confusion = None,
    taxonomy: TaxonomyName = None,
    every: Every = None,
    groups: Groups = None,
    max_bad: MaxBad = None,
    bad_rows: BadRows = None,
    assume_utc: AssumeUtc = None,
    file_format: FileFormat = None,
    partial: Partial = False,
    unfinished: Unfinished = False,
    requests: Requests = None,
    level: Level = None,
    resamples: Resamples = None,
    permutations: Permutations = None,
    seed: Seed = None,
    min_n: MinN = None,
    workers: Workers = None,
) -> None:
    """Measure how the responses in a file are distributed over the categories, S(t), and how fast they drift.

    Rows that have no label are classified first. Every number comes with its interval; one that the data cannot carry
    is reported as insufficient, with the reason.
    """
    from secondlaw.cli.output import check_outputs, show_measurement
    from secondlaw.cli.progress import progress_bars
    from secondlaw.errors import InvalidInput
    from secondlaw.pipeline.inputs import parse_source
    from secondlaw.pipeline.measuring import MeasureOptions
    from secondlaw.pipeline.runs import measure_sources
    from secondlaw.pipeline.settings import load_settings

    if (base is None) != (tuned is None):
        raise InvalidInput("a comparison needs both --base and --tuned")
    check_outputs(report, bad_rows)
    settings = load_settings(
        taxonomy=taxonomy, every=every, groups=groups, max_bad=max_bad, assume_utc=assume_utc, level=level,
        resamples=resamples, permutations=permutations, seed=seed, min_n=min_n, workers=workers, engine=engine,
        harmful_share=harmful_share,
    )  # fmt: skip
    options = MeasureOptions.of(
        settings,
        pairs=((base, tuned),) if base and tuned else (),
        replay_steps=replay,
        replay_responses=replay_responses,
    )
    with progress_bars(quiet=quiet or as_json) as progress:
        measured = measure_sources(
            [parse_source(one) for one in file],
            settings,
            options,
            file_format=file_format,
            bad_rows=bad_rows,
            partial=partial,
            unfinished=unfinished,
            examples=5 if report is not None and examples else 0,
            classifier=classifier,
            confusion=confusion,
            requests=requests or (),
            progress=progress,
        )
    show_measurement(measured, as_json=as_json, report=report, examples=examples)
