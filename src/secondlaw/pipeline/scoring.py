"""Scoring large inputs: every row to a label, all labels to counts, on one machine or on a cluster.

One machine and a cluster differ in who works, not in what is done: the same blocks give the same parts, and the same
parts the same counts.
"""

import os
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

from secondlaw.behavior import load_taxonomy
from secondlaw.behavior.classifiers import Classifier
from secondlaw.behavior.windows import clock_of
from secondlaw.errors import NotEnoughData
from secondlaw.formats import BadRow, Quarantine, quarantine_path, replace_file
from secondlaw.pipeline.engines import MOST_WORKERS, engine_report, engine_warnings, open_engine
from secondlaw.pipeline.scoring_blocks import Block, cut_files, find_files
from secondlaw.pipeline.scoring_counts import read_settled
from secondlaw.pipeline.scoring_local import count_here, score_here
from secondlaw.pipeline.scoring_options import ScoreOptions, check_request
from secondlaw.pipeline.scoring_ray import count_on_ray, ray_cluster, score_on_ray
from secondlaw.pipeline.scoring_result import Scored, bad_rows, require_some, summary_of, warnings_of
from secondlaw.pipeline.scoring_rows import BlockDone, ScoringJob
from secondlaw.pipeline.scoring_run import ScoringRun, parts_folder
from secondlaw.pipeline.settings import Settings

__all__ = ["score_files"]

Progress = Callable[[int, int], None]


def score_files(
    sources: Sequence[str], out: Path, settings: Settings, options: ScoreOptions, *, progress: Progress | None = None
) -> Scored:
    """Label the rows of files and count the labels.

    Parameters
    ----------
    sources : sequence of str
        Files, folders and patterns.
    out : Path
        Parquet file for the counts, see :meth:`secondlaw.behavior.Counts.read_parquet`.
    settings : Settings
        Of which engine, taxonomy, every, groups, assume_utc, max_bad and workers are used.
    options : ScoreOptions
    progress : callable, optional
        Called with (rows done, rows in all); 0 rows in all where that is not known.

    Returns
    -------
    Scored

    Raises
    ------
    InvalidInput
        If an output cannot be written or would be read as input, or the rows have two clocks.
    NotEnoughData
        If there is no row, or none that can be counted.
    SourceError
        If a file is damaged, more rows are bad than allowed, or workers died; the blocks done are kept.
    """
    paths = find_files(sources)
    check_request(sources, paths, out, settings, options)
    blocks = cut_files(paths, block_rows=options.block_rows, file_format=options.file_format)
    source = sources[0] if len(sources) == 1 else f"{sources[0]} and {len(sources) - 1} more"
    if not blocks:
        raise NotEnoughData(f"{source} is empty: there is no row; give files with one response a row")
    alone = settings.model_copy(update={"workers": 1})
    classifier = open_engine(settings.engine, alone)
    job = ScoringJob(
        settings=alone,
        taxonomy=load_taxonomy(settings.taxonomy),
        identity=classifier.identity,
        folder=parts_folder(out).resolve(),
        labels=None if options.labels is None else options.labels.resolve(),
        relabel=options.relabel,
        here=str(Path.cwd()),
    )
    beside = sources[0] if len(sources) == 1 and Path(sources[0]).is_file() else out
    quarantine = Quarantine(options.bad_rows or quarantine_path(beside), max_bad=settings.max_bad)
    with ExitStack() as stack:
        workers = _workers(settings, options, stack)
        run = stack.enter_context(ScoringRun(job, blocks, paths, fresh=options.replace_output))
        stack.enter_context(quarantine)
        scored = _scored(run, options, workers, classifier)
        every = _follow(scored, run, settings, _rows_in(blocks), progress)
        if _is_too_bad(run, settings):
            _set_aside(quarantine, bad_rows(run))
        if options.place == "ray":
            counts = count_on_ray(job, rows=run.total("rows"), workers=workers)
        else:
            counts = count_here(job, blocks, rows=run.total("rows"))
        settled = read_settled(job.folder)
        _set_aside(quarantine, bad_rows(run, settled))
        rows = summary_of(run, settled, quarantine)
        require_some(source, rows, quarantine.first)
        counts = replace(counts, every=every)
        replace_file(out, counts.write_parquet)
        run.finish()
        return Scored(
            source=source,
            counts=counts,
            rows=rows,
            out=out,
            labels=options.labels,
            place=options.place,
            workers=workers,
            blocks=len(blocks),
            found_done=run.found_done,
            classifier=classifier,
            warnings=(*warnings_of(run, rows, quarantine), *engine_warnings(classifier)),
            report=engine_report(classifier),
        )


def _workers(settings: Settings, options: ScoreOptions, stack: ExitStack) -> int:
    """Return how many workers there are; on Ray, after connecting to it."""
    if options.place == "ray":
        return stack.enter_context(ray_cluster(address=options.address, workers=settings.workers))
    if settings.engine == "judge":  # one journal, one budget; it asks several questions at a time by itself
        return 1
    return settings.workers or min(os.cpu_count() or 1, MOST_WORKERS)


def _scored(
    run: ScoringRun, options: ScoreOptions, workers: int, classifier: Classifier
) -> Generator[BlockDone, None, None]:
    todo = run.todo()
    if options.place == "ray" and todo:
        return score_on_ray(run.job, todo, workers=workers)
    return score_here(run.job, todo, workers=workers, classifier=classifier)


def _follow(
    scored: Generator[BlockDone, None, None], run: ScoringRun, settings: Settings, total: int, progress: Progress | None
) -> int | None:
    """Note every block done, stop early where the whole cannot be sound, and return the length of a window."""
    every = _clock(run, settings)
    with closing(scored):
        for one in scored:
            run.add(one)
            every = _clock(run, settings)
            if progress is not None:
                progress(run.total("read"), total)
            if _is_too_bad(run, settings):
                break
    return every


def _set_aside(quarantine: Quarantine, rows: Iterable[BadRow]) -> None:
    for row in rows:
        quarantine.add(row)


def _is_too_bad(run: ScoringRun, settings: Settings) -> bool:
    return settings.max_bad is not None and run.total("bad") > settings.max_bad


def _clock(run: ScoringRun, settings: Settings) -> int | None:
    return clock_of(
        rows=run.total("rows") - run.total("bad"),
        stated=run.total("stated"),
        timed=run.total("timed"),
        every=settings.every,
    )


def _rows_in(blocks: Sequence[Block]) -> int:
    """Return how many rows there are; 0 where only reading tells."""
    sizes = [block.rows for block in blocks]
    return 0 if None in sizes else sum(size or 0 for size in sizes)
