"""From settings to receivers."""

from secondlaw.service.receiver_settings import (
    AlertmanagerSettings,
    CloudEventsSettings,
    ReceiverSettings,
    SmtpSettings,
    WebhookSettings,
)
from secondlaw.service.receivers.base import Receiver

__all__ = ["build_receiver"]


def build_receiver(settings: ReceiverSettings, *, external_url: str = "") -> Receiver:
    """Return the receiver that settings describe; nothing is sent yet.

    Parameters
    ----------
    settings : ReceiverSettings
    external_url : str
        Address of the service, as people reach it; written into messages.

    Raises
    ------
    InvalidInput
        If a certificate file cannot be used.
    """
    if isinstance(settings, AlertmanagerSettings):
        from secondlaw.service.receivers.alertmanager import AlertmanagerReceiver

        return AlertmanagerReceiver(settings)
    if isinstance(settings, WebhookSettings):
        from secondlaw.service.receivers.webhook import WebhookReceiver

        return WebhookReceiver(settings, external_url=external_url)
    if isinstance(settings, CloudEventsSettings):
        from secondlaw.service.receivers.cloudevents import CloudEventsReceiver

        return CloudEventsReceiver(settings, external_url=external_url)
    if isinstance(settings, SmtpSettings):
        from secondlaw.service.receivers.smtp import SmtpReceiver

        return SmtpReceiver(settings)
    from secondlaw.service.receivers.command import CommandReceiver

    return CommandReceiver(settings, external_url=external_url)
