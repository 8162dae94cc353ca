"""Rows of a CSV or TSV file: the header names the fields, every cell is text, an empty cell is no field."""

import csv
from collections.abc import Iterator
from typing import BinaryIO

from secondlaw.errors import FileFormatError
from secondlaw.formats.compression import DamagedStreamError, plain_blocks
from secondlaw.formats.jsonl import MAX_LINE_BYTES, split_lines
from secondlaw.formats.rows import BadRow, Row, excerpt_of

__all__ = ["csv_header", "read_csv_stream"]

DELIMITERS = ",;\t"
"""Tried in this order: the one that occurs most often in the header is taken."""


def read_csv_stream(file: BinaryIO, *, name: str) -> Iterator[Row | BadRow]:
    """Yield the rows of an open CSV file, plain or compressed; cells may hold newlines inside quotes.

    A row with fewer or more cells than the header, with an unclosed quote, or with bytes that are not UTF-8 is a
    :class:`BadRow`. `line` is the line on which the row begins.

    Raises
    ------
    FileFormatError
        If the header is missing a name or repeats one, or the compressed data are damaged (after the rows before).
    """
    csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE_BYTES))
    lines = _text_lines(file, name=name)
    sound, number = 0, 0
    try:
        header, delimiter = _header(lines, name=name)
        if not header:
            return
        table = csv.reader(lines, delimiter=delimiter, strict=True)
        while True:
            number = table.line_num + 2
            try:
                cells = next(table)
            except StopIteration:
                return
            except csv.Error as error:
                yield BadRow(number, f"the row is no CSV: {error}; close every quote", "")
                continue
            if not cells:
                continue
            if (wrong := _why_bad(cells, header)) is not None:
                yield BadRow(number, wrong, excerpt_of(delimiter.join(cells)))
                continue
            sound += 1
            yield Row(number, {key: cell for key, cell in zip(header, cells, strict=True) if cell != ""})
    except DamagedStreamError as damage:
        raise FileFormatError(
            f"{name}: {damage} near line {number}; {sound} rows before it were read. Copy the file again"
        ) from damage


def _text_lines(file: BinaryIO, *, name: str) -> Iterator[str]:
    """Yield lines with their newline; bytes that are not UTF-8 become lone surrogates, found again in the cells."""
    for lines in split_lines(plain_blocks(file), name=name):
        for line in lines:
            yield line.decode("utf-8", "surrogateescape") + "\n"


def csv_header(file: BinaryIO, *, name: str) -> list[str]:
    """Return the names of the columns of an open CSV file, none if it is empty; errors as of the rows."""
    try:
        return _header(_text_lines(file, name=name), name=name)[0]
    except DamagedStreamError as damage:
        raise FileFormatError(f"{name}: {damage} in its first line. Copy the file again") from damage


def _header(lines: Iterator[str], *, name: str) -> tuple[list[str], str]:
    line = next((line for line in lines if line.strip()), None)
    if line is None:
        return [], ""
    delimiter = max(DELIMITERS, key=line.count)
    try:
        header = [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, strict=True))]
    except csv.Error as error:
        raise FileFormatError(f"{name}: the header is no CSV ({error}); the first line names the fields") from error
    if "" in header or len(set(header)) != len(header):
        raise FileFormatError(f"{name}: a CSV header names every column once, got {header[:20]}")
    return header, delimiter


def _why_bad(cells: list[str], header: list[str]) -> str | None:
    if len(cells) != len(header):
        return f"the row has {len(cells)} cells, the header names {len(header)}; quote cells that hold a separator"
    if not all(cell.isascii() or _is_unicode(cell) for cell in cells):
        return "the row is not UTF-8; convert the file to UTF-8"
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
