"""Which streams rest: since they were last looked at, no window of theirs can have closed."""

from collections.abc import Callable, Set
from datetime import datetime

from secondlaw.service.evaluation_settings import EvaluationSettings
from secondlaw.service.evaluation_windows import next_boundary
from secondlaw.storage import Stream

__all__ = ["Resting"]


class Resting:
    """Remembers of streams how they stood when nothing was to be decided on: a lease costs two transactions.

    Parameters
    ----------
    clock : callable
        The time, with its zone.
    default : EvaluationSettings
        For what a stream's settings leave out.
    """

    def __init__(self, clock: Callable[[], datetime], default: EvaluationSettings) -> None:
        self._clock, self._default = clock, default
        self._nothing: dict[str, tuple[object, ...]] = {}

    def stands(self, stream: Stream) -> tuple[object, ...] | None:
        """Return how a stream stands; None if no window of it can have closed.

        Raises
        ------
        InvalidInput
            If its settings cannot be used.
        """
        settings = EvaluationSettings.of(stream.settings, self._default)
        if not settings.enabled or stream.latest_window is None:
            return None
        stands = (stream.number, stream.settings, next_boundary(stream, settings, self._clock()))
        rests = self._nothing.get(stream.name) in (stands, (*stands, stream.last_received_at))
        return None if rests and not stream.queued else stands

    def rest(self, stream: Stream, stands: tuple[object, ...], *, begun: bool) -> None:
        """Say that nothing was to be decided on.

        Parameters
        ----------
        stream : Stream
            As it was read before that was found out.
        stands : tuple
            How it stood before.
        begun : bool
            Whether anything was ever decided on; before, an event that comes late may be the first of all.
        """
        if not stream.queued:  # a label may come at any time
            self._nothing[stream.name] = stands if begun else (*stands, stream.last_received_at)

    def keep(self, streams: Set[str]) -> None:
        """Forget all streams but these."""
        for name in self._nothing.keys() - streams:
            del self._nothing[name]
