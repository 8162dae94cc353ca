"""Where a stream's monitors stand: as their stored state says, or, where another version wrote it, as counts say.

Counts are the record. A state that this program cannot go on from (other bets, other fields) is made anew from the
totals of the windows that were decided on; nothing that was told is told again, and an alarm that only the replay sees
is raised by the windows to come.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from secondlaw.behavior.counts import Counts
from secondlaw.drift.monitoring import MonitorSet, SeriesKey
from secondlaw.drift.monitoring_plan import MonitorPlan
from secondlaw.errors import InvalidInput, SecondLawError
from secondlaw.pipeline.stored_steps import steps_of_counts
from secondlaw.service.evaluation_settings import MONITOR
from secondlaw.storage import MonitorRecord, Store, Stream, Totals

__all__ = ["Standing", "is_planned_so", "series_monitor", "standing_of"]

AT_ONCE = 500
"""Windows replayed from one reading of the store."""
_log = logging.getLogger(__name__)


def series_monitor(key: SeriesKey) -> str:
    """Return the name under which a series' decisions are stored.

    Examples
    --------
    >>> series_monitor(SeriesKey("chat", "gpt-x", "benign"))
    'drift:gpt-x/benign'
    """
    return f"{MONITOR}:{key.model}/{key.part}" if key.part else f"{MONITOR}:{key.model}"


@dataclass(slots=True)
class Standing:
    """Where the monitors of a stream stand.

    Parameters
    ----------
    monitors : MonitorSet
    first : int or None
        The window of step 0, once there is one.
    models : list of str
        Seen so far: a window without one of them is a step of zero counts.
    windows : dict
        Of each series' monitor: the last window decided on.
    """

    monitors: MonitorSet
    first: int | None = None
    models: list[str] = field(default_factory=list)
    windows: dict[str, int | None] = field(default_factory=dict)

    def to_state(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"monitors": self.monitors.to_state(), "first": self.first, "models": self.models}


def is_planned_so(stated: Mapping[str, Any], plan: MonitorPlan, *, stride: int, budget: str = "stream") -> bool:
    """Whether a monitor was made by a plan; settings that it does not state have their defaults.

    Examples
    --------
    >>> plan = MonitorPlan((False, True))
    >>> stated = plan.to_dict() | {"stride": 1}
    >>> del stated["restarts"]  # as a version wrote it that did not know of it
    >>> is_planned_so(stated, plan, stride=1), is_planned_so(stated, plan.with_(alpha=0.5), stride=1)
    (True, False)
    """
    known = dict(stated)
    beside = known.pop("stride", 1), known.pop("budget", "stream")
    try:
        return beside == (stride, budget) and MonitorPlan.from_dict(known) == plan
    except (KeyError, TypeError, AttributeError, SecondLawError):
        return False


def standing_of(
    store: Store, stream: Stream, record: MonitorRecord, plan: MonitorPlan, *, stride: int, renew: Callable[[], object]
) -> Standing:
    """Return where a stream's monitors stand.

    Parameters
    ----------
    store : Store
    stream : Stream
    record : MonitorRecord
        The stream's monitor, made by `plan`.
    plan : MonitorPlan
    stride : int
    renew : callable
        Called now and then during a long replay: keeps the stream's lease.
    """
    last = {one.name: one.last_window for one in store.monitors.list(stream.name, states=False)}
    if record.state is None:
        first = None if record.last_window is None else record.last_window + stride
        return Standing(MonitorSet(plan), first, windows=last)
    try:
        monitors = MonitorSet.from_state(record.state["monitors"])
        monitors.name_categories(plan.categories)
        return Standing(monitors, record.state["first"], list(record.state["models"]), last)
    except (InvalidInput, KeyError, TypeError, ValueError) as error:
        _log.warning("stream %s: its monitors' state cannot be gone on from (%s); replaying counts", stream.name, error)
    first = record.state.get("first")
    if not isinstance(first, int) or record.last_window is None:
        return Standing(MonitorSet(plan), None if record.last_window is None else record.last_window + stride,
                        windows=last)  # fmt: skip
    found = Standing(MonitorSet(plan), first, windows=last)
    _replay(store, stream, found, range(first, record.last_window + 1), stride=stride, renew=renew)
    return found


def _replay(
    store: Store, stream: Stream, standing: Standing, windows: range, *, stride: int, renew: Callable[[], object]
) -> None:
    """Give monitors the windows that were decided on."""
    decided: set[int] = set()
    said_last: dict[str, str] = {}
    for name in standing.windows:
        records = store.monitors.decisions(stream.name, name, windows)
        decided |= {one.window for one in records}
        if records:
            said_last[name] = records[-1].verdict
    todo = sorted(decided)
    verdicts: dict[SeriesKey, str] = {}
    for begin in range(0, len(todo), AT_ONCE):
        renew()
        some = todo[begin : begin + AT_ONCE]
        counts = _counts(store.counts.totals(stream.name, range(some[0], some[-1] + 1)))
        steps = steps_of_counts(
            counts, some, stream=stream.name, known=standing.models, first=standing.first or 0, stride=stride
        )
        standing.models = list(dict.fromkeys([*standing.models, *(step.model for step in steps)]))
        for said in standing.monitors.observe_all(steps):
            verdicts[said.series] = said.decision.verdict
    for key, verdict in verdicts.items():
        if verdict == "drifting" and said_last.get(series_monitor(key)) != "drifting":
            standing.monitors.restart(key)  # nobody was told: if it drifts, the windows to come raise the alarm


def _counts(totals: Totals) -> Counts:
    """Return totals as counts in which every series is one cluster: monitors tell none apart, and old ones are gone."""
    series: Sequence[tuple[str, str, str, str, str]] = [
        (one.stream, one.model, one.prompt_set, one.intent, one.classifier) for one in totals.series
    ]
    return Counts.from_columns(
        totals.keys,
        every=totals.every,
        series=series,
        code=totals.code.astype(np.int64),
        windows=totals.windows,
        clusters=np.zeros(len(totals), dtype=np.uint64),
        table=totals.table,
    )
