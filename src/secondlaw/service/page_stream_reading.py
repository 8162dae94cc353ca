"""What a stream's page shows, read from the store: state, numbers, decisions, marks, and what was spent of alpha."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from secondlaw.drift.monitoring import MonitorSet
from secondlaw.errors import SecondLawError
from secondlaw.reports.stream_charts import ChartFrame, Mark
from secondlaw.service.evaluation_settings import MONITOR, EvaluationSettings, taxonomy_of
from secondlaw.service.evaluation_standing import series_monitor
from secondlaw.service.page_board import began_of, model_of
from secondlaw.service.page_stream import Budget, Came, StreamView
from secondlaw.service.page_stretches import Stretches, chosen_period
from secondlaw.service.page_words import reason_words, span_words, window_words
from secondlaw.service.states import state_of
from secondlaw.storage import Alarm, MonitorRecord, Store, Stream, Totals

__all__ = ["stream_view"]

MOST_ALARMS = 200


def stream_view(
    store: Store,
    stretches: Stretches,
    stream: Stream,
    *,
    default: EvaluationSettings,
    series: str | None,
    choice: str | None,
    now: datetime,
) -> StreamView:
    """Return what the page of a stream shows.

    Parameters
    ----------
    store : Store
    stretches : Stretches
    stream : Stream
    default : EvaluationSettings
        For what the stream's settings leave out.
    series : str or None
        The series; None: the one that stands worst.
    choice : str or None
        The period; None: a week, or 200 steps.
    now : datetime
    """
    every = stream.settings.every
    choices, chosen, period = chosen_period(store, stream, choice)
    records = store.monitors.list(stream.name)
    alarms = store.alarms.list(stream=stream.name, limit=MOST_ALARMS)
    still_open = [one for one in alarms if one.status == "open"]
    arrived = store.events.arrivals(stream.name, period)
    totals = store.counts.totals(stream.name, period)
    own = [one for one in records if one.name.startswith(f"{MONITOR}:") and one.decision is not None]
    names = tuple(one.name.removeprefix(f"{MONITOR}:") for one in own)
    if series not in names:
        series = state_of(stream, own, still_open, now=now, default=default).series or (names[0] if names else "")
    mine = [one for one in own if one.name == f"{MONITOR}:{series}"]
    stands = [*mine, *(one for one in records if one.name == MONITOR)]
    of_series = tuple(one for one in alarms if one.monitor == f"{MONITOR}:{series}") if series else ()
    state = state_of(stream, stands, [one for one in of_series if one.status == "open"], now=now, default=default)
    model = model_of(f"{MONITOR}:{series}", totals) if series else _commonest(totals)
    settings = EvaluationSettings.of(stream.settings, default)
    newest = next((one for one in of_series if one.status == "open" and one.kind == "drift"), None)
    began = began_of(newest, every) if newest is not None else ""
    shown = _shown(period, mine)
    parts = (arrived.received, arrived.no_text, arrived.late, arrived.poisoned)
    received, no_text, late, poisoned = (int(part.sum()) for part in parts)
    return StreamView(
        stream=stream,
        taxonomy=taxonomy_of(stream.settings),
        settings=settings,
        state=state,
        since=window_words(state.since, every, now=now),
        reason=reason_words(state.reason, has_began=bool(began), now=now),
        began=began,
        choice=chosen,
        choices=choices,
        period=period,
        period_words=span_words(period, every) if len(period) else "",
        series=series or "",
        all_series=names,
        model=model,
        numbers=stretches.measured(stream, period, model=model, totals=totals) if len(period) else (),
        decisions=store.monitors.decisions(stream.name, mine[0].name, shown) if mine and len(period) else (),
        frame=_frame(shown, of_series, every),
        alarms=of_series,
        budget=_budget(records, series or "", settings),
        came=Came(received, no_text, late, poisoned, stream.queued),
        classifiers=_classifiers(totals, model, every),
    )


def _shown(period: range, records: Sequence[MonitorRecord]) -> range:
    """Return the windows that charts span: some silence after the last event is shown, too, as it is decided on."""
    decided = max((one.last_window + 1 for one in records if one.last_window is not None), default=period.stop)
    return range(period.start, max(period.stop, min(decided, period.stop + max(len(period) // 4, 3))))


def _commonest(totals: Totals) -> str:
    if not len(totals):
        return ""
    sums = np.zeros(len(totals.series))
    np.add.at(sums, totals.code, totals.table.sum(axis=1))
    by_model: dict[str, float] = {}
    for one, n in zip(totals.series, sums.tolist(), strict=True):
        by_model[one.model] = by_model.get(one.model, 0.0) + n
    return max(by_model, key=lambda name: by_model[name])


def _frame(period: range, alarms: Sequence[Alarm], every: int | None) -> ChartFrame:
    unit = 1.0 if every is None else 1000.0 * every
    edge = -0.5 if every is None else 0.0
    marks = []
    for alarm in alarms:
        if alarm.kind not in ("drift", "missing", "changed"):
            continue
        # An alarm is raised when its window is over; what ends or begins does so with its first event.
        at = (alarm.window + (1 if alarm.kind == "drift" and every is not None else 0)) * unit
        marks.append(Mark(alarm.kind, at, _began(alarm, every)))  # type: ignore[arg-type]
    return ChartFrame(period.start * unit + edge, period.stop * unit + edge, every is not None, tuple(marks))


def _began(alarm: Alarm, every: int | None) -> tuple[float, float, float] | None:
    stated: Mapping[str, Any] = (alarm.details.get("explanation") or {}).get("began") or {}
    if alarm.kind != "drift" or "first" not in stated:
        return None
    values = [stated[name] for name in ("first", "earliest", "latest")]
    if every is None:
        return float(values[0]), float(values[1]) - 0.5, float(values[2]) + 0.5
    first, low, high = (1000.0 * datetime.fromisoformat(str(value)).astimezone(UTC).timestamp() for value in values)
    return first, low, high + 1000.0 * every


def _budget(records: Sequence[MonitorRecord], series: str, settings: EvaluationSettings) -> Budget | None:
    record = next((one for one in records if one.name == MONITOR), None)
    if record is None or record.state is None:
        return None
    try:
        monitors = MonitorSet.from_state(record.state["monitors"])
    except SecondLawError:
        return None
    budget = monitors.budget
    key = next((one for one in monitors.series if series_monitor(one) == f"{MONITOR}:{series}"), None)
    own = None if key is None else budget["series"].get(str(key))
    if own is None or record.last_window is None or not budget["guaranteed"]:
        return Budget(budget["promise"], None, None, 0, 1)
    steps = (record.last_window - record.state["first"]) // int(record.settings.get("stride", 1)) + 1
    watched = max(steps - settings.baseline_steps, 0)
    return Budget(budget["promise"], float(own["alpha"]), own.get("allowed"), watched, int(own.get("run", 1)))


def _classifiers(totals: Totals, model: str, every: int | None) -> tuple[tuple[str, str], ...]:
    """Return the classifiers of a model with their first windows, in order."""
    found: dict[str, int] = {}
    for code, window in zip(totals.code.tolist(), totals.windows.tolist(), strict=True):
        one = totals.series[code]
        if one.model == model:
            found[one.classifier] = min(found.get(one.classifier, window), window)
    ordered = sorted(found.items(), key=lambda pair: pair[1])
    return tuple((name, window_words(window, every)) for name, window in ordered)
