"""Filling an empty store from an export: of this schema, or of an older one, which is brought up to date on the way.

An export of an older schema goes into a scratch SQLite file of that schema, the migrations bring the file up to date,
and what is in it then is restored. So an older export and an older store become the same thing, by the same steps.
"""

import json
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, LargeBinary, MetaData, Table, create_engine, func, select

from secondlaw.errors import FileFormatError, InvalidInput, SchemaTooNew
from secondlaw.storage.database import Database
from secondlaw.storage.exporting import CONTENTS, FORMAT, ROWS_AT_ONCE, write_tables
from secondlaw.storage.migrating import HEAD, first_values, migrate_to, revisions, secret_of
from secondlaw.storage.schema import EVERY_TABLE, meta, streams

__all__ = ["restore_store"]


def restore_store(database: Database, path: Path) -> dict[str, int]:
    """Fill an empty store from an export; return the rows of each table.

    Raises
    ------
    InvalidInput
        If the store is not empty.
    SchemaTooNew, FileFormatError
        If a newer secondlaw wrote the export; if it is none.
    """
    with tempfile.TemporaryDirectory() as parts:
        folder = path
        if not path.is_dir():
            folder = Path(parts)
            try:
                with tarfile.open(path, "r:gz") as archive:
                    archive.extractall(folder, filter="data")
            except (tarfile.TarError, EOFError, OSError) as error:
                raise FileFormatError(f"{path} is no export of a store ({error})") from error
        schema, rows = _contents(folder)
        if schema != HEAD:
            folder = _brought_up_to_date(folder, schema, rows, scratch=Path(parts))
            schema, rows = _contents(folder)
        return _restore(database, folder, rows)


def _contents(folder: Path) -> tuple[str, dict[str, int]]:
    """Return the schema of an export and the rows of each table, as it states them."""
    try:
        contents = json.loads((folder / CONTENTS).read_text())
        form, schema, rows = contents["format"], contents["schema"], contents["rows"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileFormatError(f"{folder} holds no export of a store ({error})") from error
    if form != FORMAT or schema not in revisions():
        raise SchemaTooNew(
            f"the export is of schema {schema} ({form}), this secondlaw restores {HEAD} and older ({FORMAT}): restore "
            f"it with the secondlaw that wrote it, or upgrade this one"
        )
    return schema, rows


def _brought_up_to_date(folder: Path, schema: str, rows: dict[str, int], *, scratch: Path) -> Path:
    """Return an export of this schema that holds what one of an older schema held."""
    engine = create_engine(f"sqlite:///{scratch / 'older.db'}", hide_parameters=True)
    made = scratch / "upgraded"
    made.mkdir()
    try:
        with engine.begin() as connection:
            migrate_to(connection, schema, address=str(folder))
            older = MetaData()
            older.reflect(connection)
            _fill_all(connection, [older.tables[name] for name in rows if name in older.tables], folder, rows)
            migrate_to(connection, HEAD, address=str(folder))
            first_values(connection)
            write_tables(connection, made)
    finally:
        engine.dispose()
    return made


def _restore(database: Database, folder: Path, rows: dict[str, int]) -> dict[str, int]:
    def work(connection: Connection) -> dict[str, int]:
        if connection.execute(select(func.count()).select_from(streams)).scalar_one():
            raise InvalidInput("a store is restored into an empty one, this one has streams; open a new one")
        connection.execute(meta.delete())
        found = _fill_all(connection, [table for table in EVERY_TABLE if table.name in rows], folder, rows)
        database.names(connection).forget()
        database.secret = secret_of(connection)
        return found

    done = database.write(work)
    database.write(database.backend.after_restore)
    return done


def _fill_all(connection: Connection, tables: list[Table], folder: Path, rows: dict[str, int]) -> dict[str, int]:
    """Fill tables from their files; refuse those that hold other numbers of rows than stated."""
    found = {table.name: _fill(connection, table, folder) for table in tables}
    if found != rows:
        raise FileFormatError(f"the export says {rows} rows and has {found}; it is damaged")
    return found


def _fill(connection: Connection, table: Table, folder: Path) -> int:
    n = 0
    for rows in _batches(folder / f"{table.name}.jsonl", table):
        connection.execute(table.insert(), rows)
        n += len(rows)
    return n


def _batches(path: Path, table: Table) -> Iterator[list[dict[str, Any]]]:
    binary = [column.name for column in table.columns if isinstance(column.type, LargeBinary)]
    names = {column.name for column in table.columns}
    batch: list[dict[str, Any]] = []
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                row = json.loads(line)
                if set(row) != names:
                    raise ValueError(f"line {number} has the columns {sorted(row)}")
                batch.append(row | {name: bytes.fromhex(row[name]) for name in binary})
                if len(batch) >= ROWS_AT_ONCE:
                    yield batch
                    batch = []
    except (OSError, ValueError, TypeError) as error:
        raise FileFormatError(f"{path.name} of the export cannot be read ({error})") from error
    if batch:
        yield batch
