"""Reading a published file whole: CSV, JSON lines and Parquet by the usual readers, and JSON as the sets write it."""

from pathlib import Path
from typing import Any

import orjson

from secondlaw.errors import FileFormatError, InvalidInput
from secondlaw.formats import BadRow, read_rows

__all__ = ["read_published"]

BEHAVIOR_ID = "BehaviorID"
"""Under which the keys of HarmBench's object of lists stand in its rows."""


def read_published(path: Path) -> list[dict[str, Any]]:
    """Return all rows of a file.

    Raises
    ------
    InvalidInput
        If there is no such file, or its format cannot be told.
    FileFormatError
        If a row is damaged: published files are whole, so that none is passed over.
    """
    if not path.is_file():
        raise InvalidInput(f"no file {str(path)!r}; give a file of a stress set as its set publishes it")
    if path.suffix.lower() == ".json":
        return _json_rows(path)
    rows = []
    for row in read_rows(path):
        if isinstance(row, BadRow):
            raise FileFormatError(f"{path}, line {row.line}: {row.reason}; fetch the file again")
        rows.append(row.value)
    return rows


def _json_rows(path: Path) -> list[dict[str, Any]]:
    try:
        content = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise FileFormatError(f"{path} is no JSON: {error}; name JSON lines .jsonl") from error
    if isinstance(content, dict) and content and all(isinstance(one, list) for one in content.values()):
        content = [
            {BEHAVIOR_ID: key, **row} if isinstance(row, dict) else row for key, rows in content.items() for row in rows
        ]
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise FileFormatError(
            f"{path} is neither an array of rows nor an object of lists of rows (HarmBench's completions and results); "
            "lists of texts, as test cases are, hold attacks without an answer: give the behaviors or the completions"
        )
    return [{key: value for key, value in row.items() if value is not None} for row in content]
