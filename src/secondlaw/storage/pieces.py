"""Deleting much, a piece at a time, so that ingest goes on in between."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, CursorResult, Table, delete, select, tuple_

from secondlaw.storage.database import Database

__all__ = ["PIECE", "delete_in_pieces", "delete_rows"]

PIECE = 5_000
"""Rows deleted in a transaction: some tens of milliseconds."""


def delete_in_pieces(database: Database, table: Table, *conditions: ColumnElement[bool]) -> int:
    """Delete the rows that fulfil all conditions; return how many."""
    key = list(table.primary_key.columns)
    some = select(*key).where(*conditions).limit(PIECE)
    where = tuple_(*key).in_(some) if len(key) > 1 else key[0].in_(some)
    gone = 0
    while found := database.write(partial(delete_rows, table=table, conditions=(where,))):
        gone += found
    return gone


def delete_rows(connection: Connection, *, table: Table, conditions: Sequence[ColumnElement[bool]]) -> int:
    """Delete rows in the transaction given; return how many."""
    result: CursorResult[Any] = connection.execute(delete(table).where(*conditions))
    return int(result.rowcount)
