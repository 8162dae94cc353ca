"""A process that ingests and labels until it is killed, and a client that sends again what was not acknowledged.

Batch n holds events whose ids, labels and prompts follow from n, so that what should be in the store is known. Every
event has a prompt of its own: a cell that counts 2 is an event that was counted twice.
"""

import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from secondlaw.behavior import Transcript
from secondlaw.errors import LeaseLost, StorageError
from secondlaw.storage import Retention, StoreSettings, StreamSettings, open_store

SIZE = 20
THREADS = 3
SETTINGS = StoreSettings(
    new_streams=StreamSettings(every=None, retention=Retention(texts="sample", texts_per_window=10)), attempts=10_000
)


def events_of(number):
    """Make a batch: the first half labelled, the second half with a text that waits for its label."""
    made = []
    for k in range(SIZE):
        name = f"{number}/{k}"
        labelled = {"label": f"g{1 + k % 5}", "classifier": "c/1"} if k < SIZE // 2 else {}
        made.append(
            Transcript(
                "question", "answer", id=name, prompt_id=name, stream=f"s{number % 3}", step=number % 7, **labelled
            )
        )
    return made


def label_all(store, *, owner, seconds=1.0, stop=lambda: False):
    """Label what waits, until nothing does."""
    while not stop() and (batch := store.queue.lease(owner=owner, limit=30, seconds=seconds)).items:
        try:
            store.queue.complete(batch, {item.id: "g1" for item in batch.items}, classifier="c/1")
        except LeaseLost:
            continue


def serve(url):
    """Ingest the batches whose numbers come in, and say when each is stored."""
    with open_store(url, settings=SETTINGS) as store:
        lock = threading.Lock()

        def ingest():
            for line in sys.stdin:
                try:
                    store.events.add(events_of(int(line)))
                except StorageError:
                    continue
                with lock:
                    print(int(line), flush=True)

        def label():
            while True:
                with suppress(StorageError):
                    label_all(store, owner="child")
                time.sleep(0.01)

        threading.Thread(target=label, daemon=True).start()
        threads = [threading.Thread(target=ingest) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


class Client:
    """Sends batches to a process that is killed again and again.

    Parameters
    ----------
    url : str
    rng : numpy.random.Generator
        Says when to kill.
    in_flight : int
        Batches sent and not acknowledged.
    """

    def __init__(self, url, *, rng, in_flight=12):
        self.url, self.rng, self.in_flight = url, rng, in_flight
        self.sent = 0
        self.acknowledged = set()
        self.again = []

    def until_killed(self, *, longest=0.4):
        """Start the process, send to it, and kill it at a random moment; return how many batches it acknowledged."""
        before = len(self.acknowledged)
        child = subprocess.Popen(
            [sys.executable, __file__, self.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        flying = set()
        deadline = None
        while deadline is None or time.monotonic() < deadline:
            while len(flying) < self.in_flight:
                number = self.again.pop() if self.again else self.sent
                self.sent = max(self.sent, number + 1)
                flying.add(number)
                child.stdin.write(f"{number}\n")
            number = int(child.stdout.readline())
            if deadline is None:  # it is up
                deadline = time.monotonic() + float(self.rng.uniform(0.0, longest))
            flying.discard(number)
            self.acknowledged.add(number)
        child.kill()
        child.wait()
        for line in child.stdout:  # acknowledged before it died, read after
            if line.endswith("\n"):
                flying.discard(int(line))
                self.acknowledged.add(int(line))
        child.stdout.close()
        with suppress(BrokenPipeError):
            child.stdin.close()
        self.again += sorted(flying)
        return len(self.acknowledged) - before

    def verify(self):
        """Finish what is left; return (events that should be counted, counted once, counted more often, lost)."""
        with open_store(self.url, settings=SETTINGS) as store:
            assert store.admin.check() == ()
            for number in self.again:
                store.events.add(events_of(number))
            while store.queue.depth().rows:
                label_all(store, owner="parent")
                time.sleep(0.05)
            assert store.admin.check() == ()
            found = Counter()
            for stream in store.streams.list():
                table = store.counts.read(stream.name).table.sum(axis=1)
                found.update(table.tolist())
            wanted = self.sent * SIZE
            more = sum(n for times, n in found.items() if times > 1)
            return wanted, found[1], more, wanted - found[1] - more


if __name__ == "__main__":
    if not Path(__file__).exists():
        raise SystemExit("this file is run by itself")
    serve(sys.argv[1])
