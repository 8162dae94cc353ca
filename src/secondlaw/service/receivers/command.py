"""A command hook: a program that is started without a shell and reads the message on its standard input.

The message is the webhook's of version 4. The program has a nearly empty environment (no setting or secret of the
service) and a process group of its own, which is killed when it takes too long or the service stops. Exit code 0:
taken; 65 (EX_DATAERR): refused for good; any other: tried again.
"""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from tempfile import TemporaryFile
from typing import IO

import orjson

from secondlaw.reports.words import one_line
from secondlaw.service.receiver_settings import CommandSettings
from secondlaw.service.receivers.base import DeliveryError, Notice, message_key
from secondlaw.service.receivers.webhook import webhook_body

__all__ = ["CommandReceiver"]

REFUSED = 65
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SYSTEMROOT")
KEPT = 2000
"""Bytes of what the program says on its standard error that are kept."""


class CommandReceiver:
    """Starts a program for each message.

    Parameters
    ----------
    settings : CommandSettings
    external_url : str
        Address of the service, written into the message.
    """

    def __init__(self, settings: CommandSettings, *, external_url: str = "") -> None:
        self.settings = settings
        self._external_url = external_url

    async def send(self, notices: Sequence[Notice], *, now: datetime) -> None:
        """Start the program once; see :class:`~secondlaw.service.receivers.base.Receiver`."""
        message = webhook_body(notices, receiver=self.settings.name, external_url=self._external_url)
        # What it says goes to a file: asyncio waits for the end of a pipe, which a child of the program may hold open.
        with TemporaryFile() as said:
            code = await self._run(orjson.dumps(message), self._environment(notices), said)
            said.seek(0)
            words = said.read(KEPT)
        if code:
            raise self._error(f"ended with {code}{self._tame(words)}", permanent=code == REFUSED, answered=True)

    async def close(self) -> None:
        """Do nothing: nothing is kept open."""

    async def _run(self, message: bytes, environment: dict[str, str], said: IO[bytes]) -> int:
        try:
            process = await asyncio.create_subprocess_exec(
                *self.settings.argv, stdin=PIPE, stdout=DEVNULL, stderr=said, env=environment, start_new_session=True
            )
        except (OSError, ValueError) as error:
            raise self._error(f"cannot be started ({type(error).__name__})") from None
        try:
            async with asyncio.timeout(self.settings.timeout):
                await _feed(process, message)
                return await process.wait()
        except TimeoutError:
            raise self._error(f"took longer than {self.settings.timeout:g} s and was killed") from None
        finally:
            if process.returncode is None:
                _kill(process)
                await process.wait()

    def _environment(self, notices: Sequence[Notice]) -> dict[str, str]:
        first = notices[0].alert
        told = {
            "SECONDLAW_ALERT_STATE": first.state,
            "SECONDLAW_ALERT_COUNT": str(len(notices)),
            "SECONDLAW_ALERT_KEY": message_key(notices),
            "SECONDLAW_ALERT_FINGERPRINT": first.fingerprint,
        }
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return {**inherited, **told, **{name: text.get_secret_value() for name, text in self.settings.env.items()}}

    def _error(self, words: str, *, permanent: bool = False, answered: bool = False) -> DeliveryError:
        where = f"receiver {self.settings.name!r}, the program {self.settings.address!r}"
        return DeliveryError(f"{where}: {words}", permanent=permanent, answered=answered)

    def _tame(self, words: bytes) -> str:
        text = words.decode("utf-8", "replace")
        for secret in self.settings.env.values():
            text = text.replace(secret.get_secret_value(), "***") if secret.get_secret_value() else text
        return f": {one_line(text, 200)}" if text.strip() else ""


async def _feed(process: Process, message: bytes) -> None:
    assert process.stdin is not None  # noqa: S101 - a pipe was asked for
    with suppress(BrokenPipeError, ConnectionResetError):  # a program need not read
        process.stdin.write(message)
        await process.stdin.drain()
    process.stdin.close()


def _kill(process: Process) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
