"""What the rest of the service asks of alert delivery: what to put into the outbox, dead letters again, a test."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from secondlaw.service.alerts import Alert, example_alert
from secondlaw.service.delivery_outbox import Deliveries
from secondlaw.service.receiver_settings import ReceiverSettings
from secondlaw.service.receivers import Notice, build_receiver

__all__ = ["StoredAlarm", "alerts_of", "deliveries_for", "longest_message", "redeliver", "send_test_alert"]


def deliveries_for(alert: Alert, receivers: Sequence[ReceiverSettings]) -> list[tuple[str, dict[str, Any]]]:
    """Return what goes into the outbox for an alert: the name of each receiver that wants it, and the payload.

    Examples
    --------
    >>> from datetime import UTC
    >>> from secondlaw.service.receiver_settings import load_receivers
    >>> pager = load_receivers([{"type": "command", "name": "pager", "argv": ["/bin/true"], "streams": "prod-*"}])
    >>> alert = Alert(stream="prod-chat", model="", monitor="main", kind="drift", state="firing",
    ...               starts_at=datetime(2026, 1, 31, tzinfo=UTC))
    >>> [name for name, payload in deliveries_for(alert, pager)]
    ['pager']
    """
    return [(receiver.name, alert.to_dict()) for receiver in receivers if receiver.wants(alert)]


class StoredAlarm(Protocol):
    """An alarm, as the storage keeps it."""

    @property
    def details(self) -> Mapping[str, Any]:
        """Its alert is the member ``"alert"``, as :meth:`.Alert.to_dict` wrote it."""
        ...


def alerts_of(alarms: Iterable[StoredAlarm]) -> list[Alert]:
    """Return the alerts of stored alarms, for example of those that are open; alarms without one are left out."""
    return [Alert.from_dict(alarm.details["alert"]) for alarm in alarms if "alert" in alarm.details]


def longest_message(receivers: Sequence[ReceiverSettings]) -> float:
    """Return how many seconds a message to any of these may take."""
    from secondlaw.service.receivers.smtp import EXCHANGES

    factors = {"smtp": float(EXCHANGES)}
    return max((factors.get(receiver.type, 1.0) * receiver.timeout for receiver in receivers), default=0.0) + 5.0


def redeliver(deliveries: Deliveries, *, receiver: str | None = None, limit: int = 10_000) -> int:
    """Make dead letters pending again, the oldest first, so that a firing goes before its resolved.

    Parameters
    ----------
    deliveries : Deliveries
    receiver : str, optional
        Only those for this receiver.
    limit : int
        At most so many.

    Returns
    -------
    int
        How many.
    """
    found = [one for one in deliveries.list(status="dead", limit=limit) if receiver in (None, one.receiver)]
    for one in sorted(found, key=lambda delivery: delivery.id):
        deliveries.requeue(one.id)
    return len(found)


async def send_test_alert(settings: ReceiverSettings, *, now: datetime, external_url: str = "") -> None:
    """Tell a receiver of a test alert at once, past the outbox: firing, and resolved where it wants to hear of that.

    An Alertmanager hears of the firing alone, and forgets it by itself after three repeats: what is resolved at once it
    would never pass on.

    Parameters
    ----------
    settings : ReceiverSettings
    now : datetime
    external_url : str
        Address of the service.

    Raises
    ------
    DeliveryError
        If the receiver did not take it: says why.
    InvalidInput
        If a certificate file cannot be used.
    """
    receiver = build_receiver(settings, external_url=external_url)
    firing = example_alert(now, link=external_url)
    try:
        both = settings.send_resolved and not settings.forgets
        for alert in (firing, firing.resolved(now)) if both else (firing,):
            await receiver.send([Notice(alert, f"test-{now.timestamp():.0f}-{alert.state}")], now=now)
    finally:
        await receiver.close()
