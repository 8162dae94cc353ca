"""Posting a message to a URL, and what its answers mean.

Taken: any 2xx. Refused for good: 4xx, except those that a person can set right or that pass by themselves (see
:data:`PASSING`). Everything else is tried again: no connection, a time-out, a redirect, 5xx. Redirects are never
followed, since a token would go to whom it was not given.
"""

import asyncio
import logging
import ssl
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING

from secondlaw.errors import InvalidInput
from secondlaw.reports.words import one_line
from secondlaw.sampling.replies import retry_after
from secondlaw.service.receiver_fields import LOOPBACK
from secondlaw.service.receiver_settings import AlertmanagerSettings, CloudEventsSettings, WebhookSettings
from secondlaw.service.receivers.base import DeliveryError

if TYPE_CHECKING:
    import httpx

__all__ = ["PASSING", "Poster"]

PASSING = frozenset({401, 403, 404, 405, 407, 408, 409, 421, 423, 425, 429})
"""4xx that say something about the address, the token or the moment, not about the message."""
BUSY = frozenset({408, 425, 429, 502, 503, 504})
"""Answers of a receiver, or a proxy before it, that did not look at the message."""
EXCERPT = 200
"""Characters of an answer that an error quotes."""
READ = 4096
"""Bytes of an answer that are looked at."""
_quiet: ContextVar[bool] = ContextVar("quiet", default=False)


def _heard(_: logging.LogRecord) -> bool:
    return not _quiet.get()


class Poster:
    """Posts to one URL with one token.

    Parameters
    ----------
    settings : settings of a receiver behind a URL
    path : str
        Appended to the URL's path.
    transport : httpx.AsyncBaseTransport, optional
        For tests.

    Raises
    ------
    InvalidInput
        If a certificate file cannot be used.
    """

    def __init__(
        self,
        settings: AlertmanagerSettings | WebhookSettings | CloudEventsSettings,
        *,
        path: str = "",
        transport: "httpx.AsyncBaseTransport | None" = None,
    ) -> None:
        import httpx

        self._settings = settings
        url = httpx.URL(settings.url.get_secret_value())
        self._url = url.copy_with(path=url.path.rstrip("/") + path) if path else url
        token = settings.bearer_token
        self._headers = {} if token is None else {"Authorization": f"Bearer {token.get_secret_value()}"}
        self._secrets = [text for text in (token and token.get_secret_value(), url.password) if text]
        self._transport = transport
        self._verify = _tls(settings) if url.scheme == "https" else True
        self._client: httpx.AsyncClient | None = None
        # httpx logs every URL, and a webhook's URL is a secret; others' requests are logged as before.
        logging.getLogger("httpx").addFilter(_heard)

    async def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Send one message.

        Raises
        ------
        DeliveryError
            If it was not taken.
        """
        quiet = _quiet.set(True)
        try:
            await self._post(body, headers)
        finally:
            _quiet.reset(quiet)

    async def close(self) -> None:
        """Close the connections; the next message opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _post(self, body: bytes, headers: Mapping[str, str]) -> None:
        import httpx

        client = self._connections()
        wait = self._settings.timeout
        try:
            async with (  # httpx bounds each read, not the whole answer
                asyncio.timeout(wait),
                client.stream("POST", self._url, content=body, headers={**self._headers, **headers}) as response,
            ):
                if response.is_success:
                    return
                said = await _beginning(response)
        except (httpx.TimeoutException, TimeoutError):
            raise self._error(f"no answer within {wait:g} s") from None
        except (httpx.HTTPError, ssl.SSLError, OSError, UnicodeError) as error:  # the last: no name to look up
            raise self._error(self._tame(str(error)) or type(error).__name__) from None
        raise self._failure(response, said)

    def _connections(self) -> "httpx.AsyncClient":
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(
                timeout=self._settings.timeout,
                verify=self._verify,
                follow_redirects=False,
                transport=self._transport,
                trust_env=self._url.host not in LOOPBACK,
                headers={"User-Agent": "secondlaw"},
            )
        return self._client

    def _failure(self, response: "httpx.Response", said: bytes) -> DeliveryError:
        status = response.status_code
        if response.is_redirect:
            return self._error(f"HTTP {status}, a redirect, which is not followed; set url to where it leads")
        words = f"HTTP {status} {response.reason_phrase}".strip()
        text = self._tame(said.decode("utf-8", "replace"))
        return self._error(
            f"{words}: {text}" if text else words,
            permanent=400 <= status < 500 and status not in PASSING,
            retry_after=retry_after(response.headers.get("Retry-After")),
            answered=status not in BUSY | PASSING,
        )

    def _error(
        self, words: str, *, permanent: bool = False, retry_after: float | None = None, answered: bool = False
    ) -> DeliveryError:
        where = f"receiver {self._settings.name!r} at {self._settings.address}"
        return DeliveryError(f"{where}: {words}", permanent=permanent, retry_after=retry_after, answered=answered)

    def _tame(self, text: str) -> str:
        path = self._url.raw_path.decode("ascii", "replace")
        for secret in [*self._secrets, str(self._url), *([path] if len(path) > 1 else [])]:
            text = text.replace(secret, "***")
        return one_line(text, EXCERPT) if text.strip() else ""


async def _beginning(response: "httpx.Response") -> bytes:
    found = b""
    async for part in response.aiter_bytes():
        found += part
        if len(found) >= READ:
            break
    return found[:READ]


def _tls(settings: AlertmanagerSettings | WebhookSettings | CloudEventsSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.cert_file is not None:
            context.load_cert_chain(settings.cert_file, settings.key_file)
    except (OSError, ssl.SSLError) as error:
        raise InvalidInput(
            f"receiver {settings.name!r}: a certificate file cannot be used ({error.strerror or type(error).__name__})"
        ) from None
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
