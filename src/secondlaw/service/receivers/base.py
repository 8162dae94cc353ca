"""What every receiver of alerts is: something that takes a message, or says why not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from secondlaw.errors import SourceError
from secondlaw.service.alerts import Alert
from secondlaw.service.receiver_settings import ReceiverSettings

__all__ = ["DeliveryError", "Notice", "Receiver", "message_key"]


class DeliveryError(SourceError):
    """A message was not taken.

    Parameters
    ----------
    message : str
        Why, with the receiver's name and host; no secret.
    permanent : bool
        Whether this very message will never be taken, however often it is sent.
    retry_after : float, optional
        Seconds that the receiver asks to be left alone for.
    answered : bool
        Whether the receiver looked at this message and failed on it, so that a smaller group may pass.
    """

    def __init__(
        self, message: str, *, permanent: bool = False, retry_after: float | None = None, answered: bool = False
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after
        self.answered = answered


@dataclass(frozen=True, slots=True)
class Notice:
    """One alert that is to be told, and the key by which the receiver knows it again if it is told twice.

    Parameters
    ----------
    alert : Alert
    key : str
        The same at each try of one delivery, other for every other delivery.
    """

    alert: Alert
    key: str


def message_key(notices: Sequence[Notice]) -> str:
    """Return the idempotency key of a message: of one notice its own, of a group one that depends on all of them.

    Examples
    --------
    >>> from datetime import UTC
    >>> from secondlaw.service.alerts import example_alert
    >>> alert = example_alert(datetime(2026, 1, 31, tzinfo=UTC))
    >>> message_key([Notice(alert, "a1")]), message_key([Notice(alert, "a1"), Notice(alert, "b2")])
    ('a1', '2e0846cb773d2f690816d956102a2824')
    """
    if len(notices) == 1:
        return notices[0].key
    return sha256("\n".join(sorted(notice.key for notice in notices)).encode()).hexdigest()[:32]


class Receiver(Protocol):
    """Where alerts go."""

    @property
    def settings(self) -> ReceiverSettings:
        """How it is configured."""
        ...

    async def send(self, notices: Sequence[Notice], *, now: datetime) -> None:
        """Send one message with one or more alerts, all firing or all resolved.

        Parameters
        ----------
        notices : sequence of Notice
            At most ``settings.max_alerts``.
        now : datetime
            The time that is written into the message.

        Raises
        ------
        DeliveryError
            If it was not taken.
        """
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...
