"""Files that are written whole or not at all, and their hashes."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

__all__ = ["replace_file", "sha256_of"]

BLOCK = 1 << 20


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside `path`, hidden, and move it there, so that a kill leaves the old file or the new one.

    Parameters
    ----------
    path : Path
    write : callable
        Writes the file whose path it is given.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     replace_file(Path(folder) / "a.txt", lambda path: path.write_text("whole"))
    ...     [(found.name, found.read_text()) for found in Path(folder).iterdir()]
    [('a.txt', 'whole')]
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.touch()
        usual = part.stat().st_mode  # some libraries leave files that nobody else may read
        write(part)
        part.chmod(usual)
        with part.open("rb") as handle:
            os.fsync(handle.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
