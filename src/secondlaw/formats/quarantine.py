"""Where bad rows go: counted by reason, written down with their line, and refused when there are too many."""

import os
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from secondlaw.errors import InvalidInput, TooManyBadRows
from secondlaw.formats.encoding import encode_line
from secondlaw.formats.rows import BadRow, Row

__all__ = ["Quarantine", "quarantine_path"]

SHOWN = 3
"""How many kinds of bad rows a message shows, each by its first row."""
KINDS = 1000
"""How many different kinds are told apart."""
_PARTICULARS = re.compile(r"'[^']*'|\"[^\"]*\"|[\d.]+")
"""What differs between reasons of one kind: values in quotes, numbers."""


def quarantine_path(source: str | Path, *, of: str = "") -> Path:
    """Return where the bad rows of a file go: beside it, with ``.bad.jsonl``; of standard input, in this folder.

    Parameters
    ----------
    source : str or Path
    of : str
        Who keeps them, where this is not one run that replaces the file of the last.

    Examples
    --------
    >>> quarantine_path("runs/log.jsonl.gz").as_posix(), quarantine_path("-", of="watch").as_posix()
    ('runs/log.jsonl.gz.bad.jsonl', 'stdin.watch.bad.jsonl')
    """
    name = "stdin" if str(source) == "-" else str(source)
    return Path(f"{name}.{of}.bad.jsonl" if of else f"{name}.bad.jsonl")


class Quarantine:
    """Bad rows of one source.

    Parameters
    ----------
    path : str, Path or None
        File for the bad rows, one JSON object a line: ``line``, ``reason``, ``excerpt``. It is made at the first bad
        row, and replaces one of an earlier run, unless it is kept. None: they are counted only.
    max_bad : int or None
        More bad rows than this are an error; None: any number is tolerated.
    excerpts : bool
        Whether the beginning of the row is written too; False where no text may be kept.
    keeps : bool
        Whether a file that is there is kept: gone on from after :meth:`resume`, else renamed with a number.

    Attributes
    ----------
    count : int
        How many bad rows came in.
    reasons : Counter
        How many per reason; a reason beyond the first 1,000 different ones is counted as ``"other reasons"``.
    first : list of BadRow
        The first of each of the first few kinds, for messages; reasons that differ in a value or a number are one kind.

    Examples
    --------
    >>> quarantine = Quarantine(None, max_bad=1)
    >>> rows = [Row(1, {"id": "a"}), BadRow(2, "the line is no JSON", "{")]
    >>> list(quarantine.sift(rows)), quarantine.count
    ([Row(line=1, value={'id': 'a'})], 1)
    """

    def __init__(
        self, path: str | Path | None, *, max_bad: int | None = None, excerpts: bool = True, keeps: bool = False
    ) -> None:
        if max_bad is not None and max_bad < 0:
            raise InvalidInput(f"max_bad counts bad rows, from 0, got {max_bad}")
        self.path = None if path is None else Path(path)
        self.max_bad = max_bad
        self.excerpts = excerpts
        self._keeps = keeps
        self._resumed = self._written = False
        self._again: deque[bytes] = deque()
        self.count = 0
        self.reasons: Counter[str] = Counter()
        self.first: list[BadRow] = []
        self._kinds: Counter[str] = Counter()
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
        self.reasons[bad.reason if bad.reason in self.reasons or len(self.reasons) < KINDS else "other reasons"] += 1
        kind = _kind(bad.reason)
        if kind not in self._kinds and len(self.first) < SHOWN:
            self.first.append(bad)
        self._kinds[kind if kind in self._kinds or len(self._kinds) < KINDS else ""] += 1
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

    @property
    def place(self) -> dict[str, Any] | None:
        """Up to where the file is written, as plain JSON values: what :meth:`resume` takes; None without a file."""
        if self._file is not None:
            self._file.flush()
        if self.path is None or not (self._resumed or self._file is not None):
            return None
        try:
            stat = self.path.stat()
        except OSError:
            return None
        return {"size": stat.st_size - sum(map(len, self._again)), "file": [stat.st_dev, stat.st_ino]}

    def resume(self, place: Mapping[str, Any] | None) -> None:
        """Go on with the file of an earlier run, of which all rows behind `place` will come again.

        Those that were written already are not written twice. A file that is another one by now is left to itself.
        """
        if place is None or self.path is None or not self.path.exists():
            return
        stat = self.path.stat()
        if [stat.st_dev, stat.st_ino] != list(place["file"]) or stat.st_size < place["size"]:
            return
        with self.path.open("rb") as file:
            file.seek(int(place["size"]))
            self._again = deque(file.read().splitlines(keepends=True))
        self._resumed = True

    def describe(self) -> str:
        """Say how many rows are bad, why: the first of each kind and how many more are like it; and where all are.

        Examples
        --------
        >>> quarantine = Quarantine(None)
        >>> for line in (4, 7, 9):
        ...     quarantine.add(BadRow(line, f"ts '{line}:00' is a clock without zone", "{}"))
        >>> quarantine.describe()
        "3 bad rows, line 4: ts '4:00' is a clock without zone (and 2 more like it)"
        """
        if not self.count:
            return "no bad rows"
        shown, told = [], 0
        for bad in self.first:
            more = self._kinds[_kind(bad.reason)] - 1
            told += more + 1
            shown.append(f"line {bad.line}: {bad.reason}" + (f" (and {more:,} more like it)" if more else ""))
        if told < self.count:
            shown.append(f"{self.count - told:,} for other reasons")
        where = "" if self.path is None else f" (all in {self.path})"
        return f"{self.count:,} bad {'row' if self.count == 1 else 'rows'}, {'; '.join(shown)}{where}"

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
        row: dict[str, Any] = {"line": bad.line, "reason": bad.reason}
        if self.excerpts:
            row["excerpt"] = bad.excerpt
        line = encode_line(row)
        if self._again and self._again[0] == line:  # written before the last end
            self._again.popleft()
            return
        self._again.clear()
        if self._file is None:
            self._file = self._opened(self.path)
        self._file.write(line)

    def _opened(self, path: Path) -> BinaryIO:
        goes_on = self._resumed or self._written
        try:
            if self._keeps and not goes_on and path.exists():
                path.rename(_numbered(path))
            self._written = True
            return path.open("ab" if goes_on else "wb")
        except OSError as error:
            raise InvalidInput(
                f"bad rows cannot be written to {path}: {os.strerror(error.errno or 0)}; name another file for them"
            ) from error


def _numbered(path: Path) -> Path:
    """Return a free name for a file that must make room."""
    names = (path.with_name(f"{path.stem}.{number}{path.suffix}") for number in count(1))
    return next(name for name in names if not name.exists())


def _kind(reason: str) -> str:
    return _PARTICULARS.sub("", reason)
