"""JSON-lines files written whole or not at all: into a temporary file beside the target, then renamed."""

import gzip
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from secondlaw.errors import InvalidInput
from secondlaw.formats.encoding import encode_line

__all__ = ["JsonlWriter", "write_jsonl"]

GZIP_LEVEL = 6
"""zlib's own default: level 9 is several times slower for one or two per cent."""


class JsonlWriter:
    r"""A JSON-lines file that appears under its name only when complete; an exception leaves the old file as it was.

    Parameters
    ----------
    path : str or Path
        Target; gzip-compressed if it ends in ``.gz``. Its folder must exist.

    Raises
    ------
    InvalidInput
        If the folder is missing or cannot be written.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with JsonlWriter(f"{folder}/out.jsonl") as out:
    ...         out.write({"id": "a"})
    ...     Path(f"{folder}/out.jsonl").read_bytes()
    b'{"id":"a"}\n'
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.rows = 0
        if self.path.is_dir():
            raise InvalidInput(f"{self.path} is a folder; name a file to write")
        try:
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.", suffix=".part")
        except OSError as error:
            raise InvalidInput(f"cannot write in {self.path.parent}: {os.strerror(error.errno or 0)}") from error
        self._part = Path(name)
        self._raw = os.fdopen(handle, "wb")
        # No time and no name in the header: the same rows give the same bytes.
        self._file: IO[bytes] | gzip.GzipFile = (
            gzip.GzipFile("", "wb", GZIP_LEVEL, self._raw, mtime=0) if self.path.suffix == ".gz" else self._raw
        )

    def write(self, row: Mapping[str, Any]) -> None:
        """Write one row (see :func:`secondlaw.formats.encode_line`)."""
        self._file.write(encode_line(row))
        self.rows += 1

    def close(self) -> None:
        """Finish the file and put it in its place."""
        if self._raw.closed:
            return
        if self._file is not self._raw:
            self._file.close()
        self._raw.flush()
        os.fsync(self._raw.fileno())
        self._raw.close()
        mode = self.path.stat().st_mode & 0o777 if self.path.exists() else 0o666 & ~_umask()
        self._part.chmod(mode)
        self._part.replace(self.path)

    def discard(self) -> None:
        """Throw away what was written; the target stays as it was."""
        if not self._raw.closed:
            self._raw.close()
            self._part.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()


def write_jsonl(rows: Iterable[Mapping[str, Any]], path: str | Path) -> int:
    """Write rows to a file, whole or not at all; return how many. See :class:`JsonlWriter`."""
    with JsonlWriter(path) as out:
        for row in rows:
            out.write(row)
    return out.rows


def _umask() -> int:
    """Return the process's mask for new files; it can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
