"""Stand-ins for tests of alert delivery: receivers that answer as told, an outbox in memory, a clock that is moved."""

import json
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from secondlaw.errors import LeaseLost
from secondlaw.service.alert_parts import Began
from secondlaw.service.alerts import Alert
from secondlaw.service.receivers import DeliveryError
from secondlaw.types import Estimate

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
HELD = 240
"""Seconds after which an answer that is held back is given after all; every test is over, or has failed, by then."""


def drift_alert(stream="support", *, starts_at=START, **changes):
    """Return an alert with every field filled in."""
    values = {
        "stream": stream, "model": "gpt-x", "monitor": "main", "kind": "drift", "state": "firing",
        "starts_at": starts_at, "score": "surprisal", "detector": "betting", "promise": "e-SR", "alpha": 1e-4,
        "spent": 0.03, "log_evidence": 12.3, "log_threshold": 9.21,
        "began": Began(starts_at - timedelta(hours=3), starts_at - timedelta(hours=5), starts_at, 0.95),
        "entropy": Estimate(0.61, 0.55, 0.68, 0.95, 400, "nats", "corrected"),
        "misaligned": Estimate(0.08, 0.05, 0.12, 0.95, 400, "share", "corrected"), "n": 400,
        "attribution": "g4 rose by 5 points, most in intent benign", "link": "https://drift.example.org/streams/support",
    }  # fmt: skip
    return Alert(**{**values, **changes})


class Clock:
    """A clock that stands still until it is moved; seconds only grow."""

    def __init__(self, now=START):
        self.now, self.seconds = now, 0.0

    def __call__(self):
        return self.now

    def monotonic(self):
        return self.seconds

    def move(self, seconds):
        self.now += timedelta(seconds=seconds)
        self.seconds += seconds


@dataclass(frozen=True)
class Kept:
    """A delivery as storage keeps it."""

    id: int
    token: str | None
    receiver: str
    payload: dict
    attempts: int
    created_at: datetime
    next_at: datetime
    status: str = "pending"
    last_error: str | None = None


class MemoryDeliveries:
    """The storage's outbox in memory, with the same rules."""

    def __init__(self, clock):
        self.clock, self.rows, self.leases = clock, {}, 0

    def add(self, receiver, payload):
        number = len(self.rows) + 1
        payload = json.loads(json.dumps(payload))
        self.rows[number] = Kept(number, None, receiver, payload, 0, self.clock(), self.clock())
        return number

    def due(self, *, owner, limit=50, seconds=60.0):
        now = self.clock()
        ready = [row for row in self.rows.values() if row.status == "pending" and row.next_at <= now]
        self.leases += 1
        for row in sorted(ready, key=lambda row: (row.next_at, row.id))[:limit]:
            until = now + timedelta(seconds=seconds)
            self.rows[row.id] = replace(row, token=f"{owner}/{self.leases}", attempts=row.attempts + 1, next_at=until)
        return tuple(row for row in self.rows.values() if row.token == f"{owner}/{self.leases}")

    def done(self, delivery):
        self._finish(delivery, status="delivered", last_error=None)

    def failed(self, delivery, *, error, retry_in):
        if retry_in is None:
            self._finish(delivery, status="dead", last_error=error)
        else:
            self._finish(delivery, next_at=self.clock() + timedelta(seconds=retry_in), last_error=error)

    def list(self, *, status=None, limit=100):
        return tuple(row for row in reversed(self.rows.values()) if status in (None, row.status))[:limit]

    def requeue(self, number):
        self.rows[number] = replace(self.rows[number], status="pending", attempts=0, next_at=self.clock())

    def next_due_at(self):
        return min((row.next_at for row in self.rows.values() if row.status == "pending"), default=None)

    def _finish(self, delivery, **changes):
        row = self.rows[delivery.id]
        if row.token is None or row.token != delivery.token:
            raise LeaseLost("taken over")
        self.rows[delivery.id] = replace(row, token=None, **changes)


class Listener:
    """A receiver that takes what a test lets it take."""

    def __init__(self, settings, *, says=None):
        self.settings, self.says = settings, says or (lambda notices: None)
        self.messages, self.tries, self.closed = [], [], False

    async def send(self, notices, *, now):
        self.tries.append([notice.alert for notice in notices])
        answer = self.says(notices)
        if isinstance(answer, BaseException):
            raise answer
        self.messages.append(list(notices))

    async def close(self):
        self.closed = True

    @property
    def told(self):
        return [(notice.alert.stream, notice.alert.state) for message in self.messages for notice in message]


def passing(**more):
    return DeliveryError("not now", **more)


class LoopbackReceiver:
    """A real HTTP server on the loopback interface: keeps what is posted, answers as told."""

    def __init__(self):
        self.requests, self.queued, self.always = [], deque(), {}
        self.changed, self.released = threading.Condition(), threading.Event()
        self.server = _Server(("127.0.0.1", 0), _handler(self))
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def bodies(self):
        return [request["body"] for request in self.requests]

    def then(self, *answers):
        self.queued.extend(answers)

    def wait_for(self, requests):
        with self.changed:
            found = self.changed.wait_for(lambda: len(self.requests) >= requests, timeout=HELD / 2)
        assert found, f"{len(self.requests)} of {requests} requests came"

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def _handler(receiver):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self):
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            with receiver.changed:
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.requests.append({"path": self.path, "headers": headers, "raw": raw, "body": json.loads(raw)})
                answer = receiver.queued.popleft() if receiver.queued else receiver.always
                receiver.changed.notify_all()
            if answer.get("never"):
                receiver.released.wait(HELD)
            content = answer.get("content", b"")
            with suppress(OSError):
                self.send_response(answer.get("status", 200))
                for name, value in answer.get("headers", {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                for part in (content[k : k + 1] for k in range(len(content))) if answer.get("drip") else (content,):
                    self.wfile.write(part)
                    if answer.get("drip") and receiver.released.wait(0.05):
                        break

        def log_message(self, *_):
            pass

        def handle(self):
            with suppress(OSError):
                super().handle()

    return Handler
