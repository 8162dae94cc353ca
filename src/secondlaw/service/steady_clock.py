"""A clock that does not leap: what the clock on the wall says, unless it jumped ahead a moment ago.

A window that was decided on is never decided on again, so a clock that is wrong by a month for a second would close a
month of windows. A leap ahead is therefore believed only once it has lasted. One that goes back closes nothing, and is
believed at once.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

__all__ = ["SteadyClock"]

LEAP = 120.0
"""Seconds ahead of the time that has passed from which it is a leap; clocks are corrected by less."""
LASTS = 600.0
"""Seconds after which a leap is believed: a machine that slept, a clock that was set right."""
_log = logging.getLogger(__name__)


class SteadyClock:
    """A clock without short leaps.

    Parameters
    ----------
    clock : callable
        The time, with its zone.
    monotonic : callable
        Seconds that only grow.

    Examples
    --------
    >>> from datetime import UTC
    >>> times = iter([datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)])
    >>> clock = SteadyClock(times.__next__, monotonic=iter([0.0, 5.0]).__next__)
    >>> [clock().isoformat(), clock().isoformat()]
    ['2026-01-31T00:00:00+00:00', '2026-01-31T00:00:05+00:00']
    """

    def __init__(self, clock: Callable[[], datetime], *, monotonic: Callable[[], float]) -> None:
        self._clock, self._monotonic = clock, monotonic
        self._believed: tuple[datetime, float] | None = None
        self._leapt_at: float | None = None
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        """Return the time."""
        with self._lock:
            now, at = self._clock(), self._monotonic()
            if self._believed is None:
                self._believed = now, at
                return now
            expected = self._believed[0] + timedelta(seconds=at - self._believed[1])
            ahead = (now - expected).total_seconds()
            if ahead <= LEAP:
                self._believed, self._leapt_at = (now, at), None
                return now
            if self._leapt_at is None:
                self._leapt_at = at
                _log.warning("the clock leapt %.0f s ahead: it is believed if it stays so for %.0f s", ahead, LASTS)
            if at - self._leapt_at < LASTS:
                return expected
            self._believed, self._leapt_at = (now, at), None
            return now
