"""OTLP in JSON as records: the protobuf JSON mapping with OTLP's deviations.

Ids are hexadecimal, not base64; 64-bit integers are decimal texts or numbers; enumerations are integers; unknown fields
are ignored (opentelemetry-proto, ``docs/specification.md``, JSON Protobuf Encoding). More lenient than that page: the
original field names (``resource_spans``) and the names of enumerations are read as well.
"""

import base64
import binascii
import math
import re
import string
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import orjson

from secondlaw.service.otlp_records import STATUS_ERROR, BadPayload, Note, Record, Signal, few_enough

__all__ = ["records_from_json"]

DEEPEST = 90
"""Nesting of values; protobuf's parsers stop at 100 messages, of which a request uses about ten."""
_UINT64 = 1 << 64
_INT64 = 1 << 63
_INT32 = 1 << 31
_STATUS_NAMES = ("STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR")
_WHOLE = re.compile(r"-?\d{1,20}", re.ASCII)
_HEX = frozenset(string.hexdigits)


def records_from_json(body: bytes, signal: Signal) -> list[Record]:
    """Return the records of an export request in JSON.

    Raises
    ------
    BadPayload
        If the bytes are no JSON, or a field has another type than OTLP says.
    TooManyRecords
        If it holds too many records for one request.

    Examples
    --------
    >>> records_from_json(b'{"resourceSpans": []}', "traces")
    []
    """
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadPayload(f"the body is no JSON ({error}); check the content type") from error
    if not isinstance(message, dict):
        raise BadPayload("the body is JSON but no object; send an OTLP export request")
    return few_enough(_spans(message) if signal == "traces" else _logs(message))


def _spans(message: Mapping[str, Any]) -> Iterator[Record]:
    for group in _items(message, "resourceSpans"):
        resource = _attributes(_object(group, "resource"))
        for scoped in _items(group, "scopeSpans"):
            scope = _text(_object(scoped, "scope"), "name")
            for span in _items(scoped, "spans"):
                yield Record(
                    signal="traces",
                    name=_text(span, "name"),
                    trace_id=_id(span, "traceId"),
                    span_id=_id(span, "spanId"),
                    parent=_id(span, "parentSpanId"),
                    time_ns=_nanoseconds(span, "endTimeUnixNano") or _nanoseconds(span, "startTimeUnixNano"),
                    attributes=_attributes(span),
                    resource=resource,
                    scope=scope,
                    failed=_failed(_object(span, "status")),
                    notes=tuple(
                        Note(_text(note, "name"), _attributes(note), _nanoseconds(note, "timeUnixNano"))
                        for note in _items(span, "events")
                    ),
                )


def _logs(message: Mapping[str, Any]) -> Iterator[Record]:
    for group in _items(message, "resourceLogs"):
        resource = _attributes(_object(group, "resource"))
        for scoped in _items(group, "scopeLogs"):
            scope = _text(_object(scoped, "scope"), "name")
            for log in _items(scoped, "logRecords"):
                yield Record(
                    signal="logs",
                    name=_text(log, "eventName"),
                    trace_id=_id(log, "traceId"),
                    span_id=_id(log, "spanId"),
                    time_ns=_nanoseconds(log, "timeUnixNano") or _nanoseconds(log, "observedTimeUnixNano"),
                    attributes=_attributes(log),
                    resource=resource,
                    scope=scope,
                    body=_value(_object(log, "body"), 0),
                )


def _failed(status: Mapping[str, Any]) -> bool:
    _text(status, "message")  # not needed, but to be a text
    code = _get(status, "code")
    if isinstance(code, str) and code in _STATUS_NAMES:
        code = _STATUS_NAMES.index(code)
    return code is not None and _integer(code, "code", -_INT32, _INT32) == STATUS_ERROR


@cache
def _original(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def _get(message: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - any JSON
    value = message.get(name)
    return message.get(_original(name)) if value is None else value


def _wrong(name: str, expected: str, value: object) -> BadPayload:
    return BadPayload(f"{name} is {expected}, got {type(value).__name__}; send OTLP as its JSON mapping says")


def _object(message: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = _get(message, name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong(name, "an object", value)
    return value


def _items(message: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = _get(message, name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _wrong(name, "a list of objects", value)
    return value


def _text(message: Mapping[str, Any], name: str) -> str:
    value = _get(message, name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _wrong(name, "a text", value)
    return value


def _id(message: Mapping[str, Any], name: str) -> str:
    value = _text(message, name)
    if len(value) % 2 or not _HEX.issuperset(value):
        raise BadPayload(f"{name} is hexadecimal in OTLP's JSON, got {value[:40]!r}; base64 is not")
    return value.lower()


def _nanoseconds(message: Mapping[str, Any], name: str) -> int:
    value = _get(message, name)
    return 0 if value is None else _integer(value, name, 0, _UINT64)


def _integer(value: object, name: str, low: int, high: int) -> int:
    number: object = value
    if isinstance(value, str):
        number = int(value) if _WHOLE.fullmatch(value) else None
    elif isinstance(value, float) and value.is_integer():
        number = int(value)
    if isinstance(number, bool) or not isinstance(number, int) or not low <= number < high:
        raise _wrong(name, f"a whole number from {low} to {high - 1}, as digits", value)
    return number


def _attributes(message: Mapping[str, Any], depth: int = 0, name: str = "attributes") -> dict[str, Any]:
    return {_text(pair, "key"): _value(_object(pair, "value"), depth) for pair in _items(message, name)}


def _value(value: Mapping[str, Any], depth: int) -> Any:  # noqa: ANN401 - any JSON
    """Return an ``AnyValue``; a value of an unknown kind is none."""
    if depth > DEEPEST:
        raise BadPayload(f"values are nested deeper than {DEEPEST}; send flatter attributes")
    stated = [kind for kind, content in value.items() if kind in _KINDS and content is not None]
    if len(stated) > 1:
        raise BadPayload(f"a value is of one kind, got {' and '.join(stated)}; send one of them")
    return _KINDS[stated[0]](value[stated[0]], depth) if stated else None


def _string(value: object, _: int) -> str:
    if not isinstance(value, str):
        raise _wrong("stringValue", "a text", value)
    return value


def _truth(value: object, _: int) -> bool:
    if not isinstance(value, bool):
        raise _wrong("boolValue", "true or false", value)
    return value


def _whole(value: object, _: int) -> int:
    return _integer(value, "intValue", -_INT64, _INT64)


def _double(value: object, _: int) -> float:
    if isinstance(value, str):
        try:
            return {"Infinity": math.inf, "-Infinity": -math.inf}[value] if value.endswith("Infinity") else float(value)
        except (ValueError, KeyError) as error:
            raise _wrong("doubleValue", "a number", value) from error
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong("doubleValue", "a number", value)
    return float(value)


def _array(value: object, depth: int) -> list[Any]:
    if not isinstance(value, dict):
        raise _wrong("arrayValue", "an object", value)
    return [_value(item, depth + 1) for item in _items(value, "values")]


def _pairs(value: object, depth: int) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong("kvlistValue", "an object", value)
    return _attributes(value, depth + 1, "values")


def _bytes(value: object, _: int) -> bytes:
    try:
        text = _string(value, 0)
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_" if set("-_") & set(text) else None)
    except (binascii.Error, ValueError) as error:
        raise _wrong("bytesValue", "base64", value) from error


_KINDS = {
    "stringValue": _string,
    "boolValue": _truth,
    "intValue": _whole,
    "doubleValue": _double,
    "arrayValue": _array,
    "kvlistValue": _pairs,
    "bytesValue": _bytes,
}
_KINDS |= {_original(kind): read for kind, read in _KINDS.items()}
