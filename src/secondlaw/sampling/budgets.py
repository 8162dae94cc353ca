"""What a sampling run may use up, and where it stands.

A budget is looked at before each request. Requests that are then under way are still answered, stored and counted, so
requests, tokens and cost may exceed their budget by what ``concurrency`` requests use. Time is kept: at its end,
questions under way are dropped. Tokens are those that the endpoint states; what failed tries used is not known.
"""

import math
from dataclasses import dataclass

from secondlaw.errors import InvalidInput
from secondlaw.sampling.replies import Reply

__all__ = ["Budget", "SamplingProgress"]

MILLION = 1e6


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run may use up, counted from its start or resumption; None means no bound.

    Parameters
    ----------
    requests, tokens : int or None
        Requests answered, tokens read and written.
    cost : float or None
        In the currency of the prices.
    prompt_price, completion_price : float
        Per million tokens.
    seconds : float or None
        Wall-clock time.

    Raises
    ------
    InvalidInput
        If a bound is not above 0, a price is negative, or a cost is bounded without prices.
    """

    requests: int | None = None
    tokens: int | None = None
    cost: float | None = None
    prompt_price: float = 0.0
    completion_price: float = 0.0
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name in ("requests", "tokens", "cost", "seconds"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise InvalidInput(f"a budget of {name} is above 0, got {value}; leave it out for no bound")
        for name in ("prompt_price", "completion_price"):
            value = getattr(self, name)
            if not (value >= 0.0 and math.isfinite(value)):
                raise InvalidInput(f"{name} is at least 0 per million tokens, got {value}")
        if self.cost is not None and self.prompt_price == self.completion_price == 0.0:
            raise InvalidInput("a cost budget needs the prices per million tokens: --prompt-price, --completion-price")

    @property
    def needs_usage(self) -> bool:
        """Whether the budget can only be kept if the endpoint says how many tokens it used."""
        return self.tokens is not None or self.cost is not None

    def price(self, reply: Reply) -> float:
        """Return what a reply costs, in the currency of the prices."""
        paid = reply.prompt_tokens * self.prompt_price + reply.completion_tokens * self.completion_price
        return paid / MILLION


@dataclass(slots=True)
class SamplingProgress:
    """Where a run stands; the engine updates it in place and hands it to the progress callback.

    Attributes
    ----------
    total, stored_before, stored : int
        Responses of the complete run, stored in earlier sessions, stored in this one.
    failed : int
        Questions of this session that could not be answered, each after all its tries.
    requests, prompt_tokens, completion_tokens, cost
        Used up in this session.
    last_failure : str or None
        What the last failed question failed of.
    seconds : float
        Since this session began.

    Examples
    --------
    >>> progress = SamplingProgress(total=100, stored_before=20, stored=40, seconds=10.0)
    >>> progress.done, progress.rate, progress.seconds_left
    (60, 4.0, 10.0)
    """

    total: int
    stored_before: int = 0
    stored: int = 0
    failed: int = 0
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    last_failure: str | None = None
    seconds: float = 0.0

    @property
    def done(self) -> int:
        """Responses stored, those of earlier sessions included."""
        return self.stored_before + self.stored

    @property
    def rate(self) -> float | None:
        """Responses a second, over this session; None before the first."""
        return self.stored / self.seconds if self.stored > 0 and self.seconds > 0.0 else None

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the run is complete at this session's rate; None before the first response."""
        rate = self.rate
        return None if rate is None else max(0, self.total - self.done) / rate

    def spent(self, budget: Budget) -> str | None:
        """Say which budget is spent, or None."""
        used: list[tuple[str, float, float | None]] = [
            ("requests", self.requests, budget.requests),
            ("tokens", self.prompt_tokens + self.completion_tokens, budget.tokens),
            ("cost", self.cost, budget.cost),
            ("seconds", self.seconds, budget.seconds),
        ]
        for name, now, limit in used:
            if limit is not None and now >= limit:
                return f"{name}: {_shown(now)} of {_shown(limit)}"
        return None


def _shown(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
