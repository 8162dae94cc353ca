"""What alerts are made of: times as they are written, when a change began, and the fingerprint.

The fingerprint is the one that an Alertmanager computes for the same labels: FNV-1a (64 bits) over the sorted names and
values, each followed by the byte 255. It depends on nothing else, so it is the same after a restart and on every
replica.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from secondlaw.errors import InvalidInput

__all__ = ["Began", "fingerprint_of", "instant"]

_OFFSET, _PRIME, _MASK = 0xCBF29CE484222325, 0x100000001B3, (1 << 64) - 1


def fingerprint_of(labels: Mapping[str, str]) -> str:
    """Return the fingerprint of labels: 16 hexadecimal digits, those of an Alertmanager.

    Examples
    --------
    >>> fingerprint_of({}), fingerprint_of({"b": "2", "a": "1"}) == fingerprint_of({"a": "1", "b": "2"})
    ('cbf29ce484222325', True)
    """
    sum_ = _OFFSET
    for name in sorted(labels):
        for byte in name.encode() + b"\xff" + labels[name].encode() + b"\xff":
            sum_ = ((sum_ ^ byte) * _PRIME) & _MASK
    return f"{sum_:016x}"


def instant(moment: datetime) -> str:
    """Return a time as RFC 3339 in UTC with milliseconds.

    Examples
    --------
    >>> instant(datetime(2026, 1, 31, 12, tzinfo=UTC))
    '2026-01-31T12:00:00.000Z'
    """
    if moment.tzinfo is None:
        raise InvalidInput(f"a time needs a zone, got {moment.isoformat()} without one")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Began:
    """When a change began, with its interval: times, or steps where the stream counts steps.

    Parameters
    ----------
    first : datetime or int
        First window or step that had changed.
    earliest, latest : datetime or int
        Ends of the interval.
    level : float
        Its coverage.
    """

    first: datetime | int
    earliest: datetime | int
    latest: datetime | int
    level: float

    def __str__(self) -> str:
        first, earliest, latest = (_moment_words(part) for part in (self.first, self.earliest, self.latest))
        return f"{first} [{earliest} to {latest}]"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        first, earliest, latest = (
            instant(part) if isinstance(part, datetime) else part for part in (self.first, self.earliest, self.latest)
        )
        return {"first": first, "earliest": earliest, "latest": latest, "level": self.level}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild from :meth:`to_dict`."""
        first, earliest, latest = (
            part if isinstance(part, int) else datetime.fromisoformat(part)
            for part in (values["first"], values["earliest"], values["latest"])
        )
        return cls(first, earliest, latest, values["level"])


def _moment_words(moment: datetime | int) -> str:
    return f"step {moment}" if isinstance(moment, int) else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
