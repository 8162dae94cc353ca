"""``secondlaw reproduce``: a paper's numbers beside ours."""

from pathlib import Path
from typing import Annotated

import typer

from secondlaw.cli.guard import guarded
from secondlaw.cli.options import Json

__all__ = ["reproduce"]

DRIFTED = 10
PAPERS = ("2512.05156",)


@guarded
def reproduce(
    paper: Annotated[str, typer.Argument(help=f"arXiv id: {', '.join(PAPERS)}.")],
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder with the paper's data (default: SECONDLAW_DATA).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure a paper's headline numbers again; exit 10 if one does not reproduce."""
    from secondlaw.cli.output import print_json
    from secondlaw.errors import InvalidInput
    from secondlaw.reproductions import reproduce_semantic_faithfulness

    if paper.removeprefix("arXiv:") not in PAPERS:
        raise InvalidInput(f"no reproduction of {paper!r} is here; there is {', '.join(PAPERS)}")
    found = reproduce_semantic_faithfulness(data)
    if as_json:
        print_json({"schema": "secondlaw/reproduction/1", **found.to_dict()})
    else:
        typer.echo(found.to_text())
    if not found.agrees:
        raise typer.Exit(DRIFTED)
