"""What ``secondlaw classifier`` prints and writes."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from secondlaw.cli.output import print_json, write_html
from secondlaw.errors import InvalidInput
from secondlaw.types import Insufficient

if TYPE_CHECKING:
    from secondlaw.behavior.classifiers.evaluation import Evaluation
    from secondlaw.pipeline.evaluating import Evaluated
    from secondlaw.pipeline.labelled_input import LabelledInput
    from secondlaw.pipeline.training import Trained

__all__ = ["card_of", "say_evaluated", "say_trained"]

TRAIN_SCHEMA = "secondlaw/classifier-train/1"


def say_evaluated(found: "Evaluated", *, as_json: bool, report: Path | None) -> None:
    """Print an evaluation as text or JSON, and write its report."""
    from secondlaw.behavior.classifiers.evaluation_json import evaluation_to_dict
    from secondlaw.reports.classifier_page import render_classifier_page

    title = f"Classifier report · {found.evaluation.classifier}"
    write_html([("", found.evaluation)], render_classifier_page, report, warnings=found.warnings, title=title)
    if as_json:
        content = evaluation_to_dict(found.evaluation) | {"rows": found.rows, "warnings": list(found.warnings)}
        print_json(content | ({} if found.engine is None else {"engine": found.engine}))
        return
    from rich.console import Console

    from secondlaw.reports.classifier_text import render_evaluation_text

    for warning in found.warnings:
        typer.echo(f"warning: {warning}", err=True)
    Console().print(render_evaluation_text(found.evaluation))
    if report is not None:
        typer.echo(f"report: {report}")


def say_trained(trained: "Trained", given: "LabelledInput", out: Path, *, as_json: bool, report: Path | None) -> None:
    """Print what was trained and what it is worth on rows that it never saw."""
    from secondlaw.reports.classifier_page import render_classifier_page

    parts = [(name, _evaluation(values)) for name, values in trained.reports.items()]
    held, title = [(f"Held out: {name}s", found) for name, found in parts], f"Classifier report · {trained.identity}"
    warnings = [*given.warnings, *_caveats(parts)]
    write_html(held, render_classifier_page, report, warnings=warnings, title=title)
    if as_json:
        content = {"schema": TRAIN_SCHEMA, "classifier": trained.identity, "out": str(out), "data": trained.data}
        print_json(content | {"report": trained.reports, "warnings": warnings})
        return
    from rich.console import Console

    from secondlaw.reports.classifier_text import render_evaluation_text

    console = Console()
    for warning in warnings:
        typer.echo(f"warning: {warning}", err=True)
    for name, found in parts:
        if isinstance(found, Insufficient):
            typer.echo(f"{name}: no number: {found.reason}\n")
        else:
            console.print(render_evaluation_text(found, title=f"{name}s"))
            typer.echo("")
    data = trained.data
    typer.echo(f"{out}: {trained.identity}, trained on {data['rows']:,} responses to {data['prompts']:,} prompts")
    typer.echo(f"use it: secondlaw measure FILE --engine {out}; its card: secondlaw classifier card --engine {out}")
    if report is not None:
        typer.echo(f"report: {report}")


def card_of(engine: str) -> str:
    """Return the model card of the shipped classifier or of a trained one.

    Raises
    ------
    InvalidInput
        If the engine has no card.
    ModelFileError
        If files of the classifier are missing or damaged.
    """
    from importlib.resources import files

    if card := {"embedded": "data/MODEL_CARD.md", "embedded-large": "data/large/MODEL_CARD.md"}.get(engine):
        return files("secondlaw.behavior.classifiers").joinpath(card).read_text(encoding="utf-8")
    from secondlaw.pipeline.engines import engine_folder
    from secondlaw.pipeline.settings import load_settings

    folder = engine_folder(engine, load_settings())
    if folder is None:
        raise InvalidInput(
            "a card is of embedded, embedded-large or a folder of a trained classifier (OWNER/NAME@COMMIT on a hub), "
            f"got {engine!r}, which is none"
        )
    from secondlaw.pipeline.training import read_trained
    from secondlaw.reports.classifier_card import render_card

    trained = read_trained(folder)
    return render_card(trained.manifest, trained.reports, trained.data)


def _caveats(parts: "list[tuple[str, Evaluation | Insufficient]]") -> list[str]:
    """Return what makes held-out numbers too good, told before them."""
    from secondlaw.behavior.classifiers.training_holdout import KNOWN_PROMPTS

    told = [
        (name, note)
        for name, found in parts
        if not isinstance(found, Insufficient)
        for note in found.notes
        if KNOWN_PROMPTS in note
    ]
    return [f"{', '.join(name for name, _ in told)}: {told[0][1]}"] if told else []


def _evaluation(values: dict[str, Any]) -> "Evaluation | Insufficient":
    from secondlaw.behavior.classifiers.evaluation_json import evaluation_from_dict

    return Insufficient(values["insufficient"]) if "insufficient" in values else evaluation_from_dict(values)
