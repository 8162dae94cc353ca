"""Words of the command line turned into settings of estimators of entropy production."""

import math
from typing import Any

from secondlaw.cli.comma_lists import names
from secondlaw.errors import InvalidInput
from secondlaw.trajectories.asked import FieldAsked

__all__ = ["asked_edges", "asked_field", "asked_lags", "asked_memory"]

DEGREE = 3


def asked_lags(said: str) -> tuple[int, ...]:
    """Return whole numbers of steps with commas between."""
    try:
        found = tuple(int(one) for one in names(said))
    except ValueError:
        raise InvalidInput(f"--lags are whole numbers of steps with commas between, got {said!r}") from None
    if any(one < 1 for one in found):
        raise InvalidInput(f"--lags are 1 or more, got {said!r}")
    return found


def asked_memory(said: str) -> int | None:
    """Return steps of memory, None for auto."""
    if said == "auto":
        return None
    if not said.isdecimal() or int(said) < 1:
        raise InvalidInput(f"--memory is 1, 2, ... or auto, got {said!r}")
    return int(said)


def asked_edges(said: str | None) -> tuple[tuple[str, str], ...]:
    """Return pairs of states.

    Examples
    --------
    >>> asked_edges("a:b, b:c")
    (('a', 'b'), ('b', 'c'))
    """
    out = []
    for one in names(said):
        first, _, second = (part.strip() for part in one.partition(":"))
        if not first or not second or first == second:
            raise InvalidInput(f"--edges are pairs of different states such as a:b,b:c, got {one!r}")
        out.append((first, second))
    return tuple(out)


def asked_field(*, degree: int | None, periods: str | None, **others: Any) -> FieldAsked:  # noqa: ANN401
    """Return the settings of a field of currents.

    Examples
    --------
    >>> asked_field(basis="polynomial", degree=4, periods="angle=2pi").periods
    (('angle', 6.283185307179586),)
    """
    if degree is not None and others["basis"] != "polynomial":
        raise InvalidInput(f"--degree is for --basis polynomial, not {others['basis']}: name that basis too")
    return FieldAsked(degree=DEGREE if degree is None else degree, periods=_periods(periods), **others)


def _periods(said: str | None) -> tuple[tuple[str, float], ...]:
    out = []
    for one in names(said):
        name, _, length = (part.strip() for part in one.partition("="))
        turned = length.removesuffix("pi").rstrip("* ")
        try:
            period = float(turned or "1") * (math.pi if length.endswith("pi") else 1.0) if length else math.nan
        except ValueError:
            period = math.nan
        if not name or not (math.isfinite(period) and period > 0.0):
            raise InvalidInput(f"--periods are such as angle=2pi,phase=1, got {one!r}")
        out.append((name, period))
    return tuple(out)
