"""Looking after a store: is it there, is it whole, how big is it; backup, export, retention, merging."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from secondlaw.behavior.counts import Counts
from secondlaw.errors import FileFormatError, InvalidInput
from secondlaw.formats.whole_files import replace_file, sha256_of
from secondlaw.storage.counts_kept import KeptCounts
from secondlaw.storage.database import Database
from secondlaw.storage.exporting import export_store
from secondlaw.storage.integrity import problems
from secondlaw.storage.migrating import schema_version
from secondlaw.storage.restoring import restore_store
from secondlaw.storage.retention import Purged, purge
from secondlaw.storage.schema import EVERY_TABLE

__all__ = ["Administration", "Sizes"]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes on the disk, and rows by table."""

    bytes: int
    rows: dict[str, int]


class Administration:
    """What operators do with a store."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def ping(self) -> None:
        """Return if the store can be read.

        Raises
        ------
        StorageUnavailable
            If it cannot.
        """
        with self._db.reading() as connection:
            connection.execute(select(1)).scalar_one()

    def version(self) -> str:
        """Return the revision of the store's tables."""
        with self._db.reading() as connection:
            return schema_version(connection)

    def check(self) -> tuple[str, ...]:
        """Return what is wrong, in sentences; nothing if all is well. Reads the whole store."""
        with self._db.reading() as connection:
            return (*self._db.backend.check(connection), *problems(connection))

    def sizes(self) -> Sizes:
        """Return how big the store is; counts every row."""
        with self._db.reading() as connection:
            rows = {
                table.name: int(connection.execute(select(func.count()).select_from(table)).scalar_one())
                for table in EVERY_TABLE
            }
            return Sizes(self._db.backend.size(connection), rows)

    def purge(self) -> Purged:
        """Delete what is older than the settings say; to be called once an hour, by one process (take a lease)."""
        return purge(self._db)

    def backup(self, path: str | Path) -> None:
        """Copy a SQLite store into another file while it is in use, whole or not at all.

        Raises
        ------
        InvalidInput
            For PostgreSQL, which has its own means; :meth:`export` works for both.
        """
        self._db.backend.backup(Path(path))

    def export(self, path: str | Path) -> dict[str, int]:
        """Write everything to a new folder or a ``.tar.gz``; return the rows of each table."""
        return export_store(self._db, Path(path))

    def restore(self, path: str | Path) -> dict[str, int]:
        """Fill this store, which must be empty, from an export of SQLite or PostgreSQL, of this schema or an older."""
        return restore_store(self._db, Path(path))

    def export_counts(self, path: str | Path, *, stream: str) -> int:
        """Write a stream's counts to a ``.parquet`` or ``.json`` file; return how many responses they count."""
        counts = KeptCounts(self._db).read(stream)
        path = Path(path)
        if path.suffix == ".parquet":
            replace_file(path, counts.write_parquet)
        elif path.suffix == ".json":
            replace_file(path, lambda part: part.write_bytes(_json(counts)))
        else:
            raise InvalidInput(f"counts are written to a file that ends in .parquet or .json, got {path.name}")
        return counts.total

    def import_counts(self, path: str | Path, *, who: str) -> int:
        """Add counts from a file that :meth:`export_counts` wrote; the same file is added once.

        Returns
        -------
        int
            How many responses were added; 0 if the file had been added before.
        """
        path = Path(path)
        counts = Counts.read_parquet(path) if path.suffix == ".parquet" else _from_json(path)
        added = KeptCounts(self._db).add(counts, source=f"sha256:{sha256_of(path)}", who=who)
        return counts.total if added else 0


def _json(counts: Counts) -> bytes:
    import orjson

    return orjson.dumps(counts.to_dict())


def _from_json(path: Path) -> Counts:
    import orjson

    try:
        return Counts.from_dict(orjson.loads(path.read_bytes()))
    except (OSError, orjson.JSONDecodeError, InvalidInput) as error:
        raise FileFormatError(f"{path} holds no counts ({error})") from error
