r"""How the series of a source share one budget, those that come up later included.

*e-SR*: at every step each series has :math:`\alpha / J`, J being the series that have come up so far, or those that
were announced if they are more. Nothing has to be held back: without drift evidence M grows by one a step at most, in
expectation, so that :math:`\sum_j \alpha_j M_j + \#\text{alarms} - \sum_t \sum_j \alpha_j(t)` does not grow on
average as long as no part ever does: alarms by step T are :math:`\alpha T` at most, whenever series come up.

*e-process*, the universal detector, and delta: what is promised is the chance of ever one, so that a part that was
given cannot be taken back. The J announced series have :math:`1 / (J + 1)` each, and all later ones share one further
part: :math:`1 / ((J + 1) k (k + 1))` for the k-th.
"""

import math
from typing import TYPE_CHECKING

from secondlaw.errors import InvalidInput

if TYPE_CHECKING:
    from secondlaw.drift.monitoring_plan import MonitorPlan

__all__ = ["alpha_words", "lasting_part", "part_of_alpha", "promise_words"]

_NO_GUARANTEE = "no false-alarm guarantee"


def lasting_part(place: int, *, streams: int, more_streams: bool) -> float:
    """Return the part of a budget that the series with this place (from 0) has for good.

    Raises
    ------
    InvalidInput
        If it is one more than those that the budget is for.

    Examples
    --------
    >>> [round(lasting_part(place, streams=2, more_streams=True), 3) for place in range(4)]
    [0.333, 0.333, 0.167, 0.056]
    """
    if place < streams:
        return 1.0 / (streams + more_streams)
    if not more_streams:
        raise InvalidInput(
            f"series {place + 1} came up, the budget is for {streams}: begin anew with --streams {place + 1}"
        )
    extra = place - streams + 1
    return 1.0 / ((streams + 1) * extra * (extra + 1))


def part_of_alpha(plan: "MonitorPlan", place: int, *, seen: int) -> float:
    """Return the part of alpha that the series with this place has while `seen` series have come up.

    Parameters
    ----------
    plan : MonitorPlan
    place : int
        From 0, in the order in which series come up.
    seen : int
        Series that have come up so far, this one included.

    Examples
    --------
    >>> from secondlaw.drift.monitoring_plan import MonitorPlan
    >>> plan = MonitorPlan((False, True), more_streams=True)
    >>> [part_of_alpha(plan, 0, seen=seen) for seen in (1, 2, 4)]
    [1.0, 0.5, 0.25]
    """
    lasting = lasting_part(place, streams=plan.streams, more_streams=plan.more_streams)
    return 1.0 / max(plan.streams, seen) if plan.shares_by_step else lasting


def promise_words(plan: "MonitorPlan") -> str:
    """Say what is promised of false alarms, in one sentence."""
    together = "" if plan.streams == 1 and not plan.more_streams else " by all series together"
    risk = plan.alpha + plan.delta
    if plan.detector == "universal":
        return f"a false alarm is ever raised{together} with probability {risk:g} at most, if responses are independent"
    if plan.detector != "betting":
        return f"{plan.detector}: {_NO_GUARANTEE}"
    if plan.shares_discoveries:
        return f"of all alarms{together}, a share of {risk:g} at most is expected to be false"
    if plan.promise == "e-process":
        return f"a false alarm is ever raised with probability {risk:g} at most"
    doubt = f", except with probability {plan.delta:g} over baselines" if plan.delta else ""
    return f"at most {plan.alpha:g} false alarms a step are expected{together}{doubt}: 1 in {1 / plan.alpha:,.0f}"


def alpha_words(plan: "MonitorPlan", *, seen: int) -> str:
    """Say where a series alarms, and which part of the budget it has; empty without a guarantee.

    Parameters
    ----------
    plan : MonitorPlan
    seen : int
        Series that have come up so far; 0 before the first.

    Examples
    --------
    >>> from secondlaw.drift.monitoring_plan import MonitorPlan
    >>> alpha_words(MonitorPlan((False, True), more_streams=True), seen=2)
    'threshold ln(1/alpha_stream) = 9.90 with alpha_stream = alpha / 2 = 5e-05: alpha is shared by the series so far'
    """
    if not plan.is_guaranteed:
        return ""
    part = part_of_alpha(plan, 0, seen=max(seen, 1))
    alpha = plan.alpha * part
    among = f"alpha / {1 / part:.0f} = {alpha:g}" if part < 1.0 else f"alpha = {alpha:g}"
    if plan.shares_by_step:
        why = "the series so far" if seen >= plan.streams else f"{plan.streams} expected series"
        where = f"threshold ln(1/alpha_stream) = {-math.log(alpha):.2f} with alpha_stream = {among}"
        return f"{where}: alpha is shared by {why}"
    kept = f"one part in {plan.streams + 1} is kept for series that come up later" if plan.more_streams else ""
    beside = "less is asked beside other alarms" if plan.shares_discoveries else ""
    notes = "; ".join(note for note in ("half of it for the first run", kept, beside) if note)
    return f"threshold ln(2/alpha_stream) = {math.log(2.0 / alpha):.2f} with alpha_stream = {among}: {notes}"
