"""Rows of a JSON-lines file that is still being written: whole lines only, from a remembered place on.

Log files are rotated and truncated while they are read. A file that was moved away is read to its end, which its writer
may still add to, until the new one of its name holds something; one that was cut short, or written anew in place, is
begun again.
"""

import hashlib
import os
import re
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
_ROTATED = re.compile(r"[.-]\d[\d.T_-]*")  # log.jsonl.1, log.jsonl-20260131
_TABLES = (".csv", ".tsv", ".parquet", ".eval")


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
        beside the new one and read to its end first, then those that were rotated after it.

    Raises
    ------
    InvalidInput
        If there is no such file, or it is compressed or no JSON lines by its name.

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
        self._between: list[Path] = []  # rotated since the last reading, oldest first
        self._file, self._lines = self._resumed(position) if position else self._opened(self.path)
        self._known = self._beginning()

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
        if self._was_rewritten():
            self.notes.append(f"{self.path} was cut short or written anew; read again from its beginning")
            self._go_to(self.path)
            return []
        data = self._file.read(BLOCK)
        if not data and (self._between or self._was_moved()):
            data = self._file.read(BLOCK)  # what its writer added between the two looks
            if not data:
                left = self._lines.rest()
                self._go_to(self._between.pop(0) if self._between else self.path)
                return left
        if data and self._known[0] < _HEAD:
            self._known = self._beginning()
        return self._lines.rows(data) if data else []

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
        read_whole = "a file that is followed is plain JSON lines; secondlaw backtest reads this one"
        if self.path.suffix.lower() in _TABLES:
            raise InvalidInput(f"{self.path} is no JSON lines by its name: {read_whole}")
        if _is_compressed(self.path):
            raise InvalidInput(f"{self.path} is compressed: {read_whole}")

    def _opened(self, path: Path) -> tuple[BinaryIO, _Lines]:
        return path.open("rb"), _Lines()

    def _go_to(self, path: Path) -> None:
        """Begin another file, or this one again."""
        self._file.close()
        self._file, self._lines = self._opened(path)
        self._known = self._beginning()

    def _beginning(self) -> tuple[int, str]:
        """Return how much of the file's beginning has been read, and its fingerprint."""
        length = min(self._file.tell(), _HEAD)
        return length, _head(self._file, length)

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
                if path != self.path:
                    self._between = self._rotated_since(stat)
                return file, _Lines(int(position["line"]))
            file.close()
        self.notes.append(
            f"{self.path} is another file than the one that was read last; read from its beginning, and what the other "
            f"one held beyond line {position['line']} is not read"
        )
        return self._opened(self.path)

    def _rotated_since(self, read_last: os.stat_result) -> list[Path]:
        """Return the files that were rotated after the one that was read last, oldest first; say which are not read."""
        found = []
        for path in self.path.parent.iterdir():
            rest = path.name.removeprefix(self.path.name)
            if rest != path.name and _ROTATED.match(rest) and path.stat().st_mtime_ns > read_last.st_mtime_ns:
                found.append(path)
        found.sort(key=lambda path: path.stat().st_mtime_ns)
        packed = [path for path in found if _is_compressed(path)]
        if packed:
            names = ", ".join(path.name for path in packed)
            self.notes.append(f"rotated and compressed before they were read, so in no step: {names}")
        return [path for path in found if path not in packed]

    def _was_rewritten(self) -> bool:
        length, beginning = self._known
        cut = os.fstat(self._file.fileno()).st_size < self._file.tell()
        return cut or _head(self._file, length) != beginning

    def _was_moved(self) -> bool:
        """Whether a new file has taken the name, and holds something: until then the writer may add to the old one."""
        try:
            new = self.path.stat()
        except FileNotFoundError:
            return False  # between the two moves of a rotation
        return new.st_size > 0 and not os.path.samestat(new, os.fstat(self._file.fileno()))


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


def _is_compressed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4).startswith((GZIP_MAGIC, ZSTD_MAGIC))
