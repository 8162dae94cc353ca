"""What a command prints and writes: text or JSON, and the report."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

import secondlaw
from secondlaw.drift.results import Measurement
from secondlaw.errors import InvalidInput

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["check_outputs", "print_json", "show", "show_measurement", "write_html"]


def check_outputs(*files: Path | None) -> None:
    """Refuse, before any work is done, files that could not be written after it.

    Raises
    ------
    InvalidInput
        If the folder of a file is missing or cannot be written, or the file is itself a folder.
    """
    for file in files:
        if file is None:
            continue
        if not file.parent.is_dir():
            raise InvalidInput(f"{file} cannot be written: {file.parent} is no folder; make it first")
        if file.is_dir():
            raise InvalidInput(f"{file} is a folder; name a file in it")
        if not os.access(file.parent, os.W_OK):
            raise InvalidInput(f"{file} cannot be written: the folder {file.parent} allows no writing")


def print_json(content: Any) -> None:  # noqa: ANN401 - JSON
    """Print plain values as indented JSON."""
    import orjson

    typer.echo(orjson.dumps(content, option=orjson.OPT_INDENT_2).decode())


def write_html(found: Any, render: Callable[..., str], report: Path | None, **options: Any) -> None:  # noqa: ANN401
    """Write the page that `render` makes of what was found, where one is asked for, with the time and the version."""
    from secondlaw.reports.writing import write_page

    if report is not None:
        write_page(render(found, created=datetime.now(UTC), version=secondlaw.__version__, **options), report)


def show(
    found: Any,  # noqa: ANN401
    text: "Callable[[Any], RenderableType]",
    *,
    as_json: bool,
    written: Mapping[str, Path | None],
    schema: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Print what was found as JSON, or as text and the files written.

    Parameters
    ----------
    found
        With ``to_dict()``, which gives plain values.
    text : callable
        Makes of it what rich prints.
    as_json : bool
    written : mapping of str to Path or None
        Files, by what they hold.
    schema : str, optional
        Of the JSON object, where ``to_dict()`` does not say it.
    extra : mapping, optional
        Further members of the JSON object, such as a verdict.
    """
    if as_json:
        named = {} if schema is None else {"schema": schema}
        print_json({**named, **found.to_dict(), **(extra or {})})
        return
    from rich.console import Console

    Console().print(text(found))
    for name, path in written.items():
        if path is not None:
            typer.echo(f"{name}: {path}")


def show_measurement(
    measured: Measurement,
    *,
    as_json: bool,
    report: Path | None,
    examples: bool,
    extra: dict[str, Any] | None = None,
) -> None:
    """Write the report of a measurement, and print it as text or JSON; see :func:`show`.

    Parameters
    ----------
    measured : Measurement
    as_json : bool
    report : Path or None
    examples : bool
        Whether the report shows texts.
    extra : dict, optional
        Further members of the JSON object, such as a verdict.
    """
    from secondlaw.reports import render_html, render_text

    write_html(measured, render_html, report, examples=examples)
    show(measured, render_text, as_json=as_json, written={"report": report}, extra=extra)
