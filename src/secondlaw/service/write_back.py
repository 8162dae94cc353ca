"""Verdicts sent back while labelling goes on: kept for a moment, sent in groups, tried a few times, then given up.

Labelling never waits for it. What waits is in memory alone, so each verdict is sent once at most and a kill loses some:
the counts are the record, and a collector that was away is no reason to label anything twice.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from secondlaw.errors import EndpointError
from secondlaw.service.classifying import Verdict
from secondlaw.service.evaluation_results import EvaluationResult, result_of_label, send_evaluations

__all__ = ["WriteBack"]

WAITING = 20_000
"""Verdicts that may wait; more push out the oldest."""
TOGETHER = 500
TRIES = 4
PAUSE = 2.0
"""Seconds before the second try; each further pause is twice as long."""
SECONDS = 10.0
"""For one message."""
_log = logging.getLogger(__name__)


class WriteBack:
    """Sends verdicts to a collector.

    Parameters
    ----------
    endpoint : str
        OTLP/HTTP address, with or without ``/v1/logs``.
    headers : mapping
        For each message, such as an authorization.
    clock : callable
        The time, with its zone.

    Attributes
    ----------
    sent, lost : int
        Verdicts that the collector took; that were given up.
    last_error : str
    """

    def __init__(
        self, endpoint: str, *, clock: Callable[[], datetime], headers: Mapping[str, str] | None = None
    ) -> None:
        self._endpoint = endpoint.rstrip("/").removesuffix("/v1/logs")
        self._headers, self._clock = dict(headers or {}), clock
        self._waiting: deque[EvaluationResult] = deque()
        self._lock, self._news = threading.Lock(), threading.Event()
        self.sent = self.lost = 0
        self.last_error = ""

    def offer(self, verdicts: Sequence[Verdict]) -> None:
        """Take verdicts to be sent; those of events that did not come by OTLP are passed over. Never waits."""
        now = self._clock()
        found = [
            result_of_label(one.event, one.label, classifier=one.classifier, at=now, probs=one.probabilities)
            for one in verdicts
        ]
        with self._lock:
            self._waiting.extend(one for one in found if one is not None)
            while len(self._waiting) > WAITING:
                self._waiting.popleft()
                self.lost += 1
        self._news.set()

    def run(self, stopped: Callable[[], bool], wait: Callable[[float], object]) -> None:
        """Send until told to stop; what waits then gets one more try.

        Parameters
        ----------
        stopped : callable
        wait : callable
            Waits for so many seconds, or until told to stop.
        """
        import httpx

        with httpx.Client(timeout=SECONDS) as client:
            while not stopped():
                self._news.wait(1.0)
                self._news.clear()
                self._send_all(client, stopped, wait)
            self._send_all(client, stopped, wait)

    def _send_all(self, client: object, stopped: Callable[[], bool], wait: Callable[[float], object]) -> None:
        while group := self._next():
            for tries in range(TRIES):
                if self._sent(client, group):
                    break
                if stopped() or tries == TRIES - 1:
                    self.lost += len(group)
                    _log.warning("%d verdicts were not written back: %s", len(group), self.last_error)
                    break
                wait(PAUSE * 2**tries)
            if self.last_error and stopped():
                return

    def _next(self) -> list[EvaluationResult]:
        with self._lock:
            return [self._waiting.popleft() for _ in range(min(TOGETHER, len(self._waiting)))]

    def _sent(self, client: object, group: Sequence[EvaluationResult]) -> bool:
        try:
            send_evaluations(group, client=client, endpoint=self._endpoint, headers=self._headers)  # type: ignore[arg-type]
        except EndpointError as error:
            self.last_error = str(error)
            return False
        self.sent += len(group)
        self.last_error = ""
        return True
