"""Kills an ingesting process at random moments, many times, and counts what was lost or doubled.

Run: python scripts/kill_store.py [--kills 50] [--url sqlite:////tmp/kill.db] (about two minutes a database)

Without --url it runs on SQLite, and on PostgreSQL where Debian's server is installed. It ends with 1 if an acknowledged
event was lost or any event was counted twice.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "storage"))
from killed_ingest import SIZE, Client
from postgres_server import PostgresServer, binaries


def run(url, kills, seed):
    """Kill, verify, print; return whether all is well."""
    client = Client(url, rng=np.random.default_rng(seed), in_flight=30)
    acknowledged = [client.until_killed(longest=1.0) for _ in range(kills)]
    wanted, once, doubled, lost = client.verify()
    print(
        f"{url.partition(':')[0]}: {kills} kills, {sum(acknowledged) * SIZE} events acknowledged before a kill "
        f"({min(acknowledged) * SIZE} to {max(acknowledged) * SIZE} each), {wanted} in the end: "
        f"{once} counted once, {doubled} doubled, {lost} lost"
    )
    return not doubled and not lost


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--url")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    fine = []
    with tempfile.TemporaryDirectory() as folder:
        fine.append(run(given.url or f"sqlite:///{folder}/store.db", given.kills, given.seed))
    if given.url is None and binaries() is not None:
        server = PostgresServer(fsync=True)
        try:
            fine.append(run(server.new_url(), given.kills, given.seed))
        finally:
            server.close()
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())
