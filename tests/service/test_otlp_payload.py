"""Bodies of OTLP requests: compression within a limit, protobuf and JSON that say the same, answers clients read."""

import base64
import gzip
import json
import zlib

import pytest

pytest.importorskip("opentelemetry.proto", reason="opentelemetry-proto is not installed")

from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from secondlaw.service.otlp_answers import failure, success
from secondlaw.service.otlp_bodies import BodyTooLarge, UnsupportedMedia, encoding_of, plain_body
from secondlaw.service.otlp_json import records_from_json
from secondlaw.service.otlp_payload import read_records
from secondlaw.service.otlp_protobuf import records_from_protobuf
from secondlaw.service.otlp_records import MOST_RECORDS, BadPayload, TooManyRecords

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES = st.sampled_from(["gen_ai.operation.name", "gen_ai.output.messages", "secondlaw.step", "service.name"]) | TEXTS
LEAVES = st.one_of(
    TEXTS.map(lambda v: AnyValue(string_value=v)),
    st.booleans().map(lambda v: AnyValue(bool_value=v)),
    st.integers(-(2**63), 2**63 - 1).map(lambda v: AnyValue(int_value=v)),
    st.floats(allow_nan=False).map(lambda v: AnyValue(double_value=v)),
    st.binary(max_size=6).map(lambda v: AnyValue(bytes_value=v)),
    st.just(AnyValue()),
)


def _array(values):
    value = AnyValue()
    value.array_value.values.extend(values)
    return value


def _pairs(values):
    value = AnyValue()
    for name, inner in values:
        value.kvlist_value.values.add(key=name, value=inner)
    return value


VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3).map(_array) | st.lists(st.tuples(TEXTS, inner), max_size=3).map(_pairs),
    max_leaves=6,
)
PAIRS = st.lists(st.tuples(NAMES, VALUES), max_size=4)
TIMES = st.integers(0, 2**64 - 1)


def _fill(attributes, pairs):
    for name, value in pairs:
        attributes.add(key=name, value=value)


@st.composite
def trace_requests(draw):
    request = ExportTraceServiceRequest()
    for _ in range(draw(st.integers(0, 2))):
        group = request.resource_spans.add()
        _fill(group.resource.attributes, draw(PAIRS))
        scoped = group.scope_spans.add()
        scoped.scope.name = draw(TEXTS)
        for _ in range(draw(st.integers(0, 2))):
            span = scoped.spans.add(
                trace_id=draw(st.binary(max_size=16)), span_id=draw(st.binary(max_size=8)), name=draw(TEXTS),
                start_time_unix_nano=draw(TIMES), end_time_unix_nano=draw(TIMES), kind=draw(st.integers(0, 5)),
            )  # fmt: skip
            span.status.code = draw(st.integers(0, 2))
            _fill(span.attributes, draw(PAIRS))
            for _ in range(draw(st.integers(0, 1))):
                _fill(span.events.add(name=draw(TEXTS), time_unix_nano=draw(TIMES)).attributes, draw(PAIRS))
            span.links.add(trace_id=b"\1" * 16, span_id=b"\2" * 8)
    return request


@st.composite
def log_requests(draw):
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    _fill(group.resource.attributes, draw(PAIRS))
    scoped = group.scope_logs.add()
    for _ in range(draw(st.integers(0, 3))):
        log = scoped.log_records.add(
            trace_id=draw(st.binary(max_size=16)), span_id=draw(st.binary(max_size=8)), event_name=draw(TEXTS),
            time_unix_nano=draw(TIMES), observed_time_unix_nano=draw(TIMES), body=draw(VALUES),
        )  # fmt: skip
        _fill(log.attributes, draw(PAIRS))
    return request


def hex_ids(value):
    """Turn the base64 ids of the general mapping into the hexadecimal ones of OTLP."""
    if isinstance(value, list):
        return [hex_ids(item) for item in value]
    if not isinstance(value, dict):
        return value
    ids = ("traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id")
    return {k: base64.b64decode(v).hex().upper() if k in ids else hex_ids(v) for k, v in value.items()}


def as_json(message, *, original, enums=True):
    stated = json_format.MessageToDict(
        message,
        preserving_proto_field_name=original,
        use_integers_for_enums=enums,
        always_print_fields_with_no_presence=False,
    )
    return json.dumps(hex_ids(stated) | {"aFieldOfTomorrow": [1]}).encode()


@pytest.mark.law
@settings(max_examples=80, deadline=None)
@given(request=trace_requests(), original=st.booleans(), enums=st.booleans())
def test_json_says_what_protobuf_says_of_spans(request, original, enums):
    binary = records_from_protobuf(request.SerializeToString(), "traces")
    assert records_from_json(as_json(request, original=original, enums=enums), "traces") == binary
    assert len(binary) == sum(len(s.spans) for g in request.resource_spans for s in g.scope_spans)


@pytest.mark.law
@settings(max_examples=60, deadline=None)
@given(request=log_requests(), original=st.booleans())
def test_json_says_what_protobuf_says_of_log_records(request, original):
    binary = records_from_protobuf(request.SerializeToString(), "logs")
    assert records_from_json(as_json(request, original=original), "logs") == binary


@pytest.mark.unit
def test_the_json_example_of_the_specification_is_read():
    span = {
        "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174", "name": "I'm a server span",
        "startTimeUnixNano": "1544712660000000000", "endTimeUnixNano": "1544712661000000000", "kind": 2,
        "attributes": [{"key": "my.span.attr", "value": {"intValue": 7}}],
    }  # fmt: skip
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "my.service"}}]}
    body = {
        "resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "my.library"}, "spans": [span]}]}]
    }
    (record,) = records_from_json(json.dumps(body).encode(), "traces")
    assert record.trace_id == "5b8efff798038103d269b633813fc60c"
    assert record.span_id == "eee19b7ec3c1b174"
    assert record.time_ns == 1544712661000000000
    assert (record.attributes, record.resource) == ({"my.span.attr": 7}, {"service.name": "my.service"})
    assert (record.scope, record.failed) == ("my.library", False)


def _span(**fields):
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [fields]}]}]}).encode()


@pytest.mark.unit
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "no JSON"),
        (b"[]", "no object"),
        (b'{"resourceSpans": 1}', "resourceSpans is a list of objects, got int"),
        (b'{"resourceSpans": [null]}', "resourceSpans is a list of objects"),
        (_span(traceId="xyz"), "traceId is hexadecimal"),
        (_span(traceId="W47/95gDgQPSabYzgT/GDA=="), "traceId is hexadecimal"),
        (_span(name=5), "name is a text, got int"),
        (_span(endTimeUnixNano="-1"), "endTimeUnixNano is a whole number"),
        (_span(endTimeUnixNano="1e5"), "endTimeUnixNano is a whole number"),
        (_span(endTimeUnixNano=2**64), "endTimeUnixNano is a whole number"),
        (_span(endTimeUnixNano=True), "endTimeUnixNano is a whole number"),
        (_span(attributes=[{"key": "a", "value": {"intValue": str(2**63)}}]), "intValue is a whole number"),
        (_span(attributes=[{"key": "a", "value": {"doubleValue": "much"}}]), "doubleValue is a number"),
        (_span(attributes=[{"key": "a", "value": {"boolValue": "yes"}}]), "boolValue is true or false"),
        (_span(attributes=[{"key": "a", "value": "text"}]), "value is an object"),
        (_span(attributes={"a": 1}), "attributes is a list"),
        (
            _span(attributes=[{"key": "a", "value": {"stringValue": "", "intValue": 1}}]),
            "one kind, got stringValue and",
        ),
        (_span(status={"code": "ERROR"}), "code is a whole number"),
        (_span(status={"message": {}}), "message is a text"),
        (b'{"resourceSpans": "\\ud800"}', "no JSON"),
    ],
)
def test_wrong_json_is_named(body, message):
    with pytest.raises(BadPayload, match=message):
        records_from_json(body, "traces")


@pytest.mark.unit
def test_values_nested_without_end_are_refused_in_both_encodings():
    def field(number, content):
        size = len(content)
        return bytes([number << 3 | 2, size & 127 | 128, size >> 7 & 127 | 128, size >> 14]) + content

    value = field(1, b"x")
    for _ in range(300):
        value = field(5, field(1, value))  # an array of one value
    body = field(1, field(2, field(2, field(5, value))))  # the body of a log record
    with pytest.raises(BadPayload, match="no protobuf"):
        records_from_protobuf(body, "logs")
    nested = {"stringValue": "x"}
    for _ in range(300):
        nested = {"arrayValue": {"values": [nested]}}
    with pytest.raises(BadPayload, match="nested deeper"):
        records_from_json(_span(attributes=[{"key": "a", "value": nested}]), "traces")


@pytest.mark.unit
def test_a_small_body_that_expands_without_end_is_stopped_at_the_limit():
    bomb = gzip.compress(b"\0" * (64 << 20))
    assert len(bomb) < 100_000
    with pytest.raises(BodyTooLarge, match="larger than 1048576 bytes"):
        plain_body(bomb, "gzip", limit=1 << 20)
    twice = gzip.compress(gzip.compress(b"x"))
    assert plain_body(twice, "gzip", limit=100) == gzip.decompress(twice)  # one layer, as the header says


@pytest.mark.unit
@pytest.mark.parametrize("name", ["gzip", "GZIP", "x-gzip", "deflate"])
def test_compressed_bodies_are_read(name):
    packed = zlib.compress(b"spans") if name == "deflate" else gzip.compress(b"spa") + gzip.compress(b"ns")
    assert plain_body(packed, name, limit=5) == b"spans"
    with pytest.raises(BodyTooLarge):
        plain_body(packed, name, limit=4)


@pytest.mark.unit
def test_an_empty_body_and_a_plain_one_pass_and_damage_is_named():
    assert plain_body(b"", None, limit=0) == b""
    assert plain_body(gzip.compress(b""), "gzip", limit=0) == b""
    with pytest.raises(BodyTooLarge):
        plain_body(b"ab", "identity", limit=1)
    with pytest.raises(BadPayload, match="is it gzip"):
        plain_body(b"plain", "gzip", limit=100)
    with pytest.raises(BadPayload, match="breaks off"):
        plain_body(gzip.compress(b"spans" * 100)[:-12], "gzip", limit=1000)
    with pytest.raises(BadPayload, match="breaks off"):
        plain_body(b"", "gzip", limit=1000)
    with pytest.raises(UnsupportedMedia, match="'br'"):
        plain_body(b"", "br", limit=100)


@pytest.mark.unit
def test_bodies_made_to_keep_the_reader_busy_are_refused():
    member = gzip.compress(b"")
    assert plain_body(member * 64, "gzip", limit=0) == b""
    with pytest.raises(BadPayload, match="more than 64 members"):
        plain_body(member * 65, "gzip", limit=0)
    with pytest.raises(BadPayload, match="is it gzip"):
        plain_body(member + b"more", "gzip", limit=0)
    long = b"abcdefgh" * 100_000
    assert plain_body(gzip.compress(long, 0) + gzip.compress(long, 9), "gzip", limit=1_600_000) == long + long
    empty = ExportTraceServiceRequest()
    empty.resource_spans.add().scope_spans.add().spans.extend(Span() for _ in range(MOST_RECORDS + 1))
    with pytest.raises(TooManyRecords, match="more than 50000 records"):
        records_from_protobuf(empty.SerializeToString(), "traces")


@pytest.mark.unit
def test_content_types():
    assert encoding_of("application/x-protobuf") == "protobuf"
    assert encoding_of("Application/JSON; charset=utf-8") == "json"
    for name in (None, "", "text/plain", "application/x-protobuf2"):
        with pytest.raises(UnsupportedMedia, match="send application/x-protobuf or application/json"):
            encoding_of(name)


@pytest.mark.unit
def test_the_path_decides_what_a_body_is():
    body = ExportTraceServiceRequest()
    body.resource_spans.add().scope_spans.add().spans.add(name="chat")
    data = gzip.compress(body.SerializeToString())
    (record,) = read_records(data, signal="traces", encoding="protobuf", content_encoding="gzip", limit=1000)
    assert (record.signal, record.name) == ("traces", "chat")


@pytest.mark.unit
@pytest.mark.parametrize(
    ("signal", "kind", "field"),
    [
        ("traces", ExportTraceServiceResponse, "rejected_spans"),
        ("logs", ExportLogsServiceResponse, "rejected_log_records"),
    ],
)
def test_clients_read_success_and_partial_success(signal, kind, field):
    for encoding in ("protobuf", "json"):
        read = kind.FromString if encoding == "protobuf" else lambda body: json_format.Parse(body, kind())
        answer = success(signal, encoding)
        assert answer.status == 200
        assert not read(answer.body).HasField("partial_success")
        answer = success(signal, encoding, rejected=300, message="no stream “x”")
        assert getattr(read(answer.body).partial_success, field) == 300
        assert read(answer.body).partial_success.error_message == "no stream “x”"
        warning = read(success(signal, encoding, message="cut off").body).partial_success
        assert (getattr(warning, field), warning.error_message) == (0, "cut off")


@pytest.mark.unit
@pytest.mark.parametrize("status", [400, 408, 413, 415, 429, 503, 500])
def test_failures_are_a_status_in_the_encoding_of_the_request(status):
    status_pb2 = pytest.importorskip("google.rpc.status_pb2", reason="googleapis-common-protos is not installed")
    message = "ä" * 100
    binary, text = (failure(status, message, encoding, retry_after=2.2) for encoding in ("protobuf", "json"))
    assert status_pb2.Status.FromString(binary.body) == json_format.Parse(text.body, status_pb2.Status())
    assert status_pb2.Status.FromString(binary.body).message == message
    assert binary.headers == {"Content-Type": "application/x-protobuf", "Retry-After": "3"}
    assert text.headers["Content-Type"] == "application/json"
    assert "Retry-After" not in failure(status, message, "json").headers
