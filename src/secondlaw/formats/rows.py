"""A row and its place in a file: what every reader yields, sound or bad."""

from typing import Any, NamedTuple

__all__ = ["EXCERPT_CHARACTERS", "BadRow", "Row", "excerpt_of"]

EXCERPT_CHARACTERS = 160
"""How much of a bad row is shown: enough to recognise it, little enough for a log."""


class Row(NamedTuple):
    """A sound row: its line (or, in columnar files and logs, its number), counted from 1, and its fields."""

    line: int
    value: dict[str, Any]


class BadRow(NamedTuple):
    """A row that cannot be used: where it stands, why in one sentence, and its beginning."""

    line: int
    reason: str
    excerpt: str


def excerpt_of(raw: bytes | str | object) -> str:
    r"""Return the beginning of a row for a message; what is no text in it is escaped.

    Examples
    --------
    >>> excerpt_of(b'{"id": \xff}')
    '{"id": \\xff}'
    """
    if isinstance(raw, bytes):
        text = raw[: 4 * EXCERPT_CHARACTERS].decode("utf-8", "backslashreplace")
    elif isinstance(raw, str):
        text = raw[:EXCERPT_CHARACTERS].encode("utf-8", "backslashreplace").decode()
    else:
        text = _short_json(raw)
    text = text.strip()
    return text if len(text) <= EXCERPT_CHARACTERS else text[: EXCERPT_CHARACTERS - 1] + "…"


def _short_json(value: object) -> str:
    """Write a value as JSON with its long texts cut first, so that a 10 MB response costs nothing."""
    import json

    if isinstance(value, dict):
        value = {str(key): item[:EXCERPT_CHARACTERS] if isinstance(item, str) else item for key, item in value.items()}
    return json.dumps(value, ensure_ascii=True, default=str)
