"""The folder of a run under way: what it is a run of, and which of its blocks are done.

It stands beside the output, as ``OUT.parts``, and goes when the output is whole. A run that was killed goes on from
there, with another number of workers or another engine if need be: a block is the same whoever scores it.
"""

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from secondlaw.errors import InvalidInput
from secondlaw.formats import Journal, journal_rows
from secondlaw.pipeline.scoring_blocks import Block
from secondlaw.pipeline.scoring_labels import labels_path
from secondlaw.pipeline.scoring_parts import part_path, settled_path
from secondlaw.pipeline.scoring_rows import BlockDone, ScoringJob

__all__ = ["ScoringRun", "parts_folder"]

VERSION = 1
JOURNAL = "run.jsonl"


def parts_folder(out: Path) -> Path:
    """Return where the parts of an output are kept until it is whole.

    Examples
    --------
    >>> parts_folder(Path("runs/counts.parquet")).as_posix()
    'runs/counts.parquet.parts'
    """
    return out.with_name(out.name + ".parts")


class ScoringRun:
    """A run under way; one process at a time, which a lock on its journal ensures.

    Parameters
    ----------
    job : ScoringJob
    blocks : sequence of Block
    paths : sequence of Path
        The files that the blocks are of: one that has changed since is another input.
    fresh : bool
        Whether the parts of another run may be thrown away.

    Attributes
    ----------
    done : dict of int to BlockDone
        Blocks that an earlier run finished, and those of this one.
    found_done : int
        Of those, how many an earlier run finished.

    Raises
    ------
    InvalidInput
        If the folder holds another run, or another process works in it, or the folder of the labelled rows holds files
        that this run did not write.
    """

    def __init__(self, job: ScoringJob, blocks: Sequence[Block], paths: Sequence[Path], *, fresh: bool = False) -> None:
        self.job, self.blocks = job, blocks
        header = orjson.loads(orjson.dumps(_header(job, paths, blocks)))
        path = job.folder / JOURNAL
        self._journal = Journal(path)
        try:
            rows = list(journal_rows(path))
            if rows and rows[0] != header:
                if not fresh:
                    raise InvalidInput(
                        f"{job.folder} holds another run, or its input has changed; give --force to begin anew, or "
                        "name another output"
                    )
                self._journal.close()
                shutil.rmtree(job.folder)
                self._journal, rows = Journal(path), []
            if not rows:
                _clear_labels(job.labels, fresh=fresh)
                self._journal.append(header)
            told = (BlockDone(**row) for row in rows[1:])
            self.done = {one.block: one for one in told if part_path(job.folder, one.block).is_file()}
            self._totals = Counter[str]()
            for one in self.done.values():
                self._totals.update(asdict(one))
        except BaseException:
            self._journal.close()
            raise
        self.found_done = len(self.done)
        for note in job.folder.glob(settled_path(Path(), 0).name.replace("000", "*")):
            note.unlink()

    def todo(self) -> list[Block]:
        """Return the blocks that are not done."""
        return [block for block in self.blocks if block.number not in self.done]

    def add(self, one: BlockDone) -> None:
        """Note that a block is done."""
        self._journal.append(asdict(one))
        self.done[one.block] = one
        self._totals.update(asdict(one))

    def finish(self) -> None:
        """Remove the parts: the output is whole."""
        self._journal.close()
        shutil.rmtree(self.job.folder)

    def total(self, name: str) -> int:
        """Return the sum of a member of :class:`BlockDone` over the blocks done."""
        return self._totals[name]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._journal.close()
        if not self.done:  # nothing to go on with
            shutil.rmtree(self.job.folder, ignore_errors=True)


def _header(job: ScoringJob, paths: Sequence[Path], blocks: Sequence[Block]) -> dict[str, Any]:
    settings = job.settings
    return {
        "secondlaw_score": VERSION,
        "files": [[str(path), path.stat().st_size, path.stat().st_mtime_ns] for path in paths],
        "blocks": len(blocks),
        "block_rows": max((block.rows or 0 for block in blocks), default=0),
        "classifier": job.identity,
        "taxonomy": job.taxonomy.to_dict(),
        "every": settings.every,
        "groups": settings.groups,
        "assume_utc": settings.assume_utc,
        "relabel": job.relabel,
        "labels": None if job.labels is None else str(job.labels),
    }


def _clear_labels(folder: Path | None, *, fresh: bool) -> None:
    """Make the folder of the labelled rows, without files of another run."""
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    there = sorted(folder.glob(labels_path(Path(), 0).name.replace("000000", "*")))
    if there and not fresh:
        raise InvalidInput(f"{folder} holds labelled rows already ({there[0].name}); name another folder, or --force")
    for one in there:
        one.unlink()
