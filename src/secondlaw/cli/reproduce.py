"""``secondlaw reproduce``: papers' claims beside ours."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from secondlaw.cli.guard import guarded
from secondlaw.cli.options import Json, Report

if TYPE_CHECKING:
    from secondlaw.reproductions import Reproduction

__all__ = ["reproduce"]

PAPERS = ("2511.10704", "2512.03047", "2512.05156")
# Of a paper whose data are not part of the repository.
WITH_DATA = "2512.05156"
PAGE_HEAD = """# What papers claim and what we measure

Written by `secondlaw reproduce --page docs/reproductions.md`. *Reproduced*: we measure what is stated. *Not
reproducible*: what is published does not determine it, or leads elsewhere. *Refuted*: it contradicts a calculation or
measurement that needs nothing unpublished.
"""


@guarded
def reproduce(
    paper: Annotated[str | None, typer.Argument(help=f"arXiv id: {', '.join(PAPERS)}; all without it.")] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder with papers' data (default: SECONDLAW_DATA).")
    ] = None,
    page: Annotated[Path | None, typer.Option("--page", help="Write the tables as Markdown to this file.")] = None,
    report: Report = None,
    as_json: Json = False,
) -> None:
    """Set papers' claims beside what we measure: reproduced, not reproducible or refuted, with the reason."""
    from secondlaw.cli.output import check_outputs, print_json, write_html
    from secondlaw.errors import InvalidInput, SourceError
    from secondlaw.formats.whole_files import replace_file
    from secondlaw.reproductions.page import render_reproductions

    asked = None if paper is None else paper.removeprefix("arXiv:")
    if asked is not None and asked not in PAPERS:
        raise InvalidInput(f"no reproduction of {paper!r} is here; there is {', '.join(PAPERS)}")
    check_outputs(page, report)
    found = []
    for one in PAPERS if asked is None else (asked,):
        try:
            found.append(_reproduced(one, data))
        except SourceError as error:
            if asked is not None:
                raise
            typer.echo(f"{one} is left out: {error}", err=True)
    if page is not None:
        text = "\n".join([PAGE_HEAD, *(one.to_markdown() for one in found)])
        replace_file(page, lambda part: part.write_text(text, encoding="utf-8"))
    if report is not None and found:
        write_html(found, render_reproductions, report)
        typer.echo(f"report: {report}", err=True)
    if as_json:
        print_json([line for one in found for line in one.to_list()])
    else:
        typer.echo("\n\n".join(one.to_text() for one in found))


def _reproduced(paper: str, data: Path | None) -> "Reproduction":
    from secondlaw import reproductions

    if paper == WITH_DATA:
        return reproductions.reproduce_semantic_faithfulness(data)
    if paper == "2511.10704":
        return reproductions.reproduce_second_law()
    return reproductions.reproduce_behavior_drift()
