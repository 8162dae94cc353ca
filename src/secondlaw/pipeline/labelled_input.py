"""Reading labelled responses from files: what a classifier is trained on and judged by."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from secondlaw.behavior import load_taxonomy, plain_rows, to_transcript
from secondlaw.behavior.classifiers.labelled_reading import LabelledCollector, LabelledSet
from secondlaw.behavior.taxonomy import INTENTS, OUTSIDE, Taxonomy
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.formats import BadRow, Format, Quarantine, Row, quarantine_path, read_rows
from secondlaw.formats.rows import excerpt_of
from secondlaw.pipeline.settings import Settings
from secondlaw.pipeline.sources_together import source_of

__all__ = ["HUMAN_COLUMN", "LabelOptions", "LabelledInput", "read_labelled"]

HUMAN_COLUMN = "human_label"
GIVEN = "given"
"""Strength of labels in another column, where nothing says that people gave them."""


@dataclass(frozen=True, slots=True)
class LabelOptions:
    """Where labels stand and what they mean.

    Parameters
    ----------
    column : str
        Field with the label.
    names : mapping of str to str
        The file's name of a category to the taxonomy's key.
    strength : str or None
        How the labels were made, where a row's ``label_strength`` does not say: ``"human"`` for the column
        ``human_label``, else not known.
    drop_conflicts : bool
        Leave responses out that one annotator labelled twice, differently.
    file_format : str or None
    bad_rows : Path or None
    """

    column: str = HUMAN_COLUMN
    names: Mapping[str, str] = field(default_factory=dict)
    strength: str | None = None
    drop_conflicts: bool = False
    file_format: Format | None = None
    bad_rows: Path | None = None

    @property
    def made(self) -> str:
        """Strength of a row that states none."""
        return self.strength or ("human" if self.column == HUMAN_COLUMN else GIVEN)


@dataclass(frozen=True, slots=True)
class LabelledInput:
    """Labelled responses, what became of the other rows, and what the reader must know."""

    labelled: LabelledSet
    read: int
    bad: int
    warnings: tuple[str, ...]


def read_labelled(paths: Sequence[str], settings: Settings, options: LabelOptions) -> LabelledInput:
    """Read labelled responses.

    Parameters
    ----------
    paths : sequence of str
        Files of one format each, or ``-``; several may hold labels of several annotators for the same responses.
    settings : Settings
        Of which taxonomy, assume_utc and max_bad are used.
    options : LabelOptions

    Raises
    ------
    InvalidInput
        If a label is no category, or one annotator contradicts himself.
    NotEnoughData
        If no row has a label.
    """
    taxonomy = load_taxonomy(settings.taxonomy)
    wrong = [key for key in options.names.values() if key not in (*taxonomy.keys, OUTSIDE)]
    if wrong:
        raise InvalidInput(f"--map leads to {wrong[0]!r}, which is no category ({', '.join(taxonomy.keys)}, {OUTSIDE})")
    collector = LabelledCollector(taxonomy, drop_conflicts=options.drop_conflicts)
    read = 0
    quarantines: dict[Path, Quarantine] = {}
    with ExitStack() as stack:
        for path in paths:
            where = options.bad_rows or quarantine_path(path)
            if where not in quarantines:
                quarantines[where] = stack.enter_context(Quarantine(where, max_bad=settings.max_bad))
            for row in quarantines[where].sift(plain_rows(read_rows(path, file_format=options.file_format))):
                read += 1
                bad = _take(row, path, collector, taxonomy, settings, options)
                if bad is not None:
                    quarantines[where].add(bad)
    labelled = collector.build()
    found = [one for one in quarantines.values() if one.count]
    bad_rows = sum(one.count for one in found)
    if not labelled.rows:
        why = f"; the first bad row is line {found[0].first[0].line}: {found[0].first[0].reason}" if found else ""
        raise NotEnoughData(
            f"{', '.join(paths)}: none of {read} rows has a category in {options.column}{why}; "
            + (
                "label some with secondlaw label FILE, or name another column with --labels"
                if options.column == HUMAN_COLUMN
                else "name another column with --labels"
            )
        )
    warnings = [one.describe() for one in found]
    return LabelledInput(labelled, read, bad_rows, (*warnings, *_said(labelled)))


def _said(labelled: LabelledSet) -> Iterator[str]:
    words = {
        "unlabelled": "rows have no label and are left out",
        "outside": "responses were placed in no category (outside) and are left out",
        "undecided": "responses are left out: as many annotators are for one category as for another",
        "conflicting": "responses are left out: one annotator gave them two different labels",
        "derived": "rows state no intent; it is taken from their category, so that a classifier told the intent is "
        "told part of the answer there; let the rows state their intent",
        "repeated": "rows repeat another row's id, text and label and count once",
    }
    for name, said in words.items():
        if labelled.counts.get(name):
            yield f"{labelled.counts[name]:,} {said}"


def _take(
    row: Row, path: str, collector: LabelledCollector, taxonomy: Taxonomy, settings: Settings, options: LabelOptions
) -> BadRow | None:
    """Hand a row to the collector; return it as a bad one if it is none."""
    value = _with_label(row, path, taxonomy, options)
    try:
        transcript = to_transcript(value, taxonomy=taxonomy, assume_utc=settings.assume_utc)
        extra = transcript.extra
        collector.add(
            transcript,
            source=source_of(extra) or _stem(path),
            place=f"{path}, line {row.line}",
            strength=str(extra.get("label_strength") or options.made),
            id_is_stated=value.get("id") is not None,
        )
    except InvalidInput as error:
        return BadRow(row.line, str(error), excerpt_of(row.value))
    return None


def _with_label(row: Row, path: str, taxonomy: Taxonomy, options: LabelOptions) -> dict[str, Any]:
    """Return the row with its label under ``human_label``, by the taxonomy's name."""
    value = dict(row.value)
    label = value.pop(options.column, None) if options.column != HUMAN_COLUMN else value.get(HUMAN_COLUMN)
    label = options.names.get(label, label) if isinstance(label, str) else label
    if label is not None and label not in (*taxonomy.keys, OUTSIDE):
        raise InvalidInput(
            f"{path}, line {row.line}: {options.column} {label!r} is no category of taxonomy {taxonomy.name!r} "
            f"({', '.join(taxonomy.keys)}, {OUTSIDE}); mend it, translate it with --map NAME={taxonomy.keys[0]}, or "
            "name another taxonomy with --taxonomy"
        )
    if options.column != HUMAN_COLUMN:
        for name in (HUMAN_COLUMN, "human_labels"):
            value.pop(name, None)
    value[HUMAN_COLUMN] = label
    if value.get("intent") in (None, "unknown") and value.get("human_intent") in INTENTS:
        value["intent"] = value["human_intent"]
    return value


def _stem(path: str) -> str:
    return "standard input" if path == "-" else Path(path).name.split(".")[0]
