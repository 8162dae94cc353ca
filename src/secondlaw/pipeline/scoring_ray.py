"""Scoring on a Ray cluster: ``map_batches`` over blocks, then ``groupby().sum()`` over what they leave behind.

The nodes share the folder of the input and that of the output. Scheduling, retries and the shuffle are Ray's: when an
actor or its node dies, Ray hands its block to another, and since a block writes its parts under its number, whole or
not at all, nothing is counted twice.
"""

import importlib
import logging
import os
import socket
import sys
import threading
import time
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from secondlaw import errors
from secondlaw.behavior import Counts
from secondlaw.errors import InvalidInput, SecondLawError, SourceError
from secondlaw.pipeline.scoring_blocks import Block
from secondlaw.pipeline.scoring_counts import counts_of_table, settle_responses, table_of_counts
from secondlaw.pipeline.scoring_parts import CELL, SHARDS
from secondlaw.pipeline.scoring_rows import BlockDone, BlockScorer, ScoringJob

__all__ = ["count_on_ray", "ray_cluster", "score_on_ray"]

OBJECT_STORE = 256 << 20
"""Bytes of shared memory of a Ray that is started here; what is more goes to its disk."""
CONNECT_SECONDS = 10.0
WAIT_SECONDS = 60.0
"""How long threads of Ray Data are waited for before Ray is shut down."""
PIECE_ROWS = 1_000_000
"""Responses that a task of the shuffle holds, unless one shard has more: some 0.3 GB."""
MOST_TASKS = 10_000
"""Above this, several blocks make one task of Ray's."""


@contextmanager
def ray_cluster(*, address: str | None, workers: int) -> Iterator[int]:
    """Connect to a cluster, or start one on this machine and end it after; yields how many actors to use.

    Parameters
    ----------
    address : str or None
        Of a running cluster (``auto``, ``host:port``); None starts Ray here. A connection that this process has already
        is used as it is.
    workers : int
        Actors, one processor each; 0 takes one for every processor of the cluster.

    Raises
    ------
    InvalidInput
        If Ray is not installed.
    SourceError
        If there is no cluster at the address.
    """
    ray = _ray()
    if ray.is_initialized():
        yield workers or _processors(ray)
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anyone
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    logging.getLogger("ray").setLevel(logging.ERROR)
    try:
        if address is None:
            here = {"num_cpus": workers or os.cpu_count() or 1, "object_store_memory": OBJECT_STORE}
            ray.init(address="local", include_dashboard=False, **here, **quiet)
        else:
            _require_listener(address)
            ray.init(address=address, **quiet)
    except (OSError, RuntimeError, ValueError) as error:
        where = "Ray cannot be started here" if address is None else f"no Ray cluster answers at {address}"
        raise SourceError(f"{where}: {error}") from error
    before = set(threading.enumerate())
    try:
        _data().DataContext.get_current().enable_progress_bars = False  # progress is shown by who asked
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        with redirect_stdout(sys.stderr):  # Ray tells of workers that died on standard output, where JSON goes
            yield workers or _processors(ray)
    finally:
        _wait_for_streams(before)
        ray.shutdown()


def score_on_ray(job: ScoringJob, blocks: Sequence[Block], *, workers: int) -> Generator[BlockDone, None, None]:
    """Score blocks by actors, and yield each when its parts are written, in any order.

    Raises
    ------
    SecondLawError
        What an actor found wrong.
    """
    data = _data()
    items = [{"block": orjson.dumps(asdict(block)).decode()} for block in blocks]
    scored = data.from_items(items, override_num_blocks=min(len(items), MOST_TASKS)).map_batches(
        _ScoringActor,
        fn_constructor_args=(job,),
        batch_size=1,
        batch_format="pyarrow",
        compute=data.ActorPoolStrategy(size=min(workers, len(blocks))),
        num_cpus=1,
    )
    with closing(_tables_of(scored)) as tables:
        for answer in (orjson.loads(done) for table in tables for done in table["done"].to_pylist()):
            if "error" in answer:
                kind = getattr(errors, answer["error"], SecondLawError)
                raise kind(answer["message"])
            yield BlockDone(**answer)


def count_on_ray(job: ScoringJob, *, rows: int, workers: int) -> Counts:
    """Settle repetitions shard by shard, then sum the counts of every key.

    Parameters
    ----------
    job : ScoringJob
        All of its blocks are scored.
    rows : int
        How many responses they hold.
    workers : int
    """
    pieces = min(max(2 * workers, -(-rows // PIECE_ROWS)), SHARDS)
    categories = job.taxonomy.keys
    # One folder, not its files: without aiohttp, threads that list several paths race for an import in Ray 2.60.
    parts = _data().read_parquet(str(job.folder), file_extensions=["parquet"])
    partial = parts.groupby("shard", num_partitions=pieces).map_groups(
        _settle_on_ray, fn_args=(categories, str(job.folder)), batch_format="pyarrow"
    )
    key, counted = [*CELL, "window", "cluster"], [f"count_{k}" for k in range(len(categories) + 1)]
    summed = partial.groupby(key, num_partitions=pieces).sum(counted)
    found = [
        counts_of_table(table, categories=categories, column="sum({})")
        for table in _tables_of(summed)
        if table.num_rows
    ]
    return Counts.merge([Counts.empty(categories), *found])


class _ScoringActor:
    """What an actor does; what it finds wrong is an answer, so that Ray does not try it again."""

    def __init__(self, job: ScoringJob) -> None:
        if Path(job.here).is_dir():
            os.chdir(job.here)  # a classifier MODULE:FUNCTION is looked for there
        self._scorer = BlockScorer(job)

    def __call__(self, batch: Any) -> Any:  # noqa: ANN401 - Arrow tables
        import pyarrow as pa

        answers = [self._answer(Block(**orjson.loads(block))) for block in batch["block"].to_pylist()]
        return pa.table({"done": [orjson.dumps(answer).decode() for answer in answers]})

    def _answer(self, block: Block) -> dict[str, Any]:
        try:
            return asdict(self._scorer.score(block))
        except SecondLawError as error:
            return {"error": type(error).__name__, "message": str(error)}
        except OSError as error:
            return {"error": "SourceError", "message": f"an actor cannot read or write what all share: {error}"}


def _settle_on_ray(rows: Any, categories: tuple[str, ...], folder: str) -> Any:  # noqa: ANN401 - Arrow tables
    return table_of_counts(settle_responses(rows, categories=categories, folder=Path(folder)))


def _tables_of(dataset: Any) -> Generator[Any, None, None]:  # noqa: ANN401 - Arrow tables
    """Yield the blocks of a dataset as they are done, read in this thread.

    ``iter_rows`` and ``iter_batches`` read ahead in threads that go on when the reader stops. One that calls on Ray
    after its shutdown makes Ray end the whole process, before what was found wrong is said.
    """
    import pyarrow as pa

    ray = _ray()
    with _told():
        for bundle in dataset.iter_internal_ref_bundles():
            for block in ray.get(list(bundle.block_refs)):
                yield block if isinstance(block, pa.Table) else pa.Table.from_pandas(block)


def _wait_for_streams(before: set[threading.Thread]) -> None:
    """Wait until what Ray Data runs in threads of this process has seen that nobody reads on."""
    until = time.monotonic() + WAIT_SECONDS
    for thread in set(threading.enumerate()) - before:
        if thread.name.startswith(("StreamingExecutor", "ray-data")):
            thread.join(max(0.0, until - time.monotonic()))


@contextmanager
def _told() -> Iterator[None]:
    """Turn what Ray gives up on into one sentence."""
    ray, data = _ray(), importlib.import_module("ray.data.exceptions")
    try:
        yield
    except (ray.exceptions.RayError, data.SystemException) as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise SourceError(f"Ray gave up: {said[0]}; the blocks done are kept: give the same command again") from error


def _ray() -> Any:  # noqa: ANN401 - checked where it is used; its types take minutes to read
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return importlib.import_module("ray")
    except ImportError as error:
        raise InvalidInput("--engine ray needs Ray: pip install 'secondlaw[cluster]'") from error


def _data() -> Any:  # noqa: ANN401
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return importlib.import_module("ray.data")
    except ImportError as error:
        raise InvalidInput("--engine ray needs Ray Data: pip install 'secondlaw[cluster]'") from error


def _require_listener(address: str) -> None:
    """Refuse an address where nobody listens, which Ray would call on for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS).close()


def _processors(ray: Any) -> int:  # noqa: ANN401
    return max(1, int(ray.cluster_resources().get("CPU", 1)))
