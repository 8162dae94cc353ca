"""What ``secondlaw plan`` reads: shares typed by hand, or the first step of a measurement that was written as JSON."""

from pathlib import Path
from typing import Any

import orjson

from secondlaw.drift.results import SCHEMA
from secondlaw.errors import FileFormatError, InvalidInput, NotEnoughData

__all__ = ["plan_from_measurement", "plan_rows", "shares_from"]


def shares_from(text: str) -> tuple[float, ...]:
    """Read shares separated by commas.

    Examples
    --------
    >>> shares_from("0.9,0.1")
    (0.9, 0.1)
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidInput(f"--baseline is numbers separated by commas, got {text!r}") from error


def plan_rows(text: str, option: str) -> tuple[int, ...]:
    """Read whole numbers separated by commas.

    Examples
    --------
    >>> plan_rows("1,10", "--responses")
    (1, 10)
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidInput(f"{option} is whole numbers separated by commas, got {text!r}") from error


def plan_from_measurement(path: Path) -> tuple[tuple[float, ...], float]:
    """Return the shares at the first measured step, and the correlation of the responses to one prompt.

    The correlation follows from pooled and within entropy: it is the part of S that lies between prompts, which is 1
    where every prompt always gets the same category and 0 where prompts do not matter.

    Raises
    ------
    InvalidInput
        If there is no such file, or it is no measurement.
    NotEnoughData
        If no cell of it was measured.
    """
    if not path.is_file():
        raise InvalidInput(f"no measurement {str(path)!r}; write one with: secondlaw measure FILE --json > {path}")
    try:
        content: dict[str, Any] = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise FileFormatError(f"{path} is no JSON: {error}") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise InvalidInput(f"{path} is no measurement of the form {SCHEMA}; write it with secondlaw measure --json")
    try:
        for cell in content["cells"]:
            shares = [share.get("value") for share in cell["shares"].values()]
            if None in shares:
                continue
            total = sum(shares)
            pooled, between = (cell["entropy"][name].get("value") for name in ("pooled", "between"))
            correlation = min(between / pooled, 0.99) if pooled and between is not None else 0.2
            return tuple(share / total for share in shares), correlation
    except (KeyError, TypeError, AttributeError) as error:
        raise FileFormatError(f"{path} is not of the form {SCHEMA}: {error!r} is missing or wrong") from error
    raise NotEnoughData(f"{path}: no cell was measured, so there are no shares to plan from")
