"""The parts of the service that work on their own: labelling, deciding, delivering, tidying; each in a thread.

A part that fails is logged, waits and goes on; how it stands is what /readyz and the status page show. Nothing is kept
in memory that a kill would lose: queue, monitors' states and deliveries are in the store.
"""

import logging
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from secondlaw.drift.cells import ClassifierError
from secondlaw.errors import SecondLawError, StorageError
from secondlaw.pipeline.settings import Settings
from secondlaw.service.classifier_pool import ClassifierPool
from secondlaw.service.classifying import Labeller
from secondlaw.service.delivery import Deliverer
from secondlaw.service.delivery_channel import Health
from secondlaw.service.delivery_outbox import Outbox
from secondlaw.service.delivery_requests import alerts_of, longest_message
from secondlaw.service.delivery_turn import Turn
from secondlaw.service.evaluating import Evaluator
from secondlaw.service.evaluation_alarms import AlarmWriter
from secondlaw.service.explanations import Explainer
from secondlaw.service.numbers import Numbers
from secondlaw.service.queue_watch import QueueWatch
from secondlaw.service.receivers import build_receiver
from secondlaw.service.settings import ServiceSettings
from secondlaw.service.steady_clock import SteadyClock
from secondlaw.service.write_back import WriteBack
from secondlaw.storage import Store

__all__ = ["PartHealth", "Parts", "replica_name"]

PAUSE = 5.0
"""Seconds after a failure until a part goes on."""
STALE = 60.0
"""Seconds without a sign of life after which a part counts as stuck."""
MOST_OPEN = 10_000
WATCHED_EVERY = 10.0
"""Seconds between two looks at the queue."""
_log = logging.getLogger(__name__)


def replica_name() -> str:
    """Return a name of this process among all replicas."""
    return f"{socket.gethostname()}:{os.getpid()}:{random.SystemRandom().getrandbits(32):08x}"


@dataclass(slots=True)
class PartHealth:
    """How a part stands.

    Parameters
    ----------
    name : str
    beat : float
        When it last showed a sign of life, in monotonic seconds.
    failures : int
        In a row.
    last_error : str
    done : int
        Rounds that did something: batches labelled, windows decided on, ...
    """

    name: str
    beat: float
    failures: int = 0
    last_error: str = ""
    done: int = 0

    def is_well(self, now: float) -> bool:
        """Whether it works."""
        return not self.failures and now - self.beat < STALE


class Parts:
    """Starts and stops what works beside the web application.

    Parameters
    ----------
    store : Store
    service : ServiceSettings
    settings : Settings
        For the engine that labels.
    errors : dict
        What is known of classifiers' errors, by name.
    clock, monotonic : callable
    """

    def __init__(
        self,
        store: Store,
        service: ServiceSettings,
        settings: Settings,
        *,
        errors: dict[str | None, ClassifierError] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store, self.service, self.settings = store, service, settings
        self.owner = replica_name()
        self.numbers = Numbers(store, errors=errors)
        self.health: dict[str, PartHealth] = {}
        self.arrived = threading.Event()
        self.writer = AlarmWriter(
            receivers=service.alert_receivers,
            external_url=service.external_url,
            numbers=lambda stream, step, window: self.numbers.of_step(stream, step, window),
            explain=Explainer(store),
        )
        self._clock, self._monotonic = clock, monotonic
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._deliverer: Deliverer | None = None
        self._pool: ClassifierPool | None = None
        headers = {name: value.get_secret_value() for name, value in service.write_back_headers.items()}
        self.write_back = WriteBack(service.write_back, clock=clock, headers=headers) if service.write_back else None

    def start(self) -> None:
        """Start every part that this replica has."""
        if self.service.workers:
            self._pool = ClassifierPool(self.settings, workers=self.service.workers)
            self._begin("labelling", self._label)
            if self.write_back is not None:
                self._begin("writing back", self._write_back)
        if self.service.evaluate:
            self._begin("deciding", self._decide)
            self._begin("tidying", self._tidy)
            self._begin("watching the queue", self._watch)
            if self.service.receivers:
                self._begin("delivering", self._deliver)

    def begin_stop(self) -> None:
        """Let every part end after what it is at, and open pages too."""
        self._stop.set()
        self.arrived.set()

    @property
    def stopping(self) -> bool:
        """Whether the service ends."""
        return self._stop.is_set()

    def stop(self, *, patience: float = 15.0) -> None:
        """Stop every part; what is under way ends or is given back."""
        self.begin_stop()
        until = time.monotonic() + patience
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0.0))
        if self._pool is not None:
            self._pool.close()

    @property
    def receivers(self) -> Sequence[Health]:
        """How deliveries go, by receiver."""
        return () if self._deliverer is None else self._deliverer.health()

    def standing(self) -> dict[str, str]:
        """Return ``"ok"`` or ``"failing"`` for every part; one without a sign of life fails, too."""
        now = self._monotonic()
        return {name: "ok" if one.is_well(now) else "failing" for name, one in self.health.items()}

    def _begin(self, name: str, work: Callable[[PartHealth], None]) -> None:
        health = self.health[name] = PartHealth(name, self._monotonic())

        def run() -> None:
            while not self._stop.is_set():
                try:
                    work(health)
                except StorageError as error:
                    self._failed(health, error)
                except SecondLawError as error:
                    self._failed(health, error)
                except Exception as error:
                    _log.exception("%s failed", name)
                    self._failed(health, error)
                self._stop.wait(PAUSE if health.failures else 0.0)

        thread = threading.Thread(target=run, name=f"secondlaw-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _failed(self, health: PartHealth, error: Exception) -> None:
        health.failures += 1
        health.last_error = f"{type(error).__name__}: {error}"[:300]
        _log.warning("%s: %s", health.name, health.last_error)

    def _well(self, health: PartHealth, done: int = 0) -> None:
        health.beat, health.failures, health.last_error = self._monotonic(), 0, ""
        health.done += done

    def _label(self, health: PartHealth) -> None:
        assert self._pool is not None  # noqa: S101 - started with it
        told = (lambda verdicts: None) if self.write_back is None else self.write_back.offer
        labeller = Labeller(self.store, self._pool, owner=self.owner, leased=self.service.lease, counted=told)

        def stopped() -> bool:
            health.beat, health.done = self._monotonic(), labeller.labelled
            health.failures, health.last_error = int(bool(labeller.trouble)), labeller.trouble
            return self._stop.is_set()

        def wait(seconds: float) -> None:
            self.arrived.wait(seconds)
            self.arrived.clear()

        labeller.run(stopped, wait)

    def _decide(self, health: PartHealth) -> None:
        evaluator = Evaluator(
            self.store,
            owner=self.owner,
            clock=SteadyClock(self._clock, monotonic=self._monotonic),
            alarms=self.writer,
            default=self.service.evaluation,
            stopped=self._stop.is_set,
            leased=self.service.lease,
        )
        while not self._stop.is_set():
            done = evaluator.run_once()
            self._well(health, sum(one.windows for one in done.values()))
            self._stop.wait(0.0 if any(one.has_more for one in done.values()) else self.service.evaluate_every)

    def _deliver(self, health: PartHealth) -> None:
        receivers = self.service.alert_receivers
        outbox = Outbox(
            self.store.deliveries,
            [one.name for one in receivers],
            owner=self.owner,
            longest=longest_message(receivers),
            monotonic=self._monotonic,
            holds=Turn(self.store.leases, owner=self.owner, monotonic=self._monotonic),
        )
        self._deliverer = Deliverer(
            outbox,
            [build_receiver(one, external_url=self.service.external_url) for one in receivers],
            clock=self._clock,
            monotonic=self._monotonic,
            rng=random.Random(),  # noqa: S311 - jitter
            open_alerts=lambda: alerts_of(self.store.alarms.list(status="open", limit=MOST_OPEN)),
        )

        def stopped() -> bool:
            self._well(health)
            return self._stop.is_set()

        self._deliverer.run(stopped)

    def _write_back(self, health: PartHealth) -> None:
        assert self.write_back is not None  # noqa: S101 - started with it
        sender = self.write_back

        def stopped() -> bool:
            health.beat, health.done = self._monotonic(), sender.sent
            health.failures, health.last_error = int(bool(sender.last_error)), sender.last_error
            return self._stop.is_set()

        sender.run(stopped, self._stop.wait)

    def _watch(self, health: PartHealth) -> None:
        watch = QueueWatch(
            self.store,
            owner=self.owner,
            clock=self._clock,
            rows=self.service.queue_rows,
            volume=self.service.queue_bytes,
            oldest=self.service.queue_age,
            receivers=self.service.alert_receivers,
            external_url=self.service.external_url,
        )
        while not self._stop.is_set():
            self._well(health, watch.look())
            self._stop.wait(WATCHED_EVERY)

    def _tidy(self, health: PartHealth) -> None:
        while not self._stop.is_set():
            leases = self.store.leases.take(["retention"], owner=self.owner, seconds=self.service.purge_every)
            if leases:
                self.store.admin.purge()
            self._well(health)
            until = self._monotonic() + self.service.purge_every
            while not self._stop.is_set() and self._monotonic() < until:
                self._well(health)
                self._stop.wait(min(STALE / 2, self.service.purge_every))
