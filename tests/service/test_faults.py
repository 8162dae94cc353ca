"""What goes wrong around the service: full disk, database away, huge and slow and broken requests, leaping clocks."""

import asyncio
import json
import os
import select
import socket
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from moved_loop import MovedLoop
from postgres_server import required_server
from served import LONGEST, Service, until
from starlette.testclient import TestClient

from secondlaw.pipeline.settings import load_settings
from secondlaw.service import slow_clients, steady_clock
from secondlaw.service.app import create_app
from secondlaw.service.running import Parts
from secondlaw.service.settings import ServiceSettings
from secondlaw.service.slow_clients import BodyPatience, PatientProtocol
from secondlaw.service.steady_clock import SteadyClock
from secondlaw.storage import open_store

pytestmark = [pytest.mark.unit, pytest.mark.timeout(900)]  # real processes, minutes where the machine is busy

MEBIBYTE = 1 << 20


def rows_of(number, n=50):
    return [
        {"id": f"{number}/{k}", "prompt_id": f"{number}/{k}", "stream": "chat", "step": 1, "label": "g1"}
        for k in range(n)
    ]


@pytest.fixture
def services():
    made = []
    yield made
    for one in made:
        one.close()


IN_ITS_OWN_MOUNTS = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")


def test_a_full_disk_is_told_loses_nothing_acknowledged_and_is_over_when_there_is_room(tmp_path, services):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = f"mount -t tmpfs -o size=3m none {disk}"
    try:
        tried = subprocess.run([*IN_ITS_OWN_MOUNTS, mounted], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("unshare is not installed: no small disk can be made")
    if tried.returncode:
        pytest.skip("this user may not make a small disk (unshare, tmpfs)")
    service = Service(tmp_path, "every = 0\nworkers = 0\n", store=f"sqlite:///{disk}/store.db")
    services.append(service)
    filled = f'{mounted} && head -c 1000000 /dev/zero > {disk}/filler && exec "$@"'
    service.start(through=[*IN_ITS_OWN_MOUNTS, filled, "sh"])
    acknowledged, answer = 0, None
    for number in range(1000):
        answer = service.http.post("/v1/events", json=rows_of(number))
        if answer.status_code != 200:
            break
        acknowledged += 50
    assert (answer.status_code, answer.headers["retry-after"]) == (507, "60"), answer.text
    assert acknowledged > 0
    assert service.total("chat") == acknowledged
    assert service.status("/readyz") == 200
    Path(f"/proc/{service.process.pid}/root{disk}/filler").unlink()
    assert service.http.post("/v1/events", json=rows_of(number)).json()["accepted"] == 50
    assert service.total("chat") == acknowledged + 50


def test_a_database_that_goes_and_comes_back(tmp_path, services):
    server = required_server()
    try:
        service = Service(tmp_path, "every = 0\nevaluate_every = 0.2\n", store=server.new_url())
        services.append(service)
        service.start()
        assert service.send(rows_of(1))["accepted"] == 50
        server.stop("immediate")
        answer = service.http.post("/v1/events", json=rows_of(2))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json() == {"detail": "the store cannot be used now; send it again later"}
        assert service.http.get("/v1/streams").status_code == 503
        assert (service.status("/readyz"), service.status("/healthz")) == (503, 200)
        server.start()
        service.wait()
        assert service.send(rows_of(2))["accepted"] == 50
        assert service.send(rows_of(1))["duplicates"] == 50
        unlabelled = {"id": "u", "stream": "chat", "step": 1, "prompt": "q", "response": "yes"}
        service.send(unlabelled)
        until(lambda: service.total("chat") == 101)  # its parts go on, too
        until(lambda: set(service.get("/readyz")["parts"].values()) == {"ok"})
    finally:
        server.close()


def test_a_body_of_100_mebibytes_is_refused_without_being_kept(tmp_path, services):
    service = Service(tmp_path, "workers = 0\nevaluate = false\n")
    services.append(service)
    service.start()

    def resident():
        pages = int(Path(f"/proc/{service.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def endless():
        for _ in range(100):
            yield b" " * MEBIBYTE

    before = resident()
    for path in ("/v1/events", "/v1/streams/chat", "/v1/traces", "/alarms/1/note"):
        with httpx.Client(base_url=service.url, timeout=LONGEST) as client:
            method = "PUT" if "streams" in path else "POST"
            kind = "application/x-www-form-urlencoded" if "note" in path else "application/json"
            answer = client.request(method, path, content=endless(), headers={"Content-Type": kind})
            # What still comes is read past, so that the answer is heard, and no proxy makes a 502 of it.
            assert answer.status_code == (400 if "note" in path else 413), (path, answer.text)
    assert resident() - before < 80 * MEBIBYTE
    assert service.status("/healthz") == 200


SECONDS = 600.0
"""That a head or a body may take; they pass when a test says so."""


@pytest.fixture
def loop():
    """Return the loop that the server runs in."""
    made = MovedLoop()
    yield made
    made.close()


@pytest.fixture
def pieces(loop, monkeypatch):
    """Return a list that grows when the application waits for a piece of a body."""
    waited = []

    class Watched(BodyPatience):
        def __init__(self, app, **options):
            super().__init__(app, monotonic=loop.time, **options)

        def _patient(self, scope, receive):
            patient = super()._patient(scope, receive)

            async def watched():
                waited.append(scope["path"])
                return await patient()

            return watched

    monkeypatch.setattr("secondlaw.service.app.BodyPatience", Watched)
    return waited


@pytest.fixture
def app(tmp_path, pieces):
    service = ServiceSettings(store=f"sqlite:///{tmp_path}/store.db", every=None, workers=0, body_seconds=SECONDS)
    with open_store(service.store, settings=service.store_settings) as store:
        parts = Parts(store, service, load_settings())
        yield create_app(store, service, parts, run_parts=False)


@pytest.fixture
def address(app, loop, monkeypatch):
    monkeypatch.setattr(slow_clients, "HEAD_SECONDS", SECONDS)
    # uvicorn's own limit of an idle connection is out of the way.
    config = uvicorn.Config(
        app, port=0, log_level="error", http=PatientProtocol, ws="none", timeout_keep_alive=int(1e9)
    )  # fmt: skip
    server = uvicorn.Server(config)

    def serve():
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(server.serve())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    until(lambda: server.started)
    yield server.servers[0].sockets[0].getsockname()
    server.should_exit = True
    thread.join(LONGEST)
    assert not thread.is_alive()


def connect(address):
    return socket.create_connection(address, timeout=LONGEST)


def in_the_end(connection, loop):
    """Let time pass until the server says something or closes."""

    def late():
        loop.move(SECONDS + 2.0)
        return select.select([connection], [], [], 0.05)[0]

    until(late, every=0.0)


def all_of(connection):
    """Read until the other side closes."""
    found = b""
    while piece := connection.recv(65536):
        found += piece
    return found


HEAD = b"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %s\r\n"


def test_a_head_that_never_ends_is_cut_off_and_a_quick_one_is_not(address, loop):
    with connect(address) as silent, connect(address) as slow:
        slow.sendall(HEAD % b"application/json")
        for one in (silent, slow):
            in_the_end(one, loop)
            assert all_of(one) == b""
    with connect(address) as twice:  # the second head of a connection as well
        twice.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        found = b""
        while not found.endswith(b"}"):
            piece = twice.recv(65536)
            assert piece, found
            found += piece
        assert b"200 OK" in found
        twice.sendall(b"GET /healthz HTTP/1.1\r\n")
        in_the_end(twice, loop)
        assert all_of(twice) == b""


@pytest.mark.parametrize("path", ["/v1/events", "/v1/traces", "/v1/streams/chat/rebaseline"])
def test_a_body_that_trickles_is_answered_with_408(address, loop, pieces, path):
    head = (HEAD % b"application/json").replace(b"/v1/events", path.encode())
    with connect(address) as slow:
        slow.sendall(head + b"Content-Length: 100\r\n\r\n{")
        until(lambda: pieces)
        in_the_end(slow, loop)
        assert slow.recv(65536).startswith(b"HTTP/1.1 408")


def test_lines_may_take_their_time_but_something_must_come(address, loop, pieces):
    line = json.dumps(rows_of(1)[0]).encode() + b"\n"
    with connect(address) as slow:
        slow.sendall(HEAD % b"application/x-ndjson" + b"Transfer-Encoding: chunked\r\n\r\n")
        for number in range(1, 6):
            slow.sendall(b"%x\r\n%s\r\n" % (len(line), line))
            until(lambda number=number: len(pieces) > number)  # it has this one, and waits for the next
            loop.move(0.9 * SECONDS)  # in all longer than a body may take
        slow.sendall(b"0\r\n\r\n")
        assert slow.recv(65536).startswith(b"HTTP/1.1 200")
    pieces.clear()
    with connect(address) as silent:
        silent.sendall(HEAD % b"application/x-ndjson" + b"Transfer-Encoding: chunked\r\n\r\n")
        silent.sendall(b"%x\r\n%s\r\n" % (len(line), line))
        until(lambda: len(pieces) > 1)
        in_the_end(silent, loop)
        answer = all_of(silent)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"send the others again" in answer


def event(fields):
    """An event whose last fields are as they stand."""
    return b'{"id": "a", "stream": "chat", "prompt_id": "p", "label": "g1", "step": 1, ' + fields + b"}"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (event(b'"prompt": "\xff\xfe", "response": "b"'), 422, "no JSON"),
        (event(b'"prompt": "\\ud800", "response": "b"'), 422, "no JSON"),
        (event(b'"step": 1e400'), 422, "no JSON"),
        (event(b'"step": 123456789012345678901234567890'), 422, "step"),
        (event(b'"step": -1'), 422, "step"),
        (event(b'"step": NaN'), 422, "no JSON"),
        (event(b'"ts": 1e300'), 422, "ts"),
        (event(b'"label_probs": {"g1": 1e999}'), 422, ""),
        (event(b'"model": {"a": 1}'), 422, "model"),
        (event(b'"stream": "' + b"x" * 1000 + b'"'), 422, "stream"),
        (b"[" * 100_000, 422, "no JSON"),
        (b"", 422, "no JSON"),
        (b'"text"', 422, "an event is a JSON object"),
        (event(b'"stream": "s", "stream": "chat"'), 200, ""),
        (event(b'"id": "a\\u0000b"'), 200, ""),
    ],
)  # fmt: skip
def test_what_is_broken_is_refused_with_a_reason(app, body, status, said):
    with TestClient(app, base_url="http://127.0.0.1") as client:
        answer = client.post("/v1/events", content=body, headers={"content-type": "application/json"})
        assert (answer.status_code, said in answer.text) == (status, True), answer.text
        if status == 200:  # of a key that stands twice the last counts
            assert [one["name"] for one in client.get("/v1/streams").json()["streams"]] == ["chat"]
        lines = client.post(
            "/v1/events", content=body.replace(b"\n", b" "), headers={"content-type": "application/x-ndjson"}
        )
        assert lines.status_code in (200, 422)


class Wall:
    now, seconds = datetime(2026, 1, 31, tzinfo=UTC), 0.0

    def pass_(self, seconds):
        self.now += timedelta(seconds=seconds)
        self.seconds += seconds


def test_a_leap_ahead_is_believed_when_it_has_lasted_one_back_at_once():
    wall = Wall()
    clock = SteadyClock(lambda: wall.now, monotonic=lambda: wall.seconds)
    clock()
    wall.pass_(60.0)
    assert clock() == wall.now
    wall.now += timedelta(days=30)
    assert clock() == wall.now - timedelta(days=30)
    wall.pass_(steady_clock.LASTS - 1)
    assert clock() == wall.now - timedelta(days=30)
    wall.now -= timedelta(days=30)  # it was a mistake
    assert clock() == wall.now
    wall.now += timedelta(hours=8)  # a machine that slept
    assert clock() == wall.now - timedelta(hours=8)
    wall.pass_(steady_clock.LASTS)
    assert clock() == wall.now
    wall.now -= timedelta(days=1)
    assert clock() == wall.now
