"""Binary OTLP (protobuf) as records."""

from collections.abc import Iterable, Iterator
from typing import Any

from secondlaw.service.otlp_records import STATUS_ERROR, BadPayload, Note, Record, Signal, few_enough

__all__ = ["records_from_protobuf"]


def records_from_protobuf(body: bytes, signal: Signal) -> list[Record]:
    """Return the records of a binary export request.

    Parameters
    ----------
    body : bytes
        ``ExportTraceServiceRequest`` or ``ExportLogsServiceRequest``.
    signal : {"traces", "logs"}

    Raises
    ------
    BadPayload
        If the bytes are no such message.
    TooManyRecords
        If it holds too many records for one request.

    Examples
    --------
    >>> records_from_protobuf(b"", "traces")
    []
    """
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    message = _request(signal)
    try:
        message.ParseFromString(body)
    except (DecodeError, ValueError, RecursionError) as error:
        raise BadPayload(
            f"the body is no protobuf of OTLP {signal} ({error}); check the content type and the path"
        ) from error
    return few_enough(_spans(message) if signal == "traces" else _logs(message))


def _request(signal: Signal) -> Any:  # noqa: ANN401 - generated classes
    if signal == "traces":
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        return ExportTraceServiceRequest()
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    return ExportLogsServiceRequest()


def _spans(request: Any) -> Iterator[Record]:  # noqa: ANN401
    for group in request.resource_spans:
        resource = _attributes(group.resource.attributes)
        for scoped in group.scope_spans:
            for span in scoped.spans:
                yield Record(
                    signal="traces",
                    name=span.name,
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    time_ns=span.end_time_unix_nano or span.start_time_unix_nano,
                    attributes=_attributes(span.attributes),
                    resource=resource,
                    scope=scoped.scope.name,
                    failed=span.status.code == STATUS_ERROR,
                    notes=tuple(Note(e.name, _attributes(e.attributes), e.time_unix_nano) for e in span.events),
                )


def _logs(request: Any) -> Iterator[Record]:  # noqa: ANN401
    for group in request.resource_logs:
        resource = _attributes(group.resource.attributes)
        for scoped in group.scope_logs:
            for log in scoped.log_records:
                yield Record(
                    signal="logs",
                    name=log.event_name,
                    trace_id=log.trace_id.hex(),
                    span_id=log.span_id.hex(),
                    time_ns=log.time_unix_nano or log.observed_time_unix_nano,
                    attributes=_attributes(log.attributes),
                    resource=resource,
                    scope=scoped.scope.name,
                    body=_value(log.body),
                )


def _attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:  # noqa: ANN401
    kind = value.WhichOneof("value")
    if kind is None or kind == "string_value_strindex":  # an index into a table that traces and logs do not have
        return None
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    return getattr(value, kind)
