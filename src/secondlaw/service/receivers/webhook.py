"""A webhook in the shape that Alertmanager sends, version 4, so that whatever takes Alertmanager's takes ours.

All alerts of a message are firing, or all are resolved. One alert is a group of its own, known by its labels, so that a
receiver that keeps incidents by ``groupKey`` opens and closes the right one. In a storm several alerts share a message;
their group is the set of them: it closes under the same key only if the same set is resolved together. Tell alerts
apart by ``fingerprint``, or set ``max_alerts = 1``.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson

from secondlaw.service.alert_parts import fingerprint_of, instant
from secondlaw.service.receiver_settings import WebhookSettings
from secondlaw.service.receivers.base import Notice, message_key
from secondlaw.service.receivers.http import Poster
from secondlaw.service.receivers.signing import signed_headers
from secondlaw.service.receivers.wording import annotations

if TYPE_CHECKING:
    import httpx

__all__ = ["WebhookReceiver", "webhook_body"]

NEVER = "0001-01-01T00:00:00Z"
"""End of an alert that fires, as Alertmanager writes it."""


def webhook_body(
    notices: Sequence[Notice], *, receiver: str, external_url: str = "", labels: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the message as plain JSON values.

    Parameters
    ----------
    notices : sequence of Notice
        All firing or all resolved.
    receiver : str
        Its name.
    external_url : str
        Address of the service.
    labels : mapping, optional
        Added to every alert's.
    """
    alerts = [_alert_body(notice, {**(labels or {}), **notice.alert.labels}) for notice in notices]
    common = _common([alert["labels"] for alert in alerts])
    grouped = {name: common[name] for name in notices[0].alert.labels if name in common}
    return {
        "version": "4",
        "groupKey": _group_key(grouped, alerts),
        "truncatedAlerts": 0,
        "status": notices[0].alert.state,
        "receiver": receiver,
        "groupLabels": grouped,
        "commonLabels": common,
        "commonAnnotations": _common([alert["annotations"] for alert in alerts]),
        "externalURL": external_url,
        "alerts": alerts,
    }


def _alert_body(notice: Notice, labels: dict[str, str]) -> dict[str, Any]:
    alert = notice.alert
    return {
        "status": alert.state,
        "labels": labels,
        "annotations": annotations(alert),
        "startsAt": instant(alert.starts_at),
        "endsAt": NEVER if alert.ends_at is None else instant(alert.ends_at),
        "generatorURL": alert.link,
        "fingerprint": fingerprint_of(labels),
    }


def _common(found: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first, *others = found
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in others)}


def _group_key(grouped: Mapping[str, str], alerts: Sequence[Mapping[str, Any]]) -> str:
    of = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in sorted(grouped.items()))
    if len(alerts) == 1:
        return f"{{}}:{{{of}}}"
    several = sha256("".join(sorted(alert["fingerprint"] for alert in alerts)).encode()).hexdigest()[:16]
    return f'{{}}/{{batch="{several}"}}:{{{of}}}'


class WebhookReceiver:
    """Posts version-4 messages, with a bearer token and a signature where configured.

    Parameters
    ----------
    settings : WebhookSettings
    external_url : str
        Address of the service, written into the message.
    transport : httpx.AsyncBaseTransport, optional
    """

    def __init__(
        self,
        settings: WebhookSettings,
        *,
        external_url: str = "",
        transport: "httpx.AsyncBaseTransport | None" = None,
    ) -> None:
        self.settings = settings
        self._external_url = external_url
        self._poster = Poster(settings, transport=transport)

    async def send(self, notices: Sequence[Notice], *, now: datetime) -> None:
        """Post one message; see :class:`~secondlaw.service.receivers.base.Receiver`."""
        settings = self.settings
        message = webhook_body(notices, receiver=settings.name, external_url=self._external_url, labels=settings.labels)
        body = orjson.dumps(message)
        signed = signed_headers(body, key=message_key(notices), now=now, secret=settings.hmac_secret)
        await self._poster.post(body, {"Content-Type": "application/json", **signed})

    async def close(self) -> None:
        """Close the connections."""
        await self._poster.close()
