"""One way into every file: the format is told by the name, else by the first bytes."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal, get_args

from secondlaw.errors import FileFormatError, InvalidInput
from secondlaw.formats.compression import GZIP_MAGIC, ZSTD_MAGIC
from secondlaw.formats.csv_rows import csv_header, read_csv_stream
from secondlaw.formats.inspect_logs import read_inspect_log
from secondlaw.formats.jsonl import read_jsonl_stream
from secondlaw.formats.parquet import parquet_columns, read_parquet
from secondlaw.formats.rows import BadRow, Row

__all__ = ["FORMATS", "Format", "column_names", "format_of", "read_rows"]

Format = Literal["jsonl", "csv", "parquet", "inspect"]
FORMATS: tuple[Format, ...] = get_args(Format)
STANDARD_INPUT = "-"
_SUFFIXES: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".eval": "inspect",
}
_COMPRESSED = (".gz", ".zst")
_SNIFFED_BYTES = 4096


def read_rows(
    path: str | Path, *, file_format: Format | None = None, unfinished: bool = False
) -> Iterator[Row | BadRow]:
    r"""Yield the rows of a file, one at a time.

    Parameters
    ----------
    path : str or Path
        JSON lines, CSV (both plain, gzip or zstandard), Parquet or an Inspect log; ``"-"`` is standard input, as JSON
        lines or, when asked, CSV.
    file_format : {"jsonl", "csv", "parquet", "inspect"}, optional
        What the file is, where its name does not say.
    unfinished : bool
        Whether to read Inspect logs whose status is not ``success``.

    Returns
    -------
    iterator of Row or BadRow
        In the order of the file. The file is checked at once, and opened when the first row is asked for.

    Raises
    ------
    InvalidInput
        If there is no such file, or its format cannot be told.
    FileFormatError
        While iterating, when the file is damaged: after every row before the damage.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(f"{folder}/log.jsonl").write_text('{"prompt": "Hi", "response": "Hello."}\nnot a row\n')
    ...     [type(row).__name__ for row in read_rows(f"{folder}/log.jsonl")]
    ['Row', 'BadRow']
    """
    if file_format is not None and file_format not in FORMATS:
        raise InvalidInput(f"a file's format is one of {', '.join(FORMATS)}, got {file_format!r}")
    if str(path) == STANDARD_INPUT:
        return _read_stream(sys.stdin.buffer, file_format or "jsonl", name="standard input")
    path = Path(path)
    kind = file_format or format_of(path)
    if kind == "parquet":
        return read_parquet(path)
    if kind == "inspect":
        return read_inspect_log(path, unfinished=unfinished)
    return _read_path(path, kind)


def column_names(path: str | Path) -> list[str]:
    r"""Return the columns that a CSV or Parquet file names, also those without a value, which rows do not show.

    Returns
    -------
    list of str
        None for other formats, whose rows name their own fields.

    Raises
    ------
    InvalidInput
        If there is no such file, or its format cannot be told.
    FileFormatError
        If its head is damaged.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(f"{folder}/x.csv").write_text("t,x,note\n0,1.5,\n")
    ...     column_names(f"{folder}/x.csv"), [list(row.value) for row in read_rows(f"{folder}/x.csv")]
    (['t', 'x', 'note'], [['t', 'x']])
    """
    path = Path(path)
    kind = format_of(path)
    if kind == "parquet":
        return parquet_columns(path)
    if kind != "csv":
        return []
    with path.open("rb") as file:
        return csv_header(file, name=str(path))


def format_of(path: str | Path) -> Format:
    """Tell a file's format by its suffix, else by its first bytes.

    Raises
    ------
    InvalidInput
        If there is no such file, it is a folder, cannot be read, or is of no known format.
    """
    path = Path(path)
    first = _first_bytes(path)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    if suffixes and suffixes[-1] in _SUFFIXES:
        return _SUFFIXES[suffixes[-1]]
    if first.startswith(b"PAR1"):
        return "parquet"
    if first.startswith(b"PK\x03\x04"):
        return "inspect"
    if first.startswith((GZIP_MAGIC, ZSTD_MAGIC)) or first.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
        return "jsonl"
    if first.lstrip()[:1] == b"[":
        raise InvalidInput(f"{path} is one JSON array; write one object a line: jq -c '.[]' {path} > rows.jsonl")
    raise InvalidInput(
        f"cannot tell the format of {path} (suffix {path.suffix!r}); name one of {', '.join(FORMATS)} as its format"
    )


def _first_bytes(path: Path) -> bytes:
    if path.is_dir():
        raise InvalidInput(f"{path} is a folder; name a file in it")
    try:
        with path.open("rb") as file:
            return file.read(_SNIFFED_BYTES)
    except FileNotFoundError as error:
        raise InvalidInput(f"there is no file {path}; check the name") from error
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}") from error


def _read_path(path: Path, kind: Format) -> Iterator[Row | BadRow]:
    with path.open("rb") as file:
        yield from _read_stream(file, kind, name=str(path))


def _read_stream(file: BinaryIO, kind: Format, *, name: str) -> Iterator[Row | BadRow]:
    if kind == "jsonl":
        return read_jsonl_stream(file, name=name)
    if kind == "csv":
        return read_csv_stream(file, name=name)
    raise FileFormatError(f"{name}: {kind} cannot be read from a stream; give the name of a file")
