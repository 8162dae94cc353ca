"""The numbers of the overview: of each stream's latest window, measured in the background and remembered.

They are those of the stream's own page, bootstrap and all. A closed window's seldom change; what is not measured yet
when a page is asked for is measured beside it, and the page says so.
"""

import logging
import threading
from collections.abc import Iterable, Set
from dataclasses import dataclass, field

from secondlaw.errors import SecondLawError
from secondlaw.service.numbers import Numbers, WindowNumbers
from secondlaw.storage import Stream

__all__ = ["LatestNumbers", "Wanted"]

PATIENCE = 0.08
"""Seconds that a page waits for numbers that are not measured yet."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A window whose numbers are asked for.

    Parameters
    ----------
    stream : Stream
    window : int
    basis : tuple
        What its numbers are made from (:func:`~secondlaw.service.numbers.basis_of`).
    """

    stream: Stream
    window: int
    basis: tuple[object, ...] = field(repr=False)


class LatestNumbers:
    """Measures the latest window of every stream, one after the other, in a thread that ends when all is done.

    Parameters
    ----------
    numbers : Numbers
    """

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        self._measured: dict[str, tuple[Wanted, tuple[WindowNumbers, ...]]] = {}
        self._waiting: dict[str, Wanted] = {}
        self._at_work = ""
        self._working: threading.Thread | None = None
        self._lock = threading.Lock()
        self.revision = 0
        """Grows with every window that was measured."""

    def of(self, stream: Stream) -> tuple[int, tuple[WindowNumbers, ...]] | None:
        """Return the window that was measured last, and its numbers by model; None before the first."""
        known = self._measured.get(stream.name)
        if known is None or known[0].stream.number != stream.number:  # of another stream that had this name
            return None
        return known[0].window, known[1]

    def is_pending(self, stream: str) -> bool:
        """Say whether a stream's numbers are being measured."""
        return stream in self._waiting or stream == self._at_work

    def ask(self, wanted: Iterable[Wanted]) -> None:
        """Have those measured that are not known, and wait for them a little."""
        with self._lock:
            for one in wanted:
                known = self._measured.get(one.stream.name)
                if known is None or (known[0].window, known[0].basis) != (one.window, one.basis):
                    self._waiting[one.stream.name] = one
            if self._waiting and self._working is None:
                self._working = threading.Thread(target=self._work, name="secondlaw-overview", daemon=True)
                self._working.start()
            working = self._working
        if working is not None:
            working.join(PATIENCE)

    def keep(self, streams: Set[str]) -> None:
        """Forget the numbers of all streams but these."""
        with self._lock:
            for name in self._measured.keys() - streams:
                del self._measured[name]

    def settle(self, seconds: float) -> None:
        """Wait until everything that was asked for is measured."""
        working = self._working
        if working is not None:
            working.join(seconds)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._working, self._at_work = None, ""
                    return
                name = self._at_work = next(iter(self._waiting))
                wanted = self._waiting.pop(name)
            try:
                found = self._numbers.windows(wanted.stream, range(wanted.window, wanted.window + 1))
            except SecondLawError:  # the stream was deleted, or the store is away: asked for again by the next page
                continue
            except Exception:
                _log.exception("the numbers of the stream %r could not be measured", name)
                found = ()  # those of the other streams can
            with self._lock:
                self._measured[name] = wanted, found
                self.revision += 1
