"""Which windows of a stream have closed: over for some time, with every event of theirs labelled."""

import math
from datetime import datetime, timedelta

import numpy as np

from secondlaw.service.evaluation_settings import EvaluationSettings
from secondlaw.storage import Store, Stream

__all__ = ["closed_windows", "next_boundary"]

MOST_EMPTY = 2000
"""Empty windows in a row that are decided on one by one; a longer silence is one long gap to a monitor, and what lies
before one when a stream is first looked at is left out: events of 1970 come from clocks that are not set."""


def closed_windows(
    store: Store, stream: Stream, settings: EvaluationSettings, *, last: int | None, first: int | None, now: datetime
) -> list[int]:
    """Return the windows to be decided on next, ascending.

    Where windows are times, one is over when its end and the grace have passed. Where they are steps, one is over when
    an event of a later one has come, the latest when nothing came for a while. A window with events that wait for their
    label stays open, and all after it, until they have it or patience ends.

    Parameters
    ----------
    store : Store
    stream : Stream
    settings : EvaluationSettings
    last : int or None
        The last window that was decided on.
    first : int or None
        The first, if that is known.
    now : datetime
    """
    if stream.latest_window is None:
        return []
    begin = first
    if last is not None:
        begin = last + settings.stride
    if begin is None:
        begin = _beginning(store, stream, settings)
    windows = range(begin, next_boundary(stream, settings, now), settings.stride)
    over = list(windows) if len(windows) <= MOST_EMPTY else _of_many(store, stream, windows)
    if not over or not stream.queued:
        return over
    return over[: _labelled(store, stream, settings, over, now)]


def _beginning(store: Store, stream: Stream, settings: EvaluationSettings) -> int:
    """Return the window that monitoring begins with: the first with an event, of times after the last long gap."""
    arrived = store.events.arrivals(stream.name).windows
    if not len(arrived):
        return stream.latest_window or 0
    if stream.settings.every is None:  # no clock is wrong
        return int(arrived[0])
    gaps = np.flatnonzero(np.diff(arrived) > MOST_EMPTY * settings.stride)
    return int(arrived[gaps[-1] + 1] if len(gaps) else arrived[0])


def _of_many(store: Store, stream: Stream, windows: range) -> list[int]:
    """Return the next of very many windows, or the last of a long gap."""
    near = windows[:MOST_EMPTY]
    if len(store.events.arrivals(stream.name, range(near.start, near[-1] + 1)).windows):
        return list(near)
    later = store.events.arrivals(stream.name, range(near[-1] + 1, windows.stop)).windows
    if len(later):
        windows = range(windows.start, int(later.min()), windows.step)
    return [windows[-1]]


def next_boundary(stream: Stream, settings: EvaluationSettings, now: datetime) -> int:
    """Return the first window that is not over."""
    latest, every = stream.latest_window or 0, stream.settings.every
    if every is not None:
        return math.floor((now.timestamp() - settings.grace) / every)
    received = stream.last_received_at
    idle = received is not None and now - received >= timedelta(seconds=settings.idle)
    return latest + 1 if idle else latest


def _labelled(store: Store, stream: Stream, settings: EvaluationSettings, over: list[int], now: datetime) -> int:
    """Return how many of the windows have no event that waits for its label, from the first on."""
    span = range(over[0], over[-1] + 1)
    arrived = store.events.arrivals(stream.name, span)
    windows, table = store.counts.totals(stream.name, span).by_window()
    counted = dict(zip(windows.tolist(), np.asarray(table).sum(axis=1).tolist(), strict=True))
    expected = arrived.received - arrived.no_text - arrived.poisoned
    wait = {w for w, n in zip(arrived.windows.tolist(), expected.tolist(), strict=True) if counted.get(w, 0) < n}
    every = stream.settings.every
    for place, window in enumerate(over):
        if window not in wait:
            continue
        if every is None or now.timestamp() - (window + 1) * every < settings.patience:
            return place
    return len(over)
