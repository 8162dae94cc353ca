"""A score of the user's: a field of the rows, and the range that it cannot leave."""

import math
from dataclasses import dataclass

from secondlaw.errors import InvalidInput

__all__ = ["ScoreField"]


@dataclass(frozen=True, slots=True)
class ScoreField:
    """A score of the user's that rows carry, and the range it cannot leave.

    Examples
    --------
    >>> ScoreField("toxicity", 0.0, 1.0).checked(1.7)
    Traceback (most recent call last):
    secondlaw.errors.InvalidInput: score 'toxicity' lies in [0, 1], got 1.7: widen its bounds or correct it
    """

    name: str
    low: float
    high: float

    def __post_init__(self) -> None:
        if not -math.inf < self.low < self.high < math.inf:
            raise InvalidInput(f"a score's bounds need low < high, got {self.low:g} and {self.high:g}")

    def checked(self, value: object) -> float:
        """Return a value as a number within the bounds."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InvalidInput(f"score {self.name!r} is a number, got {value!r}: correct it")
        if not self.low <= value <= self.high:
            raise InvalidInput(
                f"score {self.name!r} lies in [{self.low:g}, {self.high:g}], got {value:g}: "
                "widen its bounds or correct it"
            )
        return float(value)
