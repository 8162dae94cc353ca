"""Answers to requests that failed: one shape for all of them, and which route gives which, for the OpenAPI document."""

import logging
from typing import Any

from fastapi import HTTPException
from pydantic import BaseModel, Field

from secondlaw.errors import (
    InvalidInput,
    LeaseLost,
    NotEnoughData,
    NotFound,
    QueueFull,
    SecondLawError,
    StorageError,
    StorageFull,
)

__all__ = ["Problem", "Trouble", "failed", "problems", "status_of", "words_of"]

_log = logging.getLogger(__name__)
READ = (401, 403, 404, 422, 503)
"""What a route that reads a stream may answer."""
WRITE = (400, 401, 403, 404, 409, 413, 422, 429, 503, 507)
"""What a route that changes something may answer."""
WORDS = {
    400: "The body cannot be parsed.",
    401: "A token is needed, or the one that came is not valid.",
    403: "The token does not allow it, or the request comes from a page of another origin.",
    404: "There is no such thing.",
    408: "The body did not arrive in time.",
    409: "Somebody else works on it at this moment; try again.",
    413: "The body is too large.",
    415: "The content type is none that is known here.",
    422: "A value is wrong.",
    429: "Too many events wait for their label, or requests come too fast; try again after Retry-After.",
    503: "The store cannot be reached; try again after Retry-After.",
    507: "The disk is full; try again after Retry-After.",
}


class Trouble(BaseModel):
    """One thing that is wrong with a request."""

    loc: list[str | int] = Field(description="Where it is wrong.")
    msg: str = Field(description="What is wrong.")
    type: str


class Problem(BaseModel):
    """Why a request failed."""

    detail: str | list[Trouble]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return answers for a route's ``responses``.

    Examples
    --------
    >>> problems(404)[404]["description"]
    'There is no such thing.'
    """
    return {status: {"model": Problem, "description": WORDS[status]} for status in statuses}


def status_of(error: SecondLawError) -> tuple[int, float | None]:
    """Return the HTTP status of an error, and the seconds after which the same request may succeed.

    Examples
    --------
    >>> status_of(QueueFull("full"))
    (429, 5.0)
    """
    if isinstance(error, NotFound):
        return 404, None
    if isinstance(error, QueueFull):
        return 429, 5.0
    if isinstance(error, StorageFull):
        return 507, 60.0
    if isinstance(error, LeaseLost):
        return 409, 1.0
    if isinstance(error, StorageError):
        return 503, 5.0
    return (422, None) if isinstance(error, InvalidInput | NotEnoughData) else (500, None)


def words_of(error: SecondLawError) -> str:
    """Return what a client is told of an error: how the store is reached and where it lies is not its business.

    Examples
    --------
    >>> words_of(StorageError("postgresql://10.0.0.7/store cannot be used now"))
    'the store cannot be used now; send it again later'
    """
    if isinstance(error, StorageFull):
        return "the disk of the store is full; send it again when there is room"
    if status_of(error)[0] == 503:
        _log.debug("answered with 503", exc_info=error)
        return "the store cannot be used now; send it again later"
    return str(error)


def failed(error: SecondLawError) -> HTTPException:
    """Return the answer to a request that failed."""
    status, wait = status_of(error)
    return HTTPException(status, words_of(error), None if wait is None else {"Retry-After": f"{wait:.0f}"})
