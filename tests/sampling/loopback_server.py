"""A real HTTP server on the loopback interface that answers as a test tells it to."""

import json
import threading
from collections import deque
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HELD = 240
"""Seconds after which an answer that is held back is given after all; every test is over, or has failed, by then."""


def completion(body, *, texts=None, usage=True, **more):
    """Return a chat completion that names prompt and seed, so that a test can tell answers apart."""
    n = body.get("n", 1)
    asked = body["messages"][-1]["content"]
    texts = texts if texts is not None else [f"{asked} / {body.get('seed')} / {k}" for k in range(n)]
    choices = [
        {"index": k, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        for k, text in enumerate(texts)
    ]
    tokens = {"usage": {"prompt_tokens": 7, "completion_tokens": 5 * n}} if usage else {}
    return {"model": "served", "choices": choices, **tokens, **more}


class Loopback:
    """The server: what it was asked, and what it says next."""

    def __init__(self):
        self.asked, self.keys, self.paths = [], [], []
        self.queued = deque()
        self.always = {}
        self.hold_from = None
        self.given_late = 0
        self.changed = threading.Condition()
        self.released = threading.Event()
        self.server = _Server(("127.0.0.1", 0), _handler(self))
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    def then(self, *answers):
        """Give these answers next; after them comes what is always said."""
        self.queued.extend(answers)

    def next_answer(self, body, key):
        with self.changed:
            self.asked.append(body)
            self.keys.append(key)
            held = self.hold_from is not None and len(self.asked) > self.hold_from
            answer = self.queued.popleft() if self.queued else self.always
            self.changed.notify_all()
        if held or answer.get("never"):
            self.given_late += not self.released.wait(HELD)
        return answer

    def wait_for(self, requests):
        """Return once so many requests have come in."""
        with self.changed:
            found = self.changed.wait_for(lambda: len(self.asked) >= requests, timeout=HELD / 2)
        assert found, f"{len(self.asked)} of {requests} requests came within {HELD / 2} s"

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # with the usual 5, a connection of many at once waits a second


def _handler(loopback):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            loopback.paths.append(self.path)
            answer = loopback.next_answer(body, self.headers.get("Authorization"))
            content = answer.get("body", completion(body, **answer.get("completion", {})))
            content = content if isinstance(content, bytes) else json.dumps(content).encode()
            try:
                self.send_response(answer.get("status", 200))
                for name, value in answer.get("headers", {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                for part in (content[k : k + 1] for k in range(len(content))) if answer.get("drip") else (content,):
                    self.wfile.write(part)
                    if answer.get("drip") and loopback.released.wait(0.05):
                        break
            except OSError:  # the client has gone
                self.close_connection = True

        def log_message(self, *_):
            pass

        def handle(self):
            with suppress(OSError):
                super().handle()

    return Handler
