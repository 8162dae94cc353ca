"""Where bad rows go: counted by reason, written down with their line, and refused when there are too many."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from secondlaw.errors import InvalidInput, TooManyBadRows
from secondlaw.formats.encoding import encode_line
from secondlaw.formats.rows import BadRow, Row

__all__ = ["Quarantine", "quarantine_path"]

SHOWN = 3
"""How many bad rows a message shows."""


def quarantine_path(source: str | Path) -> Path:
    """Return where the bad rows of a file go: beside it, with ``.bad.jsonl``; of standard input, in this folder.

    Examples
    --------
    >>> quarantine_path("runs/log.jsonl.gz").as_posix()
    'runs/log.jsonl.gz.bad.jsonl'
    """
    return Path("stdin.bad.jsonl") if str(source) == "-" else Path(f"{source}.bad.jsonl")


class Quarantine:
    """Bad rows of one source.

    Parameters
    ----------
    path : str, Path or None
        File for the bad rows, one JSON object a line: ``line``, ``reason``, ``excerpt``. It is made at the first bad
        row, and replaces one of an earlier run. None: they are counted only.
    max_bad : int or None
        More bad rows than this are an error; None: any number is tolerated.
    excerpts : bool
        Whether the beginning of the row is written too; False where no text may be kept.

    Attributes
    ----------
    count : int
        How many bad rows came in.
    reasons : Counter
        How many per reason; a reason beyond the first 1,000 different ones is counted as ``"other reasons"``.
    first : list of BadRow
        The first few, for messages.

    Examples
    --------
    >>> quarantine = Quarantine(None, max_bad=1)
    >>> rows = [Row(1, {"id": "a"}), BadRow(2, "the line is no JSON", "{")]
    >>> list(quarantine.sift(rows)), quarantine.count
    ([Row(line=1, value={'id': 'a'})], 1)
    """

    def __init__(self, path: str | Path | None, *, max_bad: int | None = None, excerpts: bool = True) -> None:
        if max_bad is not None and max_bad < 0:
            raise InvalidInput(f"max_bad counts bad rows, from 0, got {max_bad}")
        self.path = None if path is None else Path(path)
        self.max_bad = max_bad
        self.excerpts = excerpts
        self.count = 0
        self.reasons: Counter[str] = Counter()
        self.first: list[BadRow] = []
        self._file: BinaryIO | None = None

    def add(self, bad: BadRow) -> None:
        """Take one bad row.

        Raises
        ------
        TooManyBadRows
            If it is one more than allowed; it is written down before.
        InvalidInput
            If the quarantine file cannot be written.
        """
        self.count += 1
        self.reasons[bad.reason if bad.reason in self.reasons or len(self.reasons) < 1000 else "other reasons"] += 1
        if len(self.first) < SHOWN:
            self.first.append(bad)
        self._write(bad)
        if self.max_bad is not None and self.count > self.max_bad:
            self.close()
            raise TooManyBadRows(
                f"more than {self.max_bad} bad rows: {self.describe()}. Mend them, or allow more with --max-bad"
            )

    def sift(self, rows: Iterable[Row | BadRow]) -> Iterator[Row]:
        """Yield the sound rows and take the bad ones."""
        for row in rows:
            if type(row) is Row:
                yield row
            else:
                self.add(row)  # type: ignore[arg-type]

    def describe(self) -> str:
        """Say how many rows are bad, why the first ones are, and where all are written."""
        shown = "; ".join(f"line {bad.line}: {bad.reason}" for bad in self.first)
        where = "" if self.path is None else f" (all in {self.path})"
        return (
            f"{self.count} bad {'row' if self.count == 1 else 'rows'}, {shown}{where}" if self.count else "no bad rows"
        )

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, bad: BadRow) -> None:
        if self.path is None:
            return
        if self._file is None:
            try:
                self._file = self.path.open("wb" if self.count == 1 else "ab")
            except OSError as error:
                raise InvalidInput(
                    f"bad rows cannot be written to {self.path}: {os.strerror(error.errno or 0)}; "
                    f"name another file for them"
                ) from error
        row = {"line": bad.line, "reason": bad.reason}
        if self.excerpts:
            row["excerpt"] = bad.excerpt
        self._file.write(encode_line(row))
