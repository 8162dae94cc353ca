"""Labelling a file: every row goes out as it came in, with ``label``, ``label_probs`` and ``classifier`` added.

Rows are written to ``<out>.part`` block by block; the file appears under its own name when it is complete. A run that
was killed goes on after the rows that stand in the part, provided input and classifier are the same. A block is what
the classifier does in some seconds: a slow one loses little when it is killed, and a fast one is not held up.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import orjson

from secondlaw.behavior import read_transcripts, to_row
from secondlaw.behavior.classifiers.protocol import Classifier
from secondlaw.behavior.taxonomy import Taxonomy
from secondlaw.behavior.transcripts import Transcript
from secondlaw.drift.results import RowSummary
from secondlaw.errors import FileFormatError, InvalidInput, NotEnoughData
from secondlaw.formats import (
    BadRow,
    Format,
    Journal,
    JsonlWriter,
    Quarantine,
    Row,
    journal_rows,
    quarantine_path,
    read_rows,
)
from secondlaw.pipeline.file_shares import DIGITS, ShareRule, Written, shares_of_rows
from secondlaw.pipeline.row_choice import CountedRows, requests_by_file

__all__ = ["ClassifiedFile", "ClassifyOptions", "classify_file"]

FIRST_BLOCK, LARGEST_BLOCK = 16, 2048
"""Rows labelled before the first are stored, and most at once: enough for a fast classifier to sort by length."""
BLOCK_SECONDS = 5.0
"""How long a block should take, which is what a kill may cost."""

FRESH = "secondlaw_labelled_now"
"""Field of a stored row that this run labelled; it is not written."""
NO_LABEL = "no_label"
"""Field of a row that the classifier could not label, with the reason."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ClassifyOptions:
    """How to label a file.

    Parameters
    ----------
    relabel : bool
        Whether rows that a machine labelled before are labelled again.
    replace_output : bool
        Whether an output that exists may be replaced.
    assume_utc : bool
        Whether a ``ts`` without zone is UTC.
    max_bad : int or None
        Stop when more rows than this are bad.
    bad_rows : Path or None
        Where bad rows go.
    file_format : str or None
        Where the file's name does not tell.
    requests : tuple of Path
        The request file of an OpenAI batch, whose output holds no prompts.
    partial : bool
        Whether the rows before the damage of a damaged file are labelled; otherwise damage is an error, after them.
    unfinished : bool
        Whether Inspect logs are read whose status is not ``success``.
    share : {"read", "join", "follow", "as is"}
        What the labels made here expect of unknown intents, see :func:`~secondlaw.pipeline.file_shares.rule_of`.
    seed : int
        Of the interval of a share that is read.
    """

    relabel: bool = False
    replace_output: bool = False
    assume_utc: bool = False
    max_bad: int | None = None
    bad_rows: Path | None = None
    file_format: Format | None = None
    requests: tuple[Path, ...] = ()
    partial: bool = False
    unfinished: bool = False
    share: ShareRule = "as is"
    seed: int = 0


@dataclass(frozen=True, slots=True)
class ClassifiedFile:
    """What became of the rows, how many of them an earlier run had stored, whose labels, what the reader must know.

    `harmful_shares` are those under which labels of unknown intent were written now, by source, or of all rows as one
    (an empty name); None: what the classifier expects.
    """

    rows: RowSummary
    found_done: int
    classifier: str
    warnings: tuple[str, ...] = ()
    harmful_shares: Mapping[str, float | None] = field(default_factory=dict)


def classify_file(
    source: str,
    out: Path,
    classifier: Classifier,
    taxonomy: Taxonomy,
    options: ClassifyOptions,
    *,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> ClassifiedFile:
    """Label the rows of a file into another file.

    Parameters
    ----------
    source : str
        File to read, or ``-``.
    out : Path
        JSONL file to write, compressed if it ends in ``.gz``.
    classifier : Classifier
    taxonomy : Taxonomy
    options : ClassifyOptions
    progress : callable, optional
        Called with (rows written, 0): the number of rows of a stream is not known before its end.
    clock : callable
        Gives seconds; the size of the blocks follows from it.

    Returns
    -------
    ClassifiedFile

    Raises
    ------
    InvalidInput
        If `out` is not a JSONL file or is the input itself, or the part belongs to another input or classifier.
    NotEnoughData
        If no row could be used.
    FileFormatError
        If the file is damaged, and `options.partial` is false or nothing stands before the damage.
    """
    _check_out(source, out, replace_output=options.replace_output)
    requests = requests_by_file(options.requests, [source]).get(source)
    part = out.with_name(out.name + ".part")
    header = _header(source, classifier.identity, taxonomy, options)
    done = _resume(part, source, header)
    bad_path = options.bad_rows or quarantine_path(source)
    damage: list[FileFormatError] = []
    read = read_rows(source, file_format=options.file_format, unfinished=options.unfinished)
    lines = CountedRows(_until_damage(read, damage), requests)
    written = labelled = 0
    with Quarantine(bad_path, max_bad=options.max_bad) as bad, Journal(part) as journal:
        if done is None:
            journal.append(header)
        asked = _unlabelled(lines, options)
        sound = _sound(
            read_transcripts(asked, taxonomy=taxonomy, assume_utc=options.assume_utc, requests=requests), bad
        )
        written = sum(1 for _ in islice(sound, done or 0))
        size = FIRST_BLOCK
        while block := list(islice(sound, size)):
            began = clock()
            labelled += _label(block, classifier, taxonomy, journal)
            written += len(block)
            size = _next_size(len(block), clock() - began)
            if progress is not None:
                progress(written, 0)
    if damage and not (options.partial and written):
        _refuse(damage[0], part, written)
    if not written:
        reason = f"; the first bad row is line {bad.first[0].line}: {bad.first[0].reason}" if bad.count else ""
        part.unlink()
        raise NotEnoughData(f"{source}: there is no row to classify{reason}")
    under = shares_of_rows(_stored(part), classifier, taxonomy, options.share, seed=options.seed)
    made = Written(under)
    with JsonlWriter(out) as writer:
        for row, fresh in _stored(part):
            writer.write(made.standing(row) if fresh is None else made.moved(row))
    part.unlink()
    more, quarantine = written + bad.count - lines.rows, str(bad_path) if bad.count else None
    summary = RowSummary(lines.rows, written, bad.count, 0, labelled, quarantine, expanded=more)
    cut = [f"{one}; only the rows before the damage are labelled (--partial)" for one in damage]
    said = (*under.expected.said, *made.said(), *cut, *lines.said(source))
    return ClassifiedFile(summary, done or 0, made.identity, said, made.shares)


def _stored(part: Path) -> Iterator[tuple[dict[str, Any], bool | None]]:
    """Yield the rows of a part, with True where they were labelled for it, False where so without a prompt."""
    for number, row in enumerate(journal_rows(part)):
        if number:
            fresh = row.pop(FRESH, None)
            yield row, fresh


def _until_damage(rows: Iterable[Row | BadRow], damage: list[FileFormatError]) -> Iterator[Row | BadRow]:
    """Yield the rows before the damage of a file and note it, so that the block begun is still labelled."""
    try:
        yield from rows
    except FileFormatError as error:
        damage.append(error)


def _refuse(damage: FileFormatError, part: Path, written: int) -> NoReturn:
    if not written:
        part.unlink()
        raise damage
    raise FileFormatError(
        f"{damage}, or give the same command with --partial: the {written:,} rows before the damage are labelled in "
        f"{part}"
    ) from damage


def _next_size(rows: int, seconds: float) -> int:
    """Return how many rows make a block of the time wished for; at most four times as many as the last.

    Examples
    --------
    >>> _next_size(16, 0.1), _next_size(64, 20.0), _next_size(2048, 1.0)
    (64, 16, 2048)
    """
    wished = 4 * rows if seconds <= 0.0 else min(4 * rows, int(rows * BLOCK_SECONDS / seconds))
    return max(1, min(wished, LARGEST_BLOCK))


def _check_out(source: str, out: Path, *, replace_output: bool) -> None:
    if not (out.name.endswith((".jsonl", ".jsonl.gz"))):
        raise InvalidInput(f"classify writes JSONL: name the output something.jsonl or .jsonl.gz, got {out.name!r}")
    if source != "-" and not Path(source).is_file():
        raise InvalidInput(f"no file {source!r}; give a file of responses, or - for standard input")
    if source != "-" and out.exists() and out.samefile(source):
        raise InvalidInput(f"{out} is the input itself; name another file for the output")
    if out.exists() and not replace_output:
        raise InvalidInput(f"{out} exists; name another output, or give --force to replace it")
    if not out.parent.is_dir():
        raise InvalidInput(f"{out.parent} is no folder; make it first")


def _header(source: str, identity: str, taxonomy: Taxonomy, options: ClassifyOptions) -> dict[str, Any]:
    stat = Path(source).stat() if source != "-" else None
    return {
        "secondlaw_part": 2,
        "source": source,
        "size": stat and stat.st_size,
        "modified": stat and stat.st_mtime_ns,
        "classifier": identity,
        "taxonomy": taxonomy.to_dict(),
        "relabel": options.relabel,
        "assume_utc": options.assume_utc,
        "format": options.file_format,
        "requests": [[str(path), path.stat().st_size] for path in options.requests],
    }


def _resume(part: Path, source: str, header: dict[str, Any]) -> int | None:
    """Return how many rows stand in the part of an earlier run; None if there is no part."""
    if source == "-":
        part.unlink(missing_ok=True)
        return None
    rows = journal_rows(part)
    found = next(rows, None)
    if found is None:
        return None
    if found != orjson.loads(orjson.dumps(header)):
        raise InvalidInput(
            f"{part} is part of another run ({found.get('source')}), or its input has changed; "
            "delete it or name another output"
        )
    return sum(1 for _ in rows)


def _unlabelled(rows: Iterable[Any], options: ClassifyOptions) -> Iterator[Any]:
    """Drop labels that are to be made again before they are checked against the taxonomy."""
    for row in rows:
        if options.relabel and not isinstance(row, BadRow):
            value = {k: v for k, v in row.value.items() if k not in ("label", "label_probs", "classifier")}
            yield row._replace(value=value)
        else:
            yield row


def _sound(rows: Iterable[Transcript | BadRow], bad: Quarantine) -> Iterator[Transcript]:
    for row in rows:
        if isinstance(row, BadRow):
            bad.add(row)
        else:
            yield row


def _label(batch: list[Transcript], classifier: Classifier, taxonomy: Taxonomy, journal: Journal) -> int:
    """Label what has no label and write the whole batch; a row that could not be labelled says why in ``no_label``."""
    todo = [i for i, one in enumerate(batch) if one.label is None and (one.prompt or one.response)]
    labelled, now = 0, set()
    if todo:
        judged = classifier.judge(
            [batch[i].prompt for i in todo], [batch[i].response for i in todo], [batch[i].intent for i in todo]
        )
        probabilities = judged.category_probabilities(taxonomy).round(DIGITS).tolist()
        for place, (i, label, row) in enumerate(zip(todo, judged.labels(taxonomy), probabilities, strict=True)):
            extra = {name: value for name, value in batch[i].extra.items() if name != NO_LABEL}
            if label is None:
                batch[i] = replace(batch[i], extra=extra | {NO_LABEL: judged.unlabelled[place]})
                continue
            probs = dict(zip(taxonomy.keys, row, strict=True))
            batch[i] = replace(batch[i], label=label, label_probs=probs, classifier=judged.classifier, extra=extra)
            labelled += 1
            now.add(i)
    for i, one in enumerate(batch):
        journal.append(to_row(one) | ({FRESH: bool(one.prompt.strip())} if i in now else {}))
    return labelled
