"""How a growing log is cut into steps: as asked, and as its first row allows."""

from dataclasses import replace
from typing import Any

from secondlaw.behavior import window_seconds
from secondlaw.drift.step_counts import StepRow
from secondlaw.drift.step_counts_policy import StepPolicy
from secondlaw.pipeline.monitoring import lateness_of
from secondlaw.pipeline.settings import Settings

__all__ = ["how_cut", "policy_of"]


def policy_of(settings: Settings, first: StepRow, *, stride: int) -> StepPolicy:
    """Return how a log is cut, told by its first row: rows per step, else the step that it states, else time.

    Raises
    ------
    InvalidInput
        If nothing says what a step is, or lateness is written for another kind of steps.
    """
    every = None if settings.every is None else window_seconds(settings.every)
    policy = StepPolicy.of(
        has_step=first.step is not None, every=every, rows_per_step=settings.rows_per_step, stride=stride
    )
    if policy.kind == "rows":
        return policy
    return replace(policy, lateness=lateness_of(settings.lateness, by_step=policy.kind == "step"))


def how_cut(settings: Settings, *, model: str | None, stride: int) -> dict[str, Any]:
    """Return what a remembered state must agree with to be gone on from."""
    return {
        "every": settings.every,
        "rows_per_step": settings.rows_per_step,
        "lateness": settings.lateness,
        "stride": stride,
        "model": model,
        "taxonomy": settings.taxonomy,
    }
