"""The delivery of alerts: from the outbox to the receivers, at least once each, in order for each alert.

Whoever raises an alarm puts its deliveries into the outbox in the transaction that records the alarm
(:func:`~secondlaw.service.delivery_requests.deliveries_for`). The loop takes what is due, sends it, and records what
came of it; it may be killed anywhere. What was sent but not recorded is sent again, with the same idempotency key.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from secondlaw.errors import SecondLawError
from secondlaw.service.alerts import Alert
from secondlaw.service.delivery_channel import Channel, Health
from secondlaw.service.delivery_order import plan_of
from secondlaw.service.delivery_outbox import Entry, Outbox
from secondlaw.service.delivery_policy import DeliveryPolicy
from secondlaw.service.receivers import DeliveryError, Notice, Receiver

__all__ = ["Deliverer"]

POLL = 1.0
"""Seconds between two looks at the outbox."""
GRACE = 5.0
"""Seconds that messages under way have to end when the service stops."""
_log = logging.getLogger(__name__)


class Deliverer:
    """Delivers what the outbox holds.

    Each receiver is served by a task of its own, so that one that hangs holds up no other. The outbox is called from
    these tasks directly: run it in a thread of its own, by :meth:`run`.

    Parameters
    ----------
    outbox : Outbox
    receivers : sequence of Receiver
        Those whose names the outbox knows.
    clock : callable
        The time, with its zone.
    monotonic : callable
        Seconds that only grow.
    sleep : callable
        Coroutine function that waits for so many seconds.
    rng : random.Random
        For the jitter of waits.
    open_alerts : callable
        Alarms that last at this moment, for receivers that are told again; none by default.
    policy : DeliveryPolicy
    """

    def __init__(
        self,
        outbox: Outbox,
        receivers: Sequence[Receiver],
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        rng: random.Random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        open_alerts: Callable[[], Sequence[Alert]] = tuple,
        policy: DeliveryPolicy | None = None,
    ) -> None:
        self._outbox, self._open_alerts = outbox, open_alerts
        self._clock, self._monotonic, self._sleep, self._rng = clock, monotonic, sleep, rng
        self._policy = policy or DeliveryPolicy()
        self._channels = {receiver.settings.name: Channel(receiver) for receiver in receivers}

    def run(self, stopped: Callable[[], bool]) -> None:
        """Deliver until told to stop: what is under way has some seconds to end, the rest stays in the outbox.

        Parameters
        ----------
        stopped : callable
            Asked about once a second, for example ``threading.Event().is_set``.
        """
        asyncio.run(self.deliver(stopped))

    async def deliver(self, stopped: Callable[[], bool]) -> None:
        """Do what :meth:`run` does, in the event loop that runs."""
        tasks = [asyncio.create_task(self._serve(channel, stopped)) for channel in self._channels.values()]
        try:
            while not stopped():
                await self._sleep(POLL)
            if tasks:
                await asyncio.wait(tasks, timeout=GRACE)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for channel in self._channels.values():
                await channel.receiver.close()
            self._give_back()

    async def round(self, name: str) -> bool:
        """Send at most one message to a receiver; return whether there may be more to send.

        Raises
        ------
        SecondLawError
            If the outbox cannot be used now.
        """
        channel = self._channels[name]
        if self._monotonic() < channel.not_before or not self._outbox.holds():
            return False
        return await self._next_delivery(channel) or await self._next_repeat(channel)

    def health(self) -> list[Health]:
        """Return how deliveries to each receiver are going."""
        return [channel.health() for channel in self._channels.values()]

    async def _serve(self, channel: Channel, stopped: Callable[[], bool]) -> None:
        while not stopped():
            try:
                more = await self.round(channel.name)
            except Exception as error:  # a loop that dies would lose alerts in silence
                said = str(error) if isinstance(error, SecondLawError) else type(error).__name__
                _log.error("deliveries to %r are held up: %s", channel.name, said)
                more = False
            wait = channel.not_before - self._monotonic()
            await self._sleep(min(max(wait, 0.0), POLL) if more else POLL)

    async def _next_delivery(self, channel: Channel) -> bool:
        due = self._outbox.due(channel.name)
        if not due:
            return False
        plan = plan_of(due, self._outbox.pending(channel.name))
        for entry in plan.overtaken:
            self._settle(channel, entry)
        ready = self._unsettled(channel, plan.send)
        if ready:
            await self._send(channel, channel.group(ready))
        return bool(plan.send or plan.overtaken)

    async def _next_repeat(self, channel: Channel) -> bool:
        if not channel.repeats.looks(self._monotonic()):
            return False
        again = channel.repeats.due(self._open_alerts(), at=self._monotonic(), now=self._clock())
        if again:
            await self._send_again(channel, again)
        return bool(again)

    async def _send(self, channel: Channel, entries: list[Entry]) -> None:
        error = await self._try(channel, [entry.notice for entry in entries])
        if error is None:
            channel.sent.update(entry.id for entry in entries)
            for entry in entries:
                self._settle(channel, entry)
        elif error.permanent and len(entries) > 1:
            channel.shrink(entries, 1)
        else:
            self._record(channel, entries, error)

    async def _send_again(self, channel: Channel, notices: list[Notice]) -> None:
        error = await self._try(channel, notices)
        if error is not None:
            self._pause(channel, error)
        if error is not None and error.permanent:  # not repeated at once either
            for notice in notices:
                channel.repeats.delivered(notice.alert, at=self._monotonic())

    async def _try(self, channel: Channel, notices: list[Notice]) -> DeliveryError | None:
        channel.not_before = self._monotonic() + channel.spacing
        try:
            await channel.receiver.send(notices, now=self._clock())
        except DeliveryError as error:
            return self._failed(channel, error)
        except Exception as error:  # a mistake in a receiver must not cost the alert
            _log.debug("while sending to %r", channel.name, exc_info=True)
            said = f"receiver {channel.name!r}: {type(error).__name__} while sending"
            return self._failed(channel, DeliveryError(said, answered=True))
        channel.failures, channel.last_error = 0, ""
        channel.delivered += len(notices)
        channel.last_delivered_at = self._clock()
        for notice in notices:
            channel.repeats.delivered(notice.alert, at=self._monotonic())
        return None

    def _failed(self, channel: Channel, error: DeliveryError) -> DeliveryError:
        channel.failed += 1
        channel.last_error = str(error)
        _log.warning("alert not delivered: %s", error)
        return error

    def _pause(self, channel: Channel, error: DeliveryError) -> float:
        channel.failures += 1
        wait = self._policy.pause(channel.failures, rng=self._rng, retry_after=error.retry_after)
        channel.not_before = self._monotonic() + wait
        return wait

    def _record(self, channel: Channel, entries: list[Entry], error: DeliveryError) -> None:
        wait = 0.0 if error.permanent else self._pause(channel, error)
        if error.answered and len(entries) > 1:
            channel.shrink(entries, len(entries) // 2)
        # One wait for the whole group, so that it stays together.
        retry_in = max(wait, self._policy.wait(max(entry.delivery.attempts for entry in entries), rng=self._rng))
        now = self._clock()
        for entry in entries:
            old, tried = entry.delivery.created_at, entry.delivery.attempts
            ends = error.permanent or self._policy.gives_up(tried, created_at=old, now=now)
            self._fail(channel, entry, str(error), None if ends else retry_in)

    def _fail(self, channel: Channel, entry: Entry, error: str, retry_in: float | None) -> None:
        self._outbox.failed(entry, error=error, retry_in=retry_in)
        if retry_in is None:
            channel.dead += 1
            channel.settled(entry)
            _log.error("alert %s given up, now a dead letter: %s", entry.alert.fingerprint, error)

    def _settle(self, channel: Channel, entry: Entry) -> None:
        self._outbox.done(entry)
        channel.settled(entry)

    def _unsettled(self, channel: Channel, entries: Sequence[Entry]) -> list[Entry]:
        """Settle what needs no sending, what was taken already and the end of what was never told; return the rest."""
        dead: dict[tuple[str, datetime], int] = {}
        if not all(entry.alert.firing for entry in entries):
            firing = (one for one in self._outbox.dead(channel.name) if one.alert.firing)
            dead = {(one.alert.fingerprint, one.alert.starts_at): one.id for one in firing}
        left = []
        for entry in entries:
            never_told = dead.get((entry.alert.fingerprint, entry.alert.starts_at))
            if entry.id in channel.sent:
                self._settle(channel, entry)
            elif never_told is not None and not entry.alert.firing:
                self._fail(channel, entry, f"its firing is dead letter {never_told}: send that again first", None)
            else:
                left.append(entry)
        return left

    def _give_back(self) -> None:
        try:
            self._outbox.give_back()
        except Exception as error:  # the leases run out by themselves
            _log.warning("leased deliveries could not be given back: %s", type(error).__name__)
