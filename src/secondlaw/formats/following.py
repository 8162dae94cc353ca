"""Rows of a JSON-lines file that is still being written: whole lines only, from a remembered place on.

Log files are rotated and truncated while they are read. A file that was moved away is read to its end before the new
one of its name is begun; one that was cut short, or written anew in place, is begun again.
"""

import hashlib
import os
import select
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Self

from secondlaw.errors import FileFormatError, InvalidInput
from secondlaw.formats.compression import GZIP_MAGIC, ZSTD_MAGIC
from secondlaw.formats.jsonl import MAX_LINE_BYTES, UTF8_BOM, row_of_line
from secondlaw.formats.rows import BadRow, Row

__all__ = ["FollowedFile", "FollowedStream"]

BLOCK = 1 << 20
"""Bytes read at once; with the lines they hold, what one poll gives."""
_HEAD = 256


class _Lines:
    """Bytes on their way to rows: the beginning of an unfinished line waits for its end."""

    def __init__(self, line: int = 0) -> None:
        self.line = line
        self._begun = b""

    @property
    def waiting(self) -> int:
        """Bytes of the line that is not finished."""
        return len(self._begun)

    def rows(self, data: bytes) -> list[Row | BadRow]:
        """Return the rows of the lines that these bytes finish."""
        *lines, self._begun = (self._begun + data).split(b"\n")
        if len(self._begun) > MAX_LINE_BYTES:
            raise FileFormatError(
                f"line {self.line + len(lines) + 1} is longer than {MAX_LINE_BYTES >> 20} MiB; cut it"
            )
        found = []
        for line in lines:
            self.line += 1
            row = row_of_line(line.removeprefix(UTF8_BOM) if self.line == 1 else line, self.line)
            if row is not None:
                found.append(row)
        return found

    def rest(self) -> list[Row | BadRow]:
        """Return the row of an unfinished last line, once nothing will follow it."""
        return self.rows(b"\n") if self._begun else []


class FollowedFile:
    r"""A growing file, read from where it was left.

    Parameters
    ----------
    path : str or Path
    position : mapping, optional
        What :attr:`position` was when it was read last. A file that has been rotated since is found by its identity
        beside the new one and read to its end first.

    Raises
    ------
    InvalidInput
        If there is no such file, or it is compressed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(f"{folder}/log.jsonl")
    ...     _ = path.write_text('{"id": 1}\n{"id"')
    ...     with FollowedFile(path) as file:
    ...         first = file.poll()
    ...         with path.open("a") as log:
    ...             _ = log.write(': 2}\n')
    ...         first, file.poll()
    ([Row(line=1, value={'id': 1})], [Row(line=2, value={'id': 2})])
    """

    ended = False

    def __init__(self, path: str | Path, *, position: Mapping[str, Any] | None = None) -> None:
        self.path = Path(path)
        self.notes: list[str] = []
        self._check()
        self._file, self._lines = self._resumed(position) if position else self._opened()

    @property
    def position(self) -> dict[str, Any]:
        """Where the next unread line begins, as plain JSON values."""
        offset = self._file.tell() - self._lines.waiting
        stat = os.fstat(self._file.fileno())
        return {
            "offset": offset,
            "line": self._lines.line,
            "file": [stat.st_dev, stat.st_ino],
            "head": _head(self._file, min(offset, _HEAD)),
        }

    def poll(self) -> list[Row | BadRow]:
        """Return rows that were added, about `BLOCK` bytes of them at most; empty where nothing is new."""
        data = self._file.read(BLOCK)
        if data:
            return self._lines.rows(data)
        if self._was_cut():
            self.notes.append(f"{self.path} was cut short; read again from its beginning")
            self._file.close()
            self._file, self._lines = self._opened()
            return []
        if self._was_moved():
            left = self._lines.rest()
            self._file.close()
            self._file, self._lines = self._opened()
            return left
        return []

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check(self) -> None:
        if self.path.is_dir():
            raise InvalidInput(f"{self.path} is a folder; name a file in it")
        if not self.path.exists():
            raise InvalidInput(f"there is no file {self.path}; check the name, or make it: touch {self.path}")
        with self.path.open("rb") as file:
            if file.read(4).startswith((GZIP_MAGIC, ZSTD_MAGIC)):
                raise InvalidInput(f"{self.path} is compressed; a file that is followed is plain JSON lines")

    def _opened(self) -> tuple[BinaryIO, _Lines]:
        return self.path.open("rb"), _Lines()

    def _resumed(self, position: Mapping[str, Any]) -> tuple[BinaryIO, _Lines]:
        """Open the file that was read last at its place, wherever it is called now."""
        for path in (self.path, *sorted(self.path.parent.glob(f"{self.path.name}*"))):
            try:
                file = path.open("rb")
            except OSError:
                continue
            offset, stat = int(position["offset"]), os.fstat(file.fileno())
            same = [stat.st_dev, stat.st_ino] == list(position["file"]) and stat.st_size >= offset
            if same and _head(file, min(offset, _HEAD)) == position["head"]:
                file.seek(offset)
                return file, _Lines(int(position["line"]))
            file.close()
        self.notes.append(f"{self.path} is another file than the one that was read last; read from its beginning")
        return self._opened()

    def _was_cut(self) -> bool:
        return os.fstat(self._file.fileno()).st_size < self._file.tell()

    def _was_moved(self) -> bool:
        try:
            return not os.path.samestat(self.path.stat(), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            return False  # between the two moves of a rotation


class FollowedStream:
    """A pipe or terminal that is read as it comes; `ended` once its writer is gone.

    Parameters
    ----------
    file : binary file
        With a descriptor, such as ``sys.stdin.buffer``.
    """

    position: Mapping[str, Any] | None = None

    def __init__(self, file: BinaryIO) -> None:
        self.ended = False
        self.notes: list[str] = []
        self._descriptor, self._lines = file.fileno(), _Lines()

    def poll(self) -> list[Row | BadRow]:
        """Return rows that have arrived, without waiting for more."""
        if self.ended or not select.select([self._descriptor], [], [], 0.0)[0]:
            return []
        data = os.read(self._descriptor, BLOCK)
        if data:
            return self._lines.rows(data)
        self.ended = True
        return self._lines.rest()

    def close(self) -> None:
        """Leave the stream as it is."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _head(file: BinaryIO, length: int) -> str:
    """Return a fingerprint of a file's first bytes; the place in it stays."""
    return hashlib.blake2b(os.pread(file.fileno(), length, 0), digest_size=8).hexdigest()
