"""``secondlaw classifier``: train one on your labels, see how far it agrees with people, print its card."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from secondlaw.cli.guard import guarded
from secondlaw.cli.options import (
    AssumeUtc,
    BadRows,
    Engine,
    FileFormat,
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

__all__ = ["classifier"]

classifier = typer.Typer(
    name="classifier",
    help="Train a classifier on your labels, evaluate one against people, print its model card.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_LABELS = "Labels"

Files = Annotated[
    list[str],
    typer.Argument(metavar="FILE...", help="Rows with labels: JSONL, CSV, Parquet; one file or one an annotator."),
]
Labels = Annotated[str, typer.Option("--labels", help="Field with the true category.", rich_help_panel=_LABELS)]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="NAME=KEY",
        help="What the file calls a category, such as refused=g3; repeatable.",
        rich_help_panel=_LABELS,
    ),
]
Strength = Annotated[
    str | None,
    typer.Option(
        help="How the labels were made, where rows do not say (label_strength): human, authors, llm_judge ... "
        "(default: human for human_label, else not known).",
        rich_help_panel=_LABELS,
    ),
]
DropConflicts = Annotated[
    bool,
    typer.Option(
        "--drop-conflicts",
        help="Leave responses out that one annotator labelled twice, differently.",
        rich_help_panel=_LABELS,
    ),
]
Wanted = Annotated[float, typer.Option("--accuracy", help="Accuracy that the abstention threshold is to reach.")]


@classifier.command()
@guarded
def train(
    file: Files,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the classifier, new or of the same training.")],
    engine: Annotated[
        Literal["embedded", "transformer"], typer.Option("--engine", help="What is trained.")
    ] = "embedded",
    start: Annotated[
        Literal["adapt", "recalibrate", "scratch"],
        typer.Option(
            help="Embedded: bend the shipped heads to your rows as far as held-out prompts allow, only "
            "recalibrate them, or train on your rows alone (extra train)."
        ),
    ] = "adapt",
    base: Annotated[
        str | None, typer.Option(help="Transformer: folder of a checkpoint, or REPOSITORY@COMMIT of a hub.")
    ] = None,
    network: Annotated[
        Literal["sequence", "text-to-text"],
        typer.Option(help="Transformer: heads on an encoder, or T5's text to text."),
    ] = "sequence",
    settings_given: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Transformer: a setting of docs/transformer.md, such as epochs=5, "
            "max_tokens=128 or learning_rate=1e-4; repeatable.",
        ),
    ] = None,
    download: Annotated[bool, typer.Option("--download", help="Transformer: fetch the base from the hub.")] = False,
    hold_out: Annotated[
        str | None,
        typer.Option(
            help="What is held out for the report, by commas: prompt, model, source (default: all; for a "
            "transformer, which trains anew for each, prompt)."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a finished classifier in the folder.")] = False,
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
    """Train a classifier on labelled responses; the folder then serves as --engine FOLDER.

    What it is worth is measured on prompts, models and sources held out in turn, and stored with it. A training that
    was killed goes on where it stood when the same command is given again.
    """
    from secondlaw.behavior import load_taxonomy
    from secondlaw.behavior.classifiers.evaluation import EvaluationOptions
    from secondlaw.cli.classifier_output import say_trained
    from secondlaw.cli.output import check_outputs
    from secondlaw.cli.progress import progress_bars
    from secondlaw.pipeline.labelled_input import LabelOptions, read_labelled
    from secondlaw.pipeline.settings import load_settings
    from secondlaw.pipeline.training import TrainRequest, train_engine

    check_outputs(report)
    settings = load_settings(
        taxonomy=taxonomy,
        max_bad=max_bad,
        assume_utc=assume_utc,
        level=level,
        resamples=resamples,
        seed=seed,
        workers=workers,
    )
    given = read_labelled(
        file, settings, LabelOptions(labels, _names(names), strength, drop_conflicts, file_format, bad_rows)
    )
    measured = EvaluationOptions(settings.level, settings.resamples, settings.seed, wanted=wanted)
    splits = tuple(part.strip() for part in hold_out.split(",")) if hold_out else None
    request = TrainRequest(
        out, engine, start, base, network, _values(settings_given), download, splits, measured, force
    )
    with progress_bars(quiet=quiet or as_json) as progress:
        trained = train_engine(
            given.labelled.rows, load_taxonomy(settings.taxonomy), request, settings, progress=progress
        )
    say_trained(trained, given, out, as_json=as_json, report=report)


@classifier.command()
@guarded
def evaluate(
    file: Files,
    engine: Engine = None,
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
    from secondlaw.pipeline.engines import open_engine
    from secondlaw.pipeline.evaluating import evaluate_engine, evaluate_recorded, seen_in_training
    from secondlaw.pipeline.labelled_input import LabelOptions, read_labelled
    from secondlaw.pipeline.settings import load_settings

    check_outputs(report)
    settings = load_settings(
        engine=engine,
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
        file, settings, LabelOptions(labels, _names(names), strength, drop_conflicts, file_format, bad_rows)
    )
    if recorded:
        found = evaluate_recorded(given, chosen, options, classifier=classifier_name, any_label=any_label)
    else:
        opened = open_engine(settings.engine, settings)
        seen = seen_in_training(given.labelled.rows, settings.engine)
        with progress_bars(quiet=quiet or as_json) as progress:
            found = evaluate_engine(
                given,
                opened,
                chosen,
                options,
                told=intent,
                any_label=any_label,
                seen=seen,
                unseen_only=unseen_only,
                progress=progress,
            )
    say_evaluated(found, as_json=as_json, report=report)


@classifier.command()
@guarded
def card(
    engine: Annotated[
        str, typer.Option("--engine", help="embedded, embedded-large, or the folder of a trained classifier.")
    ] = "embedded",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write Markdown here instead of printing it.")] = None,
) -> None:
    """Print the model card of a classifier: data, licences, what was measured on what it never saw, limits."""
    from secondlaw.cli.classifier_output import card_of
    from secondlaw.reports.writing import write_page

    text = card_of(engine)
    if out is None:
        typer.echo(text, nl=not text.endswith("\n"))
        return
    typer.echo(f"card: {write_page(text, out)}")


def _values(given: list[str] | None) -> dict[str, int | float | str]:
    """Read ``NAME=VALUE`` pairs; what looks like a number is one."""
    from secondlaw.errors import InvalidInput

    found: dict[str, int | float | str] = {}
    for one in given or []:
        name, equals, value = one.partition("=")
        if not (name and equals and value):
            raise InvalidInput(f"--set is NAME=VALUE, such as epochs=5, got {one!r}")
        try:
            found[name] = int(value)
        except ValueError:
            try:
                found[name] = float(value)
            except ValueError:
                found[name] = value
    return found


def _names(given: list[str] | None) -> dict[str, str]:
    """Read ``NAME=KEY`` pairs."""
    from secondlaw.errors import InvalidInput

    pairs = [one.rpartition("=") for one in given or []]
    wrong = [one for one, (name, _, key) in zip(given or [], pairs, strict=True) if not name or not key]
    if wrong:
        raise InvalidInput(f"--map is NAME=KEY, such as refused=g3, got {wrong[0]!r}")
    return {name: key for name, _, key in pairs}
