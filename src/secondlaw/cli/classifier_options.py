"""Options of the commands under ``secondlaw classifier`` that read labels of people."""

from typing import Annotated

import typer

__all__ = ["DropConflicts", "Files", "Labels", "Map", "Strength", "Wanted", "named_categories"]

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


def named_categories(given: list[str] | None) -> dict[str, str]:
    """Read ``NAME=KEY`` pairs."""
    from secondlaw.errors import InvalidInput

    pairs = [one.rpartition("=") for one in given or []]
    wrong = [one for one, (name, _, key) in zip(given or [], pairs, strict=True) if not name or not key]
    if wrong:
        raise InvalidInput(f"--map is NAME=KEY, such as refused=g3, got {wrong[0]!r}")
    return {name: key for name, _, key in pairs}
