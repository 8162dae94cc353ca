"""Who may do what: bearer tokens with scopes and streams; on loopback, while there is no token, everybody.

A token comes in the header ``Authorization: Bearer``, or for browsers in the cookie that the sign-in page sets. Tokens
are compared by hash. A page of another origin cannot use a browser's cookie or its place on this machine: requests that
change something are refused if their ``Origin`` is not this host, and so is a ``Host`` that is no address of this
machine while the service listens on loopback without tokens.
"""

import threading
import time
from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit

from fastapi import HTTPException, Request

from secondlaw.service.settings import is_loopback
from secondlaw.storage import Store, Token

__all__ = ["COOKIE", "Access", "Caller", "Scope", "check_origin"]

Scope = Literal["ingest", "read", "admin"]
COOKIE = "secondlaw_token"
REMEMBERED = 5.0
"""Seconds for which a token that was found is not looked up again: so long a revoked one may live."""
_SAFE = ("GET", "HEAD", "OPTIONS")


class Caller:
    """Who sent a request.

    Parameters
    ----------
    token : Token or None
        None: anybody on this machine.
    client : str
        For rate limits and the audit.
    """

    def __init__(self, token: Token | None, client: str) -> None:
        self.token, self.client = token, client

    @property
    def name(self) -> str:
        """What the audit calls the caller."""
        return "local" if self.token is None else self.token.name

    @property
    def key(self) -> str:
        """What a rate limit counts by."""
        return self.client if self.token is None else f"token {self.token.id}"

    def may(self, scope: Scope, stream: str | None = None) -> bool:
        """Whether the caller may do something, to a stream where one is named."""
        return self.token is None or self.token.allows(scope, stream)

    def sees(self, stream: str) -> bool:
        """Whether the caller may read a stream."""
        return self.may("read", stream)


class Access:
    """Tells who a request is from, and refuses what it may not do.

    Parameters
    ----------
    store : Store
    host : str
        Address that the service listens on.
    monotonic : callable
        Seconds that never go back.
    """

    def __init__(self, store: Store, *, host: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store, self._local, self._monotonic = store, is_loopback(host), monotonic
        self._found: dict[str, tuple[float, Token | None]] = {}
        self._open: tuple[float, bool] | None = None
        self._lock = threading.Lock()

    def require(self, scope: Scope) -> Callable[[Request], Caller]:
        """Return a dependency that lets only callers with a scope pass; routes check streams by :meth:`Caller.may`."""

        def caller(request: Request) -> Caller:
            found = self.caller(request)
            if found.token is not None and scope not in found.token.scopes and "admin" not in found.token.scopes:
                raise HTTPException(403, f"this token does not have the scope {scope!r}")
            return found

        return caller

    def caller(self, request: Request) -> Caller:
        """Return who a request is from.

        Raises
        ------
        HTTPException
            401 without a valid token where one is needed, 403 for a page of another origin.
        """
        secret, from_cookie = _secret(request)
        client = request.client.host if request.client else "unknown"
        if secret is None:
            if not self._is_open():
                raise HTTPException(401, "a token is needed: Authorization: Bearer ...", {"WWW-Authenticate": "Bearer"})
            self._check_neighbour(request)
            return Caller(None, client)
        token = self._token(secret)
        if token is None:
            raise HTTPException(401, "the token is unknown, expired or revoked", {"WWW-Authenticate": "Bearer"})
        if from_cookie:
            check_origin(request)
        return Caller(token, client)

    def _is_open(self) -> bool:
        """Whether everybody on this machine may do everything: there is no token yet."""
        if not self._local:
            return False
        now = self._monotonic()
        if self._open is None or now - self._open[0] > REMEMBERED:
            self._open = (now, not any(token.revoked_at is None for token in self._store.tokens.list()))
        return self._open[1]

    def _check_neighbour(self, request: Request) -> None:
        forwarded = [name for name in ("x-forwarded-for", "forwarded", "x-real-ip") if name in request.headers]
        if forwarded:
            raise HTTPException(401, f"behind a proxy ({forwarded[0]}) a token is needed: secondlaw token create")
        name = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
        if not is_loopback(name) and name != "testserver":
            raise HTTPException(403, f"the host {name[:80]!r} is no address of this machine")
        check_origin(request)

    def _token(self, secret: str) -> Token | None:
        now = self._monotonic()
        with self._lock:
            known = self._found.get(secret)
            if known is not None and now - known[0] <= REMEMBERED:
                return known[1]
        found = self._store.tokens.find(secret)
        with self._lock:
            if len(self._found) > 10_000:
                self._found.clear()
            self._found[secret] = (now, found)
        return found


def _secret(request: Request) -> tuple[str | None, bool]:
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and value.strip():
        return value.strip(), False
    cookie = request.cookies.get(COOKIE)
    return cookie, cookie is not None


def check_origin(request: Request) -> None:
    """Refuse, with 403, a request by which a page of another site would change something."""
    origin = request.headers.get("origin")
    if request.method in _SAFE or origin is None:
        return
    if urlsplit(origin).netloc != request.headers.get("host", ""):
        raise HTTPException(403, f"a page of {origin[:80]!r} may not change anything here")
