"""SQLite: one file in write-ahead mode, one writer, any number of readers.

Every writing transaction begins with ``BEGIN IMMEDIATE``, so that it waits for its turn at its beginning and is never
refused in its middle. Nothing of a transaction is in the file until all of it is in the log, which is why a kill at any
moment leaves the state of the last commit.
"""

import sqlite3
import time
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Select, Table, create_engine, event
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from secondlaw.errors import InvalidInput, StorageError, StorageFull, StorageUnavailable
from secondlaw.formats.whole_files import replace_file
from secondlaw.storage.settings import Fsync, StoreSettings

__all__ = ["SqliteBackend"]

BUSY_MILLISECONDS = 10_000
"""How long a writer waits for another process."""
CACHE_KIBIBYTES = 65_536
LOG_LIMIT = 64 << 20
"""Bytes to which the write-ahead log is cut back after a checkpoint."""
MICROSECONDS = 1_000_000
Chosen = TypeVar("Chosen", bound=Select[Any])


class SqliteBackend:
    """A store in one file.

    Parameters
    ----------
    url : URL
        ``sqlite:///path``; a file on a local disk (write-ahead mode needs shared memory, which network drives lack).
    settings : StoreSettings
        `fsync` and `readers` matter here.
    """

    name = "sqlite"
    one_writer = True

    def __init__(self, url: URL, settings: StoreSettings) -> None:
        if not url.database or url.database == ":memory:":
            raise InvalidInput(
                "a store needs a file, got SQLite in memory; write sqlite:////var/lib/secondlaw/store.db"
            )
        self.path = Path(url.database)
        self.address = url.render_as_string(hide_password=True)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not self.path.exists():
                self.path.touch(mode=0o600)  # readable by nobody else: it may hold texts
        except OSError as error:
            raise StorageUnavailable(f"{self.path} cannot be made ({error.strerror}); check its folder") from error
        self.writing = self._engine(url, settings.fsync, writes=True, connections=1)
        self.reading = self._engine(url, settings.fsync, writes=False, connections=settings.readers)

    @staticmethod
    def _engine(url: URL, fsync: Fsync, *, writes: bool, connections: int) -> Engine:
        engine = create_engine(
            url.set(drivername="sqlite+pysqlite"),
            connect_args={"timeout": BUSY_MILLISECONDS / 1000, "check_same_thread": False},
            pool_size=connections,
            max_overflow=0,
            hide_parameters=True,  # texts of people, which no log shall hold
        )

        @event.listens_for(engine, "connect")
        def connected(connection: sqlite3.Connection, _record: object) -> None:
            connection.isolation_level = None  # transactions begin where we say so
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
            if writes:
                cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute(f"PRAGMA synchronous = {fsync.upper()}")
            cursor.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES if writes else CACHE_KIBIBYTES // 8}")
            cursor.execute(f"PRAGMA journal_size_limit = {LOG_LIMIT}")
            cursor.execute("PRAGMA temp_store = MEMORY")
            cursor.execute("PRAGMA secure_delete = FAST")
            if not writes:
                cursor.execute("PRAGMA query_only = ON")
            cursor.close()

        @event.listens_for(engine, "begin")
        def begun(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

        return engine

    @staticmethod
    def insert(table: Table) -> Insert:
        """Return an insert that knows ``on_conflict_do_update``."""
        return Insert(table)

    def locked(self, rows: Chosen, *, skip: bool = False) -> Chosen:
        """Return the query as it is: a writing transaction has the file for itself."""
        return rows

    def shared(self, rows: Chosen) -> Chosen:
        """Return the query as it is."""
        return rows

    def now(self, connection: Connection) -> int:
        """Return the time of this machine: whoever shares the file runs on it."""
        return time.time_ns() // 1000

    def alone(self, connection: Connection) -> None:
        """Do nothing: a writing transaction has the file for itself."""

    def failure(self, error: BaseException) -> StorageError:
        """Return a driver's error as one of ours."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(cause, "sqlite_errorcode", None)
        primary = code & 0xFF if code is not None else None
        if primary == sqlite3.SQLITE_FULL:
            return StorageFull(f"the disk of {self.path} is full: make room, then send again what was not acknowledged")
        if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return StorageUnavailable(
                f"{self.path} is locked by another process for more than {BUSY_MILLISECONDS // 1000} s; try again"
            )
        if primary == sqlite3.SQLITE_IOERR:
            return StorageError(
                f"reading or writing {self.path} failed ({cause}): check the disk, and limits on the size of files; "
                f"send again what was not acknowledged"
            )
        if primary in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            return StorageUnavailable(
                f"{self.path} cannot be opened for writing ({cause}); check its folder's permissions"
            )
        if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return StorageError(f"{self.path} is damaged or no SQLite file ({cause}); restore a backup")
        return StorageError(f"the store {self.path} failed: {cause}")

    def is_conflict(self, error: BaseException) -> bool:
        """Return False: with one writer no transaction stands in another's way."""
        return False

    def size(self, connection: Connection) -> int:
        """Return the bytes of the file and its log."""
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def check(self, connection: Connection) -> tuple[str, ...]:
        """Return what SQLite's own check finds."""
        found = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA quick_check(20)")]
        return () if found == ["ok"] else tuple(found)

    def backup(self, path: Path) -> None:
        """Copy the store while it is in use, whole or not at all."""

        def copy(target: Path) -> None:
            target.unlink()
            with self.reading.connect() as connection:
                source = connection.connection.driver_connection
                copied = sqlite3.connect(target)
                try:
                    source.backup(copied)  # type: ignore[union-attr]
                    copied.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
                finally:
                    copied.close()

        replace_file(path, copy)

    def after_restore(self, connection: Connection) -> None:
        """Do nothing: SQLite goes on after the largest number."""

    def close(self) -> None:
        """Close all connections; the last one moves the log into the file."""
        self.reading.dispose()
        self.writing.dispose()
