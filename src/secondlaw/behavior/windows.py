"""Times as steps: windows of one length, aligned to 1970-01-01T00:00:00Z, so that every source cuts time alike.

The rule for late rows: a row belongs to the window of its ``ts`` whenever it arrives. A file is read whole, so in a
file no row is late. In a stream a window is *closed* once the latest time seen has passed its end by `lateness`; a row
for a closed window is still counted in that window, and the window is reported as revised.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.types import Insufficient

__all__ = ["NO_TIME", "Windows", "clock_of", "enough", "steps_of", "window_label", "window_seconds"]

NO_TIME = np.iinfo(np.int64).min
"""Marks a row without time in an array of microseconds since 1970."""
MINIMUM_RESPONSES = 30
"""With fewer responses a cell's entropy is not given: at 30 the plug-in's bias over five categories is .07 nats."""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_WINDOW = re.compile(r"([1-9]\d{0,8})\s*([smhdw])")
_MICROSECONDS = 1_000_000


def window_seconds(every: str) -> int:
    """Return the length of a window in seconds: ``"30s"``, ``"15m"``, ``"1h"``, ``"7d"``, ``"2w"``.

    Examples
    --------
    >>> window_seconds("15m")
    900
    """
    found = _WINDOW.fullmatch(every.strip())
    if found is None:
        raise InvalidInput(f"a window is a whole number and s, m, h, d or w, such as 15m, 1h or 7d, got {every!r}")
    return int(found[1]) * _UNITS[found[2]]


def window_label(window: int, every: int | None) -> str:
    """Return a window, numbered since 1970, as a person reads it; without a length it is a step.

    Examples
    --------
    >>> window_label(491_630, 3600), window_label(300, None)
    ('2026-01-31 14:00', 'step 300')
    """
    if every is None:
        return f"step {window}"
    start = datetime.fromtimestamp(window * every, UTC)
    return start.strftime("%Y-%m-%d" if every % 86_400 == 0 else "%Y-%m-%d %H:%M")


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of `every` seconds; step 0 is window number `first` since 1970.

    Examples
    --------
    >>> hours = Windows(every=3600, first=491_628)
    >>> hours.start_of(2).isoformat(), hours.is_closed(2, latest=hours.start_of(3), lateness=timedelta(minutes=5))
    ('2026-01-31T14:00:00+00:00', False)
    """

    every: int
    first: int

    def start_of(self, step: int) -> datetime:
        """Return the instant at which the window of a step begins; it ends, exclusively, where the next begins."""
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=(self.first + step) * self.every)

    def step_of(self, moment: datetime) -> int:
        """Return the step of an instant; negative before step 0."""
        if moment.tzinfo is None:
            raise InvalidInput(f"a time needs a zone, got {moment.isoformat()}; write 2026-01-31T12:00:00Z")
        since = moment - datetime(1970, 1, 1, tzinfo=UTC)
        return since // timedelta(seconds=self.every) - self.first

    def is_closed(self, step: int, *, latest: datetime, lateness: timedelta = timedelta(0)) -> bool:
        """Whether a stream whose latest time is `latest` has left the window of a step behind by `lateness`."""
        return latest >= self.start_of(step + 1) + lateness


def clock_of(*, rows: int, stated: int, timed: int, every: str | None) -> int | None:
    """Return the length of a window in seconds, or None where windows are the steps that rows state.

    Parameters
    ----------
    rows, stated, timed : int
        Sound responses; those of them that state a step; those that state a time and no step.
    every : str or None

    Raises
    ------
    InvalidInput
        If there are two clocks, or some rows have none.

    Examples
    --------
    >>> clock_of(rows=10, stated=0, timed=10, every="1h"), clock_of(rows=10, stated=10, timed=0, every="1h")
    (3600, None)
    """
    seconds = None if every is None else window_seconds(every)
    if stated and timed:
        raise InvalidInput(
            f"{stated:,} rows state a step and {timed:,} others only a ts: S(t) needs one clock; give every row a step,"
            " or none, and cut ts into windows with --every 1h"
        )
    if stated and stated < rows:
        raise InvalidInput(
            f"{rows - stated:,} of {rows:,} rows state neither step nor ts, the others a step; give all rows one"
        )
    if seconds is None or stated or not rows:
        return None
    if timed < rows:
        raise InvalidInput(f"--every {every} cuts ts into steps, but {rows - timed:,} of {rows:,} rows have no ts")
    return seconds


def steps_of(
    step: NDArray[np.int64], micros: NDArray[np.int64] | None, *, every: str | None = None
) -> tuple[NDArray[np.int64], Windows | None]:
    """Return every row's step, and the windows where times were cut into steps.

    A row that states a step keeps it, whatever its time. Where no row states a step, times are cut into windows;
    without `every`, and where rows have neither, all are one step 0.

    Parameters
    ----------
    step : int64 array, shape (rows,)
        Stated steps, -1 where a row has none.
    micros : int64 array, shape (rows,), or None
        Times in microseconds since 1970, `NO_TIME` where a row has none.
    every : str, optional
        Length of a window, see :func:`window_seconds`.

    Raises
    ------
    InvalidInput
        If some rows state a step and others only a time; if `every` is given and rows have no time; if only some rows
        state a step.
    """
    has_step = step >= 0
    has_time = np.zeros(len(step), dtype=bool) if micros is None else micros != NO_TIME
    n, stated, timed = len(step), int(has_step.sum()), int((has_time & ~has_step).sum())
    seconds = clock_of(rows=n, stated=stated, timed=timed, every=every)
    if seconds is not None and micros is not None:
        number = micros // (seconds * _MICROSECONDS)
        first = int(number.min())
        return number - first, Windows(seconds, first)
    return (step.copy() if stated else np.zeros(n, dtype=np.int64)), None


def enough(n: int, *, minimum: int = MINIMUM_RESPONSES) -> Insufficient | None:
    """Return None if a cell holds enough responses, else the reason why its numbers are not given.

    Examples
    --------
    >>> print(enough(12))
    insufficient (12 responses in the window, fewer than 30: widen the window with --every, or lower --min-n)
    """
    if n >= minimum:
        return None
    return Insufficient(
        f"{n} responses in the window, fewer than {minimum}: widen the window with --every, or lower --min-n"
    )
