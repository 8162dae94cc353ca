"""Rows of a Parquet file, streamed row group by row group; a null is no field."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from secondlaw.errors import FileFormatError, InvalidInput
from secondlaw.formats.rows import BadRow, Row

__all__ = ["parquet_columns", "read_parquet"]

BATCH_ROWS = 4096
"""Rows turned into Python values at a time."""


def read_parquet(path: str | Path) -> Iterator[Row | BadRow]:
    """Yield the rows of a Parquet file; `line` is the row's number, from 1. A map becomes a dict.

    Raises
    ------
    InvalidInput
        If the package ``pyarrow`` is not installed.
    FileFormatError
        If the file is no sound Parquet; rows before the damage are yielded first.
    """
    pa, pq = _arrow(path)
    number = 0
    try:
        with pq.ParquetFile(path) as table:
            maps = {field.name for field in table.schema_arrow if pa.types.is_map(field.type)}
            for batch in table.iter_batches(batch_size=BATCH_ROWS):
                names = batch.schema.names
                for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    number += 1
                    yield Row(number, _row(names, values, maps))
    except (pa.ArrowException, OSError) as error:
        raise FileFormatError(
            f"{path} is no sound Parquet file: {str(error).rstrip('.')}; {number} rows before the damage were read. "
            "Copy the file again"
        ) from error


def parquet_columns(path: str | Path) -> list[str]:
    """Return the names of the columns; errors as of the rows."""
    pa, pq = _arrow(path)
    try:
        return list(pq.read_schema(path).names)
    except (pa.ArrowException, OSError) as error:
        raise FileFormatError(
            f"{path} is no sound Parquet file: {str(error).rstrip('.')}. Copy the file again"
        ) from error


def _arrow(path: str | Path) -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise InvalidInput(f"{path} is Parquet, which needs: pip install 'secondlaw[parquet]'") from error
    return pa, pq


def _row(names: list[str], values: tuple[Any, ...], maps: set[str]) -> dict[str, Any]:
    row = {name: value for name, value in zip(names, values, strict=True) if value is not None}
    for name in maps & row.keys():
        row[name] = dict(row[name])
    return row
