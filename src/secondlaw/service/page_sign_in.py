"""Signing in: a token becomes a cookie that scripts cannot read and other sites cannot use."""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import Response

from secondlaw.service.access import COOKIE, check_origin
from secondlaw.service.page_frame import Pages, base_of, link
from secondlaw.storage import Store

__all__ = ["safe_next", "sign_in_pages"]


def safe_next(address: str) -> str:
    r"""Return an address of this service to go to, never one of another.

    Examples
    --------
    >>> safe_next("/alarms?status=open"), safe_next("//evil.example"), safe_next("/\\evil.example"), safe_next("")
    ('/alarms?status=open', '/', '/', '/')
    """
    plain = address.isprintable() and "\\" not in address
    return address if plain and address.startswith("/") and not address.startswith("//") else "/"


def sign_in_pages(store: Store, pages: Pages) -> APIRouter:
    """Return the sign-in page and what ends a session."""
    router = APIRouter(route_class=pages.route_class(), include_in_schema=False)

    @router.get("/signin", name="signin")
    def ask(request: Request, next: str = "/") -> Response:
        return pages.page(request, "signin.html", title="Sign in", next=safe_next(next), failed=False)

    @router.post("/signin")
    def sign_in(
        request: Request,
        token: Annotated[str, Form(max_length=300)] = "",
        next: Annotated[str, Form(max_length=2000)] = "/",
    ) -> Response:
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise HTTPException(403, "a page of another site may not sign in here")
        check_origin(request)
        found = store.tokens.find(token.strip())
        if found is None:
            return pages.page(request, "signin.html", code=403, title="Sign in", next=safe_next(next), failed=True)
        answer = pages.see_other(link(request, safe_next(next)))
        answer.set_cookie(
            COOKIE, token.strip(), httponly=True, samesite="strict", secure=request.url.scheme == "https",
            path=base_of(request) or "/", expires=found.expires_at,
        )  # fmt: skip
        return answer

    @router.post("/signout")
    def sign_out(request: Request) -> Response:
        check_origin(request)
        answer = pages.see_other(link(request, "/signin"))
        answer.delete_cookie(COOKIE, path=base_of(request) or "/", httponly=True, samesite="strict")
        return answer

    return router
