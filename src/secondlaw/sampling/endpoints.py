"""Endpoints: where responses come from. The one that ships speaks the OpenAI-compatible chat completions over HTTP.

Passing failures (see :mod:`secondlaw.sampling.replies`) are tried again with exponential backoff and jitter, or after
what ``Retry-After`` asks for; final ones stop with what the endpoint said.
"""

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

import orjson

from secondlaw.errors import InvalidInput
from secondlaw.sampling.replies import CONTENT_FILTER, PassingFailure, Reply, error_code, failure_of, parse_reply
from secondlaw.sampling.scenarios import Message

if TYPE_CHECKING:
    import httpx

__all__ = ["Endpoint", "OpenAIEndpoint", "RetryPolicy"]

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SILENT = logging.NullHandler()


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How passing failures are tried again.

    Parameters
    ----------
    attempts : int
        Tries in all for one answer.
    first_wait, longest_wait : float
        Seconds of backoff before the second try, and at most; doubled each time, with jitter of up to the first wait.
    longest_retry_after : float
        Seconds; a longer ``Retry-After`` counts as a refusal for now and ends the tries. A shorter one is waited for in
        full, and never less than the first wait.

    Raises
    ------
    InvalidInput
        If there is no attempt, or a wait is negative.
    """

    attempts: int = 6
    first_wait: float = 0.5
    longest_wait: float = 30.0
    longest_retry_after: float = 300.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise InvalidInput(f"at least one attempt is needed, got {self.attempts}")
        if not (self.first_wait >= 0.0 and self.longest_wait >= 0.0 and self.longest_retry_after >= 0.0):
            raise InvalidInput(
                "waits are at least 0 seconds, got "
                f"{self.first_wait}, {self.longest_wait} and {self.longest_retry_after}"
            )

    def wait_for(self, error: Exception) -> bool | float:
        """Say whether to try again after an error: no, yes after the backoff, or yes after so many seconds."""
        if not isinstance(error, PassingFailure):
            return False
        if error.retry_after is None:
            return True
        if error.retry_after > self.longest_retry_after:
            return False
        # Workers that were told the same moment do not come back at the same moment.
        return max(error.retry_after, self.first_wait) + random.uniform(0.0, self.first_wait)  # noqa: S311


class Endpoint(Protocol):
    """Anything that answers chat messages with texts."""

    async def complete(self, messages: Sequence[Message], *, model: str, parameters: Mapping[str, Any]) -> Reply:
        """Ask once for ``parameters["n"]`` (default 1) answers."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


@dataclass(slots=True)
class OpenAIEndpoint:
    """An OpenAI-compatible endpoint (vLLM, llama.cpp, Ollama, TGI, OpenAI ...).

    Parameters
    ----------
    base_url : str
        URL up to and including ``/v1``; a query behind it is kept. Proxies of the environment are used unless it is on
        this machine.
    api_key : str or None
        Sent as a bearer token; never logged, stored or quoted in an error.
    timeout : float
        Seconds for one try, from the connection to the last byte.
    retries : RetryPolicy
    transport : httpx.AsyncBaseTransport, optional
        For tests.

    Attributes
    ----------
    retried : int
        How many tries were repeated so far.
    address : str
        The URL without user, password and query, as errors and manifests show it.

    Raises
    ------
    InvalidInput
        If the URL, the key or the time-out cannot be used.

    Examples
    --------
    >>> OpenAIEndpoint("http://localhost:8000/v1", api_key="secret").address
    'http://localhost:8000/v1'
    """

    base_url: str = field(repr=False)
    api_key: str | None = field(default=None, repr=False)
    timeout: float = 60.0
    retries: RetryPolicy = field(default_factory=RetryPolicy)
    transport: "httpx.AsyncBaseTransport | None" = None
    retried: int = 0
    address: str = field(init=False)
    _completions: "httpx.URL" = field(init=False, repr=False)
    _client: "httpx.AsyncClient | None" = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        import httpx

        try:
            url = httpx.URL(self.base_url)
        except httpx.InvalidURL as error:
            raise InvalidInput(f"{self.base_url!r} is no URL of an endpoint: {error}") from error
        if url.scheme not in ("http", "https") or not url.host:
            raise InvalidInput(f"an endpoint's URL starts with http:// or https://, got {self.base_url!r}")
        if url.port is not None and not 0 < url.port < 65536:
            raise InvalidInput(f"a port lies between 1 and 65535, got {url.port} in {self.base_url!r}")
        if not self.timeout > 0.0:
            raise InvalidInput(f"a time-out is longer than 0 seconds, got {self.timeout}")
        if self.api_key is not None:
            self.api_key = self.api_key.strip() or None
        if self.api_key is not None and not (self.api_key.isascii() and self.api_key.isprintable()):
            raise InvalidInput("the API key holds characters that no HTTP header can carry; copy it again")
        self.address = str(url.copy_with(userinfo=b"", query=None, fragment=None)).rstrip("/")
        self._completions = url.copy_with(path=url.path.rstrip("/") + "/chat/completions")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; the next question opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def complete(self, messages: Sequence[Message], *, model: str, parameters: Mapping[str, Any]) -> Reply:
        """Ask for answers, trying again while the failure is a passing one.

        Raises
        ------
        PassingFailure
            If every try failed.
        EndpointError
            If the endpoint refused for good.
        """
        import stamina

        # stamina logs each repeated try; without a handler of the application's own, that would go to stderr.
        logging.getLogger("stamina").addHandler(_SILENT)
        policy, tries = self.retries, 0
        body = {"model": model, "messages": [dict(m) for m in messages], **parameters}
        try:
            async for attempt in stamina.retry_context(
                on=policy.wait_for,
                attempts=policy.attempts,
                timeout=None,
                wait_initial=policy.first_wait,
                wait_max=policy.longest_wait,
                wait_jitter=policy.first_wait,
            ):
                tries += 1
                self.retried += tries > 1
                with attempt:
                    return await self._once(body)
        except PassingFailure as error:
            if tries == 1:
                raise
            raise PassingFailure(f"{error} ({tries} tries)", error.retry_after, reached=error.reached) from error
        raise AssertionError  # the loop returns or raises

    async def _once(self, body: dict[str, Any]) -> Reply:
        import httpx

        client, url = self._connections(), f"{self.address}/chat/completions"
        headers = {"Content-Type": "application/json"}
        try:
            # httpx bounds each read, not the whole answer: a server that sends a byte now and then is bounded here.
            async with asyncio.timeout(self.timeout):
                response = await client.post(self._completions, content=orjson.dumps(body), headers=headers)
        except (httpx.TimeoutException, TimeoutError) as error:
            raise PassingFailure(
                f"{url} did not answer within {self.timeout:g} s; raise --timeout or look at the server", reached=False
            ) from error
        except (httpx.HTTPError, UnicodeError) as error:  # the latter: no name that can be looked up
            raise PassingFailure(
                f"{url}: {error or type(error).__name__}; is the server running?", reached=False
            ) from error
        wanted = int(body.get("n", 1))
        if response.status_code == httpx.codes.OK:
            return parse_reply(response.content, url, wanted=wanted)
        content = self._without_key(response.content)
        if response.status_code == httpx.codes.BAD_REQUEST and error_code(content) == CONTENT_FILTER:
            return Reply(("",) * wanted, (CONTENT_FILTER,) * wanted, 0, 0, None)
        raise failure_of(response.status_code, content, url, header=response.headers.get("Retry-After"), wanted=wanted)

    def _connections(self) -> "httpx.AsyncClient":
        import httpx

        if self._client is None:
            headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
            self._client = httpx.AsyncClient(
                timeout=self.timeout,
                headers=headers,
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=64),
                transport=self.transport,
                trust_env=self._completions.host not in LOOPBACK,
            )
        return self._client

    def _without_key(self, content: bytes) -> bytes:
        return content.replace(self.api_key.encode(), b"***") if self.api_key else content
