"""PostgreSQL: any number of processes on one database, through psycopg 3."""

from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Select, Table, create_engine, text
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from secondlaw.errors import InvalidInput, StorageError, StorageFull, StorageUnavailable
from secondlaw.storage.schema import EVERY_TABLE
from secondlaw.storage.settings import StoreSettings

__all__ = ["PostgresBackend"]

CONNECT_SECONDS = 5
MIGRATION_LOCK = 0x5EC0_11D1
"""Number of the advisory lock that a migrating process holds."""
CONFLICTS = ("40001", "40P01")
"""SQLSTATE of serialization failures and deadlocks."""
FULL = ("53100", "53200", "53400")
"""SQLSTATE of a full disk, no memory, an exceeded configured limit."""
Chosen = TypeVar("Chosen", bound=Select[Any])


class PostgresBackend:
    """A store in a PostgreSQL database.

    Parameters
    ----------
    url : URL
        ``postgresql://user:password@host/database``; options of libpq as query, such as ``?sslmode=verify-full``.
    settings : StoreSettings
        `fsync` and `readers` matter here.
    """

    name = "postgresql"
    one_writer = False

    def __init__(self, url: URL, settings: StoreSettings) -> None:
        self.address = url.render_as_string(hide_password=True)
        durable = "on" if settings.fsync == "full" else "off"
        options = str(url.query.get("options", "")) + f" -c synchronous_commit={durable} -c timezone=UTC"
        engine = create_engine(
            url.set(drivername="postgresql+psycopg").difference_update_query(["options"]),
            connect_args={
                "options": options.strip(),
                "connect_timeout": CONNECT_SECONDS,
                "application_name": "secondlaw",
                "keepalives_idle": 30,
            },
            pool_size=settings.readers,
            max_overflow=settings.readers,
            pool_pre_ping=True,
            hide_parameters=True,  # texts of people, which no log shall hold
        )
        self.writing: Engine = engine
        self.reading: Engine = engine

    @staticmethod
    def insert(table: Table) -> Insert:
        """Return an insert that knows ``on_conflict_do_update``."""
        return Insert(table)

    def locked(self, rows: Chosen, *, skip: bool = False) -> Chosen:
        """Hold the selected rows until the transaction ends."""
        return rows.with_for_update(skip_locked=skip)

    def shared(self, rows: Chosen) -> Chosen:
        """Keep the selected rows from being changed until the transaction ends."""
        return rows.with_for_update(read=True)

    def now(self, connection: Connection) -> int:
        """Return the server's time, so that the clocks of replicas do not matter."""
        return int(connection.exec_driver_sql("SELECT extract(epoch FROM clock_timestamp()) * 1000000").scalar_one())

    def alone(self, connection: Connection) -> None:
        """Wait until no other process migrates."""
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})

    def failure(self, error: BaseException) -> StorageError:
        """Return a driver's error as one of ours."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        state = getattr(cause, "sqlstate", None) or ""
        said = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
        if state in FULL:
            return StorageFull(f"{self.address}: {said}; make room, then send again what was not acknowledged")
        gone = isinstance(error, DBAPIError) and error.connection_invalidated
        lost = isinstance(error, (OperationalError, InterfaceError)) and not state
        if gone or lost or state[:2] in ("08", "57", "53") or state in CONFLICTS:
            return StorageUnavailable(f"{self.address} cannot be used now ({said}); try again")
        return StorageError(f"the store {self.address} failed: {said}")

    def is_conflict(self, error: BaseException) -> bool:
        """Whether a transaction was only broken off because of another one."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        return getattr(cause, "sqlstate", None) in CONFLICTS

    def size(self, connection: Connection) -> int:
        """Return the bytes of the store's tables and their indexes."""
        names = ", ".join(f"'{table.name}'" for table in EVERY_TABLE)
        return int(
            connection.execute(
                text(f"SELECT coalesce(sum(pg_total_relation_size(t::regclass)), 0) FROM unnest(ARRAY[{names}]) t")  # noqa: S608
            ).scalar_one()
        )

    def check(self, connection: Connection) -> tuple[str, ...]:
        """Return nothing: the files of the server are checked by pg_amcheck."""
        return ()

    def backup(self, path: Path) -> None:
        """Refuse: the server has its own means."""
        raise InvalidInput("a backup of PostgreSQL is made with pg_dump, or as an export of the store")

    def after_restore(self, connection: Connection) -> None:
        """Let the sequences go on after the largest number."""
        for table in EVERY_TABLE:
            column = table.autoincrement_column
            if column is not None:
                connection.execute(
                    text(
                        f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column.name}'), "  # noqa: S608
                        f"coalesce((SELECT max({column.name}) FROM {table.name}), 0) + 1, false)"
                    )
                )

    def close(self) -> None:
        """Close all connections."""
        self.writing.dispose()
