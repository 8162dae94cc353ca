"""Tables in files, column by column: CSV, Parquet and JSON lines, one row a step."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import FileFormatError, NotEnoughData
from secondlaw.formats import BadRow, Row, column_names, read_rows

__all__ = ["read_table"]

CHUNK = 1 << 16  # rows held as Python values at a time


def read_table(path: Path, wanted: Sequence[str] | None = None) -> dict[str, NDArray[np.generic]]:
    r"""Read the columns of a table.

    Parameters
    ----------
    path : Path
        CSV, TSV, Parquet or JSON lines, also compressed.
    wanted : sequence of str, optional
        Columns to read; all if None. Those that the file lacks are left out.

    Returns
    -------
    dict of str to ndarray
        A column is numbers (a missing one is NaN) or text (a missing one is ""). One without any value is NaN.

    Raises
    ------
    FileFormatError
        If a row cannot be read: a table of steps without one of them would be another process. Also if a column that
        begins with numbers holds text.
    NotEnoughData
        If there is no row.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(f"{folder}/x.csv").write_text("t,state\n0,up\n1,down\n")
    ...     {name: column.tolist() for name, column in read_table(Path(f"{folder}/x.csv")).items()}
    {'t': [0.0, 1.0], 'state': ['up', 'down']}
    """
    chunks: dict[str, list[NDArray[np.generic]]] = {}
    pending: list[Row] = []
    rows = 0
    for row in read_rows(path):
        if isinstance(row, BadRow):
            raise FileFormatError(f"{path.name}, line {row.line}: {row.reason}; mend or cut the file there")
        pending.append(row)
        if len(pending) == CHUNK:
            rows = _drain(pending, chunks, wanted, rows)
    rows = _drain(pending, chunks, wanted, rows)
    if not rows:
        raise NotEnoughData(f"{path.name} holds no row: give a header and one row a step")
    names = dict.fromkeys([*column_names(path), *chunks])
    return {
        name: _joined(chunks[name]) if name in chunks else np.full(rows, np.nan)
        for name in names
        if name in chunks or wanted is None or name in wanted
    }


def _drain(
    pending: list[Row], chunks: dict[str, list[NDArray[np.generic]]], wanted: Sequence[str] | None, rows: int
) -> int:
    names = dict.fromkeys([*chunks, *(name for row in pending for name in row.value)])
    for name in names:
        if wanted is not None and name not in wanted:
            continue
        if name not in chunks:
            chunks[name] = [np.full(rows, np.nan)] if rows else []
        column = _column([row.value.get(name) for row in pending])
        if column.dtype.kind == "U" and _is_number(column[0]):
            bad = next(k for k, cell in enumerate(column) if not _is_number(cell))
            raise FileFormatError(
                f"line {pending[bad].line}: {str(column[bad])!r} in column {name!r}, which begins with numbers; every "
                "cell of a column is a number, or all are the text of states"
            )
        chunks[name].append(column)
    rows += len(pending)
    pending.clear()
    return rows


def _column(cells: list[Any]) -> NDArray[np.generic]:
    try:
        return np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)
    except (TypeError, ValueError):
        return np.array(["" if cell is None else str(cell) for cell in cells], dtype=np.str_)


def _is_number(cell: Any) -> bool:  # noqa: ANN401 - NumPy's text
    try:
        float(cell or "nan")
    except ValueError:
        return False
    return True


def _joined(parts: list[NDArray[np.generic]]) -> NDArray[np.generic]:
    if len({part.dtype.kind for part in parts}) > 1:
        parts = [part if part.dtype.kind == "U" else _text(part) for part in parts]
    return np.concatenate(parts)


def _text(numbers: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return numbers as text, as in the chunks of their column that are text."""
    return np.array(["" if np.isnan(one) else f"{one:g}" for one in numbers.tolist()], dtype=np.str_)
