"""Wrong words on the command line: with ``--json`` they are the documented JSON error, too."""

from typing import Any, cast

import typer
from typer.core import TyperGroup

from secondlaw.cli.guard import say_json
from secondlaw.errors import InvalidInput

__all__ = ["Program"]

UsageError = cast(type[Exception], typer.BadParameter.__mro__[1])
"""What unknown options, missing arguments and bad choices have in common; typer does not name it itself."""


class Program(TyperGroup):
    """The command ``secondlaw``: typer's own complaints about the words it was given are JSON where that was asked."""

    _as_json = False

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **extra: Any) -> Any:  # noqa: ANN401
        """Read the words before the command."""
        self._as_json = "--json" in args
        return self._said(super().make_context, info_name, args, *more, **extra)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer's context
        """Read the command's own words, and run it."""
        return self._said(super().invoke, ctx)

    def _said(self, act: Any, *words: Any, **options: Any) -> Any:  # noqa: ANN401
        try:
            return act(*words, **options)
        except UsageError as error:
            if self._as_json:
                say_json(InvalidInput(cast(Any, error).format_message()))
            raise
