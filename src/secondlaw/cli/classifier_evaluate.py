"""``secondlaw classifier evaluate``: how far a classifier, or labels that a file carries, agree with people."""

from typing import Annotated, Literal

import typer

from secondlaw.cli.classifier_options import (
    DropConflicts,
    Files,
    Labels,
    Map,
    Strength,
    Wanted,
    named_categories,
)
from secondlaw.cli.guard import guarded
from secondlaw.cli.options import (
    AssumeUtc,
    BadRows,
    Engine,
    FileFormat,
    HarmfulShare,
    Json,
    Level,
    MaxBad,
    Quiet,
    Report,
    Resamples,
    Seed,
    TaxonomyName,
    Workers,
)

__all__ = ["evaluate"]


@guarded
def evaluate(
    file: Files,
    engine: Engine = None,
    harmful_share: HarmfulShare = None,
    recorded: Annotated[
        bool, typer.Option("--recorded", help="Compare the machine labels that the rows carry; nothing is classified.")
    ] = False,
    classifier_name: Annotated[str | None, typer.Option("--classifier", help="With --recorded: whose labels.")] = None,
    by: Annotated[
        str, typer.Option(help="What the rows are divided by, by commas: source, model, intent, strength.")
    ] = "source,model",
    intent: Annotated[
        Literal["both", "known", "unknown"],
        typer.Option(help="Whether the classifier is told the stated intents; both asks it twice."),
    ] = "both",
    any_label: Annotated[
        bool, typer.Option("--any-label", help="Count labels that people did not give too; that is no accuracy.")
    ] = False,
    unseen_only: Annotated[
        bool, typer.Option("--unseen-only", help="Leave out rows of prompts that the classifier was trained on.")
    ] = False,
    wanted: Wanted = 0.95,
    labels: Labels = "human_label",
    names: Map = None,
    strength: Strength = None,
    drop_conflicts: DropConflicts = False,
    report: Report = None,
    as_json: Json = False,
    quiet: Quiet = False,
    taxonomy: TaxonomyName = None,
    max_bad: MaxBad = None,
    bad_rows: BadRows = None,
    assume_utc: AssumeUtc = None,
    file_format: FileFormat = None,
    level: Level = None,
    resamples: Resamples = None,
    seed: Seed = None,
    workers: Workers = None,
) -> None:
    """Say how far a classifier agrees with people: accuracy, kappa, calibration, all with intervals and by source."""
    from secondlaw.behavior import load_taxonomy
    from secondlaw.behavior.classifiers.evaluation import EvaluationOptions
    from secondlaw.cli.classifier_output import say_evaluated
    from secondlaw.cli.output import check_outputs
    from secondlaw.cli.progress import progress_bars
    from secondlaw.pipeline.engines import engine_folder
    from secondlaw.pipeline.evaluating import (
        evaluate_engine,
        evaluate_recorded,
        seen_in_training,
    )
    from secondlaw.pipeline.file_shares import rule_of
    from secondlaw.pipeline.labelled_input import LabelOptions, read_labelled
    from secondlaw.pipeline.requests_together import open_for_files
    from secondlaw.pipeline.settings import load_settings

    check_outputs(report)
    settings = load_settings(
        engine=engine,
        harmful_share=harmful_share,
        taxonomy=taxonomy,
        max_bad=max_bad,
        assume_utc=assume_utc,
        level=level,
        resamples=resamples,
        seed=seed,
        workers=workers,
    )
    chosen = load_taxonomy(settings.taxonomy)
    divided = tuple(part.strip() for part in by.split(",") if part.strip())
    options = EvaluationOptions(settings.level, settings.resamples, settings.seed, divided, wanted)
    given = read_labelled(
        file, settings, LabelOptions(labels, named_categories(names), strength, drop_conflicts, file_format, bad_rows)
    )
    if recorded:
        found = evaluate_recorded(given, chosen, options, classifier=classifier_name, any_label=any_label)
    else:
        folder = engine_folder(settings.engine, settings)
        seen = seen_in_training(given.labelled.rows, str(folder or settings.engine))
        with progress_bars(quiet=quiet or as_json) as progress:
            opened = open_for_files(settings)
            found = evaluate_engine(
                given,
                opened,
                chosen,
                options,
                told=intent,
                any_label=any_label,
                seen=seen,
                unseen_only=unseen_only,
                share=rule_of(settings),
                progress=progress,
            )
    say_evaluated(found, as_json=as_json, report=report)
