"""An append-only file of JSON lines that survives a kill: what was appended is there, what was torn is not.

A line is complete when its newline is on the disk. A process that dies in the middle of a line leaves a torn tail,
which :class:`Journal` cuts off when it opens the file again, so that the next line starts clean. One process writes at
a time: on POSIX systems a second writer is refused.
"""

import io
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from secondlaw.errors import FileFormatError, InvalidInput
from secondlaw.formats.encoding import encode_line

__all__ = ["Journal", "journal_rows"]

TAIL_BLOCK = 1 << 16
"""Bytes read at a time when looking backwards for the last newline."""


def journal_rows(path: str | Path) -> Iterator[dict[str, Any]]:
    """Yield the complete rows of a journal; a torn last line is passed over, a missing file has no rows.

    Parameters
    ----------
    path : str or Path
        The journal. It is only read.

    Raises
    ------
    FileFormatError
        If a complete line is not a JSON object: a journal is written by one program, so this is damage.
    """
    path = Path(path)
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise FileFormatError(f"{path}, line {number}: {error}; move the damaged journal aside") from error
            if not isinstance(row, dict):
                raise FileFormatError(f"{path}, line {number}: a journal's line is a JSON object, got {line[:60]!r}")
            yield row


class Journal:
    """A journal open for appending.

    Parameters
    ----------
    path : str or Path
        The file; made with its folders when missing. A torn last line is cut off on opening.
    fsync : bool
        Whether every row is forced to the disk. Without it a row survives the death of the process (``kill -9``); with
        it, also a loss of power, at some milliseconds a row.

    Attributes
    ----------
    torn_bytes : int
        How many bytes of a torn tail were cut off on opening; 0 after a clean end.

    Raises
    ------
    InvalidInput
        If the path is a folder, or another process is writing the same journal.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Journal(f"{folder}/run.jsonl") as journal:
    ...         journal.append({"id": "a", "n": 1})
    ...     list(journal_rows(f"{folder}/run.jsonl"))
    [{'id': 'a', 'n': 1}]
    """

    def __init__(self, path: str | Path, *, fsync: bool = False) -> None:
        self.path = Path(path)
        self.fsync = fsync
        if self.path.is_dir():
            raise InvalidInput(f"{self.path} is a folder; name a file for the journal")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered and in append mode: one row is one write at the end of the file.
        self._file = io.FileIO(self.path, "a+")
        try:
            _lock(self._file, self.path)
            self.torn_bytes = _cut_torn_tail(self._file)
        except BaseException:
            self._file.close()
            raise

    def append(self, row: Mapping[str, Any]) -> None:
        """Write one row; when this returns, the row outlives the process.

        Raises
        ------
        InvalidInput
            If the row is not plain JSON (NaN, infinities and dates are not), or the journal is closed.
        OSError
            If the disk is full; a part written is taken back, so that the journal stays whole.
        """
        if self._file.closed:
            raise InvalidInput(f"the journal {self.path} is closed; open it again to append")
        line = encode_line(row)
        start = self._file.seek(0, os.SEEK_END)
        written = 0
        try:
            while written < len(line):
                written += self._file.write(line[written:]) or 0
        except OSError:
            self._file.truncate(start)
            raise
        if self.fsync:
            os.fsync(self._file.fileno())

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield every complete row, those of earlier runs included, in the order written."""
        return journal_rows(self.path)

    def close(self) -> None:
        """Force what was written to the disk and close the file; closing twice does nothing."""
        if not self._file.closed:
            os.fsync(self._file.fileno())
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _lock(file: io.FileIO, path: Path) -> None:
    """Refuse a second writer; where the system has no advisory locks, do nothing."""
    try:
        import fcntl
    except ImportError:  # not a POSIX system
        return
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InvalidInput(f"{path} is being written by another process; wait for it, or name another file") from error


def _cut_torn_tail(file: io.FileIO) -> int:
    """Cut the file after its last newline; return how many bytes went."""
    size = file.seek(0, os.SEEK_END)
    end = size
    while end > 0:
        start = max(0, end - TAIL_BLOCK)
        file.seek(start)
        block = file.read(end - start)
        newline = block.rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        end = start
    if end < size:
        file.truncate(end)
    file.seek(0, os.SEEK_END)
    return size - end
