"""What the OTLP routes look like in the OpenAPI document: bodies that are read by hand have no model to show it.

Described are the fields that are read. Times are not: nanoseconds as a decimal text or a number, beyond the integers
that a schema's ``maximum`` can state exactly.
"""

from typing import Any

from secondlaw.service.otlp_records import Signal

__all__ = ["request_body", "responses"]


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a field: in protobuf's JSON, null is a field left out."""
    return schema | {"type": [schema["type"], "null"]}


def _object(**fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": fields}


def _list(item: dict[str, Any]) -> dict[str, Any]:
    return _or_null({"type": "array", "items": item})


_ID = _or_null({"type": "string", "pattern": "^([0-9a-fA-F]{2})*$", "maxLength": 64, "description": "hexadecimal"})
_TEXT = _or_null({"type": "string"})
_VALUE = _or_null(_object(stringValue=_TEXT)) | {
    "description": "AnyValue: one of stringValue, boolValue, intValue, doubleValue, arrayValue, kvlistValue, bytesValue"
}
_ATTRIBUTES = _list(_object(key=_TEXT, value=_VALUE))
_NOTE = _object(name=_TEXT, attributes=_ATTRIBUTES)
_SPAN = _object(
    traceId=_ID,
    spanId=_ID,
    name=_TEXT,
    attributes=_ATTRIBUTES,
    events=_list(_NOTE),
    status=_or_null(
        _object(code=_or_null({"type": "integer", "minimum": -(1 << 31), "maximum": (1 << 31) - 1}), message=_TEXT)
    ),
)
_LOG = _object(
    traceId=_ID,
    spanId=_ID,
    eventName=_TEXT,
    attributes=_ATTRIBUTES,
    body=_VALUE,
)
_STATUS = {
    "type": "object",
    "description": "google.rpc.Status",
    "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
    "required": ["code", "message"],
}
_RESPONSE = {
    "type": "object",
    "description": "ExportTraceServiceResponse or ExportLogsServiceResponse",
    "properties": {"partialSuccess": {"type": "object"}},
}
_FAILURES = {
    400: "The body cannot be decoded.",
    408: "The body did not arrive in time.",
    413: "The body is larger than the limit, as sent or after decompression.",
    415: "Neither protobuf nor JSON, or an unknown compression.",
    429: "Too many events wait for their label; send again after Retry-After seconds.",
    503: "The store cannot take events now; send again after Retry-After seconds.",
}


def request_body(signal: Signal) -> dict[str, Any]:
    """Return the body of a request for OpenAPI.

    Examples
    --------
    >>> sorted(request_body("logs")["requestBody"]["content"])
    ['application/json', 'application/x-protobuf']
    """
    return {"requestBody": {"required": True, "content": _content(_request(signal))}}


def responses() -> dict[int | str, dict[str, Any]]:
    """Return the answers for OpenAPI.

    Examples
    --------
    >>> list(responses())
    [200, 400, 408, 413, 415, 429, 503]
    """
    answers: dict[int | str, dict[str, Any]] = {
        200: {"description": "Accepted, perhaps in part (partialSuccess).", "content": _content(_RESPONSE)}
    }
    for status, description in _FAILURES.items():
        answers[status] = {"description": description, "content": _content(_STATUS)}
    return answers


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "application/json": {"schema": schema},
        "application/x-protobuf": {"schema": {"type": "string", "format": "binary"}},
    }


def _request(signal: Signal) -> dict[str, Any]:
    groups, scoped, records, record = (
        ("resourceSpans", "scopeSpans", "spans", _SPAN)
        if signal == "traces"
        else ("resourceLogs", "scopeLogs", "logRecords", _LOG)
    )
    scoping = _object(scope=_or_null(_object(name=_TEXT)), **{records: _list(record)})
    group = _object(resource=_or_null(_object(attributes=_ATTRIBUTES)), **{scoped: _list(scoping)})
    return _object(**{groups: _list(group)})
