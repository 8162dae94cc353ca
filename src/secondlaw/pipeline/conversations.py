"""Reading conversations: the labelled turns of one or two runs, without their texts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from secondlaw.behavior import load_taxonomy, plain_rows
from secondlaw.behavior.rows import to_transcript
from secondlaw.behavior.transcripts import Transcript, content_id
from secondlaw.drift.temporal import TemporalComparison, TemporalResult, compare_temporal, measure_temporal
from secondlaw.drift.turns import ConversationTurns, collect_turns
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.formats import BadRow, Format, Quarantine, Row, excerpt_of, quarantine_path, read_rows
from secondlaw.pipeline.row_choice import ChosenRows, CountedRows
from secondlaw.pipeline.settings import Settings
from secondlaw.pipeline.sources import Source, named
from secondlaw.pipeline.turns_under_share import turns_under_one_share
from secondlaw.types import Estimate

__all__ = ["Conversations", "measure_conversations"]

FEWEST = 100
"""Permutations and null draws are at least so many."""


@dataclass(frozen=True, slots=True)
class Conversations:
    """What the order of turns shows in some files.

    Parameters
    ----------
    source : str
        What was read.
    results : tuple of TemporalResult
        One a stream and model.
    comparison : TemporalComparison or None
        Second run minus first, where two were given.
    rows, repeated : int
        Rows read; rows that repeat the id that another row states, and its content, counted once.
    notes : tuple of str
        What the reader must know.
    seed : int
    """

    source: str
    results: tuple[TemporalResult, ...]
    comparison: TemporalComparison | None
    rows: int
    repeated: int
    notes: tuple[str, ...]
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "source": self.source,
            "rows": self.rows,
            "repeated": self.repeated,
            "seed": self.seed,
            "notes": list(self.notes),
            "results": [one.to_dict() for one in self.results],
            "comparison": None if self.comparison is None else self.comparison.to_dict(),
        }

    @property
    def is_measured(self) -> bool:
        """Whether there is any number, and where two runs were compared, any difference."""
        compared = self.comparison is None or bool(self.comparison.differences)
        found = (value for one in self.results for value in one.measured().values())
        return compared and any(isinstance(value, Estimate) for value in found)


def measure_conversations(
    sources: Sequence[Source],
    settings: Settings,
    *,
    human: bool = False,
    compared: bool = False,
    file_format: Format | None = None,
    bad_rows: Path | None = None,
) -> Conversations:
    """Measure the temporal statistics of conversations, and compare two runs of them.

    Parameters
    ----------
    sources : sequence of Source
    settings : Settings
        Of which taxonomy, assume_utc, max_bad, level, resamples, permutations and seed are used.
    human : bool
        Whether people's labels are read instead of the machine's.
    compared : bool
        Whether the two sources are compared; each must then be one model.
    file_format : str, optional
        Where a file's name does not tell.
    bad_rows : Path, optional
        Where bad rows go; beside each file by default.

    Returns
    -------
    Conversations

    Raises
    ------
    NotEnoughData
        If no row has a conversation, or no turn a label.
    InvalidInput
        If a source that is to be compared holds several models.
    """
    reader = _Reader(settings, file_format)
    taxonomy = load_taxonomy(settings.taxonomy)
    runs, moved = turns_under_one_share(
        [list(reader.transcripts(one, bad_rows)) for one in sources], taxonomy, settings
    )
    reader.notes += [] if human else moved
    sides = [collect_turns(rows, taxonomy, human=human) for rows in runs]
    name = named(one.path for one in sources)
    for one, turns in zip(sources, sides, strict=True):
        _check(turns, one, reader.notes, human=human, alone=compared)
    rng = np.random.default_rng(settings.seed)
    draws = max(settings.permutations - 1, FEWEST)
    results = tuple(
        measure_temporal(turns, rng=rng, level=settings.level, resamples=settings.resamples, draws=draws)
        for side in sides
        for turns in side
    )
    comparison = None
    if compared:
        comparison = compare_temporal(
            sides[0][0], sides[1][0], rng=rng, level=settings.level, resamples=settings.resamples, permutations=draws
        )
    notes = tuple(dict.fromkeys(reader.notes))
    return Conversations(name, results, comparison, reader.rows, reader.repeated, notes, settings.seed)


class _Reader:
    """Reads the turns of files and counts what it meets."""

    def __init__(self, settings: Settings, file_format: Format | None) -> None:
        self.rows = self.repeated = 0
        self.notes: list[str] = []
        self._settings, self._format = settings, file_format
        self._taxonomy = load_taxonomy(settings.taxonomy)

    def transcripts(self, source: Source, bad_rows: Path | None) -> Iterator[Transcript]:
        """Yield the transcripts of a source without their texts, each once."""
        settings = self._settings
        seen: dict[str, tuple[str, int]] = {}  # what a row with this id said, and its line
        with Quarantine(bad_rows or quarantine_path(source.path), max_bad=settings.max_bad) as quarantine:
            counted = CountedRows(read_rows(source.path, file_format=self._format), None)
            chosen = ChosenRows(plain_rows(counted), [("", source)], regroup=False)
            for row in chosen:
                one = self._transcript(row, seen)
                if isinstance(one, BadRow):
                    quarantine.add(one)
                elif one is not None:
                    yield replace(one, prompt="", response="")
            chosen.require_models(counted.rows)
            self.rows += counted.rows
            if quarantine.count:
                self.notes.append(quarantine.describe())

    def _transcript(self, row: Row | BadRow, seen: dict[str, tuple[str, int]]) -> Transcript | BadRow | None:
        """Return a row as a transcript, None where it was read before; a row that states no id never was."""
        if isinstance(row, BadRow):
            return row
        try:
            one = to_transcript(row.value, taxonomy=self._taxonomy, assume_utc=self._settings.assume_utc)
        except InvalidInput as error:
            return BadRow(row.line, str(error), excerpt_of(row.value))
        if row.value.get("id") is None:
            return one
        said = content_id(*(str(part) for part in (
            one.stream, one.model, one.conversation_id, one.extra.get("turn"), one.prompt, one.response, one.label,
            one.human_label,
        )))  # fmt: skip
        before, line = seen.setdefault(content_id(one.id), (said, row.line))
        if line == row.line:
            return one
        if before != said:
            return BadRow(
                row.line, f"its id is that of line {line}, which says something else; give every row its own", ""
            )
        self.repeated += 1
        return None


def _check(
    sides: Sequence[ConversationTurns], source: Source, notes: Sequence[str], *, human: bool, alone: bool
) -> None:
    """Refuse what has no turns, or no labels; and several models where one is wanted."""
    if not any(len(one.sequences) for one in sides):
        left_out: Counter[str] = Counter()
        for one in sides:
            left_out.update(one.left_out)
        reasons = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
        raise NotEnoughData(
            f"{named([source.path])} holds no conversation ({'; '.join((reasons or 'no rows', *notes))}); rows of one "
            "conversation share conversation_id"
        )
    if not any(one.sequences.steps for one in sides):
        remedy = "give human_label" if human else "label the rows first: secondlaw classify FILE --out labelled.jsonl"
        raise NotEnoughData(f"no two turns of {named([source.path])} that follow each other have labels; {remedy}")
    if alone and len(sides) > 1:
        models = ", ".join(one.model for one in sides)
        raise InvalidInput(f"{source.path} holds several models ({models}); name one: {source.path}#{sides[0].model}")
