"""Bodies of OTLP/HTTP requests: which encoding they have, and their plain bytes within a limit.

A body of a few kilobytes may expand to gigabytes, so inflating stops at the limit
(opentelemetry-proto, ``docs/specification.md``, OTLP/HTTP Request: the limit holds after decompression too).
"""

import zlib
from collections.abc import AsyncIterator
from typing import Literal

from secondlaw.errors import SecondLawError
from secondlaw.service.otlp_records import BadPayload

__all__ = ["BodyTooLarge", "Encoding", "UnsupportedMedia", "encoding_of", "joined", "plain_body", "too_large"]

Encoding = Literal["protobuf", "json"]

_TYPES: dict[str, Encoding] = {
    "application/x-protobuf": "protobuf",
    "application/protobuf": "protobuf",
    "application/json": "json",
}
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
"""zlib's code for "gzip or zlib, told by the header": ``deflate`` of HTTP is zlib's format."""
_PIECE = 1 << 16
MOST_MEMBERS = 64
"""Parts that a compressed body may be made of; clients write one."""


class BodyTooLarge(SecondLawError):  # noqa: N818
    """A body is larger than the limit, as sent or after decompression."""

    exit_code = 2


class UnsupportedMedia(SecondLawError):  # noqa: N818
    """A content type or content encoding that OTLP/HTTP does not know."""

    exit_code = 2


def encoding_of(content_type: str | None) -> Encoding:
    """Return how a body is encoded.

    Raises
    ------
    UnsupportedMedia
        If the content type is neither protobuf nor JSON.

    Examples
    --------
    >>> encoding_of("application/json; charset=utf-8")
    'json'
    """
    name = (content_type or "").partition(";")[0].strip().lower()
    if name not in _TYPES:
        raise UnsupportedMedia(
            f"the content type is {name or 'missing'}; send application/x-protobuf or application/json"
        )
    return _TYPES[name]


async def joined(pieces: AsyncIterator[bytes], *, limit: int) -> bytes:
    """Return a body as sent, never more of it than the limit.

    Raises
    ------
    BodyTooLarge
        If it is longer.
    """
    found, size = [], 0
    async for piece in pieces:
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        found.append(piece)
    return b"".join(found)


def plain_body(body: bytes, content_encoding: str | None, *, limit: int) -> bytes:
    """Return the body without its compression.

    Parameters
    ----------
    body : bytes
    content_encoding : str or None
        ``gzip``, ``deflate``, ``identity`` or nothing.
    limit : int
        Bytes after decompression.

    Raises
    ------
    BodyTooLarge, UnsupportedMedia, BadPayload
        If it expands beyond the limit, is compressed otherwise, or is damaged.

    Examples
    --------
    >>> import gzip
    >>> plain_body(gzip.compress(b"spans"), "gzip", limit=100)
    b'spans'
    """
    name = (content_encoding or "identity").strip().lower()
    if name in ("identity", "none"):
        if len(body) > limit:
            raise too_large(limit)
        return body
    if name not in ("gzip", "x-gzip", "deflate"):
        raise UnsupportedMedia(f"the content encoding {name!r} is not known here; send gzip or no compression")
    return _inflated(body, limit)


def too_large(limit: int) -> BodyTooLarge:
    """Return the error that names the limit."""
    return BodyTooLarge(
        f"the body is larger than {limit} bytes; export smaller batches (OTEL_BSP_MAX_EXPORT_BATCH_SIZE)"
    )


def _inflated(body: bytes, limit: int) -> bytes:
    """Inflate piece by piece: zlib copies what it has not read yet, each time it is called."""
    pieces: list[bytes] = []
    size = members = start = 0
    inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
    while start < len(body):
        data = body[start : start + _PIECE]
        start += len(data)
        while data and not inflater.eof:
            try:
                piece = inflater.decompress(data, _PIECE)
            except zlib.error as error:
                raise BadPayload(f"the compressed body is damaged ({error}); is it gzip?") from error
            data = inflater.unconsumed_tail
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                raise too_large(limit)
        if inflater.eof and (rest := len(inflater.unused_data) + len(body) - start):
            start = len(body) - rest
            members += 1
            if members == MOST_MEMBERS:
                raise BadPayload(f"the compressed body has more than {MOST_MEMBERS} members; compress it as a whole")
            inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
    if not inflater.eof:
        raise BadPayload("the compressed body breaks off before its end; send it again whole")
    return b"".join(pieces)
