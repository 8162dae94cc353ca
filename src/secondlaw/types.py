"""The values that travel between the rooms of secondlaw: estimates, and records of a stream.

No bare float leaves a function that estimates something: it leaves as an :class:`Estimate`, and where the data
cannot carry a number, as :class:`Insufficient` with the reason.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from secondlaw.errors import InvalidInput

__all__ = [
    "NATS",
    "NATS_PER_STEP",
    "SHARE",
    "Estimate",
    "Insufficient",
    "Measured",
    "StreamRecord",
    "measured_from_dict",
]

NATS = "nats"
NATS_PER_STEP = "nats/step"
SHARE = "share"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its uncertainty.

    Parameters
    ----------
    value : float
        Point estimate, in `unit`.
    low, high : float
        Ends of the interval, in `unit`; ``low <= high``. The point estimate lies inside except where a bound of the
        parameter space or a bias correction makes the method say otherwise.
    level : float
        Nominal coverage of the interval, in (0, 1).
    n : int
        How many units carry the estimate.
    unit : str
        Unit of the value: ``"nats"``, ``"nats/step"``, ``"share"``.
    method : str
        How value and interval were computed, in words that can be printed beside the number.
    n_unit : str
        What `n` counts: ``"responses"``, ``"prompts"``, ``"steps"``.

    Examples
    --------
    >>> print(Estimate(0.453, 0.41, 0.50, 0.95, 500, "nats", "Miller-Madow, bootstrap over 50 prompts"))
    0.453 [0.410, 0.500] nats
    """

    value: float
    low: float
    high: float
    level: float
    n: int
    unit: str
    method: str
    n_unit: str = "responses"

    def __post_init__(self) -> None:
        for name in ("value", "low", "high", "level"):  # NumPy's scalars are not plain JSON
            object.__setattr__(self, name, float(getattr(self, name)))
        object.__setattr__(self, "n", int(self.n))
        if not (math.isfinite(self.value) and not math.isnan(self.low) and not math.isnan(self.high)):
            raise InvalidInput(f"an estimate must be finite, got {self.value} [{self.low}, {self.high}]")
        if self.low > self.high:
            raise InvalidInput(f"an interval's low end must not exceed its high end, got [{self.low}, {self.high}]")
        if not 0.0 < self.level < 1.0:
            raise InvalidInput(f"a confidence level lies between 0 and 1, got {self.level}")

    def __str__(self) -> str:
        unit = "" if self.unit == SHARE else f" {self.unit}"
        narrow = 0.0 < self.width < 0.01  # two digits of the width, and three decimals at least
        decimals = min(12, 1 - math.floor(math.log10(self.width))) if narrow else 3
        return f"{self.value:.{decimals}f} [{self.low:.{decimals}f}, {self.high:.{decimals}f}]{unit}"

    @property
    def width(self) -> float:
        """Width of the interval, in `unit`."""
        return self.high - self.low

    def covers(self, truth: float) -> bool:
        """Whether the interval holds `truth`."""
        return self.low <= truth <= self.high

    def noted(self, note: str) -> "Estimate":
        """Return the same estimate with `note` appended to its method."""
        return replace(self, method=f"{self.method}; {note}")

    def to_dict(self) -> dict[str, Any]:
        """Return the estimate as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Estimate":
        """Rebuild an estimate from :meth:`to_dict`."""
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Insufficient:
    """A number that the data cannot carry, with the reason and what would help.

    Examples
    --------
    >>> Insufficient("one response per prompt: repeat the prompts to see the entropy within them").to_dict()
    {'insufficient': 'one response per prompt: repeat the prompts to see the entropy within them'}
    """

    reason: str

    def __str__(self) -> str:
        return f"insufficient ({self.reason})"

    def to_dict(self) -> dict[str, Any]:
        """Return the reason as plain JSON values."""
        return {"insufficient": self.reason}


Measured = Estimate | Insufficient


def measured_from_dict(values: Mapping[str, Any]) -> Measured:
    """Rebuild a number from its ``to_dict()``.

    Examples
    --------
    >>> measured_from_dict({"insufficient": "no rows"})
    Insufficient(reason='no rows')
    """
    return Insufficient(str(values["insufficient"])) if "insufficient" in values else Estimate.from_dict(values)


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """One value of a named stream, so that a training run is treated like a deployment.

    Parameters
    ----------
    name : str
        Name of the stream or quantity, for example ``"S"`` or ``"gamma"``.
    time : int or datetime
        Step, or an instant in UTC.
    value : float
        The value, in the unit of the named quantity.
    group : str or None
        The unit of resampling it belongs to: prompt, conversation, seed.
    """

    name: str
    time: int | datetime
    value: float
    group: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.time, datetime) and self.time.tzinfo is None:
            raise InvalidInput(f"a stream's time needs a zone, got {self.time.isoformat()} without one")
