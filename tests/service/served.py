"""The service as operators start it: `secondlaw serve` in a process of its own, on a free port, with a real store."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

ENGINE = """
import os
import signal

def judge(prompt, response, intent):
    if response == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return ((0.0, 1.0, 0.0) if response.startswith("no") else (1.0, 0.0, 0.0)), (0.9, 0.1)

judge.version = "1"
"""
COMMAND = (sys.executable, "-c", "from secondlaw.cli.main import main; main()", "serve")
LONGEST = 120.0
"""Seconds that nothing takes, however busy the machine is."""
PORTS = range(20_000, 32_000)
"""Below those that the system gives to clients, so that no connection takes one before its server does."""
_given = set()


def free_port():
    """Return a port on which nobody listens; no other test of this process, or of one beside it, is given the same."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    mine = PORTS[worker % 16 :: 16]
    while True:
        port = random.SystemRandom().choice(mine)
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given:
            _given.add(port)
            return port


def until(condition, *, seconds=LONGEST, every=0.05):
    """Return what a condition gives once that is true."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"not so after {seconds:g} s, but {found!r}"
        time.sleep(every)


class Service:
    """A process that serves.

    Parameters
    ----------
    folder : Path
        Its working folder, with its settings, its store and a quick classifier.
    service : str
        Lines of the table [service] of secondlaw.toml.
    store : str, optional
        URL of the store; by default a SQLite file in the folder.
    name : str
        Of its log and settings, where several share a folder.
    """

    def __init__(self, folder, service="", *, store=None, name="one"):
        self.folder, self.port = Path(folder) / name, free_port()
        self.folder.mkdir(exist_ok=True)
        self.store = store or f"sqlite:///{folder}/store.db"
        (self.folder / "words_engine.py").write_text(ENGINE)
        (self.folder / "secondlaw.toml").write_text(f'engine = "words_engine:judge"\n[service]\n{service}\n')
        self.process = None
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=LONGEST)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self):
        return (self.folder / "log").read_text()

    def start(self, *, wait=True, through=()):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SECONDLAW_", "OTEL_"))}
        environment = kept | {"PYTHONPATH": str(self.folder), "OMP_NUM_THREADS": "1", "NO_PROXY": "127.0.0.1"}
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                [*through, *COMMAND, "--store", self.store, "--port", str(self.port)], cwd=self.folder, env=environment,
                stdout=log, stderr=log,
            )  # fmt: skip
        if wait:
            self.wait()
        return self

    def wait(self):
        """Wait until it serves."""
        until(lambda: self.status("/readyz") == 200)

    def status(self, path):
        assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.log}"
        try:
            return self.http.get(path).status_code
        except httpx.TransportError:
            return None

    def stop(self):
        """Ask it to stop as systemd does; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LONGEST)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()
        self.http.close()

    def send(self, rows, **options):
        found = self.http.post("/v1/events", json=rows, **options)
        found.raise_for_status()
        return found.json()

    def get(self, path, **query):
        found = self.http.get(path, params=query)
        found.raise_for_status()
        return found.json()

    def total(self, stream):
        """How many events of a stream are counted."""
        found = self.http.get(f"/v1/streams/{stream}/counts", params={"from": 0})
        return sum(sum(row["counts"].values()) for row in found.json()["rows"]) if found.is_success else 0

    def children(self):
        """Processes that it started and that are alive."""
        found = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False
        )
        return [int(line) for line in found.stdout.split()]
