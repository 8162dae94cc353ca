"""A webhook that takes CloudEvents 1.0 in structured mode: one event an alert, or a batch of events where allowed."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from secondlaw.service.alert_parts import instant
from secondlaw.service.receiver_settings import CloudEventsSettings
from secondlaw.service.receivers.base import Notice, message_key
from secondlaw.service.receivers.http import Poster
from secondlaw.service.receivers.signing import signed_headers
from secondlaw.service.receivers.wording import summary

if TYPE_CHECKING:
    import httpx

__all__ = ["CloudEventsReceiver", "cloud_event"]

SINGLE = "application/cloudevents+json; charset=utf-8"
BATCH = "application/cloudevents-batch+json; charset=utf-8"


def cloud_event(notice: Notice, *, now: datetime, source: str) -> dict[str, Any]:
    """Return one alert as an event.

    Parameters
    ----------
    notice : Notice
        Its key is the event's id: source and id are the same when the event is sent again.
    now : datetime
    source : str
        Address of the service; ``urn:secondlaw`` where it knows none.

    Examples
    --------
    >>> from datetime import UTC
    >>> from secondlaw.service.alerts import example_alert
    >>> now = datetime(2026, 1, 31, 12, tzinfo=UTC)
    >>> event = cloud_event(Notice(example_alert(now), "a1"), now=now, source="")
    >>> event["type"], event["id"], event["source"]
    ('secondlaw.alert.firing', 'a1', 'urn:secondlaw')
    """
    alert = notice.alert
    return {
        "specversion": "1.0",
        "id": notice.key,
        "source": source or "urn:secondlaw",
        "type": f"secondlaw.alert.{alert.state}",
        "subject": alert.fingerprint,
        "time": instant(now),
        "datacontenttype": "application/json",
        "data": {**alert.to_dict(), "summary": summary(alert)},
    }


class CloudEventsReceiver:
    """Posts events, with a bearer token and a signature where configured.

    Parameters
    ----------
    settings : CloudEventsSettings
    external_url : str
        Address of the service: the events' source.
    transport : httpx.AsyncBaseTransport, optional
    """

    def __init__(
        self,
        settings: CloudEventsSettings,
        *,
        external_url: str = "",
        transport: "httpx.AsyncBaseTransport | None" = None,
    ) -> None:
        self.settings = settings
        self._source = external_url
        self._poster = Poster(settings, transport=transport)

    async def send(self, notices: Sequence[Notice], *, now: datetime) -> None:
        """Post one event or one batch; see :class:`~secondlaw.service.receivers.base.Receiver`."""
        events = [cloud_event(notice, now=now, source=self._source) for notice in notices]
        batch = self.settings.max_alerts > 1
        body = orjson.dumps(events if batch else events[0])
        signed = signed_headers(body, key=message_key(notices), now=now, secret=self.settings.hmac_secret)
        await self._poster.post(body, {"Content-Type": BATCH if batch else SINGLE, **signed})

    async def close(self) -> None:
        """Close the connections."""
        await self._poster.close()
