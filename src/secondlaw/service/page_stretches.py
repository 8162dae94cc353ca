"""A period in stretches few enough to be drawn: each with its numbers, measured once and remembered.

Stretches begin at multiples of their length, so that a period that moves on keeps those that it had. Counts add up: a
stretch of several windows is measured as one cell, with the labels that people gave in it.
"""

import math
import threading
from datetime import timedelta
from functools import partial

from secondlaw.reports.stream_charts import Stretch
from secondlaw.service.numbers import Numbers, WindowNumbers, basis_of
from secondlaw.service.page_words import span_words
from secondlaw.service.remembering import Remembered
from secondlaw.storage import Store, Stream, Totals
from secondlaw.types import Insufficient

__all__ = ["RANGES", "STEP_RANGES", "Stretches", "chosen_period", "period_of", "stretches_of"]

MOST_STRETCHES = 48
REMEMBERED = 4096
RANGES = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30), "all": None}
"""Periods of streams whose windows are times; the second is shown unless another is asked for."""
STEP_RANGES = {"50": 50, "200": 200, "1000": 1000, "all": None}
"""Periods of streams whose windows are steps."""


def chosen_period(store: Store, stream: Stream, choice: str | None) -> tuple[tuple[str, ...], str, range]:
    """Return the names of the periods, the one that is shown, and its windows.

    Parameters
    ----------
    store : Store
    stream : Stream
    choice : str or None
        What was asked for; None or an unknown name: a week, or 200 steps.
    """
    choices = tuple(RANGES if stream.settings.every is not None else STEP_RANGES)
    chosen = choice if choice in choices else choices[1]
    return choices, chosen, period_of(stream, chosen, first=store.events.first_window(stream.name))


def period_of(stream: Stream, chosen: str, *, first: int | None) -> range:
    """Return the windows of a period that ends with the latest event.

    Parameters
    ----------
    stream : Stream
    chosen : str
        A key of :data:`RANGES` or :data:`STEP_RANGES`; another means all.
    first : int or None
        The stream's first window with an event.
    """
    latest = stream.latest_window
    if latest is None or first is None:
        return range(0)
    every = stream.settings.every
    if every is None:
        steps = STEP_RANGES.get(chosen)
        wanted = first if steps is None else latest - steps + 1
    else:
        length = RANGES.get(chosen)
        wanted = first if length is None else latest - max(1, math.ceil(length / timedelta(seconds=every))) + 1
    return range(max(wanted, first), latest + 1)


def stretches_of(period: range) -> list[range]:
    """Return a period as at most :data:`MOST_STRETCHES` stretches, cut at multiples of their length.

    Examples
    --------
    >>> stretches_of(range(10, 14))
    [range(10, 11), range(11, 12), range(12, 13), range(13, 14)]
    >>> stretches_of(range(10, 110))[:2]
    [range(10, 12), range(12, 15)]
    """
    size = max(1, math.ceil(len(period) / (MOST_STRETCHES - 1))) if len(period) > MOST_STRETCHES else 1
    starts = range(period.start - period.start % size, period.stop, size)
    return [range(max(start, period.start), min(start + size, period.stop)) for start in starts]


class Stretches:
    """Measures stretches and remembers them.

    Parameters
    ----------
    store : Store
    numbers : Numbers
    """

    def __init__(self, store: Store, numbers: Numbers) -> None:
        self._store, self._numbers = store, numbers
        self._known = Remembered[tuple[WindowNumbers, ...]](REMEMBERED)
        self._lock = threading.Lock()
        self._turns: dict[str, threading.Lock] = {}

    def measured(
        self, stream: Stream, period: range, *, model: str, totals: Totals
    ) -> tuple[tuple[Stretch, WindowNumbers | None], ...]:
        """Return the stretches of a period in which a model answered.

        Parameters
        ----------
        stream : Stream
        period : range
        model : str
        totals : Totals
            Of the period, of all models.
        """
        labels: dict[int, list[object]] = {}
        for one in self._store.labels.list(stream.name, period):
            labels.setdefault(one.window, []).append((one.event, one.annotator, one.label, one.machine_label))
        mine = totals.where(lambda series: series.model == model).windows
        found = []
        with self._lock:
            turn = self._turns.setdefault(stream.name, threading.Lock())
        with turn:  # two who ask at once have it measured once
            for windows in stretches_of(period):
                if not ((mine >= windows.start) & (mine < windows.stop)).any():
                    continue
                given = tuple(label for window in windows for label in labels.get(window, ())) if labels else ()
                measured = self._known.of(
                    (stream.name, windows),
                    partial(self._numbers.period, stream, windows),
                    made_from=(basis_of(stream, windows, totals.of_windows(windows)), given),
                )
                numbers = next((one for one in measured if one.model == model), None)
                found.append((_stretch(stream, windows, numbers), numbers))
        return tuple(found)


def _stretch(stream: Stream, windows: range, numbers: WindowNumbers | None) -> Stretch:
    every = stream.settings.every
    unit = 1.0 if every is None else 1000.0 * every
    start, end = windows.start * unit, windows.stop * unit
    if every is None:  # a step is drawn around its number
        start, end = start - 0.5, end - 0.5
    middle, when = (start + end) / 2, span_words(windows, every)
    if numbers is None:
        none = Insufficient("too few labelled responses")
        return Stretch(middle, start, end, when, 0, none, none, {})
    return Stretch(middle, start, end, when, numbers.n, numbers.entropy, numbers.misaligned, numbers.shares)
