"""Instants as the store keeps them: microseconds since 1970 in UTC."""

from datetime import UTC, datetime, timedelta

__all__ = ["DAY", "MICROSECONDS", "instant_of", "micros_of", "window_of"]

MICROSECONDS = 1_000_000
DAY = 86_400 * MICROSECONDS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros_of(instant: datetime) -> int:
    """Return an instant as microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(micros: int) -> datetime:
    """Return microseconds since 1970 as an instant in UTC.

    Examples
    --------
    >>> micros_of(instant_of(1_700_000_000_000_001))
    1700000000000001
    """
    return _EPOCH + timedelta(microseconds=micros)


def window_of(micros: int, every: int) -> int:
    """Return the number, since 1970, of the window of `every` seconds that holds an instant.

    Examples
    --------
    >>> window_of(7_200_000_001, 3600)
    2
    """
    return micros // (every * MICROSECONDS)
