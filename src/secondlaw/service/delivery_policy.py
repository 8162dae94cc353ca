"""When a delivery that failed is tried again, and when it is given up."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from secondlaw.errors import InvalidInput

__all__ = ["DeliveryPolicy"]


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """Exponential backoff with jitter, and an end.

    Parameters
    ----------
    first_wait, longest_wait : float
        Seconds before the second try, and at most; doubled each time, of which between half and all is waited.
    longest_pause : float
        Seconds for which a receiver that fails is left alone as a whole, at most: by then it is noticed to be back.
    longest_retry_after : float
        Seconds; a receiver that asks for more with ``Retry-After`` is tried again after this.
    attempts : int
        Tries at least before a delivery becomes a dead letter.
    max_age : timedelta
        Age at least before it does. Both must be reached: a receiver that is out of reach over a weekend loses nothing,
        and what waited while this service was down is not given up at its first try.

    Raises
    ------
    InvalidInput
        If a wait is not positive, or there is no attempt.
    """

    first_wait: float = 5.0
    longest_wait: float = 300.0
    longest_pause: float = 60.0
    longest_retry_after: float = 3600.0
    attempts: int = 12
    max_age: timedelta = timedelta(hours=72)

    def __post_init__(self) -> None:
        if not 0.0 < self.first_wait <= self.longest_wait or self.longest_pause <= 0.0:
            raise InvalidInput(
                f"waits need 0 < first <= longest, and pauses more than 0 s, got {self.first_wait}, "
                f"{self.longest_wait} and {self.longest_pause}"
            )
        if self.attempts < 1 or self.longest_retry_after < 0.0 or self.max_age < timedelta(0):
            raise InvalidInput(
                f"at least 1 attempt and no negative times, got {self.attempts}, {self.longest_retry_after} s, "
                f"{self.max_age}"
            )

    def wait(self, failures: int, *, rng: random.Random) -> float:
        """Return the seconds until a delivery that failed so often is tried again.

        Examples
        --------
        >>> policy, rng = DeliveryPolicy(), random.Random(0)
        >>> [round(policy.wait(k, rng=rng)) for k in (1, 2, 3, 20)]
        [5, 9, 14, 189]
        """
        doubled = self.first_wait * 2.0 ** min(max(failures, 1) - 1, 40)
        return min(self.longest_wait, doubled) * (0.5 + 0.5 * rng.random())

    def pause(self, failures: int, *, rng: random.Random, retry_after: float | None = None) -> float:
        """Return the seconds for which a receiver that failed so often in a row is left alone.

        Parameters
        ----------
        failures : int
        rng : random.Random
            For the jitter.
        retry_after : float, optional
            What the receiver asked for: waited in full, up to the longest, and never less than the backoff.
        """
        asked = min(retry_after or 0.0, self.longest_retry_after)
        return max(min(self.longest_pause, self.wait(failures, rng=rng)), asked)

    def gives_up(self, failures: int, *, created_at: datetime, now: datetime) -> bool:
        """Whether a delivery that has failed so often is given up."""
        return failures >= self.attempts and now - created_at >= self.max_age
