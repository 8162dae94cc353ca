"""Answers to OTLP/HTTP requests, in the encoding of the request.

Success is an ``Export<signal>ServiceResponse``, with ``partial_success`` where records were rejected or a warning is
due; every failure is a ``google.rpc.Status`` (opentelemetry-proto, ``docs/specification.md``, OTLP/HTTP Response).
"""

import math
from typing import NamedTuple

import orjson

from secondlaw.service.otlp_bodies import Encoding
from secondlaw.service.otlp_records import Signal

__all__ = ["Answer", "failure", "success"]

CONTENT_TYPES: dict[Encoding, str] = {"protobuf": "application/x-protobuf", "json": "application/json"}
_REJECTED_JSON = {"traces": "rejectedSpans", "logs": "rejectedLogRecords"}
_CODES = {400: 3, 401: 16, 403: 7, 408: 4, 413: 3, 415: 3, 429: 8, 503: 14}
"""Codes of ``google.rpc.Code`` by status; 13 (internal) for the others."""
_INTERNAL = 13
_VARINT, _BYTES = 0, 2  # protobuf's wire types


class Answer(NamedTuple):
    """An HTTP answer: status, body, headers."""

    status: int
    body: bytes
    headers: dict[str, str]


def success(signal: Signal, encoding: Encoding, *, rejected: int = 0, message: str = "") -> Answer:
    """Return the answer to an accepted request.

    Parameters
    ----------
    signal, encoding
        Of the request.
    rejected : int
        Spans or log records that were not accepted; clients must not send them again.
    message : str
        Why, or a warning if nothing was rejected. Both 0 and empty leave ``partial_success`` unset.

    Examples
    --------
    >>> success("logs", "json", rejected=1, message="no").body
    b'{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"no"}}'
    >>> success("traces", "protobuf").body
    b''
    """
    body = _partial_json(signal, rejected, message) if encoding == "json" else _partial(signal, rejected, message)
    return Answer(200, body, {"Content-Type": CONTENT_TYPES[encoding]})


def failure(status: int, message: str, encoding: Encoding, *, retry_after: float | None = None) -> Answer:
    """Return the answer to a request of which nothing was accepted.

    Examples
    --------
    >>> failure(429, "slower", "json", retry_after=1.5).headers["Retry-After"]
    '2'
    """
    code = _CODES.get(status, _INTERNAL)
    body = orjson.dumps({"code": code, "message": message}) if encoding == "json" else _status(code, message)
    headers = {"Content-Type": CONTENT_TYPES[encoding]}
    if retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(retry_after)))
    return Answer(status, body, headers)


def _partial_json(signal: Signal, rejected: int, message: str) -> bytes:
    counted = {_REJECTED_JSON[signal]: str(rejected)} if rejected else {}
    partial = counted | ({"errorMessage": message} if message else {})
    return orjson.dumps({"partialSuccess": partial} if partial else {})


def _partial(signal: Signal, rejected: int, message: str) -> bytes:
    if not rejected and not message:
        return b""
    if signal == "traces":
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

        traces = ExportTraceServiceResponse()
        traces.partial_success.rejected_spans = rejected
        traces.partial_success.error_message = message
        return bytes(traces.SerializeToString())
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

    logs = ExportLogsServiceResponse()
    logs.partial_success.rejected_log_records = rejected
    logs.partial_success.error_message = message
    return bytes(logs.SerializeToString())


def _status(code: int, message: str) -> bytes:
    """Return a ``google.rpc.Status``, of whose fields two are written: ``int32 code = 1; string message = 2``.

    Its generated class lives in a package of its own, which this would be the only use of.
    """
    text = message.encode("utf-8", "replace")
    return bytes([1 << 3 | _VARINT, code, 2 << 3 | _BYTES]) + _varint(len(text)) + text


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
