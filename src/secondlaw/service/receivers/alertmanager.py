"""Prometheus' Alertmanager: ``POST /api/v2/alerts``.

An Alertmanager forgets an alert at its ``endsAt``. A firing one is therefore sent with an end in the future, three
repeats away, and sent again at each repeat: two may get lost before it is taken for resolved. If this service dies, the
alert ends by itself.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import orjson

from secondlaw.service.alert_parts import instant
from secondlaw.service.receiver_settings import AlertmanagerSettings
from secondlaw.service.receivers.base import Notice, message_key
from secondlaw.service.receivers.http import Poster
from secondlaw.service.receivers.wording import annotations

if TYPE_CHECKING:
    import httpx

__all__ = ["AlertmanagerReceiver"]

PATH = "/api/v2/alerts"
LOST_REPEATS = 3
DEFAULT_REPEAT = 60.0


class AlertmanagerReceiver:
    """Posts alerts to one Alertmanager; the members of a cluster are a receiver each.

    Parameters
    ----------
    settings : AlertmanagerSettings
        `url` up to the path prefix, without ``/api/v2/alerts``.
    transport : httpx.AsyncBaseTransport, optional
    """

    def __init__(self, settings: AlertmanagerSettings, *, transport: "httpx.AsyncBaseTransport | None" = None) -> None:
        self.settings = settings
        self._poster = Poster(settings, path=PATH, transport=transport)

    async def send(self, notices: Sequence[Notice], *, now: datetime) -> None:
        """Post alerts; see :class:`~secondlaw.service.receivers.base.Receiver`."""
        lasts = timedelta(seconds=LOST_REPEATS * (self.settings.repeat or DEFAULT_REPEAT))
        posted = [
            {
                "labels": {**self.settings.labels, **notice.alert.labels},
                "annotations": annotations(notice.alert),
                "startsAt": instant(notice.alert.starts_at),
                "endsAt": instant(notice.alert.ends_at or now + lasts),
                "generatorURL": notice.alert.link,
            }
            for notice in notices
        ]
        headers = {"Content-Type": "application/json", "Idempotency-Key": message_key(notices)}
        await self._poster.post(orjson.dumps(posted), headers)

    async def close(self) -> None:
        """Close the connections."""
        await self._poster.close()
