r"""Which part of alpha a stream has: all of its own, or its share of one budget for the whole service.

``budget = "stream"``: alpha is a promise about each stream. ``budget = "service"``: about all streams together, those
that come up later included.

- *e-SR*: every series of the service has :math:`\alpha / J`, J being the series that there are (or ``streams``, if that
  is more). A part only ever shrinks, so that in T windows :math:`\alpha T` false alarms are expected at most, by all
  series together (:mod:`secondlaw.drift.monitoring_budget`).
- *e-process* and the universal detector promise the chance of ever one. A part that was given cannot be taken back, so
  the first ``streams`` streams have :math:`1 / (J + 1)` of alpha each and those after them share one such part,
  :math:`1 / (k (k + 1))` of it for the k-th. Parts sum to 1; the chance that any stream ever raises a false alarm, and
  the expected share of false ones among all alarms, are alpha at most, whatever the dependence between streams.

A stream's number never changes and is never given again, so that no promise is spent twice.
"""

from collections.abc import Sequence

from secondlaw.drift.monitoring_budget import lasting_part
from secondlaw.drift.monitoring_plan import MonitorPlan
from secondlaw.service.evaluation_settings import MONITOR, EvaluationSettings
from secondlaw.storage import MonitorRecord, Store

__all__ = ["of_one_run", "series_of_service", "shared_plan"]


def series_of_service(store: Store) -> int:
    """Return how many series are monitored in all streams; a stream on which nothing was decided is one."""
    return _series(store.monitors.list(states=False), len(store.streams.list()))


def _series(records: Sequence[MonitorRecord], streams: int) -> int:
    own = [one for one in records if one.name.startswith(f"{MONITOR}:")]
    return len(own) + streams - len({one.stream for one in own})


def shared_plan(plan: MonitorPlan, settings: EvaluationSettings, *, number: int, series: int) -> MonitorPlan:
    """Return the plan of one stream with its part of the budget.

    Parameters
    ----------
    plan : MonitorPlan
        As if the stream were alone.
    settings : EvaluationSettings
    number : int
        The stream's, from 1.
    series : int
        How many there are in the service.

    Examples
    --------
    >>> shared = EvaluationSettings(budget="service", streams=4)
    >>> shared_plan(MonitorPlan((False, True), alpha=1e-3), shared, number=9, series=10).alpha_of(0)
    0.0001
    """
    if settings.budget == "stream":
        return plan
    part = lasting_part(number - 1, streams=settings.streams, more_streams=True)
    if plan.shares_by_step:
        return plan.with_(streams=max(plan.streams, settings.streams, series), delta=plan.delta * part)
    return plan.with_(alpha=plan.alpha * part, delta=plan.delta * part)


def of_one_run(plan: MonitorPlan, settings: EvaluationSettings) -> MonitorPlan:
    """Return what of a plan a run of monitors holds to: J may grow under it where alpha is shared by step."""
    return plan.with_(streams=1) if settings.budget == "service" and plan.shares_by_step else plan
