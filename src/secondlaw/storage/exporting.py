"""A whole store as files: one JSON-lines file a table, in a folder or a ``.tar.gz``; the way from SQLite to PostgreSQL.

An export is one state of the store, read in one transaction while it is in use. Hashes of access tokens are in it;
secrets are not.
"""

import json
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select, text

from secondlaw.errors import InvalidInput
from secondlaw.formats.whole_files import replace_file
from secondlaw.formats.writing import JsonlWriter
from secondlaw.storage.database import Database
from secondlaw.storage.migrating import schema_version
from secondlaw.storage.schema import EVERY_TABLE, leases

__all__ = ["CONTENTS", "FORMAT", "ROWS_AT_ONCE", "export_store", "write_tables"]

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
        with database.reading() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            rows = write_tables(connection, folder)
        if packed:
            replace_file(path, lambda part: _pack(folder, part))
        else:
            if path.exists():
                path.rmdir()
            shutil.move(folder, path)
    return rows


def write_tables(connection: Connection, folder: Path) -> dict[str, int]:
    """Write every table of a store to a folder; return the rows of each."""
    rows: dict[str, int] = {}
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
