"""The overview as a browser gets it: `secondlaw serve` on a store that is filled, and GET / over HTTP.

Requests are more than a second apart, so that each reads the store anew: what the page keeps in memory for a second is
not what is measured. The service decides on all windows meanwhile, as it does where somebody starts it on a history,
and then while events come.
"""

import os
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

import httpx
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "service"))
from served import Service

APART = 1.1
"""Seconds between two requests."""


def seconds_of(http):
    """Ask for the page; return how long it took."""
    start = time.perf_counter()
    answer = http.get("/", headers={"Accept": "text/html"})
    took = time.perf_counter() - start
    answer.raise_for_status()
    assert "<h1" in answer.text
    return took


def processor_ms(pid):
    """Return the processor time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return 1000.0 * sum(int(one) for one in fields[11:13]) / os.sysconf("SC_CLK_TCK")


def times(http, pid, *, n=20):
    """Ask for the page `n` times; return milliseconds, and the server's processor time while it answered."""
    took, spent = [], 0.0
    for _ in range(n):
        before = processor_ms(pid)
        took.append(seconds_of(http) * 1000)
        spent += processor_ms(pid) - before
        time.sleep(APART)
    return {
        "median_ms": round(float(np.median(took)), 1),
        "max_ms": round(max(took), 1),
        "processor_ms": round(spent / n, 1),
        "requests": n,
        "load": round(os.getloadavg()[0], 1),
    }


def decided(http):
    """Return how many streams have no window left to be decided on."""
    streams = http.get("/v1/streams").json()["streams"]
    return sum(one["state"] in ("stable", "watching", "drifting", "no data") for one in streams), len(streams)


def rows(number, batch_of):
    """Return a batch as rows of JSON."""
    return [
        {"id": one.id, "stream": one.stream, "model": one.model, "prompt_id": one.prompt_id, "response": one.response,
         "label": one.label, "classifier": one.classifier, "ts": one.ts.isoformat()}
        for one in batch_of(number)
    ]  # fmt: skip


def page(url, first, *, batch_of, rate, batch, patience=900.0):
    """Time the overview page on a store: the first time, while its history is decided on, after, and under load.

    Parameters
    ----------
    url : str
        Of a store that is filled.
    first : int
        Number of the first batch that is not stored yet.
    batch_of : callable
        Makes a batch by number.
    rate : float
        Events a second of the load.
    batch : int
        Events of a batch.
    patience : float
        Seconds to wait for the decisions.
    """
    found = {}
    with tempfile.TemporaryDirectory() as folder, closing(Service(folder, "workers = 0", store=url)) as service:
        http, pid = service.http, service.start().process.pid
        found["page_first_ms"] = round(seconds_of(http) * 1000, 1)
        time.sleep(APART)
        found["page_while_history_is_decided"] = times(http, pid)
        begun = time.monotonic()
        while time.monotonic() - begun < patience:
            done, all_of = decided(http)
            if done == all_of:
                break
            time.sleep(5.0)
        found["streams_decided"] = f"{done} of {all_of}"
        found["page_at_rest"] = times(http, pid)
        ends = threading.Event()

        def send():
            due = time.monotonic()
            with httpx.Client(base_url=http.base_url, timeout=60.0) as sender:
                for number in range(first, 10**12):
                    sender.post("/v1/events", json=rows(number, batch_of)).raise_for_status()
                    due += batch / rate
                    if ends.wait(max(due - time.monotonic(), 0.0)):
                        return

        sender = threading.Thread(target=send)
        sender.start()
        found[f"page_at_{rate:.0f}_events_per_s"] = times(http, pid)
        ends.set()
        sender.join()
    return found
