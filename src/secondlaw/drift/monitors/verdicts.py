"""What a betting monitor says, in the same words live and in replay."""

import math
from dataclasses import replace

from secondlaw.drift.monitors.decision import Decision
from secondlaw.drift.monitors.settings import BettingSettings

__all__ = ["after_gap", "changed", "empty_since", "learning", "missing", "monitored"]


def learning(step: int, n: int, seen: int, threshold: float, settings: BettingSettings) -> Decision:
    """Return the decision of a step that goes into the baseline."""
    wanted = settings.baseline_steps
    more = f"{seen} of {wanted} steps seen" if seen < wanted else f"{seen} steps seen, many of them too small for a bet"
    return Decision(step, False, -math.inf, threshold, "baseline", n=n, reason=f"learning what is normal: {more}")


def missing(step: int, since: int, first: bool, evidence: float, threshold: float) -> Decision:
    """Return the decision of a step at which nothing was seen: an alarm of its own when it is the first."""
    reason = f"monitored, n = 0: nothing was seen since step {since}"
    return Decision(step, first, evidence, threshold, "missing", since=since, n=0, reason=reason)


def empty_since(before: int | None, now: int, skipped: int | None) -> int:
    """Return when the stretch of empty steps began that this step is in.

    Examples
    --------
    >>> empty_since(None, 9, None), empty_since(None, 9, 7), empty_since(4, 9, 7)
    (9, 7, 4)
    """
    return before if before is not None else now if skipped is None else skipped


def after_gap(decision: Decision, skipped: int | None) -> Decision:
    """Return the decision of a step before which some were left out: an alarm of its own, unless it alarms already."""
    if skipped is None or decision.alarm:
        return decision
    gap = f"nothing was seen at steps {skipped} to {decision.step - 1}"
    return replace(decision, alarm=True, verdict="missing", since=skipped, reason=f"{gap}; {decision.reason}")


def changed(decision: Decision, reason: str) -> Decision:
    """Return the decision of the first step of what is measured otherwise than before."""
    return replace(decision, alarm=True, verdict="changed", since=decision.step, reason=reason)


def monitored(
    step: int, n: int, evidence: float, threshold: float, since: int | None, score: str, change_point: int | None
) -> Decision:
    """Return the decision of a step that was bet on, or that waits for more responses."""
    if since is None:
        reason = "monitored, no drift found"
        return Decision(step, False, evidence, threshold, "quiet", score=score, n=n, reason=reason)
    began = "" if change_point is None else f", probably from step {change_point}"
    reason = f"{score} has left its baseline: alarm at step {since}{began}"
    alarm = since == step
    return Decision(step, alarm, evidence, threshold, "drifting", since, score, n, change_point, reason)
