"""The fields of a row, each checked alone: a wrong value is one sentence with the value seen and what to do."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from secondlaw.behavior.taxonomy import INTENTS, OUTSIDE, Intent, Taxonomy
from secondlaw.errors import InvalidInput

__all__ = ["instant", "intent_of", "label_of", "name_of", "parsed_json", "probability_of", "probs_of", "step_of"]

PROBABILITY_TOLERANCE = 0.01
"""How far probabilities may sum from 1: five numbers rounded to two decimals are off by at most .025, seldom by .01."""
MILLISECONDS_FROM = 1e11
"""A larger time is in milliseconds: as seconds it would lie after the year 5138, as milliseconds it is March 1973."""
LATEST_MILLISECONDS = 1e14
"""A larger time is in microseconds or nanoseconds, which no row format uses."""
LARGEST_STEP = 2**53
"""Beyond this, numbers in JSON are no longer exact in every program."""
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_STEP = re.compile(r"\s*\d{1,16}\s*", re.ASCII)
_DIGITS = re.compile(r"\d+(\.\d+)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN = 60


def shown(value: object) -> str:
    """Return a value as a message shows it, cut short."""
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def name_of(value: object, field: str) -> str:
    """Return an identity or a name: a non-empty text, or a whole number as text (7.0, as some programs write 7)."""
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    raise InvalidInput(f"{field} is a text that is not empty, got {shown(value)}; leave the field out if there is none")


def step_of(value: object) -> int:
    """Return a step: a whole number from 0 (in CSV, its digits)."""
    number = value
    stated = isinstance(value, str) and _STEP.fullmatch(value) is not None
    if stated or (isinstance(value, float) and value.is_integer()):
        number = int(value)  # type: ignore[call-overload]
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= LARGEST_STEP:
        raise InvalidInput(f"step is a whole number from 0, got {shown(value)}; for a time use ts")
    return number


def instant(value: object, *, assume_utc: bool = False) -> datetime:
    """Return a time in UTC.

    Parameters
    ----------
    value : str, int, float or datetime
        RFC 3339 with a zone, or a number since 1970-01-01 UTC: seconds, or milliseconds from 1e11 on.
    assume_utc : bool
        Whether a clock without zone is UTC; otherwise it is an error.

    Examples
    --------
    >>> instant("2026-01-31T13:00:00+01:00").isoformat()
    '2026-01-31T12:00:00+00:00'
    >>> instant(1769860800) == instant(1769860800000)
    True
    """
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value) if _TIME.fullmatch(value) else None
        except ValueError:  # a day or an hour that does not exist
            moment = None
        if moment is None:
            return _from_number(float(value) if _DIGITS.fullmatch(value) else None, value)
    elif isinstance(value, datetime):
        moment = value
    else:
        return _from_number(value, value)
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    if not assume_utc:
        raise InvalidInput(
            f"ts {shown(str(value))} is a clock without zone; write 2026-01-31T12:00:00Z, or say --assume-utc"
        )
    return moment.replace(tzinfo=UTC)


def _number_in(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return None


def _from_number(number: object, value: object) -> datetime:
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < math.inf:
        raise InvalidInput(
            f"ts is a time such as 2026-01-31T12:00:00Z, or seconds since 1970 in UTC, got {shown(value)}"
        )
    if number >= LATEST_MILLISECONDS:
        raise InvalidInput(f"ts {shown(value)} is neither seconds nor milliseconds since 1970; divide it first")
    seconds = number / 1000 if number >= MILLISECONDS_FROM else number
    return _EPOCH + timedelta(seconds=seconds)


def intent_of(value: object) -> Intent:
    """Return an intent; a missing one is ``"unknown"``."""
    if value is None:
        return "unknown"
    for intent in INTENTS:
        if value == intent:
            return intent
    raise InvalidInput(f"intent is one of {', '.join(INTENTS)}, got {shown(value)}")


def label_of(value: object, taxonomy: Taxonomy, field: str) -> str:
    """Return a label: a category's key, or ``"outside"``."""
    if isinstance(value, str) and (value == OUTSIDE or value in taxonomy.keys):
        return value
    keys = ", ".join(taxonomy.keys)
    raise InvalidInput(
        f"{field} {shown(value)} is not in taxonomy {taxonomy.name!r} ({keys}, {OUTSIDE}); "
        f"mend the row, or name its own taxonomy with --taxonomy"
    )


def probability_of(value: object, field: str) -> float:
    """Return a probability in (0, 1] (in CSV, its digits)."""
    number = _number_in(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0.0 < number <= 1.0:
        raise InvalidInput(f"{field} lies in (0, 1], got {shown(value)}")
    return float(number)


def probs_of(value: object, taxonomy: Taxonomy) -> dict[str, float]:
    """Return probabilities by category key, as the row states them (in CSV, JSON text).

    They are finite, not negative, and sum to 1 within `PROBABILITY_TOLERANCE`; a category left out has none.
    """
    table = parsed_json(value, "label_probs")
    if not isinstance(table, Mapping) or not table:
        raise InvalidInput(f'label_probs is an object such as {{"g1": 0.9, "g3": 0.1}}, got {shown(value)}')
    probs: dict[str, float] = {}
    for key, number in table.items():
        if key != OUTSIDE and key not in taxonomy.keys:
            label_of(key, taxonomy, "label_probs names")
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0.0 <= number <= 1.0:
            raise InvalidInput(f"label_probs of {key} is a number from 0 to 1, got {shown(number)}")
        probs[key] = float(number)
    total = math.fsum(probs.values())
    if abs(total - 1.0) > PROBABILITY_TOLERANCE:
        raise InvalidInput(f"label_probs sum to {total:.4g}, not to 1; normalise them, or leave the field out")
    return probs


def parsed_json(value: object, field: str) -> Any:  # noqa: ANN401 - whatever the text holds
    """Return what a cell of a CSV file states as JSON text; any other value as it is."""
    if not isinstance(value, str):
        return value
    import orjson

    try:
        return orjson.loads(value)
    except ValueError as error:
        raise InvalidInput(f"{field} is no JSON, got {shown(value)}") from error
