"""How many events a second the service takes, durably, beside a web application that appends lines to a file.

Run: python benchmarks/service.py [--seconds 60] [--rate 2000] [--clients 3] [--url postgresql://...]

Each client is a process that sends batches of 100 events with a label, about 1 KB each, and waits for each answer:
first at a rate that all together keep (the latency that counts), then as fast as they can. The peer is a minimal
FastAPI application under the same server that appends the body to a file and syncs it before it answers: no check, no
duplicates, no counts. Processor time is that of the server alone; on a machine that does other things it says more
than the clock.
"""

import argparse
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np

BATCH, PROMPTS, STREAMS = 100, 2000, 4
PEER = """
import asyncio, os, sys
import uvicorn
from fastapi import FastAPI, Request

app = FastAPI()
out = open(sys.argv[1], "ab", buffering=0)
turn = asyncio.Lock()

def append(body):
    out.write(body + b"\\n")
    os.fsync(out.fileno())

@app.post("/v1/events")
async def add(request: Request):
    body = await request.body()
    async with turn:
        await asyncio.to_thread(append, body)
    return {"accepted": 100}

@app.get("/healthz")
async def healthz():
    return {}

uvicorn.run(app, port=int(sys.argv[2]), log_level="warning", access_log=False)
"""


def batch_of(client, number, rng, *, text):
    """Make a batch: about 1 KB an event."""
    rows = [
        {
            "id": f"{client}-{number}-{k}", "stream": f"stream {number % STREAMS}", "model": "model-a",
            "step": number // 50, "prompt_id": f"p{rng.integers(PROMPTS)}", "label": f"g{1 + int(rng.integers(5))}",
            "classifier": "judge/3",
            "label_probs": {"g1": 0.9, "g4": 0.1}, "intent": "benign", "prompt": text[:300], "response": text,
        }
        for k in range(BATCH)
    ]  # fmt: skip
    return json.dumps(rows).encode()


def client(number, port, until, every, told):
    """Send batches until the time is over, one `every` so many seconds; tell the seconds that each took."""
    rng = np.random.default_rng(number)
    text = "The quick brown fox jumps over the lazy dog. " * 13
    took, size = [], 0
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60.0) as http:
        sent = 0
        due = time.monotonic() + float(rng.uniform(0.0, every))
        while time.monotonic() < until:
            time.sleep(max(due - time.monotonic(), 0.0))
            due += every
            body = batch_of(number, sent, rng, text=text)
            size += len(body)
            begun = time.perf_counter()
            answer = http.post("/v1/events", content=body, headers={"Content-Type": "application/json"})
            took.append(time.perf_counter() - begun)
            assert answer.status_code == 200, answer.text
            assert answer.json()["accepted"] == BATCH, answer.text
            sent += 1
    told.put((took, size))


def processor_seconds(pid):
    """Return the processor time of a process and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(one) for one in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def loaded(name, server, port, *, clients, seconds, rate=None, first=0):
    """Load a server, print what it took; return events a second."""
    told = multiprocessing.Queue()
    every = 0.0 if rate is None else BATCH * clients / rate
    spent, begun = processor_seconds(server.pid), time.monotonic()
    senders = [
        multiprocessing.Process(target=client, args=(first + k, port, begun + seconds, every, told))
        for k in range(clients)
    ]
    for one in senders:
        one.start()
    found = [told.get() for _ in senders]
    for one in senders:
        one.join()
    wall, spent = time.monotonic() - begun, processor_seconds(server.pid) - spent
    took = np.concatenate([one for one, _ in found])
    events = len(took) * BATCH
    size = sum(size for _, size in found) / events
    p50, p99 = np.quantile(took, [0.5, 0.99]) * 1000
    print(
        f"{name:28s} {events / wall:8,.0f} events/s   batch p50 {p50:6.1f} ms, p99 {p99:6.1f} ms   processor "
        f"{spent / events * 1e6:5.0f} us an event, {spent / wall:.2f} cores   ({events:,} events of {size:.0f} bytes)"
    )
    return events / wall


@contextmanager
def serving(command, port, *, folder):
    """Start a server and wait until it answers."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SECONDLAW_")} | {"OMP_NUM_THREADS": "1"}
    server = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(600):
            try:
                if httpx.get(f"http://127.0.0.1:{port}/healthz").is_success:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        yield server
    finally:
        server.terminate()
        server.wait()


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--peer-seconds", type=float, default=20.0)
    parser.add_argument("--clients", type=int, default=3)
    parser.add_argument("--rate", type=float, default=2000.0, help="events a second of the first part")
    parser.add_argument("--url", help="of an empty store (default: a SQLite file)")
    parser.add_argument("--texts", default="sample", choices=["none", "sample", "all"])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the beginning, {given.clients} clients")
        Path(folder, "secondlaw.toml").write_text(f'[service]\nevery = 0\nworkers = 0\ntexts = "{given.texts}"\n')
        port = free_port()
        store = given.url or f"sqlite:///{folder}/store.db"
        code = "from secondlaw.cli.main import main; main()"
        command = [sys.executable, "-c", code, "serve", "--store", store, "--port", str(port)]
        with serving(command, port, folder=folder) as server:
            name = f"secondlaw, {given.rate:,.0f} a second"
            loaded(name, server, port, clients=given.clients, seconds=given.seconds, rate=given.rate, first=100)
            ours = loaded("secondlaw, as fast as it can", server, port, clients=given.clients, seconds=given.seconds)
        port = free_port()
        Path(folder, "peer.py").write_text(PEER)
        command = [sys.executable, "peer.py", f"{folder}/lines", str(port)]
        with serving(command, port, folder=folder) as server:
            peer = loaded("lines + fsync, as fast", server, port, clients=given.clients, seconds=given.peer_seconds)
        print(f"ratio {ours / peer:.2f}; load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
