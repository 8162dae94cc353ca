"""Mail: plain text with a short HTML part; the mails of one alarm refer to one thread.

A mail that is sent twice has the same ``Message-ID``. Addresses refused for good are logged, those refused for now are
tried again alone; only if nobody took the mail did it fail.
"""

import asyncio
import logging
import smtplib
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

from secondlaw.errors import InvalidInput
from secondlaw.reports.words import one_line
from secondlaw.service.alerts import Alert
from secondlaw.service.receiver_settings import SmtpSettings
from secondlaw.service.receivers.base import DeliveryError, Notice, message_key
from secondlaw.service.receivers.wording import facts, summary, title

__all__ = ["SmtpReceiver", "mail_of"]

DETAILED = 20
"""Alerts of one mail that are told with all their facts; the others get one sentence each."""
EXCHANGES = 3
"""A conversation with a mail server may take this many times-out in all."""
READY = 220
KEPT = 1000  # keys of mails that part of the addresses have
_log = logging.getLogger(__name__)


def mail_of(notices: Sequence[Notice], *, settings: SmtpSettings, now: datetime) -> EmailMessage:
    """Return the mail of a message."""
    alerts = [notice.alert for notice in notices]
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = title(alerts)
    mail["From"] = settings.sender
    mail["To"] = ", ".join(settings.to)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{message_key(notices)}@secondlaw.invalid>"
    if len(alerts) == 1:
        first = f"<{alerts[0].fingerprint}.{alerts[0].starts_at.timestamp():.0f}@secondlaw.invalid>"
        mail["References"] = first
        mail["In-Reply-To"] = first
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("\n\n".join(_plain(alert, whole=k < DETAILED) for k, alert in enumerate(alerts)) + "\n")
    body = "".join(_html(alert, whole=k < DETAILED) for k, alert in enumerate(alerts))
    mail.add_alternative(f"<!doctype html><html><body>{body}</body></html>", subtype="html")
    return mail


def _plain(alert: Alert, *, whole: bool) -> str:
    found = {"": summary(alert), **facts(alert), "link": alert.link} if whole else {"": summary(alert)}
    return "\n".join(f"{name.replace('_', ' ')}: {text}" if name else text for name, text in found.items() if text)


def _html(alert: Alert, *, whole: bool) -> str:
    sentence = f"<p>{escape(summary(alert))}</p>"
    if not whole:
        return sentence
    rows = "".join(
        f'<tr><th align="left">{escape(name.replace("_", " "))}</th><td>{escape(text)}</td></tr>'
        for name, text in facts(alert).items()
    )
    link = f'<p><a href="{escape(alert.link)}">{escape(alert.link)}</a></p>' if alert.link.startswith("http") else ""
    return f"{sentence}<table>{rows}</table>{link}"


class SmtpReceiver:
    """Sends mails through one server.

    Parameters
    ----------
    settings : SmtpSettings

    Raises
    ------
    InvalidInput
        If the certificate file cannot be used.
    """

    def __init__(self, settings: SmtpSettings) -> None:
        self.settings = settings
        self._context = _tls(settings)
        self._reached: dict[str, set[str]] = {}

    async def send(self, notices: Sequence[Notice], *, now: datetime) -> None:
        """Send one mail; see :class:`~secondlaw.service.receivers.base.Receiver`."""
        mail, key = mail_of(notices, settings=self.settings, now=now), message_key(notices)
        conversation: list[smtplib.SMTP] = []
        try:
            async with asyncio.timeout(EXCHANGES * self.settings.timeout):
                await asyncio.to_thread(self._submit, mail, key, conversation)
        except TimeoutError:
            raise self._error("the conversation took too long") from None
        finally:
            for server in conversation:  # a thread cannot be cancelled, its socket can be shut
                _shut(server)

    async def close(self) -> None:
        """Do nothing: each mail has a connection of its own."""

    def _submit(self, mail: EmailMessage, key: str, conversation: list[smtplib.SMTP]) -> None:
        server = self._server()
        conversation.append(server)
        left = [address for address in self.settings.to if address not in self._reached.get(key, ())]
        try:
            self._connect(server)
            self._log_in(server)
            refused = server.send_message(mail, from_addr=self.settings.sender, to_addrs=left)
        except smtplib.SMTPRecipientsRefused as error:
            self._raise_refused(error.recipients, key)
        except smtplib.SMTPAuthenticationError as error:
            raise self._error(f"login refused ({error.smtp_code})") from None
        except smtplib.SMTPResponseException as error:
            raise self._error(
                f"{error.smtp_code} {self._tame(error.smtp_error)}",
                permanent=isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500,
                answered=isinstance(error, smtplib.SMTPDataError),
            ) from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise self._error(self._tame(str(error)) or type(error).__name__) from None
        else:
            self._raise_refused(refused, key, left)
        finally:
            with suppress(smtplib.SMTPException, OSError):  # the mail is taken or not, whatever the farewell
                server.quit()
            server.close()

    def _raise_refused(self, refused: dict[str, tuple[int, bytes]], key: str, asked: Sequence[str] = ()) -> None:
        """Remember who has the mail, and raise if someone may still get it, or nobody did."""
        later = [address for address, (code, _) in refused.items() if code < 500]
        reached = self._reached.pop(key, set()) | (set(asked) - set(refused))
        if refused and not later and reached:
            _log.warning("receiver %r: %s refused by %s for good", self.settings.name, *self._who(refused))
        if later and reached:
            while len(self._reached) >= KEPT:
                self._reached.pop(next(iter(self._reached)))
            self._reached[key] = reached | {address for address in refused if address not in later}
        if later or (refused and not reached):
            code, said = refused[later[0]] if later else next(iter(refused.values()))
            who = ", ".join(later or refused)
            raise self._error(f"{one_line(who, 200)} refused with {code} {self._tame(said)}", permanent=not later)

    def _who(self, refused: dict[str, tuple[int, bytes]]) -> tuple[str, str]:
        return one_line(", ".join(refused), 200), self.settings.address

    def _server(self) -> smtplib.SMTP:
        """Return a server that is not yet connected to, so that a greeting that never ends can be cut off."""
        timeout = self.settings.timeout
        if self.settings.security == "ssl":
            return smtplib.SMTP_SSL(timeout=timeout, context=self._context)
        return smtplib.SMTP(timeout=timeout)

    def _connect(self, server: smtplib.SMTP) -> None:
        host, _, port = self.settings.address.rpartition(":")
        # The name that the certificate must carry; connect() alone does not set it.
        server._host = host  # type: ignore[attr-defined]
        code, said = server.connect(host, int(port))
        if code != READY:
            raise smtplib.SMTPConnectError(code, said)

    def _log_in(self, server: smtplib.SMTP) -> None:
        if self.settings.security == "starttls":
            server.starttls(context=self._context)  # raises where the server offers none: never goes on in clear
        if self.settings.username is not None and self.settings.password is not None:
            server.login(self.settings.username, self.settings.password.get_secret_value())

    def _error(self, words: str, *, permanent: bool = False, answered: bool = False) -> DeliveryError:
        where = f"receiver {self.settings.name!r} at {self.settings.address}"
        return DeliveryError(f"{where}: {words}", permanent=permanent, answered=answered)

    def _tame(self, said: str | bytes) -> str:
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        if self.settings.password is not None:
            text = text.replace(self.settings.password.get_secret_value(), "***")
        return one_line(text, 200) if text.strip() else ""


def _shut(server: smtplib.SMTP) -> None:
    if server.sock is not None:
        with suppress(OSError):
            server.sock.shutdown(socket.SHUT_RDWR)


def _tls(settings: SmtpSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise InvalidInput(f"receiver {settings.name!r}: ca_file cannot be used ({type(error).__name__})") from None
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
