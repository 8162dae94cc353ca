"""What is told again while it lasts: to an Alertmanager, which forgets alerts, and to who wants to be reminded.

Repeats do not pass through the outbox: a lost one is followed by the next. They speak of what is open at that moment,
and are sent by the same task as the deliveries of that receiver, so that none can overtake a *resolved*. To a receiver
that forgets, a *resolved* is told again for a while too: an Alertmanager that was restarted in between would else never
pass it on.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from secondlaw.service.alerts import Alert
from secondlaw.service.receiver_settings import ReceiverSettings
from secondlaw.service.receivers.base import Notice

__all__ = ["RESOLVED_AGAIN", "Repeats"]

RESOLVED_AGAIN = timedelta(minutes=15)
LOOKS = 4
"""Looks at what is open in the time of one repeat; a repeat comes late by so much at most."""
LONGEST_LOOK = 15.0
"""Seconds between two looks at most."""


class Repeats:
    """When one receiver is told again, and what.

    Parameters
    ----------
    settings : ReceiverSettings
    """

    def __init__(self, settings: ReceiverSettings) -> None:
        self._settings = settings
        self._told: dict[tuple[str, datetime], float] = {}
        self._ended: dict[str, Alert] = {}
        self._next_look = float("-inf")

    def looks(self, at: float) -> bool:
        """Whether it is time to look at what is open."""
        return self._settings.repeat is not None and at >= self._next_look

    def delivered(self, alert: Alert, *, at: float) -> None:
        """Remember that an alert was told at a time of the monotonic clock."""
        if self._settings.repeat is None:
            return
        if alert.firing:
            self._told[alert.fingerprint, alert.starts_at] = at
            self._ended.pop(alert.fingerprint, None)
        else:
            self._told.pop((alert.fingerprint, alert.starts_at), None)
            if self._settings.forgets:
                self._ended[alert.fingerprint] = alert
                self._told[alert.fingerprint, alert.starts_at] = at

    def due(self, open_alerts: Sequence[Alert], *, at: float, now: datetime) -> list[Notice]:
        """Return what is to be told again now, all firing or all resolved.

        Parameters
        ----------
        open_alerts : sequence of Alert
            Alarms that last.
        at : float
            Time of the monotonic clock.
        now : datetime
        """
        if self._settings.repeat is None:
            return []
        firing = [alert for alert in open_alerts if alert.firing and self._settings.wants(alert)]
        over = [alert for alert in self._ended.values() if self._settings.wants(alert)]
        for alert in over:
            if now - (alert.ends_at or now) > RESOLVED_AGAIN:
                del self._ended[alert.fingerprint]
        known = {(alert.fingerprint, alert.starts_at) for alert in (*firing, *self._ended.values())}
        self._told = {name: then for name, then in self._told.items() if name in known}
        late = [alert for alert in firing if self._is_due(alert, at)]
        late = late or [alert for alert in self._ended.values() if self._is_due(alert, at)]
        if len(late) <= self._settings.max_alerts:
            self._next_look = at + min(LONGEST_LOOK, self._settings.repeat / LOOKS)
        return [
            Notice(alert, f"{alert.fingerprint}-{alert.starts_at.timestamp():.0f}-{now.timestamp():.0f}")
            for alert in late[: self._settings.max_alerts]
        ]

    def _is_due(self, alert: Alert, at: float) -> bool:
        # After a restart it is not known when it was told: who forgets is told at once, who wants a reminder later.
        first = float("-inf") if self._settings.forgets else at
        then = self._told.setdefault((alert.fingerprint, alert.starts_at), first)
        return at - then >= (self._settings.repeat or 0.0)
