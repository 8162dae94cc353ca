"""A row as one line of strict JSON: UTF-8, no NaN, no infinities, ended by a newline."""

import math
from collections.abc import Mapping
from typing import Any

import orjson

from secondlaw.errors import InvalidInput

__all__ = ["encode_line", "find_non_finite"]

_OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z


def encode_line(row: Mapping[str, Any]) -> bytes:
    r"""Return a row as one line of JSON.

    Lone surrogates, which UTF-8 cannot carry, become ``\ufffd``; dates become RFC 3339 text; whole numbers beyond
    64 bits stay exact.

    Raises
    ------
    InvalidInput
        If a value is NaN or infinite (JSON has no such numbers), or of a type that JSON lacks.

    Examples
    --------
    >>> encode_line({"id": "a", "n": 1})
    b'{"id":"a","n":1}\n'
    """
    try:
        line = orjson.dumps(row, option=_OPTIONS)
    except (orjson.JSONEncodeError, TypeError):
        return _encode_slowly(row)
    if b"null" in line and (where := find_non_finite(row)):
        raise InvalidInput(f"{where} is NaN or infinite, which JSON cannot carry; leave the field out or give a number")
    return line


def _encode_slowly(row: Mapping[str, Any]) -> bytes:
    """Encode what orjson refuses: lone surrogates and whole numbers beyond 64 bits."""
    import json

    try:
        text = json.dumps(
            row if type(row) is dict else dict(row), ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"the row cannot be written as JSON: {error}") from error
    # A pair of surrogates in a Python string is one character in UTF-16; a lone one is none.
    sound = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return sound.encode() + b"\n"


def find_non_finite(value: object, where: str = "row") -> str | None:
    """Return where a NaN or an infinity stands in a nested value, or None.

    Examples
    --------
    >>> find_non_finite({"scores": [0.5, float("nan")]})
    'row.scores[1]'
    """
    if isinstance(value, float):
        return None if math.isfinite(value) else where
    if isinstance(value, Mapping):
        items = ((f"{where}.{key}", item) for key, item in value.items())
    elif isinstance(value, list | tuple):
        items = ((f"{where}[{index}]", item) for index, item in enumerate(value))
    else:
        return None
    return next((found for name, item in items if (found := find_non_finite(item, name))), None)
