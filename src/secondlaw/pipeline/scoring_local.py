"""Scoring on one machine: blocks in processes, then shards in turn; memory does not grow with the input."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from secondlaw.behavior import Counts
from secondlaw.behavior.classifiers import Classifier
from secondlaw.errors import SourceError
from secondlaw.pipeline.scoring_blocks import Block
from secondlaw.pipeline.scoring_counts import settle_responses
from secondlaw.pipeline.scoring_parts import SHARDS, part_path
from secondlaw.pipeline.scoring_rows import BlockDone, BlockScorer, ScoringJob

__all__ = ["count_here", "score_here"]

SETTLED_AT_ONCE = 2_000_000
"""Responses settled at a time: some 0.6 GB."""
AHEAD = 2
"""Blocks handed out for each process, so that none waits for the next."""


def score_here(
    job: ScoringJob, blocks: Sequence[Block], *, workers: int, classifier: Classifier | None = None
) -> Generator[BlockDone, None, None]:
    """Score blocks, and yield each when its parts are written, in any order.

    Parameters
    ----------
    job : ScoringJob
    blocks : sequence of Block
    workers : int
        Processes; 1 works in this one.
    classifier : Classifier, optional
        One that is open in this process.

    Raises
    ------
    SourceError
        If a process dies; the blocks done stay.
    """
    if workers == 1 or len(blocks) < 2:
        scorer = BlockScorer(job, classifier)
        yield from map(scorer.score, blocks)
        return
    others = set(multiprocessing.active_children())
    # Spawned, not forked: ONNX Runtime's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(blocks)), context, initializer=_begin, initargs=(job,))
    waiting = iter(blocks)
    try:
        running: set[Future[BlockDone]] = set()
        while True:
            for block in waiting:
                running.add(pool.submit(_score, block))
                if len(running) >= AHEAD * workers:
                    break
            if not running:
                break
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for one in finished:
                yield one.result()
        pool.shutdown()
    except BrokenProcessPool as error:
        raise SourceError(
            "a process that scored died (out of memory, or killed); the blocks done are kept: give the same command "
            "again, with fewer --workers if memory is short"
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()


def count_here(job: ScoringJob, blocks: Sequence[Block], *, rows: int) -> Counts:
    """Count the responses of all blocks, some shards at a time.

    Parameters
    ----------
    job : ScoringJob
    blocks : sequence of Block
        All of them, scored.
    rows : int
        How many responses they hold.
    """
    import pyarrow.dataset as ds

    parts = ds.dataset([str(part_path(job.folder, block.number)) for block in blocks])
    width = max(1, SHARDS * SETTLED_AT_ONCE // max(rows, 1))
    found = []
    for first in range(0, SHARDS, width):
        some = parts.to_table(filter=(ds.field("shard") >= first) & (ds.field("shard") < first + width))
        found.append(settle_responses(some, categories=job.taxonomy.keys, folder=job.folder))
    return Counts.merge(found)


_scorer: BlockScorer | None = None
"""The scorer of a worker process."""


def _begin(job: ScoringJob) -> None:
    global _scorer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is told, and ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _scorer = BlockScorer(job)


def _end_with_parent() -> None:
    """End this process when its parent is gone, which a killed parent cannot ask for."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _score(block: Block) -> BlockDone:
    if _scorer is None:
        raise RuntimeError("the process was not begun with a job")
    return _scorer.score(block)
