"""Files cut into blocks: pieces that any worker can read alone, the same whoever works and however many do.

A block of Parquet is a row group or a part of one, a block of JSON lines is a range of bytes that begins and ends at a
line; both hold at most as many rows as asked for. Compressed JSON lines, CSV and Inspect logs cannot be entered in
their middle: such a file is one block, read as a stream.
"""

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from secondlaw.errors import FileFormatError, InvalidInput, NotEnoughData
from secondlaw.formats import BadRow, Format, Row, format_of, read_rows
from secondlaw.formats.compression import GZIP_MAGIC, ZSTD_MAGIC
from secondlaw.formats.jsonl import row_of_line, split_lines

__all__ = ["BLOCK_ROWS", "Block", "cut_files", "find_files", "read_block"]

BLOCK_ROWS = 8_192
"""Most rows of a block unless told otherwise: the embedded classifier needs a minute or two, which a kill may cost."""
READ_ROWS = 2_048
"""Rows turned into Python values at a time."""
READ_BYTES = 1 << 20
_SUFFIXES = (".parquet", ".jsonl", ".ndjson", ".csv", ".tsv", ".eval")
_COMPRESSED = (".gz", ".zst")
_PACKED = (GZIP_MAGIC, ZSTD_MAGIC)
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a file.

    Parameters
    ----------
    number : int
        Its place among all blocks.
    path : str
    kind : {"parquet", "jsonl", "csv", "inspect"}
    first : int
        Line, or number of the row, of its first row in the file, from 1.
    rows : int or None
        How many lines or rows it has; None where only reading tells.
    start, stop : int
        Of JSON lines the bytes; of Parquet the rows within the row group. 0 and 0: the whole file.
    group : int
        Row group of a Parquet file.
    """

    number: int
    path: str
    kind: Format
    first: int = 1
    rows: int | None = None
    start: int = 0
    stop: int = 0
    group: int = 0


def find_files(sources: Sequence[str]) -> list[Path]:
    """Return the files that names, folders and patterns stand for, each once, in the order given.

    Of a folder, files of a known suffix at any depth, by name; those that begin with ``.`` or ``_``, and
    ``*.bad.jsonl``, are no data.

    Raises
    ------
    InvalidInput
        If there is no such file, or nothing fits a pattern.
    NotEnoughData
        If a folder holds no file of rows.
    """
    found: dict[Path, None] = {}
    for source in sources:
        path = Path(source)
        if path.is_dir():
            inside = sorted(one for one in path.rglob("*") if one.is_file() and _is_data(one.relative_to(path)))
            if not inside:
                raise NotEnoughData(f"the folder {source} holds no file of rows ({', '.join(_SUFFIXES)})")
        elif path.exists() or not glob.has_magic(source):
            inside = [path]
        else:
            inside = [Path(one) for one in sorted(glob.glob(source, recursive=True)) if Path(one).is_file()]  # noqa: PTH207
            if not inside:
                raise InvalidInput(f"no file fits {source!r}; check the pattern")
        for one in inside:
            if not one.is_file():
                raise InvalidInput(f"there is no file {str(one)!r}; name a file, a folder, or a pattern in quotes")
            found[one.resolve()] = None
    return list(found)


def cut_files(paths: Sequence[Path], *, block_rows: int = BLOCK_ROWS, file_format: Format | None = None) -> list[Block]:
    r"""Cut files into blocks.

    Parameters
    ----------
    paths : sequence of Path
    block_rows : int
        Most rows of a block.
    file_format : str, optional
        Where the files' names do not tell.

    Raises
    ------
    NotEnoughData
        If a Parquet file lacks the columns that a response needs; the message names those it has.
    FileFormatError
        If a Parquet file is damaged.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "rows.jsonl"
    ...     _ = path.write_text('{"id": "a"}\n' * 5)
    ...     [(block.first, block.rows, block.start, block.stop) for block in cut_files([path], block_rows=2)]
    [(1, 2, 0, 24), (3, 2, 24, 48), (5, 1, 48, 60)]
    """
    if block_rows < 1:
        raise InvalidInput(f"a block has one row or more, got {block_rows}")
    pieces: list[Block] = []
    for path in paths:
        kind = file_format or format_of(path)
        if kind == "parquet":
            pieces += _cut_parquet(path, block_rows)
        elif kind == "jsonl" and not _is_packed(path):
            pieces += _cut_lines(path, block_rows)
        elif path.stat().st_size:
            pieces.append(Block(0, str(path), kind))
    return [replace(piece, number=number) for number, piece in enumerate(pieces)]


def read_block(block: Block) -> Iterator[Row | BadRow]:
    """Yield the rows of a block, with their place in the file.

    Raises
    ------
    FileFormatError
        If the file is damaged there.
    """
    if block.rows is None:
        yield from read_rows(block.path, file_format=block.kind)
    elif block.kind == "parquet":
        yield from _parquet_rows(block)
    else:
        number = block.first - 1
        for lines in split_lines(_bytes_of(block), name=block.path):
            for line in lines:
                number += 1
                if (row := row_of_line(line, number)) is not None:
                    yield row


def _is_data(path: Path) -> bool:
    if any(part.startswith((".", "_")) for part in path.parts) or path.name.endswith(".bad.jsonl"):
        return False
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in _SUFFIXES


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4).startswith(_PACKED)


def _cut_lines(path: Path, block_rows: int) -> Iterator[Block]:
    """Yield blocks of whole lines; the file is read once, and nothing is parsed."""
    start, first, lines, place, last = 0, 1, 0, 0, b"\n"
    with path.open("rb") as file:
        while data := file.read(READ_BYTES):
            ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
            wanted = block_rows - lines - 1
            for cut in ends[wanted::block_rows].tolist():
                stop = place + cut + 1
                yield Block(0, str(path), "jsonl", first, block_rows, start, stop)
                start, first, lines = stop, first + block_rows, lines - block_rows
            lines += len(ends)
            place += len(data)
            last = data[-1:]
    if place > start:
        yield Block(0, str(path), "jsonl", first, lines + (last != b"\n"), start, place)


def _bytes_of(block: Block) -> Iterator[bytes]:
    with Path(block.path).open("rb") as file:
        file.seek(block.start)
        left = block.stop - block.start
        while left and (data := file.read(min(left, READ_BYTES))):
            left -= len(data)
            yield data


def _cut_parquet(path: Path, block_rows: int) -> Iterator[Block]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as table:
            names = table.schema_arrow.names
            sizes = [table.metadata.row_group(i).num_rows for i in range(table.metadata.num_row_groups)]
    except (pa.ArrowException, OSError) as error:
        raise FileFormatError(
            f"{path} is no sound Parquet file: {str(error).rstrip('.')}. Copy the file again"
        ) from error
    _require_columns(path, names)
    first = 1
    for group, size in enumerate(sizes):
        for start in range(0, size, block_rows):
            rows = min(block_rows, size - start)
            yield Block(0, str(path), "parquet", first + start, rows, start, start + rows, group)
        first += size


def _require_columns(path: Path, names: Sequence[str]) -> None:
    """Refuse a table of which no row could state a response."""
    has = set(names)
    group = bool(has & {"prompt_id", "conversation_id", "custom_id"})
    enough = (
        "messages" in has
        or ("response" in has and ("prompt" in has or group))
        or ("output" in has and ("input" in has or group))
        or (bool(has & {"label", "human_label"}) and group)
    )
    if not enough:
        found = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        raise NotEnoughData(
            f"{path} has the columns {found or 'none'}; wanted are prompt and response, or input and output, or "
            "messages, or label and prompt_id: rename those that hold them"
        )


def _parquet_rows(block: Block) -> Iterator[Row | BadRow]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number, seen = block.first, 0
    try:
        with pq.ParquetFile(block.path) as table:
            for batch in table.iter_batches(batch_size=READ_ROWS, row_groups=[block.group]):
                skip, take = max(block.start - seen, 0), block.stop - max(seen, block.start)
                seen += batch.num_rows
                if skip < batch.num_rows:
                    for value in batch.slice(skip, take).to_pylist(maps_as_pydicts="lossy"):
                        yield Row(number, _without_nulls(value))
                        number += 1
                if seen >= block.stop:
                    return
    except (pa.ArrowException, OSError) as error:
        raise FileFormatError(
            f"{block.path} is no sound Parquet file: {str(error).rstrip('.')}; row group {block.group} was being read. "
            "Copy the file again"
        ) from error


def _without_nulls(value: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in value.items() if one is not None}
