"""Clients that send to a service that is killed again and again, and send again what was not acknowledged.

Batch n holds events whose ids, labels and prompts follow from n, so that what should be counted is known. Every event
has a prompt of its own: a cell that counts 2 is an event that was counted twice.
"""

import threading
import time
from collections import Counter

import httpx
from served import until

SIZE = 20
CLIENTS = 4


def rows_of(number):
    """Make a batch: half of it labelled, half with a text that waits for its label."""
    return [
        {
            "id": f"{number}/{k}",
            "prompt_id": f"{number}/{k}",
            "stream": f"s{number % 3}",
            "model": "m",
            "step": number % 7,
        }
        | ({"label": f"g{1 + k % 5}", "classifier": "c/1"} if k < SIZE // 2 else {"prompt": "q", "response": "yes"})
        for k in range(SIZE)
    ]


class Load:
    """Clients that send without end.

    Parameters
    ----------
    url : str
    """

    def __init__(self, url):
        self.url = url
        self.sent, self.acknowledged, self.again = 0, set(), []
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._send, daemon=True) for _ in range(CLIENTS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Stop sending new batches; those not acknowledged are sent until they are."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _next(self):
        with self._lock:
            if self._stop.is_set():
                return None
            self.sent += 1
            return self.sent - 1

    def _send(self):
        with httpx.Client(base_url=self.url, timeout=60.0) as client:
            while (number := self._next()) is not None:
                while not self._taken(client, number):
                    time.sleep(0.05)
                with self._lock:
                    self.acknowledged.add(number)

    def _taken(self, client, number):
        try:
            answer = client.post("/v1/events", json=rows_of(number))
        except httpx.TransportError:
            return False
        assert answer.status_code in (200, 429, 503), answer.text
        return answer.status_code == 200


def verify(service, load):
    """Return (events that should be counted, counted once, counted more often) when all have their label."""
    until(lambda: "secondlaw_queue_events 0.0" in service.http.get("/metrics").text, every=0.5, seconds=300.0)
    assert "secondlaw_queue_poisoned_events 0.0" in service.http.get("/metrics").text
    found = Counter()
    for name in {f"s{number % 3}" for number in load.acknowledged}:
        rows = service.get(f"/v1/streams/{name}/counts", **{"from": 0})["rows"]
        found.update(sum(row["counts"].values()) for row in rows)
    return len(load.acknowledged) * SIZE, found[1], sum(n for times, n in found.items() if times > 1)


def kill_under_load(service, load, *, kills, rng, longest):
    """Kill and start again at random moments; return how many batches were acknowledged before each kill."""
    counts = []
    for _ in range(kills):
        before = len(load.acknowledged)
        until(lambda before=before: len(load.acknowledged) > before)  # it takes events
        time.sleep(float(rng.uniform(0.0, longest)))
        service.kill()
        counts.append(len(load.acknowledged) - before)
        service.start(wait=False)
    service.wait()
    return counts
