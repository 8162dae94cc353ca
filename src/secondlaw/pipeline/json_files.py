"""Values as JSON in a file, an older one replaced in one step."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from secondlaw.errors import SourceError
from secondlaw.formats import replace_file

__all__ = ["write_json"]


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write plain values, indented.

    Raises
    ------
    SourceError
        If the file cannot be written.
    """
    import orjson

    content = orjson.dumps(values, option=orjson.OPT_INDENT_2) + b"\n"
    try:
        replace_file(path, lambda part: part.write_bytes(content))
    except OSError as error:
        raise SourceError(f"cannot write {path}: {error}") from error
