"""``secondlaw classifier``: train one on your labels, see how far it agrees with people, print its card."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from secondlaw.cli.classifier_evaluate import evaluate
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
            "max_tokens=128, learning_rate=1e-4 or class_weights.off-topic=2; repeatable.",
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
    force: Annotated[
        bool,
        typer.Option("--force", help="Start again: replace what a training, finished or not, left in the folder."),
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
        file, settings, LabelOptions(labels, named_categories(names), strength, drop_conflicts, file_format, bad_rows)
    )
    measured = EvaluationOptions(settings.level, settings.resamples, settings.seed, wanted=wanted)
    splits = tuple(part.strip() for part in hold_out.split(",")) if hold_out else None
    request = TrainRequest(
        out, engine, start, base, network, _values(settings_given), download, splits, measured, force,
        quiet or as_json,
    )  # fmt: skip
    with progress_bars(quiet=quiet or as_json) as progress:
        trained = train_engine(
            given.labelled.rows, load_taxonomy(settings.taxonomy), request, settings, progress=progress
        )
    say_trained(trained, given, out, as_json=as_json, report=report)


classifier.command()(evaluate)


@classifier.command()
@guarded
def card(
    engine: Annotated[
        str,
        typer.Option(
            "--engine", help="embedded, embedded-large, or a trained classifier: its folder, or OWNER/NAME@COMMIT."
        ),
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
    """Read ``NAME=VALUE`` pairs; what looks like a number is one, but for a name."""
    from secondlaw.errors import InvalidInput

    found: dict[str, int | float | str] = {}
    for one in given or []:
        name, equals, value = one.partition("=")
        if not (name and equals and value):
            raise InvalidInput(f"--set is NAME=VALUE, such as epochs=5, got {one!r}")
        if name == "name":
            found[name] = value
            continue
        try:
            found[name] = int(value)
        except ValueError:
            try:
                found[name] = float(value)
            except ValueError:
                found[name] = value
    return found
