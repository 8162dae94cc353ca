"""How every command ends: errors become one sentence and the documented exit code, with ``--json`` also as JSON.

And how it explains itself: its docstring is its help.
"""

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import typer

from secondlaw.errors import SecondLawError, SourceError

__all__ = ["ERROR_SCHEMA", "INTERRUPTED", "guarded", "say_json"]

ERROR_SCHEMA = "secondlaw/error/1"
INTERRUPTED = 130
RESUMING = ("sample", "classify", "score", "train", "watch")
"""Commands that keep what they stored when they are interrupted."""

Command = TypeVar("Command", bound=Callable[..., Any])


def guarded(command: Command) -> Command:
    """Wrap a command so that what goes wrong on purpose ends in a sentence on standard error and an exit code."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - whatever the command takes and gives
        try:
            return command(*args, **options)
        except SecondLawError as error:
            _say(error, as_json=bool(options.get("as_json")))
            raise typer.Exit(error.exit_code) from None
        except BrokenPipeError:
            sys.stderr.close()  # the reader of a pipe is gone: nothing is wrong, and nothing can be said
            raise typer.Exit(0) from None
        except OSError as error:
            where = f" {error.filename}" if error.filename else ""
            _say(
                SourceError(f"cannot read or write{where}: {error.strerror or error}"),
                as_json=bool(options.get("as_json")),
            )
            raise typer.Exit(SourceError.exit_code) from None
        except KeyboardInterrupt:
            kept = "; what is stored stays, the same command goes on from there" if command.__name__ in RESUMING else ""
            typer.echo(f"interrupted{kept}", err=True)
            raise typer.Exit(INTERRUPTED) from None

    run.__doc__ = _help(command.__doc__)
    return run  # type: ignore[return-value]


def _help(text: str | None) -> str | None:
    """Return a docstring as help: paragraphs fit any width, and words in brackets are no markup."""
    if text is None:
        return None
    paragraphs = inspect.cleandoc(text).replace("[", "\\[").split("\n\n")
    return "\n\n".join(one.replace("\n", " ") for one in paragraphs)


def _say(error: SecondLawError, *, as_json: bool) -> None:
    typer.echo(f"secondlaw: {error}", err=True)
    if as_json:
        say_json(error)


def say_json(error: SecondLawError) -> None:
    """Print an error as the documented JSON object, in one line: a program may read the output line by line."""
    import orjson

    content = {"type": type(error).__name__, "message": str(error), "exit_code": error.exit_code}
    typer.echo(orjson.dumps({"schema": ERROR_SCHEMA, "error": content}).decode())
