"""Decisions in windows: a monitor counts its own steps from 0, people and programs are told the window."""

import re
from dataclasses import replace

from secondlaw.behavior.windows import window_label
from secondlaw.drift.monitors import Decision

__all__ = ["decision_in_windows", "window_name"]

_STEPS = re.compile(r"\bsteps? (\d+)(?: to (\d+))?")


def window_name(window: int, every: int | None) -> str:
    """Return when a window begins: a day, a moment in UTC, or its step.

    Examples
    --------
    >>> window_name(491_630, 3600), window_name(20_000, 86_400), window_name(7, None)
    ('2026-01-31 14:00 UTC', '2024-10-04', 'step 7')
    """
    said = window_label(window, every)
    return said if every is None or " " not in said else f"{said} UTC"


def decision_in_windows(decision: Decision, *, first: int, stride: int, every: int | None) -> Decision:
    """Return a decision that speaks of windows: its step, since when, where the change began, and its reason.

    Parameters
    ----------
    decision : Decision
        Of a monitor that counts its steps from 0.
    first, stride : int
        The window of step 0, and how many windows its steps are apart.
    every : int or None
        Length of a window in seconds; None: windows are steps.

    Examples
    --------
    >>> said = Decision(3, True, 9.0, 8.0, "drifting", since=3, reason="alarm at step 3, probably from step 1")
    >>> decision_in_windows(said, first=491_630, stride=1, every=3600).reason
    'alarm at 2026-01-31 17:00 UTC, probably from 2026-01-31 15:00 UTC'
    >>> decision_in_windows(said, first=100, stride=10, every=None).reason
    'alarm at step 130, probably from step 110'
    """

    def window(step: int) -> int:
        return first + step * stride

    def named(found: re.Match[str]) -> str:
        return " to ".join(window_name(window(int(part)), every) for part in found.groups() if part is not None)

    return replace(
        decision,
        step=window(decision.step),
        since=None if decision.since is None else window(decision.since),
        change_point=None if decision.change_point is None else window(decision.change_point),
        reason=_STEPS.sub(named, decision.reason),
    )
