"""Words of the pages: moments, windows, how long ago, what a state is called and how it looks."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from secondlaw.service.states import State
from secondlaw.service.window_words import window_name

__all__ = ["LOOKS", "Look", "ago", "moment", "points", "reason_words", "span_words", "spark_points", "window_words"]

BEGAN = re.compile(r", probably from (step \d+|\d{4}-\d\d-\d\d( \d\d:\d\d UTC)?)")


class Look(NamedTuple):
    """How a state is shown: never by colour alone."""

    symbol: str
    name: str
    words: str


LOOKS: Mapping[State, Look] = {
    "drifting": Look("▲", "drifting", "drifting"),
    "no data": Look("○", "nodata", "no data"),
    "watching": Look("◐", "watching", "watching"),
    "not enough data": Look("…", "young", "not enough data"),
    "stable": Look("●", "stable", "stable"),
}


def moment(at: datetime | None) -> str:
    """Return a time in UTC.

    Examples
    --------
    >>> moment(datetime(2026, 1, 31, 14, 5, tzinfo=UTC))
    '2026-01-31 14:05 UTC'
    """
    return "never" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def ago(at: datetime | None, now: datetime) -> str:
    """Return how long ago something was, roughly.

    Examples
    --------
    >>> ago(datetime(2026, 1, 31, 14, tzinfo=UTC), datetime(2026, 1, 31, 16, 20, tzinfo=UTC))
    '2 h ago'
    """
    if at is None:
        return "never"
    seconds = (now - at) / timedelta(seconds=1)
    if seconds < 60:
        return "now" if seconds >= -60 else f"in the future: {moment(at)}"
    for unit, length, most in (("min", 60, 60), ("h", 3600, 48)):
        if seconds < most * length:
            return f"{seconds // length:.0f} {unit} ago"
    return f"{seconds // 86_400:.0f} days ago"


def window_words(window: int | None, every: int | None, *, now: datetime | None = None) -> str:
    """Return when a window begins, in UTC; only the time where that is today.

    Examples
    --------
    >>> window_words(491_630, 3600), window_words(7, None)
    ('2026-01-31 14:00 UTC', 'step 7')
    >>> window_words(491_630, 3600, now=datetime(2026, 1, 31, 16, tzinfo=UTC))
    '14:00 UTC'
    """
    if window is None:
        return ""
    said = window_name(window, every)
    return said if now is None else said.removeprefix(f"{now.astimezone(UTC):%Y-%m-%d} ")


def span_words(windows: range, every: int | None) -> str:
    """Return a stretch of windows as a person reads it, both ends included.

    Examples
    --------
    >>> span_words(range(491_630, 491_632), 3600), span_words(range(3, 4), None)
    ('2026-01-31 14:00 to 16:00 UTC', 'step 3')
    """
    if every is None:
        return f"step {windows.start}" if len(windows) == 1 else f"steps {windows.start} to {windows.stop - 1}"
    first, last = (datetime.fromtimestamp(edge * every, UTC) for edge in (windows.start, windows.stop))
    if every % 86_400 == 0:
        return f"{first:%Y-%m-%d}" if len(windows) == 1 else f"{first:%Y-%m-%d} to {last - timedelta(days=1):%Y-%m-%d}"
    end = f"{last:%H:%M}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M}"
    return f"{first:%Y-%m-%d %H:%M} to {end} UTC"


def reason_words(reason: str, *, has_began: bool = False, now: datetime | None = None) -> str:
    """Return a decision's reason as a page says it.

    Parameters
    ----------
    reason : str
    has_began : bool
        Whether it is told elsewhere, and better, when the change began.
    now : datetime, optional
        Of today's windows only the time is told.

    Examples
    --------
    >>> said = "alarm at 2026-01-31 16:00 UTC, probably from 2026-01-31 14:00 UTC"
    >>> reason_words(said, has_began=True, now=datetime(2026, 1, 31, 18, tzinfo=UTC))
    'alarm at 16:00 UTC'
    """
    if has_began:
        reason = BEGAN.sub("", reason)
    return reason if now is None else re.sub(rf"\b{now.astimezone(UTC):%Y-%m-%d} (?=\d\d:\d\d)", "", reason)


def points(share: float) -> str:
    """Return a difference of shares in percentage points, without its unit.

    Examples
    --------
    >>> points(-0.0312), points(0.0), points(-0.0001)
    ('−3.1', '0.0', '0.0')
    """
    text = f"{100 * abs(share):.1f}"
    return text if text == "0.0" else f"{'−' if share < 0 else '+'}{text}"


def spark_points(values: Sequence[float | None], *, width: float = 120.0, height: float = 26.0) -> list[str]:
    """Return the lines of a sparkline, each as the points of an SVG polyline; missing values part them.

    Examples
    --------
    >>> spark_points([0.0, 1.0, None, 1.0], width=30, height=10)
    ['0.0,9.0 10.0,1.0', '30.0,1.0 30.0,1.0']
    """
    known = [value for value in values if value is not None]
    if not known:
        return []
    low, high = min(known), max(known)
    room = (high - low) or 1.0
    lines: list[list[str]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            lines.append([])
            continue
        x = width * place / max(len(values) - 1, 1)
        y = 1.0 + (height - 2.0) * (1.0 - (value - low) / room) if high > low else height / 2
        lines[-1].append(f"{x:.1f},{y:.1f}")
    return [" ".join(line if len(line) > 1 else line * 2) for line in lines if line]
