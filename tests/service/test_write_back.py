"""Verdicts written back to a collector: each once, linked to its call, and labelling never waits for it."""

import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from served import LONGEST, until

pytest.importorskip("opentelemetry.proto", reason="opentelemetry-proto is not installed")

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from secondlaw.behavior import Transcript
from secondlaw.pipeline.settings import load_settings
from secondlaw.service import write_back
from secondlaw.service.classifier_pool import Label
from secondlaw.service.classifying import Labeller, Verdict
from secondlaw.service.running import Parts
from secondlaw.service.settings import load_service_settings
from secondlaw.service.write_back import WriteBack
from secondlaw.storage import StoreSettings, StreamSettings, open_store

pytestmark = pytest.mark.unit

AT = datetime(2026, 1, 31, tzinfo=UTC)


class Collector:
    """A real OTLP/HTTP receiver on loopback; answers with the statuses told, then with 200."""

    def __init__(self):
        self.records, self.headers, self.statuses = [], [], []
        self.came = threading.Condition()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def wait_for(self, records):
        with self.came:
            assert self.came.wait_for(lambda: len(self.records) >= records, timeout=LONGEST), self.records

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def _handler(collector):  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = collector.statuses.pop(0) if collector.statuses else 200
                with collector.came:
                    collector.headers.append({"path": self.path, **{k.lower(): v for k, v in self.headers.items()}})
                    if status == 200:
                        request = ExportLogsServiceRequest.FromString(body)
                        collector.records += request.resource_logs[0].scope_logs[0].log_records
                    collector.came.notify_all()
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        return Handler


@pytest.fixture
def collector():
    found = Collector()
    yield found
    found.close()


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr(write_back, "PAUSE", 0.01)


def event(number, **extra):
    return Transcript(f"q{number}", "yes", f"e{number}", "p", stream="chat", step=1, intent="benign", extra=extra)


def linked(number):
    return event(number, trace_id=f"{number:032x}", span_id=f"{number:016x}", response_id=f"chatcmpl-{number}")


def attributes(record):
    return {one.key: one.value.string_value or one.value.double_value for one in record.attributes}


ENGINE = """
def judge(prompt, response, intent):
    return (1.0, 0.0, 0.0), (0.9, 0.1)

judge.version = "1"
"""


def test_a_running_service_writes_back_what_came_by_otlp_and_nothing_else(collector, tmp_path, monkeypatch):
    (tmp_path / "yes_engine.py").write_text(ENGINE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("COLLECTOR_KEY", "k1")
    service = load_service_settings(
        {"write_back": f"{collector.url}/v1/logs", "write_back_headers": {"x-key": {"env": "COLLECTOR_KEY"}}},
        evaluate=False,
    )
    assert "k1" not in repr(service)
    with open_store(f"sqlite:///{tmp_path}/store.db") as store:
        store.streams.create("chat", StreamSettings(every=None))
        parts = Parts(store, service, load_settings(engine="yes_engine:judge"))
        parts.start()
        try:
            store.events.add([linked(number) for number in range(1, 6)] + [event(number) for number in range(6, 9)])
            collector.wait_for(5)
            until(lambda: parts.write_back.sent == 5)
        finally:
            parts.stop()
        assert parts.write_back.sent == 5
    found = {attributes(one)["gen_ai.response.id"]: one for one in collector.records}
    assert len(found) == len(collector.records) == 5
    record = found["chatcmpl-3"]
    assert (record.event_name, record.trace_id.hex(), record.span_id.hex()) == (
        "gen_ai.evaluation.result", f"{3:032x}", f"{3:016x}",
    )  # fmt: skip
    said = attributes(record)
    assert (said["gen_ai.evaluation.score.label"], said["gen_ai.evaluation.score.value"]) == ("g1", 1.0)
    assert {one["path"] for one in collector.headers} == {"/v1/logs"}
    assert {one["x-key"] for one in collector.headers} == {"k1"}


def send_all(sender):
    stops = iter([False, True, True, True])
    sender.run(lambda: next(stops, True), lambda seconds: None)


def verdicts(*numbers):
    return [Verdict(linked(number), "g1", "c/1", {"g1": 0.9}) for number in numbers]


def test_a_collector_that_is_away_for_a_moment_gets_it_once(collector):
    collector.statuses = [503, 429]
    sender = WriteBack(collector.url, clock=lambda: AT)
    sender.offer(verdicts(1, 2))
    done = threading.Event()
    thread = threading.Thread(target=sender.run, args=(done.is_set, done.wait))
    thread.start()
    collector.wait_for(2)
    done.set()
    thread.join(LONGEST)
    assert not thread.is_alive()
    assert (sender.sent, sender.lost, sender.last_error) == (2, 0, "")
    assert len(collector.headers) == 3


def test_a_collector_that_refuses_costs_verdicts_and_nothing_else(collector):
    collector.statuses = [401] * 100
    sender = WriteBack(collector.url, clock=lambda: AT)
    sender.offer(verdicts(1, 2))
    send_all(sender)
    assert (sender.sent, sender.lost) == (0, 2)
    assert "401" in sender.last_error
    collector.statuses = []
    sender.offer(verdicts(3))
    send_all(sender)
    assert (sender.sent, sender.last_error) == (1, "")


def test_what_waits_is_bounded_and_the_oldest_goes(collector, monkeypatch):
    monkeypatch.setattr(write_back, "WAITING", 3)
    sender = WriteBack(collector.url, clock=lambda: AT)
    sender.offer(verdicts(1, 2, 3, 4, 5))
    send_all(sender)
    assert [attributes(one)["gen_ai.response.id"] for one in collector.records] == [f"chatcmpl-{k}" for k in (3, 4, 5)]
    assert sender.lost == 2


def test_events_that_another_took_over_are_not_told_twice(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/store.db", settings=StoreSettings()) as store:
        store.streams.create("chat", StreamSettings(every=None))
        store.events.add([linked(1), linked(2)])
        told = []
        labeller = Labeller(store, None, owner="one", counted=told.extend)
        batch = store.queue.lease(owner="one", limit=10, seconds=60.0)
        store.queue.complete(batch, {batch.items[0].id: "g1"}, classifier="c/1")
        labeller._keep(batch, "c/1", [Label(item.id, "g1", {"g1": 1.0}, "") for item in batch.items])
        assert told == []
        assert labeller.labelled == 1
