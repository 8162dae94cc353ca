"""Ingest into the store: events a second, latency of a batch, size on the disk, and how fast an overview reads it.

The store counts every event once (128-bit ids with a live duplicate check), by cell and cluster, and answers when the
batch is on the disk. The peer is plain ``sqlite3`` with the same durability (write-ahead log, ``synchronous=FULL``):
``executemany`` of (stream, id, window, category) into a table without any index, one transaction a batch. It neither
knows duplicates nor counts; what the store costs more is the price of that.

    python benchmarks/storage.py                                   # a minute
    python benchmarks/storage.py --fill 10000000 --seconds 60      # 100 streams x 1,000 windows: half an hour
    python benchmarks/storage.py --postgresql-only --copies 50     # 1e7 ids in PostgreSQL: five minutes
    python benchmarks/storage.py --postgresql-only --copies 50 --page   # and the overview page over HTTP, no other load

``--copies`` multiplies what was filled through the usual door within PostgreSQL: every copy has ids of its own and
windows of its own, so that tables and indexes are as large as if all had come as events.
"""

import argparse
import json
import sqlite3
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from overview_page import page

from secondlaw.behavior import Transcript
from secondlaw.storage import StoreSettings, StreamSettings, open_store

STREAMS, WINDOWS, BATCH = 100, 1_000, 100
LABELS = ("g1",) * 90 + ("g2",) * 3 + ("g3",) * 4 + ("g4",) + ("g5",) * 2
START = datetime(2026, 1, 1, tzinfo=UTC)
TEXT = "A sentence of an answer that was labelled elsewhere and is not kept. " * 14  # about 1 KB
TARGET_RATE, TARGET_P99, TARGET_OVERVIEW = 2_000.0, 100.0, 300.0
SETTINGS = StoreSettings(new_streams=StreamSettings(every=3600), ahead_days=3650.0)


def batch_of(number, *, size=BATCH, text="", window=None):
    """Make a batch of labelled events of one stream; prompts repeat within a window as a suite of 50 does."""
    stream = f"stream-{number % STREAMS}"
    at = START + timedelta(hours=(number // STREAMS) % WINDOWS if window is None else window)
    return [
        Transcript(
            "", text, id=f"{number}-{k}", prompt_id=f"p{k % 50}", stream=stream, model="model-1", ts=at,
            label=LABELS[(number + k) % 100], classifier="embedded/1",
        )
        for k in range(size)
    ]  # fmt: skip


def summary(seconds, batches, size):
    """Put latencies into numbers."""
    ms = np.sort(np.array(seconds)) * 1000
    return {
        "p50_ms": round(float(np.quantile(ms, 0.5)), 2),
        "p99_ms": round(float(np.quantile(ms, 0.99)), 2),
        "max_ms": round(float(ms[-1]), 2),
        "batches": batches,
        "size": size,
    }


def as_fast_as_possible(add, first, *, seconds, threads, size=BATCH):
    """Send from threads, each waiting for its answer before it sends the next."""
    latencies, numbers = [], iter(range(first, 10**12))
    lock, end = threading.Lock(), time.perf_counter() + seconds
    made = [batch_of(number, size=size, text=TEXT) for number in range(200)]

    def send():
        while time.perf_counter() < end:
            with lock:
                number = next(numbers)
            batch = [event_as(event, f"{number}-{k}") for k, event in enumerate(made[number % 200])]
            start = time.perf_counter()
            add(batch)
            latencies.append(time.perf_counter() - start)

    start = time.perf_counter()
    crew = [threading.Thread(target=send) for _ in range(threads)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    took = time.perf_counter() - start
    found = summary(latencies, len(latencies), size) | {"events_per_s": round(len(latencies) * size / took)}
    return found, first + len(latencies) + threads


def event_as(event, name):
    """Return an event under another id."""
    return Transcript(
        event.prompt, event.response, id=name, prompt_id=event.prompt_id, stream=event.stream, model=event.model,
        ts=event.ts, label=event.label, classifier=event.classifier,
    )  # fmt: skip


def at_a_rate(add, first, *, rate, seconds):
    """Send batches when they are due, whether or not the last was answered; latency counts from when one was due."""
    latencies, crew = [], []
    made = [batch_of(first + k, text=TEXT) for k in range(int(rate * seconds / BATCH))]
    start = time.perf_counter() + 0.05

    def send(due, batch):
        add(batch)
        latencies.append(time.perf_counter() - due)

    for k, batch in enumerate(made):
        due = start + k * BATCH / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        crew.append(threading.Thread(target=send, args=(due, batch)))
        crew[-1].start()
    for thread in crew:
        thread.join()
    took = time.perf_counter() - start
    return summary(latencies, len(made), BATCH) | {"events_per_s": round(len(made) * BATCH / took)}, first + len(made)


def fill(store, first, ids):
    """Store many ids through the usual door, in larger batches, from two threads; return events a second."""
    batches = ids // BATCH
    todo = iter(range(first, first + batches))
    lock = threading.Lock()

    def send():
        while True:
            with lock:
                some = [number for _, number in zip(range(20), todo, strict=False)]
            if not some:
                return
            store.events.add([event for number in some for event in batch_of(number)])

    start = time.perf_counter()
    crew = [threading.Thread(target=send) for _ in range(2)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    return round(batches * BATCH / (time.perf_counter() - start)), first + batches


def overview(store):
    """Read what the overview page shows, as it is read anew each time; return the slowest of five in milliseconds."""
    took = []
    for _ in range(5):
        start = time.perf_counter()
        store.counts.latest(48)
        store.streams.list()
        store.monitors.list()
        store.alarms.list(status="open", limit=10_000)
        took.append((time.perf_counter() - start) * 1000)
    return round(max(took), 1)


class Peer:
    """Plain sqlite3: one connection, one transaction a batch, no index, no counts."""

    def __init__(self, path):
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = FULL")
        self.connection.execute("CREATE TABLE events (stream TEXT, id TEXT, window INTEGER, category TEXT)")
        self.lock = threading.Lock()

    def add(self, batch):
        rows = [(e.stream, e.id, int(e.ts.timestamp()) // 3600, e.label) for e in batch]
        with self.lock:
            self.connection.execute("BEGIN IMMEDIATE")
            self.connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", rows)
            self.connection.execute("COMMIT")

    def close(self):
        self.connection.close()


def multiply(url, copies):
    """Copy ids, counts, totals and arrivals of a PostgreSQL store within it, each time into windows further back."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        (width,) = connection.execute('SELECT max("window") - min("window") + 1 FROM arrivals').fetchone()
        for table in ("counts", "totals", "arrivals", "event_ids"):
            connection.execute(f"CREATE TEMP TABLE first_{table} AS SELECT * FROM {table}")
        back = f'"window" - c * {int(width)}'
        pairs = f"generate_series(1, {copies - 1}) AS c"
        connection.execute(
            f"INSERT INTO event_ids SELECT stream_id, decode(md5(hash::text || c::text), 'hex'), day "
            f"FROM first_event_ids, {pairs}"
        )
        connection.execute(
            f"INSERT INTO counts SELECT series_id, {back}, cluster, category, n FROM first_counts, {pairs}"
        )
        connection.execute(f"INSERT INTO totals SELECT series_id, {back}, category, n FROM first_totals, {pairs}")
        connection.execute(
            f"INSERT INTO arrivals SELECT stream_id, {back}, received, no_text, queued, late, poisoned "
            f"FROM first_arrivals, {pairs}"
        )
        connection.execute("VACUUM ANALYZE")


def measure(url, given, *, copies=1):
    """Measure one store."""
    found = {}
    with open_store(url, settings=SETTINGS) as store:
        number = 0
        found["fill_events_per_s"], number = fill(store, number, given.fill)
        if copies > 1:
            multiply(url, copies)
        rows = store.admin.sizes().rows
        found["ids"], found["rows_of_counts"], found["windows"] = rows["event_ids"], rows["counts"], rows["arrivals"]
        before = store.admin.sizes().bytes
        found["bytes_per_event"] = round(before / rows["event_ids"], 1)
        found["megabytes"] = round(before / 1e6, 1)
        found["overview_ms"] = overview(store)
        if given.page:
            return found | page(url, number, batch_of=batch_of, rate=given.page_rate, batch=BATCH)
        found["steady"], number = at_a_rate(store.events.add, number, rate=TARGET_RATE, seconds=given.seconds)
        found["four_senders"], number = as_fast_as_possible(store.events.add, number, seconds=given.seconds, threads=4)
        found["hundred_senders_of_one"], number = as_fast_as_possible(
            store.events.add, number, seconds=given.seconds / 2, threads=100, size=1
        )
        found["overview_ms_after"] = overview(store)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fill", type=int, default=200_000, help="distinct ids stored before anything is measured")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement")
    parser.add_argument("--sqlite-only", action="store_true")
    parser.add_argument("--folder", help="where the SQLite file lies (default: a temporary folder)")
    parser.add_argument("--postgresql-only", action="store_true")
    parser.add_argument("--copies", type=int, default=1, help="of what was filled, made within PostgreSQL")
    parser.add_argument("--page", action="store_true", help="start the service on the filled store and time GET /")
    parser.add_argument("--page-rate", type=float, default=TARGET_RATE, help="events a second while the page is timed")
    given = parser.parse_args()
    if given.postgresql_only:
        return postgres(given)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        peer = Peer(Path(folder) / "peer.db")
        plain, _ = as_fast_as_possible(peer.add, 0, seconds=given.seconds, threads=4)
        peer.close()
        found = measure(f"sqlite:///{folder}/store.db", given)
    show("plain sqlite3, no ids, no counts", {"four_senders": plain})
    show("secondlaw on SQLite", found)
    if given.page:
        return 0
    ratio = found["four_senders"]["events_per_s"] / plain["events_per_s"]
    print(f"secondlaw on SQLite : plain sqlite3 = {ratio:.2f} events/s")
    fine = found["steady"]["p99_ms"] < TARGET_P99 and found["overview_ms"] < TARGET_OVERVIEW
    print(
        f"{TARGET_RATE:.0f} events/s with p99 < {TARGET_P99:.0f} ms and an overview < {TARGET_OVERVIEW:.0f} ms: "
        f"{'met' if fine else 'NOT met'}"
    )
    return 0 if given.sqlite_only else postgres(given)


def postgres(given):
    """Measure PostgreSQL, where Debian's server is installed."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "storage"))
    from postgres_server import PostgresServer, binaries

    if binaries() is None:
        print("PostgreSQL is not installed")
        return 1
    server = PostgresServer(fsync=True)
    try:
        show("secondlaw on PostgreSQL", measure(server.new_url(), given, copies=given.copies))
    finally:
        server.close()
    return 0


def show(name, found):
    print(f"\n{name}")
    for key, value in found.items():
        print(f"  {key}: {json.dumps(value)}")


if __name__ == "__main__":
    sys.exit(main())
