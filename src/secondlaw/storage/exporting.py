"""A whole store as files: one JSON-lines file a table, in a folder or a ``.tar.gz``; the way from SQLite to PostgreSQL.

An export is one state of the store, read in one transaction while it is in use. It is restored into an empty store of
the same schema. Hashes of access tokens are in it; secrets are not.
"""

import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, LargeBinary, Table, func, select, text

from secondlaw.errors import FileFormatError, InvalidInput, SchemaTooNew
from secondlaw.formats.whole_files import replace_file
from secondlaw.formats.writing import JsonlWriter
from secondlaw.storage.database import Database
from secondlaw.storage.migrating import HEAD, schema_version, secret_of
from secondlaw.storage.schema import EVERY_TABLE, leases, meta, streams

__all__ = ["export_store", "restore_store"]

CONTENTS = "contents.json"
FORMAT = "secondlaw/store/1"
ROWS_AT_ONCE = 2_000
NOT_EXPORTED = {leases.name}
"""Who works on what is true here and now only."""


def export_store(database: Database, path: Path) -> dict[str, int]:
    """Write a store to a folder that does not exist yet, or to a ``.tar.gz``; return the rows of each table."""
    packed = path.name.endswith((".tar.gz", ".tgz"))
    if not packed and path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise InvalidInput(f"{path} exists; name a new folder, or a file that ends in .tar.gz")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as parts:
        folder = Path(parts) / "store"
        folder.mkdir()
        rows = _write(database, folder)
        if packed:
            replace_file(path, lambda part: _pack(folder, part))
        else:
            if path.exists():
                path.rmdir()
            shutil.move(folder, path)
    return rows


def restore_store(database: Database, path: Path) -> dict[str, int]:
    """Fill an empty store from an export; return the rows of each table.

    Raises
    ------
    InvalidInput
        If the store is not empty.
    SchemaTooNew, FileFormatError
        If the export is of another schema; if it is none.
    """
    if path.is_dir():
        return _read(database, path)
    with tempfile.TemporaryDirectory() as parts:
        try:
            with tarfile.open(path, "r:gz") as archive:
                archive.extractall(parts, filter="data")
        except (tarfile.TarError, EOFError, OSError) as error:
            raise FileFormatError(f"{path} is no export of a store ({error})") from error
        return _read(database, Path(parts))


def _write(database: Database, folder: Path) -> dict[str, int]:
    rows: dict[str, int] = {}
    with database.reading() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        version = schema_version(connection)
        for table in EVERY_TABLE:
            if table.name in NOT_EXPORTED:
                continue
            with JsonlWriter(folder / f"{table.name}.jsonl") as out:
                for row in connection.execution_options(yield_per=ROWS_AT_ONCE).execute(select(table)):
                    out.write({name: _plain(value) for name, value in row._mapping.items()})
            rows[table.name] = out.rows
    (folder / CONTENTS).write_text(json.dumps({"format": FORMAT, "schema": version, "rows": rows}, indent=1))
    return rows


def _plain(value: Any) -> Any:  # noqa: ANN401 - a column's value
    return value.hex() if isinstance(value, (bytes, memoryview)) else value


def _pack(folder: Path, part: Path) -> None:
    with tarfile.open(part, "w:gz", compresslevel=6) as archive:
        for file in sorted(folder.iterdir()):
            archive.add(file, arcname=file.name)


def _read(database: Database, folder: Path) -> dict[str, int]:
    try:
        contents = json.loads((folder / CONTENTS).read_text())
        stated = contents["format"], contents["schema"], contents["rows"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileFormatError(f"{folder} holds no export of a store ({error})") from error
    if stated[0] != FORMAT or stated[1] != HEAD:
        raise SchemaTooNew(
            f"the export is of schema {stated[1]} ({stated[0]}), this secondlaw restores {HEAD} ({FORMAT}): restore it "
            f"with the secondlaw that wrote it, and upgrade that store"
        )

    def work(connection: Connection) -> dict[str, int]:
        if connection.execute(select(func.count()).select_from(streams)).scalar_one():
            raise InvalidInput("a store is restored into an empty one, this one has streams; open a new one")
        connection.execute(meta.delete())
        found = {table.name: _fill(connection, table, folder) for table in EVERY_TABLE if table.name in stated[2]}
        if found != stated[2]:
            raise FileFormatError(f"the export says {stated[2]} rows and has {found}; it is damaged")
        database.names(connection).forget()
        database.secret = secret_of(connection)
        return found

    rows = database.write(work)
    database.write(database.backend.after_restore)
    return rows


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
