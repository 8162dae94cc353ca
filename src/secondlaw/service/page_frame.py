"""The frame of every page: templates, addresses behind a proxy, who may see it, and errors as pages.

Addresses are paths, built with the path that a proxy puts before them; nothing is fetched from anywhere else. Forms are
answered with a redirection, so that a reload sends nothing twice. Pages send ``Referrer-Policy: same-origin``: with
``no-referrer`` browsers hide the origin of their own forms, and these could not be told from forged ones.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlencode

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.routing import Match
from starlette.types import Scope

import secondlaw
from secondlaw.errors import SecondLawError
from secondlaw.reports.words import clip, count, interval, number, one_line, reading
from secondlaw.service.access import Access, Caller
from secondlaw.service.page_words import LOOKS
from secondlaw.service.problems import status_of
from secondlaw.storage import Store, Stream
from secondlaw.types import Estimate

__all__ = ["PageRoute", "Pages", "base_of", "link", "seen_stream", "stream_link", "stream_place"]

HERE = Path(__file__).parent
TITLES = {401: "Sign in", 403: "Not allowed", 404: "Not found", 409: "Try again", 413: "Too large",
          422: "Not understood", 429: "Too many requests", 503: "The store cannot be reached"}  # fmt: skip
STREAM = "/streams/{name:path}"
ACTIONS = ("label", "interval", "chart")
"""What the address of a stream's page may end in."""


@cache
def templates() -> Environment:
    """Return the templates; every value in them is escaped."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "reading": reading, "number": number, "interval": interval, "one_line": one_line, "clip": clip, "count": count,
        "sentence": lambda text: text[:1].upper() + text[1:],
        "slug": lambda text: f"s{hashlib.blake2s(text.encode(), digest_size=8).hexdigest()}",
    }  # fmt: skip
    made.tests["estimate"] = lambda value: isinstance(value, Estimate)
    return made


def base_of(request: Request) -> str:
    """Return the path that a proxy puts before all addresses; empty without one."""
    return _base(request.scope)


def _base(scope: Scope) -> str:
    return str(scope.get("root_path", "")).rstrip("/")


def link(request: Request, path: str, **query: object) -> str:
    """Return the address of a page; parts of the query that are None or empty are left out."""
    stated = {name: value for name, value in query.items() if value not in (None, "")}
    return base_of(request) + path + (f"?{urlencode(stated)}" if stated else "")


def stream_link(request: Request, stream: str, action: str = "", **query: object) -> str:
    """Return the address of a stream's page; the name may hold any character."""
    tail = f"/{action}" if action else ""
    return link(request, f"/streams/{quote(stream, safe='')}{tail}", **query)


def stream_place(scope: Scope) -> tuple[str, str]:
    """Return the stream that an address speaks of, and what of it is wanted.

    A name may hold slashes, written as %2F; the address as it was sent tells them from those of the address. Proxies
    that decode it leave the ends that are known.

    Examples
    --------
    >>> stream_place({"path": "/streams/a/label/label", "raw_path": b"/streams/a%2Flabel/label"})
    ('a/label', 'label')
    """
    raw = scope.get("raw_path") or quote(scope["path"]).encode()
    sent = raw.decode("latin-1").partition("?")[0]
    parts = sent.removeprefix(quote(_base(scope))).removeprefix("/streams/").split("/")
    action = parts.pop() if len(parts) > 1 and parts[-1] in ACTIONS else ""
    return unquote("/".join(parts)), action


class Pages:
    """What all pages are made with.

    Parameters
    ----------
    access : callable
        Takes a request; returns the :class:`Access` of its application.
    version : str
        Of the stylesheet, so that browsers fetch a new one.
    """

    def __init__(self, access: Callable[[Request], Access], *, version: str) -> None:
        self._access, self._version = access, version

    def caller(self, request: Request) -> Caller:
        """Return who asks, if they may read at all; browsers without a token are sent to the sign-in page."""
        try:
            return self._access(request).require("read")(request)
        except HTTPException as error:
            if error.status_code != 401:
                raise
            wanted = request.url.path.removeprefix(base_of(request)) if request.method == "GET" else "/"
            query = f"?{request.url.query}" if request.url.query and request.method == "GET" else ""
            address = link(request, "/signin", next=wanted + query)
            raise HTTPException(303, "sign in first", {"Location": address}) from error

    def page(self, request: Request, template: str, *, code: int = 200, **values: Any) -> Response:  # noqa: ANN401
        """Return a page."""
        who: Caller | None = values.get("who")
        known = {
            "link": lambda path, **query: link(request, path, **query),
            "stream_link": lambda stream, action="", **query: stream_link(request, stream, action, **query),
            "looks": LOOKS,
            "version": secondlaw.__version__,
            "assets": self._version,
            "who": who,
            "here": request.url.path.removeprefix(base_of(request)),
        }
        text = templates().get_template(template).render(known | values)
        return HTMLResponse(text, code, {"Referrer-Policy": "same-origin"})

    def see_other(self, address: str) -> Response:
        """Return the answer to a form."""
        return RedirectResponse(address, 303, {"Referrer-Policy": "same-origin"})

    def route_class(self) -> type[APIRoute]:
        """Return the class of routes whose errors are pages."""
        pages = self

        class OfPages(PageRoute):
            frame = pages

        return OfPages


def seen_stream(store: Store, pages: Pages, request: Request) -> tuple[Caller, Stream]:
    """Return who asks, and the stream that the address speaks of; one that they may not see is not there to them."""
    who, (name, _) = pages.caller(request), stream_place(request.scope)
    if not who.sees(name):
        raise HTTPException(404, f"there is no stream {name[:200]!r}")
    return who, store.streams.get(name)


class PageRoute(APIRoute):
    """A route whose errors are shown to a person."""

    frame: Pages

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether the route is meant; an address of a stream is read as it was sent."""
        found, child = super().matches(scope)
        before, named, tail = self.path.partition(STREAM)
        if found is not Match.NONE and named and not before and stream_place(scope)[1] != tail.strip("/"):
            return Match.NONE, {}
        return found, child

    def get_route_handler(self) -> Callable[[Request], Any]:
        """Return the handler that answers errors with pages."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                answer: Response = await inner(request)
                return answer
            except HTTPException as error:
                if error.status_code < 400:
                    return Response(status_code=error.status_code, headers=error.headers)
                return self._failed(request, error.status_code, str(error.detail), error.headers)
            except RequestValidationError as error:
                first = error.errors()[0]
                where = ".".join(str(part) for part in first["loc"][1:])
                return self._failed(request, 422, f"{where}: {first['msg']}", None)
            except SecondLawError as error:
                status, wait = status_of(error)
                headers = None if wait is None else {"Retry-After": f"{wait:.0f}"}
                return self._failed(request, status, str(error), headers)

        return handle

    def _failed(self, request: Request, status: int, said: str, headers: Any) -> Response:  # noqa: ANN401
        title = TITLES.get(status, "It did not work")
        answer = self.frame.page(request, "error.html", code=status, title=title, said=clip(said, 400))
        for name, value in (headers or {}).items():
            answer.headers[name] = value
        return answer
