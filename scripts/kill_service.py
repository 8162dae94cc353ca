"""Kills `secondlaw serve` at random moments under load, many times, and counts what was lost or doubled.

Run: python scripts/kill_service.py [--kills 50] [--postgresql] (about three minutes)

Clients send until they are acknowledged. It ends with 1 if an acknowledged event was not counted, or any was counted
twice.
"""

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np

SETTINGS = "every = 0\nlease = 2\nattempts = 10000\n"
"""A kill costs what is being labelled an attempt; fifty in a row would put it aside."""
TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(TESTS / "service"), str(TESTS / "storage")]
from killed_service import SIZE, Load, kill_under_load, verify  # noqa: E402 - found by the path above
from postgres_server import PostgresServer  # noqa: E402 - found by the path above
from served import Service  # noqa: E402 - found by the path above


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL server that is started for it")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        store = None
        if given.postgresql:
            server = PostgresServer(fsync=True)
            stack.callback(server.close)
            store = server.new_url()
        service = Service(folder, SETTINGS, store=store)
        stack.callback(service.close)
        service.start()
        with Load(service.url) as load:
            counts = kill_under_load(
                service, load, kills=given.kills, rng=np.random.default_rng(given.seed), longest=1.0
            )
        wanted, once, doubled = verify(service, load)
    print(
        f"{'PostgreSQL' if given.postgresql else 'SQLite'}: {given.kills} kills, {sum(counts) * SIZE} events "
        f"acknowledged before a kill ({min(counts) * SIZE} to {max(counts) * SIZE} each), {wanted} in the end: "
        f"{once} counted once, {doubled} doubled, {wanted - once - doubled} lost"
    )
    return 0 if once == wanted and not doubled else 1


if __name__ == "__main__":
    sys.exit(main())
