"""Rows of a JSON-lines file, one object a line, streamed in blocks; a bad line costs itself and no other."""

import re
from collections.abc import Iterator
from typing import BinaryIO

import orjson

from secondlaw.errors import FileFormatError
from secondlaw.formats.compression import DamagedStreamError, plain_blocks
from secondlaw.formats.rows import BadRow, Row, excerpt_of

__all__ = ["MAX_LINE_BYTES", "read_jsonl_stream", "row_of_line", "split_lines"]

MAX_LINE_BYTES = 1 << 28
"""A longer line is bad: 256 MiB, some 25 times the longest response ever seen in a log."""
UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_NOT_JSON_NUMBER = re.compile(rb"[\[:,\s]-?(NaN|Infinity|nan|inf)\b")
_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_BLANK = b" \t\r\n"


def read_jsonl_stream(file: BinaryIO, *, name: str) -> Iterator[Row | BadRow]:
    """Yield the rows of an open JSON-lines file, plain or compressed.

    Blank lines are no rows. A line that is not valid UTF-8, not valid JSON (NaN and Infinity are not) or not an object
    is a :class:`BadRow`.

    Parameters
    ----------
    file : binary file
        At its beginning; it need not be seekable.
    name : str
        What messages call the file.

    Raises
    ------
    FileFormatError
        If the compressed data are damaged, after every row before the damage; or if the text is UTF-16.
    """
    line_number = sound = 0
    try:
        for lines in split_lines(plain_blocks(file), name=name):
            for line in lines:
                line_number += 1
                row = row_of_line(line, line_number)
                if row is not None:
                    sound += type(row) is Row
                    yield row
    except DamagedStreamError as damage:
        raise FileFormatError(
            f"{name}: {damage} after line {line_number}; {sound} rows before it were read. Copy the file again"
        ) from damage


def row_of_line(line: bytes, number: int) -> Row | BadRow | None:
    r"""Return the row of a line; None where the line is blank.

    Examples
    --------
    >>> row_of_line(b'{"id": 1}', 7)
    Row(line=7, value={'id': 1})
    """
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return BadRow(number, why_not_json(line, error), excerpt_of(line)) if line.strip(_BLANK) else None
    if type(value) is dict:
        return Row(number, value)
    return BadRow(number, f"a row is a JSON object, got {_kind(value)}", excerpt_of(line))


def split_lines(blocks: Iterator[bytes], *, name: str) -> Iterator[list[bytes]]:
    r"""Yield lists of whole lines without their ``\n``, the byte-order mark of the first removed.

    A line over `MAX_LINE_BYTES` is cut there, which leaves it no JSON; its rest is not held in memory. When the blocks
    end in damage, the line begun is handed out (and will be bad) before the error passes on.
    """
    pending: list[bytes] = []
    held = 0
    first = True
    damage: DamagedStreamError | None = None
    while True:
        try:
            block = next(blocks, None)
        except DamagedStreamError as error:
            damage, block = error, None
        if block is None:
            break
        if first:
            if block.startswith(_UTF16_BOMS):
                raise FileFormatError(f"{name} is UTF-16; rows are UTF-8: iconv -f UTF-16 -t UTF-8 {name} > utf8.jsonl")
            block, first = block.removeprefix(UTF8_BOM), False
        head, newline, tail = block.partition(b"\n")
        if held < MAX_LINE_BYTES:
            pending.append(head)
            held += len(head)
        if not newline:
            continue
        lines = tail.split(b"\n")
        lines.insert(0, b"".join(pending))
        pending = [lines.pop()]
        held = len(pending[0])
        yield lines
    last = b"".join(pending)
    if last:
        yield [last]
    if damage is not None:
        raise damage


def why_not_json(line: bytes, error: orjson.JSONDecodeError) -> str:
    """Say in one sentence why a line is no JSON, and what to do about the usual causes."""
    if len(line) >= MAX_LINE_BYTES:
        return f"the line is longer than {MAX_LINE_BYTES >> 20} MiB; cut the text, or check that lines end in newlines"
    try:
        line.decode()
    except UnicodeDecodeError as wrong:
        byte = f"byte 0x{line[wrong.start]:02x} at position {wrong.start}"
        return f"the line is not UTF-8 ({byte}); convert the file to UTF-8"
    if found := _NOT_JSON_NUMBER.search(line):
        return f"{found[1].decode()} is no JSON number; write null or leave the field out"
    if _LONE_SURROGATE.search(line):
        return f"the line holds half a character (a lone surrogate) or is no JSON: {error}"
    return f"the line is no JSON: {error}"


def _kind(value: object) -> str:
    names = {list: "an array", str: "a text", int: "a number", float: "a number", bool: "true or false"}
    return names.get(type(value), "null")
