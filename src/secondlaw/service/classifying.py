"""Labelling what waits: batches leased from the queue on disk, judged in processes of their own, counted exactly once.

Ingest never waits for it. A process that dies (out of memory, a text that crashes the model) costs the batch one
attempt: its events are then judged one by one, so that the one at fault is put aside and the others are not. A service
that is killed leaves leases that run out, and the events are leased again.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import NamedTuple

from secondlaw.behavior.transcripts import Transcript
from secondlaw.errors import InvalidInput, LeaseLost, SecondLawError
from secondlaw.service.classifier_pool import ClassifierPool, Label, Task
from secondlaw.service.evaluation_settings import taxonomy_of
from secondlaw.storage import Batch, QueuedEvent, Store

__all__ = ["Labeller", "Verdict"]

BATCH = 64
"""Events leased at once for one process: half a minute's work of the embedded classifier, at most."""
LEASED = 60.0
"""Seconds for which they are leased, and leased again while they are judged."""
RETRY = 5.0
"""Seconds until an event that failed is tried again."""
_log = logging.getLogger(__name__)


class Verdict(NamedTuple):
    """What was counted for an event."""

    event: Transcript
    label: str
    classifier: str
    probabilities: dict[str, float] | None


class Labeller:
    """Empties the queue of a store.

    Parameters
    ----------
    store : Store
    pool : ClassifierPool
    owner : str
        Who leases: one name a replica.
    limit : int
        Events leased at once for one process.
    leased : float
        Seconds for which they are leased; so long they wait after a kill.
    monotonic : callable
        Seconds that only grow.
    counted : callable
        Hears the verdicts that were counted, and must not wait.

    Attributes
    ----------
    labelled : int
        Events counted so far.
    trouble : str
        Why nothing can be labelled at the moment; empty while it can.
    """

    def __init__(
        self, store: Store, pool: ClassifierPool, *, owner: str, limit: int = BATCH,
        leased: float = LEASED,
        monotonic: Callable[[], float] = time.monotonic,
        counted: Callable[[Sequence[Verdict]], object] = lambda verdicts: None,
    ) -> None:  # fmt: skip
        self._store, self._pool, self._owner, self._limit, self._counted = store, pool, owner, limit, counted
        self._leased, self._monotonic = leased, monotonic
        self._since: dict[str, float] = {}  # when each batch under way was leased last, by token
        self.labelled = 0
        self.trouble = ""

    def run(self, stopped: Callable[[], bool], wait: Callable[[float], object]) -> None:
        """Label until told to stop; batches under way are given back.

        Parameters
        ----------
        stopped : callable
        wait : callable
            Waits for so many seconds, or until there is something to do.
        """
        under_way: list[tuple[Batch, Future[tuple[str, list[Label]]]]] = []
        try:
            while not stopped():
                while len(under_way) <= self._pool.workers:  # one more than processes, so that none waits for work
                    batch = self._lease()
                    if not batch.items:
                        break
                    under_way.append((batch, self._pool.submit(self._tasks(batch.items))))
                if not under_way:
                    wait(0.5)
                    continue
                if not _is_done(under_way[0][1], 1.0):
                    under_way = [(self._held(batch), future) for batch, future in under_way]
                    continue
                batch, future = under_way.pop(0)
                self._finish(batch, future)
                if self.trouble:
                    self._pool.renew()
                    wait(RETRY)
        finally:
            for batch, future in under_way:
                future.cancel()
                self._store.queue.release(batch)

    def run_once(self) -> int:
        """Label one batch and return how many events were counted."""
        batch = self._lease()
        if not batch.items:
            return 0
        before = self.labelled
        self._finish(batch, self._pool.submit(self._tasks(batch.items)))
        return self.labelled - before

    def _finish(self, batch: Batch, future: "Future[tuple[str, list[Label]]]") -> None:
        try:
            self._settle(batch, future)
        finally:
            self._since.pop(batch.token, None)

    def _settle(self, batch: Batch, future: "Future[tuple[str, list[Label]]]") -> None:
        try:
            identity, labels = future.result()
        except BrokenProcessPool:
            self._pool.renew()
            self._one_by_one(batch)
        except Exception as error:
            if isinstance(error, SecondLawError) and not isinstance(error, InvalidInput):
                self._wait(batch, error)
                return
            _log.warning("labelling a batch of %d failed (%s)", len(batch.items), type(error).__name__)
            _log.debug("labelling failed", exc_info=True)
            if len(batch.items) == 1:
                self._fail(batch, [batch.items[0].id], f"{type(error).__name__}: {error}")
            else:
                self._one_by_one(batch)
        else:
            self._keep(batch, identity, labels)

    def _wait(self, batch: Batch, error: SecondLawError) -> None:
        """Give a batch back: the engine cannot be opened, an endpoint is away; no event is at fault."""
        self.trouble = str(error)
        _log.error("labelling waits: %s", error)
        self._store.queue.release(batch)

    def _one_by_one(self, batch: Batch) -> None:
        """Judge the events of a batch singly: only those at fault fail."""
        for item in batch.items:
            batch = self._held(batch)
            try:
                identity, labels = self._pool.submit(self._tasks([item])).result()
            except BrokenProcessPool:
                self._pool.renew()
                self._fail(batch, [item.id], "the process that judged it died")
            except Exception as error:
                self._fail(batch, [item.id], f"{type(error).__name__}: {error}")
            else:
                self._keep(batch, identity, labels)

    def _keep(self, batch: Batch, identity: str, labels: Sequence[Label]) -> None:
        self.trouble = ""
        given = {one.id: one.label for one in labels if one.label is not None}
        probabilities = {one.id: one.probabilities for one in labels if one.probabilities is not None}
        try:
            if given:
                n = self._store.queue.complete(batch, given, classifier=identity, probs=probabilities)
                self.labelled += n
                if n == len(given):  # else others have taken some over, and tell of them
                    self._tell(batch, identity, given, probabilities)
        except LeaseLost as lost:
            _log.warning("a batch took too long and was given to another: %s", lost)
            return
        for one in labels:
            if one.label is None:
                self._fail(batch, [one.id], one.reason)

    def _lease(self) -> Batch:
        batch = self._store.queue.lease(owner=self._owner, limit=self._limit, seconds=self._leased)
        if batch.items:
            self._since[batch.token] = self._monotonic()
        return batch

    def _held(self, batch: Batch) -> Batch:
        """Hold a batch for longer, once half of its time is over; one that was lost is judged for nothing."""
        if self._monotonic() < self._since[batch.token] + self._leased / 2:
            return batch
        self._since[batch.token] = self._monotonic()
        with suppress(LeaseLost):
            return self._store.queue.extend(batch, seconds=self._leased)
        return batch

    def _tell(
        self, batch: Batch, identity: str, given: Mapping[int, str], probabilities: Mapping[int, dict[str, float]]
    ) -> None:
        events = {item.id: item.transcript for item in batch.items}
        self._counted([Verdict(events[key], label, identity, probabilities.get(key)) for key, label in given.items()])

    def _fail(self, batch: Batch, ids: Sequence[int], reason: str) -> None:
        poisoned = self._store.queue.fail(batch, ids, reason=reason, wait=RETRY)
        if poisoned:
            # A classifier's own words may quote the text: they stay beside it, in the store.
            _log.error("%d events were put aside, they could not be labelled: %s", poisoned, reason.partition(":")[0])

    def _tasks(self, items: Sequence[QueuedEvent]) -> list[Task]:
        taxonomies = {name: taxonomy_of(self._store.streams.get(name).settings)
                      for name in {item.transcript.stream for item in items}}  # fmt: skip
        return [
            Task(item.id, item.transcript.prompt, item.transcript.response, item.transcript.intent,
                 taxonomies[item.transcript.stream])
            for item in items
        ]  # fmt: skip


def _is_done(future: "Future[tuple[str, list[Label]]]", seconds: float) -> bool:
    try:
        future.exception(timeout=seconds)
    except TimeoutError:
        return False
    return True
