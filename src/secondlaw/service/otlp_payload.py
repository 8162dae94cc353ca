"""From the body of an OTLP/HTTP request to records."""

from secondlaw.service.otlp_bodies import Encoding, plain_body
from secondlaw.service.otlp_json import records_from_json
from secondlaw.service.otlp_protobuf import records_from_protobuf
from secondlaw.service.otlp_records import Record, Signal

__all__ = ["read_records"]


def read_records(
    body: bytes, *, signal: Signal, encoding: Encoding, content_encoding: str | None, limit: int
) -> list[Record]:
    """Return the spans or log records of an export request.

    Parameters
    ----------
    body : bytes
        As it came over the wire.
    signal : {"traces", "logs"}
        The path it was sent to.
    encoding : {"protobuf", "json"}
        From the content type, see :func:`secondlaw.service.otlp_bodies.encoding_of`.
    content_encoding : str or None
        Compression.
    limit : int
        Largest size in bytes after decompression.

    Raises
    ------
    BodyTooLarge, UnsupportedMedia, BadPayload
        See :func:`secondlaw.service.otlp_bodies.plain_body`.

    Examples
    --------
    >>> read_records(b"{}", signal="logs", encoding="json", content_encoding=None, limit=100)
    []
    """
    plain = plain_body(body, content_encoding, limit=limit)
    return records_from_json(plain, signal) if encoding == "json" else records_from_protobuf(plain, signal)
