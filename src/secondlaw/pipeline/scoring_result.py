"""What scoring gave: counts, what became of the rows, and what their reader must know."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from secondlaw.behavior import OUTSIDE, Counts
from secondlaw.behavior.classifiers import Classifier
from secondlaw.drift.results import RowSummary
from secondlaw.errors import NotEnoughData
from secondlaw.formats import BadRow, Quarantine, journal_rows
from secondlaw.pipeline.engines import stated_share
from secondlaw.pipeline.inputs import MANY_BAD
from secondlaw.pipeline.requests_together import words_of_moved
from secondlaw.pipeline.scoring_counts import Settled
from secondlaw.pipeline.scoring_options import Place
from secondlaw.pipeline.scoring_parts import bad_path
from secondlaw.pipeline.scoring_run import ScoringRun

__all__ = ["SCHEMA", "Scored", "bad_rows", "require_some", "summary_of", "warnings_of"]

SCHEMA = "secondlaw/score/1"


@dataclass(frozen=True, slots=True)
class Scored:
    """What scoring gave.

    Parameters
    ----------
    source : str
        Name of what was read.
    counts : Counts
        As they stand in `out`.
    rows : RowSummary
    out : Path
    labels : Path or None
        Folder of the labelled rows.
    place : {"local", "ray"}
    workers : int
        Processes or actors.
    blocks, found_done : int
        Into how many the input was cut, and how many an earlier run had finished.
    classifier : Classifier
        The one that labelled, open.
    warnings : tuple of str
    report : dict or None
        What the classifier says of its own work.
    """

    source: str
    counts: Counts
    rows: RowSummary
    out: Path
    labels: Path | None
    place: Place
    workers: int
    blocks: int
    found_done: int
    classifier: Classifier
    warnings: tuple[str, ...] = ()
    report: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, in the form :data:`SCHEMA`."""
        counts = self.counts
        return {
            "schema": SCHEMA,
            "source": self.source,
            "out": str(self.out),
            "labels_out": None if self.labels is None else str(self.labels),
            "engine": self.place,
            "workers": self.workers,
            "classifier": self.classifier.identity,
            "classifier_report": self.report,
            "blocks": {"total": self.blocks, "found_done": self.found_done},
            "rows": self.rows.to_dict(),
            "every": counts.every,
            "cells": [
                {**cell._asdict(), "n": int(counts.by_group(cell).sum()), "outside": counts.outside(cell)}
                for cell in counts.cells()
            ],
            "counts": dict(zip((*counts.keys, OUTSIDE), counts.table.sum(axis=0).tolist(), strict=True)),
            "warnings": list(self.warnings),
        }


def bad_rows(run: ScoringRun, settled: Settled | None = None) -> Iterator[BadRow]:
    """Yield the bad rows of all blocks in the order of the files, then, if they are known, the contradictions."""
    several = len({block.path for block in run.blocks}) > 1
    paths = {block.number: block.path for block in run.blocks}

    def within(block: int) -> str:
        return f" (in '{paths[block]}')" if several else ""

    for number in sorted(run.done):
        if run.done[number].bad:
            for row in journal_rows(bad_path(run.job.folder, number)):
                yield BadRow(row["line"], row["reason"] + within(number), row["excerpt"])
    for place, line, first, first_line in () if settled is None else settled.contradictions:
        other = within(first >> 32)
        yield BadRow(
            line,
            f"its stream and id are those of line {first_line}{other}, which says something else; give every row its "
            f"own{within(place >> 32)}",
            "",
        )


def summary_of(run: ScoringRun, settled: Settled, quarantine: Quarantine) -> RowSummary:
    """Add up what became of the rows."""
    read = run.total("read")
    return RowSummary(
        read=read,
        used=settled.used,
        bad=quarantine.count,
        duplicates=settled.repeated,
        classified=settled.classified,
        quarantine=str(quarantine.path) if quarantine.count else None,
        expanded=run.total("rows") - read,
        silent=settled.silent,
    )


def require_some(source: str, rows: RowSummary, first_bad: Sequence[BadRow]) -> None:
    """Refuse an input of which nothing can be counted."""
    if rows.used:
        return
    if not rows.read:
        raise NotEnoughData(f"{source} is empty: there is no row; give files with one response a row")
    if first_bad:
        why = f"the first bad one is line {first_bad[0].line}: {first_bad[0].reason}"
    else:
        why = f"{rows.silent:,} have no label, and none could be given"
    raise NotEnoughData(f"{source}: none of {rows.read:,} rows can be counted; {why}")


def warnings_of(run: ScoringRun, rows: RowSummary, quarantine: Quarantine) -> list[str]:
    """Say what a reader must know of the rows."""
    said = []
    if rows.bad_share > MANY_BAD:
        said.append(
            f"{100 * rows.bad_share:.0f} % OF THE ROWS ARE BAD ({rows.bad:,} of {rows.read + rows.expanded:,}). The "
            "counts speak only of the others, which may well be of another kind"
        )
    if quarantine.count:
        said.append(quarantine.describe())
    if rows.duplicates:
        said.append(f"{rows.duplicates:,} rows repeat another row's stream, id and content and are counted once")
    if rows.silent:
        said.append(f"{rows.silent:,} rows have no label (no text, or none could be given) and are in no count")
    if unprompted := run.total("unprompted"):
        said.append(f"{unprompted:,} rows were labelled without a prompt: what their responses do to it is a guess")
    if moved := run.total("moved"):
        said.append(words_of_moved(moved, stated_share(run.job.settings)))
    if human := run.total("human"):
        said.append(
            f"{human:,} rows carry a person's label, which counts do not hold: secondlaw measure corrects by them"
        )
    return said
